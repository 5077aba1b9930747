//! Slots held against an oracle that knows no rules of zones: it asks what the clock shows, minute by
//! minute.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use jiff::civil::date;
use std::collections::BTreeMap;

fn schedule(cron: &str, zone: &str, missed: Missed) -> Schedule {
    Schedule::new(&SchedulePlan { cron: cron.into(), timezone: Some(zone.into()), missed }, "UTC").unwrap()
}

fn slots(cron: &str, zone: &str, after: &str, until: &str) -> Vec<String> {
    let schedule = schedule(cron, zone, Missed::RunAll);
    let shown = |t: Timestamp| t.to_zoned_datetime(schedule.zone.clone()).strftime("%d %H:%M%:z").to_string();
    schedule.slots(after.parse().unwrap(), until.parse().unwrap()).map(shown).collect()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Zones whose clocks change: by an hour, two hours or half an hour, at midnight, before it and after it,
/// for Ramadan, north and south, and one that leaves the change behind on the way.
const ZONES: [&str; 20] = [
    "Europe/Berlin",
    "Europe/London",
    "Europe/Dublin",
    "Europe/Chisinau",
    "Atlantic/Azores",
    "America/New_York",
    "America/St_Johns",
    "America/Havana",
    "America/Santiago",
    "America/Asuncion",
    "America/Nuuk",
    "America/Scoresbysund",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Jerusalem",
    "Asia/Gaza",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
];

/// Cron lines, whether they go by real time, and what they say of a local time.
type Line = (&'static str, bool, fn(DateTime) -> bool);
const LINES: [Line; 9] = [
    ("30 2 * * *", false, |t| (t.hour(), t.minute()) == (2, 30)),
    ("0 0 * * *", false, |t| (t.hour(), t.minute()) == (0, 0)),
    ("15 1,2,3 * * SUN", false, |t| {
        t.minute() == 15 && (1..=3).contains(&t.hour()) && t.weekday() == jiff::civil::Weekday::Sunday
    }),
    ("*/20 0-4 * * *", false, |t| t.minute() % 20 == 0 && t.hour() <= 4),
    ("0 */2 * * *", false, |t| t.minute() == 0 && t.hour() % 2 == 0),
    ("45 23 * 3,4,9,10 *", false, |t| {
        (t.hour(), t.minute()) == (23, 45) && [3, 4, 9, 10].contains(&t.month())
    }),
    ("*/15 * * * *", true, |t| t.minute() % 15 == 0),
    ("@hourly", true, |t| t.minute() == 0),
    ("7,37 * * * SAT", true, |t| {
        [7, 37].contains(&t.minute()) && t.weekday() == jiff::civil::Weekday::Saturday
    }),
];

/// What the clock of a zone shows around one of its changes.
struct Around {
    /// At each minute.
    minutes: Vec<(Timestamp, DateTime)>,
    /// When it shows a local time first.
    first: BTreeMap<DateTime, Timestamp>,
    /// Every local time, shown or not.
    locals: Vec<DateTime>,
}

impl Around {
    fn new(zone: &TimeZone, change: Timestamp) -> Self {
        let (hours, minute) = (SignedDuration::from_hours(14), SignedDuration::from_mins(1));
        // Where the tables of a zone end, in 2038, a change is told that is none, within a minute.
        let change = Timestamp::from_second(change.as_second() / 60 * 60).unwrap();
        let times = std::iter::successors(Some(change - hours), |t| Some(*t + minute));
        let minutes: Vec<_> =
            times.take_while(|t| *t <= change + hours).map(|t| (t, zone.to_datetime(t))).collect();
        let mut first = BTreeMap::new();
        for (t, local) in &minutes {
            first.entry(*local).or_insert(*t);
        }
        let last = minutes.last().unwrap().1;
        let locals = std::iter::successors(Some(minutes[0].1), |l| Some(*l + minute));
        let locals = locals.take_while(|l| *l <= last).collect();
        Self { minutes, first, locals }
    }

    /// The slots of a line: of real time each minute that is like it; of the clock each local time that
    /// is, when it is shown first, or when the clock first shows a later one.
    fn slots(&self, (_, real, like): Line) -> Vec<Timestamp> {
        if real {
            return self.minutes.iter().filter(|(_, local)| like(*local)).map(|(t, _)| *t).collect();
        }
        let like = self.locals.iter().filter(|local| like(**local));
        let mut slots: Vec<_> = like.map(|local| *self.first.range(*local..).next().unwrap().1).collect();
        slots.dedup();
        slots
    }
}

/// Every change of the clock from 2020 to 2040 in twenty zones.
#[test]
fn each_slot_comes_exactly_once_whatever_the_clock_does() {
    let (from, to) = (at("2020-01-01T00:00:00Z"), at("2041-01-01T00:00:00Z"));
    let mut changes = 0;
    for name in ZONES {
        let zone = TimeZone::get(name).unwrap();
        let all: Vec<_> = zone.following(from).map(|c| c.timestamp()).take_while(|t| *t < to).collect();
        assert!(!all.is_empty(), "{name} has no changes");
        for change in all {
            changes += 1;
            let around = Around::new(&zone, change);
            let (start, end) = (around.minutes[0].0, around.minutes.last().unwrap().0);
            let start = start - SignedDuration::from_secs(1);
            for (n, line) in LINES.into_iter().enumerate() {
                let schedule = schedule(line.0, name, Missed::RunAll);
                let got: Vec<_> = schedule.slots(start, end).collect();
                assert_eq!(got, around.slots(line), "{} in {name} around {change}", line.0);
                // Whoever looks at any time goes on where another left off.
                let cuts =
                    [SignedDuration::from_nanos(-1), SignedDuration::ZERO, SignedDuration::from_mins(31)];
                if changes % LINES.len() == n {
                    let cut = change + cuts[changes / LINES.len() % cuts.len()];
                    let parts: Vec<_> = schedule.slots(start, cut).chain(schedule.slots(cut, end)).collect();
                    assert_eq!(parts, got, "{} in {name}, cut at {cut}", line.0);
                }
            }
        }
    }
    assert!(changes > 600, "{changes}");
}

#[test]
fn a_time_that_the_clock_leaps_over_comes_after_the_leap() {
    let spring = |cron| slots(cron, "Europe/Berlin", "2026-03-28T23:30:00Z", "2026-03-29T03:00:00Z");
    assert_eq!(spring("30 2 * * *"), ["29 03:00+02:00"]);
    assert_eq!(spring("0,30 2 * * *"), ["29 03:00+02:00"], "two at one instant are one");
    assert_eq!(spring("0 * * * *"), ["29 01:00+01:00", "29 03:00+02:00", "29 04:00+02:00", "29 05:00+02:00"]);
    // Midnight itself.
    let chile = slots("0 0 * * *", "America/Santiago", "2026-09-05T12:00:00Z", "2026-09-06T12:00:00Z");
    assert_eq!(chile, ["06 01:00-03:00"]);
}

#[test]
fn a_time_that_the_clock_shows_twice_comes_the_first_time() {
    let autumn = |cron| slots(cron, "Europe/Berlin", "2026-10-24T23:30:00Z", "2026-10-25T02:00:00Z");
    assert_eq!(autumn("30 2 * * *"), ["25 02:30+02:00"]);
    assert_eq!(
        autumn("*/30 * * * *"),
        ["25 02:00+02:00", "25 02:30+02:00", "25 02:00+01:00", "25 02:30+01:00", "25 03:00+01:00"],
        "every hour: every half hour of real time"
    );
}

#[test]
fn lines_that_begin_with_at_come_and_what_never_comes_is_known() {
    let daily = slots("@daily", "Asia/Tokyo", "2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z");
    assert_eq!(daily, ["02 00:00+09:00", "03 00:00+09:00"]);
    assert_eq!(schedule("0 0 30 2 *", "UTC", Missed::Skip).next(at("2026-01-01T00:00:00Z")), None);
    assert_eq!(schedule("* * 30 2 *", "UTC", Missed::Skip).next(at("2026-01-01T00:00:00Z")), None);
    let leap = schedule("* * 29 2 *", "Europe/Berlin", Missed::Skip).next(at("2026-01-01T00:00:00Z"));
    assert_eq!(
        leap,
        Some(
            date(2028, 2, 29).to_zoned_datetime(TimeZone::get("Europe/Berlin").unwrap()).unwrap().timestamp()
        )
    );
}

/// As the page on schedules says.
#[test]
fn days_can_be_counted_from_the_end_of_the_month_or_by_weeks() {
    for (cron, days) in [
        ("0 6 L * *", ["31", "28"]),
        ("0 6 LW * *", ["30", "27"]),
        // The 15th of February 2026 is a Sunday, the 31st of January a Saturday.
        ("0 6 15W * *", ["15", "16"]),
        ("0 6 * * FRI#2", ["09", "13"]),
        ("0 6 * * FRIL", ["30", "27"]),
        ("0 6 13 * +FRI", ["13", "13"]),
    ] {
        let (from, to) = match cron {
            // A Friday the 13th: February and March 2026.
            "0 6 13 * +FRI" => ("2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z"),
            _ => ("2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z"),
        };
        assert_eq!(slots(cron, "UTC", from, to), days.map(|d| format!("{d} 06:00+00:00")), "{cron}");
    }
}

#[test]
fn missed_slots_go_by_their_policy() {
    let due = |missed, seen: &str, now: &str| schedule("0 * * * *", "UTC", missed).due(at(seen), at(now));
    let (seen, now) = ("2026-01-01T00:00:00Z", "2026-01-01T03:00:20Z");
    let [one, two, three] = [1, 2, 3].map(|h| at(&format!("2026-01-01T0{h}:00:00Z")));
    let all = due(Missed::RunAll, seen, now);
    assert_eq!(all, Due { run: vec![one, two, three], upto: Some(three), left_out: None });
    let once = due(Missed::RunOnce, seen, now);
    assert_eq!(once, Due { run: vec![three], upto: Some(three), left_out: Some("2".into()) });
    assert_eq!(due(Missed::Skip, seen, now), once, "20 seconds late is on time");
    let late = due(Missed::Skip, seen, "2026-01-01T03:10:00Z");
    assert_eq!(late, Due { run: vec![], upto: Some(three), left_out: Some("3".into()) });
    assert_eq!(due(Missed::RunAll, "2026-01-01T03:00:00Z", now), Due::default(), "what is done is done");
    assert_eq!(due(Missed::RunAll, "2030-01-01T00:00:00Z", now), Due::default(), "a clock that was put back");
}

#[test]
fn no_more_than_a_hundred_missed_slots_run() {
    let minutely = schedule("* * * * *", "Europe/Berlin", Missed::RunAll);
    let (seen, now) = (at("2016-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z"));
    let due = minutely.due(seen, now);
    assert_eq!(due.run.len(), MOST);
    assert_eq!(due.run.last(), Some(&now));
    assert_eq!(due.left_out.as_deref(), Some("all but the newest 100"));
    let yearly = schedule("@yearly", "UTC", Missed::RunAll).due(seen, now);
    assert_eq!((yearly.run.len(), yearly.left_out), (10, None));
}

#[test]
fn the_input_of_a_slot_is_its_time_in_the_zone_of_the_schedule() {
    let dir = tempfile::tempdir().unwrap();
    let berlin = schedule("@hourly", "Europe/Berlin", Missed::RunOnce);
    let input = input_file(dir.path(), &berlin, at("2026-07-01T04:00:00Z")).unwrap();
    let text = std::fs::read_to_string(input.path).unwrap();
    assert_eq!(text, "schedule_trigger_time\n2026-07-01T06:00:00+02:00\n");
}
