//! From a column of a query to the column of a table that it is, unchanged.

use super::catalog::ColumnSource;
use datafusion::logical_expr::{Distinct, Expr, JoinType, LogicalPlan};

/// The column of a table that a query's column hands on as it is; none where something is made of it.
pub(super) fn source(plan: &LogicalPlan, at: usize) -> Option<ColumnSource> {
    match plan {
        LogicalPlan::TableScan(scan) => Some(ColumnSource {
            schema: scan.table_name.schema().unwrap_or("").to_owned(),
            table: scan.table_name.table().to_owned(),
            column: scan.projected_schema.fields().get(at)?.name().clone(),
        }),
        LogicalPlan::Projection(projection) => {
            let Expr::Column(column) = unaliased(projection.expr.get(at)?) else { return None };
            source(&projection.input, projection.input.schema().maybe_index_of_column(column)?)
        }
        LogicalPlan::Join(join) => {
            use JoinType::{Full, Inner, Left, LeftAnti, LeftSemi, Right};
            let left = join.left.schema().fields().len();
            match join.join_type {
                Inner | Left | Right | Full | LeftSemi | LeftAnti if at < left => source(&join.left, at),
                Inner | Left | Right | Full => source(&join.right, at - left),
                _ => None,
            }
        }
        LogicalPlan::Filter(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Distinct(Distinct::All(_)) => source(plan.inputs().first()?, at),
        _ => None,
    }
}

fn unaliased(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => unaliased(&alias.expr),
        other => other,
    }
}
