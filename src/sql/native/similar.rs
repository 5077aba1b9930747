//! How alike two texts are, and how a word sounds.

use super::unaccent::unaccent;
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;

/// Characters of a text that is compared. The work grows with the product of the two lengths: past
/// this one row could take minutes.
const LONGEST: usize = 10_000;

/// Jaro-Winkler similarity, 0 to 1, to six decimals.
pub(super) fn jaro_winkler(a: &str, b: &str) -> Option<Decimal> {
    share(strsim::jaro_winkler, a, b)
}

/// One minus the edits needed, as a share of the longer text: 0 to 1, to six decimals.
pub(super) fn levenshtein(a: &str, b: &str) -> Option<Decimal> {
    share(strsim::normalized_levenshtein, a, b)
}

fn share(similarity: fn(&str, &str) -> f64, a: &str, b: &str) -> Option<Decimal> {
    let short = |text: &str| text.len() <= LONGEST || text.chars().nth(LONGEST).is_none();
    if !(short(a) && short(b)) {
        return None;
    }
    Decimal::from_f64(similarity(a, b).clamp(0.0, 1.0)).map(|d| d.round_dp(6))
}

/// The American Soundex code of a word: a letter and three digits. None where it has no letter.
pub(super) fn soundex(text: &str) -> Option<String> {
    let plain = unaccent(text).to_ascii_uppercase();
    let mut letters = plain.chars().filter(char::is_ascii_uppercase);
    let first = letters.next()?;
    let mut code = String::from(first);
    let mut previous = digit(first);
    for letter in letters {
        if code.len() == 4 {
            break;
        }
        match (letter, digit(letter)) {
            // Same sounds on both sides of H or W count once.
            ('H' | 'W', _) => {}
            (_, Some(d)) => {
                if previous != Some(d) {
                    code.push(d);
                }
                previous = Some(d);
            }
            (_, None) => previous = None,
        }
    }
    while code.len() < 4 {
        code.push('0');
    }
    Some(code)
}

fn digit(letter: char) -> Option<char> {
    match letter {
        'B' | 'F' | 'P' | 'V' => Some('1'),
        'C' | 'G' | 'J' | 'K' | 'Q' | 'S' | 'X' | 'Z' => Some('2'),
        'D' | 'T' => Some('3'),
        'L' => Some('4'),
        'M' | 'N' => Some('5'),
        'R' => Some('6'),
        _ => None,
    }
}
