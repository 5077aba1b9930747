//! What SQL may call: the engine's own pure functions and ours, looked up in one place by both the
//! checker and the run.

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::TableFunctionArgs;
use datafusion::common::{DFSchema, Result, TableReference, plan_datafusion_err};
use datafusion::config::ConfigOptions;
use datafusion::datasource::cte_worktable::CteWorkTable;
use datafusion::datasource::provider_as_source;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{AggregateUDF, Expr, HigherOrderUDF, ScalarUDF, TableSource, WindowUDF};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use std::sync::{Arc, OnceLock};

/// Functions that are not pure: a dry run and a live run would differ, or they tell of the engine.
const REFUSED: &[&str] = &["random", "uuid", "version"];

/// The engine with its functions, ours among them, and no tables. Made once.
pub(super) fn base_state() -> &'static SessionState {
    static STATE: OnceLock<SessionState> = OnceLock::new();
    STATE.get_or_init(|| {
        let mut state = SessionStateBuilder::new_with_default_features().with_config(config()).build();
        for udf in super::native::natives() {
            // Registering a UDF only fails where a function factory refuses it; there is none.
            let _ = datafusion::execution::FunctionRegistry::register_udf(&mut state, udf);
        }
        state
    })
}

/// The settings that planning depends on, the same for checking and running.
pub(super) fn config() -> datafusion::prelude::SessionConfig {
    let mut config = datafusion::prelude::SessionConfig::new();
    let options = config.options_mut();
    options.sql_parser.collect_spans = true;
    // Literals such as 0.1 are exact: money never passes through floating point.
    options.sql_parser.parse_float_as_decimal = true;
    options.sql_parser.map_string_types_to_utf8view = false;
    config
}

/// Whether a name is a function of the engine, of any kind.
pub(super) fn is_function(name: &str) -> bool {
    let state = base_state();
    !is_refused(name)
        && (state.scalar_functions().contains_key(name)
            || state.aggregate_functions().contains_key(name)
            || state.window_functions().contains_key(name)
            || state.table_functions().contains_key(name)
            || state.higher_order_functions().contains_key(name)
            || PLANNED.contains(&name))
}

/// Names that the planner knows without a registered function.
const PLANNED: &[&str] =
    &["unnest", "grouping", "struct", "make_array", "position", "overlay", "extract", "date_part"];

/// Whether a function exists and is refused.
pub(super) fn is_refused(name: &str) -> bool {
    REFUSED.contains(&name)
}

/// The names of all functions that may be called.
pub(super) fn function_names() -> Vec<String> {
    let state = base_state();
    state
        .scalar_functions()
        .keys()
        .chain(state.aggregate_functions().keys())
        .chain(state.window_functions().keys())
        .chain(state.table_functions().keys())
        .filter(|n| !is_refused(n))
        .cloned()
        .collect()
}

/// Finds a table's source by schema and name.
pub(super) type FindTable<'a> = dyn Fn(&str, &str) -> Option<Arc<dyn TableSource>> + Send + Sync + 'a;

/// Resolves tables by a closure and everything else by the engine.
pub(super) struct Provider<'a> {
    pub(super) tables: &'a FindTable<'a>,
}

impl ContextProvider for Provider<'_> {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        let schema = name.schema().unwrap_or("");
        (self.tables)(schema, name.table()).ok_or_else(|| plan_datafusion_err!("table '{name}' not found"))
    }

    fn get_table_function_source(&self, name: &str, args: Vec<Expr>) -> Result<Arc<dyn TableSource>> {
        let state = base_state();
        let function = state
            .table_functions()
            .get(name)
            .cloned()
            .ok_or_else(|| plan_datafusion_err!("table function '{name}' not found"))?;
        let simplifier = ExprSimplifier::new(
            SimplifyContext::builder().with_config_options(Arc::clone(state.config_options())).build(),
        );
        let schema = DFSchema::empty();
        let args = args
            .into_iter()
            .map(|arg| simplifier.coerce(arg, &schema).and_then(|e| simplifier.simplify(e)))
            .collect::<Result<Vec<_>>>()?;
        Ok(provider_as_source(
            function.create_table_provider_with_args(TableFunctionArgs::new(&args, state))?,
        ))
    }

    fn create_cte_work_table(&self, name: &str, schema: SchemaRef) -> Result<Arc<dyn TableSource>> {
        Ok(provider_as_source(Arc::new(CteWorkTable::new(name, schema))))
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        base_state().expr_planners()
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        if is_refused(name) { None } else { base_state().scalar_functions().get(name).cloned() }
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        base_state().higher_order_functions().get(name).cloned()
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        base_state().aggregate_functions().get(name).cloned()
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        base_state().window_functions().get(name).cloned()
    }

    fn get_variable_type(&self, _: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        base_state().config_options()
    }

    fn udf_names(&self) -> Vec<String> {
        base_state().scalar_functions().keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        base_state().higher_order_functions().keys().cloned().collect()
    }

    fn udaf_names(&self) -> Vec<String> {
        base_state().aggregate_functions().keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        base_state().window_functions().keys().cloned().collect()
    }
}
