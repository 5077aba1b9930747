//! What the columns of a query are made of, as its author wrote it.

use super::catalog::Column;
use super::parse;
use super::places::Places;
use datafusion::sql::sqlparser::ast::{Query, Select, SelectItem, SetExpr};

/// For each column that a query makes, the expression it comes from; `*` or `c.*` for those that a
/// star brings, and nothing where it cannot be told.
pub fn origins(sql: &str, made: &[Column]) -> Vec<String> {
    let unknown = vec![String::new(); made.len()];
    let Ok(query) = parse::query(sql, &Places::new(sql)) else { return unknown };
    let Some(select) = first_select(&query) else { return unknown };
    let items = &select.projection;
    let star = |item: &SelectItem| expression(item).is_none();
    let (Some(first), Some(last)) = (items.iter().position(star), items.iter().rposition(star)) else {
        let written = items.iter().filter_map(expression).chain(std::iter::repeat(String::new()));
        return written.take(made.len()).collect();
    };
    // Before the first star columns are counted from the left, behind the last one from the right;
    // what lies between is known by its name.
    let behind = items.len() - last - 1;
    let between = items.get(first..=last).unwrap_or_default();
    let stars: Vec<String> = between.iter().filter(|i| star(i)).map(ToString::to_string).collect();
    let stars = stars.join(", ");
    made.iter()
        .enumerate()
        .map(|(i, column)| {
            let from_right = made.len() - i;
            let item = match i {
                i if i < first => items.get(i),
                _ if from_right <= behind => items.get(items.len() - from_right),
                _ => between.iter().find(|item| name(item).is_some_and(|n| n == column.name)),
            };
            item.and_then(expression).unwrap_or_else(|| stars.clone())
        })
        .collect()
}

/// The `SELECT` that names the columns: of a UNION the first.
fn first_select(query: &Query) -> Option<&Select> {
    let mut body = query.body.as_ref();
    loop {
        body = match body {
            SetExpr::Select(select) => return Some(select),
            SetExpr::Query(inner) => inner.body.as_ref(),
            SetExpr::SetOperation { left, .. } => left,
            _ => return None,
        };
    }
}

/// The expression of a column on one line; none for a star.
fn expression(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr.to_string()),
        SelectItem::ExprWithAliases { expr, .. } => Some(expr.to_string()),
        SelectItem::QualifiedWildcard(..) | SelectItem::Wildcard(_) => None,
    }
}

/// The name that a column is given.
fn name(item: &SelectItem) -> Option<&str> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(&alias.value),
        SelectItem::UnnamedExpr(datafusion::sql::sqlparser::ast::Expr::Identifier(ident)) => {
            Some(&ident.value)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::arrow::datatypes::DataType;

    fn told(sql: &str, made: &[&str]) -> Vec<String> {
        let made: Vec<Column> =
            made.iter().map(|n| Column { name: (*n).to_owned(), ty: DataType::Utf8 }).collect();
        origins(sql, &made)
    }

    #[test]
    fn each_column_has_the_expression_that_makes_it() {
        assert_eq!(told("SELECT a, min(b)  AS c FROM t", &["a", "c"]), ["a", "min(b)"]);
        assert_eq!(told("SELECT 1 AS a UNION ALL SELECT 2", &["a"]), ["1"]);
        assert_eq!(told("WITH w AS (SELECT 1 AS x) SELECT x FROM w", &["x"]), ["x"]);
    }

    #[test]
    fn what_a_star_brings_is_told_as_the_star() {
        let made = ["first", "a", "b", "last"];
        assert_eq!(told("SELECT 1 AS first, t.*, 2 AS last FROM t", &made), ["1", "t.*", "t.*", "2"]);
        let made = ["a", "mid", "b"];
        assert_eq!(told("SELECT t.*, 3 AS mid, u.* FROM t, u", &made), ["t.*, u.*", "3", "t.*, u.*"]);
    }

    #[test]
    fn what_cannot_be_read_tells_nothing() {
        assert_eq!(told("SELECT FROM WHERE", &["a"]), [""]);
        assert_eq!(told("VALUES (1)", &["column1"]), [""]);
    }
}
