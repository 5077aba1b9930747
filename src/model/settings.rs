//! Settings and what they may be.

use super::items::Item;
use super::setting_values::refusal;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::plan::{Automations, MOST_EVENTS, Missed, NotifyWhen, Verify};
use crate::syntax::tree::{LiteralKind, Setting, SettingValue};
use salsa::Database;

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
    known("count", Takes::Whole(1, MOST_EVENTS)),
    known("secret", Takes::TextOrSecret),
    known("verify", Takes::Word(&[Verify::Standard.name(), Verify::Token.name(), Verify::Nothing.name()])),
];
const SCHEDULE: &[Known] = &[
    known("cron", Takes::Cron),
    known("timezone", Takes::Zone),
    known("missed", Takes::Word(&[Missed::RunOnce.name(), Missed::RunAll.name(), Missed::Skip.name()])),
];

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
    known(
        "notify_when",
        Takes::Word(&[NotifyWhen::Always.name(), NotifyWhen::Errors.name(), NotifyWhen::Failure.name()]),
    ),
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
                let hook = kind.is_some_and(|(name, _)| *name == "webhook");
                faults.extend(nobody_may_send(db, item, setting).filter(|_| hook));
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

/// A webhook has a secret that its senders know, or says that anybody may send.
fn nobody_may_send(db: &dyn Database, item: Item<'_>, trigger: &Setting) -> Option<Diagnostic> {
    let inner = |name: &str| trigger.block.iter().flatten().find(|s| s.name.text == name);
    let open = inner("verify").is_some_and(|v| match v.values.as_slice() {
        [SettingValue::Word(word)] => word.text == Verify::Nothing.name(),
        _ => true,
    });
    if open || inner("secret").is_some() {
        return None;
    }
    Some(
        Diagnostic::new(
            Code::WebhookWithoutSecret,
            item.span(db, trigger.range),
            "the webhook has no secret: the service refuses every request",
        )
        .here("does not say who may send")
        .help("write `secret secret(\"NAME\")`; or `verify nothing`, where anybody may send"),
    )
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
