//! Which input row each result row comes from, carried through the query.
//!
//! A logical plan is rewritten before it is optimised: every scan gets one more column (the row's
//! own number), and each node passes it on: an aggregate keeps the smallest, a join both sides'. It
//! gives rows their order where the SQL gives none, breaks ties where the SQL leaves some, and tells
//! the report where a row came from.

mod inner;
mod keys;
mod order;
mod union;
mod unnest;

use keys::followed_by;
use order::{Ties, counted, named, ordered_aggregate, ordered_window, row_count, ties};

use datafusion::common::{Column, Result, ScalarValue, TableReference};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::functions_aggregate::expr_fn::min;
use datafusion::logical_expr::expr::Sort as SortExpr;
use datafusion::logical_expr::{
    Aggregate, Distinct, DistinctOn, Expr, ExprSchemable, Filter, Join, JoinType, Limit, LogicalPlan,
    Projection, Sort, Subquery, SubqueryAlias, TableScan, TableScanBuilder, TableSource, Window, lit,
};
use std::sync::Arc;

/// The column that numbers a table's rows, last in every scratch table.
pub const ROW: &str = "__row";

/// The column that tells rows of one number apart: their places in their own table.
pub(super) const PLACE: &str = "__sconn_place";

/// What lineage columns start with inside a plan.
const PREFIX: &str = "__sconn_";

/// Whether a column's name is one of ours.
pub fn reserved(name: &str) -> bool {
    name == ROW || name.starts_with(PREFIX)
}

/// A table's source with its [`ROW`] column.
pub(super) struct Numbered {
    pub(super) source: Arc<dyn TableSource>,
    /// Whether the numbers are places in the input (or only an order).
    pub(super) input: bool,
    /// Whether no two rows share a number; where they may, it has a [`PLACE`] column too.
    pub(super) unique: bool,
}

/// Adds the final [`ROW`] column (NULL where nothing of the input is behind a row) and the order.
pub(super) fn trace(
    plan: LogicalPlan,
    numbered: &dyn Fn(&TableReference) -> Option<Numbered>,
) -> Result<LogicalPlan> {
    let columns: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
    let mut tracer = Tracer { numbered, next: 0 };
    let (plan, lineage) = tracer.rewrite(plan)?;
    let row = match lineage.columns(&plan, &lineage.inputs) {
        inputs if inputs.is_empty() => lit(ScalarValue::Int64(None)),
        mut one if one.len() == 1 => one.remove(0),
        several => coalesce(several),
    };
    let plan = if lineage.ordered {
        plan
    } else {
        let keys = lineage.keys(&plan);
        sorted(plan, keys)?
    };
    let mut out = columns;
    out.push(row.alias(ROW));
    Ok(LogicalPlan::Projection(Projection::try_new(out, Arc::new(plan))?))
}

#[derive(Clone, Debug, Default)]
struct Lineage {
    /// Columns that are places in the input.
    inputs: Vec<String>,
    /// Columns that only order.
    others: Vec<String>,
    /// Whether a Sort decided the order.
    ordered: bool,
    /// Whether several rows can share all lineage columns.
    ties: bool,
}

impl Lineage {
    fn columns(&self, plan: &LogicalPlan, names: &[String]) -> Vec<Expr> {
        names.iter().filter_map(|n| column(plan, n)).collect()
    }

    fn all(&self, plan: &LogicalPlan) -> Vec<Expr> {
        let mut all = self.columns(plan, &self.inputs);
        all.extend(self.columns(plan, &self.others));
        all
    }

    /// What orders the rows: their lineage, then, where that leaves ties, what they hold.
    fn keys(&self, plan: &LogicalPlan) -> Vec<Expr> {
        let mut keys = self.all(plan);
        if self.ties {
            let sortable = |e: &Expr| e.get_type(plan.schema()).is_ok_and(|t| !t.is_nested());
            keys.extend(own_columns(plan).into_iter().filter(sortable));
        }
        keys
    }

    fn and(mut self, other: Lineage) -> Lineage {
        self.inputs.extend(other.inputs);
        self.others.extend(other.others);
        self.ties |= other.ties;
        self.ordered = false;
        self
    }
}

fn column(plan: &LogicalPlan, name: &str) -> Option<Expr> {
    let (qualifier, field) = plan.schema().iter().find(|(_, f)| f.name() == name)?;
    Some(Expr::Column(Column::new(qualifier.cloned(), field.name())))
}

fn ascending(keys: Vec<Expr>) -> Vec<SortExpr> {
    keys.into_iter().map(|k| k.sort(true, false)).collect()
}

fn sorted(plan: LogicalPlan, keys: Vec<Expr>) -> Result<LogicalPlan> {
    if keys.is_empty() {
        return Ok(plan);
    }
    Ok(LogicalPlan::Sort(Sort { expr: ascending(keys), input: Arc::new(plan), fetch: None }))
}

/// The columns of a rewritten node that are not lineage, in order.
fn own_columns(plan: &LogicalPlan) -> Vec<Expr> {
    plan.schema()
        .iter()
        .filter(|(_, f)| !f.name().starts_with(PREFIX))
        .map(|(q, f)| Expr::Column(Column::new(q.cloned(), f.name())))
        .collect()
}

struct Tracer<'a> {
    numbered: &'a dyn Fn(&TableReference) -> Option<Numbered>,
    next: usize,
}

impl Tracer<'_> {
    fn name(&mut self) -> String {
        self.next += 1;
        format!("{PREFIX}{}", self.next)
    }

    fn child(&mut self, plan: &Arc<LogicalPlan>) -> Result<(LogicalPlan, Lineage)> {
        self.rewrite(plan.as_ref().clone())
    }

    fn rewrite(&mut self, plan: LogicalPlan) -> Result<(LogicalPlan, Lineage)> {
        match self.inner_queries(plan)? {
            LogicalPlan::TableScan(scan) => self.scan(scan),
            LogicalPlan::Projection(p) => {
                let (input, lineage) = self.child(&p.input)?;
                let mut expr = p.expr;
                expr.extend(lineage.all(&input));
                // Above a sort the planner drops what only the ORDER BY needed. All else that stands
                // above an order is another query, whose own order counts, with a name or without.
                let ordered = lineage.ordered && matches!(input, LogicalPlan::Sort(_));
                let plan = LogicalPlan::Projection(Projection::try_new(expr, Arc::new(input))?);
                Ok((plan, Lineage { ordered, ..lineage }))
            }
            LogicalPlan::Filter(f) => {
                let (input, lineage) = self.child(&f.input)?;
                let plan = LogicalPlan::Filter(Filter::try_new(f.predicate, Arc::new(input))?);
                Ok((plan, Lineage { ordered: false, ..lineage }))
            }
            LogicalPlan::SubqueryAlias(a) => {
                let (input, lineage) = self.child(&a.input)?;
                let plan = LogicalPlan::SubqueryAlias(SubqueryAlias::try_new(Arc::new(input), a.alias)?);
                Ok((plan, Lineage { ordered: false, ..lineage }))
            }
            LogicalPlan::Sort(s) => {
                let (input, lineage) = self.child(&s.input)?;
                let input = keys::present(input, &s.expr)?;
                let expr = followed_by(s.expr, ascending(lineage.keys(&input)), input.schema());
                let plan = LogicalPlan::Sort(Sort { expr, input: Arc::new(input), fetch: s.fetch });
                Ok((plan, Lineage { ordered: true, ..lineage }))
            }
            LogicalPlan::Limit(l) => {
                let (input, lineage) = self.child(&l.input)?;
                // Which rows a LIMIT keeps must not be left to chance.
                let input = if lineage.ordered {
                    input
                } else {
                    let keys = lineage.keys(&input);
                    sorted(input, keys)?
                };
                let plan = LogicalPlan::Limit(Limit { skip: l.skip, fetch: l.fetch, input: Arc::new(input) });
                Ok((plan, Lineage { ordered: true, ..lineage }))
            }
            LogicalPlan::Window(w) => self.window(w),
            LogicalPlan::Aggregate(a) => self.aggregate(a),
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let (input, lineage) = self.child(&input)?;
                let group = own_columns(&input);
                self.smallest(input, group, Vec::new(), &lineage)
            }
            LogicalPlan::Distinct(Distinct::On(on)) => self.distinct_on(on),
            LogicalPlan::Join(join) => self.join(join),
            LogicalPlan::Union(union) => self.union(union),
            LogicalPlan::Unnest(unnest) => self.unnest(unnest),
            // A query that is joined to each row of the tables before it.
            LogicalPlan::Subquery(s) => {
                let (subquery, lineage) = self.child(&s.subquery)?;
                let plan = LogicalPlan::Subquery(Subquery { subquery: Arc::new(subquery), ..s });
                Ok((plan, Lineage { ordered: false, ..lineage }))
            }
            LogicalPlan::RecursiveQuery(r) => self.recursive(r),
            // Values, table functions: nothing of the input can be told of their rows. Ties are then
            // broken by the result's own columns.
            other => Ok((other, Lineage { ties: true, ..Lineage::default() })),
        }
    }

    fn scan(&mut self, scan: TableScan) -> Result<(LogicalPlan, Lineage)> {
        let Some(numbered) = (self.numbered)(&scan.table_name) else {
            return Ok((LogicalPlan::TableScan(scan), Lineage { ties: true, ..Lineage::default() }));
        };
        let mut out: Vec<Expr> = scan.projected_schema.columns().into_iter().map(Expr::Column).collect();
        let table = scan.table_name.clone();
        let all = TableScanBuilder::new(scan.table_name, numbered.source)
            .with_filters(scan.filters)
            .with_fetch(scan.fetch)
            .build()?;
        let mut lineage = Lineage::default();
        let mut pass = |column: &str, names: &mut Vec<String>| {
            let name = self.name();
            out.push(Expr::Column(Column::new(Some(table.clone()), column)).alias(&name));
            names.push(name);
        };
        pass(ROW, if numbered.input { &mut lineage.inputs } else { &mut lineage.others });
        if !numbered.unique {
            pass(PLACE, &mut lineage.others);
        }
        let plan = Projection::try_new(out, Arc::new(LogicalPlan::TableScan(all)))?;
        Ok((LogicalPlan::Projection(plan), lineage))
    }

    /// Window functions over one OVER are one node, all of whose functions sort alike. Those that get more keys stand
    /// in a node of their own below the others; where one of these depends on the order of its equals all the same, a
    /// hidden count of rows makes that order, which the node above finds and leaves as it is.
    fn window(&mut self, window: Window) -> Result<(LogicalPlan, Lineage)> {
        let (input, lineage) = self.child(&window.input)?;
        let lineage = Lineage { ordered: false, ..lineage };
        let keys = ascending(lineage.keys(&input));
        let (mut below, mut above, mut hidden) = (Vec::new(), Vec::new(), None);
        for expr in window.window_expr {
            match ties(&expr) {
                Ties::Broken => below.push(ordered_window(expr, &keys, input.schema())),
                // With a name like the others: the optimiser writes below a name otherwise than without one,
                // and then they would not sort alike.
                Ties::Together => above.push(named(expr)),
                Ties::InOrder => {
                    let name = match &hidden {
                        Some(name) => String::clone(name),
                        None => {
                            let name = self.name();
                            let count = row_count(&expr, &keys, input.schema());
                            below.extend(count.map(|count| count.alias(&name)));
                            hidden.insert(name).clone()
                        }
                    };
                    above.push(counted(expr, &name, above.len())?);
                }
            }
        }
        let node = |exprs: Vec<Expr>, input: LogicalPlan| -> Result<LogicalPlan> {
            match exprs.is_empty() {
                true => Ok(input),
                false => Ok(LogicalPlan::Window(Window::try_new(exprs, Arc::new(input))?)),
            }
        };
        let plan = node(above, node(below, input)?)?;
        Ok((plan, lineage))
    }

    fn aggregate(&mut self, aggregate: Aggregate) -> Result<(LogicalPlan, Lineage)> {
        let (input, lineage) = self.child(&aggregate.input)?;
        let keys = ascending(lineage.keys(&input));
        let ordered = |e| ordered_aggregate(e, &keys, input.schema());
        let calls = aggregate.aggr_expr.into_iter().map(ordered).collect();
        self.smallest(input, aggregate.group_expr, calls, &lineage)
    }

    /// An aggregate that also keeps the smallest of each lineage column.
    fn smallest(
        &mut self,
        input: LogicalPlan,
        group: Vec<Expr>,
        mut calls: Vec<Expr>,
        lineage: &Lineage,
    ) -> Result<(LogicalPlan, Lineage)> {
        // Subtotals share their first row with a group; with two columns each has its own smallest.
        let sets = group.iter().any(|e| matches!(e, Expr::GroupingSet(_)));
        let several = lineage.inputs.len() + lineage.others.len() > 1;
        let mut out = Lineage { ties: lineage.ties || sets || several, ..Lineage::default() };
        for (names, kept) in [(&lineage.inputs, &mut out.inputs), (&lineage.others, &mut out.others)] {
            for e in names.iter().filter_map(|n| column(&input, n)) {
                let name = self.name();
                calls.push(min(e).alias(&name));
                kept.push(name);
            }
        }
        Ok((LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(input), group, calls)?), out))
    }

    fn distinct_on(&mut self, on: DistinctOn) -> Result<(LogicalPlan, Lineage)> {
        let (input, lineage) = self.child(&on.input)?;
        let mut select = on.select_expr;
        select.extend(lineage.all(&input));
        // An ORDER BY begins with the ON expressions: it is the order of the result. Without one the
        // first input row of each group is the one that stays.
        let ordered = on.sort_expr.is_some();
        let sort = on.sort_expr.unwrap_or_else(|| ascending(on.on_expr.clone()));
        let sort = followed_by(sort, ascending(lineage.keys(&input)), input.schema());
        let on = followed_by(ascending(on.on_expr), [], input.schema());
        let on = on.into_iter().map(|key| key.expr).collect();
        let plan = DistinctOn::try_new(on, select, Some(sort), Arc::new(input))?;
        Ok((LogicalPlan::Distinct(Distinct::On(plan)), Lineage { ordered, ..lineage }))
    }

    fn join(&mut self, join: Join) -> Result<(LogicalPlan, Lineage)> {
        let (left, l) = self.child(&join.left)?;
        let (right, r) = self.child(&join.right)?;
        let lineage = match join.join_type {
            JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => Lineage { ordered: false, ..l },
            JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => {
                Lineage { ordered: false, ..r }
            }
            _ => l.and(r),
        };
        let plan = Join::try_new(
            Arc::new(left),
            Arc::new(right),
            join.on,
            join.filter,
            join.join_type,
            join.join_constraint,
            join.null_equality,
            join.null_aware,
        )?;
        Ok((LogicalPlan::Join(plan), lineage))
    }
}
