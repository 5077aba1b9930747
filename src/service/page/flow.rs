//! A connector's flow as a picture: input → views and scopes → loads → objects, with the counts of a run.

use super::bar::{count, parts};
use super::show::{clear, shortened};
use crate::plan::{Plan, QueryPlan};
use crate::report::{Summary, grouped};
use std::collections::BTreeMap;
use std::fmt::Write;

const WIDTH: usize = 184;
const HEIGHT: usize = 54;
const ACROSS: usize = 32;
const BELOW: usize = 16;
const MARGIN: usize = 4;
/// What a line that goes through a column takes of it.
const LANE: usize = 12;
/// Between a node's edge and its texts.
const PAD: usize = 10;
const INNER: usize = WIDTH - 2 * PAD;
/// Characters of a node's title and of what stands below it.
const TITLE: usize = 18;
const SMALL: usize = 25;

struct Node {
    id: String,
    kind: &'static str,
    title: String,
    small: String,
    column: usize,
    counts: Option<crate::report::StatusCounts>,
    y: usize,
}

/// The picture, as SVG to stand in the markup. Every text in it is escaped here.
pub fn picture(plan: &Plan, last: Option<&Summary>) -> String {
    let mut nodes = Vec::new();
    let mut edges = Vec::new();
    sources(plan, last, &mut nodes);
    queries(plan, last, &mut nodes, &mut edges);
    loads(plan, last, &mut nodes, &mut edges);
    if nodes.is_empty() {
        return String::new();
    }
    let edges = lanes(&mut nodes, edges);
    let height = place(&mut nodes, &edges);
    draw(&nodes, &edges, height)
}

/// The same in words, for whoever does not see it.
pub fn words(plan: &Plan) -> String {
    let loads = plan.loads.iter().map(|l| format!("{} loads {} into {}", l.name, l.scope, l.object));
    let inputs: Vec<_> = plan.inputs.iter().map(|i| i.name.as_str()).collect();
    format!("Input {}. {}.", inputs.join(", "), loads.collect::<Vec<_>>().join("; "))
}

fn node(id: String, kind: &'static str, title: &str, small: String, column: usize) -> Node {
    Node { id, kind, title: title.to_owned(), small, column, counts: None, y: 0 }
}

/// The first of several texts that has room below a title: of numbers nothing is cut off.
fn fitting<const N: usize>(texts: [String; N]) -> String {
    let mut texts = texts.into_iter().peekable();
    while let Some(text) = texts.next() {
        if text.chars().count() <= SMALL || texts.peek().is_none() {
            return text;
        }
    }
    String::new()
}

/// Input tables, and the records that the SQL reads.
fn sources(plan: &Plan, last: Option<&Summary>, nodes: &mut Vec<Node>) {
    for input in &plan.inputs {
        let id = format!("input.{}", input.name);
        // What was ended at a limit does not tell what it read.
        let read: Vec<u64> =
            last.iter().flat_map(|s| &s.inputs).filter(|i| i.table == id).map(|i| i.rows).collect();
        let rows = (!read.is_empty()).then(|| read.iter().sum());
        let columns = input.columns.as_ref().map(|c| count(c.len() as u64, "column"));
        let small = rows.map(|n| count(n, "row")).or(columns).unwrap_or_else(|| "every column".into());
        nodes.push(node(id, "input", &input.name, small, 0));
    }
    let read = plan.queries.iter().flat_map(|q| &q.reads.tables);
    for table in read.filter(|t| t.name.starts_with("records.")) {
        if nodes.iter().all(|n| n.id != table.name) {
            nodes.push(node(table.name.clone(), "records", &table.name, "records, read in SQL".into(), 0));
        }
    }
}

fn queries(plan: &Plan, last: Option<&Summary>, nodes: &mut Vec<Node>, edges: &mut Vec<(String, String)>) {
    // A query stands right of everything it reads.
    let mut column: BTreeMap<&str, usize> = BTreeMap::new();
    for query in &plan.queries {
        let reads = query.reads.tables.iter();
        let deepest = reads.filter_map(|t| column.get(t.name.as_str())).max().copied().unwrap_or(0);
        column.insert(&query.name, deepest + 1);
    }
    let most = column.values().max().copied().unwrap_or(1);
    let read_by_query =
        |q: &QueryPlan| plan.queries.iter().any(|other| other.reads.tables.iter().any(|t| t.name == q.name));
    for query in &plan.queries {
        let own = column.get(query.name.as_str()).copied().unwrap_or(1);
        let (kind, small, at) = match &query.scope {
            None => ("view", "view".to_owned(), own),
            Some(scope) => {
                let rows = last.and_then(|s| s.scopes.iter().find(|x| x.name == query.name)).map(|s| s.rows);
                let variables = count(scope.variables.len() as u64, "variable");
                let told = if scope.errors { "for people only".to_owned() } else { variables };
                let small = rows.map_or(told.clone(), |n| {
                    fitting([format!("{} · {told}", count(n, "row")), count(n, "row")])
                });
                let kind = if scope.errors { "errors" } else { "scope" };
                (kind, small, if read_by_query(query) { own } else { most })
            }
        };
        nodes.push(node(query.name.clone(), kind, &query.name, small, at));
        edges.extend(query.reads.tables.iter().map(|t| (t.name.clone(), query.name.clone())));
    }
}

/// How many of how many rows errored.
fn errored(rows: u64, n: u64) -> String {
    let (all, n) = (grouped(rows), grouped(n));
    fitting([
        format!("{}, {n} errored", count(rows, "row")),
        format!("{n} of {all} errored"),
        format!("{n} errored"),
    ])
}

fn loads(plan: &Plan, last: Option<&Summary>, nodes: &mut Vec<Node>, edges: &mut Vec<(String, String)>) {
    let column = nodes.iter().map(|n| n.column).max().unwrap_or(0) + 1;
    for load in &plan.loads {
        let done = last.and_then(|s| s.steps.iter().find(|x| x.name == load.name));
        let fields = count(load.mappings.len() as u64, "field");
        let small = done.map_or(fields, |s| match s.counts.errored {
            0 => count(s.rows, "row"),
            n => errored(s.rows, n),
        });
        let id = format!("load {}", load.name);
        let mut new = node(id.clone(), "load", &load.name, small, column);
        new.counts = done.map(|s| s.counts);
        nodes.push(new);
        edges.push((load.scope.clone(), id.clone()));
        let object = format!("object {}", load.object);
        if nodes.iter().all(|n| n.id != object) {
            let label = plan.object(&load.object).map_or(load.object.clone(), |o| o.name.clone());
            nodes.push(node(object.clone(), "object", &label, "records".into(), column + 1));
        }
        edges.push((id, object));
    }
}

/// Gives each edge that passes a column a lane through it, so that no line runs behind a node that it
/// has nothing to do with. Lines from one node share their lanes.
fn lanes(nodes: &mut Vec<Node>, edges: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for (from, to) in edges {
        let column = |nodes: &[Node], id: &str| nodes.iter().find(|n| n.id == id).map(|n| n.column);
        let (Some(left), Some(right)) = (column(nodes, &from), column(nodes, &to)) else { continue };
        let mut at = from.clone();
        for passed in left + 1..right {
            let lane = format!("{from} through {passed}");
            if column(nodes, &lane).is_none() {
                nodes.push(node(lane.clone(), "lane", "", String::new(), passed));
            }
            out.push((at, lane.clone()));
            at = lane;
        }
        out.push((at, to));
    }
    out.sort();
    out.dedup();
    out
}

impl Node {
    fn height(&self) -> usize {
        if self.kind == "lane" { LANE } else { HEIGHT }
    }

    fn middle(&self) -> usize {
        self.y + self.height() / 2
    }
}

/// Puts the nodes of each column below each other, level with what they come from where there is room.
/// Gives the height.
fn place(nodes: &mut [Node], edges: &[(String, String)]) -> usize {
    let last = nodes.iter().map(|n| n.column).max().unwrap_or(0);
    let mut bottom = 0;
    for column in 0..=last {
        let mut order: Vec<(usize, usize)> = Vec::new();
        for (i, n) in nodes.iter().enumerate().filter(|(_, n)| n.column == column) {
            let from = edges.iter().filter(|(_, to)| *to == n.id);
            let from = from.filter_map(|(from, _)| nodes.iter().find(|o| o.id == *from));
            let middles: Vec<usize> = from.map(Node::middle).collect();
            let wish = if middles.is_empty() { 0 } else { middles.iter().sum::<usize>() / middles.len() };
            order.push((wish, i));
        }
        // Of equal wishes the one that was written first is first.
        order.sort();
        let mut free = MARGIN;
        for (wish, i) in order {
            let height = nodes[i].height();
            nodes[i].y = free.max(wish.saturating_sub(height / 2));
            free = nodes[i].y + height + BELOW;
        }
        bottom = bottom.max(free);
    }
    bottom + MARGIN - BELOW
}

fn draw(nodes: &[Node], edges: &[(String, String)], height: usize) -> String {
    let columns = nodes.iter().map(|n| n.column).max().unwrap_or(0) + 1;
    let width = 2 * MARGIN + columns * WIDTH + (columns - 1) * ACROSS;
    let x = |n: &Node| MARGIN + n.column * (WIDTH + ACROSS);
    let mut out = format!(
        "<svg class=\"flow\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         aria-hidden=\"true\" focusable=\"false\">"
    );
    let find = |id: &str| nodes.iter().find(|n| n.id == id);
    for (from, to) in edges {
        let (Some(from), Some(to)) = (find(from), find(to)) else { continue };
        let (x1, y1, x2, y2) = (x(from) + WIDTH, from.middle(), x(to), to.middle());
        let bend = x2.saturating_sub(x1) / 2;
        let _ = write!(
            out,
            "<path class=\"edge\" d=\"M{x1} {y1} C{} {y1} {} {y2} {x2} {y2}\"/>",
            x1 + bend,
            x2.saturating_sub(bend)
        );
    }
    for lane in nodes.iter().filter(|n| n.kind == "lane") {
        let _ = write!(out, "<path class=\"edge\" d=\"M{} {} h{WIDTH}\"/>", x(lane), lane.middle());
    }
    for n in nodes.iter().filter(|n| n.kind != "lane") {
        let (left, kind) = (x(n), n.kind);
        let _ = write!(
            out,
            "<g class=\"node {kind}\"><title>{kind} {}</title>\
             <rect x=\"{left}\" y=\"{}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"7\"/>\
             <svg x=\"{}\" y=\"{}\" width=\"{INNER}\" height=\"{HEIGHT}\"><text class=\"title\" x=\"0\" y=\"22\">{}</text>\
             <text class=\"small\" x=\"0\" y=\"39\">{}</text></svg>",
            escaped(&clear(&n.title)),
            n.y,
            // What is wider all the same, in other letters, ends at the edge of this.
            left + PAD,
            n.y,
            escaped(&middle_cut(&clear(&n.title), TITLE)),
            escaped(&shortened(&clear(&n.small), SMALL)),
        );
        for part in n.counts.iter().flat_map(parts) {
            let across = INNER as f64 / 10_000.0;
            let _ = write!(
                out,
                "<rect class=\"bar {}\" x=\"{:.1}\" y=\"{}\" width=\"{:.1}\" height=\"4\"/>",
                part.class,
                (left + PAD) as f64 + part.from as f64 * across,
                n.y + HEIGHT - 9,
                part.width as f64 * across
            );
        }
        out.push_str("</g>");
    }
    out.push_str("</svg>");
    out
}

/// A text of at most so many characters: names that begin alike differ at their ends.
fn middle_cut(text: &str, most: usize) -> String {
    let all: Vec<char> = text.chars().collect();
    if all.len() <= most {
        return text.to_owned();
    }
    let (head, tail) = (most / 2, (most - 1) / 2);
    let ends = [&all[..head], &['…'], &all[all.len() - tail..]];
    ends.concat().into_iter().collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_begin_alike_are_told_apart() {
        assert_eq!(middle_cut("items", 18), "items");
        assert_eq!(middle_cut("exactly_18_letters", 18), "exactly_18_letters");
        assert_eq!(middle_cut("step_with_a_long_name_10", 18), "step_with…_name_10");
        assert_eq!(middle_cut("Überlänge in jeder Sprache", 18).chars().count(), 18);
    }

    #[test]
    fn numbers_are_not_cut() {
        assert_eq!(errored(20, 3), "20 rows, 3 errored");
        assert_eq!(errored(20_000, 3_784), "3,784 of 20,000 errored");
        assert_eq!(errored(12_345_678, 10_000_000), "10,000,000 errored");
    }
}
