//! From an address to a service that runs until it is told to stop.

use super::connections::{answer, told};
use super::{App, upload};
use crate::life::{Failure, Told, Workers, discover, io_words, no_project};
use crate::project::Project;
use crate::report::log_line;
use crate::system::say::say;
use crate::system::secrets::exposed;
use crate::system::signals::Signals;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How often the queue is looked at.
const PAUSE: Duration = Duration::from_millis(500);

/// Of what it is said that it fails.
const QUEUE: &str = "the queue";

/// How to serve.
#[derive(Clone, Copy, Debug)]
pub struct Serving {
    /// Where it listens.
    pub address: SocketAddr,
    /// How many executions run at once.
    pub at_once: usize,
    /// How long they may go on once it is told to stop; the project's setting where not said.
    pub drain: Option<Duration>,
}

/// Serves a project until it is told to stop, by Ctrl-C or SIGTERM, or its terminal is gone. It takes no requests then and begins
/// no executions; those that run have a while to end, then they are interrupted, and the next start goes
/// on with them. Nothing is lost.
///
/// # Errors
/// Where the address cannot be had, the state not be opened, or others could reach it and need no token.
pub async fn serve(project: Project, serving: Serving) -> Result<(), Failure> {
    let Some(mut state) = project.state()? else { return Err(no_project(project.root())) };
    let others = !serving.address.ip().is_loopback();
    if state.tokens()?.is_empty() {
        let mend = "make a token first: sconn tokens add me --role admin";
        if others {
            return Err(Failure::new(
                format!("{} can be reached by others, and no token is known", serving.address),
                mend,
            ));
        }
        say(format_args!("notice: no token is known, so nothing but webhooks is taken; {mend}"));
    }
    exposed(project.root()).iter().for_each(|told| say(format_args!("warning: {told}")));
    let listener = TcpListener::bind(serving.address).await.map_err(|e| {
        let what = format!("{}: {}", serving.address, io_words(&e));
        Failure::new(what, "choose another address with --listen")
    })?;
    upload::sweep(&project);
    discover(&project, &mut state)?;
    say(format_args!("serving {} at http://{}", project.root().display(), listener.local_addr()?));
    if others {
        say(format_args!(
            "notice: others can reach it, and what is sent is not encrypted: TLS is for a proxy in front"
        ));
    }
    let drain = serving.drain.unwrap_or(project.serve().drain);
    let (stop, stopping) = watch::channel(false);
    tokio::spawn(hear(Signals::to_stop()?, stop, drain));
    let workers = Workers::new(project.clone(), state, serving.at_once);
    let queue = std::thread::spawn({
        let stopping = stopping.clone();
        move || run_queue(workers, &stopping, drain)
    });
    let settings = project.serve().clone();
    let router = super::router(App::new(project, stopping.clone()));
    tokio::select! {
        () = answer(listener, router, &settings, stopping.clone()) => {}
        // Somebody who sends or reads for ever does not keep it.
        () = async { told(stopping.clone()).await; tokio::time::sleep(drain).await } => {}
        // A service whose queue stands still is none: whoever watches it starts it again.
        () = ended_early(&queue, &stopping) => {
            return Err(Failure::new(
                "what runs the queue ended, which is a mistake in sconn",
                "start the service again: what ran goes on, nothing is lost; and report what was said above",
            ));
        }
    }
    let _ = tokio::task::spawn_blocking(move || queue.join()).await;
    say("stopped");
    Ok(())
}

/// Comes back where the queue's thread ended and nobody asked it to.
async fn ended_early(queue: &std::thread::JoinHandle<()>, stopping: &watch::Receiver<bool>) {
    loop {
        tokio::time::sleep(PAUSE).await;
        if queue.is_finished() && !*stopping.borrow() {
            return;
        }
    }
}

/// Hears the signals: the first asks to stop, a second one means at once. Executions have process groups
/// of their own, so a Ctrl-C for the service is not one for them; after a second one they go on alone.
async fn hear(mut signals: Signals, stop: watch::Sender<bool>, drain: Duration) {
    signals.next().await;
    say(format_args!(
        "stopping: executions that run have {} s to end; the next start goes on with the others",
        drain.as_secs()
    ));
    let _ = stop.send(true);
    signals.next().await;
    std::process::exit(130);
}

/// Runs the queue until it is time to stop.
fn run_queue(mut workers: Workers, stopping: &watch::Receiver<bool>, drain: Duration) {
    let news = |line: String| say(log_line(&line));
    let errors = |line: String| say(format_args!("error: {}", log_line(&line)));
    let mut told = Told::default();
    // The disk may be full for a while; the next turn tries again.
    let mut hear = |done: Result<(), Failure>| match done {
        Ok(()) => told.well(QUEUE),
        Err(failure) => told.failed(QUEUE, &failure, &errors),
    };
    while !*stopping.borrow() {
        hear(workers.turn(&news).map(drop));
        std::thread::sleep(PAUSE);
    }
    hear(workers.drain(drain, &news));
}
