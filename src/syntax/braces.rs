//! Which brace closes which, also where one is missing or too much.
//!
//! Balanced braces are taken as they are, however the text is indented. Only in an item whose
//! braces do not balance does the indentation tell which one is wrong.

use super::errors::{Errors, quote};
use super::scan::{Kind, Token, item_starts};
use crate::diagnostic::Code;

/// How many bytes before a brace are looked at for its line.
const LOOK_BACK: usize = 200;

/// What an opening brace holds: the tokens after it up to `end`; the text goes on at token `next`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Block {
    pub end: usize,
    pub next: usize,
}

/// Tokens with their blocks.
pub(super) struct Braces {
    /// By token; meaningful for opening braces only.
    pub blocks: Vec<Block>,
    /// By token; whether it starts an item in column 1.
    pub starts: Vec<bool>,
    /// By token; closing braces that close nothing.
    pub dead: Vec<bool>,
}

/// By token: whether it starts an item in column 1.
pub(super) fn item_lines(text: &str, tokens: &[Token]) -> Vec<bool> {
    let starts = |t: &Token| {
        t.first && t.indent == 0 && t.kind == Kind::Name && text.get(t.start..).is_some_and(item_starts)
    };
    tokens.iter().map(starts).collect()
}

/// Pairs the braces. An item keyword in column 1 ends every block that is still open.
pub(super) fn pair(text: &str, tokens: &[Token], errors: &mut Errors) -> Braces {
    let starts = item_lines(text, tokens);
    let mut braces =
        Braces { blocks: vec![Block::default(); tokens.len()], starts, dead: vec![false; tokens.len()] };
    let mut from = 0;
    while from < tokens.len() {
        let to = (from + 1..tokens.len())
            .find(|i| braces.starts.get(*i).copied().unwrap_or(false))
            .unwrap_or(tokens.len());
        Region { text, tokens, from, to, stack: Vec::new() }.run(&mut braces, errors);
        from = to;
    }
    braces
}

struct Open {
    token: usize,
    /// Whether its content stands further right than its own line, so that indentation tells.
    indented: Option<bool>,
}

/// The tokens from one item's start to the next one's.
struct Region<'a> {
    text: &'a str,
    tokens: &'a [Token],
    from: usize,
    to: usize,
    stack: Vec<Open>,
}

impl Region<'_> {
    fn run(&mut self, braces: &mut Braces, errors: &mut Errors) {
        let balanced = self.balanced();
        for i in self.from..self.to {
            let Some(token) = self.tokens.get(i).copied() else { continue };
            if token.first && !balanced {
                self.close_by_indent(i, token, braces, errors);
            }
            match token.kind {
                Kind::Open => self.stack.push(Open { token: i, indented: None }),
                Kind::Close if !balanced && self.belongs_to_nothing(token) => stray(i, token, braces, errors),
                Kind::Close => match self.stack.pop() {
                    Some(open) => set(braces, open.token, i, i + 1),
                    None => stray(i, token, braces, errors),
                },
                _ => {}
            }
        }
        let cut = self.sql_cut();
        while let Some(open) = self.stack.pop() {
            set(braces, open.token, self.to, self.to);
            // Where the SQL inside was cut off, that is the one to tell.
            if let Some(sql) = self.took_the_brace_of(&open).filter(|_| !cut) {
                errors.push(
                    Code::MissingBrace,
                    sql.start..sql.start + 1,
                    "the SQL block is not closed",
                    "this `{` has no `}`",
                    Some("write `}` after the SQL".into()),
                );
            } else if !cut {
                self.missing(open.token, errors);
            }
        }
    }

    /// The SQL that ends with a `}` below the start of the block's own line: it took the block's.
    fn took_the_brace_of(&self, open: &Open) -> Option<Token> {
        let sql = self.tokens.get(open.token..self.to)?.last().copied()?;
        let before = self.text.get(sql.start..sql.end.checked_sub(1)?)?;
        let (_, line) = before.rsplit_once('\n')?;
        let below = line.trim().is_empty() && line.len() == self.indent_of(open);
        (sql.kind == Kind::Sql { closed: true } && below && sql.indent > self.indent_of(open)).then_some(sql)
    }

    fn sql_cut(&self) -> bool {
        let range = self.tokens.get(self.from..self.to).unwrap_or_default();
        range.last().is_some_and(|t| t.kind == Kind::Sql { closed: false })
    }

    fn balanced(&self) -> bool {
        let mut depth = 0i64;
        let mut low = 0;
        for token in self.tokens.get(self.from..self.to).unwrap_or_default() {
            match token.kind {
                Kind::Open => depth += 1,
                Kind::Close => depth -= 1,
                _ => {}
            }
            low = low.min(depth);
        }
        depth == 0 && low == 0
    }

    fn indent_of(&self, open: &Open) -> usize {
        self.tokens.get(open.token).map_or(0, |t| t.indent)
    }

    /// Ends the blocks that the indentation says were meant to be over before this line.
    fn close_by_indent(&mut self, i: usize, token: Token, braces: &mut Braces, errors: &mut Errors) {
        while let Some(open) = self.stack.last() {
            let indent = self.indent_of(open);
            let closing = token.kind == Kind::Close;
            let indented = open.indented.unwrap_or(token.indent > indent);
            let over = indented && if closing { token.indent < indent } else { token.indent <= indent };
            if !over {
                break;
            }
            let open = open.token;
            self.stack.pop();
            set(braces, open, i, i);
            self.missing(open, errors);
        }
        if token.kind != Kind::Close
            && let Some(open) = self.stack.last_mut()
            && open.indented.is_none()
        {
            let indent = self.tokens.get(open.token).map_or(0, |t| t.indent);
            open.indented = Some(token.indent > indent);
        }
    }

    /// A `}` at the start of a line, further right than the block it would close.
    fn belongs_to_nothing(&self, token: Token) -> bool {
        token.first
            && self
                .stack
                .last()
                .is_some_and(|open| open.indented == Some(true) && token.indent > self.indent_of(open))
    }

    fn missing(&self, open: usize, errors: &mut Errors) {
        let Some(token) = self.tokens.get(open) else { return };
        // Looking back a little is enough: a line of a megabyte may open a million blocks.
        let mut from = token.start.saturating_sub(LOOK_BACK);
        while !self.text.is_char_boundary(from) {
            from -= 1;
        }
        let before = self.text.get(from..token.start).unwrap_or("");
        let line = before.rfind('\n').and_then(|i| before.get(i + 1..));
        let line = line.or((from == 0).then_some(before)).unwrap_or("").trim();
        let what = if line.is_empty() {
            "a block is not closed".to_owned()
        } else {
            format!("the block of {} is not closed", quote(line))
        };
        errors.push(
            Code::MissingBrace,
            token.start..token.end,
            &what,
            "this `{` has no `}`",
            Some("write `}` on a line of its own after the block's last line".into()),
        );
    }
}

fn set(braces: &mut Braces, open: usize, end: usize, next: usize) {
    if let Some(block) = braces.blocks.get_mut(open) {
        *block = Block { end, next };
    }
}

fn stray(i: usize, token: Token, braces: &mut Braces, errors: &mut Errors) {
    if let Some(dead) = braces.dead.get_mut(i) {
        *dead = true;
    }
    errors.push(
        Code::UnexpectedText,
        token.start..token.end,
        "this `}` closes nothing",
        "no `{` is open here",
        Some("remove it".into()),
    );
}
