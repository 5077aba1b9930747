//! A worker that is stopped (SIGSTOP) at a random moment and comes back (SIGCONT) when another has gone on with
//! its execution, or is about to: it writes nothing more, and all is as after an undisturbed run.
//!
//! The folder has no lock in these trials, as on a file system that knows none: the lock would keep the second
//! worker away for as long as the first sleeps, and `sconn work` kills one that is silent before it goes on.
//! `SCONN_ZOMBIES=200` makes so many trials.

use crate::common::project::Running;
use crate::trials::{Before, Desk, Dice, Outcome, Template, at_once};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const NO_LOCK: (&str, &str) = ("SCONN_NO_LOCK", "1");

#[test]
fn a_worker_that_was_asleep_while_another_went_on_writes_nothing() {
    let trials: u64 = std::env::var("SCONN_ZOMBIES").map_or(6, |n| n.parse().unwrap());
    let templates = [Before::Empty, Before::Full, Before::Half].map(|before| {
        let template = Template::new(before);
        let calm = template.desk();
        let began = Instant::now();
        assert_eq!(calm.run(&[]).code, Some(1));
        (template, calm.outcome("out"), began.elapsed())
    });
    let seeds: Vec<u64> = (1..=trials).collect();
    let told = AtomicUsize::new(0);
    at_once(&seeds, |seed| {
        let mut dice = Dice(*seed);
        let (template, expected, takes) = &templates[dice.below(3)];
        // A moment before anything is kept, or after the end, is no trial.
        for attempt in 0.. {
            assert!(attempt < 200, "seed {seed}: no moment was found");
            if let Some(was_told) = trial(template, expected, *takes, *seed, &mut dice) {
                told.fetch_add(usize::from(was_told), Ordering::Relaxed);
                break;
            }
        }
    });
    let told = told.into_inner();
    eprintln!("{told} of {trials} were told that another had taken over");
    assert!(told > 0, "the others had come to their end");
}

/// Whether the sleeper was told; none where it was not asleep in the middle of its work.
fn trial(
    template: &Template,
    expected: &Outcome,
    takes: Duration,
    seed: u64,
    dice: &mut Dice,
) -> Option<bool> {
    let desk = template.desk();
    let what = format!("{:?} seed {seed}", template.before);
    let args =
        ["run", "shop.sconn", "--live", "--target", "./store.sqlite", "--input", "list.csv", "--out", "out"];
    let mut sleeper = Running(desk.command(&args, &[NO_LOCK]).spawn().unwrap());
    let mut moment = || Duration::from_micros(dice.below(takes.as_micros() as usize * 3 / 2) as u64);
    std::thread::sleep(moment());
    signal(&sleeper.0, "-STOP");
    // Its threads stop one after the other.
    let stat = format!("/proc/{}/stat", sleeper.0.id());
    while sleeper.0.try_wait().unwrap().is_none() && !std::fs::read_to_string(&stat).unwrap().contains(") T ")
    {
        std::thread::yield_now();
    }
    let asleep = sleeper.0.try_wait().unwrap().is_none() && desk.path("out/.work/frozen.json").exists();
    if !asleep || desk.state() != "running" {
        return None;
    }
    let mut second = Running(desk.command(&["executions", "resume", "out"], &[NO_LOCK]).spawn().unwrap());
    // It wakes while the other is at work, or soon after that has ended: one that sleeps with the store's lock
    // in its hand lets nobody work before.
    let until = Instant::now() + (moment() * 4).min(Duration::from_secs(2));
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
        desk.outcome("out").assert_is(expected, &what);
        return None;
    }
    assert_eq!(second, Some(1), "{what}: {said}");
    let said = other;
    let was_told = said.contains("another process has taken over");
    assert!(was_told || code == Some(1), "{what}: {code:?} {said}");
    assert!(!said.contains("panicked"), "{what}: {said}");
    desk.outcome("out").assert_is(expected, &what);
    Some(was_told)
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

#[test]
fn a_worker_that_is_silent_is_killed_and_its_execution_goes_on() {
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
    // It stops in the middle, by itself, and is never heard of again.
    let stops = [("SCONN_SLEEP_AT", "logged#5")];
    let mut first = Running(desk.command(&["executions", "resume", "out"], &stops).spawn().unwrap());
    let status = format!("/proc/{}/stat", first.0.id());
    let since = Instant::now();
    while !std::fs::read_to_string(&status).unwrap().contains(") T ") {
        assert!(since.elapsed() < Duration::from_secs(60), "it does not stop");
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut said = String::new();
    while desk.state() == "running" {
        assert!(since.elapsed() < Duration::from_secs(120), "nobody goes on with it: {said}");
        // Without this the lease is 15 seconds.
        let work = desk.sconn(&["work", "--until-empty"], &[("SCONN_LEASE_EARLY", "12")]);
        assert_eq!(work.code, Some(0), "{}", work.said);
        said += &work.said;
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(said.contains("its worker is silent"), "{said}");
    assert!(first.0.wait().unwrap().code().is_none(), "it was killed");
    desk.outcome("out").assert_is(&expected, "silent");
}
