//! What a page shows of a command's output, held against what the command says.

/// The text with what differs from run to run (ids, times) made the same.
pub(super) fn settled(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let part_of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        let end = rest.find(|c| !part_of_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        out.push_str(match word {
            _ if is_execution(word) => "20240304T101500Z-3f9a1c",
            _ if uuid::Uuid::try_parse(word).is_ok() => "01a20a45-c3f9-756f-bce6-3d47399954e0",
            _ if is_tenths(word) && after.starts_with(" s,") => "0.3",
            _ => word,
        });
        let next = after.chars().next().map_or(0, char::len_utf8);
        out.push_str(&after[..next]);
        rest = &after[next..];
    }
    out
}

/// `20240304T101500Z-3f9a1c`
fn is_execution(word: &str) -> bool {
    let shape: String = word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>();
    word.len() == 23 && shape.starts_with("00000000T000000Z-")
}

/// `0.3`
fn is_tenths(word: &str) -> bool {
    word.split_once('.').is_some_and(|(whole, tenth)| whole.parse::<u32>().is_ok() && tenth.len() == 1)
}

/// Whether all that is shown stands in the output, in its order; a line `…` stands for lines left out.
pub(super) fn is_shown(shown: &str, output: &str) -> Result<(), String> {
    let (shown, output) = (settled(shown), settled(output));
    let mut rest = output.as_str();
    for part in shown.split("…\n").map(str::trim_end).filter(|p| !p.trim().is_empty()) {
        let Some(at) = rest.find(part) else {
            return Err(format!("this is shown:\n{part}\n\nand this is said:\n{output}"));
        };
        rest = &rest[at + part.len()..];
    }
    Ok(())
}

#[test]
fn a_page_that_shows_something_else_is_found_out() {
    let said = "one, 0.4 s, execution 20261123T211521Z-002c4d\ntwo\nthree\n";
    let shown = |text: &str| is_shown(text, said).is_ok();
    assert!(shown("one, 1.2 s, execution 20240304T101500Z-3f9a1c\n…\nthree\n"));
    assert!(!shown("one, 1.2 s, execution 20240304T101500Z-3f9a1c\nthree\n"));
    assert!(!shown("three\n…\ntwo\n"));
    assert!(!shown("four\n"));
}
