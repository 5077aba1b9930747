//! Run parameters, as they are given.

use crate::life::Failure;
use crate::plan::{ParameterPlan, Plan};
use crate::value::{Literal, Value, literal_value};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

pub(super) fn parameters(plan: &Plan, given: &[String]) -> Result<BTreeMap<String, Value>, Failure> {
    let timezone = TimeZone::get(&plan.connector.timezone).unwrap_or(TimeZone::UTC);
    let mut out = BTreeMap::new();
    for text in given {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| Failure::new(format!("`{text}` is no parameter"), "write --param NAME=VALUE"))?;
        let Some(parameter) = plan.parameters.iter().find(|p| p.name == name) else {
            let known = plan.parameters.iter().map(|p| p.name.as_str());
            let hint = match crate::diagnostic::nearest(name, known) {
                Some(n) => format!("did you mean `{n}`?"),
                None => format!("declare it in the connector: `param {name}: string`"),
            };
            return Err(Failure::new(format!("the connector has no parameter `{name}`"), hint));
        };
        let ParameterPlan { ty, formats, .. } = parameter;
        let value = literal_value(*ty, Literal::Text(value), None, formats, &timezone)
            .map_err(|why| Failure::new(format!("the parameter `{name}` cannot be {value:?}"), why))?;
        if out.insert(name.to_owned(), value).is_some() {
            return Err(Failure::new(
                format!("the parameter `{name}` is given twice"),
                "leave one of them out",
            ));
        }
    }
    Ok(out)
}
