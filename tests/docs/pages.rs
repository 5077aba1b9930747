//! The tests of the pages.

use super::*;

fn clean(page: &str) {
    let wrong = run_page(page);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn the_readme_is_true() {
    clean("README.md");
}

#[test]
fn the_guide_can_be_followed() {
    clean("docs/guide.md");
}

#[test]
fn the_language_reference_is_true() {
    clean("docs/language.md");
}

#[test]
fn every_other_page_is_true() {
    let mut pages: Vec<String> = std::fs::read_dir("docs")
        .unwrap()
        .map(|e| e.unwrap().path().display().to_string())
        .filter(|p| p.ends_with(".md") && p != "docs/guide.md" && p != "docs/language.md")
        .collect();
    pages.extend(["CONTRIBUTING.md", "CHANGELOG.md"].map(str::to_owned));
    let wrong: Vec<String> = pages.iter().flat_map(|p| run_page(p)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_example_does_what_its_page_says() {
    let folders = std::fs::read_dir("examples").unwrap().map(|e| e.unwrap().path());
    let wrong: Vec<String> =
        folders.flat_map(|f| run_page(&f.join("README.md").display().to_string())).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut wrong = Vec::new();
    let mut pages: Vec<PathBuf> = vec!["README.md".into(), "CONTRIBUTING.md".into()];
    pages.extend(std::fs::read_dir("docs").unwrap().map(|e| e.unwrap().path()));
    for page in pages.iter().filter(|p| p.extension().is_some_and(|e| e == "md")) {
        let text = std::fs::read_to_string(page).unwrap();
        for link in text.split("](").skip(1).filter_map(|l| l.split(')').next()) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            if file.contains("://") {
                continue;
            }
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            if !target.exists() {
                wrong.push(format!("{}: {link}", page.display()));
            } else if !anchor.is_empty() && !anchors(&target).contains(anchor) {
                wrong.push(format!("{}: {link} has no such heading", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(page: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(page).unwrap();
    let heads = text.lines().filter(|l| l.starts_with('#')).map(|l| l.trim_start_matches('#').trim());
    heads
        .map(|h| {
            let kept = h.to_lowercase();
            kept.chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

/// `docs/std.md`, made of the library's own comments. `SCONN_WRITE=1 cargo test` writes it anew.
#[test]
fn the_page_of_the_standard_library_is_the_library() {
    let page = standard_library();
    if std::env::var_os("SCONN_WRITE").is_some() {
        std::fs::write("docs/std.md", &page).unwrap();
    }
    let there = std::fs::read_to_string("docs/std.md").unwrap();
    assert_eq!(there, page, "run the tests with SCONN_WRITE=1 to write docs/std.md anew");
}

fn standard_library() -> String {
    let mut page = vec![
        "# The standard library".to_owned(),
        "`use std.text` brings in a module. Its functions are called in SQL as `text.code(…)`, or `code(…)` where only \
         one import\nhas the name; its types are for variables: `listed: dates.eu_date`. No value in gives no value \
         out, unless the function\nsays otherwise."
            .to_owned(),
        "This page is made of the comments in `stdlib/`; a test holds it to them.".to_owned(),
    ];
    for module in sconn::library::names() {
        let text = sconn::library::file(module).unwrap();
        let about: Vec<&str> = text.lines().map_while(|l| l.strip_prefix("# ")).collect();
        page.extend([format!("## {module}"), about.join(" ")]);
        for (head, doc) in library_items(text) {
            let (kind, head) = head.split_once(' ').unwrap();
            let name = head.split(['(', ' ']).next().unwrap();
            page.push(format!("### {module}.{name}"));
            page.push(if kind == "fn" { format!("`{module}.{head}`") } else { format!("`{head}`") });
            for line in doc {
                page.push(match line.strip_prefix("Example: ").and_then(|e| e.split_once(" = ")) {
                    Some((call, result)) => format!("`{call}` gives `{result}`"),
                    None => line.to_owned(),
                });
            }
        }
    }
    page.join("\n\n") + "\n"
}

/// Every function's or type's head on one line, with the lines of its doc comment.
fn library_items(text: &str) -> Vec<(String, Vec<&str>)> {
    let mut found = Vec::new();
    let mut doc = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(text) = line.strip_prefix("##") {
            doc.push(text.trim());
            continue;
        }
        if ["fn ", "native fn ", "type "].iter().any(|k| line.starts_with(k)) {
            let mut head = line.to_owned();
            // A long list of parameters runs over several lines.
            while head.contains('(') && !head.contains(')') {
                head.push(' ');
                head.push_str(lines.next().unwrap().trim());
            }
            let head = head.trim_start_matches("native ").replace("( ", "(").replace(" )", ")");
            let head = head.split(" = sql").next().unwrap();
            found.push((head.to_owned(), std::mem::take(&mut doc)));
        } else {
            doc.clear();
        }
    }
    found
}

/// A run that leaves a bit of everything, in a folder of its own.
fn sample_run() -> (tempfile::TempDir, PathBuf) {
    let place = workplace();
    let out = place.path().join("out");
    let connector = "examples/vendor_prices/vendor_prices.sconn";
    let input = "prices.csv";
    // With a row that cannot be read.
    let sample = std::fs::read_to_string("examples/vendor_prices/samples/prices.csv").unwrap();
    std::fs::write(place.path().join(input), format!("{sample}broken\n")).unwrap();
    let arguments = ["run", connector, "--input", input, "--out", out.to_str().unwrap()].map(str::to_owned);
    let output = sconn(place.path(), &arguments);
    assert!(out.join("summary.json").exists(), "{}", told(&output));
    (place, out)
}

#[test]
fn the_fields_of_the_summary_are_those_of_the_page() {
    let (_place, out) = sample_run();
    let summary: Value = serde_json::from_slice(&std::fs::read(out.join("summary.json")).unwrap()).unwrap();
    serde_json::from_value::<sconn::report::Summary>(summary.clone()).unwrap();
    let mut there = BTreeSet::new();
    keys(&summary, "", &mut there);
    assert_eq!(documented("docs/outputs.md", "summary.json"), there);
}

#[test]
fn the_columns_of_the_decisions_are_those_of_the_page() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let (_place, out) = sample_run();
    let file = std::fs::File::open(out.join("decisions.parquet")).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr();
    let there: BTreeSet<String> = schema.columns().iter().map(|c| c.name().to_owned()).collect();
    assert_eq!(documented("docs/outputs.md", "decisions.parquet"), there);
}

#[test]
fn a_run_leaves_the_files_of_the_page() {
    let (_place, out) = sample_run();
    let there: BTreeSet<String> = std::fs::read_dir(&out)
        .unwrap()
        .map(|e| {
            let entry = e.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().is_dir() { format!("{name}/") } else { name }
        })
        .collect();
    assert_eq!(documented("docs/outputs.md", "The folder"), there);
}

/// Every `Example:` of the library, asked of the engine in one run.
#[test]
fn every_example_of_the_standard_library_gives_what_it_says() {
    let place = tempfile::tempdir().unwrap();
    let mut uses = String::new();
    let mut scopes = String::new();
    let mut asked = Vec::new();
    for module in sconn::library::names() {
        let text = sconn::library::file(module).unwrap();
        for line in text.lines().filter_map(|l| l.strip_prefix("## Example: ")) {
            let (call, result) = line.split_once(" = ").unwrap();
            let n = asked.len();
            scopes.push_str(&format!(
                "scope e{n}_errors {{ sql {{ SELECT ({call}) IS NOT DISTINCT FROM ({result}) AS same, {call} AS got \
                 FROM input.one }} }}\n"
            ));
            asked.push(line);
            if !uses.contains(&format!("std.{module}\n")) {
                uses.push_str(&format!("use std.{module}\n"));
            }
        }
    }
    let source =
        format!("connector library {{ trigger spreadsheet }}\n{uses}input one {{ a: \"a\" }}\n{scopes}");
    std::fs::write(place.path().join("library.sconn"), source).unwrap();
    std::fs::write(place.path().join("one.csv"), "a\n1\n").unwrap();
    let arguments = ["run", "library.sconn", "--input", "one.csv", "--out", "out"].map(str::to_owned);
    let output = sconn(place.path(), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let file = std::fs::File::open(place.path().join("out/sql-output.zip")).unwrap();
    let mut zip = zip::ZipArchive::new(file).unwrap();
    for (n, line) in asked.iter().enumerate() {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut zip.by_name(&format!("e{n}_errors.csv")).unwrap(), &mut text)
            .unwrap();
        assert!(text.starts_with("same,got\ntrue,"), "{line}: {text}");
    }
    assert!(asked.len() >= 15, "{}", asked.len());
}
