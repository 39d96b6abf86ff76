//! Any text as a file of an operator's catalogue: no panic, the same faults each time, each at a line that there is; and where there
//! is none, a catalogue that answers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use retoure::{
    catalog::{Catalog, CatalogError},
    classify::{self, Evidence},
    limits::Limits,
    report,
    smtp::Reply,
};

/// What a catalogue cannot do without, and little else: loading all that is built in would leave a few tries a second.
const BASE: &[(&str, &str)] = &[
    ("base.toml", BASE_TEXT),
    ("reasons.toml", include_str!("../../catalog/reasons.toml")),
    ("calibration.toml", include_str!("../../catalog/calibration.toml")),
];

const BASE_TEXT: &str = r#"
source = [
  { id = "practice", title = "Practice" }, { id = "observed", title = "Observed" }, { id = "labelled", title = "Labelled" },
]
category = [{
  id = "unknown", group = "unknown", type = "soft", scope = "none", action = "review", responsible = "list_owner",
  retry = { advised = false }, suppress = "never", name = { en = "Unknown", de = "Unbekannt" },
  summary = { en = "Unknown.", de = "Unbekannt." }, causes = { en = ["None."], de = ["Keine."] },
  steps = { en = ["Read it."], de = ["Lesen."] }, sources = ["practice"],
}]
"#;

fn load(text: &str) -> Result<Catalog, CatalogError> {
    Catalog::from_texts(&[BASE, &[("mine.toml", text)]])
}

fuzz_target!(|text: &str| {
    match load(text) {
        Err(error) => {
            let lines = text.lines().count() + 1;
            let ours = error.faults.iter().filter(|fault| fault.file == "mine.toml");
            assert!(ours.clone().all(|fault| fault.line <= lines), "a fault stands where there is something: {error}");
            let again = load(text).map(|_| ()).expect_err("what is wrong stays wrong");
            assert_eq!(again.to_string(), error.to_string(), "the same text has the same faults");
        }
        Ok(catalog) => {
            // Its dialects may be unproven; that too is told without a panic.
            let _ = report::prove(&catalog);
            let reply = Reply::parse("550 5.1.1 <anna@example.org>: User unknown; blocked using our list");
            let _ = classify::weigh(&catalog, &Evidence::of(&reply));
            let _ = report::read(&catalog, text.as_bytes(), &[], &Limits::default());
        }
    }
});
