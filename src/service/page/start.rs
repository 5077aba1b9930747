//! Starting a run: files, dry or live, parameters.

use super::super::{ApiError, App, Upload};
use super::asked::{Path, Query};
use super::connector::{Head, known, plan_now, read};
use super::session::{Runner, Visitor};
use super::show::{self, clear};
use super::{Frame, PageError, page};
use crate::life::{
    Ask, Changed, Failure, InputFile, active_version, given_input, incomplete, kept_files, kept_input,
    known_plan, queue,
};
use crate::plan::ParameterPlan;
use crate::project::Project;
use crate::project::state::{ExecutionRow, Role, State, Submission};
use askama::Template;
use axum::extract;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

struct Parameter {
    name: String,
    ty: String,
    default: String,
    given: String,
    required: bool,
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
    edited: bool,
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
    let shown = app.with(move |state| of(frame, &project, state, &name, &again)).await?;
    page(&shown)
}

fn of(
    frame: Frame,
    project: &Project,
    state: &mut State,
    name: &str,
    again: &str,
) -> Result<StartPage, ApiError> {
    let connector = known(project, state, name)?;
    let earlier = earlier(state, name, again)?;
    let given = earlier.as_ref().map(|e| state.submission(&e.id)).transpose()?.unwrap_or_default();
    let (parameters, missing, errors) = match read(project, &connector) {
        Ok((loaded, plan)) => {
            let parameters = plan.parameters.iter().map(|p| parameter(p, &given.params)).collect();
            (parameters, incomplete(&loaded, &plan), String::new())
        }
        // A live run takes the active version all the same.
        Err(errors) => {
            let active = known_plan(state, name, connector.version)?;
            let parameters = active.iter().flat_map(|p| &p.parameters);
            (parameters.map(|p| parameter(p, &given.params)).collect(), Vec::new(), clear(&errors))
        }
    };
    let files = earlier.as_ref().map(|e| kept_files(project, e)).transpose().map_err(ApiError::not_there)?;
    let head = Head::of(project, state, &connector, "start")?;
    Ok(StartPage {
        frame: Frame { title: format!("Start a run of {}", head.label), ..frame },
        head,
        parameters,
        missing: missing.iter().map(|m| show::own(project, m)).collect(),
        errors,
        live: earlier.as_ref().is_some_and(|e| e.live),
        again: earlier.map(|e| e.id).unwrap_or_default(),
        target: given.target.as_deref().map(clear).unwrap_or_default(),
        guard: given.guard_formulas,
        files: files.iter().flat_map(|f| kept_input(f)).map(|f| show::file(&f)).collect(),
        edited: crate::life::changed(project, &connector) == Some(Changed::Edited),
    })
}

/// A parameter, with what an earlier run was given for it.
fn parameter(p: &ParameterPlan, given: &[String]) -> Parameter {
    Parameter {
        given: value_of(given, &p.name).map(typed).unwrap_or_default(),
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
    upload: Result<Upload, ApiError>,
) -> Result<Response, PageError> {
    let upload = upload?;
    visitor.signs(upload.field("csrf"), Role::Run)?;
    let project = app.project().clone();
    let by = visitor.who;
    let id = app.with(move |state| begin(&project, state, &name, &upload, by)).await?;
    Ok(Redirect::to(&format!("/executions/{}", show::encode(&id))).into_response())
}

fn begin(
    project: &Project,
    state: &mut State,
    name: &str,
    upload: &Upload,
    by: String,
) -> Result<String, ApiError> {
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
        return Err(
            Failure::new("no file was chosen", "go back, and choose the files that the run reads").into()
        );
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
