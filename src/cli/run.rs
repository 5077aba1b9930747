//! `sconn run`: what is asked for on the command line, run at once.

use super::args::{Format, RunArgs};
use super::findings::plan_or_tell;
use super::progress::Told;
use super::{Exit, Failure, Look, print, print_json, tell_result};
use crate::input::InputFile;
use crate::life::{
    Ask, Asked, Connector, GivenUp, Hold, Known, Turn, Worker, active_version, connector_file, incomplete,
    keep_others_files,
};
use crate::report::{RunState, terminal};
use crate::run::{Progress, RunError, execute};
use crate::system::crash;
use crate::system::say::say;
use crate::system::signals::Signals;
use crate::system::stop::Stop;
use crate::target::{Target, TargetError};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked whether it is an execution's turn.
const LOOK: Duration = Duration::from_millis(100);

pub(super) fn run(mut args: RunArgs, look: Look) -> Result<Exit, Failure> {
    let (format, by) = (args.format, args.by.is_some());
    args.file = connector_file(&args.file)?;
    let connector = Connector::load(&args.file)?;
    let Some(plan) = plan_or_tell(&connector, look) else { return Ok(Exit::Failed) };
    let asked = Asked::now(&connector, plan, ask(args)?)?;
    let target = asked.open_target()?;
    asked.register()?;
    if by && asked.project.mail().is_none() {
        say("notice: no e-mail is sent: that needs a sconn.toml with [mail]");
    }
    go_and_tell(asked, target, format, look)
}

/// Puts an execution into the project's queue; gives its id, or none where the connector has errors.
pub(super) fn queue(mut args: RunArgs, look: Look) -> Result<Option<String>, Failure> {
    let active = if args.live {
        let known = Known::find(&args.file)?;
        let connector = known.state.connector(&known.name)?;
        let active =
            connector.map(|c| active_version(&known.project, &known.state, &c)).transpose()?.flatten();
        args.file = if active.is_some() { known.file } else { known.file_of_it()? };
        active
    } else {
        args.file = connector_file(&args.file)?;
        None
    };
    let plan = if let Some((plan, notice)) = active {
        notice.iter().for_each(|notice| say(format_args!("warning: {notice}")));
        plan
    } else {
        let connector = Connector::load(&args.file)?;
        let Some(plan) = plan_or_tell(&connector, look) else { return Ok(None) };
        let missing = if args.live { Vec::new() } else { incomplete(&connector, &plan) };
        let name = &plan.connector.name;
        missing.iter().for_each(|missing| say(format_args!("warning: `{name}` is not complete: {missing}")));
        plan
    };
    if args.input.is_empty() && plan.needs_input() {
        return Err(Failure::new(
            format!("`{}` reads input, and no file was given", plan.connector.name),
            "hand in one or more files: --input FILE",
        ));
    }
    crate::life::queue(plan, ask(args)?).map(Some)
}

/// Goes on with an execution that was interrupted, or begins one that was queued, as it was asked for.
pub(super) fn resume(root: &Path, asker: Asker, format: Format, look: Look) -> Result<Exit, Failure> {
    let asked = Asked::again(root)?;
    let target = asked.open_target()?;
    match asker {
        Asker::Person => go_and_tell(asked, target, format, look),
        Asker::Queue => go(asked, target, asker, format, look),
    }
}

fn ask(args: RunArgs) -> Result<Ask, Failure> {
    args.out.as_deref().map(keep_others_files).transpose()?;
    Ok(Ask {
        file: args.file,
        input: args.input.into_iter().map(InputFile::from).collect(),
        live: args.live,
        params: args.params,
        target: args.target,
        out: args.out,
        workbook: !args.no_report,
        guard_formulas: args.guard_formulas,
        triggered_by: args.by.unwrap_or_default(),
    })
}

/// Who lets an execution begin.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// Somebody who waits for its turn and its end.
    Person,
    /// Whoever runs the queue: where it is not its turn it stays there, and its end is told by that one. Where the
    /// machine goes down it is interrupted, and gone on with; nobody asked for it to be cancelled.
    Queue,
}

/// Waits for an execution's turn; or what became of it where it was stopped before.
fn turn(
    asked: &mut Asked,
    asker: Asker,
    told: &Told,
    stop: &Stop,
) -> Result<Result<Option<Box<Worker>>, GivenUp>, Failure> {
    let mut waits = false;
    loop {
        let taken = asked.places().and_then(|places| {
            match Worker::take(&asked.project, &asked.execution, places)? {
                // Nothing will end that it could wait for.
                Turn::Wait if asker == Asker::Person && places == Some(0) => Err(asked.held()),
                turn => Ok(turn),
            }
        });
        let turn = match taken {
            Err(failure) if waits => return Ok(Err(asked.waited(failure)?)),
            // What begins on the command line and cannot begin leaves nothing in the queue.
            Err(failure) => {
                if !asked.kept()? {
                    asked.give_up()?;
                }
                return Err(failure);
            }
            Ok(turn) => turn,
        };
        match turn {
            Turn::Now(worker) => return Ok(Ok(worker)),
            Turn::Wait if asker == Asker::Queue => {
                asked.folder.leave();
                return Err(Failure::later("it is not its turn", ""));
            }
            Turn::Wait if stop.asked() => return Ok(Err(asked.give_up()?)),
            Turn::Wait if waits => std::thread::sleep(LOOK),
            Turn::Wait => {
                told.stage("waiting until another execution of the connector has ended", None);
                asked.wait()?;
                waits = true;
            }
        }
    }
}

/// Runs it, and sends what is told of its end: nobody else may be there to do it. What is not taken now
/// waits for `sconn work`.
fn go_and_tell(asked: Asked, target: Box<dyn Target>, format: Format, look: Look) -> Result<Exit, Failure> {
    let (project, execution) = (asked.project.clone(), asked.execution.clone());
    let done = go(asked, target, Asker::Person, format, look);
    let told = crate::life::send_now(&project, Some(&execution), &|line| say(line));
    let exit = done?;
    told.map(|()| exit)
}

fn go(
    mut asked: Asked,
    target: Box<dyn Target>,
    asker: Asker,
    format: Format,
    look: Look,
) -> Result<Exit, Failure> {
    let told = Arc::new(Told::new());
    let stop = Arc::new(Stop::default());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let listening = runtime.enter();
    let signals = match asker {
        Asker::Person => Signals::to_stop(),
        Asker::Queue => Signals::ctrl_c(),
    };
    drop(listening);
    runtime.spawn(hear(signals?, told.clone(), stop.clone()));
    let mut worker = match turn(&mut asked, asker, &told, &stop)? {
        Ok(worker) => worker,
        Err(given_up) => {
            told.done();
            let became = match given_up {
                GivenUp::Cancelled => "is cancelled; it had not begun",
                GivenUp::Left => "is not waited for any more; it stays as it was",
            };
            let (id, cancelled) = (&asked.execution, given_up == GivenUp::Cancelled);
            tell_result(format, &format!("{id} {became}"), &json!({ "id": id, "cancelled": cancelled }))?;
            return Ok(Exit::Findings);
        }
    };
    let mut hold = Hold::nobody();
    if let Some(worker) = &mut worker {
        worker.beat(&asked.project, told.far(), &stop)?;
        hold = worker.hold(&asked.project)?;
    }
    crash::stops(&stop);
    let here = std::env::current_dir()?;
    let request = asked.request(&here, told.as_ref(), &stop, &hold);
    let done = runtime.block_on(execute(&request, &asked.folder, target));
    // A query that did not hear of its limit may still be at work; nobody waits for it.
    runtime.shutdown_background();
    told.done();
    match &done {
        Ok(_) => asked.folder.ended(),
        Err(RunError::Target(TargetError::TakenOver { .. })) => asked.folder.leave(),
        Err(_) => {}
    }
    if let Some(worker) = worker {
        let failure = done.as_ref().err().map(ToString::to_string);
        // Where the state does not hear of the end, it can be resumed, and hears of it then.
        let own = worker.end(done.as_ref().ok(), failure.as_deref()).inspect_err(|_| asked.folder.leave())?;
        if !own {
            // Another went on with it at the last moment: what it needs stays, and it tells the end.
            asked.folder.leave();
            return Err(asked.taken_over().into());
        }
    }
    let summary = done?;
    let printed = match format {
        Format::Text => print(&terminal(&summary, look.out_color, look.width)),
        Format::Json => print_json(&summary).map(drop),
    };
    if let Some(failure) = &summary.failure {
        // The first line says what is wrong, the others what to do.
        let (what, mend) = failure.split_once('\n').unwrap_or((failure, ""));
        return Err(Failure::new(what, mend));
    }
    // It is run all the same, and must not be thought to be not.
    printed.map_err(|e| {
        let ended =
            format!("{} has ended: {}; only that could not be told", asked.execution, summary.state.words());
        let there = summary.artefacts.get("summary").map(|path| format!("what it did is in {path}"));
        Failure::new(format!("{ended}: {}", e.what), there.unwrap_or_default())
    })?;
    Ok(match summary.state {
        RunState::Completed => Exit::Clean,
        RunState::CompletedWithErrors | RunState::Cancelled => Exit::Findings,
        RunState::Failed => Exit::Failed,
    })
}

/// Stops the execution at the first signal; a second one means at once.
async fn hear(mut signals: Signals, told: Arc<Told>, stop: Arc<Stop>) {
    signals.next().await;
    told.stopping();
    stop.ask();
    signals.next().await;
    std::process::exit(130);
}
