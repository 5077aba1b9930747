//! Watched folders are looked into beside the queue: a share may be slow or hang, and a file be large.

use super::Folders;
use crate::project::Project;
use crate::system::crash;
use crate::system::stop::Stop;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long the queue waits for a look. Most take less: what they find begins at the same turn.
const SHORT: Duration = Duration::from_millis(100);

/// How long a look has to end that is not waited for any more.
const END: Duration = Duration::from_secs(2);

/// Looks into a project's watched folders, one look at a time, on a thread of its own.
pub(in crate::life) struct Watcher {
    project: Project,
    /// Here between looks; during one, the thread has them.
    folders: Option<Folders>,
    look: Option<JoinHandle<Folders>>,
    stop: Arc<Stop>,
    news: (mpsc::Sender<String>, mpsc::Receiver<String>),
}

impl Watcher {
    /// Of a project.
    pub(in crate::life) fn new(project: Project) -> Self {
        let stop = Arc::new(Stop::default());
        crash::stops(&stop);
        Self { project, folders: Some(Folders::default()), look: None, stop, news: mpsc::channel() }
    }

    /// Whether no look is under way, and the last one saw no file on its way into the queue.
    pub(in crate::life) fn idle(&self) -> bool {
        self.folders.as_ref().is_some_and(Folders::idle)
    }

    /// Whether something is still wrong that was told, as of the last look that has ended.
    pub(in crate::life) fn troubled(&self) -> bool {
        self.folders.as_ref().is_some_and(|folders| folders.told.any())
    }

    /// Begins a look, or sees whether the one before has ended: never both at one turn, so that whoever waits until
    /// all is idle comes to see that.
    pub(in crate::life) fn turn(&mut self, news: &dyn Fn(String)) {
        if self.project.watches().is_empty() {
            return;
        }
        if let Some(mut folders) = self.folders.take() {
            let (project, stop, says) = (self.project.clone(), self.stop.clone(), self.news.0.clone());
            self.look = Some(std::thread::spawn(move || {
                folders.look(&project, &stop, &|line| drop(says.send(line)));
                folders
            }));
            self.wait(Instant::now() + SHORT);
        }
        if let Some(look) = self.look.take_if(|look| look.is_finished()) {
            match look.join() {
                Ok(folders) => self.folders = Some(folders),
                // A mistake of ours ends the queue, as anywhere else in it.
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        self.tell(news);
    }

    /// What looks have said so far.
    pub(in crate::life) fn tell(&self, news: &dyn Fn(String)) {
        self.news.1.try_iter().for_each(news);
    }

    /// Begins nothing more, and copies no further.
    pub(in crate::life) fn close(&self) {
        self.stop.ask();
    }

    /// Waits until then for a look that is under way to end. Where its disk hangs it does not: it is left as after a
    /// kill, which costs no file.
    pub(in crate::life) fn drain(&mut self, until: Instant, news: &dyn Fn(String)) {
        self.wait(until);
        self.tell(news);
    }

    fn wait(&self, until: Instant) {
        while self.look.as_ref().is_some_and(|look| !look.is_finished()) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.close();
        self.wait(Instant::now() + END);
    }
}
