//! Work done by a library that may panic where it should give an error: a damaged workbook, a full
//! disk. The panic becomes an error, and nothing is printed.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// From now on nothing is printed where this thread panics: whoever gave it its work gets the error.
pub fn quiet() {
    hush();
    GUARDED.set(true);
}

fn hush() {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let tell = take_hook();
        set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                tell(panic);
            }
        }));
    });
}

/// Does the work; what it was working on must not be used again after an error.
///
/// # Errors
/// The panic's message, where it panics.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    hush();
    let outer = GUARDED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    done.map_err(|panic| words(panic.as_ref()))
}

/// What a panic says.
pub fn words(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "it cannot be read or written".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::guarded;

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        assert_eq!(guarded(|| 1 + 1), Ok(2));
        let told = guarded(|| panic!("disk full"));
        let told: Result<(), String> = told;
        assert!(told.unwrap_err().contains("disk full"));
    }
}
