//! Any bytes as a batch, NDJSON or a mailbox, in pieces of any size: each unit has one result, in order, each result is JSON, and
//! the size of the pieces does not matter.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use retoure::{
    batch::{Classifier, Cutter, Form},
    catalog::Catalog,
    classify::Fields,
    limits::Limits,
};

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::built_in().expect("the built-in catalogue is sound"));

/// Small, so that short inputs reach what lies behind them.
static LIMITS: LazyLock<Limits> = LazyLock::new(|| Limits { line_bytes: 300, mail_bytes: 500, ..Limits::default() });

/// The results, a JSON object a line.
fn results(form: Form, bytes: &[u8], piece: usize) -> Vec<u8> {
    let classifier = Classifier {
        catalog: &CATALOG,
        limits: &LIMITS,
        language: "en",
        fields: Fields::Core,
        headers: &[],
        metrics: None,
    };
    let mut out = Vec::new();
    let mut take = |cutter: &mut Cutter| {
        while let Some(chunk) = cutter.take(0) {
            let finished = classifier.run(&chunk, &|result, out| {
                result.append_json(out);
                out.push(b'\n');
            });
            out.extend(finished.out);
        }
    };
    let mut cutter = Cutter::new(form, &LIMITS);
    for piece in bytes.chunks(piece) {
        cutter.push(piece);
        take(&mut cutter);
    }
    cutter.finish();
    take(&mut cutter);
    out
}

fuzz_target!(|input: (bool, u8, &[u8])| {
    let (is_mbox, piece, bytes) = input;
    let form = if is_mbox { Form::Mbox } else { Form::Lines };
    let whole = results(form, bytes, bytes.len().max(1));
    for (index, line) in whole.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate() {
        let result: serde_json::Value = serde_json::from_slice(line).expect("a result is JSON");
        assert_eq!(result["index"], index, "results come in order, one a unit");
    }
    if !is_mbox {
        let is_item = |line: &&[u8]| line.iter().any(|byte| !byte.is_ascii_whitespace());
        let items = bytes.split(|byte| *byte == b'\n').filter(is_item).count();
        assert_eq!(whole.iter().filter(|byte| **byte == b'\n').count(), items, "each line has one result");
    }
    let pieces = results(form, bytes, usize::from(piece) + 1);
    assert!(pieces == whole, "pieces do not matter");
});
