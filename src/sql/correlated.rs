//! Queries that read the row around them. The engine makes joins of them: it lifts the condition that reads the row
//! above all that the inner query does. What stands in between is then done once over the rows of all, and what would
//! be another result is refused, with another way to write it.

use crate::diagnostic::Code;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::{Distinct, Expr, JoinType, LogicalPlan, SkipType, Subquery};

/// What stands over the condition that reads the row, or around the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lifted {
    Window,
    Aggregate,
    Having,
    Offset,
    Outer,
    NotIn,
}

const ALL: [Lifted; 6] =
    [Lifted::Window, Lifted::Aggregate, Lifted::Having, Lifted::Offset, Lifted::Outer, Lifted::NotIn];

impl Lifted {
    /// What [`words`] knows it by.
    fn key(self) -> &'static str {
        match self {
            Lifted::Window => "window in a correlated query",
            Lifted::Aggregate => "aggregate in a correlated query",
            Lifted::Having => "condition on an aggregate in a correlated query",
            Lifted::Offset => "offset in a correlated query",
            Lifted::Outer => "outer join in a correlated query",
            Lifted::NotIn => "not in with a correlated query",
        }
    }

    /// What is wrong, and how to write it.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Lifted::Window => (
                "a window or DISTINCT ON in a query that reads the row around it would be over the rows of all at once",
                "say PARTITION BY the column that joins, in a query that is joined: \
                 JOIN (SELECT *, row_number() OVER (PARTITION BY k ORDER BY …) AS n FROM …) z ON z.k = t.k AND z.n = 1",
            ),
            Lifted::Aggregate => (
                "an aggregate over all rows of a query that reads the row around it would give nothing where there are none",
                "compare with its value, as in `0 = (SELECT count(*) FROM … WHERE …)`; to ask for rows select none of it",
            ),
            Lifted::Having => (
                "a condition on an aggregate over all rows of a LATERAL query would not be heeded",
                "put the condition into the query around it, as in `WHERE z.n > 1`",
            ),
            Lifted::Offset => (
                "OFFSET in a query that reads the row around it would not be heeded",
                "number the rows in a query that is joined: row_number() OVER (PARTITION BY k ORDER BY …) AS n, and ON … AND z.n > 5",
            ),
            Lifted::Outer => (
                "one side of a join in an inner query reads the row around it, and would lose rows of the other side",
                "join that side in the query around it",
            ),
            Lifted::NotIn => (
                "NOT IN with a query that reads the row around it cannot be run",
                "say NOT EXISTS (SELECT 1 FROM … WHERE … = …) with the same condition",
            ),
        }
    }
}

/// The user's words for what [`check`] found.
pub(super) fn words(text: &str) -> Option<(Code, String, String, Option<String>)> {
    let (message, help) = ALL.into_iter().find(|l| l.key() == text)?.words();
    Some((Code::SqlOther, message.into(), "in this inner query".into(), Some(help.into())))
}

/// Whether an error is one of [`check`].
pub(super) fn told(error: &DataFusionError) -> bool {
    matches!(error, DataFusionError::Plan(text) if ALL.iter().any(|l| l.key() == text))
}

/// How an inner query is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    /// Joined to the row: LATERAL.
    Rows,
    /// Asked for rows: EXISTS, IN.
    Presence,
    /// One value.
    Value,
}

/// That nothing in a plan would be lifted wrongly.
pub(super) fn check(plan: &LogicalPlan) -> Result<()> {
    match found(plan)? {
        Some(lifted) => Err(DataFusionError::Plan(lifted.key().to_owned())),
        None => Ok(()),
    }
}

fn found(plan: &LogicalPlan) -> Result<Option<Lifted>> {
    let mut first = None;
    plan.apply(|node| {
        if let LogicalPlan::Subquery(query) = node {
            first = first.or_else(|| judge(query, Read::Rows));
        }
        node.apply_expressions(|expr| {
            expr.apply(|e| {
                if first.is_none() {
                    first = inner(e);
                }
                if let (None, Some(query)) = (first, subquery(e)) {
                    first = found(&query.subquery)?;
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(first)
}

fn subquery(expr: &Expr) -> Option<&Subquery> {
    match expr {
        Expr::InSubquery(InSubquery { subquery, .. })
        | Expr::Exists(Exists { subquery, .. })
        | Expr::ScalarSubquery(subquery) => Some(subquery),
        Expr::SetComparison(comparison) => Some(&comparison.subquery),
        _ => None,
    }
}

fn inner(expr: &Expr) -> Option<Lifted> {
    match expr {
        Expr::InSubquery(InSubquery { subquery, negated: true, .. }) if reads(subquery) => {
            Some(Lifted::NotIn)
        }
        Expr::Not(negated) => match negated.as_ref() {
            Expr::InSubquery(InSubquery { subquery, .. }) if reads(subquery) => Some(Lifted::NotIn),
            _ => None,
        },
        Expr::InSubquery(InSubquery { subquery, .. }) | Expr::Exists(Exists { subquery, .. }) => {
            judge(subquery, Read::Presence)
        }
        Expr::SetComparison(comparison) => judge(&comparison.subquery, Read::Presence),
        Expr::ScalarSubquery(subquery) => judge(subquery, Read::Value),
        _ => None,
    }
}

/// Whether a query reads the row around it.
fn reads(query: &Subquery) -> bool {
    !query.outer_ref_columns.is_empty()
}

fn judge(query: &Subquery, read: Read) -> Option<Lifted> {
    if reads(query) { below(&query.subquery, read, Above::default()) } else { None }
}

/// What stands over a node.
#[derive(Clone, Copy, Debug, Default)]
struct Above {
    filter: bool,
    join: bool,
    found: Option<Lifted>,
}

/// The first that stands over a condition that reads the row.
fn below(node: &LogicalPlan, read: Read, above: Above) -> Option<Lifted> {
    if above.found.is_some() && node.contains_outer_reference() {
        return above.found;
    }
    let with = |found: Lifted| Above { found: above.found.or(Some(found)), ..above };
    let above = match node {
        LogicalPlan::Window(_) | LogicalPlan::Distinct(Distinct::On(_)) => with(Lifted::Window),
        LogicalPlan::Limit(limit) if !matches!(limit.get_skip_type(), Ok(SkipType::Literal(0))) => {
            with(Lifted::Offset)
        }
        LogicalPlan::Aggregate(a) if a.group_expr.is_empty() => match read {
            Read::Presence => with(Lifted::Aggregate),
            _ if above.join => with(Lifted::Aggregate),
            Read::Rows if above.filter => with(Lifted::Having),
            _ => above,
        },
        LogicalPlan::Filter(_) => Above { filter: true, ..above },
        LogicalPlan::Join(join) => {
            let above = Above { join: true, ..above };
            let (left, right) = match join.join_type {
                JoinType::Inner => (false, false),
                JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => {
                    (false, true)
                }
                JoinType::Right | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => {
                    (true, false)
                }
                JoinType::Full => (true, true),
            };
            let side = |outer: bool| Above { found: above.found.or(outer.then_some(Lifted::Outer)), ..above };
            return below(&join.left, read, side(left)).or_else(|| below(&join.right, read, side(right)));
        }
        // A query in it that is joined to its rows is judged by itself.
        LogicalPlan::Subquery(_) => return None,
        _ => above,
    };
    node.inputs().into_iter().find_map(|input| below(input, read, above))
}
