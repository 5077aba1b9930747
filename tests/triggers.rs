//! Schedules and watched folders: what starts executions by itself, with kill -9 at every named point.

mod way;

use crate::common::project::{GOOD, Project, Running, SHOP, eventually, opened};
use serde_json::Value;
use std::ops::Deref;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

const NIGHTLY: &str = r#"
connector nightly {
  trigger schedule { cron "CRON" timezone "Europe/Berlin" missed MISSED }
}

object visits "Visits" {
  name: text required
  time: text unique
}

scope visits from input.schedule {
  schedule_trigger_time: string required
}

load visits into visits {
  match time with schedule_trigger_time
  map {
    name <- schedule_trigger_time
    time <- schedule_trigger_time
  }
}
"#;

const WATCH: &str = r#"
[watch.prices]
connector = "shop.sconn"
folder    = "inbox"
settle    = "0s"
"#;

/// A project with an active connector that is triggered.
struct Desk(Project);

impl Deref for Desk {
    type Target = Project;

    fn deref(&self) -> &Project {
        &self.0
    }
}

impl Desk {
    fn scheduled(cron: &str, missed: &str) -> Self {
        let desk = Self(Project::new(""));
        desk.file("nightly.sconn", &NIGHTLY.replace("CRON", cron).replace("MISSED", missed));
        desk.ends(0, &["activate", "nightly.sconn"]);
        desk
    }

    fn watching() -> Self {
        let desk = Self(Project::with_shop(SHOP, WATCH));
        std::fs::create_dir(desk.at("inbox")).unwrap();
        desk.ends(0, &["activate", "shop.sconn"]);
        desk
    }

    /// Several processes at one queue, until it is empty.
    fn work_together(&self, many: usize) {
        let workers: Vec<Running> = (0..many).map(|_| self.start(&["work", "--until-empty"])).collect();
        for mut worker in workers {
            assert!(worker.0.wait().unwrap().success());
        }
    }

    /// Runs the queue until the process dies at a point.
    fn dies_at(&self, point: &str) {
        self.dies_in(&[], point);
    }

    /// The same, in another environment.
    fn dies_in(&self, env: &[(&str, &str)], point: &str) {
        self.0.dies_in(env, point, &["work", "--until-empty"]);
    }

    /// As if nobody had looked at the schedule for so many minutes.
    fn unseen(&self, minutes: i64) {
        let sql = "UPDATE schedules SET seen = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?1)";
        assert_eq!(self.database().execute(sql, [format!("-{minutes} minutes")]).unwrap(), 1);
    }

    /// Nobody has looked since the middle of a year, so that many New Years ago.
    fn unseen_new_years(&self, many: i64) {
        let sql = "UPDATE schedules SET seen = (strftime('%Y', 'now') - ?1) || '-07-01T00:00:00.000Z'";
        assert_ne!(self.database().execute(sql, [many]).unwrap(), 0);
    }

    fn slots(&self) -> Vec<(String, String)> {
        let state = self.database();
        let mut statement = state.prepare("SELECT slot, execution FROM slots ORDER BY slot").unwrap();
        statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?))).unwrap().map(Result::unwrap).collect()
    }

    /// The state of the only execution there is; a folder that belongs to none would be seen.
    fn only_execution(&self) -> String {
        let all = self.executions();
        let folders = names(&self.at(".sconn/executions"));
        assert_eq!(folders.len(), 1, "{folders:?}");
        assert_eq!(all.len(), 1, "{all:#?}");
        assert_eq!(all[0]["id"], folders[0].as_str());
        all[0]["state"].as_str().unwrap().to_owned()
    }
}

/// The names in a folder, sorted; none where it is not there.
fn names(folder: &Path) -> Vec<String> {
    let list = std::fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<_> = list.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Files in a folder and below.
fn files(folder: &Path) -> Vec<String> {
    names(folder).into_iter().filter(|n| folder.join(n).is_file()).collect()
}

#[test]
fn each_slot_runs_once_however_many_work() {
    let desk = Desk::scheduled("* * * * *", "run_all");
    desk.unseen(5);
    desk.work_together(2);
    let slots = desk.slots();
    // A minute may have passed meanwhile.
    assert!((5..=7).contains(&slots.len()), "{slots:?}");
    let minute = |slot: &str| slot.parse::<jiff::Timestamp>().unwrap().as_second() / 60;
    assert!(slots.windows(2).all(|w| minute(&w[1].0) == minute(&w[0].0) + 1), "{slots:?}");
    let all = desk.executions();
    assert_eq!(all.len(), slots.len());
    for execution in all {
        assert_eq!(
            (&execution["state"], &execution["triggered_by"]),
            (&"completed".into(), &"schedule".into())
        );
        assert_eq!(execution["mode"], "live");
        assert!(slots.iter().any(|(_, id)| execution["id"] == id.as_str()));
    }
    assert_eq!(desk.count("visits"), slots.len() as i64);
    // The input is kept, and can be run again.
    let (slot, id) = &slots[0];
    let input = desk.at(".sconn/executions").join(id).join("input/schedule.csv");
    let text = std::fs::read_to_string(&input).unwrap();
    let time = text.strip_prefix("schedule_trigger_time\n").unwrap().trim();
    assert_eq!(minute(time), minute(slot));
    let again = desk.ends(0, &["run", "nightly.sconn", "--live", "--input", input.to_str().unwrap()]);
    assert!(again.stdout.contains("unchanged"), "{}", again.stdout);
}

#[test]
fn missed_slots_run_once_or_not_at_all() {
    let once = Desk::scheduled("0 0 1 1 *", "run_once");
    once.unseen_new_years(3);
    let said = once.work();
    assert!(said.contains("missed slots left out: 2"), "{said}");
    assert_eq!(once.slots().len(), 1);
    assert_eq!(once.only_execution(), "completed");
    let skip = Desk::scheduled("0 0 1 1 *", "skip");
    skip.unseen_new_years(3);
    let said = skip.work();
    assert!(said.contains("missed slots left out: 3"), "{said}");
    assert_eq!((skip.slots(), skip.executions()), (vec![], vec![]));
    assert_eq!(skip.work(), "", "they are done with");
}

#[test]
fn a_connector_that_is_not_active_has_no_slots() {
    let desk = Desk::scheduled("0 0 1 1 *", "run_all");
    desk.unseen_new_years(2);
    desk.ends(0, &["deactivate", "nightly"]);
    assert_eq!(desk.work(), "");
    desk.ends(0, &["activate", "nightly"]);
    assert_eq!(desk.work(), "", "activation begins afresh");
    assert_eq!(desk.executions(), Vec::<Value>::new());
}

#[test]
fn a_process_that_dies_over_a_slot_leaves_it_to_the_next() {
    for point in ["trigger prepared", "slot queued"] {
        let desk = Desk::scheduled("0 0 1 1 *", "run_once");
        desk.unseen_new_years(1);
        desk.dies_at(point);
        desk.work();
        assert_eq!(desk.only_execution(), "completed", "{point}");
        assert_eq!((desk.slots().len(), desk.count("visits")), (1, 1), "{point}");
    }
}

#[test]
fn a_schedule_needs_no_sample_and_can_be_run_by_hand() {
    let desk = Desk::scheduled("30 6 * * MON", "run_once");
    let dry = desk.ends(0, &["run", "nightly.sconn"]);
    assert!(dry.stdout.contains("1 record would be created"), "{}", dry.stdout);
    let next = desk.ends(0, &["schedule", "nightly.sconn", "--count", "3"]);
    assert_eq!(next.stdout.lines().count(), 3, "{}", next.stdout);
    for line in next.stdout.lines() {
        assert!(
            line.starts_with("Mon ") && line.contains(" 06:30:00 CE") && line.ends_with(" UTC"),
            "{line}"
        );
    }
    assert!(desk.ends(0, &["status"]).stdout.contains(", next slot 20"), "the status tells the next slot");
    // The clock was put back: what was done does not come again.
    let ahead =
        "UPDATE schedules SET seen = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+90 days') RETURNING date(seen)";
    let seen: String = desk.database().query_row(ahead, [], |r| r.get(0)).unwrap();
    let status = desk.ends(0, &["status"]).stdout;
    let (_, slot) = status.split_once(", next slot ").unwrap();
    assert!(slot[..10] >= seen[..], "{slot} {seen}");
    desk.file("never.sconn", &NIGHTLY.replace("CRON", "0 6 30 2 *").replace("MISSED", "skip"));
    let never = desk.ends(2, &["schedule", "never.sconn"]);
    assert!(never.stderr.contains("never comes due"), "{}", never.stderr);
    desk.file("shop.sconn", SHOP);
    desk.file("good.csv", "SKU,Price\na,1\n");
    let other = desk.ends(2, &["schedule", "shop.sconn"]);
    assert!(other.stderr.contains("does not run by schedule"), "{}", other.stderr);
}

#[test]
fn a_name_that_breaks_the_line_makes_no_line_of_the_log() {
    let desk = Desk::watching();
    desk.file("inbox/a\n20260101T000000Z-aaaaaa  completed.csv", "SKU,Price\na,1\n");
    let said = desk.work();
    assert!(said.contains("a\\n20260101T000000Z-aaaaaa  completed.csv"), "{said}");
    assert!(said.lines().all(|line| !line.starts_with("20260101T000000Z-aaaaaa")), "{said}");
    assert_eq!(desk.only_execution(), "completed");
}

#[test]
fn a_file_in_a_watched_folder_becomes_one_execution_and_goes_to_the_archive() {
    let desk = Desk::watching();
    desk.file("inbox/march.csv", "SKU,Price\na,1\nb,2\n");
    std::fs::create_dir(desk.at("inbox/older")).unwrap();
    for left in ["inbox/older/x.csv", "inbox/.hidden.csv", "inbox/big.csv.part", "inbox/big.csv.tmp"] {
        desk.file(left, "SKU,Price\nz,1\n");
    }
    std::os::unix::fs::symlink(desk.at("good.csv"), desk.at("inbox/link.csv")).unwrap();
    desk.work();
    assert_eq!(desk.only_execution(), "completed");
    let execution = &desk.executions()[0];
    assert_eq!((&execution["triggered_by"], &execution["mode"]), (&"folder prices".into(), &"live".into()));
    let id = execution["id"].as_str().unwrap();
    assert_eq!(files(&desk.at("inbox/archive")), [format!("march.{id}.csv")]);
    assert_eq!(
        names(&desk.at("inbox")),
        [".hidden.csv", "archive", "big.csv.part", "big.csv.tmp", "link.csv", "older"]
    );
    assert_eq!(desk.count("items"), 2);
    assert_eq!(desk.database().query_row("SELECT count(*) FROM watched", [], |r| r.get(0)), Ok(0));
}

#[test]
fn files_of_one_name_and_a_file_that_is_put_back_are_new_ones() {
    let desk = Desk::watching();
    for (text, items) in [("SKU,Price\na,1\n", 1), ("SKU,Price\nb,1\n", 2)] {
        desk.file("inbox/list.csv", text);
        desk.work();
        assert_eq!(desk.count("items"), items);
    }
    let archive = desk.at("inbox/archive");
    let archived = files(&archive);
    assert_eq!(archived.len(), 2, "{archived:?}");
    // The very same file once more: same name, same bytes, same time.
    std::fs::rename(archive.join(&archived[0]), desk.at("inbox/list.csv")).unwrap();
    desk.work();
    assert_eq!(desk.executions().len(), 3);
    assert_eq!((files(&archive).len(), files(&desk.at("inbox")).len()), (2, 0));
}

#[test]
fn what_cannot_be_loaded_goes_to_the_errors_with_a_text_that_says_why() {
    let desk = Desk::watching();
    desk.file("inbox/empty.csv", "");
    let odd = desk.at("inbox").join(std::ffi::OsStr::from_bytes(b"odd\xff.csv"));
    std::fs::write(odd, "SKU,Price\na,1\n").unwrap();
    let said = desk.work();
    assert_eq!(desk.only_execution(), "failed", "{said}");
    assert_eq!((files(&desk.at("inbox")).len(), files(&desk.at("inbox/archive")).len()), (0, 0));
    let errors = desk.at("inbox/errors");
    let found = files(&errors);
    assert_eq!(found.len(), 4, "{found:?}");
    let text = |start: &str| {
        let name = found.iter().find(|n| n.starts_with(start) && n.ends_with(".csv.txt")).unwrap();
        std::fs::read_to_string(errors.join(name)).unwrap()
    };
    assert!(text("odd").contains("its name is no UTF-8 text"), "{}", text("odd"));
    let empty = text("empty.");
    for said in ["empty.csv could not be loaded", "the file is empty", "sconn executions show", "put it into"]
    {
        assert!(empty.contains(said), "{said}: {empty}");
    }
    assert!(desk.ends(0, &["status"]).stdout.contains("Needs Attention"));
}

#[test]
fn whoever_writes_to_the_inbox_leads_no_file_somewhere_else() {
    let desk = Desk::watching();
    let elsewhere = desk.at("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    for (link, text, setting) in [("archive", "SKU,Price\na,1\n", "archive"), ("errors", "", "errors")] {
        let list = desk.file("inbox/list.csv", text);
        let place = desk.at("inbox").join(link);
        std::os::unix::fs::symlink(&elsewhere, &place).unwrap();
        let said = desk.ends(1, &["work", "--until-empty"]).stderr;
        assert!(
            said.contains(&format!("inbox/{link} is a link, not a folder; take the link away")),
            "{said}"
        );
        assert!(said.contains(&format!("`{setting}` of [watch.prices]")), "{said}");
        assert_eq!(names(&elsewhere), [""; 0], "{link}");
        std::fs::remove_file(place).unwrap();
        desk.work();
        assert!(!list.exists(), "{link}: once the link is gone, all goes on");
    }
    assert_eq!((files(&desk.at("inbox/archive")).len(), files(&desk.at("inbox/errors")).len()), (1, 2));
}

#[test]
fn a_process_that_dies_over_a_file_leaves_it_to_the_next() {
    let good = [
        "trigger prepared",
        "watched copied",
        "watched claimed",
        "watched seen",
        "watched held",
        "watched moved",
    ];
    let bad = ["watched claimed", "watched held", "watched moved", "watched explained", "watched failed"];
    for (point, text, state) in
        good.map(|p| (p, "SKU,Price\na,1\n", "completed")).into_iter().chain(bad.map(|p| (p, "", "failed")))
    {
        let desk = Desk::watching();
        desk.file("inbox/list.csv", text);
        desk.dies_at(point);
        desk.work();
        assert_eq!(desk.only_execution(), state, "{point}");
        let [inbox, archive, errors] =
            ["inbox", "inbox/archive", "inbox/errors"].map(|f| files(&desk.at(f)).len());
        let expected = if state == "failed" { (0, 0, 2) } else { (0, 1, 0) };
        assert_eq!((inbox, archive, errors), expected, "{point}");
        assert_eq!(desk.work(), "", "{point}: nothing is left to do");
    }
}

/// A disk that is away takes its files along, and brings them back.
#[test]
fn a_folder_that_is_away_for_a_while_says_nothing_of_its_files() {
    let desk = Desk::watching();
    let list = desk.file("inbox/list.csv", "SKU,Price\na,1\n");
    desk.dies_at("watched claimed");
    let away = |from: &str, to: &str| std::fs::rename(desk.at(from), desk.at(to)).unwrap();
    away("inbox", "away");
    let said = desk.ends(1, &["work", "--until-empty"]).stderr;
    assert!(
        said.contains("folder prices, list.csv: ") && said.contains("`folder` of [watch.prices]"),
        "{said}"
    );
    away("away", "inbox");
    desk.work();
    assert_eq!((desk.only_execution().as_str(), list.is_file()), ("completed", false));
    assert_eq!(files(&desk.at("inbox/archive")).len(), 1);
}

#[test]
fn a_queue_is_not_empty_while_somebody_else_looks_for_files() {
    let desk = Desk::watching();
    desk.file("inbox/list.csv", "SKU,Price\na,1\n");
    let taking = std::fs::File::create(desk.file(".sconn/triggers/taking", "")).unwrap();
    taking.lock().unwrap();
    let mut work = desk.start(&["work", "--until-empty"]);
    std::thread::sleep(Duration::from_secs(2));
    assert!(work.0.try_wait().unwrap().is_none(), "it waits");
    drop(taking);
    assert!(work.0.wait().unwrap().success());
    assert_eq!(desk.only_execution(), "completed");
}

/// `SCONN_KILLS=200` kills more often.
#[test]
fn each_file_is_loaded_once_however_often_the_worker_is_killed() {
    let kills: u64 = std::env::var("SCONN_KILLS").ok().map_or(6, |n| n.parse().unwrap());
    let desk = Desk::watching();
    for kill in 0..kills {
        for n in 0..2 {
            desk.file(&format!("inbox/{kill}-{n}.csv"), &format!("SKU,Price\nk{kill}-{n},1\n"));
        }
        let work = desk.start(&["work"]);
        // Not to wait for anything: at any moment.
        std::thread::sleep(Duration::from_millis(kill * 7919 % 450));
        drop(work);
    }
    let files_given = usize::try_from(kills * 2).unwrap();
    eventually("all are loaded", || {
        desk.work();
        desk.executions().iter().all(|e| e["state"] == "completed")
    });
    let mut ids: Vec<_> = desk.executions().iter().map(|e| e["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    assert_eq!(ids.len(), files_given);
    let folders = names(&desk.at(".sconn/executions"));
    assert!(ids.iter().all(|id| folders.contains(id)), "{ids:?} {folders:?}");
    assert_eq!(desk.count("items"), files_given as i64);
    assert_eq!((files(&desk.at("inbox")).len(), files(&desk.at("inbox/archive")).len()), (0, files_given));
}

#[test]
fn each_file_is_taken_once_however_many_work() {
    let desk = Desk::watching();
    for n in 0..6 {
        desk.file(&format!("inbox/{n}.csv"), &format!("SKU,Price\nk{n},1\n"));
    }
    desk.work_together(3);
    desk.work();
    assert_eq!(desk.executions().len(), 6);
    assert_eq!(names(&desk.at(".sconn/executions")).len(), 6);
    assert_eq!((desk.count("items"), files(&desk.at("inbox/archive")).len()), (6, 6));
}

#[test]
fn a_folder_and_a_schedule_load_into_the_targets_that_are_named_for_them() {
    let desk = Desk::scheduled("0 0 1 1 *", "run_once");
    desk.unseen_new_years(1);
    desk.file("shop.sconn", SHOP);
    desk.file("good.csv", GOOD);
    let targets = "[targets.crm]\nsqlite = \"crm.sqlite\"\n[targets.lab]\nsqlite = \"lab.sqlite\"\n";
    let nightly = "[connectors.nightly]\ntarget = \"lab\"\n";
    desk.file("sconn.toml", &format!("{targets}{nightly}{WATCH}target = \"crm\"\n"));
    desk.ends(0, &["activate", "shop.sconn"]);
    desk.file("inbox/list.csv", "SKU,Price\na,1\nb,2\n");
    desk.work();
    let count = |store: &str, object: &str| {
        let store = opened(desk.at(store));
        store.query_row(&format!("SELECT count(*) FROM {object}"), [], |r| r.get::<_, i64>(0)).unwrap()
    };
    assert_eq!((count("crm.sqlite", "items"), count("lab.sqlite", "visits")), (2, 1));
    // By hand it is the same target, unless another is named.
    let by_hand = ["run", "nightly.sconn", "--live", "--no-report"];
    desk.ends(0, &by_hand);
    assert_eq!(count("lab.sqlite", "visits"), 2);
    assert!(!desk.at(".sconn/store.sqlite").exists(), "nothing asked for the default one");
    desk.ends(0, &[&by_hand[..], &["--target", "store"]].concat());
    assert_eq!((count("lab.sqlite", "visits"), desk.count("visits")), (2, 1));
    for (settings, told) in [
        (
            format!("{targets}{WATCH}target = \"crn\"\n"),
            "[watch.prices]: there is no target `crn`\n  help: did you mean `crm`?",
        ),
        (
            format!("{targets}[connectors.shop]\ntarget = \"./x.sqlite\"\n"),
            "[connectors.shop]: there is no target `./x.sqlite`",
        ),
        (format!("{targets}[connectors.shop]\ntraget = \"crm\"\n"), "unknown field `traget`"),
    ] {
        desk.file("sconn.toml", &settings);
        let refused = desk.ends(2, &["status"]).stderr;
        assert!(refused.contains(told), "{told}: {refused}");
    }
    desk.file("sconn.toml", &format!("{targets}[connectors.shap]\ntarget = \"crm\"\n"));
    let status = desk.ends(0, &["status"]).stdout;
    assert!(
        status.contains("notice: sconn.toml has [connectors.shap]")
            && status.contains("did you mean `shop`?"),
        "{status}"
    );
}

#[test]
fn a_file_that_is_still_written_is_left_alone() {
    let desk = Desk::watching();
    let writer = std::fs::File::create(desk.at("inbox/slow.csv")).unwrap();
    let _work = desk.start(&["work"]);
    desk.file("inbox/quick.csv", "SKU,Price\na,1\n");
    let archived = |name: &str| files(&desk.at("inbox/archive")).iter().any(|n| n.starts_with(name));
    eventually("the file that is complete is taken", || archived("quick."));
    assert!(desk.at("inbox/slow.csv").is_file());
    std::io::Write::write_all(&mut &writer, b"SKU,Price\nb,1\n").unwrap();
    drop(writer);
    eventually("the other one is taken once it is closed", || archived("slow."));
    eventually("both are loaded", || desk.executions().iter().all(|e| e["state"] == "completed"));
    assert_eq!((desk.count("items"), desk.executions().len()), (2, 2));
}

#[test]
fn what_arrives_for_an_inactive_connector_waits_in_the_queue() {
    let desk = Desk::watching();
    desk.ends(0, &["deactivate", "shop"]);
    desk.file("inbox/list.csv", "SKU,Price\na,1\n");
    desk.work();
    assert_eq!(desk.only_execution(), "queued");
    assert_eq!(files(&desk.at("inbox/archive")).len(), 1);
    desk.ends(0, &["activate", "shop", "--keep-queued"]);
    desk.work();
    assert_eq!((desk.only_execution().as_str(), desk.count("items")), ("completed", 1));
}

#[test]
fn what_hinders_a_folder_is_told_once_and_costs_no_file() {
    let desk = Desk::watching();
    let list = desk.file("inbox/list.csv", "SKU,Price\na,1\n");
    desk.file("sconn.toml", &WATCH.replace("shop.sconn", "shap"));
    let said = desk.ends(1, &["work", "--until-empty"]).stderr;
    assert!(said.contains("folder prices: there is no connector `shap`; did you mean `shop`?"), "{said}");
    assert!(list.is_file());
    // Where executions are kept cannot be written to, as on a full disk.
    desk.file("sconn.toml", &WATCH.replace("shop.sconn", "shop"));
    desk.file(".sconn/executions", "");
    let said = desk.ends(1, &["work", "--until-empty"]).stderr;
    assert_eq!(said.matches("list.csv").count(), 1, "{said}");
    assert!(list.is_file());
    assert_eq!(desk.executions(), Vec::<Value>::new());
    std::fs::remove_file(desk.at(".sconn/executions")).unwrap();
    // The archive cannot be made: the file is loaded, and stays until it can be moved.
    desk.file("sconn.toml", &format!("{WATCH}archive = \"blocked/archive\"\n"));
    desk.file("blocked", "");
    let said = desk.ends(1, &["work", "--until-empty"]).stderr;
    assert!(said.contains("part of the path is a file"), "{said}");
    assert_eq!((desk.only_execution().as_str(), list.is_file()), ("completed", true));
    std::fs::remove_file(desk.at("blocked")).unwrap();
    desk.work();
    assert_eq!((desk.only_execution().as_str(), list.is_file()), ("completed", false));
    assert_eq!(files(&desk.at("blocked/archive")).len(), 1);
}

#[test]
fn a_folder_can_be_watched_for_dry_runs_and_its_settings_are_checked() {
    let desk = Desk::watching();
    desk.file("sconn.toml", &format!("{WATCH}pattern = \"*.csv\"\nlive = false\narchive = \"done\"\n"));
    desk.file("inbox/list.csv", "SKU,Price\na,1\n");
    desk.file("inbox/list.txt", "SKU,Price\nb,1\n");
    desk.work();
    assert_eq!(desk.executions()[0]["mode"], "dry");
    assert_eq!(files(&desk.at("done")).len(), 1);
    assert_eq!(files(&desk.at("inbox")), ["list.txt"]);
    assert_eq!(desk.count("items"), 0);
    for (wrong, told) in [
        ("[watch.a]\nconnector = \"shop\"\n", "folder"),
        ("[watch.a]\nconnector = \"shop\"\nfolder = \"inbox\"\nerrors = \"inbox\"\n", "watch.a"),
        ("[watch.a]\nconnector = \"shop\"\nfolder = \"inbox\"\nsettle = \"soon\"\n", "soon"),
        ("[watch.a]\nconnector = \"shop\"\nfolder = \"inbox\"\nsetle = \"5s\"\n", "setle"),
    ] {
        desk.file("sconn.toml", wrong);
        let refused = desk.ends(2, &["status"]);
        assert!(refused.stderr.contains(told), "{told}: {}", refused.stderr);
    }
}
