//! SQL blocks: faults at their place in the file.

use super::*;

#[test]
fn faults_stand_at_their_place_in_the_file() {
    only(
        &changed("c.unit_price IS NOT NULL", "c.unit_prize IS NOT NULL"),
        Code::SqlUnknownColumn,
        "c.unit_prize",
        "unit_price",
    );
    among(&changed("FROM cleaned GROUP", "FROM cleand GROUP"), Code::SqlUnknownTable, "cleand", "cleaned");
    among(
        &changed("text.code(vendor_code)", "text.cod(vendor_code)"),
        Code::SqlUnknownFunction,
        "text.cod",
        "text.code",
    );
    among(&changed("$region AS", "$regio AS"), Code::SqlUnknownParameter, "$regio", "region");
}

#[test]
fn a_variable_without_its_column_has_the_nearest() {
    only(
        &changed("price:   number from unit_price", "price:   number from unit_prize"),
        Code::ColumnNotProduced,
        "unit_prize",
        "`unit_price`",
    );
    only(
        &changed("  sku:     string required", "  skuu:     string required\n  sku: string"),
        Code::ColumnNotProduced,
        "skuu",
        "from sku",
    );
}

#[test]
fn queries_that_read_each_other_are_a_cycle() {
    let found = project(
        &format!("{PRICES}\nview a = sql {{ SELECT * FROM b }}\nview b = sql {{ SELECT * FROM a }}\n"),
        &[],
    );
    let codes: Vec<_> = found.check().iter().map(|d| d.code).collect();
    assert_eq!(codes, [Code::SqlCycle, Code::SqlCycle], "{}", listing(&found));
    among(&found, Code::SqlCycle, "a", "`a` reads `b` reads `a`");
}

#[test]
fn a_number_made_of_floats_is_warned_about() {
    only(
        &changed("c.*, r.name", "c.* , CAST(c.unit_price AS DOUBLE) AS amount, r.name")
            .clone_with("price:   number from unit_price format \"1,234.56\"", "price: number from amount"),
        Code::FloatNumber,
        "price",
        "exact",
    );
}

#[test]
fn a_sample_that_nobody_looked_at_is_waited_for() {
    let start = PRICES.find("input prices").unwrap();
    let end = PRICES.find("view cleaned").unwrap();
    assert_eq!(listing(&project(&format!("{}{}", &PRICES[..start], &PRICES[end..]), &[])), "");
}

#[test]
fn scopes_read_each_other_in_any_order() {
    let source = format!(
        "{PRICES}\nscope late_errors {{ sql {{ SELECT name FROM output.early_errors }} }}\nscope early_errors {{ sql {{ SELECT name FROM output.vendors }} }}\n"
    );
    let project = project(&source, &[]);
    assert_eq!(listing(&project), "");
    let plan = project.plan().unwrap();
    let names: Vec<_> = plan.queries.iter().map(|q| q.name.as_str()).collect();
    let at = |n: &str| names.iter().position(|x| *x == n).unwrap();
    assert!(at("vendors") < at("early_errors") && at("early_errors") < at("late_errors"), "{names:?}");
}

#[test]
fn functions_are_checked_and_carried_into_the_plan() {
    let with = |body: &str| {
        project(
            &format!(
                "{}\nfn short(s: string): string = sql {{ {body} }}\n",
                PRICES.replace("text.code(vendor_code)", "short(text.code(vendor_code))")
            ),
            &[],
        )
    };
    let plan = with("left(text.code(s), 3)").plan().unwrap_or_else(|d| panic!("{d:#?}"));
    let names: Vec<_> = plan.functions.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    only(&with("left(t, 3)"), Code::SqlUnknownColumn, "t", "");
    among(&with("short(s)"), Code::SqlCycle, "short", "cannot call itself");
    only(
        &project(&format!("{PRICES}\nnative fn magic(s: string): string\n"), &[]),
        Code::SqlUnknownFunction,
        "magic",
        "standard library",
    );
}

#[test]
fn the_standard_library_checks_clean() {
    for name in crate::library::names() {
        let project = project(crate::library::file(name).unwrap(), &[]);
        let errors: Vec<_> = project
            .check()
            .into_iter()
            .filter(|d| d.severity == Severity::Error && d.code != Code::SqlUnknownFunction)
            .collect();
        assert!(errors.is_empty(), "std.{name}:\n{}", listing(&project));
    }
}

impl Project {
    /// The same connector with one more thing changed.
    fn clone_with(&self, from: &str, to: &str) -> Project {
        let text = self.text(crate::text::FileId(0));
        assert!(text.contains(from), "not in the fixture: {from}");
        project(&text.replacen(from, to, 1), &[])
    }
}
