use super::sample::{decisions, encoded, many, parts, plan};
use crate::load::{Action, NewIds, RowDecision};
use crate::report::*;
use crate::value::Value;

fn write(path: &std::path::Path, steps: &[(&str, u64)]) {
    let mut writer = DecisionWriter::create(path).unwrap();
    for (name, count) in steps {
        writer.step(&plan(name)).unwrap();
        let all: Vec<RowDecision> = many(*count).collect();
        all.chunks(500).for_each(|c| writer.write(&encoded(name, c)).unwrap());
    }
    writer.finish().unwrap();
}

fn read(path: &std::path::Path, step: &str) -> Vec<RowDecision> {
    DecisionReader::open(path).unwrap().step(step).unwrap().map(|d| d.unwrap()).collect()
}

#[test]
fn decisions_come_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.parquet");
    write(&path, &[("vendors", 7), ("empty", 0), ("products", 10_000)]);
    assert_eq!(
        read(&path, "vendors"),
        decisions().into_iter().zip(0..).map(|(d, key)| RowDecision { key, ..d }).collect::<Vec<_>>()
    );
    assert_eq!(read(&path, "products"), many(10_000).collect::<Vec<_>>());
    assert_eq!(read(&path, "empty"), []);
    assert_eq!(read(&path, "no such step"), []);
    let reader = DecisionReader::open(&path).unwrap();
    let steps: Vec<_> = reader.steps().iter().map(|s| (s.name.as_str(), s.rows)).collect();
    assert_eq!(steps, [("vendors", 7), ("empty", 0), ("products", 10_000)]);
}

#[test]
fn a_page_is_found_anywhere_in_a_step() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.parquet");
    // More than a row group.
    write(&path, &[("vendors", 7), ("products", 51_000)]);
    let reader = DecisionReader::open(&path).unwrap();
    let page = |from: u64, text: &str, actions: &[Action]| {
        let (step, text, actions) = ("products".to_owned(), text.to_owned(), actions.to_vec());
        reader.page(&Wanted { step, actions, text, from, limit: 50 }).unwrap()
    };
    let rows = |p: &DecisionPage| p.rows.iter().map(|r| r.decision.row).collect::<Vec<_>>();
    let every = decisions().len() as u64;
    let first = page(0, "", &[]);
    assert_eq!((rows(&first), first.next), ((1..=50).collect(), Some(50)));
    let over = page(49_990, "", &[]);
    assert_eq!((rows(&over), over.next), ((49_991..=50_040).collect(), Some(50_040)));
    let last = page(50_980, "", &[]);
    assert_eq!((rows(&last), last.next), ((50_981..=51_000).collect(), None));
    // What a person sees is searched, whatever its case; names of the file's own format are not.
    let nuts = page(50_000, "NUT", &[Action::Update]);
    assert!(nuts.rows.iter().all(|r| (r.decision.row - 1) % every == 1), "{:?}", rows(&nuts));
    assert!(nuts.rows.len() == 50 && nuts.rows[0].decision.row > 50_000, "{:?}", rows(&nuts));
    assert_eq!(rows(&page(0, "\"effect\"", &[])), [0; 0]);
    assert_eq!(rows(&page(0, "candidates", &[])), [0; 0]);
    assert_eq!(rows(&page(60_000, "", &[])), [0; 0]);
    let fields: Vec<_> = first.rows[1].fields.iter().map(|f| f.name.clone()).collect();
    let mappings: Vec<_> = plan("products").mappings.iter().map(|m| m.field.name.clone()).collect();
    assert_eq!(fields, mappings[..fields.len()]);
}

#[test]
fn long_decisions_make_short_pages() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.parquet");
    let long = "x".repeat(6 << 20);
    let all: Vec<RowDecision> = (1..=9)
        .map(|row| {
            let mut decision = decisions().remove(1);
            decision.row = row;
            decision.fields[0].after = Value::Text(long.clone());
            decision
        })
        .collect();
    let mut writer = DecisionWriter::create(&path).unwrap();
    writer.step(&plan("products")).unwrap();
    all.iter().for_each(|d| writer.write(&encoded("products", std::slice::from_ref(d))).unwrap());
    writer.finish().unwrap();
    let reader = DecisionReader::open(&path).unwrap();
    let (mut from, mut seen, mut pages) = (0, Vec::new(), 0);
    loop {
        let wanted = Wanted { step: "products".to_owned(), from, limit: 50, ..Wanted::default() };
        let page = reader.page(&wanted).unwrap();
        assert!(page.rows.len() <= 3, "{}", page.rows.len());
        assert!(page.rows.iter().all(|r| r.at + 1 == r.decision.row));
        seen.extend(page.rows.iter().map(|r| r.decision.row));
        pages += 1;
        let Some(next) = page.next else { break };
        from = next;
    }
    assert_eq!((seen, pages), ((1..=9).collect(), 3));
}

#[test]
fn provisional_ids_are_not_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.parquet");
    let ids = NewIds::of("run", jiff::Timestamp::UNIX_EPOCH);
    let new = ids.id(0, 0);
    let mut hidden = decisions().remove(0);
    hidden.record = Some(new);
    hidden.visible = false;
    hidden.rules[0].ids = vec![new, uuid::Uuid::from_u128(7)];
    let mut later = decisions().remove(1);
    later.fields[0].after = Value::Uuid(new);
    later.fields[0].text = Some(new.to_string());
    later.fields[0].before = Value::Uuid(uuid::Uuid::from_u128(7));
    let encoder = DecisionEncoder::new("run", &parts(), Some(ids));
    let mut writer = DecisionWriter::create(&path).unwrap();
    for (step, decision) in [("vendors", hidden), ("products", later)] {
        writer.step(&plan(step)).unwrap();
        writer.write(&encoder.encode(&plan(step), &[decision]).unwrap()).unwrap();
    }
    assert!(!path.exists(), "the file must appear only when it is complete");
    writer.finish().unwrap();
    let back = read(&path, "vendors").remove(0);
    assert_eq!((back.record, back.visible), (None, false));
    assert_eq!(back.rules[0].ids, [uuid::Uuid::from_u128(7)]);
    let later = read(&path, "products").remove(0);
    assert_eq!(later.fields[0].after, Value::Text("(new record)".into()));
    assert_eq!(later.fields[0].before, Value::Uuid(uuid::Uuid::from_u128(7)));
    let bytes = std::fs::read(&path).unwrap();
    let id = new.to_string();
    assert!(!bytes.windows(id.len()).any(|w| w == id.as_bytes()));
}

#[test]
fn a_writer_that_is_given_up_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = DecisionWriter::create(&folder.path().join("d.parquet")).unwrap();
    assert!(writer.write(&encoded("vendors", &decisions())).is_err(), "no step was begun");
    drop(writer);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_file_that_is_none_is_refused_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.parquet");
    std::fs::write(&path, "PAR1 not really PAR1").unwrap();
    assert!(DecisionReader::open(&path).is_err());
    let missing = DecisionWriter::create(&folder.path().join("no/such/d.parquet")).err().unwrap();
    assert!(missing.hint.contains("the folder is not there"), "{missing:?}");
}

#[test]
fn a_log_gives_back_the_newest_frame_of_each_chunk_and_passes_over_one_that_was_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let rows = |n: usize| [encoded("vendors", &decisions()[..n]), encoded("vendors", &decisions()[..1])];
    let mut first = DecisionLog::create(folder.path()).unwrap();
    first.append(0, 0, &rows(1)).unwrap();
    first.append(0, 1, &rows(2)).unwrap();
    first.append(1, 0, &rows(3)).unwrap();
    // A second worker does chunk 1 of step 0 again, and is cut off in the middle of another frame.
    let mut second = DecisionLog::create(folder.path()).unwrap();
    second.append(0, 1, &rows(4)).unwrap();
    second.append(1, 0, &rows(5)).unwrap();
    drop(second);
    let path = folder.path().join("decisions-2.log");
    let bytes = std::fs::read(&path).unwrap();
    for cut in [bytes.len() - 1, bytes.len() / 2 + 40] {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        let logged = LoggedDecisions::open(folder.path()).unwrap();
        let back = |step, chunk| {
            let [rows, one] = logged.chunk(step, chunk).unwrap()?.try_into().unwrap();
            assert_eq!(decode(&one).unwrap(), decisions()[..1]);
            Some(decode(&rows).unwrap())
        };
        assert_eq!(back(0, 0), Some(decisions()[..1].to_vec()));
        assert_eq!(back(0, 1), Some(decisions()[..4].to_vec()));
        assert_eq!(back(1, 0), Some(decisions()[..3].to_vec()), "the older frame, which is whole");
        assert_eq!(back(2, 0), None);
    }
    let mut damaged = std::fs::read(folder.path().join("decisions-1.log")).unwrap();
    damaged[60] ^= 1;
    std::fs::write(folder.path().join("decisions-1.log"), damaged).unwrap();
    let logged = LoggedDecisions::open(folder.path()).unwrap();
    assert!(logged.chunk(0, 0).unwrap_err().to_string().contains("damaged"));
}
