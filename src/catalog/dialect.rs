//! A dialect: how one mailer writes its reports; how to recognise them, and where in the words their facts stand.

use std::{
    borrow::Cow,
    cell::OnceCell,
    collections::{BTreeMap, HashMap},
};

use serde::Deserialize;

use super::{
    automaton::Automaton, code::from_text, fold::fold, line_pattern::LinePattern, source::Citation, vocabulary::Kind,
};
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
    /// Whether `line` begins with one of the words.
    pub fn begins(&self, line: &str) -> bool {
        if self.0.is_empty() {
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

/// What of a mail dialects are recognised by.
#[derive(Clone, Copy, Debug)]
pub struct Signs<'a> {
    /// The header: names in lower case, and values.
    pub fields: &'a [(String, String)],
    /// The folded words.
    pub folded: &'a str,
}

/// The header's values, each folded when it is first asked for: hundreds of conditions ask for the same few.
struct FoldedFields<'a> {
    fields: &'a [(String, String)],
    folded: Vec<OnceCell<Cow<'a, str>>>,
}

impl<'a> FoldedFields<'a> {
    fn new(fields: &'a [(String, String)]) -> Self {
        Self { fields, folded: fields.iter().map(|_| OnceCell::new()).collect() }
    }

    fn has(&self, name: &str, words: &[Word]) -> bool {
        let named = self.fields.iter().zip(&self.folded).filter(|((known, _), _)| known == name);
        named.into_iter().any(|((_, value), folded)| {
            words.is_empty() || {
                let value = folded.get_or_init(|| fold(value));
                words.iter().any(|word| word.is_in(value))
            }
        })
    }
}

/// All dialects, ready to recognise.
#[derive(Debug)]
pub(super) struct Dialects {
    compiled: Vec<Compiled>,
    /// All words that are looked for in texts.
    texts: Automaton,
}

#[derive(Debug)]
struct Compiled {
    is_generic: bool,
    when: Vec<CompiledCondition>,
    delay: Vec<CompiledCondition>,
}

#[derive(Debug)]
struct CompiledCondition {
    fields: Vec<(String, Vec<Word>)>,
    not_fields: Vec<(String, Vec<Word>)>,
    text: Vec<usize>,
    also_text: Vec<usize>,
    not_text: Vec<usize>,
}

#[derive(Clone, Debug)]
pub(super) struct Word {
    folded: String,
    at_start: bool,
}

impl Word {
    pub(super) fn new(written: &str) -> Self {
        let (text, at_start) = written.strip_prefix('^').map_or((written, false), |text| (text, true));
        Self { folded: fold(text).into_owned(), at_start }
    }

    pub(super) fn is_in(&self, folded: &str) -> bool {
        if self.at_start { folded.starts_with(&self.folded) } else { folded.contains(&self.folded) }
    }
}

impl Dialects {
    pub(super) fn new(dialects: &[Dialect]) -> Self {
        let mut texts = Vec::new();
        let mut ids: HashMap<String, usize> = HashMap::new();
        let mut text_ids = |words: &[String]| -> Vec<usize> {
            let id = |word: &String| {
                let folded = fold(word).into_owned();
                *ids.entry(folded).or_insert_with_key(|folded| {
                    texts.push(folded.clone());
                    texts.len() - 1
                })
            };
            words.iter().map(id).collect()
        };
        let compiled = dialects
            .iter()
            .map(|dialect| Compiled {
                is_generic: dialect.is_generic(),
                when: dialect.when.iter().map(|condition| CompiledCondition::new(condition, &mut text_ids)).collect(),
                delay: dialect.delay.iter().map(|condition| CompiledCondition::new(condition, &mut text_ids)).collect(),
            })
            .collect();
        Self { compiled, texts: Automaton::new(texts) }
    }

    /// The dialect of which the most signs are there, and whether it tells of a delay; of equals the first in the files.
    ///
    /// One that stands for mailers nobody knows is taken only where no other holds.
    pub(super) fn recognise(&self, signs: &Signs<'_>) -> Option<(usize, bool)> {
        let fields = FoldedFields::new(signs.fields);
        let mut found = vec![false; self.texts.len()];
        for hit in self.texts.find(signs.folded) {
            found[hit.pattern().as_usize()] = true;
        }
        let strength = |conditions: &[CompiledCondition]| {
            conditions.iter().filter(|condition| condition.holds(&fields, &found)).map(CompiledCondition::signs).max()
        };
        let mut best: Option<(usize, usize)> = None;
        for (at, dialect) in self.compiled.iter().enumerate() {
            let strength = strength(&dialect.when).map(|strength| if dialect.is_generic { 0 } else { strength });
            match (strength, best) {
                (Some(strength), Some((_, most))) if strength > most => best = Some((at, strength)),
                (Some(strength), None) => best = Some((at, strength)),
                _ => {}
            }
        }
        best.map(|(at, _)| (at, strength(&self.compiled[at].delay).is_some()))
    }
}

impl CompiledCondition {
    fn new(condition: &Condition, text_ids: &mut impl FnMut(&[String]) -> Vec<usize>) -> Self {
        let words = |list: &[String]| -> Vec<Word> {
            list.iter().filter(|word| !word.is_empty()).map(|word| Word::new(word)).collect()
        };
        let named =
            [("subject", &condition.subject), ("from", &condition.from), ("content-type", &condition.content_type)];
        let mut fields: Vec<(String, Vec<Word>)> = named
            .into_iter()
            .filter(|(_, list)| !list.is_empty())
            .map(|(name, list)| (name.to_owned(), words(list)))
            .collect();
        fields.extend(condition.field.iter().map(|(name, list)| (name.to_ascii_lowercase(), words(list))));
        let not_fields = [("subject", &condition.not_subject), ("from", &condition.not_from)]
            .into_iter()
            .filter(|(_, list)| !list.is_empty())
            .map(|(name, list)| (name.to_owned(), words(list)))
            .collect();
        Self {
            fields,
            not_fields,
            text: text_ids(&condition.text),
            also_text: text_ids(&condition.also_text),
            not_text: text_ids(&condition.not_text),
        }
    }

    fn holds(&self, header: &FoldedFields<'_>, found: &[bool]) -> bool {
        self.fields.iter().all(|(name, words)| header.has(name, words))
            && !self.not_fields.iter().any(|(name, words)| header.has(name, words))
            && [&self.text, &self.also_text].iter().all(|ids| ids.is_empty() || ids.iter().any(|id| found[*id]))
            && !self.not_text.iter().any(|id| found[*id])
    }

    /// How much it asks for: the more, the surer.
    fn signs(&self) -> usize {
        self.fields.len() + usize::from(!self.text.is_empty()) * 2 + usize::from(!self.also_text.is_empty())
    }
}
