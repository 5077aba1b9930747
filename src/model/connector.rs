//! `connector` and `param` items.

use super::db::{SourceFile, Workspace};
use super::items::{self, Item};
use super::sample::SampleFacts;
use super::setting_values;
use super::settings::{self, CONNECTOR};
use super::types;
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{
    Address, ConnectorPlan, Missed, NotifyPlan, NotifyWhen, ParameterPlan, SchedulePlan, Trigger, Verify,
    WebhookPlan,
};
use crate::syntax::tree::{Setting, SettingValue};
use crate::text::FileId;
use crate::value::literal_value;
use jiff::tz::TimeZone;
use salsa::Database;

/// Rows a commit, where the connector does not say.
const CHUNK: u64 = 500;

/// What is wrong with a connector's settings.
#[salsa::tracked]
pub fn connector_faults<'db>(
    db: &'db dyn Database,
    workspace: Workspace,
    item: Item<'db>,
) -> Vec<Diagnostic> {
    let Some(connector) = item.connector(db) else { return Vec::new() };
    let mut faults = settings::check(db, item, &connector.settings, CONNECTOR, "a connector");
    let sample = connector.settings.iter().find(|s| s.name.text == "sample");
    if let (SampleFacts::Unreadable { message }, Some(setting)) = (workspace.sample(db), sample)
        && item.file(db).id(db) == FileId(0)
    {
        let range = setting.values.first().map_or(setting.range, |v| v.range());
        faults.push(
            Diagnostic::new(
                Code::SampleUnreadable,
                item.span(db, range),
                format!("the sample cannot be read: {message}"),
            )
            .here("the sample")
            .help("the path is counted from the folder of this file"),
        );
    }
    faults
}

/// Load steps without a connector.
#[salsa::tracked]
pub fn missing_connector(db: &dyn Database, file: SourceFile) -> Option<Diagnostic> {
    let load = items::of_kind(db, file, "load").next()?;
    if items::of_kind(db, file, "connector").next().is_some() {
        return None;
    }
    Some(
        Diagnostic::new(Code::NoConnector, load.name_span(db), "this file has load steps and no connector")
            .here("a load step")
            .help("add `connector NAME { trigger spreadsheet }` at the top"),
    )
}

/// The connector's settings as planned.
pub fn connector_plan(db: &dyn Database, file: SourceFile) -> Option<ConnectorPlan> {
    let connector = items::of_kind(db, file, "connector").next()?.connector(db)?;
    let setting = |name: &str| connector.settings.iter().find(|s| s.name.text == name);
    let text = |name: &str| setting(name).and_then(setting_values::text).map(str::to_owned);
    Some(ConnectorPlan {
        name: connector.name.text.clone(),
        label: text("name").unwrap_or_else(|| connector.name.text.clone()),
        description: text("description"),
        sample: text("sample"),
        chunk: setting("chunk").and_then(setting_values::whole).unwrap_or(CHUNK),
        concurrency: setting("concurrency").and_then(setting_values::whole),
        memory: setting("memory").and_then(setting_values::bytes),
        time_limit: setting("time_limit").and_then(setting_values::seconds),
        timezone: text("timezone").unwrap_or_else(|| "UTC".to_owned()),
        trigger: setting("trigger").map(trigger).unwrap_or_default(),
        notify: NotifyPlan {
            to: setting("notify")
                .map(setting_values::texts)
                .unwrap_or_default()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            when: setting("notify_when").and_then(when).unwrap_or_default(),
        },
        on_end: setting("on_end").and_then(address),
    })
}

fn trigger(setting: &Setting) -> Trigger {
    let inner = |name: &str| setting.block.iter().flatten().find(|s| s.name.text == name);
    let text = |name: &str| inner(name).and_then(setting_values::text).map(str::to_owned);
    match setting.values.as_slice() {
        [SettingValue::Word(word)] if word.text == "webhook" => Trigger::Webhook(WebhookPlan {
            batch: inner("batch").and_then(setting_values::seconds),
            count: inner("count").and_then(setting_values::whole),
            secret: inner("secret").and_then(setting_values::secret).map(str::to_owned),
            verify: inner("verify").and_then(verify).unwrap_or_default(),
        }),
        [SettingValue::Word(word)] if word.text == "schedule" => Trigger::Schedule(SchedulePlan {
            cron: text("cron").unwrap_or_default(),
            timezone: text("timezone"),
            missed: inner("missed").and_then(missed).unwrap_or_default(),
        }),
        _ => Trigger::Spreadsheet,
    }
}

fn verify(setting: &Setting) -> Option<Verify> {
    match setting.values.as_slice() {
        [SettingValue::Word(word)] => Verify::ALL.into_iter().find(|v| v.name() == word.text),
        _ => None,
    }
}

fn missed(setting: &Setting) -> Option<Missed> {
    match setting.values.as_slice() {
        [SettingValue::Word(word)] => Missed::ALL.into_iter().find(|m| m.name() == word.text),
        _ => None,
    }
}

fn when(setting: &Setting) -> Option<NotifyWhen> {
    match setting.values.as_slice() {
        [SettingValue::Word(word)] => NotifyWhen::ALL.into_iter().find(|w| w.name() == word.text),
        _ => None,
    }
}

fn address(setting: &Setting) -> Option<Address> {
    let url = setting_values::text(setting).map(|t| Address::Url(t.to_owned()));
    url.or_else(|| setting_values::secret(setting).map(|s| Address::Secret(s.to_owned())))
}

/// The zone of a file's local times; UTC where it has no connector, or that names none that there is.
#[salsa::tracked]
pub fn timezone(db: &dyn Database, file: SourceFile) -> TimeZone {
    connector_plan(db, file).and_then(|c| TimeZone::get(&c.timezone).ok()).unwrap_or(TimeZone::UTC)
}

/// A run parameter as planned, and what is wrong with it.
#[salsa::tracked]
pub fn check_param<'db>(
    db: &'db dyn Database,
    workspace: Workspace,
    item: Item<'db>,
) -> (Option<ParameterPlan>, Vec<Diagnostic>) {
    let mut faults = Vec::new();
    let Some(param) = item.param(db) else { return (None, faults) };
    let Some(resolved) = types::resolve_type(db, workspace, item, &param.ty, &mut faults) else {
        return (None, faults);
    };
    let ty = resolved.ty;
    if ty.array {
        faults.push(
            Diagnostic::new(
                Code::UnknownType,
                item.span(db, param.ty.range),
                format!("the parameter `{}` is one value, not several", param.name.text),
            )
            .here("several values")
            .help(format!("write `{}`", ty.base.name())),
        );
        return (None, faults);
    }
    let mut default = None;
    if let Some(written) = &param.default {
        let zone = timezone(db, item.file(db));
        match literal_value(ty, types::literal(written), None, &resolved.formats, zone) {
            Ok(value) => default = Some(value),
            Err(why) => faults.push(
                Diagnostic::new(Code::LiteralDoesNotFit, item.span(db, written.range), why)
                    .here(format!("not of type {ty}"))
                    .label(item.span(db, param.ty.range), "the type")
                    .help(types::literal_help(ty.base)),
            ),
        }
    }
    let name = param.name.text.clone();
    (Some(ParameterPlan { name, ty, formats: resolved.formats, default }), faults)
}
