//! Classifying one reply in the core, and writing its verdict as JSON: `cargo bench --bench core`; `-- reply` or `-- json` runs a part.
//!
//! Three mixtures: replies that repeat word for word; such of which no two are the same, as a mailer meets them, about ever other
//! addresses from ever other servers; and such that differ in their words too, so that nothing that is remembered helps.
//!
//! Beside it, in the same run and over the same lines, a `RegexSet` of the words of our own phrases, which answers with one number and
//! nothing else, and which is spared the folding: its text comes folded. Once it has the cache that it comes with, and once one that fits.

#![expect(clippy::unwrap_used, reason = "what fails here, fails the measurement")]

#[path = "inputs/chance.rs"]
mod chance;
#[path = "inputs/figures.rs"]
mod figures;
#[path = "inputs/lines.rs"]
mod lines;
#[path = "inputs/words.rs"]
mod words;

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, Throughput};
use figures::Figures;
use regex::{RegexSet, RegexSetBuilder};
use retoure::{
    catalog::{Catalog, fold},
    classify::{self, Evidence, Fields, Verdict},
    smtp::Reply,
};

/// So many that no cache of ours or the processor's holds them all.
const LINES: usize = 200_000;

/// The lazy automaton of all our words needs some hundred megabytes for a mixture like this.
const FITS: usize = 2 << 30;

fn main() {
    let mut criterion = figures::criterion();
    let figures = Figures::default();
    let inputs = [
        ("repeating", lines::repeating()),
        ("never repeating", lines::never_repeating(LINES)),
        ("never alike", never_alike(LINES)),
    ];
    let catalog = Catalog::built_in().unwrap();

    replies(&mut criterion, &figures, &catalog, &inputs);
    json(&mut criterion, &figures, &catalog, &inputs[1].1);
    sets(&mut criterion, &figures, &inputs);
    criterion.final_summary();

    figures::heading("Replies in the core");
    for (kind, _) in &inputs {
        for cache in ["as it comes", "that fits"] {
            figures.compare(&format!("reply, {kind}"), &format!("RegexSet {cache}, {kind}"));
        }
    }
    for fields in ["core", "all"] {
        figures.tell(&format!("json, {fields}"));
    }
}

/// `count` replies of which no two would be the same even without all that differs from one reply to the next: each ends with
/// a word that no other has.
fn never_alike(count: usize) -> Vec<String> {
    let mut lines = lines::never_repeating(count);
    for (number, line) in lines.iter_mut().enumerate() {
        line.push(' ');
        // In letters, since numbers are what differs anyway.
        let digits = number.to_string();
        line.extend(digits.bytes().map(|digit| char::from(digit - b'0' + b'q')));
    }
    lines
}

/// Text in, decision with all its evidence out.
fn replies(criterion: &mut Criterion, figures: &Figures, catalog: &Catalog, inputs: &[(&str, Vec<String>)]) {
    let mut group = criterion.benchmark_group("reply");
    group.throughput(Throughput::Elements(1));
    for (kind, lines) in inputs {
        let mut lines = lines.iter().cycle();
        group.bench_function(*kind, |bencher| {
            figures.measure(bencher, &format!("reply, {kind}"), 1, || {
                let Some(line) = lines.next() else { return };
                let reply = Reply::parse(black_box(line));
                black_box(classify::weigh(catalog, &Evidence::of(&reply)));
            });
        });
    }
    group.finish();
}

/// Text in, the answer's bytes out.
fn json(criterion: &mut Criterion, figures: &Figures, catalog: &Catalog, lines: &[String]) {
    let mut group = criterion.benchmark_group("json");
    group.throughput(Throughput::Elements(1));
    for (name, fields) in [("core", Fields::Core), ("all", Fields::All)] {
        let mut lines = lines.iter().cycle();
        let mut buffer = Vec::new();
        group.bench_function(name, |bencher| {
            figures.measure(bencher, &format!("json, {name}"), 1, || {
                let Some(line) = lines.next() else { return };
                let reply = Reply::parse(black_box(line));
                let decision = classify::weigh(catalog, &Evidence::of(&reply));
                let with = (reply.command, reply.recipient.as_deref());
                let verdict = Verdict::new(catalog, &decision, &reply, with, "en", fields);
                buffer.clear();
                serde_json::to_writer(&mut buffer, &verdict).unwrap();
                black_box(&buffer);
            });
        });
    }
    group.finish();
}

/// The same lines by regular expressions.
fn sets(criterion: &mut Criterion, figures: &Figures, inputs: &[(&str, Vec<String>)]) {
    let mut group = criterion.benchmark_group("set");
    group.throughput(Throughput::Elements(1)).measurement_time(Duration::from_secs(3));
    for (kind, lines) in inputs {
        let folded: Vec<String> = lines.iter().map(|line| fold(line).into_owned()).collect();
        for (cache, bytes) in [("as it comes", None), ("that fits", Some(FITS))] {
            let mut lines = folded.iter().cycle();
            let mut set: Option<RegexSet> = None;
            group.bench_function(format!("{cache}, {kind}"), |bencher| {
                // Made only where it is asked for; one that fits has seen every line before it is timed.
                let set = set.get_or_insert_with(|| {
                    let set = self::set(bytes);
                    if bytes.is_some() {
                        folded.iter().for_each(|line| _ = black_box(set.matches(line).iter().next()));
                    }
                    set
                });
                figures.measure(bencher, &format!("RegexSet {cache}, {kind}"), 1, || {
                    let Some(line) = lines.next() else { return };
                    black_box(set.matches(black_box(line)).iter().next());
                });
            });
        }
    }
    group.finish();
}

fn set(cache_bytes: Option<usize>) -> RegexSet {
    let mut builder = RegexSetBuilder::new(words::expressions());
    builder.size_limit(1 << 30);
    if let Some(bytes) = cache_bytes {
        builder.dfa_size_limit(bytes);
    }
    builder.build().unwrap()
}
