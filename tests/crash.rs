//! kill -9 at every named point of an execution: resumed, it ends as an undisturbed one does, each row
//! exactly once, with the same records and the same report.
//!
//! `SCONN_ALL_TRIALS=1` dies at each time that a point is passed; without it at some of them.
//! `SCONN_SOAK=500` makes so many trials more that die at random points, several times each.

use crate::common::sconn_in;
use crate::trials::files::statuses;
use crate::trials::{Before, DECISIONS, Desk, Outcome, Template, at_once, passed, times};
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn an_execution_killed_anywhere_and_resumed_ends_as_an_undisturbed_one() {
    let mut trials = Vec::new();
    let (mut templates, mut names) = (Vec::new(), 0);
    for (number, (before, some)) in
        [(Before::Empty, [3, 7, 9]), (Before::Full, [1, 6, 8]), (Before::Half, [2, 4, 5])]
            .into_iter()
            .enumerate()
    {
        let template = Template::new(before);
        let points = template.points();
        names = points.len();
        for (name, (passed, _)) in points {
            for time in times(passed, &some) {
                trials.push((number, vec![format!("{name}#{time}")]));
            }
        }
        // Again and again, each time a little further.
        let far = ["logged#2", "committed#3", "decided#4", "before begin#8", "reported"];
        trials.push((number, far.map(str::to_owned).to_vec()));
        templates.push(prepared(template));
    }
    assert!(names >= 80, "{names} points have a name");
    assert!(trials.len() >= 300, "{}", trials.len());
    at_once(&trials, |(template, points)| disturbed(&templates[*template], points));
}

/// A template, and what an undisturbed run of it comes to.
fn prepared(template: Template) -> (Template, Outcome) {
    let calm = template.desk();
    assert_eq!(calm.run(&[]).code, Some(1));
    let expected = calm.outcome("out");
    assert_eq!(expected.decisions.len(), DECISIONS, "a decision for each row of each step");
    (template, expected)
}

fn disturbed((template, expected): &(Template, Outcome), points: &[String]) {
    let desk = template.desk();
    let what = format!("{:?} {points:?}", template.before);
    for (number, point) in points.iter().enumerate() {
        let crash = [("SCONN_CRASH_AT", point.as_str())];
        let done = if number == 0 { desk.run(&crash) } else { desk.resume(&crash) };
        assert_eq!(done.code, None, "{what}: the point {point} was not passed: {}", done.said);
    }
    finish(&desk, &what);
    desk.outcome("out").assert_is(expected, &what);
}

/// Resumes what died; where it had kept nothing yet, or had ended already, there is nothing to resume.
fn finish(desk: &Desk, what: &str) {
    let kept = desk.path("out/.work/frozen.json").exists();
    let ended = desk.state() == "completed with errors" && desk.path("out/summary.json").exists();
    if kept {
        let done = desk.resume(&[]);
        assert_eq!(done.code, Some(if ended { 2 } else { 1 }), "{what}: {}", done.said);
    } else if !ended {
        let none = desk.resume(&[]);
        assert!(none.code == Some(2) && none.said.contains("there is n"), "{what}: {}", none.said);
        assert_eq!(desk.run(&[]).code, Some(1), "{what}");
    }
    assert!(ended || !desk.path("out/.work").exists(), "{what}: scratch files are gone");
}

#[test]
fn an_execution_killed_at_random_points_ends_as_an_undisturbed_one() {
    let trials: u64 = std::env::var("SCONN_SOAK").map_or(4, |n| n.parse().unwrap());
    let templates = [Before::Empty, Before::Full, Before::Half].map(|b| prepared(Template::new(b)));
    let points: Vec<(String, usize)> =
        templates[0].0.points().into_iter().map(|(name, (passed, _))| (name, passed)).collect();
    let seeds: Vec<u64> = (1..=trials).collect();
    at_once(&seeds, |seed| {
        let mut dice = crate::trials::Dice(*seed);
        let (template, expected) = &templates[dice.below(3)];
        let desk = template.desk();
        let what = format!("{:?} seed {seed}", template.before);
        let mut running = false;
        for _ in 0..dice.below(6) {
            let (name, passed) = &points[dice.below(points.len())];
            let point = format!("{name}#{}", dice.below(*passed) + 1);
            let crash = [("SCONN_CRASH_AT", point.as_str())];
            // It may end before it comes to the point, or have ended.
            let resumable = running && desk.path("out/.work/frozen.json").exists();
            if running && !resumable {
                break;
            }
            running = true;
            if (if resumable { desk.resume(&crash) } else { desk.run(&crash) }).code.is_some() {
                break;
            }
        }
        if running {
            finish(&desk, &what);
        } else {
            assert_eq!(desk.run(&[]).code, Some(1));
        }
        desk.outcome("out").assert_is(expected, &what);
    });
}

#[test]
fn an_execution_stopped_anywhere_says_what_was_done_and_the_next_run_does_the_rest() {
    let mut trials = Vec::new();
    let mut templates = Vec::new();
    for (number, (before, some)) in
        [(Before::Empty, [1, 5, 9]), (Before::Half, [3, 6, 8])].into_iter().enumerate()
    {
        let template = Template::repeatable(before);
        for (name, (passed, _)) in template.points() {
            // What the store holds makes a difference only where chunks are.
            let times = if before == Before::Empty && passed < 9 { Vec::new() } else { times(passed, &some) };
            for time in times {
                trials.push((number, format!("{name}#{time}")));
            }
        }
        let calm = template.desk();
        assert_eq!((calm.run(&[]).code, calm.again().code), (Some(1), Some(1)));
        templates.push((template, calm.records()));
    }
    let cancelled = AtomicUsize::new(0);
    at_once(&trials, |(number, point)| {
        let (template, expected) = &templates[*number];
        let desk = template.desk();
        let what = format!("{:?} {point}", template.before);
        let points = desk.path("points");
        let done = desk.run(&[("SCONN_STOP_AT", point), ("SCONN_POINTS", points.to_str().unwrap())]);
        assert_eq!(done.code, Some(1), "{what}: {}", done.said);
        let summary = crate::trials::summary(&desk.path("out")).unwrap();
        let state = summary["state"].as_str().unwrap().replace('_', " ");
        assert_eq!(desk.state(), state, "{what}");
        cancelled.fetch_add(usize::from(state == "cancelled"), Ordering::Relaxed);
        let journal = desk.journal(summary["execution"].as_str().unwrap());
        let chunks = journal.values().map(|[chunks, ..]| chunks).sum();
        assert_at_most_the_chunk_in_hand(&passed(&points), point, chunks, &what);
        let steps = summary["steps"].as_array().unwrap();
        assert!(journal.keys().all(|step| steps.iter().any(|s| s["name"] == **step)), "{what}: {journal:?}");
        for step in steps {
            let counts = &step["counts"];
            let told = |names: &[&str]| names.iter().map(|n| counts[n].as_u64().unwrap()).sum::<u64>();
            let all =
                ["created", "updated", "unchanged", "unarchived", "skipped", "errored", "not_processed"];
            let name = step["name"].as_str().unwrap();
            let [_, rows, creates, updates] = journal.get(name).copied().unwrap_or_default();
            assert_eq!(told(&["created"]), creates, "{what}: {counts}");
            assert_eq!(told(&["updated", "unarchived"]), updates, "{what}: {counts}");
            assert_eq!(told(&all) - told(&["not_processed"]), rows, "{what}: {counts}");
            // And the report says it of each row.
            let statuses = statuses(&desk.path("out/report.xlsx"), name).unwrap();
            assert_eq!(statuses.len() as u64, told(&all), "{what}: {name}");
            for (status, count) in [("created", "created"), ("not processed", "not_processed")] {
                let shown = statuses.iter().filter(|s| **s == status).count() as u64;
                assert_eq!(shown, told(&[count]), "{what}: {name}: {status}");
            }
        }
        assert_eq!(desk.again().code, Some(1), "{what}");
        assert_eq!(desk.records(), *expected, "{what}");
    });
    let cancelled = cancelled.into_inner();
    assert!(cancelled >= trials.len() / 2, "{cancelled} of {}", trials.len());
}

/// Points that the run passes itself. At the others it goes on meanwhile with what it had begun.
const OF_THE_RUN: [&str; 15] = [
    "frozen",
    "read",
    "planned",
    "queried",
    "resolved",
    "packed",
    "checkpoint",
    "prepared",
    "step begun",
    "before begin",
    "chunk begun",
    "decided",
    "logged",
    "committed",
    "step done",
];

/// Once it was asked to stop it begins no chunk more: what is committed then is the chunk in hand, and those that
/// waited to be committed with it.
fn assert_at_most_the_chunk_in_hand(passed: &[(String, bool)], point: &str, chunks: u64, what: &str) {
    let (name, time) = point.split_once('#').unwrap();
    let time: usize = time.parse().unwrap();
    let at = |name: &str, time: usize| {
        let mut places = passed.iter().enumerate().filter(|(_, (passed, _))| passed == name);
        places.nth(time - 1).map(|(place, _)| place)
    };
    let asked = at(name, time).unwrap_or_else(|| panic!("{what}: it was not passed"));
    // Before it was taken there was nobody to hear it.
    if at("taken", 1).is_none_or(|taken| asked <= taken) {
        return;
    }
    let begun =
        |part: &[(String, bool)]| part.iter().filter(|(name, _)| name == "before begin").count() as u64;
    let (before, after) = (begun(&passed[..=asked]), begun(&passed[asked + 1..]));
    // Another thread may ask just after the run has looked whether it should stop.
    let most = u64::from(!OF_THE_RUN.contains(&name));
    assert!(after <= most, "{what}: {after} chunks were begun after it was asked to stop");
    assert!(chunks <= before + after, "{what}: {chunks} chunks were committed, {before} were begun before");
    let commits = passed[asked + 1..].iter().filter(|(name, _)| name == "committed").count();
    assert!(commits <= 1, "{what}: {commits} commits after it was asked to stop");
}

#[test]
fn what_cannot_be_resumed_is_told() {
    let desk = Template::new(Before::Empty).desk();
    let sconn = |args: &[&str]| sconn_in(&desk.path(""), args);
    assert_eq!(desk.run(&[]).code, Some(1));
    let again = sconn(&["executions", "resume", "out"]);
    assert_eq!(again.code, 2);
    assert!(
        again.stderr.contains("the execution in out has ended: completed with errors"),
        "{}",
        again.stderr
    );
    assert!(again.stderr.contains("run its input again as a new one"), "{}", again.stderr);
    std::fs::create_dir(desk.path("other")).unwrap();
    let other = sconn(&["executions", "resume", "other"]);
    assert!(other.stderr.contains("there is nothing to resume in other"), "{}", other.stderr);
    let none = sconn(&["executions", "resume", "nowhere"]);
    assert!(none.stderr.contains("there is no execution nowhere"), "{}", none.stderr);
    assert_eq!(desk.run(&[("SCONN_CRASH_AT", "logged#2")]).code, None);
    let (copy, whole) = (desk.path("out/input/list.csv"), std::fs::read(desk.path("list.csv")).unwrap());
    std::fs::write(&copy, "SKU,Maker,Price,Tags\n").unwrap();
    let changed = sconn(&["executions", "resume", "out"]);
    assert_eq!(changed.code, 2);
    assert!(changed.stderr.contains("list.csv has changed since it was handed in"), "{}", changed.stderr);
    // What hinders a resume does not make it impossible.
    std::fs::write(&copy, whole).unwrap();
    let (store, away) = (desk.path("store.sqlite"), desk.path("away.sqlite"));
    std::fs::rename(&store, &away).unwrap();
    std::fs::create_dir(&store).unwrap();
    let no_target = sconn(&["executions", "resume", "out"]);
    assert_eq!(no_target.code, 2);
    assert!(no_target.stderr.contains("this is a folder"), "{}", no_target.stderr);
    std::fs::remove_dir(&store).unwrap();
    std::fs::rename(&away, &store).unwrap();
    assert_eq!(desk.resume(&[]).code, Some(1));
    assert_eq!(desk.outcome("out").decisions.len(), DECISIONS);
}
