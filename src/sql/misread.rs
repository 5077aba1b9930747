//! What the engine answers otherwise than SQL says. It is refused, with another way to write it that
//! is answered right.

use super::catalog::Fault;
use super::places::Places;
use crate::diagnostic::Code;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Join, JoinConstraint, JoinOperator, Query, Select, Spanned, TableFactor,
    UnaryOperator, Visit, Visitor,
};
use datafusion::sql::sqlparser::tokenizer::Span;
use std::ops::ControlFlow;

/// The first such place in a query, if there is one.
pub(super) fn misread(query: &Query, places: &Places<'_>) -> Option<Fault> {
    match query.visit(&mut Misread { places }) {
        ControlFlow::Break(fault) => Some(fault),
        ControlFlow::Continue(()) => None,
    }
}

struct Misread<'a> {
    places: &'a Places<'a>,
}

impl Misread<'_> {
    fn fault(&self, span: Span, message: &str, label: &str, help: &str) -> ControlFlow<Fault> {
        ControlFlow::Break(Fault {
            code: Code::SqlOther,
            range: self.places.range(span).unwrap_or_else(|| self.places.whole()),
            message: message.into(),
            label: label.into(),
            help: Some(help.into()),
        })
    }

    /// Of a column that both sides have the engine takes the left one's, also where only the right side has a row.
    fn join(&self, join: &Join) -> ControlFlow<Fault> {
        let (JoinOperator::Right(by) | JoinOperator::RightOuter(by) | JoinOperator::FullOuter(by)) =
            &join.join_operator
        else {
            return ControlFlow::Continue(());
        };
        let span = match by {
            JoinConstraint::Using(columns) => columns.first().map(Spanned::span),
            JoinConstraint::Natural => Some(join.relation.span()),
            JoinConstraint::On(_) | JoinConstraint::None => None,
        };
        let Some(span) = span else { return ControlFlow::Continue(()) };
        self.fault(
            span,
            "a RIGHT or FULL JOIN needs ON: the columns of USING or NATURAL would be blank where the left side has no row",
            "this column would lose values",
            "say ON a.k = b.k, and coalesce(a.k, b.k) AS k where the column is selected",
        )
    }

    /// Alone, or joined to others by AND, a NOT IN is answered as it should be; anywhere else the engine takes a
    /// missing value for one that is not in the list.
    fn condition(&self, expr: &Expr) -> ControlFlow<Fault> {
        match expr {
            Expr::Nested(inner) => self.condition(inner),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                self.condition(left)?;
                self.condition(right)
            }
            Expr::InSubquery { .. } => ControlFlow::Continue(()),
            Expr::UnaryOp { op: UnaryOperator::Not, expr } if is_in(expr) => ControlFlow::Continue(()),
            other => match other.visit(&mut NotIn { below_not: 0 }) {
                ControlFlow::Break(span) => self.fault(
                    span,
                    "NOT IN with a query must stand alone or be joined by AND: beside OR it would not heed missing values",
                    "inside another expression",
                    "say NOT EXISTS (SELECT 1 FROM … WHERE … = …), which may stand anywhere in a condition",
                ),
                ControlFlow::Continue(()) => ControlFlow::Continue(()),
            },
        }
    }
}

fn is_in(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_in(inner),
        Expr::InSubquery { negated, .. } => !negated,
        _ => false,
    }
}

impl Visitor for Misread<'_> {
    type Break = Fault;

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Fault> {
        for from in &select.from {
            from.joins.iter().try_for_each(|join| self.join(join))?;
        }
        [&select.selection, &select.having, &select.qualify]
            .into_iter()
            .flatten()
            .try_for_each(|condition| self.condition(condition))
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<Fault> {
        match table {
            TableFactor::NestedJoin { table_with_joins, .. } => {
                table_with_joins.joins.iter().try_for_each(|join| self.join(join))
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Finds a NOT IN, or an IN below a NOT.
struct NotIn {
    below_not: usize,
}

impl Visitor for NotIn {
    type Break = Span;

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Span> {
        match expr {
            Expr::InSubquery { negated, .. } if *negated || self.below_not > 0 => {
                ControlFlow::Break(expr.span())
            }
            Expr::UnaryOp { op: UnaryOperator::Not, .. } => {
                self.below_not += 1;
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Span> {
        if matches!(expr, Expr::UnaryOp { op: UnaryOperator::Not, .. }) {
            self.below_not -= 1;
        }
        ControlFlow::Continue(())
    }
}
