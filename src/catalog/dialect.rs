//! A dialect: how one mailer writes its reports; how to recognise them, and where in the words their facts stand.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{code::from_text, fold::fold, line_pattern::LinePattern, source::Citation, vocabulary::Kind};
use crate::smtp::Command;

/// A mailer's way of writing reports.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialect {
    /// `exim`.
    pub id: String,
    /// The mailer's name.
    pub name: String,
    /// What a mail is that it recognises: a bounce, unless told otherwise.
    #[serde(default = "bounce")]
    pub kind: Kind,
    /// Any one of these suffices.
    pub when: Vec<Condition>,
    /// Where one of these holds, the message is still queued: the report is only a delay.
    #[serde(default)]
    pub delay: Vec<Condition>,
    /// The report begins below a line that begins so; without one, at the top.
    #[serde(default)]
    pub begin: Folded,
    /// The report ends above a line that begins so: what follows is the original or a farewell.
    #[serde(default)]
    pub end: Folded,
    /// Lines that name a recipient.
    #[serde(default)]
    pub recipient: Vec<LinePattern>,
    /// Lines that tell something about the recipient named before, or, before one is named, about all.
    #[serde(default)]
    pub facts: Vec<LinePattern>,
    /// How far the words about a recipient reach.
    #[serde(default)]
    pub block: Block,
    /// What a line's words say about the command that was answered.
    #[serde(default)]
    pub stages: Vec<Stage>,
    /// Where else the recipient may stand, in this order.
    #[serde(default)]
    pub fallback: Vec<Fallback>,
    /// How the subject tells facts about all recipients.
    #[serde(default)]
    pub subject: Vec<LinePattern>,
    /// What kind of complaint a complaint is, where no feedback report says so.
    pub feedback_type: Option<String>,
    /// Where this is known from.
    pub source: Citation,
    /// Reports that prove it.
    #[serde(default)]
    pub examples: Vec<Example>,
}

fn bounce() -> Kind {
    Kind::Bounce
}

/// Signs that must all be there; of the words of one sign any suffices. Words are compared folded and may stand anywhere in the
/// value; a word that begins with `^` must begin it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    /// In the subject.
    pub subject: Vec<String>,
    /// In the `From` field.
    pub from: Vec<String>,
    /// In the words of the report.
    pub text: Vec<String>,
    /// And one of these too, where words of one kind alone say too little.
    pub also_text: Vec<String>,
    /// In the `Content-Type` field, its boundary included.
    pub content_type: Vec<String>,
    /// In fields of any other name (in lower case); an empty word asks only that the field is there.
    pub field: BTreeMap<String, Vec<String>>,
    /// Nowhere in the subject.
    pub not_subject: Vec<String>,
    /// Nowhere in the `From` field.
    pub not_from: Vec<String>,
    /// Nowhere in the words of the report.
    pub not_text: Vec<String>,
}

impl Dialect {
    /// Whether it stands for every mailer that nobody knows: recognised by weak signs, read by the rescue path.
    pub fn is_generic(&self) -> bool {
        self.id == "generic"
    }
}

impl Condition {
    /// Whether any sign must be there; what must not be there alone recognises nothing.
    pub(super) fn asks_for_something(&self) -> bool {
        let lists = [&self.subject, &self.from, &self.text, &self.also_text, &self.content_type];
        lists.into_iter().any(|list| !list.is_empty()) || !self.field.is_empty()
    }

    /// The lists of words in the report, and whether one of their words must be there or none.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&[String], bool)> {
        let lists = [(&self.text, true), (&self.also_text, true), (&self.not_text, false)];
        lists.into_iter().filter(|(words, _)| !words.is_empty()).map(|(words, is_wanted)| (words.as_slice(), is_wanted))
    }

    /// The fields' names, their lists of words, and whether one of these must be there or none.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &[String], bool)> {
        let lists = [
            ("subject", &self.subject, true),
            ("from", &self.from, true),
            ("content-type", &self.content_type, true),
            ("subject", &self.not_subject, false),
            ("from", &self.not_from, false),
        ];
        let named = lists.into_iter().filter(|(_, words, _)| !words.is_empty());
        let of_any_name = self.field.iter().map(|(name, words)| (name.as_str(), words, true));
        named.chain(of_any_name).map(|(name, words, is_wanted)| (name, words.as_slice(), is_wanted))
    }

    /// How much it asks for: the more, the surer.
    pub(super) fn strength(&self) -> usize {
        let wanted = self.fields().filter(|(_, _, is_wanted)| *is_wanted).count();
        wanted + usize::from(!self.text.is_empty()) * 2 + usize::from(!self.also_text.is_empty())
    }
}

/// How far the words about a recipient reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// To the next recipient or the end.
    #[default]
    Section,
    /// To the next blank line.
    Paragraph,
    /// Only what the patterns name.
    Line,
}

/// Words that are compared folded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Vec<String>")]
pub struct Folded(Vec<String>);

impl From<Vec<String>> for Folded {
    fn from(words: Vec<String>) -> Self {
        Self(words.iter().map(|word| fold(word).into_owned()).filter(|word| !word.is_empty()).collect())
    }
}

impl Folded {
    /// Whether there are no words.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `line` begins with one of the words.
    pub fn begins(&self, line: &str) -> bool {
        // This is asked for every line of a report, and the first letter answers it mostly. What is no ASCII may fold to any.
        let first = line.bytes().find(|byte| !(byte.is_ascii_whitespace() || byte.is_ascii_control()));
        let may_begin = first.is_some_and(|first| {
            let folded = if first == b'`' { b'\'' } else { first.to_ascii_lowercase() };
            self.0.iter().any(|word| !first.is_ascii() || word.as_bytes().first() == Some(&folded))
        });
        if !may_begin {
            return false;
        }
        let line = fold(line);
        self.0.iter().any(|word| line.starts_with(word.as_str()))
    }

    /// Whether one of the words stands in `folded`.
    pub fn is_in(&self, folded: &str) -> bool {
        self.0.iter().any(|word| folded.contains(word.as_str()))
    }
}

/// What words say about the command that was answered.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// The words.
    #[serde(deserialize_with = "one_word")]
    pub words: Folded,
    /// The command.
    #[serde(deserialize_with = "from_text")]
    pub command: Command,
}

fn one_word<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Folded, D::Error> {
    Ok(Folded::from(vec![String::deserialize(deserializer)?]))
}

/// Where else a recipient may stand.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    /// `X-Failed-Recipients`.
    XFailedRecipients,
    /// The original's `To`, where it names one address only.
    OriginalTo,
    /// The report's own `To`.
    To,
    /// The report's own `From`: a group or list that refuses.
    From,
    /// The first address in the words.
    Text,
}

/// A report that proves a dialect, and what it must give.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The whole mail.
    pub mail: String,
    /// What it is.
    #[serde(default = "bounce")]
    pub kind: Kind,
    /// What it says about each recipient.
    #[serde(default)]
    pub recipients: Vec<ExampleRecipient>,
}

/// What an example says about one recipient.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExampleRecipient {
    /// The address.
    pub address: String,
    /// The reply code.
    pub code: Option<u16>,
    /// The enhanced code.
    pub enhanced: Option<String>,
    /// Words that the reply's text must hold.
    pub words: Option<String>,
    /// The command that was answered.
    pub command: Option<String>,
}

/// A word of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    folded: String,
    at_start: bool,
}

/// The same as [`str::contains`], which prepares for a longer search than one in a header field.
fn holds(text: &str, word: &str) -> bool {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    word.first().is_none_or(|first| memchr::memchr_iter(*first, text).any(|at| text[at..].starts_with(word)))
}

impl Word {
    pub(super) fn new(written: &str) -> Self {
        let (text, at_start) = Self::parts(written);
        Self { folded: fold(text).into_owned(), at_start }
    }

    /// The word without its `^`, and whether it had one: whether it must stand at the start.
    pub(super) fn parts(written: &str) -> (&str, bool) {
        written.strip_prefix('^').map_or((written, false), |text| (text, true))
    }

    pub(super) fn is_in(&self, folded: &str) -> bool {
        if self.at_start { folded.starts_with(&self.folded) } else { holds(folded, &self.folded) }
    }
}
