//! Report mails of our own, one a quirk: each must give what `reports/expected.jsonl` says, and a snapshot holds the whole report.
//! `INSTA_UPDATE=always cargo test --test reports` writes the snapshots anew, to be read before they are committed.

#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

use std::{collections::BTreeMap, path::Path, sync::LazyLock};

use retoure::{
    catalog::Catalog,
    classify::{Fields, ReportView},
    limits::Limits,
    report,
};
use serde_json::{Value, json};

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::built_in().unwrap());

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reports"))
}

/// Every mail by its file name, with what it must give.
fn mails() -> BTreeMap<String, (Vec<u8>, Value)> {
    let expected = std::fs::read_to_string(folder().join("expected.jsonl")).unwrap();
    let mails: BTreeMap<_, _> = expected
        .lines()
        .map(|line| {
            let expected: Value = serde_json::from_str(line).unwrap();
            let name = expected["file"].as_str().unwrap().to_owned();
            let mail = std::fs::read(folder().join(&name)).unwrap();
            (name, (mail, expected))
        })
        .collect();
    assert!(mails.len() > 100, "{} mails were found", mails.len());
    mails
}

fn read(mail: &[u8], fields: Fields) -> Value {
    let wanted = ["x-campaign-id".to_owned(), "feedback-id".to_owned()];
    let report = report::read(&CATALOG, mail, &wanted, &Limits::default());
    json!(ReportView::new(&CATALOG, &report, "en", fields))
}

/// Mails that are answered otherwise than they should be, and why that is left so.
const KNOWN_TO_DIFFER: [(&str, &str); 4] = [
    ("sieve_reject_as_mdn.eml", "the reason is free text of a person; that a filter refused stands outside it"),
    (
        "postmaster_is_a_person.eml",
        "a person writes as postmaster about a certificate; nothing but the sense tells it from a report",
    ),
    ("ses_sns_notification_cut_short.eml", "half a JSON document is not guessed at"),
    ("quoted_printable_status_cut_short.eml", "mail-parser keeps the raw text of a part that ends within an escape"),
];

#[test]
fn every_mail_gives_what_is_expected() {
    let mut wrong = Vec::new();
    for (name, (mail, expected)) in mails() {
        let report = read(&mail, Fields::Core);
        let differs = difference(&report, &expected);
        let is_known = KNOWN_TO_DIFFER.iter().any(|(known, _)| *known == name);
        match differs {
            Some(what) if !is_known => wrong.push(format!("{name}: {what}")),
            None if is_known => wrong.push(format!("{name}: is right now; take it off the list of those that differ")),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// In what a report differs from what is expected: its kind, its recipients, their codes, types and categories.
fn difference(report: &Value, expected: &Value) -> Option<String> {
    if report["kind"] != expected["kind"] {
        return Some(format!("kind {}, expected {}", report["kind"], expected["kind"]));
    }
    let found = report["recipients"].as_array().unwrap();
    let wanted = expected["recipients"].as_array().unwrap();
    if found.len() != wanted.len() {
        let addresses: Vec<&Value> = found.iter().map(|one| &one["recipient"]).collect();
        return Some(format!("recipients {addresses:?}, expected {}", wanted.len()));
    }
    wanted.iter().find_map(|wanted| {
        let any_of = |main: &str, others: &str| -> Vec<Value> {
            let others = wanted[others].as_array().cloned().unwrap_or_default();
            std::iter::once(wanted[main].clone()).chain(others).collect()
        };
        let addresses = any_of("address", "address_alt");
        let is_free = wanted["address_free"] == true;
        let Some(one) = found.iter().find(|one| {
            is_free || addresses.contains(&one["recipient"]) || addresses.contains(&one["original_recipient"])
        }) else {
            return Some(format!("{} is missing", wanted["address"]));
        };
        let checks = [
            (
                "enhanced code",
                &one["reply"]["enhanced"],
                any_of("enhanced", "enhanced_alt"),
                wanted["enhanced"].is_null(),
            ),
            ("reply code", &one["reply"]["code"], any_of("reply", "reply_alt"), wanted["reply"].is_null()),
            ("category", &one["category"], any_of("category", "category_alt"), wanted["category"].is_null()),
            ("type", &one["type"], any_of("types", "types"), false),
        ];
        checks.into_iter().find(|(_, found, allowed, skip)| !skip && !allowed.contains(found)).map(
            |(what, found, allowed, _)| format!("{}: {what} {found}, expected one of {allowed:?}", wanted["address"]),
        )
    })
}

#[test]
fn the_whole_report_is_as_it_was() {
    for (name, (mail, _)) in mails() {
        insta::assert_json_snapshot!(name.trim_end_matches(".eml"), read(&mail, Fields::Core));
    }
}

#[test]
fn line_ends_do_not_matter() {
    // Where bytes are encoded or counted, other line ends make another mail.
    let skipped = ["utf_16", "nul_bytes", "cr_only"];
    for (name, (mail, _)) in mails() {
        if skipped.iter().any(|skip| name.starts_with(skip)) {
            continue;
        }
        let lf: Vec<u8> = mail
            .split(|byte| *byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
            .collect::<Vec<_>>()
            .join(&b'\n');
        let crlf = lf.split(|byte| *byte == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..]);
        let expected = read(&lf, Fields::Core);
        assert!(read(&crlf, Fields::Core) == expected, "{name}: LF and CRLF differ");
        let cr = lf.split(|byte| *byte == b'\n').collect::<Vec<_>>().join(&b'\r');
        assert!(read(&cr, Fields::Core) == expected, "{name}: LF and CR differ");
    }
}

#[test]
fn a_mail_cut_at_any_place_is_answered() {
    for (name, (mail, _)) in mails() {
        for part in 1..40 {
            let report = read(&mail[..mail.len() * part / 40], Fields::Core);
            assert!(report["kind"].is_string(), "{name} cut at {part}/40");
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..600), header in "(From: MAILER-DAEMON@mx.example.com\n)?(Subject: failure notice\n)?(Content-Type: multipart/report; boundary=b\n)?\n?") {
        let mail = [header.as_bytes(), &bytes].concat();
        let report = read(&mail, Fields::All);
        proptest::prop_assert!(report["kind"].is_string());
    }
}

#[test]
fn dialects_are_proven_by_their_examples() {
    if let Err(error) = report::prove(&CATALOG) {
        panic!("{error}");
    }
    assert!(CATALOG.dialects().len() > 70, "{} dialects", CATALOG.dialects().len());
}
