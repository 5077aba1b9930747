//! Rows that were brought into order stay in it.
//!
//! Where an expression is worked out above a sort, the engine deals the sorted batches out to all its
//! threads and collects them again as they are ready. It may: it takes a sort that is not the last
//! step for no promise. Here the order of rows is one (`lineage`), and what a LIMIT skips hangs on
//! it, so on the way from a result or a limit down to its sort nothing is dealt out.

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::limit::GlobalLimitExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::{ExecutionPlan, Partitioning, replace_children_if_necessary};
use std::sync::Arc;

type Plan = Arc<dyn ExecutionPlan>;

/// The plan with its rows, and those of its limits, one after another.
pub(super) fn keep(plan: Plan) -> Result<Plan> {
    let plan = plan
        .transform_up(|node| {
            let limits = node.downcast_ref::<GlobalLimitExec>().is_some()
                || node.downcast_ref::<CoalescePartitionsExec>().is_some_and(|c| c.fetch().is_some());
            if limits { undealt(node) } else { Ok(Transformed::no(node)) }
        })
        .data()?;
    undealt(plan).data()
}

/// Takes the dealing out from here down to what orders the rows.
fn undealt(plan: Plan) -> Result<Transformed<Plan>> {
    if let Some(dealing) = plan.downcast_ref::<RepartitionExec>() {
        return match dealing.partitioning() {
            Partitioning::RoundRobinBatch(_) => Ok(Transformed::yes(undealt(dealing.input().clone())?.data)),
            _ => Ok(Transformed::no(plan)),
        };
    }
    if plan.downcast_ref::<SortExec>().is_some() || plan.downcast_ref::<SortPreservingMergeExec>().is_some() {
        return Ok(Transformed::no(plan));
    }
    let collects = plan.downcast_ref::<CoalescePartitionsExec>().is_some();
    let keeps = plan.maintains_input_order();
    let mut dealt = false;
    let mut children = Vec::new();
    for (input, keeps) in plan.children().into_iter().cloned().zip(keeps) {
        let below = if keeps || collects { undealt(input)? } else { Transformed::no(input) };
        dealt |= below.transformed;
        children.push(below.data);
    }
    if !dealt {
        return Ok(Transformed::no(plan));
    }
    Ok(Transformed::yes(replace_children_if_necessary(plan, children)?))
}
