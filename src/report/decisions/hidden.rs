//! Ids that only this run knows.

use crate::load::RowDecision;
use crate::value::Value;
use std::borrow::Cow;
use std::collections::HashSet;
use uuid::Uuid;

/// Stands for the id of a record that only this run knows.
const NEW_RECORD: &str = "(new record)";

/// The records of this run that nobody else can see: a dry run's new ones. Their ids differ from run
/// to run and lead nowhere, so they are not told, wherever they turn up in later rows and steps.
#[derive(Default)]
pub(super) struct Hidden {
    /// The lower half of each id: half the memory, and as good as certain.
    ids: HashSet<u64>,
}

impl Hidden {
    fn has(&self, id: &Uuid) -> bool {
        self.ids.contains(&(id.as_u128() as u64))
    }

    fn in_value(&self, value: &Value) -> bool {
        matches!(value, Value::Uuid(id) if self.has(id))
    }

    /// The decision as it may be told.
    pub(super) fn without<'d>(&mut self, decision: &'d RowDecision) -> Cow<'d, RowDecision> {
        if let (Some(id), false) = (decision.record, decision.visible) {
            self.ids.insert(id.as_u128() as u64);
        }
        let told = self.ids.is_empty()
            || !(decision.fields.iter().any(|f| self.in_value(&f.before) || self.in_value(&f.after))
                || decision
                    .rules
                    .iter()
                    .any(|r| self.in_value(&r.value) || r.ids.iter().any(|id| self.has(id))));
        if told {
            return Cow::Borrowed(decision);
        }
        let mut decision = decision.clone();
        let values = decision.fields.iter_mut().flat_map(|f| [&mut f.before, &mut f.after]);
        for value in values.chain(decision.rules.iter_mut().map(|r| &mut r.value)) {
            if self.in_value(value) {
                *value = Value::Text(NEW_RECORD.to_owned());
            }
        }
        decision.rules.iter_mut().for_each(|r| r.ids.retain(|id| !self.has(id)));
        Cow::Owned(decision)
    }
}
