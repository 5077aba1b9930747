//! What may be called: decided for every function that the engine has.

use super::*;
use crate::sql::functions::{ALLOWED, Kind, REFUSED};
use crate::sql::registry::base_state;
use std::collections::BTreeSet;

/// The engine's own functions with their kinds, ours excepted.
fn engine_functions() -> BTreeSet<(Kind, String)> {
    let state = base_state();
    let mut all = BTreeSet::new();
    all.extend(state.scalar_functions().values().map(|f| (Kind::Scalar, f.name().to_owned())));
    all.extend(state.aggregate_functions().values().map(|f| (Kind::Aggregate, f.name().to_owned())));
    all.extend(state.window_functions().values().map(|f| (Kind::Window, f.name().to_owned())));
    all.extend(state.table_functions().values().map(|f| (Kind::Table, f.name().to_owned())));
    all.extend(state.higher_order_functions().values().map(|f| (Kind::HigherOrder, f.name().to_owned())));
    all.retain(|(_, name)| !crate::sql::native::is_native(name));
    all
}

fn allowed() -> BTreeSet<(Kind, String)> {
    ALLOWED.iter().flat_map(|(kind, _, names)| names.iter().map(|n| (*kind, (*n).to_owned()))).collect()
}

#[test]
fn every_listed_function_exists() {
    let engine = engine_functions();
    let missing: Vec<_> = allowed().into_iter().filter(|f| !engine.contains(f)).collect();
    assert!(missing.is_empty(), "the engine has no longer: {missing:?}");
    let names: BTreeSet<&str> = engine.iter().map(|(_, n)| n.as_str()).collect();
    let gone: Vec<_> = REFUSED.iter().flat_map(|(n, _)| *n).filter(|n| !names.contains(*n)).collect();
    assert!(gone.is_empty(), "refused and no longer there: {gone:?}");
    let count: usize = ALLOWED.iter().map(|(_, _, names)| names.len()).sum();
    assert_eq!(count, allowed().len(), "a name is listed twice");
}

#[test]
fn every_function_of_the_engine_is_either_allowed_or_refused_with_a_reason() {
    let allowed = allowed();
    let left: BTreeSet<String> =
        engine_functions().into_iter().filter(|f| !allowed.contains(f)).map(|(_, n)| n).collect();
    let refused: BTreeSet<String> =
        REFUSED.iter().flat_map(|(names, _)| *names).map(|n| (*n).to_owned()).collect();
    assert_eq!(left, refused, "decide in src/sql/functions.rs what SQL may call");
}

#[test]
fn what_is_refused_is_refused_by_all_its_names_when_checked_and_when_run() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path(), vec![], vec![]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for name in ["random", "rand", "uuid", "version", "any_value", "arrow_cast", "input_file_name"] {
        let sql = format!("SELECT {name}('a') AS x");
        assert_eq!(faults(&sql), [("SC0209", name.to_owned())]);
        let out = dir.path().join("o");
        let error = runtime.block_on(engine.run(&sql, &out, &|_| true)).unwrap_err();
        assert!(error.cause.contains(&format!("`{name}` is not allowed")), "{}", error.cause);
    }
}

#[test]
fn a_refusal_says_why_and_what_instead() {
    let help = |sql: &str| plan(sql, &catalog()).faults[0].help.clone().unwrap();
    assert!(help("SELECT any_value(sku) AS s FROM input.prices").contains("first_value"));
    assert!(help("SELECT uuid() AS s FROM input.prices").contains("dry run"));
    assert_eq!(help("SELECT lenght(sku) AS s FROM input.prices"), "did you mean `length`?");
    let ours = plan("SELECT text_unaccent(sku) AS s FROM input.prices", &catalog());
    assert_eq!(ours.faults[0].code.id(), "SC0204", "ours are called by the name of their module");
}

#[test]
fn no_plan_has_a_refused_function_even_where_nobody_looked_before() {
    use crate::sql::registry::Provider;
    use datafusion::logical_expr::planner::ContextProvider;
    let provider = Provider { state: base_state(), tables: &|_, _| None };
    assert!(provider.get_function_meta("rand").is_none());
    assert!(provider.get_aggregate_meta("any_value").is_none());
    assert!(provider.get_function_meta("length").is_some());
    assert!(provider.get_function_meta("text_unaccent").is_some(), "ours stand in for `fn` items");
}

#[test]
fn the_language_page_lists_what_may_be_called() {
    let page = include_str!("../../../docs/language.md");
    for (_, what, names) in ALLOWED {
        let names: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
        let line = format!("| {what} | {} |", names.join(" "));
        assert!(page.contains(&line), "docs/language.md lacks: {line}");
    }
}
