//! A worker that is stopped (SIGSTOP) at a random moment and comes back (SIGCONT) when another has gone on with
//! its execution, or is about to: it writes nothing more, and all is as after an undisturbed run.
//!
//! The folder has no lock in these trials, as on a file system that knows none: the lock would keep the second
//! worker away for as long as the first sleeps. `sconn work` kills a silent worker before it goes on, but for these,
//! which it takes for another machine's.
//! `SCONN_ZOMBIES=200` makes so many trials of each kind.

use crate::common::project::{Running, eventually, locked, until};
use crate::trials::{Before, Desk, Dice, Outcome, Template, at_once};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const NO_LOCK: (&str, &str) = ("SCONN_NO_LOCK", "1");

/// A lease is 15 seconds; with this it ends two after the last word of its worker.
const EARLY: (&str, &str) = ("SCONN_LEASE_EARLY", "13");

/// Makes as many trials as are asked for, each at a moment that gave one; gives how many there were. `trial` gives
/// nothing where it was none.
fn trials(trial: impl Fn(&Calm, &mut Dice, &str) -> Option<()> + Sync) -> u64 {
    let trials: u64 = std::env::var("SCONN_ZOMBIES").map_or(4, |n| n.parse().unwrap());
    let templates = [Before::Empty, Before::Full, Before::Half].map(Calm::of);
    let seeds: Vec<u64> = (1..=trials).collect();
    at_once(&seeds, |seed| {
        let mut dice = Dice(*seed);
        let calm = &templates[dice.below(3)];
        let what = format!("{:?} seed {seed}", calm.template.before);
        // A moment before anything is kept, or after the end, is no trial.
        let found = (0..200).find_map(|_| trial(calm, &mut dice, &what));
        assert!(found.is_some(), "{what}: no moment was found");
    });
    trials
}

/// A project, what an undisturbed run of it comes to, and how long that takes.
struct Calm {
    template: Template,
    expected: Outcome,
    takes: Duration,
}

impl Calm {
    fn of(before: Before) -> Self {
        let template = Template::new(before);
        let desk = template.desk();
        let began = Instant::now();
        assert_eq!(desk.run(&[]).code, Some(1));
        let takes = began.elapsed();
        Self { expected: desk.outcome("out"), template, takes }
    }

    /// A moment in the course of a run, or a little after it.
    fn moment(&self, dice: &mut Dice) -> Duration {
        Duration::from_micros(dice.below(self.takes.as_micros() as usize * 3 / 2) as u64)
    }

    /// A live run that was sent to sleep at a random moment; none where it was not in the middle of its work, or
    /// holds the state's lock: nobody could go on before it wakes. On one machine such a worker is killed.
    fn sleeper(&self, desk: &Desk, dice: &mut Dice) -> Option<Running> {
        let args = [
            "run",
            "shop.sconn",
            "--live",
            "--target",
            "./store.sqlite",
            "--input",
            "list.csv",
            "--out",
            "out",
        ];
        let mut sleeper = Running(desk.command(&args, &[NO_LOCK]).spawn().unwrap());
        std::thread::sleep(self.moment(dice));
        signal(&sleeper.0, "-STOP");
        // Its threads stop one after the other.
        let stat = format!("/proc/{}/stat", sleeper.0.id());
        while sleeper.0.try_wait().unwrap().is_none()
            && !std::fs::read_to_string(&stat).unwrap().contains(") T ")
        {
            std::thread::yield_now();
        }
        let asleep = sleeper.0.try_wait().unwrap().is_none() && desk.path("out/.work/frozen.json").exists();
        (asleep && desk.state() == "running" && desk.is_free()).then_some(sleeper)
    }
}

#[test]
fn a_worker_that_was_asleep_while_another_went_on_writes_nothing() {
    let at_work = AtomicUsize::new(0);
    let trials = trials(|calm, dice, what| {
        let desk = calm.template.desk();
        let mut sleeper = calm.sleeper(&desk, dice)?;
        // Its lease ends, and whoever runs the queue finds that, and goes on.
        let mut work = None;
        let mut said_by_work = String::new();
        let since = Instant::now();
        until("another goes on", || {
            assert!(since.elapsed().as_secs() < 60, "{what}: nobody goes on: {said_by_work}");
            let process =
                work.get_or_insert_with(|| Running(desk.command(&WORK, &[NO_LOCK, EARLY]).spawn().unwrap()));
            if desk.workers() > 1 {
                return Some(());
            }
            if process.0.try_wait().unwrap().is_some() {
                said_by_work += &said(&mut work.take()?.0);
            }
            None
        });
        let mut work = work.unwrap();
        // It wakes while the other is at work, or soon after that has ended.
        let until = Instant::now() + calm.moment(dice);
        while Instant::now() < until && work.0.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        at_work.fetch_add(usize::from(desk.state() == "running"), Ordering::Relaxed);
        signal(&sleeper.0, "-CONT");
        let worked = work.0.wait().unwrap().code();
        said_by_work += &said(&mut work.0);
        assert_eq!(worked, Some(0), "{what}: {said_by_work}");
        assert!(said_by_work.contains("its worker is silent"), "{what}: {said_by_work}");
        let (code, said) = (sleeper.0.wait().unwrap().code(), said(&mut sleeper.0));
        assert_eq!(
            code,
            Some(2),
            "{what}: nobody killed it, and it did not pass for the one at work: {said}"
        );
        assert!(said.contains("another process has taken over"), "{what}: {said}");
        assert!(!said.contains("panicked"), "{what}: {said}");
        desk.outcome("out").assert_is(&calm.expected, what);
        Some(())
    });
    eprintln!(
        "{trials} were told that another had taken over, {} while that was at work",
        at_work.into_inner()
    );
}

const WORK: [&str; 2] = ["work", "--until-empty"];

#[test]
fn a_worker_that_was_asleep_while_another_went_on_by_hand_writes_nothing() {
    let told = AtomicUsize::new(0);
    let trials = trials(|calm, dice, what| {
        let desk = calm.template.desk();
        let mut sleeper = calm.sleeper(&desk, dice)?;
        let resume = ["executions", "resume", "out"];
        let mut second = Running(desk.command(&resume, &[NO_LOCK]).spawn().unwrap());
        // It wakes while the other is at work, or soon after that has ended: one that sleeps with the store's lock
        // in its hand lets nobody work before.
        let until = Instant::now() + (calm.moment(dice) * 4).min(Duration::from_secs(2));
        while Instant::now() < until && second.0.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        signal(&sleeper.0, "-CONT");
        let (second, said) = (second.0.wait().unwrap().code(), said(&mut second.0));
        let (code, other) = (sleeper.0.wait().unwrap().code(), self::said(&mut sleeper.0));
        // It came to its end before the other had taken its execution: as if it had not slept.
        let ended = ["there is nothing to resume", "only one that waits or was interrupted can be run"];
        if second == Some(2) && ended.iter().any(|e| said.contains(e)) {
            assert_eq!(code, Some(1), "{what}: {other}");
            desk.outcome("out").assert_is(&calm.expected, what);
            return None;
        }
        assert_eq!(second, Some(1), "{what}: {said}");
        let was_told = other.contains("another process has taken over");
        assert!(was_told || code == Some(1), "{what}: {code:?} {other}");
        assert!(!other.contains("panicked"), "{what}: {other}");
        desk.outcome("out").assert_is(&calm.expected, what);
        told.fetch_add(usize::from(was_told), Ordering::Relaxed);
        Some(())
    });
    let told = told.into_inner();
    eprintln!("{told} of {trials} were told that another had taken over by hand");
    assert!(told > 0, "the others had come to their end");
}

/// Where it has ended meanwhile there is nobody to hear it.
fn signal(process: &Child, signal: &str) {
    let mut kill = Command::new("kill");
    kill.args([signal, &process.id().to_string()]).stderr(Stdio::null());
    drop(kill.status());
}

fn said(process: &mut Child) -> String {
    let mut text = String::new();
    process.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    text
}

/// An undisturbed run's outcome, and a project whose execution has a worker that stopped in the middle by itself and is
/// never heard of again.
fn silent() -> (Outcome, Desk, Running) {
    let template = Template::new(Before::Half);
    let calm = template.desk();
    assert_eq!(calm.run(&[]).code, Some(1));
    let expected = calm.outcome("out");
    let desk: Desk = template.desk();
    let args = [
        "submit",
        "shop.sconn",
        "--live",
        "--target",
        "./store.sqlite",
        "--input",
        "list.csv",
        "--out",
        "out",
    ];
    assert_eq!(desk.sconn(&args, &[]).code, Some(0));
    let stops = [("SCONN_SLEEP_AT", "logged#5")];
    let first = Running(desk.command(&["executions", "resume", "out"], &stops).spawn().unwrap());
    let status = format!("/proc/{}/stat", first.0.id());
    eventually("it stops", || std::fs::read_to_string(&status).unwrap().contains(") T "));
    (expected, desk, first)
}

/// Without this the lease is 15 seconds.
const ENDS: (&str, &str) = ("SCONN_LEASE_EARLY", "12");

#[test]
fn a_worker_that_is_silent_is_killed_and_its_execution_goes_on() {
    let (expected, desk, mut first) = silent();
    let mut said = String::new();
    eventually("somebody goes on with it", || {
        let work = desk.sconn(&WORK, &[ENDS]);
        assert_eq!(work.code, Some(0), "{}", work.said);
        said += &work.said;
        desk.state() != "running"
    });
    assert!(said.contains("its worker is silent"), "{said}");
    assert!(first.0.wait().unwrap().code().is_none(), "it was killed");
    desk.outcome("out").assert_is(&expected, "silent");
}

/// Nobody could write to the state before it is gone.
#[test]
fn a_silent_worker_that_keeps_the_state_locked_is_killed_too() {
    let (expected, desk, mut first) = silent();
    // The lock of a process goes with it: this one is held for it.
    let held = locked(desk.path(".sconn/state.sqlite"));
    let work = Running(desk.command(&WORK, &[ENDS]).spawn().unwrap());
    eventually("it is killed", || first.0.try_wait().unwrap().is_some());
    assert!(first.0.wait().unwrap().code().is_none(), "it was killed");
    drop(held);
    let (code, said) = work.ends();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("its worker is silent"), "{said}");
    desk.outcome("out").assert_is(&expected, "silent");
}
