//! Imports, names, settings, inputs, objects, types and variables.

use super::*;

#[test]
fn imports_that_are_not_there() {
    only(
        &changed("use std.text\n", "use std.text\nuse std.dats\n"),
        Code::ImportNotFound,
        "std.dats",
        "`std.dates`",
    );
    among(
        &changed("\"./crm.sconn\"", "\"./crn.sconn\""),
        Code::ImportNotFound,
        "\"./crn.sconn\"",
        "no such file",
    );
    let near = project(&format!("{PRICES}\nuse \"./crm.scon\"\n"), &[]);
    only(&near, Code::ImportNotFound, "\"./crm.scon\"", "`crm.sconn`");
}

#[test]
fn only_files_of_the_language_are_used() {
    let source = format!("{PRICES}\nuse \"./deep/password.txt\"\n");
    let secret = project(&source, &[("deep/password.txt", "s3cret {")]);
    only(&secret, Code::ImportNotFound, "\"./deep/password.txt\"", "it does not end in .sconn");
    assert!(!listing(&secret).contains("s3cret"), "{}", listing(&secret));
}

#[test]
fn files_that_use_each_other() {
    let crm = format!("use \"./prices.sconn\"\n{CRM}");
    let found = project(PRICES, &[("crm.sconn", &crm)]);
    among(&found, Code::ImportCycle, "\"./crm.sconn\"", "use each other");
    assert_eq!(found.check().iter().filter(|d| d.code == Code::ImportCycle).count(), 2);
}

#[test]
fn names_that_two_imports_have() {
    let source = PRICES
        .replace("use std.text", "use std.text\nuse \"./old.sconn\"")
        .replace("into crm.vendors", "into vendors");
    let found = project(&source, &[("old.sconn", "object vendors { name: text }")]);
    among(&found, Code::AmbiguousName, "vendors", "`old.vendors` or `crm.vendors`");
    let plain = project(&PRICES.replace("into crm.vendors", "into vendors"), &[]);
    assert_eq!(listing(&plain), "");
}

#[test]
fn unknown_names_have_the_nearest() {
    only(&changed("into crm.vendors", "into crm.vendor"), Code::UnknownName, "crm.vendor", "`crm.vendors`");
    only(&changed("code   <- code", "code   <- cod"), Code::UnknownName, "cod", "`code`");
    only(
        &changed("load vendors into", "load vendors from vendor into"),
        Code::UnknownName,
        "vendor",
        "`vendors`",
    );
    only(
        &changed("load vendors into", "load vendors from cleaned into"),
        Code::UnknownName,
        "cleaned",
        "is a view",
    );
    only(
        &changed_crm("relationship vendors", "relationship vendor"),
        Code::UnknownName,
        "vendor",
        "`vendors`",
    );
}

#[test]
fn names_that_are_taken() {
    let twice = |text: &str| project(&format!("{PRICES}\n{text}\n"), &[]);
    among(&twice("param region: string"), Code::DuplicateName, "region", "there is already a parameter");
    among(
        &twice("view products = sql { SELECT 1 AS a }"),
        Code::DuplicateName,
        "products",
        "already a scope",
    );
    among(
        &changed("  region: string\n", "  region: string\n  code: string\n"),
        Code::DuplicateName,
        "code",
        "variable `code`",
    );
    among(
        &changed("  sku: \"SKU\"", "  sku: \"SKU\"\n  sku: \"SKU\""),
        Code::DuplicateName,
        "sku",
        "column `sku`",
    );
    among(
        &changed_crm("email:  email", "email:  email\n  email: text"),
        Code::DuplicateName,
        "email",
        "field `email`",
    );
    let twice = twice("use \"./crm.sconn\"");
    among(&twice, Code::DuplicateName, "use \"./crm.sconn\"".trim_start_matches("use "), "used twice");
}

#[test]
fn names_that_are_reserved() {
    among(&changed_crm("code:   text unique", "id:   text unique"), Code::ReservedName, "id", "its own `id`");
    among(&changed_crm("email:  email", "_email:  email"), Code::ReservedName, "_email", "cannot be called");
    among(&changed("view cleaned", "view records"), Code::ReservedName, "records", "means something else");
    among(&changed("source:  string", "product_id:  string"), Code::ReservedName, "product_id", "exposes");
}

#[test]
fn settings_are_checked() {
    let set = |text: &str| changed("  concurrency 1\n", &format!("  {text}\n"));
    only(&set("concurency 1"), Code::UnknownSetting, "concurency", "`concurrency`");
    only(&set("concurrency \"many\""), Code::BadSetting, "\"many\"", "whole number");
    only(&changed("chunk       500", "chunk 0"), Code::BadSetting, "0", "from 1 to 100000");
    only(
        &set("notify \"a@example.com\", \"nobody\""),
        Code::BadSetting,
        "\"a@example.com\", \"nobody\"",
        "not an e-mail",
    );
    only(&set("memory 2m"), Code::BadSetting, "2m", "2GiB");
    only(&set("timezone \"Europe/Berln\""), Code::UnknownTimezone, "\"Europe/Berln\"", "Europe/Berlin");
    let trigger = |text: &str| project(&format!("connector prices {{ {text} }}\n"), &[]);
    only(&trigger("trigger spreadshet"), Code::BadSetting, "spreadshet", "`spreadsheet`");
    only(&trigger("trigger schedule { cron \"every day\" }"), Code::BadCron, "\"every day\"", "five fields");
    only(
        &trigger("trigger schedule { cron \"61 6 * * *\" }"),
        Code::BadCron,
        "\"61 6 * * *\"",
        "\"61\" is no minute (0-59)",
    );
    for (line, comes) in [
        ("0 0 31 2 *", false),
        ("0 0 31 4,6,9,11 *", false),
        ("0 0 29 2 *", true),
        ("0 0 L 2 *", true),
        ("0 0 31 2 MON", true),
        ("0 0 31 * *", true),
    ] {
        let found = trigger(&format!("trigger schedule {{ cron \"{line}\" }}"));
        if comes {
            assert_eq!(listing(&found), "", "{line}");
        } else {
            only(&found, Code::BadCron, &format!("\"{line}\""), "look at day and month");
        }
    }
    assert_eq!(listing(&trigger("trigger schedule { cron \"0 6 * * MON\" timezone \"Europe/Berlin\" }")), "");
    for (cron, message) in [
        ("1,,2 * * * *", "\"1,,2\" is no minute (0-59)"),
        ("0 6, * * *", "\"6,\" is no hour (0-23)"),
        ("*/100 * * * *", "\"*/100\" steps by 100"),
        ("0 0 1-9/40 * *", "\"1-9/40\" steps by 40"),
        ("@reboot", "the words are @hourly, @daily"),
        ("@every 5m", "there is no schedule \"@every 5m\""),
        ("@dayly", "did you mean \"@daily\"?"),
    ] {
        let written = format!("\"{cron}\"");
        only(&trigger(&format!("trigger schedule {{ cron {written} }}")), Code::BadCron, &written, message);
    }
    for cron in ["@Annually", "*/60 * * * *", "0 6 L * *", "0 6 15W * *", "0 6 * * FRI#2", "0 6 * * 5L"] {
        assert_eq!(listing(&trigger(&format!("trigger schedule {{ cron \"{cron}\" }}"))), "", "{cron}");
    }
    let count = |count: &str| trigger(&format!("trigger webhook {{ verify nothing count {count} }}"));
    only(&count("60000"), Code::BadSetting, "60000", "from 1 to 50000");
    assert_eq!(listing(&count("50000")), "");
    only(&trigger("trigger webhook { bach 5m verify nothing }"), Code::UnknownSetting, "bach", "`batch`");
    only(&trigger("trigger webhook { verify tokens }"), Code::BadSetting, "tokens", "`token`");
    let open = "trigger webhook { batch 5m }";
    among(&trigger(open), Code::WebhookWithoutSecret, open, "`verify nothing`");
    only(
        &trigger("trigger schedule { cron \"@daily\" missed run_twice }"),
        Code::BadSetting,
        "run_twice",
        "`missed` cannot be `run_twice`",
    );
    assert_eq!(listing(&trigger("trigger schedule { cron \"@daily\" missed run_all }")), "");
}

#[test]
fn a_trigger_hands_in_its_own_table_alone() {
    let said = "a schedule hands in `input.schedule` alone";
    among(
        &changed("trigger     spreadsheet", "trigger schedule { cron \"@daily\" }"),
        Code::InputNotFed,
        "prices",
        said,
    );
    let own = "connector p { trigger webhook { verify none } }\ninput webhooks { body: \"body\" }\n";
    assert!(project(own, &[]).check().iter().all(|d| d.code != Code::InputNotFed));
}

#[test]
fn secrets_are_not_written_out() {
    let set = |text: &str| changed("  concurrency 1\n", &format!("  {text}\n"));
    only(
        &set("on_end \"https://me:pass@example.com/x\""),
        Code::SecretWrittenOut,
        "\"https://me:pass@example.com/x\"",
        "secret(\"NAME\")",
    );
    only(&set("api_key \"123\""), Code::SecretWrittenOut, "\"123\"", "written out");
    assert_eq!(listing(&set("on_end secret(\"HOOK\")")), "");
    only(
        &project("connector prices { trigger webhook { secret \"abc\" } }\n", &[]),
        Code::SecretWrittenOut,
        "\"abc\"",
        "secret(\"NAME\")",
    );
}

#[test]
fn connectors_are_one_a_file() {
    only(
        &project(&format!("{PRICES}\nconnector second {{ }}\n"), &[]),
        Code::SeveralConnectors,
        "second",
        "file of its own",
    );
    let start = PRICES.find("use std").unwrap();
    only(&project(&PRICES[start..], &[]), Code::NoConnector, "vendors", "no connector");
}

#[test]
fn the_sample_is_held_against_the_inputs() {
    let mut found = project(PRICES, &[]);
    found.set_sample(SampleFacts::Unreadable { message: "there is no such file".into() });
    only(&found, Code::SampleUnreadable, "\"samples/prices.csv\"", "there is no such file");
    let mut headers = HEADERS.to_vec();
    headers[4] = "Unit Pricee";
    headers.remove(2);
    found.set_sample(sample(&headers, &[]));
    only(&found, Code::SampleLacksColumn, "\"Unit Price\"", "\"Unit Pricee\"");
    let start = PRICES.find("input prices").unwrap();
    let end = PRICES.find("view cleaned").unwrap();
    let mut undeclared = project(&format!("{}{}", &PRICES[..start], &PRICES[end..]), &[]);
    undeclared.set_sample(sample(&HEADERS, &[]));
    assert_eq!(listing(&undeclared), "");
    let nothing =
        changed("  sample      \"samples/prices.csv\"\n", "").text(crate::text::FileId(0)).to_owned();
    let bare = project(&format!("{nothing}\ninput more\n"), &[]);
    among(&bare, Code::ColumnsUnknown, "more", "declare the columns");
}

#[test]
fn objects_are_checked() {
    only(&changed_crm("email:  email", "email:  emial"), Code::UnknownFieldType, "emial", "`email`");
    only(&changed_crm("money USD", "money"), Code::MissingFieldArgument, "money", "currency");
    only(&changed_crm("money USD", "money XQX"), Code::MissingFieldArgument, "XQX", "ISO 4217");
    only(
        &changed_crm("relationship vendors", "relationship"),
        Code::MissingFieldArgument,
        "relationship",
        "points to",
    );
    only(&changed_crm("\"EMEA\", \"AMER\"", "\"EMEA\", \"EMEA\""), Code::BadOptions, "\"EMEA\"", "twice");
    only(
        &changed_crm("dropdown [\"EMEA\", \"AMER\", \"APAC\"]", "dropdown"),
        Code::BadOptions,
        "dropdown",
        "no options",
    );
    only(
        &changed_crm("origin: text", "origin: text [\"a\"]"),
        Code::OptionsNotAllowed,
        "\"a\"",
        "has no options",
    );
    only(&changed_crm("code:   text unique", "code:   text uniqe"), Code::UnknownFlag, "uniqe", "`unique`");
    among(
        &project(&format!("{PRICES}\nobject extra {{ code: text }}\n"), &[]),
        Code::ObjectWithoutName,
        "extra",
        "`name: text required`",
    );
}

#[test]
fn variables_have_types_formats_and_splits() {
    only(&changed("price:   number", "price:   nummber"), Code::UnknownType, "nummber", "`number`");
    only(&changed("format yes_no", "format yes_maybe"), Code::FormatWithoutMeaning, "yes_maybe", "");
    only(&changed("split \";\"", "split \"#\""), Code::BadSplit, "\"#\"", "separators");
    only(&changed(" split \";\"", ""), Code::BadSplit, "string[]", "split \";\"");
    only(
        &changed("sku:     string", "sku:     string split \";\""),
        Code::BadSplit,
        "\";\"",
        "only an array",
    );
    only(
        &changed("boolean format yes_no", "boolean[] split \";\""),
        Code::BadSplit,
        "boolean[]",
        "never an array",
    );
    among(&changed("= \"price list\"", "= 3"), Code::LiteralDoesNotFit, "3", "");
    only(
        &changed("string = \"EMEA\"", "number = \"EMEA\""),
        Code::LiteralDoesNotFit,
        "\"EMEA\"",
        "not a number",
    );
    let aliased = PRICES
        .replace("use std.text", "use std.text\nuse std.dates")
        .replace("date from listed_on format \"%Y-%m-%d\", \"%d/%m/%Y\"", "dates.us_date from listed_on");
    let plan = project(&aliased, &[]).plan().unwrap_or_else(|d| panic!("{d:#?}"));
    let listed = &plan.queries[2].scope.as_ref().unwrap().variables[4];
    assert_eq!(listed.formats.len(), 1);
    let own = project(&format!("{PRICES}\ntype money_text = numbr\n"), &[]);
    only(&own, Code::UnknownType, "numbr", "`number`");
}

#[test]
fn days_and_months_that_could_be_either_are_noticed() {
    let mut found = changed(" format \"%Y-%m-%d\", \"%d/%m/%Y\"", "");
    only(&found, Code::AmbiguousDateFormat, "date", "the day or the month");
    found.set_sample(sample(&HEADERS, &[]));
    assert_eq!(listing(&found), "");
    found.set_sample(sample(&HEADERS, &["listed_on"]));
    only(&found, Code::AmbiguousDateFormat, "date", "month comes first");
}

#[test]
fn the_instants_of_triggers_are_never_ambiguous() {
    const WEBHOOK: &str = "webhook { verify nothing }";
    for (trigger, input, scope) in [
        (WEBHOOK, "", "from input.webhooks { at: date from timestamp }"),
        (WEBHOOK, "", "{ sql { SELECT w.timestamp AS at FROM input.webhooks w ORDER BY 1 } at: datetime }"),
        (WEBHOOK, "", "from renamed { at: date }"),
        (WEBHOOK, "input webhooks { day: \"timestamp\" }", "from input.webhooks { at: date from day }"),
        (
            "schedule { cron \"0 6 * * *\" }",
            "",
            "from input.schedule { at: date from schedule_trigger_time }",
        ),
    ] {
        let view = if scope.contains("renamed") {
            "view renamed = sql { SELECT timestamp AS at FROM input.webhooks }"
        } else {
            ""
        };
        let text = format!("connector c {{ trigger {trigger} }}\n{input}\n{view}\nscope x_errors {scope}\n");
        assert_eq!(listing(&project(&text, &[])), "", "{text}");
    }
    let body = "connector c { trigger webhook { verify nothing } }\nscope x_errors { sql { SELECT \
                substr(body, 1, 10) AS at FROM input.webhooks } at: date }";
    only(&project(body, &[]), Code::AmbiguousDateFormat, "date", "the day or the month");
}

#[test]
fn scopes_have_rows() {
    let empty = project(&format!("{PRICES}\nscope more {{ a: string }}\n"), &[]);
    only(&empty, Code::ScopeWithoutQuery, "more", "from input");
    let from = project(
        &PRICES.replace("scope price_errors {\n  sql { SELECT sku, vendor_code FROM input.prices WHERE unit_price IS NULL }\n}", "scope price_errors from input.prices { }"),
        &[],
    );
    assert_eq!(listing(&from), "");
    let wrong = project(&format!("{PRICES}\nscope more_errors from input.pricess {{ }}\n"), &[]);
    only(&wrong, Code::SqlUnknownTable, "input.pricess", "prices");
}

#[test]
fn what_a_table_of_meta_lists_is_used() {
    let reads = |what: &str| {
        let text = format!(
            "param area: string = \"EMEA\"\ninput spare {{ a: \"A\" }}\nview facts = sql {{ SELECT * FROM \
             meta.{what} }}\nscope more_errors {{ sql {{ SELECT name FROM facts WHERE name = 'area' }} }}"
        );
        project(&format!("{PRICES}\n{text}\n"), &[])
    };
    only(&reads("parameters"), Code::UnusedInput, "spare", "nothing reads");
    only(&reads("inputs"), Code::UnusedParam, "area", "no SQL reads");
}

#[test]
fn what_nobody_uses_is_said() {
    let more = |text: &str| project(&format!("{PRICES}\n{text}\n"), &[]);
    only(&more("param limit: number = 3"), Code::UnusedParam, "limit", "$limit");
    only(&more("view spare = sql { SELECT sku FROM cleaned }"), Code::UnusedView, "spare", "nothing reads");
    only(
        &more("scope spare { sql { SELECT sku FROM cleaned } sku: string }"),
        Code::UnusedScope,
        "spare",
        "load spare into",
    );
    only(&more("input spare { a: \"A\" }"), Code::UnusedInput, "spare", "nothing reads");
    only(&more("use std.names"), Code::UnusedImport, "use std.names", "nothing of");
    only(&changed("    origin <- source\n", ""), Code::UnusedVariable, "source", "no load step");
    let column = PRICES.replace("SELECT *, text.code(vendor_code) AS code FROM", "SELECT vendor_name, vendor_email, sku, unit_price, active, listed_on, tags, updated_at, text.code(vendor_code) AS code FROM");
    assert_eq!(listing(&project(&column, &[])), "");
    let column = column.replace("  tags: \"Tags\"\n", "  tags: \"Tags\"\n  spare: \"Spare\"\n");
    only(&project(&column, &[]), Code::UnusedColumn, "spare", "input.prices");
    let counted =
        "input spare { a: \"A\" }\nscope more_errors { sql { SELECT count(*) AS n FROM input.spare } }";
    assert_eq!(listing(&more(counted)), "");
}

#[test]
fn a_broken_item_does_not_hide_the_rest() {
    let found = project(
        &PRICES
            .replacen("  name   <- name\n", "  name   <- \n", 1)
            .replace("into crm.products", "into crm.product"),
        &[],
    );
    among(&found, Code::UnknownName, "crm.product", "`crm.products`");
    assert!(found.check().iter().any(|d| d.code.id() < "SC0100"), "{}", listing(&found));
    assert!(found.check().iter().all(|d| d.code != Code::NameNotMapped), "{}", listing(&found));
}

#[test]
fn a_text_that_never_ends_is_told_once() {
    let source = "input p { a: \"A\" }\nscope e_errors {\n  sql { SELECT a FROM input.p WHERE a = 'x }\n}\n";
    only(&project(source, &[]), Code::UnclosedText, "'", "never closed");
}

#[test]
fn a_setting_without_a_value_hides_no_other() {
    let found = project("connector a {\n  chunk 5m\n  description\n}\n", &[]);
    let codes: Vec<_> = found.check().iter().map(|d| d.code).collect();
    assert_eq!(codes, [Code::BadSetting, Code::MissingPart], "{}", listing(&found));
}

#[test]
fn a_name_of_a_file_that_is_not_used_says_how_to_use_it() {
    let source = "object a \"A\" {\n  name: text\n  b: relationship erp.plants\n}\n";
    only(&project(source, &[]), Code::UnknownName, "erp.plants", "use \"./erp.sconn\"");
    let missing = format!("use \"./lost/erp.sconn\"\n{source}");
    // What the missing file may have is told once, at the `use`.
    only(&project(&missing, &[]), Code::ImportNotFound, "\"./lost/erp.sconn\"", "no such file");
}

#[test]
fn one_slip_is_one_finding() {
    let texts = [
        // A format without meaning is no missing format.
        ("format \"%Y-%m-%d\", \"%d/%m/%Y\"", "format \"%Y\"", Code::FormatWithoutMeaning),
        // The variables of a scope that could not be read in full.
        ("  email:  email\n", "  email  email\n", Code::MissingPart),
        ("scope vendors {", "scope vendors", Code::MissingBrace),
        ("FROM cleaned GROUP BY code\n  }", "FROM cleaned GROUP BY code\n", Code::MissingBrace),
        // A header without its quotes still has its column.
        ("vendor_code: \"Vendor Code\"", "vendor_code: Vendor Code", Code::MissingPart),
        ("sku: \"SKU\"", "sku = \"SKU\"", Code::UnexpectedText),
        // What a file that is not there may have.
        ("use \"./crm.sconn\"", "use \"./crn.sconn\"", Code::ImportNotFound),
        ("use \"./crm.sconn\"", "use ./crm.sconn", Code::MissingPart),
    ];
    for (from, to, code) in texts {
        let found = changed(from, to);
        let errors = found.check();
        assert_eq!(errors.iter().map(|d| d.code).collect::<Vec<_>>(), [code], "{to}\n{}", listing(&found));
    }
    let nameless = changed_crm(
        "object vendors \"Vendors\" {\n  name:   text required\n",
        "object vendors \"Vendors\" {\n",
    );
    let codes: Vec<_> = nameless.check().iter().map(|d| d.code).collect();
    assert_eq!(codes, [Code::ObjectWithoutName], "{}", listing(&nameless));
}

#[test]
fn types_are_known_by_their_foreign_names() {
    only(
        &changed("email:  email", "email:  varchar"),
        Code::UnknownType,
        "varchar",
        "did you mean `string`?",
    );
    only(
        &changed_crm("origin: text", "origin: string"),
        Code::UnknownFieldType,
        "string",
        "did you mean `text`?",
    );
}
