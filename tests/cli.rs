//! The command line: help, errors, what goes where, and the commands that look at records.

use crate::common::{Output, sconn, sconn_in};
use std::path::Path;

/// Every command, as `--help` lists them.
fn commands() -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    let mut next = 0;
    while next < all.len() {
        let command: Vec<String> = all[next].clone();
        let args: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
        let help = sconn(&args).stdout;
        let list = help.lines().skip_while(|l| *l != "Commands:").skip(1).take_while(|l| !l.is_empty());
        let names = list.filter(|l| l.starts_with("  ") && !l.starts_with("   "));
        for name in names.filter_map(|l| l.split_whitespace().next()).filter(|n| *n != "help") {
            all.push([command.as_slice(), &[name.to_owned()]].concat());
        }
        next += 1;
    }
    all
}

#[test]
fn the_help_of_every_command_has_an_example_that_the_command_line_takes() {
    let all = commands();
    assert!(all.len() > 35, "{all:?}");
    for command in all {
        let help: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
        let help = sconn(&help);
        assert_eq!(help.code, 0, "{command:?}");
        let lines: Vec<&str> = help.stdout.lines().skip_while(|l| !l.starts_with("Example")).collect();
        let examples: Vec<&str> = lines.iter().filter_map(|l| l.strip_prefix("  sconn ")).collect();
        assert!(!examples.is_empty(), "{command:?} has no example");
        for example in examples {
            // What the shell does with a text is not ours to try.
            let words: Vec<&str> = example.split('>').next().unwrap().split_whitespace().collect();
            let words: Vec<&str> = words.into_iter().filter(|w| *w != "list'").collect();
            let folder = tempfile::tempdir().unwrap();
            let done = sconn_in(folder.path(), &words);
            // Which is also said of what is missing; `sconn tokens` alone is told its commands.
            assert!(!done.stderr.contains("try '--help'"), "{example}: {}", done.stderr);
            assert!(!done.stderr.contains("Usage:"), "{example}: {}", done.stderr);
        }
    }
    let version = sconn(&["--version"]);
    assert_eq!(
        (version.code, version.stdout.as_str()),
        (0, concat!("sconn ", env!("CARGO_PKG_VERSION"), "\n"))
    );
}

/// A folder with the price list's example in it.
fn desk() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let from = Path::new("examples/vendor_prices");
    for name in ["vendor_prices.sconn", "crm.sconn"] {
        std::fs::copy(from.join(name), folder.path().join(name)).unwrap();
    }
    std::fs::create_dir(folder.path().join("samples")).unwrap();
    std::fs::copy(from.join("samples/prices.csv"), folder.path().join("samples/prices.csv")).unwrap();
    folder
}

fn refused(folder: &Path, args: &[&str]) -> Output {
    let done = sconn_in(folder, args);
    assert_eq!(done.code, 2, "{args:?}: {}{}", done.stdout, done.stderr);
    done
}

#[test]
fn what_cannot_be_done_is_told_in_one_way() {
    let folder = desk();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    let run = ["run", "vendor_prices.sconn", "--input", "samples/prices.csv"];
    let with = |more: &[&'static str]| [&run[..], more].concat();
    for (args, what, mend) in [
        (
            vec!["check", "no.sconn"],
            "no.sconn: there is no such file or folder",
            "hand in the path of a .sconn",
        ),
        (vec!["check", "empty"], "there is no .sconn file in empty", "hand in a file or a folder"),
        (vec!["check", "samples/prices.csv"], "samples/prices.csv: this is no connector", "ends in .sconn"),
        (vec!["plan", "samples/prices.csv"], "samples/prices.csv: this is no connector", "ends in .sconn"),
        (vec!["plan", "."], ".: this is a folder, not a connector", "hand in the path of a .sconn"),
        (vec!["explain", "SC0100"], "there is no diagnostic SC0100", "did you mean SC0101?"),
        (vec!["explain", "599"], "there is no diagnostic SC0599", "did you mean SC0509?"),
        (vec!["explain", "x"], "there is no diagnostic X", "shows each finding's code"),
        (vec!["records", "list", "products"], ".sconn/store.sqlite: there is no such file", "first live run"),
        (vec!["schema", "show", "--target", "crm"], "there is no target `crm`", "add it to sconn.toml"),
        (with(&["--param", "regio=X"]), "the connector has no parameter `regio`", "did you mean `region`?"),
        (with(&["--param", "region"]), "`region` is no parameter", "write --param NAME=VALUE"),
        (
            with(&["--param=region=A", "--param=region=B"]),
            "the parameter `region` is given twice",
            "leave one",
        ),
        (with(&["--target", "crm"]), "there is no target `crm`", "add it to sconn.toml"),
        (with(&["--target", "."]), ".: this is a folder", "check the path"),
        (with(&["--out", "crm.sconn"]), "crm.sconn: this is a file, not a folder", "--out"),
        (
            vec!["run", "vendor_prices.sconn"],
            "the connector reads input, and no file was given",
            "--input FILE",
        ),
        (vec!["run", "vendor_prices.sconn", "-i", "no.csv"], "no.csv: there is no such file", "--input"),
        (vec!["run", "vendor_prices.sconn", "-i", "samples"], "samples: this is a folder", "--input FILE"),
    ] {
        let done = refused(folder.path(), &args);
        let lines: Vec<&str> = done.stderr.lines().collect();
        let at = lines
            .iter()
            .position(|l| l.starts_with("error: "))
            .unwrap_or_else(|| panic!("{args:?}: {}", done.stderr));
        assert!(lines[at].contains(what), "{args:?}: {}", done.stderr);
        assert!(
            lines[at + 1].starts_with("  help: ") && lines[at + 1].contains(mend),
            "{args:?}: {}",
            done.stderr
        );
        assert!(!done.stderr.contains("os error") && !done.stdout.contains("error:"), "{args:?}");
        assert!(!folder.path().join(".sconn/store.sqlite").exists(), "{args:?}");
    }
}

#[test]
fn results_and_progress_keep_apart_and_colour_is_for_those_who_ask() {
    let folder = desk();
    let run = ["run", "vendor_prices.sconn", "--input", "samples/prices.csv"];
    let text = sconn_in(folder.path(), &run);
    assert_eq!(text.code, 1);
    assert!(text.stdout.starts_with("Vendor price list: completed with errors (dry run"), "{}", text.stdout);
    assert_eq!(text.stderr.lines().next(), Some("reading input"));
    assert!(!text.stdout.contains("reading input") && !text.stdout.contains('\u{1b}'));
    // The last line says where the report lies.
    let report = text.stdout.lines().last().unwrap().trim().strip_prefix("report ").unwrap().trim();
    assert!(folder.path().join(report).is_file(), "{report}");

    let json = sconn_in(folder.path(), &[&run[..], &["--format", "json", "--no-report"]].concat());
    let summary: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((json.code, &summary["exit_status"]), (1, &1.into()));
    assert!(summary["artefacts"]["report"].is_null());

    // NO_COLOR is set here; the flag is the stronger word.
    let painted = sconn_in(folder.path(), &[&run[..], &["--color", "always"]].concat());
    assert!(painted.stdout.contains("\u{1b}[33mcompleted with errors\u{1b}[0m"), "{}", painted.stdout);
    assert_eq!(
        refused(folder.path(), &["check", "no", "--color", "always"]).stderr.matches('\u{1b}').count(),
        4
    );

    let narrow = std::process::Command::new(env!("CARGO_BIN_EXE_sconn"))
        .args(run)
        .current_dir(folder.path())
        .env("COLUMNS", "40")
        .output()
        .unwrap();
    let narrow = String::from_utf8(narrow.stdout).unwrap();
    let long = narrow.lines().find(|l| l.chars().count() > 40 && !l.contains("/executions/"));
    assert_eq!(long, None);
}

#[test]
fn cells_that_look_like_formulas_are_guarded_where_asked() {
    use std::io::Read;
    let folder = desk();
    for (more, cell) in [
        (&[][..], ",\"=HYPERLINK(\"\"x\"\")\","),
        (&["--guard-formulas"][..], ",\"'=HYPERLINK(\"\"x\"\")\","),
    ] {
        let run = ["run", "vendor_prices.sconn", "--input", "samples/prices.csv", "--out", "out"];
        assert_eq!(sconn_in(folder.path(), &[&run[..], more].concat()).code, 1);
        let zip = std::fs::File::open(folder.path().join("out/sql-output.zip")).unwrap();
        let mut text = String::new();
        zip::ZipArchive::new(zip)
            .unwrap()
            .by_name("products.csv")
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        assert!(text.contains(cell), "{text}");
    }
}

#[test]
fn check_says_the_same_in_three_ways() {
    let folder = desk();
    let path = folder.path().join("vendor_prices.sconn");
    let text = std::fs::read_to_string(&path).unwrap().replace("match sku with sku", "match sku with skuu");
    std::fs::write(&path, text).unwrap();
    let check = |more: &[&str]| {
        let done = sconn_in(folder.path(), &[&["check"], more].concat());
        assert_eq!((done.code, done.stderr.as_str()), (1, ""), "{}", done.stdout);
        done.stdout
    };
    let full = check(&[]);
    assert!(full.contains("error[SC0101]") && full.contains("help: did you mean `sku`?"), "{full}");
    let concise = check(&["--format", "concise", "."]);
    assert!(concise.contains("vendor_prices.sconn:80:18: error[SC0101]"), "{concise}");
    let json: serde_json::Value =
        serde_json::from_str(&check(&["--format", "json", "crm.sconn", "vendor_prices.sconn"])).unwrap();
    assert_eq!((json.as_array().unwrap().len(), &json[0]["code"]), (1, &"SC0101".into()));
    // A connector with errors has no plan and does not run.
    let plan = sconn_in(folder.path(), &["plan", "vendor_prices.sconn"]);
    assert!((plan.code, plan.stdout.as_str()) == (1, "") && plan.stderr.contains("error[SC0101]"));
    let run = refused(folder.path(), &["run", "vendor_prices.sconn", "--input", "samples/prices.csv"]);
    assert!(run.stderr.contains("error[SC0101]") && !folder.path().join(".sconn").exists());
}

#[test]
fn records_are_listed_counted_exported_and_archived() {
    let folder = desk();
    let go = |args: &[&str]| {
        let done = sconn_in(folder.path(), args);
        assert_eq!(done.code, 0, "{args:?}: {}", done.stderr);
        done.stdout
    };
    let run = ["run", "vendor_prices.sconn", "--input", "samples/prices.csv", "--live", "--no-report"];
    assert_eq!(sconn_in(folder.path(), &run).code, 1);

    assert_eq!(go(&["records", "count", "products"]), "52\n");
    assert_eq!(go(&["records", "count", "products", "--filter", "price=1199.00"]), "1\n");
    assert_eq!(
        go(&["records", "count", "products", "--filter", "listed=", "--filter", "active=true"]),
        "2\n"
    );
    let list = sconn_in(folder.path(), &["records", "list", "products", "--limit", "3"]);
    assert_eq!((list.stdout.lines().count(), list.stderr.as_str()), (4, "3 of 52; --limit shows more\n"));

    // Columns stay below each other, also beside a script whose characters are twice as wide.
    let table = go(&["records", "list", "vendors"]);
    let wide = table.lines().find(|l| l.contains("東京")).unwrap();
    let code = table.lines().next().unwrap().find("code").unwrap();
    assert_eq!(
        wide.split("JPN").next().unwrap().chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum::<usize>(),
        code
    );

    // JSON has the fields in their order, and exact numbers as texts.
    let json = go(&["records", "list", "products", "--filter", "sku=Q-4", "--format", "json"]);
    assert!(
        json.contains("\"name\":\"Q-4\",\"sku\":\"Q-4\",\"price\":\"9007199254740993\",\"active\":true"),
        "{json}"
    );
    let csv = go(&["records", "export", "vendors"]);
    assert!(csv.starts_with("id,name,code,email,region,_created_at,_updated_at,_archived\n"), "{csv}");
    assert!(csv.contains("\"Van der Berg\nPapier B.V.\""), "{csv}");
    let none = go(&["records", "export", "vendors", "--filter", "code=NOPE"]);
    assert_eq!(none, "id,name,code,email,region,_created_at,_updated_at,_archived\n");
    assert_eq!(go(&["records", "list", "vendors", "--filter", "code=NOPE", "--format", "json"]), "[\n]\n");

    let acme = csv.lines().find(|l| l.contains(",ACM,")).unwrap().split(',').next().unwrap();
    assert!(go(&["records", "get", "vendors", acme]).contains("\ncode         ACM\n"));
    assert_eq!(go(&["records", "archive", "vendors", acme]), "1 of 1 archived\n");
    assert_eq!(go(&["records", "archive", "vendors", acme]), "0 of 1 archived; 1 already so\n");
    assert_eq!(go(&["records", "count", "vendors"]), "5\n");
    assert_eq!(go(&["records", "count", "vendors", "--filter", "_archived=true"]), "1\n");
    assert_eq!(go(&["records", "unarchive", "vendors", acme]), "1 of 1 taken out of the archive\n");
    assert_eq!(go(&["records", "count", "vendors"]), "6\n");

    for (args, what, mend) in [
        (&["list", "vendor"][..], "holds no such object", "did you mean \"vendors\"?"),
        (&["export", "vendors", "--filter", "coed=1"], "it has no field \"coed\"", "did you mean \"code\"?"),
        (&["list", "vendors", "--filter", "code"], "`code` is no filter", "write --filter FIELD=VALUE"),
        (
            &["get", "vendors", "01a20a45-c3f9-756f-bce6-3d47399954e0"],
            "vendors has no record",
            "records list vendors",
        ),
        (
            &["archive", "vendors", acme, "01a20a45-c3f9-756f-bce6-3d47399954e0"],
            "has no record",
            "shows the ids",
        ),
    ] {
        let done = refused(folder.path(), &[&["records"], args].concat());
        assert!(done.stderr.contains(what) && done.stderr.contains(mend), "{}", done.stderr);
        assert_eq!(done.stdout, "", "{args:?}");
    }
    assert_eq!(go(&["records", "count", "vendors"]), "6\n", "archiving is all or nothing");

    // What the store holds reads as the language.
    std::fs::write(folder.path().join("back.sconn"), go(&["schema", "show"])).unwrap();
    assert_eq!(go(&["check", "back.sconn"]), "1 file checked, nothing to say\n");
    assert!(
        go(&["schema", "show"])
            .contains("tags:   checkboxes [\"new\", \"sale\", \"clearance\", \"bundle\", \"eco\"]")
    );
}
