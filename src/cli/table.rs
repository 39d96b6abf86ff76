//! Many results for people: a line for each verdict, and in the end what they come to.

use std::fmt::Write;

use super::{
    labels::Labels,
    page::{Page, without_controls},
};
use crate::{
    batch::{Outcome, ResultLine, Summary},
    catalog::{BounceType, Catalog},
    classify::Verdict,
};

/// Letters of a reply that are shown on a line.
const MOST_WORDS: usize = 100;

/// Appends a line for every verdict of a result.
pub(super) fn append_result(result: &ResultLine<'_>, labels: &Labels, out: &mut Vec<u8>) {
    let mut text = String::new();
    match result.outcome {
        Outcome::Verdict(verdict) => add_verdict(&mut text, verdict, labels),
        Outcome::Report(report) if report.recipients.is_empty() => {
            add_line(&mut text, "-", labels.kind(report.kind), "", report.subject.unwrap_or_default());
        }
        Outcome::Report(report) => {
            report.recipients.iter().for_each(|one| add_verdict(&mut text, &one.verdict, labels));
        }
        Outcome::Problem(fault) => add_line(&mut text, "!", labels.problem, "", &fault.detail),
    }
    out.extend_from_slice(text.as_bytes());
}

fn add_verdict(text: &mut String, verdict: &Verdict<'_>, labels: &Labels) {
    let bounce_type = match verdict.bounce_type {
        BounceType::None => "-",
        bounce_type => first_word(labels.bounce_type(bounce_type)),
    };
    let why = verdict.category.unwrap_or_else(|| labels.kind(verdict.kind));
    let codes = verdict.reply.code.map(|code| code.to_string()).into_iter().chain(verdict.reply.enhanced.clone());
    let mut words = codes.collect::<Vec<_>>().join(" ");
    if !words.is_empty() {
        words.push(' ');
    }
    words.push_str(verdict.reply.text);
    add_line(text, bounce_type, why, verdict.recipient.unwrap_or_default(), &words);
}

fn add_line(text: &mut String, bounce_type: &str, why: &str, recipient: &str, words: &str) {
    let words: String = words.chars().take(MOST_WORDS).collect();
    let line = format!("{bounce_type:<6} {why:<22} {recipient:<32} {words}");
    text.push_str(without_controls(&line).trim_end());
    text.push('\n');
}

fn first_word(label: &str) -> &str {
    label.split(':').next().unwrap_or(label)
}

/// What all come to.
pub(super) fn of_summary(summary: &Summary, catalog: &Catalog, language: &str, labels: &Labels) -> String {
    let mut page = Page::new();
    page.heading(labels.summary);
    let rate = summary.hard_bounce_rate.map_or_else(|| "-".to_owned(), |rate| format!("{:.2} %", rate * 100.0));
    page.facts(&[
        (labels.items, summary.items.to_string()),
        (labels.verdicts, summary.verdicts.to_string()),
        (labels.problems, summary.problems.to_string()),
        (labels.hard_bounce_rate, rate),
    ]);
    let kinds = summary.kind.iter().map(|(kind, count)| (labels.kind(*kind).to_owned(), *count));
    add_counts(&mut page, labels.nature, kinds);
    let types = summary.bounce_type.iter().map(|(one, count)| (labels.bounce_type(*one).to_owned(), *count));
    add_counts(&mut page, labels.meaning, types);
    let name = |id: &String| {
        let name = catalog.category_named(id).map(|category| category.name.get(language));
        name.map_or_else(|| id.clone(), |name| format!("{name} ({id})"))
    };
    add_counts(&mut page, labels.category, summary.category.iter().map(|(id, count)| (name(id), *count)));
    let name =
        |id: &String| catalog.provider_named(id).map_or_else(|| id.clone(), |(_, provider)| provider.name.clone());
    add_counts(&mut page, labels.provider, summary.provider.iter().map(|(id, count)| (name(id), *count)));
    page.finish()
}

/// A section of counts, the greatest first.
fn add_counts(page: &mut Page, heading: &str, counts: impl Iterator<Item = (String, u64)>) {
    let mut counts: Vec<(String, u64)> = counts.filter(|(_, count)| *count > 0).collect();
    let total: u64 = counts.iter().map(|(_, count)| count).sum();
    if total == 0 {
        return;
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    page.heading(heading);
    let digits = counts.first().map_or(1, |(_, count)| count.to_string().len());
    let facts: Vec<(&str, String)> = counts
        .iter()
        .map(|(name, count)| {
            let mut value = String::new();
            // Writing to a string cannot fail.
            let _ = write!(value, "{count:>digits$}  {:>5.1} %", *count as f64 * 100.0 / total as f64);
            (name.as_str(), value)
        })
        .collect();
    page.facts(&facts);
}
