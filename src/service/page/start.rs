//! Starting a run: files, dry or live, parameters.

use super::super::upload::Sent;
use super::super::{ApiError, App, Upload};
use super::asked::{Path, Query};
use super::connector::{File, Head, known, plan_now, read};
use super::session::{Runner, Visitor};
use super::show::{self, clear};
use super::{Frame, PageError, page};
use crate::life::{
    Ask, Failure, InputFile, active_version, given_input, incomplete, kept_files, kept_input, known_plan,
    queue,
};
use crate::plan::ParameterPlan;
use crate::project::state::{ExecutionRow, Role, State, Submission};
use crate::project::{Project, ProjectError};
use askama::Template;
use axum::extract;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

struct Parameter {
    name: String,
    ty: String,
    default: String,
    given: String,
    /// The value itself, where it is sent back and has what its field cannot show.
    was: String,
    required: bool,
    /// What is wrong with what was given.
    wrong: String,
}

/// What somebody sent that cannot be: the form is shown again with it.
struct Refused {
    why: Failure,
    fields: Vec<(String, String)>,
}

impl Refused {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The parameter that it is about.
    fn parameter<'p>(&self, mut parameters: impl Iterator<Item = &'p ParameterPlan>) -> Option<&'p str> {
        let about = |p: &&ParameterPlan| self.why.what.starts_with(&format!("the parameter `{}` ", p.name));
        parameters.find(about).map(|p| p.name.as_str())
    }

    /// It in words.
    fn words(&self, project: &Project) -> String {
        let hint = self.why.hint.iter().map(|hint| format!(": {hint}")).collect::<String>();
        show::own(project, &format!("{}{hint}", self.why.what))
    }
}

#[derive(Template)]
#[template(path = "start.html")]
struct StartPage {
    frame: Frame,
    head: Head,
    parameters: Vec<Parameter>,
    missing: Vec<String>,
    errors: String,
    live: bool,
    /// An execution whose input is taken again, and the names of its files.
    again: String,
    files: Vec<(String, String)>,
    /// The target of that one, where it was not the usual one.
    target: String,
    /// Whether cells are to be guarded, to begin with.
    guard: bool,
    now: File,
    /// Whether only the active version can run, since its file cannot.
    only_live: bool,
    /// What is wrong with what was sent: the files, or else.
    wrong_files: String,
    wrong: String,
    /// Whether it was sent before: a browser does not choose the same files again.
    retry: bool,
}

#[derive(Deserialize)]
pub struct Again {
    #[serde(default)]
    again: String,
}

pub async fn form(
    extract::State(app): extract::State<App>,
    Runner(visitor): Runner,
    Path(name): Path<String>,
    Query(Again { again }): Query<Again>,
) -> Result<Response, PageError> {
    let project = app.project().clone();
    let frame = Frame::new("", &app, &visitor);
    let shown = app.with(move |state| of(frame, &project, state, &name, &again, None)).await?;
    page(&shown)
}

fn of(
    frame: Frame,
    project: &Project,
    state: &mut State,
    name: &str,
    again: &str,
    refused: Option<&Refused>,
) -> Result<StartPage, ApiError> {
    let connector = known(project, state, name)?;
    let earlier = earlier(state, name, again)?;
    let given = earlier.as_ref().map(|e| state.submission(&e.id)).transpose()?.unwrap_or_default();
    let (plan, missing, errors) = match read(project, &connector) {
        Ok((loaded, plan)) => {
            let missing = incomplete(&loaded, &plan);
            (Some(plan), missing, String::new())
        }
        // A live run takes the active version all the same.
        Err(unfit) => (known_plan(state, name, connector.version)?, Vec::new(), unfit.words()),
    };
    let parameters = || plan.iter().flat_map(|p| &p.parameters);
    let about = refused.and_then(|r| r.parameter(parameters()));
    let words = refused.map(|r| r.words(project)).unwrap_or_default();
    let lines = parameters().map(|p| {
        let wrong = if about == Some(p.name.as_str()) { words.clone() } else { String::new() };
        let sent = refused.and_then(|r| r.field(&format!("param.{}", p.name)));
        parameter(p, &given.params, sent, wrong)
    });
    let lines: Vec<Parameter> = lines.collect();
    let no_files = refused.is_some_and(|r| r.why.what == NO_FILE);
    let files = earlier.as_ref().map(|e| kept_files(project, e)).transpose().map_err(ApiError::not_there)?;
    let head = Head::of(project, state, &connector, "start")?;
    let only_live = head.active && !errors.is_empty();
    let live = match refused {
        Some(sent) => sent.field("mode") == Some("live"),
        None => earlier.as_ref().is_some_and(|e| e.live),
    };
    Ok(StartPage {
        frame: Frame { title: format!("Start a run of {}", head.label), ..frame },
        head,
        parameters: lines,
        missing: missing.iter().map(|m| show::own(project, m)).collect(),
        errors,
        live: live || only_live,
        only_live,
        again: earlier.map(|e| e.id).unwrap_or_default(),
        target: given.target.as_deref().map(clear).unwrap_or_default(),
        guard: refused.map_or(given.guard_formulas, |r| r.field("guard") == Some("on")),
        files: files.iter().flat_map(|f| kept_input(f)).map(|f| show::file(&f)).collect(),
        retry: refused.is_some(),
        now: File::of(project, &connector),
        wrong_files: if no_files { words.clone() } else { String::new() },
        wrong: if no_files || about.is_some() { String::new() } else { words.clone() },
    })
}

/// A parameter, with what was sent for it just now or given to an earlier run.
fn parameter(p: &ParameterPlan, given: &[String], sent: Option<&str>, wrong: String) -> Parameter {
    Parameter {
        given: sent.or(value_of(given, &p.name)).map(typed).unwrap_or_default(),
        was: sent.filter(|sent| typed(sent) != *sent).unwrap_or_default().to_owned(),
        wrong,
        name: p.name.clone(),
        ty: p.ty.to_string(),
        default: p.default.as_ref().map(|v| clear(&v.to_string())).unwrap_or_default(),
        required: p.default.is_none(),
    }
}

/// What an earlier run was given for a parameter.
fn value_of<'g>(given: &'g [String], name: &str) -> Option<&'g str> {
    given.iter().filter_map(|g| g.split_once('=')).find(|(n, _)| *n == name).map(|(_, value)| value)
}

/// A value as it stands in its field, which holds one line, of what can be seen.
fn typed(value: &str) -> String {
    clear(value).replace('\n', "\\u{000a}").replace('\r', "\\u{000d}")
}

/// The fields of a form as they are meant: a parameter that was left as it was shown is what it was before.
fn meant(fields: &[(String, String)]) -> Vec<(String, String)> {
    let before = |name: &str| {
        let was = format!("was.{}", name.strip_prefix("param.")?);
        fields.iter().find(|(n, _)| *n == was).map(|(_, value)| value)
    };
    let meant = |(name, value): &(String, String)| {
        let before = before(name).filter(|before| typed(before) == *value);
        (name.clone(), before.unwrap_or(value).clone())
    };
    fields.iter().map(meant).collect()
}

/// The execution whose input is taken again; it is one of this connector.
fn earlier(state: &State, name: &str, id: &str) -> Result<Option<ExecutionRow>, ApiError> {
    if id.is_empty() {
        return Ok(None);
    }
    let row = state.execution(id)?.filter(|e| e.connector == name);
    row.map(Some).ok_or_else(|| ApiError::missing("execution", id))
}

pub async fn submit(
    extract::State(app): extract::State<App>,
    Runner(visitor): Runner,
    Path(name): Path<String>,
    sent: Result<Sent, ApiError>,
) -> Result<Response, PageError> {
    let Sent { mut upload, refused } = sent?;
    // What could not be read for another reason may not even have its signature.
    let large = match refused {
        Some(e) if e.status() == StatusCode::PAYLOAD_TOO_LARGE => Some(e),
        Some(e) => return Err(e.into()),
        None => None,
    };
    upload.fields = meant(&upload.fields);
    visitor.signs(upload.field("csrf"), Role::Run)?;
    let project = app.project().clone();
    let frame = Frame::new("", &app, &visitor);
    let by = visitor.who;
    let status =
        if large.is_some() { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::UNPROCESSABLE_ENTITY };
    let begun = app
        .with(move |state| {
            let again = upload.field("again").unwrap_or_default();
            let why = match large {
                Some(large) => Failure::new(large.error, large.help.unwrap_or_default()),
                None => match begin(&project, state, &name, &upload, by) {
                    Ok(id) => return Ok(Ok(id)),
                    Err(NotBegun::Other(e)) => return Err(e),
                    Err(NotBegun::Refused(why)) => why,
                },
            };
            let refused = Refused { why, fields: upload.fields.clone() };
            of(frame, &project, state, &name, again, Some(&refused)).map(Err)
        })
        .await?;
    Ok(match begun {
        Ok(id) => Redirect::to(&format!("/executions/{}", show::encode(&id))).into_response(),
        Err(again) => (status, page(&again)?).into_response(),
    })
}

/// Why nothing was begun.
enum NotBegun {
    /// What was sent cannot be: whoever sent it can mend it.
    Refused(Failure),
    /// Something else.
    Other(ApiError),
}

impl From<Failure> for NotBegun {
    fn from(e: Failure) -> Self {
        if e.broken { Self::Other(e.into()) } else { Self::Refused(e) }
    }
}

impl From<ApiError> for NotBegun {
    fn from(e: ApiError) -> Self {
        Self::Other(e)
    }
}

impl From<ProjectError> for NotBegun {
    fn from(e: ProjectError) -> Self {
        Self::Other(e.into())
    }
}

/// What is said where no file was chosen.
const NO_FILE: &str = "no file was chosen";

fn begin(
    project: &Project,
    state: &mut State,
    name: &str,
    upload: &Upload,
    by: String,
) -> Result<String, NotBegun> {
    let connector = known(project, state, name)?;
    let live = upload.field("mode") == Some("live");
    let active = live.then(|| active_version(project, state, &connector)).transpose()?.flatten();
    let plan = match active {
        Some((plan, _)) => plan,
        None => plan_now(project, &connector)?,
    };
    let mut input: Vec<InputFile> = upload.files.clone();
    let mut given = Submission::default();
    if let Some(earlier) = earlier(state, name, upload.field("again").unwrap_or_default())? {
        input.extend(given_input(&kept_files(project, &earlier).map_err(ApiError::not_there)?));
        given = state.submission(&earlier.id)?;
    }
    if input.is_empty() && plan.needs_input() {
        return Err(Failure::new(NO_FILE, "choose the files that the run reads").into());
    }
    let params = upload.fields.iter().filter_map(|(field, value)| {
        let name = field.strip_prefix("param.")?;
        let known = plan.parameters.iter().find(|p| p.name == name);
        // What was left as it was shown is what it was before.
        if let Some(before) = value_of(&given.params, name).filter(|before| typed(before) == *value) {
            return Some(format!("{name}={before}"));
        }
        // A field that was left empty leaves the default.
        (!(value.is_empty() && known.is_none_or(|p| p.default.is_some()))).then(|| format!("{name}={value}"))
    });
    let ask = Ask {
        file: project.root().join(&connector.file),
        input,
        live,
        params: params.collect(),
        target: given.target.clone(),
        out: None,
        workbook: true,
        guard_formulas: upload.field("guard") == Some("on"),
        triggered_by: by,
    };
    Ok(queue(plan, ask)?)
}
