//! What the engine answers otherwise than SQL says. It is refused, with another way to write it that
//! is answered right.

use super::catalog::Fault;
use super::places::Places;
use crate::diagnostic::Code;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Join, JoinConstraint,
    JoinOperator, ObjectName, Query, Select, SelectItem, SetExpr, SetOperator, SetQuantifier, Spanned,
    TableFactor, UnaryOperator, Visit, Visitor,
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
        if let Some(condition) = on(join) {
            self.condition(condition, false)?;
        }
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

    /// Where a value is missing, IN is neither true nor false, and the engine takes it for false. That is the same
    /// beneath AND and OR; NOT IN it answers as it should be alone and beneath AND, from its own column.
    fn condition(&self, expr: &Expr, beside_or: bool) -> ControlFlow<Fault> {
        match expr {
            Expr::Nested(inner) => self.condition(inner, beside_or),
            Expr::BinaryOp { left, op: op @ (BinaryOperator::And | BinaryOperator::Or), right } => {
                let beside_or = beside_or || *op == BinaryOperator::Or;
                self.condition(left, beside_or)?;
                self.condition(right, beside_or)
            }
            Expr::InSubquery { expr: left, negated: false, .. } => self.without_in(left),
            Expr::InSubquery { expr: left, negated: true, .. } if !beside_or => self.not_in(expr, left),
            Expr::UnaryOp { op: UnaryOperator::Not, expr: negated } if !beside_or => {
                match positive(negated) {
                    Some(left) => self.not_in(expr, left),
                    None => self.without_in(expr),
                }
            }
            other => self.without_in(other),
        }
    }

    fn not_in(&self, whole: &Expr, left: &Expr) -> ControlFlow<Fault> {
        self.without_in(left)?;
        if left.visit(&mut Columns).is_break() {
            return ControlFlow::Continue(());
        }
        self.fault(
            whole.span(),
            "what is looked for with NOT IN must be a column: a missing value would not be heeded",
            "reads no column on its left",
            "say NOT EXISTS (SELECT 1 FROM … WHERE … = …)",
        )
    }

    fn without_in(&self, expr: &Expr) -> ControlFlow<Fault> {
        match expr.visit(&mut In { queries: 0 }) {
            ControlFlow::Break(span) => self.fault(
                span,
                "IN with a query must stand alone or be joined by AND or OR, and NOT IN by AND only: here it would not heed missing values",
                "inside another expression",
                "say EXISTS or NOT EXISTS (SELECT 1 FROM … WHERE … = …), which may stand anywhere in a condition",
            ),
            ControlFlow::Continue(()) => ControlFlow::Continue(()),
        }
    }

    /// Of EXCEPT ALL and INTERSECT ALL the engine does not count how often a row is there.
    fn sets(&self, body: &SetExpr) -> ControlFlow<Fault> {
        let SetExpr::SetOperation { left, op, set_quantifier, right } = body else {
            return ControlFlow::Continue(());
        };
        let all = matches!(set_quantifier, SetQuantifier::All | SetQuantifier::AllByName);
        if all && *op != SetOperator::Union {
            let range = self.places.before(right.span(), &op.to_string());
            return ControlFlow::Break(Fault {
                code: Code::SqlOther,
                range: range.unwrap_or_else(|| self.places.whole()),
                message: format!("{op} ALL cannot be run: how often a row is there would not be counted"),
                label: "counts rows".into(),
                help: Some(format!(
                    "leave ALL out where rows do not repeat; else number them on both sides, \
                     row_number() OVER (PARTITION BY …) AS n, and say {op}"
                )),
            });
        }
        self.sets(left)?;
        self.sets(right)
    }

    /// In FROM the engine makes rows of a list that is written there, not of one that another table has.
    fn unnest(&self, lists: &[&Expr]) -> ControlFlow<Fault> {
        let Some(list) = lists.iter().find(|list| list.visit(&mut Columns).is_break()) else {
            return ControlFlow::Continue(());
        };
        self.fault(
            list.span(),
            "unnest() in FROM cannot read the columns of another table",
            "a column",
            "unnest() stands in the SELECT list: FROM (SELECT *, unnest(…) AS e FROM t)",
        )
    }
}

/// What is looked for by an IN with a query.
fn positive(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::Nested(inner) => positive(inner),
        Expr::InSubquery { expr, negated: false, .. } => Some(expr),
        _ => None,
    }
}

/// The condition of a join.
fn on(join: &Join) -> Option<&Expr> {
    use JoinOperator::{
        Anti, FullOuter, Inner, Join, Left, LeftAnti, LeftOuter, LeftSemi, Right, RightAnti, RightOuter,
        RightSemi, Semi, StraightJoin,
    };
    match &join.join_operator {
        Join(c) | Inner(c) | Left(c) | LeftOuter(c) | Right(c) | RightOuter(c) | FullOuter(c) | Semi(c)
        | LeftSemi(c) | RightSemi(c) | Anti(c) | LeftAnti(c) | RightAnti(c) | StraightJoin(c) => match c {
            JoinConstraint::On(condition) => Some(condition),
            _ => None,
        },
        _ => None,
    }
}

impl Visitor for Misread<'_> {
    type Break = Fault;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Fault> {
        self.sets(&query.body)
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Fault> {
        for from in &select.from {
            from.joins.iter().try_for_each(|join| self.join(join))?;
        }
        [&select.selection, &select.having, &select.qualify]
            .into_iter()
            .flatten()
            .try_for_each(|condition| self.condition(condition, false))
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<Fault> {
        match table {
            TableFactor::NestedJoin { table_with_joins, .. } => {
                table_with_joins.joins.iter().try_for_each(|join| self.join(join))
            }
            TableFactor::UNNEST { array_exprs, .. } => self.unnest(&array_exprs.iter().collect::<Vec<_>>()),
            TableFactor::Function { name, args, .. } if is_unnest(name) => {
                self.unnest(&values(args).iter().collect::<Vec<_>>())
            }
            TableFactor::Derived { lateral: true, subquery, .. } => match subquery.body.as_ref() {
                SetExpr::Select(select) if select.from.is_empty() => {
                    let lists = select.projection.iter().filter_map(unnested).flatten().collect::<Vec<_>>();
                    self.unnest(&lists.iter().collect::<Vec<_>>())
                }
                _ => ControlFlow::Continue(()),
            },
            _ => ControlFlow::Continue(()),
        }
    }
}

/// The lists that a column of the result is made of by `unnest`.
fn unnested(item: &SelectItem) -> Option<Vec<Expr>> {
    let (SelectItem::UnnamedExpr(Expr::Function(call))
    | SelectItem::ExprWithAlias { expr: Expr::Function(call), .. }) = item
    else {
        return None;
    };
    let FunctionArguments::List(list) = &call.args else { return None };
    is_unnest(&call.name).then(|| values(&list.args))
}

fn is_unnest(name: &ObjectName) -> bool {
    name.to_string().eq_ignore_ascii_case("unnest")
}

fn values(args: &[FunctionArg]) -> Vec<Expr> {
    let value = |arg: &FunctionArg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    };
    args.iter().filter_map(value).collect()
}

/// Finds an IN with a query. What is in the query is looked at by itself.
struct In {
    queries: usize,
}

impl Visitor for In {
    type Break = Span;

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<Span> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<Span> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Span> {
        match expr {
            Expr::InSubquery { .. } if self.queries == 0 => ControlFlow::Break(expr.span()),
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Finds a column.
struct Columns;

impl Visitor for Columns {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}
