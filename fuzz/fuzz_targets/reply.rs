//! Any text as a reply: no panic, a verdict, and never hard where a code is transient.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use retoure::{
    catalog::{BounceType, Catalog},
    classify::{self, Evidence, Fields, Verdict},
    smtp::{Permanence, Reply},
};

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::built_in().expect("the built-in catalogue is sound"));

fuzz_target!(|text: &str| {
    let reply = Reply::parse(text);
    let evidence = Evidence::of(&reply);
    let decision = classify::weigh(&CATALOG, &evidence);
    let verdict = Verdict::new(&CATALOG, &decision, &reply, (evidence.command, None), "en", Fields::All);
    serde_json::to_vec(&verdict).expect("a verdict can be written");
    let transient = reply.code.and_then(|code| code.permanence()) == Some(Permanence::Transient);
    assert!(!(transient && decision.bounce_type == BounceType::Hard), "a transient refusal is never hard");
});
