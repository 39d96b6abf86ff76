//! Loading the catalogue with all its proofs, and what more rules cost: `cargo bench --bench catalog`. Replies must not be classified
//! more slowly because there are ten times as many rules; cost grows with the text.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here, fails the measurement")]

#[path = "inputs/chance.rs"]
mod chance;
#[path = "inputs/figures.rs"]
mod figures;
#[path = "inputs/lines.rs"]
mod lines;
#[path = "inputs/overlay.rs"]
mod overlay;

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, Throughput};
use figures::Figures;
use overlay::Overlay;
use retoure::{
    catalog::Catalog,
    classify::{self, Evidence},
    smtp::Reply,
};

const LINES: usize = 50_000;
const BUILT_IN: &str = "reply, built-in rules";
const TENFOLD: &str = "reply, ten times the rules";

fn main() {
    let mut criterion = figures::criterion();
    let figures = Figures::default();

    let mut group = criterion.benchmark_group("load");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    group.bench_function("built-in", |bencher| {
        figures.measure(bencher, "load, built-in", 1, || _ = black_box(Catalog::built_in().unwrap()));
    });
    group.finish();

    let built_in = Catalog::built_in().unwrap();
    let overlay = Overlay::new(built_in.phrases().len() * 9);
    let tenfold = Catalog::load(overlay.folder()).unwrap_or_else(|fault| panic!("the overlay has faults: {fault}"));
    let lines = lines::never_repeating(LINES);
    rules(&mut criterion, &figures, &[(BUILT_IN, &built_in), (TENFOLD, &tenfold)], &lines);
    criterion.final_summary();

    figures::heading("The catalogue");
    figures.tell("load, built-in");
    figures::say(&format!("rules: {} and {}", built_in.phrases().len(), tenfold.phrases().len()));
    figures.compare(TENFOLD, BUILT_IN);
}

/// The same lines against each catalogue.
fn rules(criterion: &mut Criterion, figures: &Figures, catalogs: &[(&str, &Catalog)], lines: &[String]) {
    let mut group = criterion.benchmark_group("rules");
    group.throughput(Throughput::Elements(1));
    for (name, catalog) in catalogs {
        let mut lines = lines.iter().cycle();
        group.bench_function(*name, |bencher| {
            figures.measure(bencher, name, 1, || {
                let Some(line) = lines.next() else { return };
                let reply = Reply::parse(black_box(line));
                black_box(classify::weigh(catalog, &Evidence::of(&reply)));
            });
        });
    }
    group.finish();
}
