//! Habits of other dialects, with what to write here. Some of them the engine reads and does not heed.

use super::catalog::{Catalog, Fault};
use super::places::Places;
use crate::diagnostic::Code;
use crate::text::Range;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType, Expr, GroupByExpr, JoinOperator, Query, Select, SelectItem, SetExpr,
    SetOperator, Spanned, TableFactor, Value, Visit, Visitor,
};
use std::ops::ControlFlow;

/// Functions of other dialects, and calls that are made wrongly: an expression that does the same. In it `x` and `y` are
/// texts, `n` is a number, `d` and `e` are dates, `c` is a condition.
#[rustfmt::skip]
pub(super) const FUNCTIONS: &[(&[&str], &str)] = &[
    (&["isnull", "nz", "zeroifnull", "coalesce"], "coalesce(x, y)"),
    (&["iif", "if"], "CASE WHEN c THEN x ELSE y END"),
    (&["decode"], "CASE x WHEN 'a' THEN 'b' ELSE y END"),
    (&["getdate", "getutcdate", "sysdate", "systimestamp", "sysdatetime", "localtimestamp"], "now()"),
    (&["curdate"], "current_date"),
    (&["len"], "length(x)"),
    (&["charindex", "locate"], "strpos(x, 'a')"),
    (&["dateadd", "date_add", "date_sub", "adddate", "subdate", "timestampadd"], "d + INTERVAL '1 day'"),
    (&["add_months"], "d + INTERVAL '1 month'"),
    (&["datediff", "date_diff", "timestampdiff", "days_between"], "CAST(d AS DATE) - CAST(e AS DATE)"),
    (&["last_day", "eomonth"], "date_trunc('month', d) + INTERVAL '1 month' - INTERVAL '1 day'"),
    (&["year"], "date_part('year', d)"),
    (&["month"], "date_part('month', d)"),
    (&["day"], "date_part('day', d)"),
    (&["to_number", "try_to_number", "val"], "TRY_CAST(x AS DECIMAL(20, 4))"),
    (&["isnumeric", "is_number"], "TRY_CAST(x AS DECIMAL(20, 4)) IS NOT NULL"),
    (&["isdate"], "TRY_CAST(x AS DATE) IS NOT NULL"),
    (&["to_varchar", "to_string", "tostring", "str"], "CAST(n AS TEXT)"),
    (&["str_to_date", "parse_date"], "to_date(x, '%d.%m.%Y')"),
    (&["strftime", "format", "to_char"], "to_char(CAST(x AS DATE), '%d.%m.%Y')"),
    (&["group_concat", "listagg"], "string_agg(x, ', ' ORDER BY x)"),
    (&["string_agg"], "string_agg(x, ', ')"),
    (&["lpad"], "lpad(x, 8, '0')"),
    (&["rpad"], "rpad(x, 8, ' ')"),
    (&["mid"], "substr(x, 2, 3)"),
    (&["stuff"], "overlay(x PLACING 'a' FROM 1 FOR 2)"),
    (&["replicate"], "repeat(x, 3)"),
    (&["space"], "repeat(' ', 3)"),
    (&["proper"], "initcap(x)"),
    (&["ucase"], "upper(x)"),
    (&["lcase"], "lower(x)"),
    (&["mod"], "n % 2"),
    (&["ceiling"], "ceil(n)"),
    (&["truncate"], "trunc(n, 2)"),
    (&["round"], "round(CAST(x AS DECIMAL(12, 4)), 2)"),
    (&["trunc"], "trunc(CAST(x AS DECIMAL(12, 4)), 2)"),
    (&["stdev"], "stddev(n)"),
    (&["first"], "first_value(x ORDER BY y)"),
    (&["last"], "last_value(x ORDER BY y)"),
    (&["regexp_substr", "regexp_extract"], "regexp_match(x, '[0-9]+')[1]"),
];

/// Others, for which more is to be said.
#[rustfmt::skip]
const WORDS: &[(&[&str], &str)] = &[
    (&["json_value", "json_extract", "json_query", "get_json_object", "json_extract_scalar"],
     "JSON is read by `payload.json(x, '/a/b')` of std.payload"),
    (&["explode", "string_split"],
     "write `unnest(string_to_array(x, ','))` in the SELECT list"),
    (&["rownum"],
     "write `LIMIT 5` at the end of the query, or number the rows: `row_number() OVER (ORDER BY x)`"),
    (&["distinctrow"], "write `DISTINCT`"),
    (&["newid", "gen_random_uuid"],
     "it gives something else in each run, so a dry run could not tell what a live run does"),
];

/// Words at which the text cannot be read on.
#[rustfmt::skip]
const SIGNS: &[(&str, &str)] = &[
    ("DIV", "write `floor(a / b)`"),
    ("MOD", "write `a % b`"),
    ("GLOB", "write `LIKE 'a%'`, or a regular expression: `x ~ '^a'`"),
    ("BINARY", "leave BINARY out: texts are compared letter by letter"),
    ("SEPARATOR", "write `string_agg(x, ', ' ORDER BY x)`"),
    ("[", "a name stands in double quotes, as in \"Unit Price\""),
    ("{", "a parameter is written `$name`, and declared: `param name: string`"),
    ("(+)", "write LEFT JOIN … ON …"),
    ("**", "write `power(a, b)`"),
];

/// What does the same as a function of another dialect.
pub(super) fn instead(function: &str) -> Option<&'static str> {
    FUNCTIONS.iter().find(|(names, _)| names.contains(&function)).map(|(_, instead)| *instead)
}

/// What to say of a function or column that is another dialect's.
pub(super) fn foreign(name: &str) -> Option<String> {
    let name = name.to_lowercase();
    let words =
        || WORDS.iter().find(|(names, _)| names.contains(&name.as_str())).map(|(_, w)| (*w).to_owned());
    instead(&name).map(|instead| format!("write `{instead}`")).or_else(words)
}

/// What to say of a place where the text cannot be read on.
pub(super) fn sign(text: &str, at: usize) -> Option<&'static str> {
    let (before, after) = text.split_at_checked(at)?;
    let word = |t: &str| t.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let here = word(after).to_uppercase();
    let last: String = before.trim_end().chars().rev().take_while(|c| c.is_alphanumeric()).collect();
    let last = last.chars().rev().collect::<String>().to_uppercase();
    let found = SIGNS.iter().find(|(sign, _)| {
        if sign.starts_with(char::is_alphabetic) {
            here == *sign || (last == *sign && !here.is_empty())
        } else {
            // Of two signs the parser tells the second.
            after.starts_with(sign)
                || (sign.len() > 1 && before.ends_with(&sign[..1]) && after.starts_with(&sign[1..]))
        }
    });
    found.map(|(_, help)| *help)
}

/// The first such place of a query, if there is one.
pub(super) fn habit(query: &Query, catalog: &Catalog, places: &Places<'_>) -> Option<Fault> {
    match query.visit(&mut Habits { catalog, places }) {
        ControlFlow::Break(fault) => Some(fault),
        ControlFlow::Continue(()) => None,
    }
}

struct Habits<'a> {
    catalog: &'a Catalog,
    places: &'a Places<'a>,
}

impl Habits<'_> {
    fn fault(&self, range: Option<Range>, what: &str, help: impl Into<String>) -> ControlFlow<Fault> {
        ControlFlow::Break(Fault {
            code: Code::SqlOther,
            range: range.unwrap_or_else(|| self.places.whole()),
            message: format!("this SQL has no {what}"),
            label: "another dialect's".into(),
            help: Some(help.into()),
        })
    }

    fn word(&self, word: &str) -> Option<Range> {
        self.places.word(word)
    }

    fn sets(&self, body: &SetExpr) -> ControlFlow<Fault> {
        let SetExpr::SetOperation { left, op, right, .. } = body else { return ControlFlow::Continue(()) };
        if *op == SetOperator::Minus {
            return self.fault(self.places.before(right.span(), "MINUS"), "MINUS", "write `EXCEPT`");
        }
        self.sets(left)?;
        self.sets(right)
    }

    fn convert(&self, expr: &Expr, ty: Option<&DataType>, is_try: bool) -> ControlFlow<Fault> {
        let cast = if is_try { "TRY_CAST" } else { "CAST" };
        let (value, ty) = (expr.to_string(), ty.map_or_else(|| "TEXT".to_owned(), ToString::to_string));
        // `CONVERT(INT, x)` is read as if INT were the value.
        let word = value.split('(').next().unwrap_or_default().to_uppercase();
        let types = [
            "INT", "INTEGER", "BIGINT", "DECIMAL", "NUMERIC", "FLOAT", "VARCHAR", "NVARCHAR", "CHAR", "DATE",
        ];
        let other = ["DATETIME", "TEXT", "MONEY", "BIT"];
        let swapped = types.contains(&word.as_str()) || other.contains(&word.as_str());
        let (value, ty) = if swapped { (ty, value) } else { (value, ty) };
        let name = if is_try { "TRY_CONVERT" } else { "CONVERT" };
        self.fault(self.word(name), name, format!("write `{cast}({value} AS {ty})`"))
    }
}

impl Visitor for Habits<'_> {
    type Break = Fault;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Fault> {
        self.sets(&query.body)?;
        if let Some(fetch) = &query.fetch {
            let rows = fetch.quantity.as_ref().map_or_else(|| "1".to_owned(), ToString::to_string);
            let help = match fetch.with_ties || fetch.percent {
                true => "number the rows: `rank() OVER (ORDER BY x)`, and compare that in a query around it"
                    .to_owned(),
                false => format!("write `LIMIT {rows}`"),
            };
            return self.fault(self.word("FETCH"), "FETCH", help);
        }
        if query.for_clause.is_some() {
            return self.fault(self.word("FOR"), "FOR JSON or XML", "leave it out: a block makes a table");
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Fault> {
        if let Some(top) = &select.top {
            let rows = top.to_string();
            let rows = rows.trim_start_matches("TOP").trim().trim_matches(['(', ')']);
            return self.fault(
                self.word("TOP"),
                "TOP",
                format!("write `LIMIT {rows}` at the end of the query"),
            );
        }
        if !select.connect_by.is_empty() {
            let help =
                "write `WITH RECURSIVE t AS (SELECT … UNION ALL SELECT … FROM t JOIN …) SELECT * FROM t`";
            return self.fault(self.word("CONNECT"), "CONNECT BY", help);
        }
        if !select.lateral_views.is_empty() {
            let help = "unnest() stands in the SELECT list: `SELECT *, unnest(…) AS e FROM t`";
            return self.fault(self.word("LATERAL"), "LATERAL VIEW", help);
        }
        if select.prewhere.is_some() {
            return self.fault(self.word("PREWHERE"), "PREWHERE", "write `WHERE`");
        }
        if !(select.cluster_by.is_empty() && select.distribute_by.is_empty() && select.sort_by.is_empty()) {
            return self.fault(
                None,
                "CLUSTER, DISTRIBUTE or SORT BY",
                "write `ORDER BY` at the end of the query",
            );
        }
        if let GroupByExpr::Expressions(_, modifiers) | GroupByExpr::All(modifiers) = &select.group_by
            && !modifiers.is_empty()
        {
            return self.fault(None, "GROUP BY … WITH", "write `GROUP BY ROLLUP (x, y)`");
        }
        let picks = |item: &SelectItem| match item {
            SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options) => {
                options.opt_ilike.is_some()
            }
            _ => false,
        };
        if select.projection.iter().any(picks) {
            return self.fault(self.word("ILIKE"), "`* ILIKE`", "write the names of the columns");
        }
        for join in select.from.iter().flat_map(|f| &f.joins) {
            let (what, help) = match &join.join_operator {
                JoinOperator::CrossApply => ("CROSS APPLY", "write `CROSS JOIN LATERAL (…) z`"),
                JoinOperator::OuterApply => ("OUTER APPLY", "write `LEFT JOIN LATERAL (…) z ON true`"),
                JoinOperator::StraightJoin(_) => ("STRAIGHT_JOIN", "write `JOIN`"),
                _ => continue,
            };
            return self.fault(self.word(what.split(' ').next_back().unwrap_or(what)), what, help);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<Fault> {
        match table {
            TableFactor::Pivot { .. } => self.fault(
                self.word("PIVOT"),
                "PIVOT",
                "write a column for each value, `sum(CASE WHEN x = 'a' THEN n END) AS a`, with GROUP BY",
            ),
            TableFactor::Unpivot { .. } => self.fault(
                self.word("UNPIVOT"),
                "UNPIVOT",
                "write a SELECT for each column, `SELECT k, 'a' AS name, a AS value FROM t`, with UNION ALL between them",
            ),
            TableFactor::OpenJsonTable { .. } | TableFactor::JsonTable { .. } => self.fault(
                self.word("OPENJSON").or_else(|| self.word("JSON_TABLE")),
                "tables out of JSON",
                "read its values one by one: `payload.json(x, '/a/b')` of std.payload",
            ),
            TableFactor::MatchRecognize { .. } => self.fault(
                self.word("MATCH_RECOGNIZE"),
                "MATCH_RECOGNIZE",
                "compare rows by window functions: `lag(x) OVER (ORDER BY d)`",
            ),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Fault> {
        match expr {
            Expr::Convert { expr, data_type, is_try, .. } => self.convert(expr, data_type.as_ref(), *is_try),
            Expr::RLike { negated, expr, pattern, regexp } => {
                let not = if *negated { "NOT " } else { "" };
                let what = if *regexp { "REGEXP" } else { "RLIKE" };
                self.fault(self.word(what), what, format!("write `{not}regexp_like({expr}, {pattern})`"))
            }
            Expr::Collate { expr, .. } => self.fault(
                self.word("COLLATE"),
                "COLLATE",
                format!(
                    "leave it out: texts are compared letter by letter; `lower({expr})` makes capitals alike"
                ),
            ),
            Expr::MatchAgainst { .. } => {
                self.fault(self.word("MATCH"), "MATCH … AGAINST", "write `x ILIKE '%word%'`")
            }
            Expr::Substring { expr, substring_from: None, substring_for: None, .. } => {
                ControlFlow::Break(Fault {
                    code: Code::SqlTypeMismatch,
                    range: self.places.range(expr.span()).unwrap_or_else(|| self.places.whole()),
                    message: "`substr` cannot be called with 1 value".into(),
                    label: "not what it takes".into(),
                    help: Some(format!("it takes 2 or 3 values: substr({expr}, 2, 3)")),
                })
            }
            Expr::BinaryOp { op: BinaryOperator::PGOverlap, left, .. } => {
                let range = self.places.expression(left).and_then(|l| self.places.after(l, "&&"));
                self.fault(range, "`&&`", "write `AND`")
            }
            Expr::BinaryOp { op: BinaryOperator::Arrow | BinaryOperator::LongArrow, left, right } => {
                let range = self.places.expression(left).and_then(|l| self.places.after(l, "->"));
                if matches!(right.as_ref(), Expr::Value(_)) {
                    let help = format!("JSON is read by `payload.json({left}, '/a/b')` of std.payload");
                    return self.fault(range, "`->`", help);
                }
                // `x -> x > 1`
                let help = "make a row of each value: `FROM (SELECT *, unnest(…) AS e FROM t) z`";
                self.fault(range, "functions over each value of a list", help)
            }
            Expr::Value(value) => match &value.value {
                Value::NationalStringLiteral(text) => self.fault(
                    self.places.range(value.span),
                    "texts with N before them",
                    format!("write `'{}'`", text.replace('\'', "''")),
                ),
                _ => ControlFlow::Continue(()),
            },
            Expr::Identifier(name) if name.quote_style.is_none() && name.value.starts_with('@') => {
                let bare = name.value.trim_start_matches('@');
                ControlFlow::Break(Fault {
                    code: Code::SqlUnknownParameter,
                    range: self.places.range(name.span).unwrap_or_else(|| self.places.whole()),
                    message: format!("there is no variable `{}`", name.value),
                    label: "a parameter begins with `$`".into(),
                    help: Some(parameter(bare, self.catalog)),
                })
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

/// How a parameter is written that is written as in another dialect.
pub(super) fn parameter(name: &str, catalog: &Catalog) -> String {
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if catalog.parameters.iter().any(|p| p.name == name) {
        format!("write `${name}`")
    } else if is_name {
        format!("write `${name}`, and declare it: `param {name}: string`")
    } else {
        "parameters have names: write `$name`, and declare it: `param name: string`".to_owned()
    }
}
