//! Any bytes as a mail: no panic, an answer, and the same answer again.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use retoure::{
    catalog::Catalog,
    classify::{Fields, ReportView},
    limits::Limits,
    report,
};

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::built_in().expect("the built-in catalogue is sound"));

fuzz_target!(|bytes: &[u8]| {
    let wanted = ["x-campaign-id".to_owned()];
    let answer = || {
        let report = report::read(&CATALOG, bytes, &wanted, &Limits::default());
        serde_json::to_vec(&ReportView::new(&CATALOG, &report, "de", Fields::All)).expect("a report can be written")
    };
    assert!(answer() == answer(), "the same bytes give the same answer");
});
