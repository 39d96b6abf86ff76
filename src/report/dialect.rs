//! The engine that runs a dialect: reads a report's words line by line as the dialect's table says.

use super::{
    address,
    lines::{head, split_at_byte},
    original, words,
};
use crate::{
    catalog::{Block, Dialect, Fallback, Folded, Line, LineFacts, LinePattern, fold},
    smtp::{Command, Reply},
};

/// What a report's words tell about one recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told<'t> {
    pub(super) recipient: String,
    pub(super) code: Option<&'t str>,
    pub(super) enhanced: Option<&'t str>,
    pub(super) host: Option<&'t str>,
    pub(super) command: Option<Command>,
    /// What was said, line by line.
    pub(super) words: Vec<&'t str>,
    /// How long those lines are.
    bytes: usize,
    /// Every line about the recipient, also those that are not what was said.
    lines: Vec<&'t str>,
    /// Whether a pattern named what was said, so that other lines do not add to it.
    is_named: bool,
    /// Whether lines that follow still belong to it.
    is_open: bool,
}

/// What a report's words tell.
#[derive(Debug, Default)]
pub(super) struct Telling<'t> {
    pub(super) recipients: Vec<Told<'t>>,
    /// What is told before or without a recipient.
    pub(super) general: Told<'t>,
    /// The lines that were read: without salutation, farewell and original.
    part: Option<&'t str>,
}

/// Reads `text` as `dialect` writes it. `subject` may tell facts too.
pub(super) fn read<'t>(dialect: &Dialect, subject: &'t str, text: &'t str, most: usize) -> Telling<'t> {
    let mut telling = Telling::default();
    if let Some(facts) = first_match(&dialect.subject, subject.into()) {
        telling.general.take(subject, &facts);
    }
    // Which of the recipients the next lines belong to.
    let mut current: Option<usize> = None;
    // Whether lines above the first recipient tell what was said.
    let mut told_before = false;
    telling.part = report_part(dialect, text);
    for line in telling.part.into_iter().flat_map(lines) {
        let marked = Line::from(line);
        if marked.is_empty() {
            telling.at(current).end_paragraph(dialect.block);
            continue;
        }
        let named = first_match(&dialect.recipient, marked);
        if let Some((facts, recipients)) = named.as_ref().and_then(|facts| Some((facts, facts.recipient?))) {
            // What a server said often names the recipient again on a line of its own.
            let goes_on = current.is_some_and(|at| telling.recipients[at].goes_on_with(recipients));
            if goes_on {
                telling.at(current).add(line, dialect.block);
                continue;
            }
            let recipients: Vec<String> = split_addresses(recipients).filter_map(address::cleaned).collect();
            if !recipients.is_empty() {
                for recipient in recipients {
                    current = telling.open(&recipient, most);
                    telling.at(current).take(line, facts);
                }
                continue;
            }
        }
        match named.filter(|facts| facts.recipient.is_none()).or_else(|| first_match(&dialect.facts, marked)) {
            Some(facts) => {
                told_before |= current.is_none() && facts.diagnostic.is_some();
                telling.at(current).take(line, &facts);
            }
            None => telling.at(current).add(line, dialect.block),
        }
    }
    telling.share_words(told_before);
    for told in telling.recipients.iter_mut().chain([&mut telling.general]) {
        told.set_stage(dialect);
    }
    telling
}

impl<'t> Telling<'t> {
    /// The first bytes of the lines that were read; `None` where nothing stands on them.
    pub(super) fn part(&self, most: usize) -> Option<String> {
        let part = self.part.filter(|part| !lines(part).all(|line| line.trim().is_empty()))?;
        let mut kept = String::with_capacity(most.min(part.len() + 1));
        for line in lines(part) {
            if kept.len() >= most {
                break;
            }
            kept.push_str(line);
            kept.push('\n');
        }
        kept.truncate(head(&kept, most).len());
        Some(kept)
    }

    fn at(&mut self, current: Option<usize>) -> &mut Told<'t> {
        match current {
            Some(at) => &mut self.recipients[at],
            None => &mut self.general,
        }
    }

    /// Several recipients may stand above the one reason for all of them.
    fn share_words(&mut self, told_before: bool) {
        for at in (1..self.recipients.len()).rev() {
            let (before, from) = self.recipients.split_at_mut(at);
            let (before, from) = (&mut before[at - 1], &from[0]);
            let is_bare = before.said().is_empty() && before.code.is_none() && before.enhanced.is_none();
            // A transcript tells the reason before it names whom it is about.
            let was_told = at == 1 && told_before;
            if is_bare && !was_told && !from.said().is_empty() {
                let recipient = std::mem::take(&mut before.recipient);
                *before = Told { recipient, ..from.clone() };
            }
        }
        self.part_words();
    }

    /// One text for several recipients may hold a reply for each, on lines that name them: then each keeps its own.
    fn part_words(&mut self) {
        let names: Vec<String> = self.recipients.iter().map(|told| told.recipient.to_ascii_lowercase()).collect();
        if names.len() < 2 || names.len() > MOST_PARTED {
            return;
        }
        for (at, told) in self.recipients.iter_mut().enumerate() {
            let named: Vec<Option<usize>> = told
                .words
                .iter()
                .map(|line| {
                    let line = line.to_ascii_lowercase();
                    names[at..=at].iter().chain(&names).position(|name| line.contains(name.as_str()))
                })
                .collect();
            // The first position is the recipient's own name.
            if named.contains(&Some(0)) {
                let mut named = named.into_iter();
                told.words.retain(|_| !matches!(named.next().flatten(), Some(other) if other > 0));
            }
        }
    }

    /// A recipient that is named again goes on where it was.
    pub(super) fn open(&mut self, recipient: &str, most: usize) -> Option<usize> {
        let known = self.recipients.iter().position(|told| told.recipient.eq_ignore_ascii_case(recipient));
        if let Some(at) = known {
            self.recipients[at].is_open = true;
            return known;
        }
        if self.recipients.len() < most {
            self.recipients.push(Told { recipient: recipient.to_owned(), is_open: true, ..Told::default() });
        }
        Some(self.recipients.len() - 1)
    }
}

impl<'t> Told<'t> {
    fn take(&mut self, line: &'t str, facts: &LineFacts<'t>) {
        self.lines.push(line.trim());
        // The first that is named counts; a second one repeats it or tells of an earlier attempt.
        let is_later = self.is_named && self.words.iter().any(|line| !line.trim().is_empty());
        if let Some(diagnostic) = facts.diagnostic.filter(|_| is_later) {
            // Unless the first was the mailer's own sentence and this is what the server said.
            let refuses = |text: &str| Reply::parse(text).code.is_some_and(|code| matches!(code.class(), 4 | 5));
            if self.code.is_some() || refuses(&self.said()) || !refuses(diagnostic) {
                self.is_open = false;
                return;
            }
        }
        self.code = facts.code.or(self.code);
        self.enhanced = facts.enhanced.or(self.enhanced);
        self.host = facts.host.or(self.host);
        self.command = facts.command.and_then(|command| command.parse().ok()).or(self.command);
        if let Some(diagnostic) = facts.diagnostic {
            self.words = vec![diagnostic];
            self.is_open = true;
            self.is_named = true;
        }
    }

    fn add(&mut self, line: &'t str, block: Block) {
        let is_general = self.recipient.is_empty();
        if self.bytes + line.len() > MOST_TOLD_BYTES {
            return;
        }
        self.bytes += line.len() + 1;
        let belongs = if self.is_named { self.is_open } else { block != Block::Line && (self.is_open || is_general) };
        if belongs {
            self.words.push(line.trim());
        }
        if self.is_open || is_general {
            self.lines.push(line.trim());
        }
    }

    /// Whether a line that names these recipients goes on with what is said about this one.
    fn goes_on_with(&self, recipients: &str) -> bool {
        self.is_open && recipients.eq_ignore_ascii_case(&self.recipient) && !self.said().is_empty()
    }

    fn end_paragraph(&mut self, block: Block) {
        let has_words = self.words.iter().any(|line| !line.is_empty());
        if has_words && (self.is_named || block == Block::Paragraph) {
            self.is_open = false;
        }
    }

    fn set_stage(&mut self, dialect: &Dialect) {
        if self.command.is_none() && !dialect.stages.is_empty() {
            let lines = self.lines.join(" ");
            let folded = fold(&lines);
            self.command = dialect.stages.iter().find(|stage| stage.words.is_in(&folded)).map(|stage| stage.command);
        }
    }

    /// What was said, as one text.
    pub(super) fn said(&self) -> String {
        let words = self.words.join("\n");
        let trimmed = words.trim();
        if trimmed.len() == words.len() { words } else { trimmed.to_owned() }
    }
}

/// No server says more. Several recipients may share what was said, so that the whole must not be kept for each.
const MOST_TOLD_BYTES: usize = 16 << 10;

/// With more recipients than this the words are not parted: the work would grow with the square of their number.
const MOST_PARTED: usize = 20;

/// A line that is longer is no line of a report; only its beginning is looked at.
pub(super) const MOST_LINE_BYTES: usize = 4096;

/// The lines of a text, as far as they are looked at.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    split_at_byte(text, b'\n').map(|line| head(line, MOST_LINE_BYTES))
}

/// The lines between the dialect's begin and end, if there are any.
fn report_part<'t>(dialect: &Dialect, text: &'t str) -> Option<&'t str> {
    let begin = line_that_begins(text, &dialect.begin);
    let part = text.get(begin.map_or(0, |(place, line)| place + line.len() + 1)..)?;
    match line_that_begins(part, &dialect.end) {
        Some((place, _)) => place.checked_sub(1).map(|end| &part[..end]),
        None => Some(part),
    }
}

/// The first line that begins with one of the words, and its place.
fn line_that_begins<'t>(text: &'t str, words: &Folded) -> Option<(usize, &'t str)> {
    if words.is_empty() {
        return None;
    }
    let mut next = 0;
    let mut lines = split_at_byte(text, b'\n').map(|line| {
        let place = next;
        next += line.len() + 1;
        (place, line)
    });
    lines.find(|(_, line)| words.begins(head(line, MOST_LINE_BYTES)))
}

/// Addresses with commas between them; a comma in quotes separates nothing.
fn split_addresses(list: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    list.split(move |c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
}

fn first_match<'l>(patterns: &[LinePattern], line: Line<'l>) -> Option<LineFacts<'l>> {
    patterns.iter().find_map(|pattern| pattern.read(line))
}

/// The addresses that stand elsewhere, where the dialect says so.
pub(super) fn fallback(dialect: &Dialect, mail: &super::mail::Mail<'_>, original: &original::Original) -> Vec<String> {
    dialect
        .fallback
        .iter()
        .map(|place| match place {
            Fallback::XFailedRecipients => words::failed_recipients(mail),
            Fallback::OriginalTo => original.only_recipient().into_iter().collect(),
            Fallback::To => mail.field("to").and_then(address::in_field).into_iter().collect(),
            Fallback::From => mail.field("from").and_then(address::in_field).into_iter().collect(),
            Fallback::Text => address::in_text(&mail.text).next().map(str::to_owned).into_iter().collect(),
        })
        .find(|found: &Vec<String>| !found.is_empty())
        .unwrap_or_default()
}
