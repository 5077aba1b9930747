use super::sample::{decisions, many, parts, plan};
use crate::load::RowDecision;
use crate::report::*;
use crate::value::Value;

fn write(path: &std::path::Path, steps: &[(&str, u64)]) {
    let mut writer = DecisionWriter::create(path, "run", &parts()).unwrap();
    for (name, count) in steps {
        writer.step(&plan(name)).unwrap();
        many(*count).for_each(|d| writer.write(&d).unwrap());
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
fn provisional_ids_are_not_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.parquet");
    let hidden = decisions().into_iter().next().map(|mut d| {
        d.visible = false;
        d.rules[0].ids = vec![d.record.unwrap(), uuid::Uuid::from_u128(7)];
        d
    });
    let mut writer = DecisionWriter::create(&path, "run", &parts()).unwrap();
    writer.step(&plan("vendors")).unwrap();
    let hidden = hidden.unwrap();
    writer.write(&hidden).unwrap();
    writer.step(&plan("products")).unwrap();
    let mut later = decisions().remove(1);
    later.fields[0].after = Value::Uuid(hidden.record.unwrap());
    later.fields[0].before = Value::Uuid(uuid::Uuid::from_u128(7));
    writer.write(&later).unwrap();
    assert!(!path.exists(), "the file must appear only when it is complete");
    writer.finish().unwrap();
    let back = read(&path, "vendors").remove(0);
    assert_eq!((back.record, back.visible), (None, false));
    assert_eq!(back.rules[0].ids, [uuid::Uuid::from_u128(7)]);
    let later = read(&path, "products").remove(0);
    assert_eq!(later.fields[0].after, Value::Text("(new record)".into()));
    assert_eq!(later.fields[0].before, Value::Uuid(uuid::Uuid::from_u128(7)));
    let bytes = std::fs::read(&path).unwrap();
    let id = hidden.record.unwrap().to_string();
    assert!(!bytes.windows(id.len()).any(|w| w == id.as_bytes()));
}

#[test]
fn a_writer_that_is_given_up_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = DecisionWriter::create(&folder.path().join("d.parquet"), "run", &parts()).unwrap();
    assert!(writer.write(&decisions()[0]).is_err(), "no step was begun");
    drop(writer);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_file_that_is_none_is_refused_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.parquet");
    std::fs::write(&path, "PAR1 not really PAR1").unwrap();
    assert!(DecisionReader::open(&path).is_err());
    let missing = DecisionWriter::create(&folder.path().join("no/such/d.parquet"), "run", &[]).err().unwrap();
    assert!(missing.hint.contains("the folder is not there"), "{missing:?}");
}
