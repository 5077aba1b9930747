//! From a planner's error to a place and a sentence, and the faulty expression out of the way.

use super::catalog::Fault;
use super::check::Checker;
use super::expand::null_at;
use super::places::Places;
use super::registry;
use super::words::{UNPLANNED, group_words, of_the_whole, undebugged, words};
use crate::diagnostic::Code;
use datafusion::common::DataFusionError;
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, Query, SelectItem, Spanned, VisitMut, VisitorMut, visit_expressions_mut,
};
use datafusion::sql::sqlparser::tokenizer::{Location, Span};
use std::ops::ControlFlow;

/// One fault, and whether the query was mended so that the next can be looked for.
pub(super) struct Next {
    pub(super) fault: Fault,
    pub(super) mended: bool,
    /// The fault may come from mending alone.
    pub(super) artefact: bool,
}

/// Expressions tried when the planner gives no place; a query with more gets a fault on the whole.
const MAX_TRIES: usize = 400;

/// Explains `error` and replaces the expression at fault by NULL.
pub(super) fn fault(
    query: &mut Query,
    error: &DataFusionError,
    checker: &Checker,
    places: &Places<'_>,
) -> Next {
    let (code, message, label, help) = words(error);
    if code == Code::SqlDuplicateColumn {
        // Neither column is wrong by itself, so there is nothing to mend.
        let artefact = error.strip_backtrace().contains("\"NULL");
        let fault = Fault { code, range: places.whole(), message, label, help };
        return Next { fault, mended: false, artefact };
    }
    let span = error.diagnostic().and_then(|d| d.span).map(|s| Span {
        start: Location { line: s.start.line, column: s.start.column },
        end: Location { line: s.end.line, column: s.end.column },
    });
    // For types the planner points at one side; what does not go together is the whole.
    let span = span.map(|s| if code == Code::SqlTypeMismatch { acting(query, s).unwrap_or(s) } else { s });
    let place = span.and_then(|s| places.range(s)).map(|r| places.closed(r));
    if let (Some(span), Some(range)) = (span, place) {
        let (message, help) = if code == Code::SqlGroupBy {
            // The planner prints the column its own way; the user's way is better.
            group_words(places.slice(range))
        } else {
            (message, help)
        };
        let message = as_called(message, places.slice(range));
        let mended = null_smallest(query, span);
        return Next { fault: Fault { code, range, message, label, help }, mended, artefact: false };
    }
    let (range, mended) = match search(query, error, checker) {
        // Without what it reads of the row around it a query has another meaning, and other faults.
        Some(span) => {
            let range = places.range(span).map_or_else(|| places.whole(), |r| places.closed(r));
            (range, !of_the_whole(error))
        }
        None => (places.whole(), false),
    };
    let message = as_called(message, places.slice(range));
    let piece = places.slice(range);
    let shown = message == UNPLANNED && range != places.whole() && piece.len() < 60 && !piece.contains('\n');
    let message = if shown { format!("`{piece}` cannot be planned") } else { message };
    Next { fault: Fault { code, range, message, label, help }, mended, artefact: false }
}

/// A message with the function called as the user calls it; the planner has one name for all that a function has.
fn as_called(message: String, piece: &str) -> String {
    let called = piece.split('(').next().unwrap_or_default().trim().to_lowercase();
    match registry::own_name(&called) {
        Some(own) if own != called => message.replace(&format!("`{own}`"), &format!("`{called}`")),
        _ => message,
    }
}

/// The smallest expression around `span` that does something: a call, an operator, a cast.
fn acting(query: &mut Query, span: Span) -> Option<Span> {
    let mut best: Option<Span> = None;
    let _ = visit_expressions_mut(query, |e| {
        let s = e.span();
        let around = s.start.line > 0 && within(span, s) && does_something(e);
        if around && best.is_none_or(|b| within(s, b)) {
            best = Some(s);
        }
        ControlFlow::<()>::Continue(())
    });
    best
}

/// Replaces the smallest expression that covers `span` by NULL; says whether there was one.
fn null_smallest(query: &mut Query, span: Span) -> bool {
    let mut best: Option<Span> = None;
    let _ = visit_expressions_mut(query, |e| {
        let s = e.span();
        if s.start.line > 0 && s.start <= span.start && s.end >= span.end && best.is_none_or(|b| within(s, b))
        {
            best = Some(s);
        }
        ControlFlow::<()>::Continue(())
    });
    best.is_some_and(|b| null_where(query, |e, _| e.span() == b && !is_null(e)))
}

fn within(inner: Span, outer: Span) -> bool {
    inner.start >= outer.start && inner.end <= outer.end
}

fn is_null(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(v) if v.value == datafusion::sql::sqlparser::ast::Value::Null)
}

/// Finds the expression without which the error goes away, by trying; replaces it.
///
/// Among those the innermost that does something (a call, an operator, a cast) is the culprit: what
/// is around it only fails because of it, what is inside it is fine by itself.
fn search(query: &mut Query, error: &DataFusionError, checker: &Checker) -> Option<Span> {
    let original = error.strip_backtrace();
    let original = undebugged(&original);
    let mut seen = Seen::default();
    let _ = VisitMut::visit(query, &mut seen);
    let (mut at, mut tries) = (seen.all.len(), 0);
    let mut found: Option<(usize, Span, bool)> = None;
    // What is around comes before what is in it.
    while let Some((span, acts, first)) = at.checked_sub(1).and_then(|i| seen.all.get(i)).copied() {
        at -= 1;
        let mut trial = query.clone();
        if tries == MAX_TRIES || !null_where(&mut trial, |_, i| i == at) {
            break;
        }
        tries += 1;
        if checker.attempt(&trial).is_err_and(|e| undebugged(&e.strip_backtrace()) == original) {
            // Where the error stays without it, it stays without what is in it.
            at = first;
            continue;
        }
        let better = found.is_none_or(|(_, s, a)| match (acts, a) {
            (true, false) => true,
            (false, true) => false,
            _ => within(span, s),
        });
        if better && span.start.line > 0 {
            found = Some((at, span, acts));
        }
    }
    let (at, span, _) = found?;
    null_where(query, |_, i| i == at);
    Some(span)
}

/// The expressions of a query in visiting order, each after those in it: its place, whether it does something, and the
/// number of the first that is in it.
#[derive(Default)]
struct Seen {
    all: Vec<(Span, bool, usize)>,
    around: Vec<usize>,
}

impl VisitorMut for Seen {
    type Break = ();

    fn pre_visit_expr(&mut self, _: &mut Expr) -> ControlFlow<()> {
        self.around.push(self.all.len());
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let first = self.around.pop().unwrap_or(self.all.len());
        self.all.push((expr.span(), does_something(expr), first));
        ControlFlow::Continue(())
    }
}

fn does_something(expr: &Expr) -> bool {
    !matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Value(_) | Expr::Nested(_))
}

/// Replaces the first expression for which `which` (given the expression and its number in visiting
/// order) holds. A select item that was a bare name keeps that name.
fn null_where(query: &mut Query, which: impl Fn(&Expr, usize) -> bool) -> bool {
    struct Nuller<F> {
        which: F,
        at: usize,
        done: bool,
    }
    impl<F: Fn(&Expr, usize) -> bool> VisitorMut for Nuller<F> {
        type Break = ();

        fn pre_visit_select(
            &mut self,
            select: &mut datafusion::sql::sqlparser::ast::Select,
        ) -> ControlFlow<()> {
            // A bare `vendor_code` gets an alias first, so that its NULL keeps the column's name.
            for item in &mut select.projection {
                if let SelectItem::UnnamedExpr(expr) = item {
                    let name: Option<Ident> = match expr {
                        Expr::Identifier(i) => Some(i.clone()),
                        Expr::CompoundIdentifier(parts) => parts.last().cloned(),
                        _ => None,
                    };
                    if let Some(alias) = name {
                        *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
                    }
                }
            }
            ControlFlow::Continue(())
        }

        fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            let here = self.at;
            self.at += 1;
            if (self.which)(expr, here) {
                *expr = null_at(expr.span());
                self.done = true;
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        }
    }
    let mut nuller = Nuller { which, at: 0, done: false };
    let _ = query.visit(&mut nuller);
    nuller.done
}
