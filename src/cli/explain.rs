//! `retoure classify --explain`: how a verdict came about. The folded text with what matched marked in it, the rules that spoke, those
//! that stayed silent and why, what each category came to, and what settled it.

use std::fmt::Write;

use textwrap::core::display_width;

use super::{labels::Labels, page::Page};
use crate::{
    catalog::{BounceType, Catalog, CategoryId, Known, Why},
    classify::{self, Decision, Evidence, EvidenceSource, Place, Weighed},
    limits::Limits,
    report,
    smtp::{Command, Reply},
};

/// So wide are the lines of the marked text.
const WIDTH: usize = 92;

/// More silent rules than this tell nobody anything.
const MOST_SILENT: usize = 25;

/// How the verdict of a reply comes about.
pub(super) fn of_reply(
    catalog: &Catalog,
    text: &str,
    command: Option<Command>,
    (language, labels): (&str, &Labels),
) -> String {
    let reply = Reply::parse(text);
    let evidence = Evidence { command: command.or(reply.command), ..Evidence::of(&reply) };
    let mut page = Page::new();
    add(&mut page, catalog, &evidence, &classify::weigh(catalog, &evidence), (language, labels));
    format!("\n{}", page.finish())
}

/// How the verdicts on the recipients of a report mail come about.
pub(super) fn of_message(catalog: &Catalog, mail: &[u8], (language, labels): (&str, &Labels)) -> String {
    let report = report::read(catalog, mail, &[], &Limits::default());
    let mut page = Page::new();
    for recipient in &report.recipients {
        page.heading(recipient.address.as_deref().unwrap_or("?"));
        let evidence = Evidence { remote_host: recipient.remote_mta.as_deref(), ..Evidence::of(&recipient.reply) };
        let decision = classify::weigh_recipient(catalog, recipient);
        add(&mut page, catalog, &evidence, &decision, (language, labels));
    }
    format!("\n{}", page.finish())
}

fn add(
    page: &mut Page,
    catalog: &Catalog,
    evidence: &Evidence<'_>,
    decision: &Decision<'_>,
    (language, labels): (&str, &Labels),
) {
    let (reason, speaker) = decision.settled_by(catalog);
    page.heading(labels.pick("What settled it", "Was den Ausschlag gab"));
    let by = speaker.map(|rule| format!(" ({rule})")).unwrap_or_default();
    page.paragraph(&format!("{}{by}", catalog.reason_text(reason, language)));
    if let (Some(category), true) = (decision.category, decision.category != Some(catalog.unknown())) {
        let told = catalog.calibration().apply(decision.confidence);
        let category = name(catalog, category);
        let score = decision.confidence;
        page.paragraph(&match language {
            "de" => format!("Die Wertung für {category} ist {score:.2}; so oft ist das richtig: {told:.2}."),
            _ => format!("The score for {category} is {score:.2}; how often that is right: {told:.2}."),
        });
    }

    let category = decision.category.map(|category| catalog.category(category));
    if category.is_some_and(|category| category.bounce_type == BounceType::Hard)
        && decision.bounce_type == BounceType::Soft
    {
        page.paragraph(labels.pick(
            "The category is hard, and the verdict soft all the same: the refusal is temporary by its code or words, or what \
             spoke is not specific enough to the address.",
            "Die Kategorie ist hart, das Ergebnis trotzdem weich: Die Ablehnung ist nach Code oder Worten vorübergehend, oder \
             was gesprochen hat, betrifft die Adresse nicht eindeutig genug.",
        ));
    }

    page.heading(labels.pick("The text as it is compared", "Der Text, wie er verglichen wird"));
    let folded = decision.folded();
    let spoke = decision.evidence(catalog, &folded);
    page.as_it_stands(&marked(&folded, &spoke, decision.category));
    page.paragraph(labels.pick(
        "Marked: ^ speaks for the verdict, - for something else, ~ for the time of the next try.",
        "Markiert: ^ spricht für das Ergebnis, - für etwas anderes, ~ für den Zeitpunkt des nächsten Versuchs.",
    ));

    page.heading(labels.pick("What spoke", "Was gesprochen hat"));
    for weighed in &spoke {
        page.item(&spoken(catalog, &folded, weighed, labels));
    }
    silent(page, catalog, evidence, decision, labels);

    page.heading(labels.pick("What each category came to", "Was für jede Kategorie zusammenkam"));
    let rows: Vec<(&str, String)> = decision
        .scores()
        .iter()
        .map(|score| {
            let words = labels.pick("words alone", "Worte allein");
            (name(catalog, score.category), format!("{:.2}  ({words} {:.2})", score.score, score.words))
        })
        .collect();
    page.facts(&rows);
}

fn name(catalog: &Catalog, category: CategoryId) -> &str {
    catalog.category(category).id.as_str()
}

fn spoken(catalog: &Catalog, folded: &str, weighed: &Weighed<'_>, labels: &Labels) -> String {
    let source = match weighed.source {
        EvidenceSource::Phrase => labels.pick("words", "Worte"),
        EvidenceSource::Provider => labels.pick("the provider's rule", "Regel des Anbieters"),
        EvidenceSource::EnhancedCode => labels.pick("enhanced code", "erweiterter Code"),
        EvidenceSource::ReplyCode => labels.pick("reply code", "Antwortcode"),
        EvidenceSource::Command => labels.pick("code and command", "Code und Befehl"),
        EvidenceSource::RetryTime => labels.pick("time", "Zeitangabe"),
    };
    let category = match weighed.category {
        Some(category) => format!(" → {}", name(catalog, category)),
        None => String::new(),
    };
    let place = match weighed.place {
        Place::Text { start, end, .. } => format!(", {start}–{end}: „{}“", folded[start..end].trim()),
        Place::Enhanced(_) | Place::Reply(_) => String::new(),
    };
    format!("{:.2}  {source} {}{category}{place}", weighed.weight, weighed.place.rule())
}

/// Rules of which a word stands in the text and that said nothing.
fn silent(page: &mut Page, catalog: &Catalog, evidence: &Evidence<'_>, decision: &Decision<'_>, labels: &Labels) {
    let folded = decision.folded();
    let known = Known {
        code: evidence.code,
        enhanced: evidence.enhanced,
        command: evidence.command,
        provider: decision.provider.map(|(provider, _)| provider),
    };
    let silent = catalog.find_silent(&folded, &known);
    if silent.is_empty() {
        return;
    }
    page.heading(labels.pick("What stayed silent, and why", "Was schwieg, und warum"));
    for one in silent.iter().take(MOST_SILENT) {
        let why = match one.why {
            Why::Words => labels
                .pick("another word is missing or excludes it", "ein weiteres Wort fehlt oder schließt sie aus")
                .to_owned(),
            Why::Codes => labels.pick("its codes are others", "ihre Codes sind andere").to_owned(),
            Why::Command => labels.pick("it asks for another command", "sie verlangt einen anderen Befehl").to_owned(),
            Why::Provider => {
                labels.pick("its provider was not recognised", "ihr Anbieter wurde nicht erkannt").to_owned()
            }
            Why::Hidden(by) => format!("{} {}", labels.pick("lies within", "liegt innerhalb von"), by.id),
        };
        let words = one.place.map(|(start, end)| format!(" „{}“", folded[start..end].trim())).unwrap_or_default();
        page.item(&format!("{}{words}: {why}", one.phrase.id));
    }
    if let Some(more) = silent.len().checked_sub(MOST_SILENT).filter(|more| *more > 0) {
        page.item(&format!("{more} {}", labels.pick("more", "weitere")));
    }
}

/// The folded text in lines, each with a line of marks below where something matched.
fn marked(folded: &str, spoke: &[Weighed<'_>], category: Option<CategoryId>) -> String {
    let mut out = String::new();
    let (mut line, mut marks) = (String::new(), String::new());
    for (at, c) in folded.char_indices() {
        let c = if c.is_control() { ' ' } else { c };
        line.push(c);
        let mark = mark(spoke, category, at);
        let width = display_width(c.encode_utf8(&mut [0; 4]));
        marks.extend(std::iter::repeat_n(mark, width));
        // At a space if there is one near the end of the line.
        let width = display_width(&line);
        if width >= WIDTH || (c == ' ' && width >= WIDTH - 16) {
            flush(&mut out, &mut line, &mut marks);
        }
    }
    flush(&mut out, &mut line, &mut marks);
    out
}

fn flush(out: &mut String, line: &mut String, marks: &mut String) {
    if !line.is_empty() {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "  {}", line.trim_end());
    }
    if !marks.trim().is_empty() {
        let _ = writeln!(out, "  {}", marks.trim_end());
    }
    line.clear();
    marks.clear();
}

fn mark(spoke: &[Weighed<'_>], category: Option<CategoryId>, at: usize) -> char {
    let covers =
        |weighed: &&Weighed<'_>| matches!(weighed.place, Place::Text { start, end, .. } if (start..end).contains(&at));
    let here = || spoke.iter().filter(covers);
    if here().next().is_none() {
        ' '
    } else if here().any(|weighed| weighed.category.is_some() && weighed.category == category) {
        '^'
    } else if here().all(|weighed| weighed.source == EvidenceSource::RetryTime) {
        '~'
    } else {
        '-'
    }
}
