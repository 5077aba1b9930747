//! Where the order of rows decides a value, and that order.

use super::keys::followed_by;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchemaRef, Result};
use datafusion::functions_window::row_number::row_number;
use datafusion::logical_expr::expr::{AggregateFunction, NullTreatment, Sort as SortExpr, WindowFunction};
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan, WindowFrameBound, WindowFrameUnits, lit, when};

/// Window functions that count rows.
const BY_POSITION: [&str; 4] = ["row_number", "ntile", "lag", "lead"];

/// Window functions that heed no frame: equals have one rank.
const BY_RANK: [&str; 4] = ["rank", "dense_rank", "percent_rank", "cume_dist"];

/// Functions whose result depends on the order of their rows.
const BY_ORDER: [&str; 5] = ["array_agg", "string_agg", "first_value", "last_value", "nth_value"];

/// Whether the order of rows decides which rows or values a query gives.
pub(super) fn order_matters(plan: &LogicalPlan) -> Result<bool> {
    let mut matters = false;
    plan.apply_with_subqueries(|node| {
        matters |= match node {
            LogicalPlan::Limit(_) | LogicalPlan::Distinct(Distinct::On(_)) => true,
            LogicalPlan::Window(_) | LogicalPlan::Aggregate(_) => {
                let mut ordered = false;
                node.apply_expressions(|expr| {
                    expr.apply(|e| {
                        let name = match e {
                            Expr::WindowFunction(w) => w.fun.name(),
                            Expr::AggregateFunction(a) => a.func.name(),
                            _ => return Ok(TreeNodeRecursion::Continue),
                        };
                        // A sum over a frame of ROWS depends on who its neighbours are.
                        let frame = matches!(e, Expr::WindowFunction(w)
                            if w.params.window_frame.units == WindowFrameUnits::Rows);
                        ordered |= frame || BY_POSITION.contains(&name) || BY_ORDER.contains(&name);
                        Ok(TreeNodeRecursion::Continue)
                    })
                })?;
                ordered
            }
            _ => false,
        };
        Ok(if matters { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(matters)
}

/// What a window function makes of rows that are equal in its ORDER BY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ties {
    /// They come one after another, as in the input: it numbers them, looks at neighbours, counts ROWS, or takes the
    /// first of all.
    Broken,
    /// They belong together, and no matter in which order: ranks, sums.
    Together,
    /// They belong together, and it takes the last of them, or all in their order.
    InOrder,
}

/// What the function makes of equals.
pub(super) fn ties(expr: &Expr) -> Ties {
    let Some(w) = window_function(expr) else { return Ties::Together };
    let (name, frame) = (w.fun.name(), &w.params.window_frame);
    if BY_POSITION.contains(&name) {
        return Ties::Broken;
    }
    if BY_RANK.contains(&name) {
        return Ties::Together;
    }
    let whole = frame.start_bound.is_unbounded() && frame.end_bound.is_unbounded();
    let by_order = BY_ORDER.contains(&name);
    match frame.units {
        WindowFrameUnits::Rows if by_order || !whole => Ties::Broken,
        WindowFrameUnits::Rows => Ties::Together,
        _ if !by_order => Ties::Together,
        // Over all rows the frame is the same with more keys.
        _ if whole => Ties::Broken,
        // The first of all is the same, however many of its equals are counted in with a row. But of the first
        // that is not NULL, and of a frame that ends elsewhere and may be empty, they decide.
        _ if name == "first_value"
            && frame.start_bound.is_unbounded()
            && frame.end_bound == WindowFrameBound::CurrentRow
            && w.params.null_treatment != Some(NullTreatment::IgnoreNulls) =>
        {
            Ties::Broken
        }
        _ => Ties::InOrder,
    }
}

fn window_function(expr: &Expr) -> Option<&WindowFunction> {
    match expr {
        Expr::WindowFunction(w) => Some(w),
        Expr::Alias(alias) => window_function(&alias.expr),
        _ => None,
    }
}

/// The function under the name that it has.
pub(super) fn named(expr: Expr) -> Expr {
    match expr {
        Expr::Alias(_) => expr,
        bare => {
            let name = bare.schema_name().to_string();
            bare.alias(name)
        }
    }
}

/// The function with more keys behind its own.
pub(super) fn ordered_window(expr: Expr, keys: &[SortExpr], schema: &DFSchemaRef) -> Expr {
    let name = expr.schema_name().to_string();
    match expr {
        Expr::WindowFunction(mut w) => {
            let own = std::mem::take(&mut w.params.order_by);
            w.params.order_by = followed_by(own, keys.iter().cloned(), schema);
            Expr::WindowFunction(w).alias(name)
        }
        other => other,
    }
}

/// A count of rows over the same rows as the function's, with more keys behind its own.
pub(super) fn row_count(expr: &Expr, keys: &[SortExpr], schema: &DFSchemaRef) -> Option<Expr> {
    let own = &window_function(expr)?.params;
    let Expr::WindowFunction(mut count) = row_number() else { return None };
    count.params.partition_by = own.partition_by.clone();
    count.params.order_by = followed_by(own.order_by.clone(), keys.iter().cloned(), schema);
    Some(Expr::WindowFunction(count))
}

/// The function, such that it needs the count of rows: what nothing needs the engine leaves out, and its order with it.
/// The `nth` of them asks in its own way: what several ask alike, a cast among it, the engine would work out below the
/// count.
pub(super) fn counted(expr: Expr, count: &str, nth: usize) -> Result<Expr> {
    let name = expr.schema_name().to_string();
    let Expr::WindowFunction(mut w) = expr else { return Ok(expr) };
    if let Some(first) = w.params.args.first_mut() {
        let counts = Expr::Column(Column::new_unqualified(count)).lt(lit(u64::MAX - nth as u64));
        *first = when(counts, first.clone()).end()?;
    }
    Ok(Expr::WindowFunction(w).alias(name))
}

/// Aggregates that keep an order take the input's where the SQL gives none or leaves ties. Under
/// DISTINCT the engine only orders by the argument itself.
pub(super) fn ordered_aggregate(expr: Expr, keys: &[SortExpr], schema: &DFSchemaRef) -> Expr {
    let name = expr.schema_name().to_string();
    match expr {
        Expr::AggregateFunction(AggregateFunction { func, mut params })
            if BY_ORDER.contains(&func.name()) =>
        {
            let more = match params.args.first() {
                Some(first) if params.distinct => vec![first.clone().sort(true, false)],
                _ => keys.to_vec(),
            };
            // Under DISTINCT the author's own order begins with the argument.
            params.order_by = followed_by(params.order_by, more, schema);
            Expr::AggregateFunction(AggregateFunction { func, params }).alias(name)
        }
        other => other,
    }
}
