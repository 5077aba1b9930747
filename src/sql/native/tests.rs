#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use datafusion::prelude::SessionContext;

fn context() -> SessionContext {
    let context = SessionContext::new();
    natives().into_iter().for_each(|f| context.register_udf(f.as_ref().clone()));
    context
}

/// The one cell of `SELECT expression`, as text.
async fn one(expression: &str) -> String {
    let sql = format!("SELECT {expression}");
    let batches = context().sql(&sql).await.expect(&sql).collect().await.expect(&sql);
    crate::value::cell(batches[0].column(0).as_ref(), 0).to_string()
}

/// Every pair of expression and expected text, all told at once.
async fn all(expected: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (expression, text) in expected {
        let found = one(expression).await;
        if found != *text {
            wrong.push(format!("{expression} gives {found:?}, not {text:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn accents_go_and_other_scripts_stay() {
    all(&[
        ("text_unaccent('é Ångström Straße Łódź Ørsted')", "e Angstrom Strasse Lodz Orsted"),
        ("text_unaccent('plain')", "plain"),
        ("text_unaccent('हिन्दी 한국')", "हिन्दी 한국"),
        ("text_unaccent('')", ""),
        ("text_unaccent(NULL)", ""),
    ])
    .await;
}

#[tokio::test]
async fn titles_start_words_with_large_letters() {
    all(&[
        ("text_title('ADA KING-NOEL')", "Ada King-Noel"),
        ("text_title('o''neil doesn''t, l’oréal we’ll')", "O'Neil Doesn't, L’Oréal We’ll"),
        ("text_title('ÉLAN élan straße 3rd')", "Élan Élan Straße 3rd"),
        ("text_title('e\u{301}lan')", "E\u{301}lan"),
        ("text_title('it''s ''quoted''')", "It's 'Quoted'"),
        ("text_title('')", ""),
        ("text_title(NULL)", ""),
        ("length(text_title(repeat('ab ', 100000)))", "300000"),
    ])
    .await;
}

#[tokio::test]
async fn names_are_taken_apart_in_both_orders() {
    all(&[
        ("names_first_name('Dr. Ada M. King Jr.')", "Ada"),
        ("names_middle_name('Dr. Ada M. King Jr.')", "M."),
        ("names_last_name('Dr. Ada M. King Jr.')", "King"),
        ("names_first_name('King, Ada M.')", "Ada"),
        ("names_middle_name('King, Ada M.')", "M."),
        ("names_last_name('King, Ada M.')", "King"),
        ("names_last_name('John Smith, PhD')", "Smith"),
        ("names_first_name('Smith Jr., John')", "John"),
        ("names_last_name('Smith Jr., John')", "Smith"),
        ("names_last_name('Ludwig van Beethoven')", "van Beethoven"),
        ("names_last_name('Maria de la Cruz')", "de la Cruz"),
        ("names_first_name('Van Morrison')", "Van"),
        ("names_last_name('Van Morrison')", "Morrison"),
        ("names_first_name('Madonna')", "Madonna"),
        ("names_last_name('Madonna')", ""),
        ("names_first_name('  ')", ""),
        ("names_last_name(' , ')", ""),
        ("names_first_name(NULL)", ""),
        ("names_first_name('')", ""),
        ("names_first_name('Ωνάσης, Αριστοτέλης')", "Αριστοτέλης"),
        ("names_last_name('Łukasz Żółć')", "Żółć"),
        ("length(names_last_name(repeat('Ann ', 100000)))", "3"),
    ])
    .await;
}

#[tokio::test]
async fn likeness_is_an_exact_number_and_sounds_are_soundex() {
    all(&[
        ("similar_jaro_winkler('MARTHA', 'MARHTA')", "0.961111"),
        ("similar_jaro_winkler('', '')", "1"),
        ("similar_levenshtein('kitten', 'sitting')", "0.571429"),
        ("similar_levenshtein('same', 'same')", "1"),
        ("similar_soundex('Robert')", "R163"),
        ("similar_soundex('Ashcraft')", "A261"),
        ("similar_soundex('Tymczak')", "T522"),
        ("similar_soundex('Pfister')", "P236"),
        ("similar_soundex('Lee')", "L000"),
        ("similar_soundex('42')", ""),
        ("similar_soundex(NULL)", ""),
        ("similar_soundex('')", ""),
        ("similar_soundex('Ångström')", "A523"),
        ("similar_soundex('李')", ""),
        ("similar_soundex(repeat('a', 100000))", "A000"),
        ("similar_jaro_winkler('MARTHA', NULL)", ""),
        ("similar_jaro_winkler('', 'a')", "0"),
        ("similar_jaro_winkler('Zoë', 'Zoé')", "0.822222"),
        ("similar_jaro_winkler(repeat('a', 10001), 'a')", ""),
        ("similar_levenshtein('ß', 'ß')", "1"),
        ("similar_levenshtein('日本', '日米')", "0.5"),
        ("similar_levenshtein('', '')", "1"),
        ("similar_levenshtein(NULL, 'a')", ""),
        ("similar_levenshtein(repeat('é', 2000), repeat('é', 2000))", "1"),
        ("similar_levenshtein('a', repeat('a', 10001))", ""),
    ])
    .await;
    assert_eq!(one("arrow_typeof(similar_levenshtein('a', 'b'))").await, "Decimal128(38, 12)");
}

#[tokio::test]
async fn dates_and_numbers_are_read_by_the_format_and_nothing_else() {
    all(&[
        ("parse_try_date('31/12/2024', '%Y-%m-%d', '%d/%m/%Y')", "2024-12-31"),
        ("parse_try_date('30/02/2024', '%d/%m/%Y')", ""),
        ("parse_try_date('31/12/24', '%d/%m/%Y')", ""),
        ("parse_try_date('x', '', NULL)", ""),
        ("parse_try_date('2024-12-31', NULL, '%Y-%m-%d')", "2024-12-31"),
        ("parse_try_date('31.12.2024', 'DD.MM.YYYY')", "2024-12-31"),
        ("parse_try_date('45355', 'excel')", "2024-03-04"),
        ("parse_try_date('45355', 'iso', 'excel')", "2024-03-04"),
        ("parse_try_date('1709510400', 'unix')", "2024-03-04"),
        ("parse_try_date('01/02/24', '%d/%m/%Y', '%d/%m/%y')", "2024-02-01"),
        ("parse_try_date(NULL, '%d/%m/%Y')", ""),
        ("parse_try_date('', '%d/%m/%Y')", ""),
        ("parse_try_date('٣١/١٢/٢٠٢٤', '%d/%m/%Y')", ""),
        ("parse_try_date(repeat('9', 100000), '%d/%m/%Y')", ""),
        ("parse_try_number('1.234,56', '1.234,56')", "1234.56"),
        ("parse_try_number('1.234,56', '1,234.56')", ""),
        ("parse_try_number('1234.5', '1234.56')", "1234.5"),
        ("parse_try_number('1,234', '1234.56')", ""),
        ("parse_try_number('-1 234 567,8', '1 234,56')", "-1234567.8"),
        ("parse_try_number('12,34', '1,234')", ""),
        ("parse_try_number('1e5', '1234')", ""),
        ("parse_try_number('NaN', '1234')", ""),
        ("parse_try_number('1.2345678901234', '1234.56')", ""),
        ("parse_try_number('99999999999999999999999999999999', '1234')", ""),
        ("parse_try_number(' 7 ', '1234')", "7"),
        ("parse_try_number('', '1234')", ""),
        ("parse_try_number(NULL, '1234')", ""),
        ("parse_try_number('٧', '1234')", ""),
        ("parse_try_number(repeat('9', 100000), '1234')", ""),
        ("parse_try_boolean(' Yes ')", "true"),
        ("parse_try_boolean('0')", "false"),
        ("parse_try_boolean('Y')", "true"),
        ("parse_try_boolean('n')", "false"),
        ("parse_try_boolean('maybe')", ""),
        ("parse_try_boolean('')", ""),
        ("parse_try_boolean(NULL)", ""),
        ("parse_try_boolean(repeat('t', 100000))", ""),
    ])
    .await;
}

#[tokio::test]
async fn contacts_get_one_spelling_or_none() {
    all(&[
        ("contact_email(' Ada@Example.COM ')", "ada@example.com"),
        ("contact_email('ada@localhost')", ""),
        ("contact_email('Ada <ada@example.com>')", ""),
        ("contact_email('ada at example.com')", ""),
        ("contact_phone('020 7946 0018', 'gb')", "+442079460018"),
        ("contact_phone('+41 44 668 18 00', 'US')", "+41446681800"),
        ("contact_phone('+41 44 668 18 00', '')", "+41446681800"),
        ("contact_phone('12', 'US')", ""),
        ("contact_email(NULL)", ""),
        ("contact_email('')", ""),
        ("contact_email('jörg@bücher.de')", "jörg@bücher.de"),
        ("contact_email('ada\u{200b}@example.com')", ""),
        ("contact_email(repeat('a', 100000) || '@example.com')", ""),
        ("contact_phone(NULL, 'GB')", ""),
        ("contact_phone('', 'GB')", ""),
        ("contact_phone('٠٢٠ ٧٩٤٦ ٠٠١٨', 'GB')", "+442079460018"),
        ("contact_phone(repeat('9', 100000), 'GB')", ""),
    ])
    .await;
}

#[tokio::test]
async fn columns_of_every_kind_of_text_are_read_row_by_row() {
    let sql = "SELECT text_unaccent(arrow_cast(c, 'Utf8View')) || text_unaccent(arrow_cast(c, 'LargeUtf8')) \
               AS both FROM (VALUES ('é'), (NULL), ('ö')) AS t(c)";
    let batches = context().sql(sql).await.unwrap().collect().await.unwrap();
    let cells = batches
        .iter()
        .flat_map(|b| (0..b.num_rows()).map(|i| crate::value::cell(b.column(0).as_ref(), i).to_string()));
    assert_eq!(cells.collect::<Vec<_>>(), ["ee", "", "oo"]);
}

#[tokio::test]
async fn a_number_or_a_wrong_count_is_refused_when_planned() {
    let told = |sql: &'static str| async move { context().sql(sql).await.unwrap_err().to_string() };
    assert!(told("SELECT text_unaccent(3)").await.contains("takes text"));
    assert!(told("SELECT text_unaccent('a', 'b')").await.contains("takes 1 arguments"));
    // A format that means nothing would give NULL on every row.
    assert!(told("SELECT parse_try_date('2024-12-31', '%')").await.contains("not a date pattern"));
    assert!(told("SELECT parse_try_number('7', 'what')").await.contains("`what` is not a number format"));
    assert!(told("SELECT contact_phone('7', 'nowhere')").await.contains("two letters, such as GB"));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_a_function_panic(a in "\\PC{0,40}", b in "\\PC{0,12}") {
        for (_, least, _, body) in FUNCTIONS {
            let row = [Some(a.as_str()), Some(b.as_str())];
            let row = row.get(..*least).unwrap();
            match body {
                Body::Text(f) => drop(f(row)),
                Body::Number(f) => drop(f(row)),
                Body::Read(base) => drop(parse::Reader::new(*base).read(row)),
            }
        }
    }
}
