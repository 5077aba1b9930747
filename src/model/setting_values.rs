//! What the values of settings may be.

use super::settings::Takes;
use crate::diagnostic::{Code, nearest};
use crate::syntax::tree::{LiteralKind, Setting, SettingValue};
use std::str::FromStr;

/// The text of a single text setting.
pub fn text(setting: &Setting) -> Option<&str> {
    match setting.values.as_slice() {
        [SettingValue::Literal(l)] => match &l.kind {
            LiteralKind::Text(t) => Some(t),
            _ => None,
        },
        _ => None,
    }
}

/// The number of a single whole-number setting.
pub fn whole(setting: &Setting) -> Option<u64> {
    match setting.values.as_slice() {
        [SettingValue::Literal(l)] => match &l.kind {
            LiteralKind::Number(n) => n.replace('_', "").parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// The name of the secret that a setting takes its value from.
pub fn secret(setting: &Setting) -> Option<&str> {
    match setting.values.as_slice() {
        [SettingValue::Secret(name)] => Some(&name.value),
        _ => None,
    }
}

/// The texts of a setting with several.
pub fn texts(setting: &Setting) -> Vec<&str> {
    setting
        .values
        .iter()
        .filter_map(|v| match v {
            SettingValue::Literal(l) => match &l.kind {
                LiteralKind::Text(t) => Some(t.as_str()),
                _ => None,
            },
            _ => None,
        })
        .collect()
}
/// Why a setting's values are not what it takes: code, message, help.
pub fn refusal(setting: &Setting, takes: Takes) -> Option<(Code, String, String)> {
    let name = &setting.name.text;
    let bad = |message: String, help: &str| Some((Code::BadSetting, message, help.to_owned()));
    let is_secret = matches!(setting.values.as_slice(), [SettingValue::Secret(_)]);
    match takes {
        Takes::Text => text(setting)
            .is_none()
            .then(|| (Code::BadSetting, format!("`{name}` takes one text"), format!("write `{name} \"…\"`"))),
        Takes::TextOrSecret => (text(setting).is_none() && !is_secret).then(|| {
            (Code::BadSetting, format!("`{name}` takes a secret"), format!("write `{name} secret(\"NAME\")`"))
        }),
        Takes::Texts => {
            let all = texts(setting).len() == setting.values.len() && !setting.values.is_empty();
            (!all).then(|| {
                (Code::BadSetting, format!("`{name}` takes texts"), format!("write `{name} \"NA\", \"-\"`"))
            })
        }
        Takes::Emails => {
            let found = texts(setting);
            if found.len() != setting.values.len() || found.is_empty() {
                return bad(
                    format!("`{name}` takes e-mail addresses"),
                    "write `notify \"a@example.com\", \"b@example.com\"`",
                );
            }
            let wrong = found.iter().find(|t| !email_address::EmailAddress::is_valid(t))?;
            bad(format!("\"{wrong}\" is not an e-mail address"), "an address looks like a@example.com")
        }
        Takes::Url => {
            let url = text(setting).is_some_and(|t| {
                let rest = t.strip_prefix("https://").or_else(|| t.strip_prefix("http://"));
                rest.is_some_and(|r| !r.is_empty() && !r.contains(char::is_whitespace))
            });
            if url || is_secret {
                return None;
            }
            bad(
                format!("`{name}` takes a web address"),
                "write `on_end \"https://…\"`, or `on_end secret(\"NAME\")`",
            )
        }
        Takes::Whole(least, most) => {
            if whole(setting).is_some_and(|n| (least..=most).contains(&n)) {
                return None;
            }
            bad(
                format!("`{name}` takes a whole number from {least} to {most}"),
                &format!("write `{name} {least}`, or a larger number"),
            )
        }
        Takes::Time => {
            if quantity(setting).is_some_and(|q| amount(q, &TIMES).is_some()) {
                return None;
            }
            bad(format!("`{name}` takes a length of time"), "write a number and its unit: 30s, 5m, 2h, 1d")
        }
        Takes::Memory => {
            if bytes(setting).is_some() {
                return None;
            }
            bad(format!("`{name}` takes an amount of memory"), "write a number and its unit: 512MiB, 2GiB")
        }
        Takes::Character => {
            if text(setting).is_some_and(|t| t.chars().count() == 1) {
                return None;
            }
            bad(format!("`{name}` takes one character"), "write `delimiter \";\"`")
        }
        Takes::Encoding => {
            let Some(label) = text(setting) else {
                return bad(
                    format!("`{name}` takes the name of an encoding"),
                    "write `encoding \"windows-1252\"`",
                );
            };
            if encoding_rs::Encoding::for_label(label.as_bytes()).is_some() {
                return None;
            }
            let near = nearest(
                label,
                ["utf-8", "utf-16le", "utf-16be", "windows-1252", "iso-8859-1", "iso-8859-15"],
            );
            let help = near.map_or("write \"utf-8\" or \"windows-1252\"".to_owned(), |n| {
                format!("did you mean \"{n}\"?")
            });
            bad(format!("there is no encoding \"{label}\""), &help)
        }
        Takes::Word(words) => {
            let [SettingValue::Word(word)] = setting.values.as_slice() else {
                return bad(
                    format!("`{name}` takes one word"),
                    &format!("choose one of {}", words.join(", ")),
                );
            };
            if words.contains(&word.text.as_str()) {
                return None;
            }
            let help = nearest(&word.text, words.iter().copied()).map_or_else(
                || format!("choose one of {}", words.join(", ")),
                |n| format!("did you mean `{n}`?"),
            );
            bad(format!("`{name}` cannot be `{}`", word.text), &help)
        }
        Takes::Kind(kinds) => {
            let names: Vec<&str> = kinds.iter().map(|(name, _)| *name).collect();
            let [SettingValue::Word(word)] = setting.values.as_slice() else {
                return bad(
                    format!("`{name}` takes one word"),
                    &format!("choose one of {}", names.join(", ")),
                );
            };
            if names.contains(&word.text.as_str()) {
                return None;
            }
            let help = nearest(&word.text, names.iter().copied()).map_or_else(
                || format!("choose one of {}", names.join(", ")),
                |n| format!("did you mean `{n}`?"),
            );
            bad(format!("there is no {name} `{}`", word.text), &help)
        }
        Takes::Cron => {
            let help = "five fields: minute, hour, day of month, month, day of week, as in \"0 6 * * MON\"";
            let Some(line) = text(setting) else {
                return Some((Code::BadCron, "`cron` takes one text".to_owned(), help.to_owned()));
            };
            let fields = line.split_whitespace().count();
            if line.trim_start().starts_with('@') || fields == 5 {
                let why = match croner::Cron::from_str(line) {
                    Ok(cron) if comes_due(&cron) => return None,
                    Ok(_) => {
                        let message = format!("\"{line}\" never comes due: no day is like it");
                        let help = "look at day and month: `0 6 30 2 *` would be the 30th of February";
                        return Some((Code::BadCron, message, help.to_owned()));
                    }
                    Err(why) => why.to_string(),
                };
                let message = match bad_cron_field(line) {
                    Some((field, what)) => format!("\"{field}\" is no {what}"),
                    None => format!("\"{line}\" is not a schedule: {}", why.trim_end_matches('.')),
                };
                return Some((Code::BadCron, message, help.to_owned()));
            }
            Some((Code::BadCron, format!("\"{line}\" has {fields} fields, not 5"), help.to_owned()))
        }
        Takes::Zone => {
            let Some(zone) = text(setting) else {
                return bad("`timezone` takes one text".to_owned(), "write `timezone \"Europe/Berlin\"`");
            };
            if jiff::tz::TimeZone::get(zone).is_ok() {
                return None;
            }
            let all: Vec<String> = jiff::tz::db().available().map(|n| n.to_string()).collect();
            let near = nearest(zone, all.iter().map(String::as_str));
            let help = near.map_or_else(
                || "use an IANA name such as \"Europe/Berlin\" or \"UTC\"".to_owned(),
                |n| format!("did you mean \"{n}\"?"),
            );
            Some((Code::UnknownTimezone, format!("there is no time zone \"{zone}\""), help))
        }
    }
}

/// Whether any day is like a cron line. After 400 years the calendar's days come again as they were.
fn comes_due(cron: &croner::Cron) -> bool {
    let first = jiff::civil::date(2000, 1, 1);
    let days = std::iter::successors(Some(first), |day| day.tomorrow().ok());
    days.take_while(|day| day.year() < 2400).any(|day| {
        let part = |n: i8| u32::from(n.unsigned_abs());
        let weekday = u32::from(day.weekday().to_sunday_zero_offset().unsigned_abs());
        let weekday = croner::Weekday::from_days_from_sunday(weekday);
        let (year, month) = (i32::from(day.year()), part(day.month()));
        cron.pattern.month_match(month).unwrap_or(true)
            && cron.pattern.day_match(year, month, part(day.day()), weekday).unwrap_or(true)
    })
}

/// The field of a cron line that is wrong by itself, and what it should be.
fn bad_cron_field(line: &str) -> Option<(&str, &'static str)> {
    const FIELDS: [&str; 5] =
        ["minute (0-59)", "hour (0-23)", "day of the month (1-31)", "month (1-12)", "day of the week (0-7)"];
    let mut fields = line.split_whitespace().zip(FIELDS).enumerate();
    fields.find_map(|(i, (field, what))| {
        let mut alone = ["*"; 5];
        *alone.get_mut(i)? = field;
        croner::Cron::from_str(&alone.join(" ")).is_err().then_some((field, what))
    })
}

fn quantity(setting: &Setting) -> Option<&str> {
    match setting.values.as_slice() {
        [SettingValue::Quantity(q)] => Some(&q.value),
        _ => None,
    }
}

/// Milliseconds of each unit of time.
const TIMES: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Bytes of each unit of memory.
const MEMORY: [(&str, u64); 6] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("KB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
];

/// A quantity in the smallest of these units; none where it is not a positive number and a unit.
fn amount(quantity: &str, units: &[(&str, u64)]) -> Option<u64> {
    let unit = quantity.trim_start_matches(|c: char| c.is_ascii_digit());
    let number: u64 = quantity.strip_suffix(unit)?.parse().ok().filter(|n| *n > 0)?;
    let (_, size) = units.iter().find(|(name, _)| *name == unit)?;
    number.checked_mul(*size)
}

/// The bytes of a setting such as `memory 2GiB`.
pub fn bytes(setting: &Setting) -> Option<u64> {
    amount(quantity(setting)?, &MEMORY)
}

/// The seconds of a setting such as `time_limit 5m`; at least one.
pub fn seconds(setting: &Setting) -> Option<u64> {
    amount(quantity(setting)?, &TIMES).map(|ms| ms.div_ceil(1000))
}
