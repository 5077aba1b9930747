//! The `sconn` command.
fn main() {}
