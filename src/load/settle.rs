//! What became of the decisions of a chunk once the target has answered.

use super::{Action, Committed, RowDecision};
use crate::target::Receipt;
use crate::value::{Problem, ProblemCode};
use std::collections::HashMap;
use uuid::Uuid;

/// The rows that wrote took effect, for everyone to see.
pub fn settle(decisions: &mut [RowDecision], committed: Committed) {
    for decision in decisions {
        decision.visible = decision.record.is_some();
        decision.committed = decision.action.writes().then_some(committed);
    }
}

/// Enters what the target refused into the decisions of the whole chunk: those rows fail, and so do
/// later ones that matched a record which then was not made.
pub fn refuse(decisions: &mut [RowDecision], receipt: &Receipt) {
    if receipt.refused.is_empty() {
        return;
    }
    let writing: Vec<usize> =
        decisions.iter().enumerate().filter(|(_, d)| d.action.writes()).map(|(row, _)| row).collect();
    let mut never: HashMap<Uuid, u64> = HashMap::new();
    for (write, reason) in &receipt.refused {
        let Some(decision) = writing.get(*write).and_then(|row| decisions.get_mut(*row)) else { continue };
        if let (Action::Create, Some(id)) = (decision.action, decision.record) {
            never.insert(id, decision.row);
        }
        fail(decision, reason.clone());
    }
    for decision in decisions {
        let Some(first) = decision.record.and_then(|id| never.get(&id)).copied() else { continue };
        if decision.action != Action::Error {
            fail(decision, format!("the record that row {first} was to create was refused"));
        }
        decision.record = None;
        decision.visible = false;
    }
}

fn fail(decision: &mut RowDecision, message: String) {
    decision.action = Action::Error;
    decision.committed = None;
    decision.errors.push(Problem {
        code: ProblemCode::Refused,
        name: String::new(),
        text: String::new(),
        message,
    });
}
