//! Ids that only this run knows.

use crate::load::{NewIds, RowDecision};
use crate::value::Value;
use std::borrow::Cow;
use uuid::Uuid;

/// Stands for the id of a record that only this run knows.
const NEW_RECORD: &str = "(new record)";

/// The records of this run that nobody else can see: a dry run's new ones. Their ids lead nowhere,
/// so they are not told, wherever they turn up in later rows and steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hidden(pub(super) Option<NewIds>);

impl Hidden {
    fn has(self, id: &Uuid) -> bool {
        self.0.is_some_and(|ids| ids.made(*id))
    }

    fn in_value(self, value: &Value) -> bool {
        matches!(value, Value::Uuid(id) if self.has(id))
    }

    /// The decision as it may be told.
    pub(super) fn without(self, decision: &RowDecision) -> Cow<'_, RowDecision> {
        let told = !(decision.fields.iter().any(|f| self.in_value(&f.before) || self.in_value(&f.after))
            || decision.rules.iter().any(|r| self.in_value(&r.value) || r.ids.iter().any(|id| self.has(id))));
        if told {
            return Cow::Borrowed(decision);
        }
        let mut decision = decision.clone();
        for field in &mut decision.fields {
            if self.in_value(&field.after) {
                field.text = None;
            }
        }
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
