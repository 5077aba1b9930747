//! Text that meets a number: the engine converts by itself, and what comes of it is rarely meant.
//! Every input column is text, so this is the slip that is made most.

use super::catalog::Fault;
use super::places::Places;
use crate::diagnostic::Code;
use crate::value::arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Spans};
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator};
use datafusion::sql::sqlparser::tokenizer::{Location, Span};

/// Warnings about comparisons of a text column with a number, in a plan whose types are not settled
/// yet.
pub(super) fn warnings(plan: &LogicalPlan, places: &Places<'_>) -> Vec<Fault> {
    let mut found = Vec::new();
    let _ = plan.apply_with_subqueries(|node| {
        let schema = merge_schema(&node.inputs());
        let _ = node.apply_expressions(|expr| {
            expr.apply(|e| {
                found.extend(comparison(e, &schema, places));
                Ok(TreeNodeRecursion::Continue)
            })
        });
        Ok(TreeNodeRecursion::Continue)
    });
    found
}

fn compares(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq)
}

fn comparison(expr: &Expr, schema: &DFSchema, places: &Places<'_>) -> Option<Fault> {
    let sides: Vec<(&Expr, &Expr)> = match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if compares(*op) => {
            vec![(left.as_ref(), right.as_ref()), (right.as_ref(), left.as_ref())]
        }
        Expr::Between(b) => vec![(b.expr.as_ref(), b.low.as_ref())],
        Expr::InList(l) => vec![(l.expr.as_ref(), l.list.first()?)],
        _ => return None,
    };
    let (column, spans) = sides.into_iter().find_map(|(text, number)| {
        let Expr::Column(column) = text else { return None };
        let is_text =
            matches!(text.get_type(schema).ok()?, DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8);
        (is_text && number.get_type(schema).ok()?.is_numeric())
            .then_some((column.name.clone(), &column.spans))
    })?;
    Some(Fault {
        code: Code::SqlTextAsNumber,
        range: place(spans, places).unwrap_or_else(|| places.whole()),
        message: format!("`{column}` is text, and it is compared with a number"),
        label: "text".into(),
        help: Some(format!(
            "convert it: `parse.try_number({column})` (of std.parse) gives NULL for what is no number, \
             `CAST({column} AS DECIMAL(20, 4))` stops the run there, and rounds to 4 places"
        )),
    })
}

fn place(spans: &Spans, places: &Places<'_>) -> Option<crate::text::Range> {
    let span = spans.first()?;
    let at = |l: datafusion::common::Location| Location { line: l.line, column: l.column };
    places.range(Span { start: at(span.start), end: at(span.end) })
}
