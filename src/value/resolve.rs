//! Columns of a scope become columns of typed variables.

mod texts;

use super::arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Date32Builder, Decimal128Builder, StringBuilder,
    TimestampMicrosecondBuilder, new_null_array,
};
use super::arrow::datatypes::DataType as ArrowType;
use super::parse::{Miss, Orders, Rules, nfc, parts};
use super::{
    BaseType, CellProblem, Problem, ProblemCode, Source, Value, VariableSpec, column_type, days_of_date,
    to_array,
};
use jiff::tz::TimeZone;
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use texts::Texts;

/// Reads the values of one variable, column by column.
pub struct Resolver {
    spec: VariableSpec,
    rules: Rules,
    orders: Orders,
}

/// A resolved column and what was wrong in it.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The values, of the variable's [`column_type`]; NULL where there is none or it was lost.
    pub array: ArrayRef,
    /// The problems, in row order.
    pub problems: Vec<CellProblem>,
}

impl Resolver {
    /// A resolver for one variable; local times are those of `timezone`.
    pub fn new(spec: &VariableSpec, timezone: &TimeZone) -> Self {
        let rules = Rules {
            base: spec.ty.base,
            formats: spec.formats.clone(),
            timezone: timezone.clone(),
            order: Default::default(),
        };
        Self { spec: spec.clone(), rules, orders: Orders::default() }
    }

    /// Whether the whole column must be surveyed first: days and datetimes without a declared
    /// format, where day and month may stand in either order.
    pub fn wants_survey(&self) -> bool {
        matches!(self.spec.ty.base, BaseType::Date | BaseType::Datetime)
            && self.spec.formats.is_empty()
            && matches!(self.spec.source, Source::Column(_))
    }

    /// Looks at one batch of the column for a day over 12, which settles the order of day and month.
    /// Values that contradict each other settle nothing.
    pub fn survey(&mut self, column: &ArrayRef) {
        if !self.wants_survey() || !Texts::holds_text(column.data_type()) {
            return;
        }
        let texts = Texts::of(column);
        let (orders, split) = (&mut self.orders, self.spec.split);
        for row in 0..column.len() {
            let Some(text) = texts.get(row) else { continue };
            if self.spec.ty.array {
                // A list that cannot be split is told of when it is resolved.
                let _ = parts(text, split, |part| {
                    orders.see(part);
                    Ok(())
                });
            } else {
                orders.see(text);
            }
        }
        self.rules.order = self.orders.order();
    }

    /// The values of one batch of `rows` rows. Without a column: the literal, or no values.
    pub fn resolve(&self, column: Option<&ArrayRef>, rows: usize) -> Resolved {
        let ty = column_type(self.spec.ty);
        let mut problems = Vec::new();
        let array = match (column, &self.spec.source) {
            (Some(column), Source::Column(_)) => {
                if self.spec.ty.array {
                    self.lists(column, &ty, &mut problems)
                } else {
                    self.scalars(column, &mut problems)
                }
            }
            (_, Source::Literal(value)) => to_array(&ty, std::iter::repeat_n(value, rows)),
            (None, Source::Column(_)) => new_null_array(&ty, rows),
        };
        if self.spec.required {
            self.missing(&array, &mut problems);
        }
        Resolved { array, problems }
    }

    fn scalars(&self, column: &ArrayRef, problems: &mut Vec<CellProblem>) -> ArrayRef {
        let rules = self.rules_for(column.data_type());
        let cells = Cells { resolver: self, rules: &rules, texts: Texts::of(column), rows: column.len() };
        match self.spec.ty.base {
            BaseType::String => self.strings(column, &cells),
            BaseType::Number => {
                let mut out =
                    Decimal128Builder::with_capacity(cells.rows).with_data_type(column_type(self.spec.ty));
                cells.each(problems, |text| rules.number(text), |v| out.append_option(v));
                Arc::new(out.finish())
            }
            BaseType::Boolean => {
                let mut out = BooleanBuilder::with_capacity(cells.rows);
                cells.each(problems, |text| rules.boolean(text), |v| out.append_option(v));
                Arc::new(out.finish())
            }
            BaseType::Date => {
                let mut out = Date32Builder::with_capacity(cells.rows);
                cells.each_dated(
                    problems,
                    |text| rules.date(text),
                    |v| out.append_option(v.map(days_of_date)),
                );
                Arc::new(out.finish())
            }
            BaseType::Datetime => {
                let mut out = TimestampMicrosecondBuilder::with_capacity(cells.rows)
                    .with_data_type(column_type(self.spec.ty));
                cells.each_dated(
                    problems,
                    |text| rules.datetime(text),
                    |v| out.append_option(v.map(|t| t.as_microsecond())),
                );
                Arc::new(out.finish())
            }
            BaseType::Email | BaseType::PhoneNumber => {
                let email = self.spec.ty.base == BaseType::Email;
                let mut out = StringBuilder::with_capacity(cells.rows, cells.rows * 16);
                cells.each(
                    problems,
                    |text| if email { rules.email(text) } else { rules.phone(text) },
                    |v| out.append_option(v),
                );
                Arc::new(out.finish())
            }
            BaseType::Uuid => {
                let mut out = StringBuilder::with_capacity(cells.rows, cells.rows * 36);
                let mut buffer = uuid::Uuid::encode_buffer();
                cells.each(
                    problems,
                    |text| rules.uuid(text),
                    |v| match v {
                        Some(id) => out.append_value(&*id.hyphenated().encode_lower(&mut buffer)),
                        None => out.append_null(),
                    },
                );
                Arc::new(out.finish())
            }
        }
    }

    fn strings(&self, column: &ArrayRef, cells: &Cells<'_>) -> ArrayRef {
        if column.data_type() == &ArrowType::Utf8 {
            let all = column.as_string::<i32>();
            let blank = (0..all.len()).any(|row| all.is_valid(row) && all.value_length(row) == 0);
            if all.value_data().is_ascii() && !blank {
                return Arc::clone(column);
            }
        }
        let mut out = StringBuilder::with_capacity(cells.rows, cells.rows * 16);
        for row in 0..cells.rows {
            match cells.texts.get(row) {
                None | Some("") => out.append_null(),
                Some(text) => out.append_value(nfc(text)),
            }
        }
        Arc::new(out.finish())
    }

    fn lists(&self, column: &ArrayRef, ty: &ArrowType, problems: &mut Vec<CellProblem>) -> ArrayRef {
        let rules = self.rules_for(column.data_type());
        let nested = Texts::items(column);
        let whole = Texts::of(column);
        let values: Vec<Value> = (0..column.len())
            .map(|row| {
                let mut list =
                    List { rules: &rules, seen: HashSet::new(), values: Vec::new(), bad: None, doubt: None };
                let read = match &nested {
                    Some(items) => items.row(row).try_for_each(|text| {
                        if text.trim().is_empty() { Ok(()) } else { list.add(text.trim()) }
                    }),
                    None => {
                        whole.get(row).map_or(Ok(()), |text| parts(text, self.spec.split, |p| list.add(p)))
                    }
                };
                if let Err(miss) = read {
                    let text = whole.get(row).unwrap_or_default();
                    problems.push(self.lost(&rules, row, text, list.bad, miss));
                    return Value::Null;
                }
                if let Some(part) = list.doubt {
                    problems.push(self.doubtful(row, part));
                }
                if list.values.is_empty() { Value::Null } else { Value::List(list.values) }
            })
            .collect();
        to_array(ty, &values)
    }

    /// Declared formats are for texts, and for numbers that count days or seconds.
    fn rules_for(&self, ty: &ArrowType) -> Cow<'_, Rules> {
        let counts = ty.is_numeric() && matches!(self.spec.ty.base, BaseType::Date | BaseType::Datetime);
        let item = if let ArrowType::List(field) = ty { field.data_type() } else { ty };
        if Texts::holds_text(item) || counts || self.spec.formats.is_empty() {
            Cow::Borrowed(&self.rules)
        } else {
            Cow::Owned(self.rules.without_formats())
        }
    }

    fn missing(&self, array: &ArrayRef, problems: &mut Vec<CellProblem>) {
        if array.null_count() == 0 {
            return;
        }
        let told: HashSet<usize> = problems.iter().filter(|p| !p.taken).map(|p| p.row).collect();
        let name = &self.spec.name;
        for row in (0..array.len()).filter(|row| array.is_null(*row) && !told.contains(row)) {
            problems.push(CellProblem {
                row,
                taken: false,
                problem: Problem {
                    code: ProblemCode::Required,
                    name: name.clone(),
                    text: String::new(),
                    message: format!("{name}: a value is required, and there is none"),
                },
            });
        }
        problems.sort_by_key(|p| p.row);
    }

    #[cold]
    fn lost(&self, rules: &Rules, row: usize, text: &str, part: Option<&str>, miss: Miss) -> CellProblem {
        let name = &self.spec.name;
        let (code, message) = match part {
            None if self.spec.ty.array && miss == Miss::Shape => (
                ProblemCode::NotAList,
                format!("{name}: \"{}\" is not a list written like {}", cut(text), self.list_example()),
            ),
            None => (rules.code(miss), format!("{name}: \"{}\" {}", cut(text), rules.reason(miss))),
            Some(part) => (
                rules.code(miss),
                format!("{name}: \"{}\", one of the list, {}", cut(part), rules.reason(miss)),
            ),
        };
        let problem = Problem { code, name: name.clone(), text: cut(text).into_owned(), message };
        CellProblem { row, taken: false, problem }
    }

    #[cold]
    fn doubtful(&self, row: usize, text: &str) -> CellProblem {
        let name = &self.spec.name;
        let problem = Problem {
            code: ProblemCode::AmbiguousDate,
            name: name.clone(),
            text: cut(text).into_owned(),
            message: format!(
                "{name}: \"{}\" could have the month or the day first; the month was taken; declare a format \
                 such as \"%m/%d/%Y\"",
                cut(text)
            ),
        };
        CellProblem { row, taken: true, problem }
    }

    fn list_example(&self) -> &'static str {
        use super::Split;
        match self.spec.split {
            Some(Split::Braces) => "{a}{b}",
            Some(Split::Brackets) => "[a][b]",
            _ => "a; b",
        }
    }
}

/// The cells of one column, and what to tell about them.
struct Cells<'a> {
    resolver: &'a Resolver,
    rules: &'a Rules,
    texts: Texts<'a>,
    rows: usize,
}

impl Cells<'_> {
    fn each<'s, T>(
        &'s self,
        problems: &mut Vec<CellProblem>,
        read: impl Fn(&'s str) -> Result<T, Miss>,
        mut take: impl FnMut(Option<T>),
    ) {
        for row in 0..self.rows {
            let text = self.texts.get(row).unwrap_or_default();
            let trimmed = text.trim();
            if trimmed.is_empty() {
                take(None);
                continue;
            }
            match read(trimmed) {
                Ok(value) => take(Some(value)),
                Err(miss) => {
                    problems.push(self.resolver.lost(self.rules, row, text, None, miss));
                    take(None);
                }
            }
        }
    }

    fn each_dated<T>(
        &self,
        problems: &mut Vec<CellProblem>,
        read: impl Fn(&str) -> Result<(T, bool), Miss>,
        mut take: impl FnMut(Option<T>),
    ) {
        for row in 0..self.rows {
            let text = self.texts.get(row).unwrap_or_default();
            let trimmed = text.trim();
            if trimmed.is_empty() {
                take(None);
                continue;
            }
            match read(trimmed) {
                Ok((value, ambiguous)) => {
                    if ambiguous {
                        problems.push(self.resolver.doubtful(row, text));
                    }
                    take(Some(value));
                }
                Err(miss) => {
                    problems.push(self.resolver.lost(self.rules, row, text, None, miss));
                    take(None);
                }
            }
        }
    }
}

/// One cell's list while it is read.
struct List<'r, 't> {
    rules: &'r Rules,
    seen: HashSet<Value>,
    values: Vec<Value>,
    bad: Option<&'t str>,
    doubt: Option<&'t str>,
}

impl<'t> List<'_, 't> {
    fn add(&mut self, part: &'t str) -> Result<(), Miss> {
        let (value, ambiguous) = self.rules.value(part).inspect_err(|_| self.bad = Some(part))?;
        if ambiguous {
            self.doubt = self.doubt.or(Some(part));
        }
        if !value.is_blank() && self.seen.insert(value.clone()) {
            self.values.push(value);
        }
        Ok(())
    }
}

/// At most 200 characters; the last one tells that there were more.
pub(super) fn cut(text: &str) -> Cow<'_, str> {
    let mut ends = text.char_indices().map(|(end, _)| end).skip(199);
    match (ends.next(), ends.next()) {
        (Some(end), Some(_)) => Cow::Owned(format!("{}…", &text[..end])),
        _ => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests;
