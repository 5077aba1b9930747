//! From the checked model to the plan.

use super::{FunctionPlan, PLAN_VERSION, Plan, QueryPlan, ScopePlan};
use crate::diagnostic::Diagnostic;
use crate::model::Project;
use crate::model::compiled as model;

use super::ColumnPlan;
use crate::sql::type_words;

impl Project {
    /// Compiles the connector.
    ///
    /// # Errors
    /// Every diagnostic, where one of them is an error.
    pub fn plan(&self) -> Result<Plan, Vec<Diagnostic>> {
        let errors = self.errors();
        if !errors.is_empty() {
            return Err(self.check());
        }
        let Some(connector) = model::connector(self) else { return Err(self.check()) };
        let queries: Vec<QueryPlan> = model::queries(self)
            .into_iter()
            .map(|q| QueryPlan {
                name: q.name,
                sql: q.sql,
                place: q.place,
                columns: q
                    .columns
                    .into_iter()
                    .map(|c| ColumnPlan { ty: type_words(&c.ty).to_owned(), name: c.name })
                    .collect(),
                reads: q.reads,
                scope: q.scope.map(|(errors, variables)| ScopePlan { errors, variables }),
            })
            .collect();
        let functions = model::functions(self)
            .into_iter()
            .map(|f| FunctionPlan {
                name: f.name,
                parameters: f.parameters.into_iter().map(|p| p.name).collect(),
                defaults: f.defaults,
                body: f.body,
                native: f.native,
            })
            .collect();
        Ok(Plan {
            version: PLAN_VERSION,
            connector,
            parameters: model::parameters(self),
            inputs: self.inputs(),
            queries,
            functions,
            loads: model::loads(self),
            objects: model::objects(self),
        })
    }
}
