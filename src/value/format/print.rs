//! Values printed by a format.

use super::{Format, ISO};
use crate::value::{Value, days_of_date};
use jiff::fmt::strtime;
use rust_decimal::Decimal;

impl Format {
    /// The value as this format writes it; datetimes in UTC. A value that the format is not for is
    /// printed in its canonical text, and the parts of a list one by one, joined by `; `.
    pub fn print(&self, value: &Value) -> String {
        let printed = match (self, value) {
            (_, Value::List(items)) => {
                return items.iter().map(|v| self.print(v)).collect::<Vec<_>>().join("; ");
            }
            (Format::Number { thousands, decimal }, Value::Number(n)) => {
                Some(number(*n, *thousands, *decimal))
            }
            (Format::Boolean { yes, no }, Value::Boolean(b)) => {
                Some(if *b { yes.clone() } else { no.clone() })
            }
            (Format::Pattern(p), _) if p == ISO => None,
            (Format::Pattern(p), Value::Date(d)) => strtime::format(p, *d).ok(),
            (Format::Pattern(p), Value::Datetime(t)) => {
                strtime::format(p, &t.to_zoned_datetime(jiff::tz::TimeZone::UTC)).ok()
            }
            (Format::Excel, Value::Date(d)) => Some(excel_day(i64::from(days_of_date(*d))).to_string()),
            (Format::Excel, Value::Datetime(t)) => {
                let millis = t.as_millisecond();
                let day = Decimal::from(excel_day(millis.div_euclid(86_400_000)));
                let part = Decimal::from(millis.rem_euclid(86_400_000)) / Decimal::from(86_400_000);
                Some((day + part).round_dp(10).normalize().to_string())
            }
            (Format::Unix, Value::Date(d)) => Some((i64::from(days_of_date(*d)) * 86_400).to_string()),
            (Format::Unix, Value::Datetime(t)) => {
                Some(Decimal::from_i128_with_scale(i128::from(t.as_microsecond()), 6).normalize().to_string())
            }
            (Format::UnixMillis, Value::Date(d)) => {
                Some((i64::from(days_of_date(*d)) * 86_400_000).to_string())
            }
            (Format::UnixMillis, Value::Datetime(t)) => {
                Some(Decimal::from_i128_with_scale(i128::from(t.as_microsecond()), 3).normalize().to_string())
            }
            _ => None,
        };
        printed.unwrap_or_else(|| value.to_string())
    }
}

/// The serial that spreadsheets give a day, from days after 1970. They count a 29 February 1900.
fn excel_day(unix_day: i64) -> i64 {
    let serial = unix_day + 25_569;
    if serial <= 60 { serial - 1 } else { serial }
}

fn number(n: Decimal, thousands: Option<char>, decimal: char) -> String {
    let text = n.normalize().to_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let mut out = String::with_capacity(text.len() * 4 / 3 + 2);
    out.push_str(sign);
    for (i, c) in whole.chars().enumerate() {
        if let Some(mark) = thousands.filter(|_| i > 0 && (whole.len() - i) % 3 == 0) {
            out.push(mark);
        }
        out.push(c);
    }
    if let Some(fraction) = fraction {
        out.push(decimal);
        out.push_str(fraction);
    }
    out
}
