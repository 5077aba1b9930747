//! What rows are sorted by.

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DFSchemaRef, Result};
use datafusion::logical_expr::expr::Sort as SortExpr;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, Projection};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use std::sync::Arc;

/// Sort keys with more of them behind, each once. The engine takes a key that is there already out in one place and
/// counts on it in another; it also knows that `id::text` is `id` where that is a text.
pub(super) fn followed_by(
    own: Vec<SortExpr>,
    more: impl IntoIterator<Item = SortExpr>,
    schema: &DFSchemaRef,
) -> Vec<SortExpr> {
    let simplifier = ExprSimplifier::new(SimplifyContext::builder().with_schema(schema.clone()).build());
    let simple = |expr: &Expr| {
        let coerced = simplifier.coerce(expr.clone(), schema);
        let simple = coerced.and_then(|e| simplifier.simplify(e)).and_then(|e| without_casts(e, schema));
        simple.unwrap_or_else(|_| expr.clone())
    };
    let (mut all, mut seen) = (Vec::new(), Vec::new());
    for key in own.into_iter().chain(more) {
        let simple = simple(&key.expr);
        if !seen.contains(&simple) {
            seen.push(simple);
            all.push(key);
        }
    }
    all
}

/// An expression without the casts that change nothing.
fn without_casts(expr: Expr, schema: &DFSchemaRef) -> Result<Expr> {
    let plain = |e: Expr| match e {
        Expr::Cast(cast) if cast.expr.get_type(schema)? == *cast.field.data_type() => {
            Ok(Transformed::yes(*cast.expr))
        }
        other => Ok(Transformed::no(other)),
    };
    expr.transform_up(plain).data()
}

/// A query with the columns that it is sorted by. The planner hands on what only an ORDER BY needs, but not above
/// the rows that `unnest` makes.
pub(super) fn present(plan: LogicalPlan, keys: &[SortExpr]) -> Result<LogicalPlan> {
    let LogicalPlan::Projection(mut projection) = plan else { return Ok(plan) };
    let missing: Vec<Column> = keys
        .iter()
        .flat_map(|key| key.expr.column_refs())
        .filter(|c| !projection.schema.has_column(c) && projection.input.schema().has_column(c))
        .cloned()
        .collect();
    if missing.is_empty() {
        return Ok(LogicalPlan::Projection(projection));
    }
    for column in missing.into_iter().map(Expr::Column) {
        if !projection.expr.contains(&column) {
            projection.expr.push(column);
        }
    }
    Ok(LogicalPlan::Projection(Projection::try_new(projection.expr, Arc::clone(&projection.input))?))
}
