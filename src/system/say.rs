//! What is said to people on standard error. Whoever listened may be gone, a closed pipe or a full disk: that ends
//! nothing, and least of all an execution in the middle.

use std::fmt::Display;
use std::io::Write;

/// Says a line.
pub fn say(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Says a text that ends its lines itself, as a question does not.
pub fn say_on(text: impl Display) {
    let _ = write!(std::io::stderr(), "{text}");
}
