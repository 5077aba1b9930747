//! What a running execution tells the project's state, and hears from it.

use super::cut_off::leave_summary;
use super::limits::Keeper;
use super::{Failure, io_words};
use crate::project::Project;
use crate::project::state::{ExecutionState, Outcome, Pace, State, Status, Taken};
use crate::report::{RunState, StepSummary, Summary};
use crate::system::clock::{Clock, SystemClock};
use crate::system::crash;
use crate::system::stop::Stop;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the state hears of an execution, and is asked whether it should stop.
const BEAT: Duration = Duration::from_millis(500);

/// How far an execution is; it tells its progress here, and the worker reads it.
#[derive(Clone, Debug, Default)]
pub struct Far {
    /// What it is at.
    pub stage: String,
    /// How far that is.
    pub done: u64,
    /// And how far it goes, where that is known.
    pub total: Option<u64>,
    /// What its load steps have done so far, in order; what is still to come is not processed.
    pub steps: Vec<StepSummary>,
}

impl Far {
    /// A stage begins.
    pub fn at(&mut self, stage: &str, total: Option<u64>) {
        (self.stage, self.done, self.total) = (stage.to_owned(), 0, total);
    }

    /// A load step has come so far.
    pub fn step(&mut self, so_far: StepSummary) {
        match self.steps.iter_mut().find(|s| s.name == so_far.name) {
            Some(known) => *known = so_far,
            None => self.steps.push(so_far),
        }
    }

    fn counts(&self) -> Option<String> {
        if self.steps.is_empty() { None } else { serde_json::to_string(&self.steps).ok() }
    }

    /// As the state keeps it.
    fn pace(&self) -> Pace {
        let counts = self.counts();
        Pace {
            stage: self.stage.clone(),
            done: self.done as i64,
            total: self.total.map(|t| t as i64),
            counts,
        }
    }
}

/// What a worker has of its execution: which of its workers it is, and how it asks whether it still is.
pub struct Hold {
    epoch: Option<i64>,
    own: Box<dyn Fn() -> bool + Send + Sync>,
}

impl Hold {
    /// Where nobody counts workers: the lock of the folder is all there is.
    pub fn nobody() -> Self {
        Self { epoch: None, own: Box::new(|| true) }
    }

    pub(super) fn epoch(&self) -> Option<i64> {
        self.epoch
    }

    pub(super) fn own(&self) -> &(dyn Fn() -> bool + Send + Sync) {
        &self.own
    }
}

/// Whether it is an execution's turn.
pub enum Turn {
    /// It begins; none where there is no project, or it does not know the execution.
    Now(Option<Box<Worker>>),
    /// As many of its connector run as may.
    Wait,
}

/// Why an execution could not be taken.
fn not_now(state: &State, id: &str) -> Result<Turn, Failure> {
    let Some(row) = state.execution(id)? else { return Ok(Turn::Now(None)) };
    if row.state.ended() {
        return Err(Failure::new(
            format!("execution {id} is {}", row.state.words()),
            "only one that waits or was interrupted can be run; run its input again as a new one",
        ));
    }
    let status = state.connector(&row.connector)?.map_or(Status::Setup, |c| c.status);
    if row.live && !status.runs() {
        return Err(inactive(&row.connector, status));
    }
    Ok(Turn::Wait)
}

/// That a connector does not run live.
pub(super) fn inactive(connector: &str, status: Status) -> Failure {
    Failure::later(
        format!("`{connector}` does not run live: it is {}", status.words()),
        format!("activate it: sconn activate {connector}"),
    )
}

/// This process, as the worker of an execution that the project's state knows.
pub struct Worker {
    state: State,
    id: String,
    epoch: i64,
    /// Whether it was cancelled before.
    cancelled: bool,
    beating: Option<(Sender<()>, JoinHandle<()>)>,
    keeper: Option<Keeper>,
}

impl Worker {
    /// Takes the execution, where fewer others of its connector run than `places` says. The caller holds the lock
    /// of the execution's folder.
    ///
    /// # Errors
    /// Where it is not to be taken, or the state cannot be written.
    pub fn take(project: &Project, id: &str, places: Option<i64>) -> Result<Turn, Failure> {
        let Some(mut state) = project.state()? else { return Ok(Turn::Now(None)) };
        if state.execution(id)?.is_none() {
            return Ok(Turn::Now(None));
        }
        full("take execution")?;
        match state.take(id, std::process::id(), SystemClock.now(), places)? {
            Some(Taken { epoch, cancelled }) => {
                crash::point("taken");
                let id = id.to_owned();
                let worker = Self { state, id, epoch, cancelled, beating: None, keeper: None };
                Ok(Turn::Now(Some(Box::new(worker))))
            }
            None => not_now(&state, id),
        }
    }

    /// What it has of its execution.
    ///
    /// # Errors
    /// Where the state cannot be opened.
    pub fn hold(&self, project: &Project) -> Result<Hold, Failure> {
        let Some(state) = project.state()? else { return Ok(Hold::nobody()) };
        let (state, id, epoch) = (Mutex::new(state), self.id.clone(), self.epoch);
        let own = move || {
            let state = state.lock().unwrap_or_else(PoisonError::into_inner);
            // A state that cannot be read for a while takes nothing away.
            state.owns(&id, epoch).unwrap_or(true)
        };
        Ok(Hold { epoch: Some(epoch), own: Box::new(own) })
    }

    /// Begins to tell how far it is, and to keep to the project's limits; `stop` is set once somebody wants it to
    /// stop, or it came to one of them.
    ///
    /// # Errors
    /// Where the state cannot be opened.
    pub fn beat(&mut self, project: &Project, far: Arc<Mutex<Far>>, stop: &Arc<Stop>) -> Result<(), Failure> {
        let (Some(mut state), Some(mut keepers)) = (project.state()?, project.state()?) else {
            return Ok(());
        };
        let folder = keepers.execution(&self.id)?.map(|row| project.root().join(row.folder));
        let told = far.clone();
        let (id, epoch) = (self.id.clone(), self.epoch);
        let end = move |why: &str| {
            // The state and the summary say the same, however far it has come meanwhile.
            let far = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let at = SystemClock.now();
            let counts = far.counts();
            let outcome =
                Outcome { state: ExecutionState::Failed, counts: counts.as_deref(), failure: Some(why), at };
            // Where the state does not hear of it, its workers' attempts are counted, so it ends some day; where there
            // is no room for the summary, the state says why all the same.
            if let Ok(true) = keepers.ended_at_limit(&id, epoch, outcome) {
                let _ = folder.map(|folder| leave_summary(&folder, far.steps, why, at));
            }
        };
        self.keeper = Some(Keeper::new(project.limits(), stop.clone(), end));
        if self.cancelled {
            stop.ask();
        }
        let stop = stop.clone();
        let (id, epoch) = (self.id.clone(), self.epoch);
        let (end, ended) = channel::<()>();
        let thread = std::thread::spawn(move || {
            while ended.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                let pace = far.lock().unwrap_or_else(PoisonError::into_inner).pace();
                // A state that cannot be written for a while costs nothing but the news.
                let goes_on = state.beat(&id, epoch, &pace, SystemClock.now());
                if matches!(goes_on, Ok(None | Some(false))) && !stop.asked() {
                    stop.ask();
                    crash::point("told to stop");
                }
            }
        });
        self.beating = Some((end, thread));
        Ok(())
    }

    /// Enters how it ended; `summary` is none where it could not run at all. Whether it was still this worker's to
    /// say so.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn end(mut self, summary: Option<&Summary>, failure: Option<&str>) -> Result<bool, Failure> {
        if let Some((end, thread)) = self.beating.take() {
            drop(end);
            let _ = thread.join();
        }
        let state = summary.map_or(ExecutionState::Failed, |s| s.state.into());
        let counts = summary.and_then(|s| serde_json::to_string(&s.steps).ok());
        let failure = failure.or(summary.and_then(|s| s.failure.as_deref()));
        let outcome = Outcome { state, counts: counts.as_deref(), failure, at: SystemClock.now() };
        full("end execution")?;
        let own = self.state.end(&self.id, self.epoch, outcome)?;
        crash::point("ended");
        Ok(own)
    }
}

impl From<RunState> for ExecutionState {
    fn from(ended: RunState) -> Self {
        match ended {
            RunState::Completed => Self::Completed,
            RunState::CompletedWithErrors => Self::CompletedWithErrors,
            RunState::Cancelled => Self::Cancelled,
            RunState::Failed => Self::Failed,
        }
    }
}

/// Where a test lets the disk be full that holds the state.
fn full(point: &str) -> Result<(), Failure> {
    crash::write(point).map_err(|e| {
        Failure::broken(
            format!("the project's state: {}", io_words(&e)),
            "make room on the disk, then resume the execution",
        )
    })
}
