//! A cheap look at SQL text: which names might be tables, which words are calls. It may see too much,
//! never too little; the planner has the last word.

use crate::sql::Function;

/// A token of SQL text: its kind and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    /// An unquoted word.
    Word(&'a str),
    /// A name in double quotes, without them.
    Quoted(&'a str),
    /// Any other character.
    Sign(char),
}

impl Token<'_> {
    fn is_word(self, word: &str) -> bool {
        matches!(self, Token::Word(w) if w.eq_ignore_ascii_case(word))
    }

    fn name(self) -> Option<String> {
        match self {
            Token::Word(w) => Some(w.to_lowercase()),
            Token::Quoted(q) => Some(q.to_owned()),
            Token::Sign(_) => None,
        }
    }
}

/// Tokens with their first byte; strings and comments left out.
fn tokens(sql: &str) -> Vec<(usize, Token<'_>)> {
    let mut out = Vec::new();
    let mut rest = sql.char_indices().peekable();
    while let Some((start, c)) = rest.next() {
        let next = rest.peek().map(|(_, c)| *c);
        match c {
            '-' if next == Some('-') => while rest.next_if(|(_, c)| *c != '\n').is_some() {},
            '/' if next == Some('*') => {
                rest.next();
                let mut depth = 1;
                while let Some((_, c)) = rest.next() {
                    let next = rest.peek().map(|(_, c)| *c);
                    if c == '*' && next == Some('/') {
                        rest.next();
                        depth -= 1;
                        if depth == 0 {
                            break;
                        }
                    } else if c == '/' && next == Some('*') {
                        rest.next();
                        depth += 1;
                    }
                }
            }
            '\'' | '"' => {
                let mut end = sql.len();
                while let Some((at, inner)) = rest.next() {
                    if inner == c {
                        if rest.peek().map(|(_, n)| *n) == Some(c) {
                            rest.next();
                            continue;
                        }
                        end = at;
                        break;
                    }
                }
                if c == '"' {
                    out.push((start, Token::Quoted(&sql[start + 1..end])));
                } else {
                    out.push((start, Token::Sign('\'')));
                }
            }
            c if c.is_alphanumeric() || c == '_' => {
                let mut end = start + c.len_utf8();
                while let Some((at, c)) = rest.next_if(|(_, c)| c.is_alphanumeric() || *c == '_') {
                    end = at + c.len_utf8();
                }
                out.push((start, Token::Word(&sql[start..end])));
            }
            c if c.is_whitespace() => {}
            c => out.push((start, Token::Sign(c))),
        }
    }
    out
}

/// The tables that a block may read: `cleaned`, `output.vendors`, `input.prices`; sorted, once each.
pub fn references(sql: &str) -> Vec<String> {
    #[derive(Clone, Copy, PartialEq)]
    enum At {
        Elsewhere,
        BeforeTable,
        AfterTable,
    }
    let tokens: Vec<Token<'_>> = tokens(sql).into_iter().map(|(_, t)| t).collect();
    let mut with: Vec<String> = Vec::new();
    for pair in tokens.windows(3) {
        if let [name, as_, next] = pair
            && as_.is_word("as")
            && (*next == Token::Sign('(') || next.is_word("materialized") || next.is_word("not"))
        {
            with.extend(name.name());
        }
    }
    let mut found = std::collections::BTreeSet::new();
    let mut state = At::Elsewhere;
    let mut outer: Vec<At> = Vec::new();
    let mut i = 0;
    while let Some(token) = tokens.get(i).copied() {
        i += 1;
        match token {
            Token::Sign('(') => {
                outer.push(if state == At::BeforeTable { At::AfterTable } else { state });
                if state != At::BeforeTable {
                    state = At::Elsewhere;
                }
            }
            Token::Sign(')') => state = outer.pop().unwrap_or(At::Elsewhere),
            Token::Sign(',') if state == At::AfterTable => state = At::BeforeTable,
            t if t.is_word("from") || t.is_word("join") => state = At::BeforeTable,
            t if state == At::BeforeTable && (t.is_word("lateral") || t.is_word("only")) => {}
            t if ["select", "where", "group", "having", "order", "qualify", "limit", "union", "values"]
                .iter()
                .any(|w| t.is_word(w)) =>
            {
                state = At::Elsewhere;
            }
            t => {
                let Some(mut name) = t.name().filter(|_| state == At::BeforeTable) else { continue };
                let mut plain = true;
                while tokens.get(i) == Some(&Token::Sign('.')) {
                    let Some(part) = tokens.get(i + 1).and_then(|t| t.name()) else { break };
                    name = format!("{name}.{part}");
                    plain = false;
                    i += 2;
                }
                state = At::AfterTable;
                if !(plain && with.contains(&name)) {
                    found.insert(name);
                }
            }
        }
    }
    found.into_iter().collect()
}

/// Names called in an expression: `upper`, `text.code`; in order, once each.
pub fn calls(sql: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (_, name) in call_sites(sql) {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// Calls with the byte where the name starts.
fn call_sites(sql: &str) -> Vec<(usize, String)> {
    let tokens = tokens(sql);
    let mut found = Vec::new();
    let mut i = 0;
    while let Some((start, token)) = tokens.get(i).copied() {
        i += 1;
        let Some(mut name) = token.name() else { continue };
        while matches!(tokens.get(i), Some((_, Token::Sign('.')))) {
            let Some(part) = tokens.get(i + 1).and_then(|(_, t)| t.name()) else { break };
            name = format!("{name}.{part}");
            i += 2;
        }
        if matches!(tokens.get(i), Some((_, Token::Sign('(')))) {
            found.push((start, name));
        }
    }
    found
}

/// The expression with calls of a module's own functions written under the module's name.
pub fn qualify_calls(sql: &str, module: &str, own: &[&str]) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut done = 0;
    for (start, name) in call_sites(sql) {
        if own.contains(&name.as_str()) {
            out.push_str(&sql[done..start]);
            out.push_str(module);
            out.push('.');
            done = start;
        }
    }
    out.push_str(&sql[done..]);
    out
}

/// The functions that lead from one back to itself, if it does.
pub fn circle(name: &str, functions: &[Function]) -> Option<Vec<String>> {
    let mut open: Vec<Vec<String>> = vec![vec![name.to_owned()]];
    let mut seen = std::collections::HashSet::new();
    while let Some(path) = open.pop() {
        let body = path
            .last()
            .and_then(|last| functions.iter().find(|f| &f.name == last))
            .and_then(|f| f.body.as_deref());
        for called in body.map(calls).unwrap_or_default() {
            let mut path = path.clone();
            path.push(called.clone());
            if called == name {
                return Some(path);
            }
            if functions.iter().any(|f| f.name == called) && seen.insert(called) {
                open.push(path);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_found_and_columns_are_not() {
        let sql = "WITH a AS (SELECT x FROM v1) SELECT c.*, tags FROM cleaned c LEFT JOIN records.products r \
                   ON r.a = c.b, output.x -- FROM no\n WHERE y = 'FROM never' UNION SELECT 1 FROM (v2 JOIN a)";
        assert_eq!(references(sql), ["cleaned", "output.x", "records.products", "v1", "v2"]);
    }

    #[test]
    fn calls_of_neighbours_are_qualified() {
        assert_eq!(
            qualify_calls("upper(clean(s)) || 'clean('", "text", &["clean"]),
            "upper(text.clean(s)) || 'clean('"
        );
    }
}
