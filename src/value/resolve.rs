//! Columns of a scope become columns of typed variables.

mod texts;

use super::arrow::array::{
    Array, ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, StringBuilder,
    TimestampMicrosecondBuilder, new_null_array,
};
use super::arrow::datatypes::DataType as ArrowType;
use super::parse::{Miss, Orders, Rules, nfc, parts};
use super::problem::{cut, quoted};
use super::{
    BaseType, CellProblem, Problem, ProblemCode, Source, Split, Value, VariableSpec, column_type,
    days_of_date, to_array,
};
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
    /// A resolver for one variable.
    pub fn new(spec: &VariableSpec) -> Self {
        let rules = Rules::new(spec.ty.base, spec.formats.clone(), spec.timezone.clone());
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
                cells.each(problems, |text| certain(rules.number(text)), |v| out.append_option(v));
                Arc::new(out.finish())
            }
            BaseType::Boolean => {
                let mut out = BooleanBuilder::with_capacity(cells.rows);
                cells.each(problems, |text| certain(rules.boolean(text)), |v| out.append_option(v));
                Arc::new(out.finish())
            }
            BaseType::Date => {
                let mut out = Date32Builder::with_capacity(cells.rows);
                cells.each(problems, |text| rules.date(text), |v| out.append_option(v.map(days_of_date)));
                Arc::new(out.finish())
            }
            BaseType::Datetime => {
                let mut out = TimestampMicrosecondBuilder::with_capacity(cells.rows)
                    .with_data_type(column_type(self.spec.ty));
                cells.each(
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
                    |text| certain(if email { rules.email(text) } else { rules.phone(text) }),
                    |v| out.append_option(v),
                );
                Arc::new(out.finish())
            }
            BaseType::Uuid => {
                let mut out = StringBuilder::with_capacity(cells.rows, cells.rows * 36);
                let mut buffer = uuid::Uuid::encode_buffer();
                cells.each(
                    problems,
                    |text| certain(rules.uuid(text)),
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
        // Most columns are as they should be, and are passed on without a copy.
        let clean = |text: &str| !text.is_empty() && matches!(nfc(text), Cow::Borrowed(_));
        if column.data_type() == &ArrowType::Utf8
            && (0..cells.rows).all(|row| cells.texts.get(row).is_none_or(clean))
        {
            return Arc::clone(column);
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
                let mut list = List::new(&rules);
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
            None if self.spec.ty.array && miss == Miss::Shape => {
                (ProblemCode::NotAList, format!("{name}: {} {}", quoted(text), not_a_list(self.spec.split)))
            }
            None => (rules.code(miss), format!("{name}: {} {}", quoted(text), rules.reason(miss))),
            Some(part) => (
                rules.code(miss),
                format!("{name}: {}, one of the list, {}", quoted(part), rules.reason(miss)),
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
                "{name}: {} could have the month or the day first; the month was taken; declare a format such \
                 as \"%m/%d/%Y\"",
                quoted(text)
            ),
        };
        CellProblem { row, taken: true, problem }
    }
}

/// What follows the quoted text in a message.
pub(super) fn not_a_list(split: Option<Split>) -> String {
    format!("is not a list written like {}", split.unwrap_or(Split::At(';')).example())
}

/// A value that can be read one way only.
fn certain<T>(read: Result<T, Miss>) -> Result<(T, bool), Miss> {
    read.map(|value| (value, false))
}

/// The cells of one column, and what to tell about them.
struct Cells<'a> {
    resolver: &'a Resolver,
    rules: &'a Rules,
    texts: Texts<'a>,
    rows: usize,
}

impl Cells<'_> {
    /// `read` gives a value, and whether day and month could be either.
    fn each<'s, T>(
        &'s self,
        problems: &mut Vec<CellProblem>,
        read: impl Fn(&'s str) -> Result<(T, bool), Miss>,
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
    values: Vec<Value>,
    /// The same values again, once there are many: to go through them all for each new one takes the
    /// square of the time.
    seen: HashSet<Value>,
    bad: Option<&'t str>,
    doubt: Option<&'t str>,
}

impl<'r, 't> List<'r, 't> {
    const MANY: usize = 16;

    fn new(rules: &'r Rules) -> Self {
        Self { rules, values: Vec::new(), seen: HashSet::new(), bad: None, doubt: None }
    }

    fn add(&mut self, part: &'t str) -> Result<(), Miss> {
        let (value, ambiguous) = self.rules.value(part).inspect_err(|_| self.bad = Some(part))?;
        if ambiguous {
            self.doubt = self.doubt.or(Some(part));
        }
        if !value.is_blank() && self.is_new(&value) {
            self.values.push(value);
        }
        Ok(())
    }

    fn is_new(&mut self, value: &Value) -> bool {
        if self.values.len() < Self::MANY {
            return !self.values.contains(value);
        }
        if self.seen.is_empty() {
            self.seen.extend(self.values.iter().cloned());
        }
        self.seen.insert(value.clone())
    }
}

#[cfg(test)]
mod tests;
