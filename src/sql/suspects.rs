//! The expressions of a block that can fail on a value, and the block with some of them tamed, so
//! that they give NULL instead.

use super::expand::written_name;
use super::failure::Failing;
use super::{functions, registry};
use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentList, FunctionArguments, GroupByExpr, Ident, ObjectName, Query, Select, SelectItem,
    SetExpr, Spanned, Value, VisitMut, VisitorMut,
};
use datafusion::sql::sqlparser::tokenizer::Span;
use std::ops::ControlFlow;

/// An expression that can fail.
pub(super) struct Suspect {
    /// Its number among all expressions of the block, in visiting order.
    pub(super) at: usize,
    pub(super) span: Span,
    /// Tamed it keeps every value that did not fail, so that nothing else of the query changes.
    pub(super) gentle: bool,
    pub(super) expr: Expr,
    /// It decides which rows there are.
    pub(super) filters: bool,
}

/// Whether a name is a function of the connector's own.
pub(super) type IsOurs<'a> = &'a dyn Fn(&str) -> bool;

/// The suspects of a failure, inner ones before those around them.
pub(super) fn suspects(query: &Query, failing: Failing, ours: IsOurs<'_>) -> Vec<Suspect> {
    let mut walk = Walk { at: 0, depth: Vec::new(), found: Vec::new(), failing, ours };
    let _ = query.clone().visit(&mut walk);
    walk.found
}

/// The block with the chosen expressions tamed.
pub(super) fn tame(query: &Query, failing: Failing, which: &dyn Fn(usize) -> bool) -> Query {
    let mut query = query.clone();
    let _ = query.visit(&mut Tamer { at: 0, failing, which });
    query
}

/// A query for the rows on which a cast fails: the text that it cannot take. None where the
/// suspect is no cast.
pub(super) fn witness(query: &Query, suspect: &Suspect) -> Option<Query> {
    let mut finder = Finder { at: 0, wanted: suspect.at, around: Vec::new(), found: None };
    let _ = query.clone().visit(&mut finder);
    let (select, expr, data_type) = finder.found?;
    let tried =
        Expr::Cast { kind: CastKind::TryCast, expr: expr.clone(), data_type, array: false, format: None };
    let fails = both(
        Expr::Nested(Box::new(Expr::IsNotNull(expr.clone()))),
        Expr::Nested(Box::new(Expr::IsNull(Box::new(tried)))),
    );
    let text =
        Expr::Cast { kind: CastKind::TryCast, expr, data_type: DataType::Text, array: false, format: None };
    let mut select = *select;
    // A row that the WHERE would leave out has not failed; but a cast in the WHERE itself decides.
    let selection = select.selection.take().filter(|_| !suspect.filters);
    select.selection = Some(match selection {
        Some(s) => both(Expr::Nested(Box::new(s)), fails),
        None => fails,
    });
    select.projection = vec![SelectItem::ExprWithAlias { expr: text, alias: Ident::new("value") }];
    select.distinct = None;
    select.group_by = GroupByExpr::Expressions(Vec::new(), Vec::new());
    select.having = None;
    select.qualify = None;
    select.named_window = Vec::new();
    let mut query = query.clone();
    *query.body = SetExpr::Select(Box::new(select));
    query.order_by = None;
    query.limit_clause = None;
    query.fetch = None;
    // Every cast is tame here: what comes out are the rows, not the failure once more.
    Some(tame(&query, Failing::Value, &|_| true))
}

fn both(left: Expr, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op: BinaryOperator::And, right: Box::new(right) }
}

enum Kind {
    Cast,
    Division,
    Operator,
    Call,
}

fn kind(expr: &Expr) -> Option<Kind> {
    use BinaryOperator::{
        Divide, Eq, Gt, GtEq, Lt, LtEq, Minus, Modulo, Multiply, NotEq, PGRegexIMatch, PGRegexMatch,
        PGRegexNotIMatch, PGRegexNotMatch, Plus,
    };
    match expr {
        Expr::Cast { kind: CastKind::Cast | CastKind::DoubleColon, format: None, .. } => Some(Kind::Cast),
        Expr::BinaryOp { op: Divide | Modulo, .. } => Some(Kind::Division),
        Expr::BinaryOp {
            op: Plus | Minus | Multiply | PGRegexMatch | PGRegexIMatch | PGRegexNotMatch | PGRegexNotIMatch,
            ..
        } => Some(Kind::Operator),
        // Sides of different types are converted in silence, a text to what the other side is.
        Expr::BinaryOp { left, op: Eq | NotEq | Lt | LtEq | Gt | GtEq, right } => {
            (!is_text(left) && !is_text(right)).then_some(Kind::Operator)
        }
        Expr::Between { low, .. } => (!is_text(low)).then_some(Kind::Operator),
        Expr::InList { list, .. } => (!list.iter().any(is_text)).then_some(Kind::Operator),
        Expr::Function(f) if f.over.is_none() => Some(Kind::Call),
        _ => None,
    }
}

fn is_text(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(v) if matches!(v.value, Value::SingleQuotedString(_) | Value::Null))
}

/// Whether an expression can be what failed, and whether it can be tamed gently.
fn suspicion(expr: &Expr, failing: Failing, ours: IsOurs<'_>) -> Option<bool> {
    let name = |f: &Function| written_name(&f.name).unwrap_or_default();
    match (kind(expr)?, failing, expr) {
        (Kind::Cast, Failing::Value, _) | (Kind::Division, Failing::Division, _) => Some(true),
        (Kind::Division | Kind::Operator, Failing::Overflow | Failing::Value, _) => Some(false),
        (Kind::Call, Failing::Division, Expr::Function(f)) => ours(&name(f)).then_some(false),
        (Kind::Call, _, Expr::Function(f)) => {
            let name = name(f);
            (ours(&name) || registry::own_name(&name).is_some_and(|n| functions::may_fail(&n)))
                .then_some(false)
        }
        _ => None,
    }
}

/// Counts expressions, in the order all walks here share, and collects the suspects.
struct Walk<'a> {
    at: usize,
    /// For each SELECT around: where its conditions stand.
    depth: Vec<Vec<Span>>,
    found: Vec<Suspect>,
    failing: Failing,
    ours: IsOurs<'a>,
}

impl VisitorMut for Walk<'_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let conditions = [&select.selection, &select.having, &select.qualify];
        self.depth.push(conditions.into_iter().flatten().map(Spanned::span).collect());
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _: &mut Select) -> ControlFlow<()> {
        self.depth.pop();
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let span = expr.span();
        if let Some(gentle) = suspicion(expr, self.failing, self.ours)
            && span.start.line > 0
        {
            let filters = self.depth.iter().flatten().any(|f| f.start <= span.start && span.end <= f.end);
            self.found.push(Suspect { at: self.at, span, expr: expr.clone(), gentle, filters });
        }
        self.at += 1;
        ControlFlow::Continue(())
    }
}

struct Tamer<'a> {
    at: usize,
    failing: Failing,
    which: &'a dyn Fn(usize) -> bool,
}

impl VisitorMut for Tamer<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let here = self.at;
        self.at += 1;
        let Some(kind) = kind(expr).filter(|_| (self.which)(here)) else {
            return ControlFlow::Continue(());
        };
        match (kind, self.failing, &mut *expr) {
            (Kind::Cast, Failing::Value, Expr::Cast { kind, .. }) => *kind = CastKind::TryCast,
            (Kind::Division, Failing::Division, Expr::BinaryOp { right, .. }) => {
                **right = nullif_zero(right.as_ref().clone());
            }
            // Keeps the type and is never worked out.
            _ => *expr = never(expr.clone()),
        }
        ControlFlow::Continue(())
    }
}

fn never(expr: Expr) -> Expr {
    let case = CaseWhen { condition: Expr::value(Value::Boolean(false)), result: expr };
    Expr::Nested(Box::new(Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![case],
        else_result: None,
    }))
}

fn nullif_zero(expr: Expr) -> Expr {
    let value = |e| FunctionArg::Unnamed(FunctionArgExpr::Expr(e));
    let zero = Expr::value(Value::Number("0".to_owned(), false));
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new("nullif")]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: vec![value(expr), value(zero)],
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// Finds a cast by its number, with the SELECT that it stands in.
struct Finder {
    at: usize,
    wanted: usize,
    around: Vec<Select>,
    found: Option<(Box<Select>, Box<Expr>, DataType)>,
}

impl VisitorMut for Finder {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        self.around.push(select.clone());
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _: &mut Select) -> ControlFlow<()> {
        self.around.pop();
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let here = self.at;
        self.at += 1;
        if here != self.wanted {
            return ControlFlow::Continue(());
        }
        if let (Expr::Cast { expr, data_type, .. }, Some(select)) = (expr, self.around.last()) {
            self.found = Some((Box::new(select.clone()), expr.clone(), data_type.clone()));
        }
        ControlFlow::Break(())
    }
}
