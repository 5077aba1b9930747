//! Findings on the terminal.

use super::Look;
use crate::diagnostic::render;
use crate::life::Connector;
use crate::plan::Plan;
use crate::system::say::say_on;

/// The plan; none where the connector has errors, which are shown then.
pub(super) fn plan_or_tell(connector: &Connector, look: Look) -> Option<Plan> {
    match connector.plan() {
        Ok(plan) => Some(plan),
        Err(errors) => {
            let style = render::Look { color: look.err_color, unicode: true, width: look.width };
            say_on(render::full(&errors, connector, style));
            None
        }
    }
}
