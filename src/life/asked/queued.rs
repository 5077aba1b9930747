//! Into the queue: once for each key, and whole or not at all.

use super::{Ask, Asked};
use crate::life::Failure;
use crate::life::worker::Hold;
use crate::plan::Plan;
use crate::project::Project;
use crate::project::state::{Known, RequestKey};
use crate::run::{Silent, freeze};
use crate::system::stop::Stop;
use std::path::Path;

/// A key by which the same request, sent twice, is one execution.
#[derive(Clone, Debug)]
pub struct Key {
    /// Who sends it.
    pub caller: String,
    /// The key.
    pub key: String,
    /// What is asked, in short: another request with the same key is refused.
    pub request: String,
}

impl Key {
    fn as_request(&self) -> RequestKey<'_> {
        RequestKey { caller: &self.caller, key: &self.key, request: &self.request }
    }
}

/// What became of a request to queue an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Queued {
    /// It waits, under this id.
    New(String),
    /// An earlier request with the same key put it there.
    Before(String),
    /// Another request had the key: nothing was done.
    KeyTaken,
}

impl Queued {
    /// The id under which it waits.
    ///
    /// # Errors
    /// Where another request had the key.
    pub fn id(self) -> Result<String, Failure> {
        match self {
            Queued::New(id) | Queued::Before(id) => Ok(id),
            Queued::KeyTaken => Err(Failure::new("another request had this key", "take a new key")),
        }
    }
}

impl From<Known> for Queued {
    fn from(known: Known) -> Self {
        match known {
            Known::Same(id) => Queued::Before(id),
            Known::Other => Queued::KeyTaken,
        }
    }
}

/// Puts an execution into the project's queue; gives its id.
///
/// # Errors
/// Where there is no project, or what is asked for cannot be.
pub fn queue(plan: Plan, ask: Ask) -> Result<String, Failure> {
    queue_once(plan, ask, None)?.id()
}

/// Puts an execution into the project's queue, once for all requests with the same key.
///
/// # Errors
/// Where there is no project, or what is asked for cannot be.
pub fn queue_once(plan: Plan, ask: Ask, key: Option<&Key>) -> Result<Queued, Failure> {
    let key = key.map(Key::as_request);
    let Some(state) = Project::of(&ask.file)?.state()? else {
        return Err(Failure::new(
            "there is no project here, and so no queue",
            "make one with an empty file `sconn.toml`, or use `sconn run`",
        ));
    };
    if let Some(known) = key.map(|key| state.request(key)).transpose()?.flatten() {
        return Ok(known.into());
    }
    drop(state);
    check_whole(&plan, &ask)?;
    let asked = prepare(plan, ask)?;
    let Some(known) = asked.register_once(key)? else {
        asked.folder.known();
        return Ok(Queued::New(asked.execution));
    };
    // The same request was faster on another connection.
    let unused = asked.folder.root().to_path_buf();
    drop(asked);
    let _ = std::fs::remove_dir_all(unused);
    Ok(known.into())
}

/// Whether everything is given that a run needs: nobody may be there to hear of it when it begins.
fn check_whole(plan: &Plan, ask: &Ask) -> Result<(), Failure> {
    let name = &plan.connector.name;
    if ask.input.is_empty() && plan.needs_input() {
        return Err(Failure::new(
            format!("`{name}` reads input, and no file was given"),
            "hand in one or more files",
        ));
    }
    let given = |name: &str| ask.params.iter().any(|p| p.split_once('=').is_some_and(|(n, _)| n == name));
    match plan.parameters.iter().find(|p| p.default.is_none() && !given(&p.name)) {
        Some(parameter) => Err(Failure::new(
            format!("the parameter `{}` of `{name}` has no value", parameter.name),
            "give it one, or give it a default in the connector",
        )),
        None => Ok(()),
    }
}

/// An execution that is ready to be queued: what it is asked is kept in its folder and on the disk, and the state
/// does not know of it yet. Where that fails nothing is left of it.
pub(in crate::life) fn prepare(plan: Plan, ask: Ask) -> Result<Asked, Failure> {
    prepare_noted(plan, ask, &Stop::default(), |_| Ok(()))
}

/// The same, unless it is asked to stop; `note` is given its folder before anything is copied there, so that what a
/// process leaves that dies meanwhile can be found.
pub(in crate::life) fn prepare_noted(
    plan: Plan,
    ask: Ask,
    stop: &Stop,
    note: impl FnOnce(&Path) -> std::io::Result<()>,
) -> Result<Asked, Failure> {
    let own = ask.out.is_none();
    let asked = Asked::later(plan, ask)?;
    note(asked.folder.root())?;
    let kept = || {
        asked.folder.unknown()?;
        keep(&asked, stop)?;
        Ok::<(), Failure>(asked.folder.sync()?)
    };
    let kept = kept();
    if kept.is_err() && own {
        let _ = std::fs::remove_dir_all(asked.folder.root());
    }
    kept.map(|()| asked)
}

pub(super) fn keep(asked: &Asked, stop: &Stop) -> Result<(), Failure> {
    let target = asked.open_target()?;
    let (here, quiet, hold) = (std::env::current_dir()?, Silent, Hold::nobody());
    freeze(&asked.request(&here, &quiet, stop, &hold), &asked.folder, &target.info())?;
    asked.folder.leave();
    Ok(())
}
