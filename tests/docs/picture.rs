//! The README's picture: a terminal, drawn from what the command says in colour.

use super::{sconn, shown, told, workplace};

const LINE: usize = 17;
const CHARACTER: f64 = 7.8;
const MARGIN: usize = 20;
const COMMAND: &str = "sconn run vendor_prices.sconn --input samples/prices.csv";

/// `docs/run.svg`, drawn from a run. `SCONN_WRITE=1 cargo test` draws it anew.
#[test]
fn the_picture_of_a_run_is_a_run() {
    let place = workplace();
    let folder = place.path().join("examples/vendor_prices");
    let mut arguments: Vec<String> = COMMAND.split(' ').skip(1).map(str::to_owned).collect();
    arguments.push("--color=always".into());
    let output = sconn(&folder, &arguments);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let picture = drawn(&shown::settled(&String::from_utf8(output.stdout).unwrap()));
    if std::env::var_os("SCONN_WRITE").is_some() {
        std::fs::write("docs/run.svg", &picture).unwrap();
    }
    let there = std::fs::read_to_string("docs/run.svg").unwrap();
    assert_eq!(there, picture, "run the tests with SCONN_WRITE=1 to draw docs/run.svg anew");
}

/// Text with colours of the terminal as an SVG.
fn drawn(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let height = (lines.len() + 2) * LINE + 2 * MARGIN;
    let width = (102.0 * CHARACTER) as usize + 2 * MARGIN;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" role=\"img\" \
         aria-label=\"A dry run in a terminal\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0f172a\"/>\n\
         <g font-family=\"ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"13\" \
         fill=\"#e2e8f0\" style=\"white-space: pre\" xml:space=\"preserve\">\n"
    );
    let mut line = |number: usize, spans: &str| {
        let y = MARGIN + (number + 1) * LINE - 4;
        out.push_str(&format!("<text y=\"{y}\">{spans}</text>\n"));
    };
    line(0, &spans(&format!("\u{1b}[2m$\u{1b}[0m {COMMAND}")));
    for (number, text) in (2..).zip(lines) {
        if !text.is_empty() {
            line(number, &spans(text));
        }
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// The parts of a line, each at its own column: whatever the font, columns stay below each other.
fn spans(line: &str) -> String {
    let mut out = String::new();
    let (mut style, mut column) = ("", 0);
    for (number, part) in line.split("\u{1b}[").enumerate() {
        let text = if number == 0 {
            part
        } else {
            let (code, text) = part.split_once('m').unwrap();
            style = match code {
                "0" => "",
                "1" => " font-weight=\"bold\"",
                "2" => " fill=\"#94a3b8\"",
                "31" => " fill=\"#f87171\"",
                "32" => " fill=\"#4ade80\"",
                "33" => " fill=\"#fbbf24\"",
                "34" => " fill=\"#60a5fa\"",
                other => panic!("a colour that the picture does not know: {other}"),
            };
            text
        };
        let shown = text.trim_start();
        let at = column + text.chars().count() - shown.chars().count();
        if !shown.is_empty() {
            let x = MARGIN as f64 + at as f64 * CHARACTER;
            let shown = shown.trim_end().replace('&', "&amp;").replace('<', "&lt;");
            out.push_str(&format!("<tspan x=\"{x:.1}\"{style}>{shown}</tspan>"));
        }
        column += text.chars().count();
    }
    out
}
