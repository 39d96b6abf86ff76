//! Reading a report mail and telling what it means: `cargo bench --bench report`. Beside it, in the same run and over the same bytes,
//! mail-parser alone, which does nothing but take a mail apart.

#![expect(clippy::unwrap_used, reason = "what fails here, fails the measurement")]

#[path = "inputs/figures.rs"]
mod figures;
#[path = "inputs/mails.rs"]
mod mails;

use std::hint::black_box;

use criterion::Throughput;
use figures::Figures;
use mail_parser::MessageParser;
use retoure::{
    catalog::Catalog,
    classify::{self, Fields, ReportView},
    limits::Limits,
    report,
};

const PARSED: &str = "mail-parser alone";
const CLASSIFIED: &str = "mail read and weighed";
const WRITTEN: &str = "mail to JSON, core";

fn main() {
    let mut criterion = figures::criterion();
    let figures = Figures::default();
    let mails = mails::all();
    let bytes: usize = mails.iter().map(Vec::len).sum();
    let catalog = Catalog::built_in().unwrap();
    let limits = Limits::default();

    let mut group = criterion.benchmark_group("report");
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("parsed", |bencher| {
        figures.measure(bencher, PARSED, mails.len(), || {
            for mail in &mails {
                black_box(MessageParser::default().parse(black_box(mail)));
            }
        });
    });
    group.bench_function("classified", |bencher| {
        figures.measure(bencher, CLASSIFIED, mails.len(), || {
            for mail in &mails {
                let report = report::read(&catalog, black_box(mail), &[], &limits);
                for recipient in &report.recipients {
                    black_box(classify::weigh_recipient(&catalog, recipient));
                }
            }
        });
    });
    let mut buffer = Vec::new();
    group.bench_function("json", |bencher| {
        figures.measure(bencher, WRITTEN, mails.len(), || {
            for mail in &mails {
                let report = report::read(&catalog, black_box(mail), &[], &limits);
                buffer.clear();
                let view = ReportView::new(&catalog, &report, "en", Fields::Core);
                serde_json::to_writer(&mut buffer, &view).unwrap();
                black_box(&buffer);
            }
        });
    });
    group.finish();
    criterion.final_summary();

    figures::heading("Report mails");
    for name in [PARSED, CLASSIFIED, WRITTEN] {
        figures.tell(name);
    }
    for name in [CLASSIFIED, WRITTEN] {
        figures.compare(name, PARSED);
    }
    let mean = bytes as f64 / mails.len() as f64;
    let speed = |name| figures.nanoseconds(name).map_or(0.0, |nanoseconds| mean * 1e3 / nanoseconds);
    figures::say(&format!(
        "mails of {mean:.0} bytes in the mean: parsed {:.0} MB/s, read and weighed {:.0} MB/s",
        speed(PARSED),
        speed(CLASSIFIED)
    ));
}
