#![allow(clippy::unwrap_used, clippy::expect_used)]

mod slow;

use super::*;
use crate::report::RunMode;
use jiff::Timestamp;

#[test]
fn what_is_not_public_is_known() {
    let public = |text: &str| network::is_public(text.parse().unwrap());
    for address in
        ["1.1.1.1", "93.184.216.34", "172.15.255.255", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"]
    {
        assert!(public(address), "{address}");
    }
    for address in [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "127.9.9.9",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fc00::1",
        "fe80::1",
        "ff02::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
    ] {
        assert!(!public(address), "{address}");
    }
}

#[test]
fn a_range_holds_what_begins_with_its_bits() {
    let range: Range = "10.0.0.0/8".parse().unwrap();
    assert!(range.holds("10.255.0.1".parse().unwrap()) && !range.holds("11.0.0.1".parse().unwrap()));
    let one: Range = "127.0.0.1".parse().unwrap();
    assert!(one.holds("127.0.0.1".parse().unwrap()) && !one.holds("127.0.0.2".parse().unwrap()));
    let all: Range = "::/0".parse().unwrap();
    assert!(all.holds("fe80::1".parse().unwrap()) && !all.holds("1.1.1.1".parse().unwrap()));
    for wrong in ["", "localhost", "10.0.0.0/33", "::1/129", "10.0.0.0/", "10.0.0/8"] {
        assert!(wrong.parse::<Range>().is_err(), "{wrong}");
    }
}

#[test]
fn retry_after_is_seconds_or_a_time_and_has_a_bound() {
    let now: Timestamp = "2026-03-01T10:00:00Z".parse().unwrap();
    let seconds = |text: &str| hook::retry_after(text, now).map(|d| d.as_secs());
    assert_eq!(seconds("120"), Some(120));
    assert_eq!(seconds("Sun, 01 Mar 2026 10:05:00 GMT"), Some(300));
    assert_eq!(seconds("Sun, 01 Mar 2026 09:00:00 GMT"), Some(0));
    assert_eq!(seconds("4000000000"), Some(86_400));
    assert_eq!(seconds("soon"), None);
}

fn data() -> EndedData {
    EndedData {
        execution: "20240304T101500Z-3f9a1c".into(),
        connector: "shop".into(),
        label: "Shop".into(),
        version: Some(3),
        mode: RunMode::Live,
        state: "failed".into(),
        triggered_by: String::new(),
        queued_at: "2024-03-04T10:15:00.000Z".into(),
        started_at: None,
        ended_at: None,
        failure: None,
        url: None,
        outcome: None,
    }
}

#[test]
fn what_comes_from_outside_does_no_harm_in_an_e_mail() {
    let hostile = EndedData {
        label: format!("=1+1\r\nBcc: all@example.com\u{202e}<b>{}", "x".repeat(5_000)),
        failure: Some(format!("<script>alert(1)</script>\u{0}{}", "é".repeat(100_000))),
        triggered_by: "\"><img src=x>".into(),
        ..data()
    };
    let letter = letter(&hostile, None, &Report::Lies("<place>".into()));
    assert!(!letter.subject.contains(['\r', '\n', '\u{202e}']), "{:?}", letter.subject);
    assert!(letter.subject.chars().count() < 150, "{}", letter.subject);
    for tag in ["<script", "<img", "<b>", "<place>"] {
        assert!(!letter.html.contains(tag), "{tag}: {}", letter.html);
    }
    assert!(letter.html.contains("&#60;script&#62;alert(1)"), "{}", letter.html);
    assert!(letter.text.len() < 10_000 && letter.html.len() < 20_000);
    assert!(!letter.text.contains(['\0', '\u{202e}']));
}

#[test]
fn an_execution_that_left_no_summary_is_told_as_what_it_is() {
    let said = |data: EndedData| letter(&data, None, &Report::None).text;
    let at = || Some("2024-03-04T10:15:09.000Z".to_owned());
    let stuck = said(EndedData { state: "interrupted".into(), started_at: at(), ..data() });
    assert!(
        stuck.contains("is left to people") && stuck.contains("resume 20240304T101500Z-3f9a1c"),
        "{stuck}"
    );
    assert!(said(EndedData { ended_at: at(), ..data() }).contains("It ended before it began"));
    assert!(said(EndedData { ended_at: at(), started_at: at(), ..data() }).contains("It left no summary"));
}

#[test]
fn authorities_of_ones_own_stand_beside_the_public_ones() {
    use base64::Engine;
    use ureq::tls::RootCerts;
    let public = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
    let pem = |kind: &str, der: &[u8]| {
        let coded = base64::engine::general_purpose::STANDARD.encode(der);
        format!("What it is\n-----BEGIN {kind}-----\n{coded}\n-----END {kind}-----\n")
    };
    let two = pem("CERTIFICATE", &public[0]) + &pem("CERTIFICATE", &public[1]);
    let own = Authorities::of(two.as_bytes()).unwrap();
    let RootCerts::Specific(all) = own.for_requests() else { panic!("the public ones only") };
    assert_eq!(all.len(), public.len() + 2);
    assert!(matches!(Authorities::default().for_requests(), RootCerts::WebPki));
    let key = pem("PRIVATE KEY", b"key");
    assert_eq!(Authorities::of(key.as_bytes()).unwrap_err(), "there is no certificate in it");
}
