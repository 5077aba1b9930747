//! The engine that checks and runs are planned with: its settings, and its functions as far as they
//! are allowed, with ours among them.

use super::functions::{self, Kind};
use super::string_agg::string_agg;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::TableFunctionArgs;
use datafusion::common::{DFSchema, Result, TableReference, plan_datafusion_err};
use datafusion::config::ConfigOptions;
use datafusion::datasource::cte_worktable::CteWorkTable;
use datafusion::datasource::provider_as_source;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{
    AggregateUDF, Expr, HigherOrderUDF, ScalarUDF, TableSource, TypeSignature, WindowUDF,
};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::prelude::SessionConfig;
use std::sync::{Arc, OnceLock};

/// The zone of instants, and of local times where no connector says another.
pub(super) const UTC: &str = "UTC";

/// The engine with its functions, ours among them, and no tables. Made once.
pub(super) fn base_state() -> &'static SessionState {
    static STATE: OnceLock<SessionState> = OnceLock::new();
    STATE.get_or_init(|| state(config(), Arc::new(RuntimeEnv::default()), UTC))
}

/// An engine with all functions: what plans in the checker and what runs are made by this alone.
/// `current_date` and `current_time` are those of `zone`.
pub(super) fn state(config: SessionConfig, runtime: Arc<RuntimeEnv>, zone: &str) -> SessionState {
    let mut state = SessionStateBuilder::new_with_default_features()
        .with_config(config)
        .with_runtime_env(runtime)
        .build();
    // The zone is set after the functions were made, so that `to_timestamp` keeps a local time local:
    // the engine compares it with times of a zone in one way or another, as it happens to plan.
    state.config_mut().options_mut().execution.time_zone = Some(UTC.to_owned());
    let now = datafusion::functions::datetime::now(state.config_options());
    state.config_mut().options_mut().execution.time_zone = Some(zone.to_owned());
    for udf in super::native::natives().into_iter().chain([now]) {
        // Registering a UDF only fails where a function factory refuses it; there is none.
        let _ = datafusion::execution::FunctionRegistry::register_udf(&mut state, udf);
    }
    let _ = datafusion::execution::FunctionRegistry::register_udaf(&mut state, string_agg());
    state
}

/// The settings that planning depends on, the same for checking and running.
pub(super) fn config() -> SessionConfig {
    let mut config = SessionConfig::new();
    let options = config.options_mut();
    options.sql_parser.collect_spans = true;
    // Literals such as 0.1 are exact: money never passes through floating point.
    options.sql_parser.parse_float_as_decimal = true;
    options.sql_parser.map_string_types_to_utf8view = false;
    // Hash joins cannot spill; under a memory limit a slower join beats a failing one.
    options.optimizer.prefer_hash_join = false;
    config
}

/// What a name of a function means to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It may be called.
    Allowed,
    /// The engine has it; why it may not be called.
    Refused(&'static str),
    /// There is none.
    No,
}

/// Looks a function up by any of its names.
pub(super) fn known(name: &str) -> Known {
    if name == UNNEST {
        return Known::Allowed;
    }
    let mut found = Known::No;
    for (kind, own) in owners(name) {
        if functions::allowed(kind, &own) {
            return Known::Allowed;
        }
        // A native function is called by the name that its module gives it.
        if !super::native::is_native(&own) {
            found = Known::Refused(functions::reason(&own));
        }
    }
    found
}

/// Whether a function of this name may stand where a table stands.
pub(super) fn makes_rows(name: &str) -> bool {
    name == UNNEST || functions::allowed(Kind::Table, name)
}

/// The one function that the planner knows without a registered one.
const UNNEST: &str = "unnest";

/// The engine's functions of this name: their kinds and own names.
fn owners(name: &str) -> Vec<(Kind, String)> {
    let state = base_state();
    let scalar = state.scalar_functions().get(name).map(|f| (Kind::Scalar, f.name().to_owned()));
    let aggregate = state.aggregate_functions().get(name).map(|f| (Kind::Aggregate, f.name().to_owned()));
    let window = state.window_functions().get(name).map(|f| (Kind::Window, f.name().to_owned()));
    let table = state.table_functions().get(name).map(|f| (Kind::Table, f.name().to_owned()));
    let higher = state.higher_order_functions().get(name).map(|f| (Kind::HigherOrder, f.name().to_owned()));
    [scalar, aggregate, window, table, higher].into_iter().flatten().collect()
}

/// The engine's own name of a scalar function.
pub(super) fn own_name(name: &str) -> Option<String> {
    base_state().scalar_functions().get(name).map(|f| f.name().to_owned())
}

/// What a function takes.
pub(super) fn signature(name: &str) -> Option<TypeSignature> {
    let state = base_state();
    let scalar = state.scalar_functions().get(name).map(|f| f.signature().type_signature.clone());
    let aggregate = || state.aggregate_functions().get(name).map(|f| f.signature().type_signature.clone());
    let window = || state.window_functions().get(name).map(|f| f.signature().type_signature.clone());
    scalar.or_else(aggregate).or_else(window)
}

/// All names that the engine has for functions, allowed or not.
pub(super) fn all_names() -> impl Iterator<Item = &'static String> {
    let state = base_state();
    state
        .scalar_functions()
        .keys()
        .chain(state.aggregate_functions().keys())
        .chain(state.window_functions().keys())
        .chain(state.table_functions().keys())
        .chain(state.higher_order_functions().keys())
}

/// The names of all functions that may be called.
pub(super) fn function_names() -> Vec<String> {
    all_names().filter(|n| known(n) == Known::Allowed).cloned().collect()
}

/// Finds a table's source by schema and name.
pub(super) type FindTable<'a> = dyn Fn(&str, &str) -> Option<Arc<dyn TableSource>> + Send + Sync + 'a;

/// Resolves tables by a closure and everything else by the engine. What is not allowed is not there:
/// this holds for every plan, whatever was looked at before.
pub(super) struct Provider<'a> {
    pub(super) state: &'a SessionState,
    pub(super) tables: &'a FindTable<'a>,
}

impl ContextProvider for Provider<'_> {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        let schema = name.schema().unwrap_or("");
        // Of three parts the first would name another database; there is none.
        let table = name.catalog().is_none().then(|| (self.tables)(schema, name.table())).flatten();
        table.ok_or_else(|| plan_datafusion_err!("table '{name}' not found"))
    }

    fn get_table_function_source(&self, name: &str, args: Vec<Expr>) -> Result<Arc<dyn TableSource>> {
        let function = self
            .state
            .table_functions()
            .get(name)
            .filter(|f| functions::allowed(Kind::Table, f.name()))
            .ok_or_else(|| plan_datafusion_err!("table function '{name}' not found"))?;
        let simplifier = ExprSimplifier::new(
            SimplifyContext::builder()
                .with_config_options(Arc::clone(self.state.config_options()))
                .with_query_execution_start_time(self.state.execution_props().query_execution_start_time)
                .build(),
        );
        let schema = DFSchema::empty();
        let args = args
            .into_iter()
            .map(|arg| simplifier.coerce(arg, &schema).and_then(|e| simplifier.simplify(e)))
            .collect::<Result<Vec<_>>>()?;
        Ok(provider_as_source(
            function.create_table_provider_with_args(TableFunctionArgs::new(&args, self.state))?,
        ))
    }

    fn create_cte_work_table(&self, name: &str, schema: SchemaRef) -> Result<Arc<dyn TableSource>> {
        Ok(provider_as_source(Arc::new(CteWorkTable::new(name, schema))))
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        self.state.expr_planners()
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        let function = self.state.scalar_functions().get(name)?;
        let own = function.name();
        (functions::allowed(Kind::Scalar, own) || super::native::is_native(own)).then(|| function.clone())
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        let function = self.state.higher_order_functions().get(name)?;
        functions::allowed(Kind::HigherOrder, function.name()).then(|| function.clone())
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        let function = self.state.aggregate_functions().get(name)?;
        functions::allowed(Kind::Aggregate, function.name()).then(|| function.clone())
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        let function = self.state.window_functions().get(name)?;
        functions::allowed(Kind::Window, function.name()).then(|| function.clone())
    }

    fn get_variable_type(&self, _: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        self.state.config_options()
    }

    fn udf_names(&self) -> Vec<String> {
        self.state.scalar_functions().keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        self.state.higher_order_functions().keys().cloned().collect()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.state.aggregate_functions().keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        self.state.window_functions().keys().cloned().collect()
    }
}
