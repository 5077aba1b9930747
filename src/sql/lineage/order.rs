//! Where the order of rows decides a value, and that order.

use datafusion::common::Result;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::{AggregateFunction, Sort as SortExpr, WindowFunction};
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan, WindowFrameUnits};

/// Window functions that count rows.
const BY_POSITION: [&str; 4] = ["row_number", "ntile", "lag", "lead"];

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

/// Numbering, neighbours and frames of ROWS depend on the order among equals, so they get one;
/// ranks and frames of RANGE, where equals belong together, must not.
pub(super) fn ordered_window(expr: Expr, keys: &[SortExpr]) -> Expr {
    let name = expr.schema_name().to_string();
    match expr {
        Expr::WindowFunction(mut w) => {
            let fun = w.fun.name().to_owned();
            let WindowFunction { params, .. } = w.as_mut();
            let rows = params.window_frame.units == WindowFrameUnits::Rows
                && (!params.order_by.is_empty() || BY_ORDER.contains(&fun.as_str()));
            if !rows && !BY_POSITION.contains(&fun.as_str()) {
                return Expr::WindowFunction(w);
            }
            params.order_by.extend(keys.iter().cloned());
            Expr::WindowFunction(w).alias(name)
        }
        other => other,
    }
}

/// Aggregates that keep an order take the input's where the SQL gives none or leaves ties. Under
/// DISTINCT the engine only orders by the argument itself.
pub(super) fn ordered_aggregate(expr: Expr, keys: &[SortExpr]) -> Expr {
    let name = expr.schema_name().to_string();
    match expr {
        Expr::AggregateFunction(AggregateFunction { func, mut params })
            if BY_ORDER.contains(&func.name()) =>
        {
            if !params.distinct {
                params.order_by.extend(keys.iter().cloned());
            } else if params.order_by.is_empty()
                && let Some(first) = params.args.first()
            {
                params.order_by = vec![first.clone().sort(true, false)];
            }
            Expr::AggregateFunction(AggregateFunction { func, params }).alias(name)
        }
        other => other,
    }
}
