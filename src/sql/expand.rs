//! Before planning: functions of `fn` items become the expressions they stand for, `$params`
//! become numbered placeholders, and every name of a function or parameter is looked up.

use super::catalog::{Catalog, Fault, Function as FunctionItem};
use super::dialect;
use super::places::Places;
use super::registry::{self, Known};
use crate::diagnostic::{Code, nearest};
use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, ObjectNamePart,
    Query, Spanned, Value, ValueWithSpan, VisitMut, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Span;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// How deep functions may call functions.
const MAX_CALLS: usize = 16;

/// What expanding found.
#[derive(Default)]
pub(super) struct Expanded {
    pub(super) faults: Vec<Fault>,
    pub(super) functions: BTreeSet<String>,
    pub(super) parameters: BTreeSet<String>,
}

/// Expands a query in place. Unknown functions and parameters become NULL and a fault each.
pub(super) fn expand(query: &mut Query, catalog: &Catalog, places: &Places<'_>) -> Expanded {
    let mut visitor = Expander { catalog, places, found: Expanded::default(), calls: 0 };
    let _ = query.visit(&mut visitor);
    visitor.found
}

struct Expander<'a> {
    catalog: &'a Catalog,
    places: &'a Places<'a>,
    found: Expanded,
    calls: usize,
}

/// A NULL at a place, so that later faults around it still point there.
pub(super) fn null_at(span: Span) -> Expr {
    Expr::Value(ValueWithSpan { value: Value::Null, span })
}

/// The name of a function as our items have it; unquoted parts are lower-cased like the planner does.
pub(super) fn written_name(name: &ObjectName) -> Option<String> {
    let parts = name.0.iter().map(|p| match p {
        ObjectNamePart::Identifier(i) => {
            Some(if i.quote_style.is_some() { i.value.clone() } else { i.value.to_lowercase() })
        }
        ObjectNamePart::Function(_) => None,
    });
    parts.collect::<Option<Vec<_>>>().map(|p| p.join("."))
}

impl VisitorMut for Expander<'_> {
    type Break = ();

    // After the children: arguments are expanded before the call that holds them.
    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Value(ValueWithSpan { value: Value::Placeholder(name), span }) => {
                let wanted = name.strip_prefix('$').unwrap_or(name);
                match self.catalog.parameters.iter().position(|p| p.name == wanted) {
                    Some(i) => {
                        self.found.parameters.insert(wanted.to_owned());
                        *name = format!("${}", i + 1);
                    }
                    None => {
                        let (name, span) = (wanted.to_owned(), *span);
                        self.unknown_parameter(&name, span);
                        *expr = null_at(span);
                    }
                }
            }
            Expr::Function(function) => {
                if let Some(replacement) = self.function(function) {
                    *expr = replacement;
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

impl Expander<'_> {
    fn unknown_parameter(&mut self, name: &str, span: Span) {
        let known = self.catalog.parameters.iter().map(|p| p.name.as_str());
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let help = match nearest(name, known) {
            Some(n) if is_name => format!("did you mean `${n}`?"),
            None if is_name => format!("declare it: `param {name}: string`"),
            _ => dialect::parameter(name.trim_start_matches(':'), self.catalog),
        };
        self.found.faults.push(Fault {
            code: Code::SqlUnknownParameter,
            range: self.places.range(span).unwrap_or_else(|| self.places.whole()),
            message: format!("there is no parameter `{name}`"),
            label: "no `param` item has this name".into(),
            help: Some(help),
        });
    }

    /// What stands for a call; none where the call stays (a native one gets its engine name).
    fn function(&mut self, function: &mut Function) -> Option<Expr> {
        let name = written_name(&function.name)?;
        if let Some(item) = self.catalog.functions.iter().find(|f| f.name == name) {
            self.found.functions.insert(name.clone());
            return match self.call(item, function) {
                Ok(replacement) => replacement,
                Err(fault) => {
                    self.found.faults.push(fault);
                    Some(null_at(function.name.span()))
                }
            };
        }
        // `a.b(c)` where `a.b` is no function of ours may still be a field access; only bare names
        // and names of modules are certain.
        let (code, message, help) = match registry::known(&name) {
            Known::Allowed => return None,
            Known::Refused(why) => (
                Code::SqlForbiddenFunction,
                format!("the function `{name}` is not allowed"),
                Some(why.to_owned()),
            ),
            Known::No => {
                (Code::SqlUnknownFunction, format!("there is no function `{name}`"), self.meant(&name))
            }
        };
        let range = self.places.range(function.name.span()).unwrap_or_else(|| self.places.whole());
        self.found.faults.push(Fault { code, range, message, label: "this function".into(), help });
        Some(null_at(function.name.span()))
    }

    /// What was probably meant by a name that no function has.
    fn meant(&self, name: &str) -> Option<String> {
        if let Some(help) = dialect::foreign(name) {
            return Some(help);
        }
        let ours = self.catalog.functions.iter().map(|f| f.name.clone());
        let all: Vec<String> = ours.chain(registry::function_names()).collect();
        if let Some(near) = nearest(name, all.iter().map(String::as_str)) {
            return Some(format!("did you mean `{near}`?"));
        }
        let (module, _) = name.split_once('.')?;
        let imported = all.iter().any(|n| n.starts_with(&format!("{module}.")));
        (!imported).then(|| format!("import it: `use std.{module}`"))
    }

    fn call(&mut self, item: &FunctionItem, function: &mut Function) -> Result<Option<Expr>, Fault> {
        let span = function.name.span();
        let arguments = self.arguments(item, function)?;
        let Some(body) = &item.body else {
            let native = item.native.clone().unwrap_or_else(|| item.name.replace('.', "_"));
            function.name = ObjectName(vec![ObjectNamePart::Identifier(Ident {
                value: native,
                quote_style: None,
                span,
            })]);
            if let FunctionArguments::List(list) = &mut function.args {
                list.args =
                    arguments.into_iter().map(|a| FunctionArg::Unnamed(FunctionArgExpr::Expr(a))).collect();
            }
            return Ok(None);
        };
        let more = function.over.is_some()
            || function.filter.is_some()
            || function.null_treatment.is_some()
            || !function.within_group.is_empty()
            || matches!(&function.args, FunctionArguments::List(l)
                if l.duplicate_treatment.is_some() || !l.clauses.is_empty());
        if more {
            return Err(self.fault(
                span,
                format!("`{}` takes values only", item.name),
                "write FILTER, OVER, DISTINCT and ORDER BY inside the function, or write its SQL here",
            ));
        }
        if self.calls >= MAX_CALLS {
            return Err(self.fault(
                span,
                format!("`{}` calls itself", item.name),
                "a function cannot call itself",
            ));
        }
        let mut expression = Parser::new(&GenericDialect {})
            .try_with_sql(body)
            .and_then(|mut p| p.parse_expr())
            .map_err(|e| {
                self.fault(span, format!("the function `{}` cannot be read: {e}", item.name), "mend its SQL")
            })?;
        // First the calls inside the body, then the arguments: those are expanded already.
        self.calls += 1;
        let _ = expression.visit(self);
        self.calls -= 1;
        let _ = expression.visit(&mut Substitute { item, arguments: &arguments, span });
        Ok(Some(Expr::Nested(Box::new(expression))))
    }

    fn fault(&self, span: Span, message: String, help: &str) -> Fault {
        Fault {
            code: Code::SqlTypeMismatch,
            range: self.places.range(span).unwrap_or_else(|| self.places.whole()),
            message,
            label: "this call".into(),
            help: Some(help.into()),
        }
    }

    /// The call's arguments in the order of the parameters, defaults filled in.
    fn arguments(&self, item: &FunctionItem, function: &Function) -> Result<Vec<Expr>, Fault> {
        let span = function.name.span();
        let signature = || {
            let parameters: Vec<_> = item.parameters.iter().map(|p| p.name.as_str()).collect();
            format!("it is called like `{}({})`", item.name, parameters.join(", "))
        };
        let given: Vec<Expr> = match &function.args {
            FunctionArguments::List(list) => list
                .args
                .iter()
                .map(|a| match a {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Ok(e.clone()),
                    _ => Err(self.fault(span, format!("`{}` takes values only", item.name), &signature())),
                })
                .collect::<Result<_, _>>()?,
            _ => Vec::new(),
        };
        let least = item.defaults.iter().take_while(|d| d.is_none()).count();
        if given.len() > item.parameters.len() || given.len() < least {
            let count = match given.len() {
                1 => "1 value".to_owned(),
                n => format!("{n} values"),
            };
            return Err(self.fault(
                span,
                format!("`{}` cannot be called with {count}", item.name),
                &signature(),
            ));
        }
        let missing = item.defaults.iter().skip(given.len()).map(|default| {
            let text = default.as_deref().unwrap_or("NULL");
            let parsed = Parser::new(&GenericDialect {}).try_with_sql(text).and_then(|mut p| p.parse_expr());
            parsed.unwrap_or_else(|_| null_at(span))
        });
        Ok(given.into_iter().chain(missing).collect())
    }
}

/// Puts arguments in the place of parameter names, and the call's place on everything else, so that
/// a fault inside a function shows at the call.
struct Substitute<'a> {
    item: &'a FunctionItem,
    arguments: &'a [Expr],
    span: Span,
}

impl VisitorMut for Substitute<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(ident) => {
                let argument = self
                    .item
                    .parameters
                    .iter()
                    .position(|p| p.name.eq_ignore_ascii_case(&ident.value))
                    .and_then(|i| self.arguments.get(i));
                match argument {
                    Some(argument) => *expr = Expr::Nested(Box::new(argument.clone())),
                    None => ident.span = self.span,
                }
            }
            Expr::CompoundIdentifier(parts) => parts.iter_mut().for_each(|p| p.span = self.span),
            Expr::Value(value) => value.span = self.span,
            Expr::Function(function) => {
                for part in &mut function.name.0 {
                    if let ObjectNamePart::Identifier(ident) = part {
                        ident.span = self.span;
                    }
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
