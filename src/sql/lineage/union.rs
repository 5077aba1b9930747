//! Rows of several queries, one after another.

use super::{Lineage, Tracer, own_columns};
use datafusion::common::{Result, ScalarValue, internal_datafusion_err};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::{LogicalPlan, Projection, Union, lit};
use std::sync::Arc;

impl Tracer<'_> {
    /// Every branch gets the same lineage columns: its input row, the branch's number, and what else orders its rows,
    /// as many as the branch with the most has. Unions of unions number all their branches alike: a hundred of them
    /// would otherwise each add columns to those below.
    pub(super) fn union(&mut self, union: Union) -> Result<(LogicalPlan, Lineage)> {
        let union = LogicalPlan::Union(union);
        let mut branches = Vec::new();
        for branch in leaves(&union) {
            branches.push(self.rewrite(branch.clone())?);
        }
        let more = |lineage: &Lineage| match lineage.inputs.len() {
            0 | 1 => lineage.others.clone(),
            _ => [lineage.inputs.as_slice(), &lineage.others].concat(),
        };
        let most = branches.iter().map(|(_, lineage)| more(lineage).len()).max().unwrap_or(0);
        let (row, branch) = (self.name(), self.name());
        let names: Vec<String> = (0..most).map(|_| self.name()).collect();
        let ties = branches.iter().any(|(_, lineage)| lineage.ties);
        let mut numbered = Vec::new();
        for (i, (input, lineage)) in branches.into_iter().enumerate() {
            let mut out = own_columns(&input);
            let rows = lineage.columns(&input, &lineage.inputs);
            let from = if rows.is_empty() { lit(ScalarValue::Int64(None)) } else { coalesce(rows) };
            out.push(from.alias(&row));
            out.push(lit(i as i64).alias(&branch));
            let mut keys = lineage.columns(&input, &more(&lineage)).into_iter();
            out.extend(names.iter().map(|name| keys.next().unwrap_or_else(|| lit(0i64)).alias(name)));
            numbered.push(LogicalPlan::Projection(Projection::try_new(out, Arc::new(input))?));
        }
        let plan = rebuilt(&union, &mut numbered.into_iter())?;
        let others = std::iter::once(branch).chain(names).collect();
        Ok((plan, Lineage { inputs: vec![row], others, ordered: false, ties }))
    }
}

/// The branches of a union, and of those in it.
fn leaves(plan: &LogicalPlan) -> Vec<&LogicalPlan> {
    match plan {
        LogicalPlan::Union(union) => union.inputs.iter().flat_map(|input| leaves(input)).collect(),
        other => vec![other],
    }
}

/// The union over other branches. Its types are settled union by union, as they are written.
fn rebuilt(plan: &LogicalPlan, branches: &mut dyn Iterator<Item = LogicalPlan>) -> Result<LogicalPlan> {
    let LogicalPlan::Union(union) = plan else {
        return branches.next().ok_or_else(|| internal_datafusion_err!("a branch is missing"));
    };
    let inputs = union.inputs.iter().map(|input| rebuilt(input, branches).map(Arc::new));
    Ok(LogicalPlan::Union(Union::try_new_with_loose_types(inputs.collect::<Result<_>>()?)?))
}
