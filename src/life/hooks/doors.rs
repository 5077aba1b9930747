//! Which connectors take requests: those with a webhook among the project's files, active or not.

use super::sender::{Lock, Refusal};
use crate::life::activation::plan_to_run;
use crate::life::declared::Files;
use crate::life::{Failure, no_project};
use crate::plan::{Trigger, WebhookPlan};
use crate::project::Project;
use crate::project::state::{ConnectorState, State};
use crate::system::secrets::Secrets;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long what is known of the project's files, versions and secrets counts.
const FRESH: Duration = Duration::from_secs(1);

/// A connector that takes requests.
#[derive(Debug)]
pub struct Hook {
    /// Its API name.
    pub connector: String,
    lock: Lock,
}

impl Hook {
    /// Whether a request may come in; gives the sender's id of it, where it has one. `header` reads a
    /// header by its name in small letters.
    ///
    /// # Errors
    /// Where it does not show that it comes from somebody who may send.
    pub fn admit<'h>(
        &self,
        header: impl Fn(&str) -> Option<&'h str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Option<&'h str>, Refusal> {
        self.lock.admit(header, body, now)
    }
}

/// The connectors of a project that take requests. An activated one takes them as the version says that
/// was activated; one that never was, as its file says, however unfinished the rest of it is.
pub struct Doors {
    project: Project,
    /// What was found last.
    open: Mutex<Option<(Instant, Arc<Hooks>)>>,
    /// What is needed to look again; only one looks at a time.
    looking: Mutex<Looking>,
}

type Hooks = HashMap<String, Arc<Hook>>;

/// The webhook of a version, or why the version cannot be read.
type Version = Result<Option<WebhookPlan>, String>;

struct Looking {
    state: State,
    files: Files,
    /// What each version says.
    versions: HashMap<(String, i64), Option<WebhookPlan>>,
}

impl Doors {
    /// The doors of a project.
    ///
    /// # Errors
    /// Where there is no project, or its state cannot be opened.
    pub fn of(project: &Project) -> Result<Self, Failure> {
        let Some(state) = project.state()? else { return Err(no_project(project.root())) };
        let looking = Looking { state, files: Files::default(), versions: HashMap::new() };
        Ok(Self { project: project.clone(), open: Mutex::default(), looking: Mutex::new(looking) })
    }

    /// The webhook of that name, as was found a moment ago; the outer none where nobody has looked
    /// lately: then [`Self::look`] does.
    pub fn fresh(&self, name: &str) -> Option<Option<Arc<Hook>>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, hooks) = open.as_ref()?;
        (at.elapsed() < FRESH).then(|| hooks.get(name).cloned())
    }

    /// Looks at the project's files, versions and secrets; gives the webhook of that name.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn look(&self, name: &str) -> Result<Option<Arc<Hook>>, Failure> {
        let mut looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        // Another one may have looked while this one waited.
        if let Some(found) = self.fresh(name) {
            return Ok(found);
        }
        let hooks = Arc::new(looking.look(&self.project)?);
        let found = hooks.get(name).cloned();
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), hooks));
        Ok(found)
    }
}

impl Looking {
    fn look(&mut self, project: &Project) -> Result<Hooks, Failure> {
        let mut declared = self.files.declared(project, &mut self.state)?;
        let secrets = Secrets::of(project.root());
        let mut hooks = HashMap::new();
        for connector in self.state.connectors()? {
            let hook = match connector.version {
                Some(version) => self.version(&connector, version)?,
                None => Ok(declared.remove(&connector.name).and_then(|c| webhook(c.trigger))),
            };
            let lock = match hook {
                Ok(Some(hook)) => Lock::of(&hook, |name| secrets.get(name)),
                Ok(None) => continue,
                // Whether it has a webhook cannot be known: its senders are told to come again.
                Err(why) => Lock::Unready(why),
            };
            hooks.insert(connector.name.clone(), Arc::new(Hook { connector: connector.name, lock }));
        }
        Ok(hooks)
    }

    /// What the version says that was activated, or why it cannot be read.
    fn version(&mut self, connector: &ConnectorState, version: i64) -> Result<Version, Failure> {
        let key = (connector.name.clone(), version);
        if let Some(known) = self.versions.get(&key) {
            return Ok(Ok(known.clone()));
        }
        let hook = match plan_to_run(&self.state, &connector.name, version) {
            Ok(plan) => webhook(plan.connector.trigger),
            Err(failure) if failure.broken => return Err(failure),
            // It is looked at again: it may be mended.
            Err(unreadable) => return Ok(Err(unreadable.what)),
        };
        self.versions.insert(key, hook.clone());
        Ok(Ok(hook))
    }
}

fn webhook(trigger: Trigger) -> Option<WebhookPlan> {
    match trigger {
        Trigger::Webhook(hook) => Some(hook),
        _ => None,
    }
}
