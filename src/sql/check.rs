//! Planning a block over known schemas, and finding every fault of it: the planner stops at the
//! first, so the faulty expression becomes NULL and the block is planned again.

use super::catalog::{Catalog, Column, Fault, Planned, Planning, Table, TableRead};
use super::places::Places;
use super::registry::{self, FindTable, Provider};
use super::relations::unknown_tables;
use super::{conversions, expand, locate, parse};
use crate::diagnostic::Code;
use crate::value::arrow::datatypes::{Field, FieldRef, Schema};
use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::config::ConfigOptions;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::provider_as_source;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, TableSource};
use datafusion::optimizer::optimize_projections::OptimizeProjections;
use datafusion::optimizer::{Analyzer, Optimizer, OptimizerContext};
use datafusion::sql::planner::{PlannerContext, SqlToRel};
use datafusion::sql::sqlparser::ast::Query;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many faults one block may show; a block with more is better mended step by step.
const MAX_FAULTS: usize = 20;

/// Plans one block over the catalog: its columns and what it reads, or what is wrong with it.
pub fn plan(sql: &str, catalog: &Catalog) -> Planning {
    let places = Places::new(sql);
    let mut query = match parse::query(sql, &places) {
        Ok(query) => query,
        Err(fault) => return Planning { planned: None, faults: vec![fault] },
    };
    let mut expanded = expand::expand(&mut query, catalog, &places);
    let tables = unknown_tables(&query, catalog, &places);
    if !tables.is_empty() {
        expanded.faults.extend(tables);
        return Planning { planned: None, faults: expanded.faults };
    }
    let checker = Checker::new(catalog);
    let mut faults = expanded.faults;
    let mut planned = checker.attempt(&query);
    while let Err(error) = planned {
        let next = locate::fault(&mut query, &error, &checker, &places);
        // Expressions that became NULL have one name; that is no fault of the author's.
        if !next.artefact || faults.is_empty() {
            faults.push(next.fault);
        }
        if !next.mended || faults.len() >= MAX_FAULTS {
            return Planning { planned: None, faults };
        }
        planned = checker.attempt(&query);
    }
    if let Ok(written) = checker.written(&query) {
        faults.extend(conversions::warnings(&written, &places));
    }
    faults.sort_by_key(|f| (f.range, f.code));
    faults.dedup();
    let Ok(plan) = planned else { return Planning { planned: None, faults } };
    let columns: Vec<Column> = plan
        .schema()
        .fields()
        .iter()
        .map(|f| Column { name: f.name().clone(), ty: f.data_type().clone() })
        .collect();
    faults.extend(duplicate_columns(&columns, &places));
    let planned = Planned {
        tables: reads(plan, catalog),
        columns,
        parameters: expanded.parameters.into_iter().collect(),
        functions: expanded.functions.into_iter().collect(),
    };
    Planning { planned: Some(planned), faults }
}

/// Tables as schemas alone.
pub(super) struct Checker {
    sources: BTreeMap<(String, String), Arc<dyn TableSource>>,
    parameters: Vec<Option<FieldRef>>,
    nulls: Vec<ScalarValue>,
}

impl Checker {
    fn new(catalog: &Catalog) -> Self {
        let sources = catalog
            .tables
            .iter()
            .map(|t| {
                let fields: Vec<Field> =
                    t.columns.iter().map(|c| Field::new(&c.name, c.ty.clone(), true)).collect();
                let table: Arc<dyn TableProvider> = Arc::new(EmptyTable::new(Arc::new(Schema::new(fields))));
                ((t.schema.clone(), t.name.clone()), provider_as_source(table))
            })
            .collect();
        Self {
            sources,
            parameters: parameter_fields(catalog),
            nulls: catalog
                .parameters
                .iter()
                .map(|p| ScalarValue::try_from(&p.ty).unwrap_or(ScalarValue::Null))
                .collect(),
        }
    }

    /// Plans the query as it is written.
    fn written(&self, query: &Query) -> Result<LogicalPlan> {
        let lookup =
            |schema: &str, name: &str| self.sources.get(&(schema.to_owned(), name.to_owned())).cloned();
        let plan = to_plan(query, registry::base_state(), &lookup, self.parameters.clone())?;
        if self.nulls.is_empty() { Ok(plan) } else { plan.with_param_values(self.nulls.clone()) }
    }

    /// Plans the query and settles its types, as a run would.
    pub(super) fn attempt(&self, query: &Query) -> Result<LogicalPlan> {
        let plan = self.written(query)?;
        let plan = Analyzer::new().execute_and_check(plan, &analyzer_options(), |_, _| {})?;
        // Which inner queries can become joins only the optimiser knows.
        if has_inner_queries(&plan) && has_inner_queries(&registry::base_state().optimize(&plan)?) {
            return plan_err!("{INNER_QUERY}");
        }
        Ok(plan)
    }
}

/// The declared parameters as the planner wants them: by number, typed.
pub(super) fn parameter_fields(catalog: &Catalog) -> Vec<Option<FieldRef>> {
    catalog.parameters.iter().map(|p| Some(Arc::new(Field::new(&p.name, p.ty.clone(), true)))).collect()
}

/// An expanded query to a logical plan: the one way, for checking and for running.
pub(super) fn to_plan(
    query: &Query,
    state: &SessionState,
    tables: &FindTable<'_>,
    parameters: Vec<Option<FieldRef>>,
) -> Result<LogicalPlan> {
    let provider = Provider { state, tables };
    let mut context = PlannerContext::new().with_prepare_param_data_types(parameters);
    let statement = datafusion::sql::sqlparser::ast::Statement::Query(Box::new(query.clone()));
    SqlToRel::new(&provider).sql_statement_to_plan_with_context(statement, &mut context)
}

fn analyzer_options() -> ConfigOptions {
    registry::base_state().config_options().as_ref().clone()
}

/// Which columns of which tables a plan needs.
fn reads(plan: LogicalPlan, catalog: &Catalog) -> Vec<TableRead> {
    let optimizer = Optimizer::with_rules(vec![Arc::new(OptimizeProjections::new())]);
    let pruned = optimizer.optimize(plan.clone(), &OptimizerContext::new(), |_, _| {}).unwrap_or(plan);
    let mut found: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    let _ = pruned.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let key = (scan.table_name.schema().unwrap_or("").to_owned(), scan.table_name.table().to_owned());
            let names = scan.projected_schema.fields().iter().map(|f| f.name().clone());
            found.entry(key).or_default().extend(names);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    let in_order = |table: &Table, names: &BTreeSet<String>| {
        table.columns.iter().filter(|c| names.contains(&c.name)).map(|c| c.name.clone()).collect()
    };
    catalog
        .tables
        .iter()
        .filter_map(|t| {
            let names = found.get(&(t.schema.clone(), t.name.clone()))?;
            Some(TableRead { schema: t.schema.clone(), name: t.name.clone(), columns: in_order(t, names) })
        })
        .collect()
}

/// What [`words`](super::words) knows an inner query by that the engine cannot run.
pub(super) const INNER_QUERY: &str = "inner query";

/// Whether a plan has queries inside expressions that the engine can only run as joins.
fn has_inner_queries(plan: &LogicalPlan) -> bool {
    let mut found = false;
    let _ = plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|e| {
                found |= matches!(
                    e,
                    Expr::OuterReferenceColumn(..)
                        | Expr::Exists(_)
                        | Expr::InSubquery(_)
                        | Expr::SetComparison(_)
                );
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    found
}

fn duplicate_columns(columns: &[Column], places: &Places<'_>) -> Vec<Fault> {
    let mut seen = BTreeSet::new();
    columns
        .iter()
        .filter(|c| !seen.insert(c.name.as_str()))
        .map(|c| Fault {
            code: Code::SqlDuplicateColumn,
            range: places.whole(),
            message: format!("two columns of the result are named `{}`", c.name),
            label: "in this query".into(),
            help: Some("give one of them another name with AS".into()),
        })
        .collect()
}
