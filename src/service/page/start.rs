//! Starting a run: files, dry or live, parameters.

use super::super::{ApiError, App, Upload};
use super::connector::{Head, known, plan_now, read};
use super::session::Visitor;
use super::show::{self, clear};
use super::{Frame, PageError, page};
use crate::life::{Ask, Failure, InputFile, given_input, incomplete, kept_input, queue};
use crate::plan::ParameterPlan;
use crate::project::Project;
use crate::project::state::{ExecutionRow, Role, State};
use askama::Template;
use axum::extract::{self, Path, Query};
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
    edited: bool,
}

#[derive(Deserialize)]
pub struct Again {
    #[serde(default)]
    again: String,
}

pub async fn form(
    extract::State(app): extract::State<App>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(Again { again }): Query<Again>,
) -> Result<Response, PageError> {
    visitor.caller.may(Role::Run)?;
    let project = app.project().clone();
    let frame = Frame::new("Start a run", &app, &visitor);
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
        Err(errors) => (Vec::new(), Vec::new(), clear(&errors)),
    };
    let folder = earlier.as_ref().map(|e| project.root().join(&e.folder));
    Ok(StartPage {
        frame,
        head: Head::of(state, &connector, "start")?,
        parameters,
        missing,
        errors,
        live: earlier.as_ref().is_some_and(|e| e.live),
        again: earlier.map(|e| e.id).unwrap_or_default(),
        files: folder.iter().flat_map(|f| kept_input(f)).map(|f| show::file(&f)).collect(),
        edited: crate::life::edited(project, &connector),
    })
}

/// A parameter, with what an earlier run was given for it.
fn parameter(p: &ParameterPlan, given: &[String]) -> Parameter {
    let given = given.iter().filter_map(|g| g.split_once('=')).find(|(name, _)| *name == p.name);
    Parameter {
        given: given.map(|(_, value)| clear(value)).unwrap_or_default(),
        name: p.name.clone(),
        ty: p.ty.to_string(),
        default: p.default.as_ref().map(|v| clear(&v.to_string())).unwrap_or_default(),
        required: p.default.is_none(),
    }
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
    visitor: Visitor,
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
    let plan = plan_now(project, &connector)?;
    let mut input: Vec<InputFile> = upload.files.clone();
    if let Some(earlier) = earlier(state, name, upload.field("again").unwrap_or_default())? {
        input.extend(given_input(&project.root().join(&earlier.folder)));
    }
    if input.is_empty() && !plan.inputs.is_empty() {
        return Err(
            Failure::new("no file was chosen", "go back, and choose the files that the run reads").into()
        );
    }
    let params = upload.fields.iter().filter_map(|(field, value)| {
        let name = field.strip_prefix("param.")?;
        let known = plan.parameters.iter().find(|p| p.name == name);
        // A field that was left empty leaves the default.
        (!(value.is_empty() && known.is_some_and(|p| p.default.is_some()))).then(|| format!("{name}={value}"))
    });
    let ask = Ask {
        file: project.root().join(&connector.file),
        input,
        live: upload.field("mode") == Some("live"),
        params: params.collect(),
        target: None,
        out: None,
        workbook: true,
        guard_formulas: upload.field("guard") == Some("on"),
        triggered_by: by,
    };
    Ok(queue(plan, ask)?)
}
