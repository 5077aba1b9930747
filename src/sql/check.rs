//! Planning a block over known schemas, and finding every fault of it: the planner stops at the
//! first, so the faulty expression becomes NULL and the block is planned again.

use super::catalog::{Catalog, Column, Fault, Planned, Planning, Table, TableRead};
use super::lineage::{self, Numbered, PLACE, ROW};
use super::places::Places;
use super::registry::{self, FindTable, Provider};
use super::relations::unknown_tables;
use super::{conversions, correlated, dialect, expand, locate, parse, sources, turns};
use crate::diagnostic::Code;
use crate::value::arrow::datatypes::{DataType, Field, FieldRef, Schema};
use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, ScalarValue, TableReference, plan_err};
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
    if let Some(habit) = dialect::habit(&query, catalog, &places) {
        return Planning { planned: None, faults: vec![habit] };
    }
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
    faults.extend(reserved_columns(&plan, &places));
    let planned = Planned {
        sources: (0..columns.len()).map(|at| sources::source(&plan, at)).collect(),
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
    /// The same with the numbers of their rows, as a run has them.
    numbered: BTreeMap<(String, String), Arc<dyn TableSource>>,
    parameters: Vec<Option<FieldRef>>,
    nulls: Vec<ScalarValue>,
}

impl Checker {
    fn new(catalog: &Catalog) -> Self {
        let with = |numbers: &dyn Fn(&Table) -> &'static [&'static str]| {
            let source = |t: &Table| {
                let own = t.columns.iter().map(|c| Field::new(&c.name, c.ty.clone(), true));
                let numbers = numbers(t).iter().map(|n| Field::new(*n, DataType::Int64, true));
                let schema = Schema::new(own.chain(numbers).collect::<Vec<Field>>());
                provider_as_source(Arc::new(EmptyTable::new(Arc::new(schema))) as Arc<dyn TableProvider>)
            };
            catalog.tables.iter().map(|t| ((t.schema.clone(), t.name.clone()), source(t))).collect()
        };
        Self {
            sources: with(&|_| &[]),
            numbered: with(&|t| if unique(&t.schema) { &[ROW] } else { &[ROW, PLACE] }),
            parameters: parameter_fields(catalog),
            nulls: catalog
                .parameters
                .iter()
                .map(|p| ScalarValue::try_from(&p.ty).unwrap_or(ScalarValue::Null))
                .collect(),
        }
    }

    /// Plans the query as it is written, its parameters without a value.
    fn written(&self, query: &Query) -> Result<LogicalPlan> {
        self.valueless(self.open(query)?)
    }

    fn valueless(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        if self.nulls.is_empty() { Ok(plan) } else { plan.with_param_values(self.nulls.clone()) }
    }

    fn open(&self, query: &Query) -> Result<LogicalPlan> {
        let lookup =
            |schema: &str, name: &str| self.sources.get(&(schema.to_owned(), name.to_owned())).cloned();
        to_plan(query, registry::base_state(), &lookup, self.parameters.clone())
    }

    /// Plans the query as a run would, and gives the plan with its types settled.
    pub(super) fn attempt(&self, query: &Query) -> Result<LogicalPlan> {
        let open = self.open(query)?;
        let asks = !open.get_parameter_names()?.is_empty();
        let written = self.valueless(open)?;
        let plan = Analyzer::new().execute_and_check(written.clone(), &analyzer_options(), |_, _| {})?;
        correlated::check(&plan)?;
        // Which inner queries can become joins only the optimiser knows.
        if has_inner_queries(&plan) && has_inner_queries(&registry::base_state().optimize(&plan)?) {
            return plan_err!("{INNER_QUERY}");
        }
        // What a parameter will be may decide what can be run. And two columns of one name would be told
        // where one of them is ours.
        if !asks && reserved_names(&plan).is_empty() {
            self.to_the_end(written)?;
        }
        Ok(plan)
    }

    /// What a run does with a plan before it reads the first row.
    fn to_the_end(&self, plan: LogicalPlan) -> Result<()> {
        let numbered = |name: &TableReference| {
            let schema = name.schema().unwrap_or("");
            if schema == "meta" {
                return None;
            }
            let source = self.numbered.get(&(schema.to_owned(), name.table().to_owned()))?.clone();
            Some(Numbered { source, input: schema != "records", unique: unique(schema) })
        };
        let plan = lineage::trace(plan, &numbered)?;
        let physical = futures::executor::block_on(registry::base_state().create_physical_plan(&plan))?;
        turns::keep(physical).map(|_| ())
    }
}

/// Whether each row of such a table has a number of its own.
fn unique(schema: &str) -> bool {
    matches!(schema, "input" | "records")
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

/// Names of columns that the numbers of rows have.
fn reserved_names(plan: &LogicalPlan) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let _ = plan.apply_with_subqueries(|node| {
        let fields = node.schema().fields().iter().map(|f| f.name());
        names.extend(fields.filter(|name| lineage::reserved(name)).cloned());
        Ok(TreeNodeRecursion::Continue)
    });
    names
}

fn reserved_columns(plan: &LogicalPlan, places: &Places<'_>) -> Vec<Fault> {
    let fault = |name: String| Fault {
        code: Code::ReservedName,
        range: places.find(&name).unwrap_or_else(|| places.whole()),
        message: format!("a column cannot be called `{name}`"),
        label: "the name is taken".into(),
        help: Some("give it another name with AS: this one numbers the rows".into()),
    };
    reserved_names(plan).into_iter().map(fault).collect()
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
