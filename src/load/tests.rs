#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::memory::Memory;
use super::*;
use crate::plan::{Automations, LoadPlan, MappingPlan, MappingSource, MatchAction, Outcome, Place, RulePlan};
use crate::target::{Chunk, ChunkKey, Receipt, Record, Target, Write};
use crate::value::*;
use uuid::Uuid;

fn field(name: &str) -> FieldSchema {
    let ty = match name {
        "tags" => FieldType::Checkboxes,
        "free" => FieldType::Dynamictags,
        "kind" => FieldType::Dropdown,
        "parent" => FieldType::Relationship { object: "items".into() },
        "vendor" => FieldType::Relationship { object: "vendors".into() },
        "amount" => FieldType::Decimal,
        _ => FieldType::Text,
    };
    let (required, unique) = (name == "name", name == "sku");
    FieldSchema { name: name.into(), ty, required, unique, options: vec![] }
}

fn items() -> ObjectSchema {
    let names =
        ["name", "sku", "code", "email", "tags", "free", "kind", "parent", "vendor", "amount", "note"];
    ObjectSchema { name: "items".into(), label: "Items".into(), fields: names.map(field).to_vec() }
}

fn rule(field: &str, variable: &str) -> RulePlan {
    RulePlan {
        field: field.into(),
        variable: variable.into(),
        none: MatchAction::CreateNew,
        one: MatchAction::UpdateCurrent,
        many: MatchAction::DoNotUpload,
        archived: MatchAction::CreateNew,
    }
}

fn from(name: &str, source: MappingSource, resolution: Resolution) -> MappingPlan {
    MappingPlan { field: field(name), source, resolution, create_options: false }
}

fn map(name: &str, variable: &str) -> MappingPlan {
    from(name, MappingSource::Variable(variable.into()), Resolution::Overwrite)
}

fn plan(rules: Vec<RulePlan>, mappings: Vec<MappingPlan>) -> LoadPlan {
    let place = Place { file: "a.sconn".into(), line: 1, column: 1 };
    let (name, scope, object) = ("step".into(), "scope".into(), "items".into());
    LoadPlan { name, scope, object, rules, mappings, expose: None, automations: Automations::None, place }
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn new_ids() -> NewIds {
    NewIds::of("e", jiff::Timestamp::UNIX_EPOCH)
}

/// The id of the record that a row creates, counted from 1.
fn new_id(row: u64) -> Uuid {
    new_ids().id(0, row - 1)
}

fn text(t: &str) -> Value {
    if t.is_empty() { Value::Null } else { Value::Text(t.into()) }
}

fn list(labels: &[&str]) -> Value {
    Value::List(labels.iter().map(|l| text(l)).collect())
}

fn put(target: &mut Memory, object: &str, n: u128, archived: bool, fields: &[(&str, Value)]) {
    let fields = fields.iter().map(|(k, v)| ((*k).into(), v.clone())).collect();
    target.records.insert((object.into(), id(n)), Record { id: id(n), archived, fields });
}

fn lost(row: usize, name: &str, taken: bool) -> CellProblem {
    let problem =
        Problem { code: ProblemCode::NotANumber, name: name.into(), text: "x".into(), message: "bad".into() };
    CellProblem { row, taken, problem }
}

/// Variables: a name ending in `!` is required, in `[]` an array, in `#` a number, in `?` yes or no.
fn spec(name: &str) -> VariableSpec {
    let array = name.ends_with("[]");
    let base = match name.chars().last() {
        Some('#') => BaseType::Number,
        Some('?') => BaseType::Boolean,
        Some('@') => BaseType::Uuid,
        _ => BaseType::String,
    };
    let yes_no = Format::Boolean { yes: "Yes".into(), no: "No".into() };
    VariableSpec {
        name: name.into(),
        source: Source::Column(name.into()),
        ty: DataType { base, array },
        required: name.ends_with('!'),
        split: None,
        formats: vec![],
        output: (base == BaseType::Boolean).then_some(yes_no),
        timezone: jiff::tz::TimeZone::UTC,
    }
}

fn run_with(
    plan: &LoadPlan,
    target: &mut Memory,
    columns: &[(&str, Vec<Value>)],
    problems: &[CellProblem],
) -> Decided {
    let specs: Vec<VariableSpec> = columns.iter().map(|(n, _)| spec(n)).collect();
    let arrays: Vec<_> =
        columns.iter().zip(&specs).map(|((_, v), s)| to_array(&column_type(s.ty), v)).collect();
    let rows = Rows {
        first_row: 0,
        sources: Vec::new(),
        texts: Vec::new(),
        columns: columns.iter().map(|(n, _)| (*n).to_owned()).zip(arrays).collect(),
        variables: specs.clone().into(),
        problems: problems.to_vec(),
    };
    let mut step = Step::new(plan, 0, &specs, &[items()], new_ids());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let prepared = step.preparer().prepare(rows);
    runtime.block_on(step.decide(target, prepared)).unwrap()
}

fn run(plan: &LoadPlan, target: &mut Memory, columns: &[(&str, Vec<Value>)]) -> Decided {
    run_with(plan, target, columns, &[])
}

fn actions(decided: &Decided) -> Vec<Action> {
    decided.decisions.iter().map(|d| d.action).collect()
}

fn codes(problems: &[Problem]) -> Vec<ProblemCode> {
    problems.iter().map(|p| p.code).collect()
}

fn name_and(mapping: MappingPlan) -> Vec<MappingPlan> {
    vec![from("name", MappingSource::Literal(text("N")), Resolution::OnlyUpdateBlank), mapping]
}

#[test]
fn every_outcome_leads_to_the_action_of_its_rule() {
    use MatchAction as M;
    let cases = [
        (Outcome::None, M::CreateNew, Action::Create, Some(new_id(1))),
        (Outcome::None, M::DoNotUpload, Action::Skip, None),
        (Outcome::None, M::NextRule, Action::Skip, None),
        (Outcome::One, M::UpdateCurrent, Action::Update, Some(id(1))),
        (Outcome::One, M::DoNotUpload, Action::Skip, Some(id(1))),
        (Outcome::One, M::NextRuleIgnorePrevious, Action::Skip, Some(id(1))),
        (Outcome::Many, M::DoNotUpload, Action::Skip, None),
        (Outcome::Many, M::NextRule, Action::Skip, None),
        (Outcome::Archived, M::CreateNew, Action::Create, Some(new_id(1))),
        (Outcome::Archived, M::UnarchiveAndUpdate, Action::UnarchiveAndUpdate, Some(id(3))),
        (Outcome::Archived, M::UnarchiveOnly, Action::Unarchive, Some(id(3))),
        (Outcome::Archived, M::DoNotUpload, Action::Skip, Some(id(3))),
    ];
    for (outcome, action, expected, record) in cases {
        let mut target = Memory::default();
        let one = |code: &str| [("name", text("N")), ("code", text(code))];
        put(&mut target, "items", 1, false, &one("one"));
        put(&mut target, "items", 2, true, &one("one"));
        put(&mut target, "items", 3, true, &one("archived"));
        put(&mut target, "items", 4, false, &one("many"));
        put(&mut target, "items", 5, false, &one("many"));
        let mut rule = rule("code", "c");
        match outcome {
            Outcome::None => rule.none = action,
            Outcome::One => rule.one = action,
            Outcome::Many => rule.many = action,
            Outcome::Archived => rule.archived = action,
        }
        let plan = plan(vec![rule], name_and(map("note", "n")));
        let decided = run(&plan, &mut target, &[("c", vec![text(outcome.name())]), ("n", vec![text("new")])]);
        let d = &decided.decisions[0];
        assert_eq!((d.rules[0].outcome, d.action), (outcome, expected), "{outcome:?} {action:?}");
        assert_eq!(d.record, record, "{outcome:?} {action:?}");
        assert_eq!(decided.writes.is_empty(), expected == Action::Skip);
        assert!(d.errors.is_empty());
    }
}

#[test]
fn several_archived_records_are_not_taken_out_of_the_archive() {
    let mut target = Memory::default();
    put(&mut target, "items", 1, true, &[("code", text("a"))]);
    put(&mut target, "items", 2, true, &[("code", text("a"))]);
    let mut rule = rule("code", "c");
    rule.archived = MatchAction::UnarchiveOnly;
    let decided = run(&plan(vec![rule], name_and(map("code", "c"))), &mut target, &[("c", vec![text("a")])]);
    assert_eq!(codes(&decided.decisions[0].errors), [ProblemCode::SeveralMatches]);
    assert!(decided.writes.is_empty());
}

#[test]
fn next_rule_narrows_and_ignore_previous_starts_afresh() {
    // 1: a x, 2: a y, 3: b y. Asked: code = a, then note (finds nothing), then email = y.
    for (second, expected) in
        [(MatchAction::NextRule, Action::Update), (MatchAction::NextRuleIgnorePrevious, Action::Skip)]
    {
        let mut target = Memory::default();
        for (n, code, email) in [(1, "a", "x"), (2, "a", "y"), (3, "b", "y")] {
            put(
                &mut target,
                "items",
                n,
                false,
                &[("name", text("N")), ("code", text(code)), ("email", text(email))],
            );
        }
        let (mut first, mut middle) = (rule("code", "c"), rule("note", "n"));
        first.many = MatchAction::NextRule;
        middle.none = second;
        let plan = plan(vec![first, middle, rule("email", "e")], name_and(map("amount", "a#")));
        let columns = [
            ("c", vec![text("a")]),
            ("n", vec![text("nobody")]),
            ("e", vec![text("y")]),
            ("a#", vec![Value::Number(5.into())]),
        ];
        let decided = run(&plan, &mut target, &columns);
        let d = &decided.decisions[0];
        assert_eq!((d.action, d.decided_by), (expected, Some(2)), "{second:?}");
        assert_eq!(d.rules.iter().map(|r| r.candidates).collect::<Vec<_>>()[..2], [2, 0]);
        if expected == Action::Update {
            assert_eq!(d.record, Some(id(2)));
        }
    }
}

#[test]
fn an_archived_record_that_did_not_count_is_not_found_by_the_next_rule() {
    for live in [true, false] {
        let mut target = Memory::default();
        let record = |email: &str| [("name", text("N")), ("code", text("a")), ("email", text(email))];
        if live {
            put(&mut target, "items", 1, false, &record("x"));
        }
        put(&mut target, "items", 2, true, &record("y"));
        let (mut first, mut second) = (rule("code", "c"), rule("email", "e"));
        (first.one, first.archived) = (MatchAction::NextRule, MatchAction::NextRule);
        (second.none, second.archived) = (MatchAction::DoNotUpload, MatchAction::UnarchiveAndUpdate);
        let plan = plan(vec![first, second], name_and(map("email", "e")));
        let decided = run(&plan, &mut target, &[("c", vec![text("a")]), ("e", vec![text("y")])]);
        let expected = if live { Action::Skip } else { Action::Unarchive };
        assert_eq!(decided.decisions[0].action, expected, "live: {live}");
    }
}

#[test]
fn a_row_fails_that_is_matched_by_an_option_that_is_not_there() {
    for (create, labels, expected) in [
        (false, ["DE", "FR"], [Action::Create, Action::Error]),
        (true, ["DE", "FR"], [Action::Create, Action::Create]),
        (false, ["DE", "UK"], [Action::Create, Action::Create]),
    ] {
        let mut target = Memory::default();
        target.options.insert(("items".into(), "kind".into()), labels.map(str::to_owned).to_vec());
        let mut mapping = map("kind", "k");
        mapping.create_options = create;
        let columns = [("k", vec![text("DE"), text("UK")])];
        let decided = run(&plan(vec![rule("kind", "k")], name_and(mapping)), &mut target, &columns);
        assert_eq!(actions(&decided), expected);
        if expected[1] == Action::Error {
            let d = &decided.decisions[1];
            assert_eq!((codes(&d.errors), d.warnings.len()), (vec![ProblemCode::UnknownOption], 0));
            assert!(d.errors[0].message.starts_with("`kind` has no option `UK`: it has `DE`, `FR`"));
        }
        // Where the field is not mapped, it is asked for its options all the same.
        let unmapped = run(&plan(vec![rule("kind", "k")], name_and(map("code", "k"))), &mut target, &columns);
        let second = if labels[1] == "UK" { Action::Create } else { Action::Error };
        assert_eq!(actions(&unmapped)[1], second);
    }
    // A record may have a label that the field has no more.
    let mut target = Memory::default();
    put(&mut target, "items", 1, false, &[("name", text("N")), ("kind", text("old"))]);
    let matched = plan(vec![rule("kind", "k")], name_and(map("code", "k")));
    let decided = run(&matched, &mut target, &[("k", vec![text("old")])]);
    assert_eq!(actions(&decided), [Action::Update]);
}

#[test]
fn nothing_of_a_row_that_fails_counts_as_written() {
    let mut target = Memory::default();
    target.options.insert(("items".into(), "kind".into()), vec!["a".into()]);
    put(&mut target, "items", 1, false, &[("name", text("N")), ("sku", text("taken"))]);
    put(&mut target, "items", 2, false, &[("name", text("N")), ("sku", text("own")), ("code", text("c"))]);
    let mut kind = map("kind", "k");
    kind.create_options = true;
    let plan = plan(vec![rule("code", "c")], vec![map("sku", "s"), kind]);
    let columns = [("c", vec![text("c")]), ("s", vec![text("taken")]), ("k", vec![text("b")])];
    let decided = run(&plan, &mut target, &columns);
    let d = &decided.decisions[0];
    assert_eq!(codes(&d.errors), [ProblemCode::NotUnique]);
    let told: Vec<_> = d.fields.iter().map(|f| (f.effect, f.text.as_deref())).collect();
    assert_eq!(told, [(FieldEffect::LeftAlone, Some("taken")), (FieldEffect::LeftAlone, Some("b"))]);
    assert!(decided.new_options.is_empty() && decided.writes.is_empty());
}

#[test]
fn a_row_sees_what_earlier_rows_of_its_chunk_create_and_change() {
    let mut target = Memory::default();
    put(&mut target, "items", 1, false, &[("name", text("N")), ("code", text("old"))]);
    // Matches on `code`, writes `code`: row 1 renames record 1 away from `old`.
    let plan = plan(vec![rule("code", "c")], name_and(map("code", "to")));
    let columns = [
        ("c", ["old", "old", "new", "x", "x"].map(text).to_vec()),
        ("to", ["new", "old", "new", "x", "x"].map(text).to_vec()),
    ];
    let decided = run(&plan, &mut target, &columns);
    use Action::*;
    assert_eq!(actions(&decided), [Update, Create, Unchanged, Create, Unchanged]);
    let records: Vec<_> = decided.decisions.iter().map(|d| d.record.unwrap()).collect();
    assert_eq!(records, [id(1), new_id(2), id(1), new_id(4), new_id(4)]);
    let written: Vec<_> = decided.writes.iter().map(Write::id).collect();
    assert_eq!(written, [id(1), new_id(2), new_id(4)]);
    assert_eq!(target.finds, ["items.code"], "one look-up a rule and chunk");
}

#[test]
fn a_second_run_of_the_same_rows_changes_nothing() {
    let mut target = Memory::default();
    let plan = plan(vec![rule("sku", "s")], name_and(map("sku", "s")));
    let columns = [("s", vec![text("0870"), text("SEPT2")])];
    let first = run(&plan, &mut target, &columns);
    let chunk = Chunk {
        key: ChunkKey { execution: "e", step: "step", number: 0 },
        at: jiff::Timestamp::UNIX_EPOCH,
        first_row: 0,
        rows: 2,
        object: "items",
        new_options: &first.new_options,
        writes: &first.writes,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(target.write(chunk)).unwrap();
    let second = run(&plan, &mut target, &columns);
    assert_eq!(actions(&second), [Action::Unchanged; 2]);
    assert!(second.writes.is_empty());
    let keys = |d: &Decided| d.decisions.iter().map(|d| d.key).collect::<Vec<_>>();
    assert_eq!(keys(&first), keys(&second));
    assert_ne!(keys(&first)[0], keys(&first)[1]);
}

#[test]
fn each_resolution_does_what_it_says() {
    use super::mapping::resolve;
    use FieldEffect as E;
    use Resolution as R;
    let cases = [
        (R::OnlyUpdateBlank, "", "n", "n", E::Written),
        (R::OnlyUpdateBlank, "o", "n", "o", E::KeptNotBlank),
        (R::OnlyUpdateBlank, "o", "o", "o", E::Unchanged),
        (R::OnlyUpdateBlank, "", "", "", E::Unchanged),
        (R::Overwrite, "o", "n", "n", E::Written),
        (R::Overwrite, "o", "", "", E::Written),
        (R::Overwrite, "o", "o", "o", E::Unchanged),
        (R::OverwriteExceptNull, "o", "n", "n", E::Written),
        (R::OverwriteExceptNull, "o", "", "o", E::KeptNull),
        (R::OverwriteExceptNull, "o", "o", "o", E::Unchanged),
    ];
    for (resolution, before, incoming, after, effect) in cases {
        let got = resolve(resolution, &text(before), text(incoming), false);
        assert_eq!(got, (text(after), effect), "{resolution:?} {before:?} {incoming:?}");
    }
    let add = |before: Value, incoming| resolve(R::OnlyAddOptions, &before, incoming, false);
    assert_eq!(add(list(&["b", "a"]), list(&["a", "c"])), (list(&["b", "a", "c"]), E::MergedOptions));
    assert_eq!(add(list(&["b", "a"]), list(&["a"])), (list(&["b", "a"]), E::Unchanged));
    assert_eq!(add(list(&["b"]), Value::Null), (list(&["b"]), E::Unchanged));
    let order = resolve(R::Overwrite, &list(&["a", "b"]), list(&["b", "a"]), false);
    assert_eq!(order.1, E::Unchanged);
}

#[test]
fn unknown_options_are_added_only_where_asked_for() {
    let cases = [("tags", false, false), ("tags", true, true), ("free", false, true)];
    for (name, create, added) in cases {
        let mut target = Memory::default();
        target.options.insert(("items".into(), name.into()), vec!["new".into()]);
        let mut mapping = map(name, "t[]");
        mapping.create_options = create;
        let plan = plan(vec![rule("code", "c")], name_and(mapping));
        let columns =
            [("c", vec![text("1"), text("2")]), ("t[]", vec![list(&["new", "mew"]), list(&["mew"])])];
        let decided = run(&plan, &mut target, &columns);
        let d = &decided.decisions[0];
        assert_eq!(d.action, Action::Create);
        if added {
            assert_eq!(decided.new_options, [(name.to_owned(), "mew".to_owned())], "once for both rows");
            assert_eq!(d.fields[1].effect, FieldEffect::CreatedOption);
            assert_eq!(decided.decisions[1].fields[1].effect, FieldEffect::Written);
        } else {
            assert!(decided.new_options.is_empty());
            assert_eq!((&d.fields[1].after, d.fields[1].effect), (&Value::Null, FieldEffect::LeftAlone));
            assert_eq!(codes(&d.warnings), [ProblemCode::UnknownOption]);
            assert!(d.warnings[0].message.contains("`new`"), "{}", d.warnings[0].message);
        }
    }
}

#[test]
fn find_links_records_of_other_objects_and_of_this_chunk() {
    let mut target = Memory::default();
    put(&mut target, "vendors", 7, false, &[("code", text("V"))]);
    put(&mut target, "vendors", 8, true, &[("code", text("V"))]);
    put(&mut target, "vendors", 5, false, &[("code", text("D"))]);
    put(&mut target, "vendors", 6, false, &[("code", text("D"))]);
    let find = |object: &str, with: &str| MappingSource::Find {
        object: object.into(),
        by: "code".into(),
        by_type: FieldType::Text,
        with: with.into(),
    };
    let mut mappings = name_and(map("code", "c"));
    mappings.push(from("vendor", find("vendors", "v"), Resolution::Overwrite));
    mappings.push(from("parent", find("items", "p"), Resolution::Overwrite));
    let columns = [
        ("c", ["1", "2", "3", "4"].map(text).to_vec()),
        ("v", ["V", "D", "none", ""].map(text).to_vec()),
        ("p", ["", "1", "9", "4"].map(text).to_vec()),
    ];
    let decided = run(&plan(vec![rule("code", "c")], mappings), &mut target, &columns);
    let after = |r: usize, f: usize| decided.decisions[r].fields[f].after.clone();
    assert_eq!((after(0, 2), after(1, 2), after(3, 2)), (Value::Uuid(id(7)), Value::Null, Value::Null));
    assert_eq!(after(1, 3), Value::Uuid(new_id(1)), "the record that row 1 creates");
    assert_eq!(codes(&decided.decisions[1].warnings), [ProblemCode::FoundSeveral]);
    assert_eq!(codes(&decided.decisions[2].warnings), [ProblemCode::NotFound, ProblemCode::NotFound]);
    assert_eq!(codes(&decided.decisions[3].warnings), [ProblemCode::NotFound], "not yet there");
    assert_eq!(target.finds.iter().filter(|f| *f == "vendors.code").count(), 1);
}

#[test]
fn concat_exposed_ids_and_output_formats_reach_the_field() {
    let mut target = Memory::default();
    let concat = MappingSource::Concat { parts: vec!["a".into(), "b".into(), "y?".into()], join: " ".into() };
    let mut mappings = name_and(from("note", concat, Resolution::Overwrite));
    mappings.push(map("email", "y?"));
    mappings.push(from("parent", MappingSource::Exposed("x@".into()), Resolution::Overwrite));
    let columns = [
        ("a", vec![text("A")]),
        ("b", vec![Value::Null]),
        ("y?", vec![Value::Boolean(true)]),
        ("x@", vec![text(&id(9).to_string())]),
    ];
    let decided = run(&plan(vec![rule("code", "a")], mappings), &mut target, &columns);
    let after: Vec<_> = decided.decisions[0].fields.iter().map(|f| f.after.clone()).collect();
    assert_eq!(after, [text("N"), text("A Yes"), text("Yes"), Value::Uuid(id(9))]);
}

#[test]
fn matching_on_the_record_id_updates_that_record() {
    let mut target = Memory::default();
    put(&mut target, "items", 1, false, &[("name", text("N"))]);
    let columns = [("x@", vec![text(&id(1).to_string())]), ("n", vec![text("hi")])];
    let decided = run(&plan(vec![rule("id", "x@")], name_and(map("note", "n"))), &mut target, &columns);
    assert_eq!((decided.decisions[0].action, decided.decisions[0].record), (Action::Update, Some(id(1))));
    assert!(decided.decisions[0].visible);
}

#[test]
fn a_unique_value_of_another_live_record_fails_the_row() {
    let mut target = Memory::default();
    put(&mut target, "items", 1, false, &[("name", text("Bolt")), ("sku", text("S"))]);
    put(&mut target, "items", 2, true, &[("name", text("Gone")), ("sku", text("G"))]);
    let plan = plan(vec![rule("code", "c")], name_and(map("sku", "s")));
    let columns =
        [("c", ["1", "2", "3", "4"].map(text).to_vec()), ("s", ["S", "T", "T", "G"].map(text).to_vec())];
    let decided = run(&plan, &mut target, &columns);
    assert_eq!(actions(&decided), [Action::Error, Action::Create, Action::Error, Action::Create]);
    assert_eq!(codes(&decided.decisions[0].errors), [ProblemCode::NotUnique]);
    assert!(decided.decisions[0].errors[0].message.contains("Bolt"));
    assert_eq!(target.finds.iter().filter(|f| *f == "items.sku").count(), 1);
}

#[test]
fn a_required_field_that_would_stay_empty_fails_the_row() {
    let mut target = Memory::default();
    put(&mut target, "items", 1, false, &[("name", text("N")), ("code", text("b"))]);
    let plan = plan(vec![rule("code", "c")], vec![map("name", "n")]);
    let columns = [("c", vec![text("a"), text("b")]), ("n", vec![Value::Null, Value::Null])];
    let decided = run(&plan, &mut target, &columns);
    for d in &decided.decisions {
        assert_eq!((d.action, codes(&d.errors)), (Action::Error, vec![ProblemCode::RequiredField]));
    }
    assert!(decided.writes.is_empty());
}

#[test]
fn a_problem_fails_the_row_only_where_the_variable_is_required_or_asked_for() {
    let cases = [
        ("r!", false, Action::Error, 1, 0),
        ("c", false, Action::Error, 1, 0),
        ("a#", false, Action::Create, 0, 1),
        ("a#", true, Action::Create, 0, 1),
        ("unused", false, Action::Create, 0, 0),
    ];
    for (name, taken, action, errors, warnings) in cases {
        let mut target = Memory::default();
        let plan = plan(vec![rule("code", "c")], name_and(map("amount", "a#")));
        let columns = [
            ("c", vec![text("k")]),
            ("a#", vec![if taken { Value::Number(1.into()) } else { Value::Null }]),
            ("r!", vec![text("r")]),
            ("unused", vec![Value::Null]),
        ];
        let decided = run_with(&plan, &mut target, &columns, &[lost(0, name, taken)]);
        let d = &decided.decisions[0];
        assert_eq!(
            (d.action, d.errors.len(), d.warnings.len()),
            (action, errors, warnings),
            "{name} {taken}"
        );
        if name == "a#" && !taken {
            assert_eq!(d.fields[1].effect, FieldEffect::LeftAlone);
        }
    }
}

#[test]
fn rows_without_a_value_to_match_on_each_create_a_record_with_a_warning() {
    let mut target = Memory::default();
    let plan = plan(vec![rule("code", "c")], name_and(map("code", "c")));
    let decided = run(&plan, &mut target, &[("c", vec![Value::Null, Value::Null])]);
    assert_eq!(actions(&decided), [Action::Create; 2]);
    assert_eq!(codes(&decided.decisions[1].warnings), [ProblemCode::EmptyMatchValue]);
    assert!(target.finds.is_empty());
}

#[test]
fn a_refused_write_fails_its_row_and_those_that_matched_its_record() {
    let mut target = Memory::default();
    let plan = plan(vec![rule("code", "c")], name_and(map("code", "c")));
    let mut decided = run(&plan, &mut target, &[("c", ["a", "a", "b"].map(text).to_vec())]);
    assert!(matches!(decided.writes[1], Write::Create { .. }));
    assert!(decided.decisions.iter().all(|d| !d.visible));
    settle(&mut decided.decisions, Committed { chunk: 4, at: jiff::Timestamp::UNIX_EPOCH });
    refuse(&mut decided.decisions, &Receipt { refused: vec![(0, "no".into())] });
    assert_eq!(actions(&decided), [Action::Error, Action::Error, Action::Create]);
    assert_eq!(codes(&decided.decisions[0].errors), [ProblemCode::Refused]);
    let chunks: Vec<_> = decided.decisions.iter().map(|d| d.committed.map(|c| c.chunk)).collect();
    assert_eq!(chunks, [None, None, Some(4)]);
    assert!(decided.decisions[2].visible && !decided.decisions[1].visible);
}
