//! Rows out of lists. They come in the order of their list: a list of its elements' numbers is unnested beside it.

use super::{Lineage, Tracer};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, ExprSchema, Result, UnnestOptions};
use datafusion::functions::core::expr_fn::{coalesce, greatest};
use datafusion::functions_nested::expr_fn::{array_length, range};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Projection, Unnest, cast, lit};
use std::sync::Arc;

fn is_list(ty: &DataType) -> bool {
    matches!(ty, DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..))
}

impl Tracer<'_> {
    /// Lists in lists become rows level by level, the outermost first: each level has numbers of its own.
    pub(super) fn unnest(&mut self, unnest: Unnest) -> Result<(LogicalPlan, Lineage)> {
        let (input, mut lineage) = self.child(&unnest.input)?;
        lineage.ordered = false;
        let options = UnnestOptions { recursions: Vec::new(), ..unnest.options };
        let levels = unnest.list_type_columns.iter().map(|(_, list)| list.depth).max().unwrap_or(1);
        // A list may become rows in several ways at once, each of which has a column of its own.
        let own = unnest.input.schema().columns();
        let at = |index: usize| own[index].clone();
        let lists: Vec<Column> = unnest.list_type_columns.iter().map(|(index, _)| at(*index)).collect();
        let mut out: Vec<Expr> =
            input.schema().columns().into_iter().filter(|c| !lists.contains(c)).map(Expr::Column).collect();
        for (index, list) in &unnest.list_type_columns {
            out.push(Expr::Column(at(*index)).alias(&list.output_column.name));
        }
        let mut plan = LogicalPlan::Projection(Projection::try_new(out, Arc::new(input))?);
        for level in (1..=levels).rev() {
            let begun = unnest.list_type_columns.iter().filter(|(_, list)| list.depth >= level);
            let mut columns: Vec<Column> = begun.map(|(_, list)| list.output_column.clone()).collect();
            if level == 1 {
                columns.extend(unnest.struct_type_columns.iter().map(|index| at(*index)));
            }
            plan = self.level(plan, columns, &options, &mut lineage)?;
        }
        Ok((plan, lineage))
    }

    /// Makes rows of the elements of some columns, side by side.
    fn level(
        &mut self,
        input: LogicalPlan,
        mut columns: Vec<Column>,
        options: &UnnestOptions,
        lineage: &mut Lineage,
    ) -> Result<LogicalPlan> {
        let mut lists: Vec<Expr> = columns
            .iter()
            .filter(|c| input.schema().field_from_column(c).is_ok_and(|f| is_list(f.data_type())))
            .map(|c| coalesce(vec![cast(array_length(Expr::Column(c.clone())), DataType::Int64), lit(0i64)]))
            .collect();
        let most = match lists.len() {
            0 => None,
            1 => lists.pop(),
            _ => Some(greatest(lists)),
        };
        let input = match most {
            None => input,
            Some(most) => {
                let name = self.name();
                let mut out: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
                out.push(range(lit(0i64), most, lit(1i64)).alias(&name));
                columns.push(Column::new_unqualified(&name));
                lineage.others.push(name);
                LogicalPlan::Projection(Projection::try_new(out, Arc::new(input))?)
            }
        };
        LogicalPlanBuilder::from(input).unnest_columns_with_options(columns, options.clone())?.build()
    }
}
