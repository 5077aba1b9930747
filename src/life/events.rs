//! Webhook events become executions: by themselves, a window at a time, or because somebody says so.

use super::activation::plan_to_run;
use super::asked::prepare;
use super::triggers::ask;

use super::{Asked, Failure, Known, Told};
use crate::input::InputFile;
use crate::plan::{MOST_EVENTS, Plan, Trigger};
use crate::project::Project;
use crate::project::state::{ConnectorState, Event, State, Window};
use crate::run::INPUTS;
use crate::system::clock::{Clock, SystemClock};
use crate::system::crash;
use crate::system::folder::ExecutionFolder;
use jiff::{SignedDuration, Timestamp};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The most events of one execution, and how many end a window where the connector sets no `count`.
const MOST: i64 = MOST_EVENTS as i64;

/// How many executions a connector gets in one turn: the queue is looked at between turns.
const ROUNDS: usize = 20;

/// Who started an execution of events, where nobody asked for it.
const BY: &str = "webhook";

/// Every window that has ended becomes an execution in the queue. One process does this at a time; a
/// connector whose window cannot be made into one keeps no other from it.
pub(super) fn batch(
    project: &Project,
    state: &mut State,
    told: &mut Told,
    news: &dyn Fn(String),
) -> Result<(), Failure> {
    let mut windows = state.windows()?;
    if windows.is_empty() {
        return Ok(());
    }
    let Some(desk) = Desk::of(project, state)? else { return Ok(()) };
    for _ in 0..ROUNDS {
        let mut queued = Vec::new();
        for window in windows {
            match ended(project, state, &desk, &window) {
                Ok(None) => told.well(&of(&window)),
                Ok(Some((execution, count))) => {
                    told.well(&of(&window));
                    news(format!("{execution}  {} has {count} webhook events", window.connector));
                    queued.push(window.connector);
                }
                Err(e) => {
                    told.failed(&of(&window), &e, news);
                    clear(&project.executions(), state)?;
                }
            }
        }
        if queued.is_empty() {
            break;
        }
        // More may wait for these than one execution takes.
        windows = state.windows()?;
        windows.retain(|w| queued.contains(&w.connector));
    }
    Ok(())
}

/// What is said of a window that cannot be made into an execution begins so.
fn of(window: &Window) -> String {
    format!("{}  its webhook events cannot be queued", window.connector)
}

/// Makes the window into an execution if it has ended, whether its connector is still active or not: what
/// waits came while it was, and an execution of an inactive one waits in the queue, where people see it.
fn ended(
    project: &Project,
    state: &mut State,
    desk: &Desk,
    window: &Window,
) -> Result<Option<(String, usize)>, Failure> {
    let Some(connector) = state.connector(&window.connector)? else { return Ok(None) };
    let Some(plan) = version(state, &connector)? else { return Ok(None) };
    // A version without a webhook still takes what came in before it was activated.
    let hook = match &plan.connector.trigger {
        Trigger::Webhook(hook) => hook.clone(),
        _ => Default::default(),
    };
    let seconds = hook.batch.and_then(|s| i64::try_from(s).ok()).unwrap_or(1);
    let mut end = window.since.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
    let most = hook.count.and_then(|n| i64::try_from(n).ok()).unwrap_or(MOST).min(MOST);
    if !connector.status.runs() {
        // Nothing more comes into it, and who activates the connector again is to see what waits.
        end = Timestamp::MAX;
    } else if (window.since..end).contains(&SystemClock.now()) && window.count < most {
        // Where the clock was put back, a window that begins later than now has ended.
        return Ok(None);
    }
    let events = state.waiting(&connector.name, end, most)?;
    let queued = queue(project, state, desk, (&connector, plan), &events, BY)?;
    forget(project, state)?;
    Ok(queued.map(|execution| (execution, events.len())))
}

/// Forgets events that something became of, and that are older than the project keeps them; some thousands at a time.
/// Gives how many.
pub(super) fn forget(project: &Project, state: &mut State) -> Result<usize, Failure> {
    let keep = SignedDuration::try_from(project.hooks().keep).unwrap_or(SignedDuration::MAX);
    Ok(state.forget_events(SystemClock.now().saturating_sub(keep).unwrap_or(Timestamp::MIN))?)
}

/// The plan of the version that was activated last.
fn version(state: &State, connector: &ConnectorState) -> Result<Option<Plan>, Failure> {
    connector.version.map(|version| plan_to_run(state, &connector.name, version)).transpose()
}

/// Puts an execution of these events into the queue. First its folder is made, with the input file, and
/// brought to the disk; then one transaction enters it and takes the events. Killed before, it never was,
/// and the next turn makes another one. None where something became of an event meanwhile.
fn queue(
    project: &Project,
    state: &mut State,
    desk: &Desk,
    (connector, plan): (&ConnectorState, Plan),
    events: &[i64],
    by: &str,
) -> Result<Option<String>, Failure> {
    let Some(file) = write(state, events, desk.folder.work())? else { return Ok(None) };
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let asked = prepare(
        plan,
        ask(project.root().join(&connector.file), InputFile::new(file, name.clone()), by.to_owned()),
    )?;
    crash::point("events prepared");
    let queued = enter(&asked, state, events);
    if let Ok(true) = queued {
        asked.folder.known();
    }
    if let Ok(false) = queued {
        // It never was.
        let _ = std::fs::remove_dir_all(asked.folder.root());
    }
    crash::point("events queued");
    Ok(queued?.then_some(asked.execution))
}

fn enter(asked: &Asked, state: &mut State, events: &[i64]) -> Result<bool, Failure> {
    Ok(state.queue_events(asked.entry(&asked.place()?), events)?)
}

/// Writes events into `folder` as an input file, in the order in which they came; none where there are
/// none. Its name says when the first and the last of them came.
fn write(state: &State, events: &[i64], folder: &Path) -> Result<Option<PathBuf>, Failure> {
    let unix = |e: &Event| e.received_at.parse::<Timestamp>().map_or(0, Timestamp::as_second);
    let get = |id: &i64| state.event(*id).transpose();
    let ends = (events.first().and_then(get).transpose()?, events.last().and_then(get).transpose()?);
    let (Some(first), Some(last)) = ends else { return Ok(None) };
    let path = folder.join(format!("webhooks-{}-{}.csv", unix(&first), unix(&last)));
    let mut file = csv::Writer::from_writer(File::create(&path)?);
    let broken = |e: csv::Error| Failure::new(format!("{}: {e}", path.display()), "check the disk");
    file.write_record(["timestamp", "employee_id", "querystring", "body"]).map_err(broken)?;
    for id in events {
        let Some(e) = state.event(*id)? else { continue };
        file.write_record([&e.received_at, &e.employee_id, &e.querystring, &e.body]).map_err(broken)?;
    }
    file.flush()?;
    Ok(Some(path))
}

/// What waits of an inactive connector's events becomes executions, all of it.
///
/// # Errors
/// Where it cannot.
pub(super) fn close(project: &Project, state: &mut State, connector: &str) -> Result<(), Failure> {
    // How often nothing came of it: somebody else was at it, or took the events meanwhile.
    let mut looks = 0;
    loop {
        let window = state.windows()?.into_iter().find(|w| w.connector == connector);
        let Some(window) = window else { return Ok(()) };
        // Whoever runs the queue is at it for moments only.
        let desk = match Desk::of(project, state)? {
            Some(desk) => desk,
            None if looks < 100 => {
                looks += 1;
                std::thread::sleep(std::time::Duration::from_millis(20));
                continue;
            }
            None => {
                return Err(Failure::later("another process queues webhook events just now", "try again"));
            }
        };
        // To activate it is what mends this, and must not be what needs it mended.
        if let Some(Err(unreadable)) = state.connector(connector)?.map(|c| version(state, &c)) {
            return Err(Failure::new(
                format!(
                    "the webhook events of `{connector}` that wait cannot be queued: {}",
                    unreadable.what
                ),
                format!(
                    "keep them in a file (sconn events sample {connector} --to FILE), then throw them away (sconn events \
                     discard {connector} --all)"
                ),
            ));
        }
        match ended(project, state, &desk, &window) {
            Ok(Some(_)) => {}
            Ok(None) => looks += 1,
            Err(failure) => {
                clear(&project.executions(), state)?;
                return Err(failure);
            }
        }
        if looks > 100 {
            return Err(Failure::new(
                format!("the webhook events of `{connector}` that wait cannot be queued"),
                format!("look at them: sconn events list {connector}"),
            ));
        }
    }
}

/// Where input files are written before their executions have a folder. It is one process's at a time.
struct Desk {
    folder: ExecutionFolder,
}

impl Desk {
    /// None where another process is at it.
    fn of(project: &Project, state: &State) -> Result<Option<Self>, Failure> {
        let root = project.root().join(".sconn").join("batching");
        let killed = ExecutionFolder::unfinished(&root);
        let folder = match ExecutionFolder::create(&root, &|| true) {
            Ok(folder) => folder,
            Err(e) if e.cause.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        if killed {
            clear(&project.executions(), state)?;
        }
        Ok(Some(Self { folder }))
    }
}

/// Removes folders of executions of events that were prepared and never entered: whoever did it was
/// killed, or could not go on.
fn clear(executions: &Path, state: &State) -> Result<(), Failure> {
    for path in names(executions).into_iter().map(|name| executions.join(name)) {
        let inputs = names(&path.join("input"));
        let of_events = !inputs.is_empty() && inputs.iter().all(|name| name.starts_with("webhooks-"));
        // One that began has more in its folder.
        if !of_events || names(&path).iter().any(|name| !["input", INPUTS, ".work"].contains(&name.as_str()))
        {
            continue;
        }
        // Whoever still has it holds its lock, and lets go only after it is entered.
        let Ok(_lock) = ExecutionFolder::reopen(&path) else { continue };
        let id = path.file_name().unwrap_or_default().to_string_lossy();
        if state.execution(&id)?.is_none() {
            std::fs::remove_dir_all(&path)?;
        }
    }
    Ok(())
}

/// The names in a folder; none where it cannot be read.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect()
}

/// The events of a connector that are meant: those of these ids, or where none are named all of which nothing became
/// yet; of these, the ones that came since then.
///
/// # Errors
/// Where one is none of its events, or none is left.
pub fn choose_events(
    state: &State,
    connector: &str,
    ids: Option<&[i64]>,
    since: Option<Timestamp>,
) -> Result<Vec<i64>, Failure> {
    let Some(ids) = ids else { return some(connector, state.open_events(connector, since)?) };
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let event = state.event(*id)?.filter(|e| e.connector == connector).ok_or_else(|| {
            Failure::new(
                format!("`{connector}` has no event {id}"),
                format!("`sconn events list {connector}` shows those there are"),
            )
        })?;
        let came: Option<Timestamp> = event.received_at.parse().ok();
        if since.is_none_or(|since| came.is_none_or(|came| came >= since)) {
            found.push(*id);
        }
    }
    // In the order in which they came; one that is given twice is one.
    found.sort_unstable();
    found.dedup();
    some(connector, found)
}

/// These, if there are any.
fn some(connector: &str, events: Vec<i64>) -> Result<Vec<i64>, Failure> {
    if events.is_empty() {
        return Err(Failure::new(
            format!("no such events of `{connector}` wait"),
            format!("`sconn events list {connector}` shows them all; give the ids of those that you mean"),
        ));
    }
    Ok(events)
}

/// Puts a live execution of these events into the queue, because somebody says so: captured ones have
/// none by themselves. `by` is who, where that is known. Gives its id.
///
/// # Errors
/// Where the connector was never activated, or something became of one of them already.
pub fn process_events(
    known: &mut Known,
    connector: &str,
    events: &[i64],
    by: &str,
) -> Result<String, Failure> {
    let row = known.state.connector(connector)?;
    let plan = row.as_ref().map(|row| version(&known.state, row)).transpose()?.flatten();
    let Some(plan) = row.zip(plan) else {
        return Err(Failure::new(
            format!("`{connector}` was never activated"),
            format!("activate it: sconn activate {}", known.file.display()),
        ));
    };
    let Some(desk) = Desk::of(&known.project, &known.state)? else {
        return Err(Failure::new("another process queues events just now", "try again"));
    };
    let queued = queue(&known.project, &mut known.state, &desk, (&plan.0, plan.1), events, by)?;
    queued.map_or_else(|| Err(taken(&known.state, connector, events)?), Ok)
}

/// That something became of one of these events already, and of which.
fn taken(state: &State, connector: &str, events: &[i64]) -> Result<Failure, Failure> {
    let mut what = "something became of one of these events already".to_owned();
    for id in events {
        match state.event(*id)? {
            Some(event) if !event.state.open() => {
                let of = event.execution.map(|e| format!(", in execution {e}")).unwrap_or_default();
                what = format!("event {id} is {}{of}", event.state.words());
                break;
            }
            _ => {}
        }
    }
    Ok(Failure::new(
        format!("{what}, and nothing was changed"),
        format!("leave it out; `sconn events list {connector}` shows what became of each"),
    ))
}

/// An input file of events, in a folder that goes with this value.
pub struct Samples {
    /// The file.
    pub file: PathBuf,
    _folder: tempfile::TempDir,
}

/// Writes events as an input file, like that of an execution; nothing becomes of them.
///
/// # Errors
/// Where it cannot be written.
pub fn sample_events(state: &State, events: &[i64]) -> Result<Samples, Failure> {
    let folder = tempfile::tempdir()?;
    let file = write(state, events, folder.path())?;
    let file = file.ok_or_else(|| Failure::new("there are no events", "choose some"))?;
    Ok(Samples { file, _folder: folder })
}
