//! Functions built into the engine.
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;
/// All of them.
pub fn natives() -> Vec<Arc<ScalarUDF>> {
    Vec::new()
}
