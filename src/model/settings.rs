//! Settings and what they may be.

use super::items::Item;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::plan::Automations;
use crate::syntax::tree::{LiteralKind, Setting, SettingValue};
use salsa::Database;
use std::str::FromStr;

/// What a setting's values may be.
#[derive(Clone, Copy)]
pub enum Takes {
    /// One text.
    Text,
    /// One text, or a secret.
    TextOrSecret,
    /// E-mail addresses.
    Emails,
    /// A URL, or a secret that holds one.
    Url,
    /// A whole number in this range.
    Whole(u64, u64),
    /// A length of time: `5m`.
    Time,
    /// An amount of memory: `2GiB`.
    Memory,
    /// A cron line.
    Cron,
    /// An IANA time zone.
    Zone,
    /// One of these words.
    Word(&'static [&'static str]),
    /// One of these kinds, with its own settings.
    Kind(&'static [(&'static str, &'static [Known])]),
    /// One character.
    Character,
    /// An encoding's label.
    Encoding,
    /// One text or more.
    Texts,
}

/// A setting that there is.
#[derive(Clone, Copy)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub takes: Takes,
}

const fn known(name: &'static str, takes: Takes) -> Known {
    Known { name, takes }
}

const WEBHOOK: &[Known] = &[
    known("batch", Takes::Time),
    known("count", Takes::Whole(1, 1_000_000)),
    known("secret", Takes::TextOrSecret),
];
const SCHEDULE: &[Known] = &[known("cron", Takes::Cron), known("timezone", Takes::Zone)];

/// A connector's settings.
pub const CONNECTOR: &[Known] = &[
    known("name", Takes::Text),
    known("description", Takes::Text),
    known("trigger", Takes::Kind(&[("spreadsheet", &[]), ("webhook", WEBHOOK), ("schedule", SCHEDULE)])),
    known("sample", Takes::Text),
    known("concurrency", Takes::Whole(0, 10_000)),
    known("chunk", Takes::Whole(1, 100_000)),
    known("timezone", Takes::Zone),
    known("notify", Takes::Emails),
    known("on_end", Takes::Url),
    known("memory", Takes::Memory),
    known("time_limit", Takes::Time),
];

/// An input's reader options.
pub const READER: &[Known] = &[
    known("delimiter", Takes::Character),
    known("encoding", Takes::Encoding),
    known("header", Takes::Whole(1, 1_000_000)),
    known("missing", Takes::Texts),
];

const AFTER: &[Known] = &[known(
    "automations",
    Takes::Word(&[
        Automations::All.name(),
        Automations::None.name(),
        Automations::New.name(),
        Automations::Matched.name(),
    ]),
)];

/// Checks `after { … }`.
pub fn check_after(db: &dyn Database, item: Item<'_>, settings: &[Setting]) -> Vec<Diagnostic> {
    check(db, item, settings, AFTER, "`after`")
}

/// What `after { … }` says of automations.
pub fn automations(settings: &[Setting]) -> Automations {
    let written = settings.iter().find(|s| s.name.text == "automations").map(|s| s.values.as_slice());
    match written {
        Some([SettingValue::Word(word)]) => Automations::from_name(&word.text).unwrap_or_default(),
        _ => Automations::default(),
    }
}

/// Checks settings against those there are; `of` says whose they are.
pub fn check(
    db: &dyn Database,
    item: Item<'_>,
    settings: &[Setting],
    known: &[Known],
    of: &str,
) -> Vec<Diagnostic> {
    let mut faults = super::names::repeated(db, item, "setting", settings.iter().map(|s| &s.name));
    for setting in settings.iter().filter(|s| !s.name.text.is_empty()) {
        let leaks = secrets(db, item, setting);
        let leaked = !leaks.is_empty();
        faults.extend(leaks);
        let Some(found) = known.iter().find(|k| k.name == setting.name.text) else {
            if !leaked {
                faults.push(unknown(db, item, setting, known, of));
            }
            continue;
        };
        // A setting without anything after it could not be read, and is told as that.
        let empty = setting.values.is_empty() && setting.block.is_none();
        if let Some((code, message, help)) = refusal(setting, found.takes).filter(|_| !empty) {
            let range = setting.values.first().map_or(setting.name.range, |v| {
                setting.values.last().map_or(v.range(), |l| v.range().to(l.range()))
            });
            faults.push(
                Diagnostic::new(code, item.span(db, range), message)
                    .here(format!("the setting `{}`", setting.name.text))
                    .help(help),
            );
        }
        match found.takes {
            Takes::Kind(kinds) => {
                let kind = setting.values.first().and_then(|v| match v {
                    SettingValue::Word(w) => kinds.iter().find(|(name, _)| *name == w.text),
                    _ => None,
                });
                if let (Some((name, inner)), Some(block)) = (kind, &setting.block) {
                    faults.extend(check(db, item, block, inner, &format!("a {name}")));
                }
                let scheduled = kind.is_some_and(|(name, _)| *name == "schedule");
                let has_cron = setting.block.iter().flatten().any(|s| s.name.text == "cron");
                if scheduled && !has_cron {
                    faults.push(
                        Diagnostic::new(
                            Code::BadCron,
                            item.span(db, setting.range),
                            "the schedule does not say when",
                        )
                        .here("no `cron`")
                        .help("write `trigger schedule { cron \"0 6 * * MON\" }`"),
                    );
                }
            }
            _ => {
                if let Some(block) = &setting.block
                    && let Some(first) = block.first()
                {
                    faults.push(
                        Diagnostic::new(
                            Code::BadSetting,
                            item.span(db, first.range),
                            format!("`{}` has no settings of its own", setting.name.text),
                        )
                        .here("does not belong here")
                        .help("leave the braces out"),
                    );
                }
            }
        }
    }
    faults
}

fn unknown(db: &dyn Database, item: Item<'_>, setting: &Setting, known: &[Known], of: &str) -> Diagnostic {
    let names: Vec<&str> = known.iter().map(|k| k.name).collect();
    let name = &setting.name.text;
    Diagnostic::new(
        Code::UnknownSetting,
        item.span(db, setting.name.range),
        format!("{of} has no setting `{name}`"),
    )
    .here("unknown setting")
    .help(match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "leave it out".to_owned(),
        None => format!("the settings are {}", names.join(", ")),
    })
}

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
fn refusal(setting: &Setting, takes: Takes) -> Option<(Code, String, String)> {
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
                let why = croner::Cron::from_str(line).err()?.to_string();
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

/// Secrets that a setting writes out.
fn secrets(db: &dyn Database, item: Item<'_>, setting: &Setting) -> Vec<Diagnostic> {
    const WORDS: [&str; 8] =
        ["password", "passwd", "token", "secret", "api_key", "apikey", "private_key", "credential"];
    let name = setting.name.text.to_lowercase();
    let secret_name = WORDS.iter().any(|w| name.contains(w));
    setting
        .values
        .iter()
        .filter_map(|value| match value {
            SettingValue::Literal(l) => match &l.kind {
                LiteralKind::Text(t) => Some((t, l.range)),
                _ => None,
            },
            _ => None,
        })
        .filter(|(text, _)| secret_name || has_password(text))
        .map(|(text, range)| {
            let what = if has_password(text) {
                "a password stands in this address".to_owned()
            } else {
                format!("`{}` is written out", setting.name.text)
            };
            Diagnostic::new(Code::SecretWrittenOut, item.span(db, range), what)
                .here("readable by everyone who reads this file")
                .help(format!(
                    "write `{} secret(\"NAME\")`, and give the secret to the run",
                    setting.name.text
                ))
        })
        .collect()
}

/// `scheme://user:password@host`
fn has_password(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    host.rsplit_once('@').is_some_and(|(user, _)| user.split_once(':').is_some_and(|(_, p)| !p.is_empty()))
}
