//! Exact decimal numbers.

use super::Miss;
use crate::value::NUMBER_SCALE;
use crate::value::format::same_mark;
use rust_decimal::Decimal;

const SCALE: usize = NUMBER_SCALE as usize;
/// Significant digits of an exact number.
const DIGITS: usize = 28;
/// Digits before the point that a number column has room for.
const WHOLE: usize = super::super::NUMBER_PRECISION as usize - SCALE;

/// Reads `[+-]digits[decimal digits]`, the digits before the decimal mark in groups of three where
/// the thousands mark is used at all; no decimals without a mark for them. Gives the mantissa at the scale of number columns.
pub(super) fn parse(text: &str, thousands: Option<char>, decimal: Option<char>) -> Result<i128, Miss> {
    let (negative, body) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if let Some(mantissa) = plain(body, decimal) {
        return Ok(if negative { -mantissa } else { mantissa });
    }
    let (mut whole, mut fraction) = (Run::default(), Run::default());
    let mut point = false;
    // Digits since the last thousands mark; none before the first.
    let mut group: Option<usize> = None;
    for c in body.chars() {
        match c {
            '0'..='9' => {
                let digit = c as u8 - b'0';
                if point {
                    fraction.push(digit);
                } else {
                    whole.push(digit);
                    group = group.map(|n| n + 1);
                }
            }
            _ if Some(c) == decimal && !point => {
                if group.is_some_and(|n| n != 3) {
                    return Err(Miss::Shape);
                }
                (point, group) = (true, None);
            }
            _ if thousands.is_some_and(|mark| same_mark(mark, c)) && !point => {
                let well = match group {
                    None => (1..=3).contains(&whole.count) && !whole.leading_zero,
                    Some(n) => n == 3,
                };
                if !well {
                    return Err(Miss::Shape);
                }
                group = Some(0);
            }
            _ => return Err(Miss::Shape),
        }
    }
    if group.is_some_and(|n| n != 3) || (point && fraction.count == 0) || whole.count + fraction.count == 0 {
        return Err(Miss::Shape);
    }
    join(&whole, &fraction).map(|m| if negative { -m } else { m })
}

/// The usual number, which fits a machine word: digits, and perhaps a mark and decimals. None for every
/// other text, also for what is wrong.
fn plain(body: &str, decimal: Option<char>) -> Option<i128> {
    // 19 digits are below 2^64.
    if body.is_empty() || body.len() > 19 {
        return None;
    }
    let (mut value, mut decimals) = (0u64, None);
    for byte in body.bytes() {
        match byte {
            b'0'..=b'9' => {
                value = value * 10 + u64::from(byte - b'0');
                decimals = decimals.map(|n| n + 1);
            }
            _ if Some(char::from(byte)) == decimal && decimals.is_none() => decimals = Some(0),
            _ => return None,
        }
    }
    let zeros = match decimals {
        None => SCALE,
        Some(0) => return None,
        Some(n) => SCALE.checked_sub(n)?,
    };
    Some(i128::from(value) * 10i128.pow(zeros as u32))
}

/// Digits of one side of the decimal mark.
#[derive(Default)]
struct Run {
    /// How many, zeros included.
    count: usize,
    /// Whether the first of them is a zero.
    leading_zero: bool,
    /// Up to and including the last digit that is not zero.
    used: usize,
    /// The position of the first digit that is not zero.
    first: Option<usize>,
    /// The value of the first 38 digits, those before the first non-zero left out.
    value: u128,
    /// The value up to `used`.
    trimmed: u128,
}

impl Run {
    fn push(&mut self, digit: u8) {
        if self.count == 0 {
            self.leading_zero = digit == 0;
        }
        if digit != 0 && self.first.is_none() {
            self.first = Some(self.count);
        }
        self.count += 1;
        // Past any limit the value no longer matters: the count decides.
        self.value = self.value.saturating_mul(10).saturating_add(u128::from(digit));
        if digit != 0 {
            self.used = self.count;
            self.trimmed = self.value;
        }
    }
}

fn join(whole: &Run, fraction: &Run) -> Result<i128, Miss> {
    let whole_digits = whole.first.map_or(0, |first| whole.count - first);
    if whole_digits > WHOLE {
        return Err(Miss::TooLarge);
    }
    if fraction.used > SCALE {
        return Err(Miss::TooManyDecimals);
    }
    // With no digit before the point, the zeros right after it do not count.
    let fraction_digits = match whole_digits {
        0 => fraction.first.map_or(0, |first| fraction.used - first),
        _ => fraction.used,
    };
    if whole_digits + fraction_digits > DIGITS {
        return Err(Miss::TooLarge);
    }
    let scaled = 10u128.pow((SCALE - fraction.used) as u32).checked_mul(fraction.trimmed);
    let mantissa =
        whole.value.checked_mul(10u128.pow(SCALE as u32)).zip(scaled).and_then(|(w, f)| w.checked_add(f));
    mantissa.and_then(|m| i128::try_from(m).ok()).ok_or(Miss::TooLarge)
}

/// The number of a mantissa at the scale of number columns.
pub(super) fn decimal(mut mantissa: i128) -> Result<Decimal, Miss> {
    let mut scale = SCALE as u32;
    while scale > 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    Decimal::try_from_i128_with_scale(mantissa, scale).map_err(|_| Miss::TooLarge)
}
