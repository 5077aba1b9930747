//! Queries inside expressions: `(SELECT …)`, `IN (SELECT …)`, `EXISTS (SELECT …)`. Their rows get the
//! same order as everywhere, and lose their lineage again at the top: an expression has no room for it.

use super::order::order_matters;
use super::{Lineage, Tracer, own_columns};
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::expr::{Exists, InSubquery, SetComparison};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection, RecursiveQuery, Subquery};
use std::sync::Arc;

impl Tracer<'_> {
    /// A node whose expressions' queries are in order.
    pub(super) fn inner_queries(&mut self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let names = NamePreserver::new(&plan);
        let plan = plan.map_expressions(|expr| {
            // A column without a name of its own is called after its expression, plan and all.
            let name = names.save(&expr);
            let expr = expr.transform_up(|e| self.inner_query(e))?;
            Ok(expr.update_data(|e| name.restore(e)))
        })?;
        Ok(plan.data)
    }

    fn inner_query(&mut self, expr: Expr) -> Result<Transformed<Expr>> {
        let expr = match expr {
            Expr::ScalarSubquery(query) => Expr::ScalarSubquery(self.in_order(query)?),
            Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
                Expr::InSubquery(InSubquery::new(expr, self.in_order(subquery)?, negated))
            }
            Expr::SetComparison(SetComparison { expr, subquery, op, quantifier }) => {
                Expr::SetComparison(SetComparison::new(expr, self.in_order(subquery)?, op, quantifier))
            }
            Expr::Exists(Exists { subquery, negated }) => {
                let plan = self.existing(subquery.subquery.as_ref().clone())?;
                Expr::Exists(Exists::new(Subquery { subquery: Arc::new(plan), ..subquery }, negated))
            }
            other => return Ok(Transformed::no(other)),
        };
        Ok(Transformed::yes(expr))
    }

    fn in_order(&mut self, query: Subquery) -> Result<Subquery> {
        // What needs no order stays as it is: the less there is in a correlated query, the more of
        // them the engine can turn into joins.
        if !order_matters(&query.subquery)? {
            return Ok(query);
        }
        let plan = self.without_lineage(query.subquery.as_ref().clone())?;
        Ok(Subquery { subquery: Arc::new(plan), ..query })
    }

    /// The rows that a recursive query begins with, and those of each step, in order. Whoever reads it
    /// finds no lineage there: of a step nobody can tell where its rows came from.
    pub(super) fn recursive(&mut self, query: RecursiveQuery) -> Result<(LogicalPlan, Lineage)> {
        let mut term = |plan: Arc<LogicalPlan>| -> Result<Arc<LogicalPlan>> {
            Ok(if order_matters(&plan)? {
                Arc::new(self.without_lineage(Arc::unwrap_or_clone(plan))?)
            } else {
                plan
            })
        };
        let plan = LogicalPlan::RecursiveQuery(RecursiveQuery {
            static_term: term(query.static_term)?,
            recursive_term: term(query.recursive_term)?,
            ..query
        });
        Ok((plan, Lineage { ties: true, ..Lineage::default() }))
    }

    fn without_lineage(&mut self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let (plan, _) = self.rewrite(plan)?;
        let own = own_columns(&plan);
        Ok(LogicalPlan::Projection(Projection::try_new(own, Arc::new(plan))?))
    }

    /// Whether there are rows does not depend on which of them a LIMIT at the top keeps, and the
    /// engine can only take a correlated LIMIT away where nothing sorts below it.
    fn existing(&mut self, plan: LogicalPlan) -> Result<LogicalPlan> {
        match plan {
            LogicalPlan::Limit(_)
            | LogicalPlan::Sort(_)
            | LogicalPlan::Projection(_)
            | LogicalPlan::SubqueryAlias(_) => {
                let plan = plan.map_children(|child| self.existing(child).map(Transformed::yes))?;
                Ok(plan.data)
            }
            other if order_matters(&other)? => self.without_lineage(other),
            other => Ok(other),
        }
    }
}
