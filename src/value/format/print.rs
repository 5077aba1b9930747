//! Values printed by a format.

use super::{Format, ISO};
use crate::value::{Value, days_of_date};
use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

impl Format {
    /// The value as this format writes it; instants as the clocks of `timezone` show them. A value that
    /// the format is not for is printed in its canonical text, and the parts of a list one by one,
    /// joined by `; `.
    pub fn print(&self, value: &Value, timezone: &TimeZone) -> String {
        let printed = match (self, value) {
            (_, Value::List(items)) => {
                return items.iter().map(|v| self.print(v, timezone)).collect::<Vec<_>>().join("; ");
            }
            (Format::Number { thousands, decimal }, Value::Number(n)) => {
                Some(number(*n, *thousands, *decimal))
            }
            (Format::Boolean { yes, no }, Value::Boolean(b)) => {
                Some(if *b { yes.clone() } else { no.clone() })
            }
            (Format::Pattern(p), Value::Datetime(t)) if p == ISO => Some(iso(*t, timezone)),
            (Format::Pattern(p), _) if p == ISO => None,
            // A day has no zone, and midnight is where a pattern asks for an hour.
            (Format::Pattern(p), Value::Date(d)) => {
                d.to_zoned_datetime(TimeZone::UTC).ok().and_then(|z| strtime::format(p, &z).ok())
            }
            (Format::Pattern(p), Value::Datetime(t)) => {
                strtime::format(p, &t.to_zoned_datetime(timezone.clone())).ok()
            }
            (Format::Excel, Value::Date(d)) => Some(excel_day(i64::from(days_of_date(*d))).to_string()),
            (Format::Excel, Value::Datetime(t)) => {
                let local = timezone.to_datetime(*t);
                let day = Decimal::from(excel_day(i64::from(days_of_date(local.date()))));
                let millis = local.time().duration_since(jiff::civil::Time::midnight()).as_millis();
                let part = Decimal::from(millis) / Decimal::from(86_400_000);
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

/// An instant by ISO 8601: with the offset that the zone has then, in UTC with `Z`.
pub(in crate::value) fn iso(instant: Timestamp, timezone: &TimeZone) -> String {
    if timezone == &TimeZone::UTC {
        return instant.to_string();
    }
    instant.to_zoned_datetime(timezone.clone()).strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string()
}

/// The serial that spreadsheets give a day, from days after 1970. They count a 29 February 1900.
fn excel_day(unix_day: i64) -> i64 {
    let serial = unix_day + 25_569;
    if serial <= 60 { serial - 1 } else { serial }
}

fn number(n: Decimal, thousands: Option<char>, decimal: Option<char>) -> String {
    // Decimals that the format does not show are printed all the same: nothing is rounded.
    let decimal = decimal.unwrap_or(if thousands == Some('.') { ',' } else { '.' });
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
