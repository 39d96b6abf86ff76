//! What the rescue path knows of mails in no known form: words that mark an original, a recipient, a machine. One table a list;
//! tables with the same sign add up, so an overlay may add words of its own.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::{dialect::Word, fold::fold, recogniser::HeaderField, source::Citation};

/// Words, and what they are a sign of.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RescueTable {
    /// By which an overlay replaces it.
    pub id: String,
    /// What the words show.
    pub sign: RescueSign,
    /// The header field that is searched; for the signs that stand in the header only.
    pub field: Option<String>,
    /// The words.
    pub words: Vec<String>,
    /// Where this is known from.
    pub source: Citation,
}

/// What words are a sign of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RescueSign {
    /// In a line between rules: the original follows.
    OriginalFollows,
    /// The name of a header field; three of them in a row of lines are a quoted original.
    OriginalField,
    /// Before a colon and an address: whom it could not be delivered to.
    RecipientLabel,
    /// The local part of an address that a report names, but never as the one that failed.
    NeverRecipient,
    /// In a header field: a machine wrote this mail.
    Machine,
    /// In a header field: a person wrote it.
    Person,
    /// In a header field: a person passes another mail on, which stands below the line that announces it.
    Forward,
    /// A reply that only repeats that an earlier one was negative.
    Echo,
}

impl RescueSign {
    /// Whether it is looked for in a header field.
    pub(super) const fn is_in_field(self) -> bool {
        matches!(self, Self::Machine | Self::Person | Self::Forward)
    }
}

/// All that the rescue path knows, ready to be asked.
#[derive(Debug, Default)]
pub struct Rescue {
    original_follows: Vec<String>,
    original_fields: Vec<String>,
    recipient_labels: HashSet<String>,
    never_recipients: HashSet<String>,
    fields: HashMap<RescueSign, Vec<(String, Vec<Word>)>>,
    echoes: Vec<(String, bool)>,
}

/// A longer text before a colon is a sentence, no label.
const MOST_LABEL_BYTES: usize = 60;

impl Rescue {
    pub(super) fn new<'t>(tables: impl Iterator<Item = &'t RescueTable>) -> Self {
        let mut rescue = Self::default();
        for table in tables {
            let folded = || table.words.iter().map(|word| fold(word).into_owned()).filter(|word| !word.is_empty());
            match table.sign {
                RescueSign::OriginalFollows => rescue.original_follows.extend(folded()),
                RescueSign::OriginalField => rescue.original_fields.extend(folded()),
                RescueSign::RecipientLabel => rescue.recipient_labels.extend(folded()),
                RescueSign::NeverRecipient => rescue.never_recipients.extend(folded()),
                RescueSign::Machine | RescueSign::Person | RescueSign::Forward => {
                    let name = table.field.as_deref().unwrap_or_default().to_ascii_lowercase();
                    let words = table.words.iter().map(|word| Word::new(word)).collect();
                    rescue.fields.entry(table.sign).or_default().push((name, words));
                }
                RescueSign::Echo => rescue.echoes.extend(folded().map(|word| match word.strip_suffix('*') {
                    Some(start) => (start.to_owned(), true),
                    None => (word, false),
                })),
            }
        }
        rescue
    }

    /// Whether this line between rules announces the original.
    pub fn announces_original(&self, line: &str) -> bool {
        let folded = fold(line);
        self.original_follows.iter().any(|words| folded.contains(words.as_str()))
    }

    /// Whether a line begins with a field that headers of originals have.
    pub fn begins_original_field(&self, line: &str) -> bool {
        // Names of fields are ASCII, so nothing else needs folding; this is asked for every line of a report, and mostly answered
        // by what stands behind its first word.
        let name_end = line.bytes().position(|byte| !(byte.is_ascii_alphanumeric() || byte == b'-'));
        let name = name_end.filter(|end| line.as_bytes()[*end] == b':').map(|end| &line[..end]);
        name.is_some_and(|name| self.original_fields.iter().any(|known| known.eq_ignore_ascii_case(name)))
    }

    /// What follows the label of a recipient: ` anna@example.org` of `Recipient: anna@example.org`.
    pub fn after_recipient_label<'l>(&self, line: &'l str) -> Option<&'l str> {
        let (label, rest) = line.split_once([':', '：']).filter(|(label, _)| label.len() <= MOST_LABEL_BYTES)?;
        self.recipient_labels.contains(fold(label).as_ref()).then_some(rest)
    }

    /// Whether an address of this local part is never the recipient that failed.
    pub fn is_never_recipient(&self, local: &str) -> bool {
        self.never_recipients.contains(fold(local).as_ref())
    }

    /// Whether a header shows this sign.
    pub fn header_shows(&self, sign: RescueSign, header: &[impl HeaderField]) -> bool {
        let lists = self.fields.get(&sign).into_iter().flatten();
        lists.into_iter().any(|(name, words)| {
            let mut named = header.iter().filter(|field| field.name().eq_ignore_ascii_case(name));
            named.any(|field| {
                let value = fold(field.value());
                words.iter().any(|word| word.is_in(&value))
            })
        })
    }

    /// Whether a reply only repeats that an earlier one was negative.
    pub fn is_echo(&self, reply: &str) -> bool {
        let folded = fold(reply);
        self.echoes.iter().any(|(words, goes_on)| {
            if *goes_on { folded.starts_with(words.as_str()) } else { folded.trim_end_matches(['.', '!']) == words }
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::catalog::Catalog;

    #[test]
    fn labels_fields_and_echoes_are_told_from_sentences() {
        let catalog = Catalog::built_in().unwrap();
        let rescue = catalog.rescue();
        assert_eq!(rescue.after_recipient_label("Empfänger: anna@example.org"), Some(" anna@example.org"));
        assert_eq!(rescue.after_recipient_label("Please write to us: help@example.org"), None);
        assert!(rescue.begins_original_field("Message-ID: <1@example.com>"));
        assert!(!rescue.begins_original_field("To be continued: yes"));
        assert!(rescue.is_echo("Service unavailable"));
        assert!(!rescue.is_echo("Service unavailable; Client host [192.0.2.7] blocked"));
        assert!(rescue.is_echo("Need RCPT (recipient)"));
    }
}
