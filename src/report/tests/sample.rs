//! A small run with one of everything, in a temporary folder.

use crate::load::{Action, Committed, FieldChange, FieldEffect, RowDecision, RuleAnswer, SourceRef};
use crate::plan::{Automations, LoadPlan, MappingPlan, MappingSource, MatchAction, Outcome, Place, RulePlan};
use crate::report::*;
use crate::system::spool::{Spool, SpoolWriter};
use crate::value::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use crate::value::{
    BaseType, DataType, FieldSchema, FieldType, Problem, ProblemCode, Resolution, Source, Value, VariableSpec,
};
use std::path::Path;
use std::sync::Arc;
use uuid::Uuid;

pub(super) fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

pub(super) fn problem(code: ProblemCode, name: &str, text: &str, message: &str) -> Problem {
    Problem { code, name: name.into(), text: text.into(), message: message.into() }
}

pub(super) fn spool(path: &Path, batches: &[Vec<(&str, ArrayRef)>]) -> Spool {
    let batches: Vec<_> = batches
        .iter()
        .map(|b| {
            RecordBatch::try_from_iter_with_nullable(b.iter().map(|(n, a)| (*n, a.clone(), true))).unwrap()
        })
        .collect();
    let mut writer = SpoolWriter::create(path, batches[0].schema()).unwrap();
    batches.iter().for_each(|b| writer.write(b).unwrap());
    writer.finish().unwrap()
}

pub(super) fn strings(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn times(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(values.to_vec()).with_timezone("UTC"))
}

pub(super) fn parts() -> Vec<String> {
    vec!["prices.csv".into(), "book.xlsx!Sheet1".into()]
}

fn mapping(name: &str, ty: FieldType) -> MappingPlan {
    MappingPlan {
        field: FieldSchema { name: name.into(), ty, required: false, unique: false, options: vec![] },
        source: MappingSource::Variable(name.into()),
        resolution: Resolution::Overwrite,
        create_options: false,
    }
}

pub(super) fn plan(name: &str) -> LoadPlan {
    let rule = |field: &str, none| RulePlan {
        field: field.into(),
        variable: field.into(),
        none,
        one: MatchAction::UpdateCurrent,
        many: MatchAction::DoNotUpload,
        archived: MatchAction::UnarchiveAndUpdate,
    };
    LoadPlan {
        name: name.into(),
        scope: name.into(),
        object: name.into(),
        rules: vec![rule("sku", MatchAction::NextRuleIgnorePrevious), rule("name", MatchAction::CreateNew)],
        mappings: vec![
            mapping("name", FieldType::Text),
            mapping("price", FieldType::Money { currency: "USD".into() }),
            mapping("listed", FieldType::Date),
            mapping("tags", FieldType::Checkboxes),
        ],
        expose: None,
        automations: Automations::None,
        place: Place { file: "x.sconn".into(), line: 1, column: 1 },
    }
}

fn answer(rule: usize, value: &str, found: u64, outcome: Outcome, action: MatchAction) -> RuleAnswer {
    RuleAnswer {
        rule,
        value: text(value),
        candidates: found,
        ids: (0..found.min(5)).map(|i| Uuid::from_u128(u128::from(i) + 1)).collect(),
        outcome,
        action,
    }
}

fn number(text: &str) -> Value {
    Value::Number(text.parse().unwrap())
}

fn day(day: i8) -> Value {
    Value::Date(jiff::civil::date(2024, 3, day))
}

fn list(items: &[&str]) -> Value {
    Value::List(items.iter().map(|i| text(i)).collect())
}

fn change(before: Value, after: Value, effect: FieldEffect) -> FieldChange {
    FieldChange { before, after, effect, text: None }
}

/// One decision of each kind.
pub(super) fn decisions() -> Vec<RowDecision> {
    use FieldEffect::*;
    let base = |row: u64, action: Action| RowDecision {
        row,
        source: Some(SourceRef { part: u32::from(row.is_multiple_of(4)), line: row + 1 }),
        key: 0xfeed_0000_0000_0000 + row,
        rules: vec![],
        decided_by: None,
        action,
        record: None,
        visible: false,
        fields: vec![],
        errors: vec![],
        warnings: vec![],
        committed: None,
    };
    let none =
        |row: u64| answer(0, &format!("A-{row:03}"), 0, Outcome::None, MatchAction::NextRuleIgnorePrevious);
    vec![
        RowDecision {
            rules: vec![none(1), answer(1, "Bolt, M8", 0, Outcome::None, MatchAction::CreateNew)],
            decided_by: Some(1),
            record: Some(Uuid::from_u128(0xABCD)),
            visible: true,
            fields: vec![
                change(Value::Null, text("=HYPERLINK(\"http://x\",\"Bolt\")"), Written),
                change(Value::Null, number("1234.50"), Written),
                change(Value::Null, day(4), Written),
                change(Value::Null, list(&["new", "sale"]), Written),
            ],
            committed: Some(Committed { chunk: 0, at: jiff::Timestamp::UNIX_EPOCH }),
            ..base(1, Action::Create)
        },
        RowDecision {
            rules: vec![answer(0, "A-002", 1, Outcome::One, MatchAction::UpdateCurrent)],
            decided_by: Some(0),
            record: Some(Uuid::from_u128(1)),
            visible: true,
            fields: vec![
                change(text("Nut"), text("Nut"), KeptNotBlank),
                change(number("2"), number("2.25"), Written),
                change(Value::Null, day(5), Written),
                change(list(&["new"]), list(&["new", "sale"]), MergedOptions),
            ],
            committed: Some(Committed { chunk: 0, at: jiff::Timestamp::UNIX_EPOCH }),
            ..base(2, Action::Update)
        },
        RowDecision {
            rules: vec![answer(0, "A-003", 1, Outcome::One, MatchAction::UpdateCurrent)],
            decided_by: Some(0),
            record: Some(Uuid::from_u128(1)),
            visible: true,
            fields: vec![
                change(text("Washer"), text("Washer"), Unchanged),
                change(number("0.1"), number("0.1"), LeftAlone),
                change(Value::Null, Value::Null, KeptNull),
                change(list(&["new"]), list(&["new"]), KeptNull),
            ],
            warnings: vec![problem(
                ProblemCode::NotANumber,
                "price",
                "n/a",
                "expected a number such as 1,234.56",
            )],
            ..base(3, Action::Unchanged)
        },
        RowDecision {
            rules: vec![answer(0, "A-004", 2, Outcome::Many, MatchAction::DoNotUpload)],
            decided_by: Some(0),
            ..base(4, Action::Skip)
        },
        RowDecision {
            errors: vec![problem(ProblemCode::Required, "sku", "", "sku is required and the cell is empty")],
            ..base(5, Action::Error)
        },
        RowDecision {
            rules: vec![answer(0, "A-006", 1, Outcome::Archived, MatchAction::UnarchiveAndUpdate)],
            decided_by: Some(0),
            record: Some(Uuid::from_u128(1)),
            visible: true,
            fields: vec![change(text("Old"), text("New"), Written)],
            ..base(6, Action::UnarchiveAndUpdate)
        },
        RowDecision { source: None, ..base(7, Action::Unprocessed) },
    ]
}

/// The rows of these decisions, as a run that lasts keeps them.
pub(super) fn encoded(step: &str, decisions: &[RowDecision]) -> RecordBatch {
    DecisionEncoder::new("0190-run", &parts(), None).encode(&plan(step), decisions).unwrap()
}

/// The same decisions over and over, with running row numbers.
pub(super) fn many(count: u64) -> impl Iterator<Item = RowDecision> {
    let base = decisions();
    (0..count).map(move |i| RowDecision {
        row: i + 1,
        key: i,
        ..base[(i % base.len() as u64) as usize].clone()
    })
}

pub(super) struct Run {
    pub(super) folder: tempfile::TempDir,
    pub(super) output: Spool,
    pub(super) errors: Spool,
    pub(super) values: Spool,
    pub(super) specs: Vec<VariableSpec>,
    pub(super) plans: Vec<LoadPlan>,
    pub(super) summary: Summary,
}

pub(super) fn rejected() -> Vec<RejectedLine> {
    vec![
        RejectedLine {
            file: "prices.csv".into(),
            line: 9,
            reason: "the row has 7 cells, the header has 9".into(),
        },
        RejectedLine { file: "book.xlsx!Sheet1".into(), line: 14, reason: "cell C14 is #N/A".into() },
    ]
}

fn variables() -> Vec<VariableSpec> {
    let spec = |name: &str, from: &str, base| VariableSpec {
        name: name.into(),
        source: Source::Column(from.into()),
        ty: DataType::one(base),
        required: false,
        split: None,
        formats: vec![],
        output: None,
        timezone: jiff::tz::TimeZone::UTC,
    };
    vec![
        spec("sku", "sku", BaseType::String),
        spec("price", "unit_price", BaseType::Number),
        spec("active", "active", BaseType::Boolean),
        spec("listed", "listed", BaseType::Date),
        VariableSpec { source: Source::Literal(text("price list")), ..spec("origin", "", BaseType::String) },
    ]
}

impl Run {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let long = "x".repeat(40_000);
        let output = spool(
            &folder.path().join("output.arrow"),
            &[
                vec![
                    ("sku", strings(&[Some("0870"), Some("=1+1")])),
                    ("unit_price", strings(&[Some("1,234.50"), Some("n/a")])),
                    ("active", strings(&[Some("Yes"), Some("No")])),
                    ("listed", strings(&[Some("04/03/2024"), None])),
                    ("count", Arc::new(Int32Array::from(vec![7, -2])) as ArrayRef),
                    ("ratio", Arc::new(Float64Array::from(vec![0.5, f64::NAN])) as ArrayRef),
                    (
                        "big",
                        Arc::new(
                            Decimal128Array::from(vec![12345678901234567890123456789012345678, 150])
                                .with_precision_and_scale(38, 2)
                                .unwrap(),
                        ) as ArrayRef,
                    ),
                    ("seen", times(&[Some(1_709_546_400_000_000), Some(1_709_546_400_500_000)])),
                    ("note", strings(&[Some("a\u{1}b\u{202e}"), Some(" @cmd")])),
                    ("__row", Arc::new(Int64Array::from(vec![2, 3])) as ArrayRef),
                ],
                vec![
                    ("sku", strings(&[Some("SEPT2")])),
                    ("unit_price", strings(&[Some("3")])),
                    ("active", strings(&[None])),
                    ("listed", strings(&[Some("2024-03-05")])),
                    ("count", Arc::new(Int32Array::from(vec![None])) as ArrayRef),
                    ("ratio", Arc::new(Float64Array::from(vec![0.1 + 0.2])) as ArrayRef),
                    (
                        "big",
                        Arc::new(Decimal128Array::from(vec![0]).with_precision_and_scale(38, 2).unwrap())
                            as ArrayRef,
                    ),
                    ("seen", times(&[None])),
                    ("note", strings(&[Some(&long)])),
                    ("__row", Arc::new(Int64Array::from(vec![None])) as ArrayRef),
                ],
            ],
        );
        let errors = spool(
            &folder.path().join("errors.arrow"),
            &[vec![("sku", strings(&[Some("A-009")])), ("why", strings(&[Some("no price")]))]],
        );
        let problems = serde_json::to_string(&[problem(
            ProblemCode::NotANumber,
            "price",
            "n/a",
            "expected a number such as 1,234.56",
        )])
        .unwrap();
        let scale = 1_000_000_000_000i128;
        let values = spool(
            &folder.path().join("values.arrow"),
            &[vec![
                ("sku", strings(&[Some("0870"), Some("=1+1"), Some("SEPT2")])),
                (
                    "price",
                    Arc::new(
                        Decimal128Array::from(vec![Some(1_234 * scale + scale / 2), None, Some(3 * scale)])
                            .with_precision_and_scale(38, 12)
                            .unwrap(),
                    ) as ArrayRef,
                ),
                ("active", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])) as ArrayRef),
                ("listed", Arc::new(Date32Array::from(vec![Some(19_786), None, Some(19_787)])) as ArrayRef),
                ("origin", strings(&[Some("price list"); 3])),
                ("__problems", strings(&[None, Some(&problems), None])),
            ]],
        );
        let plans = vec![plan("vendors"), plan("products")];
        let mut writer = DecisionWriter::create(&folder.path().join("decisions.parquet")).unwrap();
        let mut steps = vec![];
        for (plan, count) in plans.iter().zip([7, 240]) {
            writer.step(plan).unwrap();
            let mut tally = StepTally::new(plan);
            let all: Vec<RowDecision> = many(count).collect();
            writer.write(&encoded(&plan.name, &all)).unwrap();
            for decision in all {
                tally.add(&decision, &parts());
            }
            steps.push(tally.summary());
        }
        writer.finish().unwrap();
        let summary = summary(steps);
        Self { folder, output, errors, values, specs: variables(), plans, summary }
    }

    /// Hands what a workbook is made of to `act`.
    pub(super) fn input<T>(&self, act: impl FnOnce(&ReportInput<'_>) -> T) -> T {
        let decisions = self.folder.path().join("decisions.parquet");
        let scopes = [
            ScopeTables {
                name: "products",
                output: &self.output,
                variables: Some(VariablesTable { specs: &self.specs, values: &self.values }),
            },
            ScopeTables { name: "price_errors", output: &self.errors, variables: None },
        ];
        let steps: Vec<_> = self.plans.iter().map(|plan| StepTable { plan, decisions: &decisions }).collect();
        act(&ReportInput {
            summary: &self.summary,
            scopes: &scopes,
            steps: &steps,
            rejected: &rejected(),
            parts: &parts(),
        })
    }
}

pub(super) fn summary(steps: Vec<StepSummary>) -> Summary {
    let scope = |name: &str, rows, errors_scope, problems| ScopeSummary {
        name: name.into(),
        rows,
        errors_scope,
        problems,
    };
    Summary {
        version: SUMMARY_VERSION,
        connector: "vendor_prices".into(),
        label: "Vendor price list".into(),
        mode: RunMode::Dry,
        target: TargetSummary { kind: "sqlite".into(), place: "/data/crm.db".into() },
        execution: "0190a3c4-7c1e-7b3a-9f00-5a3c2d1e0f00".into(),
        state: RunState::CompletedWithErrors,
        started: "2026-03-04T10:00:00Z".into(),
        ended: "2026-03-04T10:02:05.5Z".into(),
        stages: vec![
            StageTime { name: "Reading the input".into(), seconds: 3.2 },
            StageTime { name: "SQL".into(), seconds: 41.0 },
            StageTime { name: "Load products".into(), seconds: 81.3 },
        ],
        inputs: vec![InputSummary {
            file: "prices.csv".into(),
            sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
            rows: 12_345,
            table: "input.prices".into(),
        }],
        scopes: vec![
            scope("vendors", 7, false, 0),
            scope("products", 240, false, 34),
            scope("price_errors", 1, true, 0),
        ],
        steps,
        rejected: Rejected { count: 2, examples: rejected() },
        notices: vec!["the column \"Comment\" of prices.csv is not declared and was ignored".into()],
        failure: None,
        artefacts: [("report", "out/report.xlsx"), ("sql output", "out/sql-output.zip")]
            .map(|(name, path)| (name.to_owned(), path.to_owned()))
            .into(),
        exit_status: 3,
    }
}
