//! A code: what the standard defines under a number, what is seen and told under it, and what to assume when a reply says
//! nothing else.

use std::{fmt, str::FromStr};

use serde::Deserialize;

use super::{
    rendered::Rendered,
    source::Citation,
    text::{Text, Texts},
    vocabulary::{CodeStatus, Frequency, Outcome, Severity, Use},
};
use crate::smtp::{Command, EnhancedCode, ReplyCode};

/// One number and all that is known about it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// The number itself.
    pub code: CodeKey,
    /// How firmly it stands on a standard.
    pub status: CodeStatus,
    /// A headline.
    pub name: Text,
    /// What the reader learns from it.
    pub meaning: Text,
    /// The wording of the standard or registry.
    pub standard_text: Option<String>,
    /// What the standard defines, or that none does.
    pub standard: Option<Text>,
    /// What is seen or told under this number elsewhere.
    #[serde(default)]
    pub observed: Vec<Observation>,
    /// Where sources contradict each other: who is right, and why.
    pub note: Option<Text>,
    /// How often it is met, as an article grades it.
    pub frequency: Option<Frequency>,
    /// How serious it is, as an article grades it.
    pub severity: Option<Severity>,
    /// What kind of problem an article files it under.
    pub nature: Option<Text>,
    /// In which classes an enhanced code is registered.
    #[serde(default)]
    pub uses: Vec<Use>,
    /// The reply codes registered with an enhanced code.
    #[serde(default)]
    pub associated: Vec<String>,
    /// The commands it answers.
    #[serde(default)]
    pub after: Vec<String>,
    /// What a positive code settles.
    pub outcome: Option<Outcome>,
    /// What to assume when nothing else is known.
    pub category: Option<String>,
    /// How much the bare code says for that, 0 to 0.9.
    pub weight: Option<f32>,
    /// Another category for class 4.
    pub category_transient: Option<String>,
    /// What it means after one command.
    #[serde(default)]
    pub by_command: Vec<AfterCommand>,
    /// How it comes about.
    #[serde(default)]
    pub causes: Texts,
    /// What to do.
    #[serde(default)]
    pub remedies: Texts,
    /// Where the facts are from.
    pub sources: Vec<Citation>,
    /// What it means by itself, as JSON.
    #[serde(skip)]
    pub(crate) rendered: Rendered,
}

/// What is seen or told under a number, and by whom.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// The reading.
    pub meaning: Text,
    /// Who reads it so.
    pub source: Citation,
}

/// What a code means after one command.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AfterCommand {
    /// The command.
    #[serde(deserialize_with = "from_text")]
    pub command: Command,
    /// What to assume then.
    pub category: String,
    /// How much the code says for it then.
    pub weight: f32,
}

/// A number in the catalogue: a reply code, an enhanced code in any class, or one in a single class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub enum CodeKey {
    /// `550`.
    Reply(ReplyCode),
    /// `X.1.1`: whatever the class.
    AnyClass {
        /// The middle number.
        subject: u16,
        /// The last number.
        detail: u16,
    },
    /// `5.1.1`.
    Enhanced(EnhancedCode),
}

impl FromStr for CodeKey {
    type Err = String;

    /// # Errors
    /// When the text is neither a reply code nor an enhanced code, with or without its class.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(rest) = text.strip_prefix("X.") {
            let code: EnhancedCode = format!("5.{rest}").parse().map_err(|_| not_a_code(text))?;
            return Ok(Self::AnyClass { subject: code.subject(), detail: code.detail() });
        }
        text.parse().map(Self::Reply).or_else(|_| text.parse().map(Self::Enhanced)).map_err(|_| not_a_code(text))
    }
}

fn not_a_code(text: &str) -> String {
    format!("{text:?} is not a code; expected a reply code such as 550 or an enhanced code such as 5.1.1 or X.1.1")
}

impl TryFrom<String> for CodeKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for CodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply(code) => code.fmt(f),
            Self::Enhanced(code) => code.fmt(f),
            Self::AnyClass { subject, detail } => write!(f, "X.{subject}.{detail}"),
        }
    }
}

/// The meaning of a first digit (RFC 5321 §4.2.1, RFC 3463 §3.1).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// The digit.
    pub digit: u8,
    /// As the first digit of a reply code.
    pub reply: Named,
    /// As the class of an enhanced code, where it can be one.
    pub enhanced: Option<Named>,
    /// Where the facts are from.
    pub sources: Vec<Citation>,
}

/// A name and what it means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// A headline.
    pub name: Text,
    /// What it means.
    pub meaning: Text,
}

/// The meaning of a middle number (RFC 5321 §4.2.1, RFC 3463 §3.1).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Of which kind of code.
    pub of: SubjectOf,
    /// The number.
    pub number: u16,
    /// A headline.
    pub name: Text,
    /// What it means.
    pub meaning: Text,
    /// Where the facts are from.
    pub sources: Vec<Citation>,
}

/// The kind of code a subject belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectOf {
    /// The second digit of a reply code.
    Reply,
    /// The middle number of an enhanced code.
    Enhanced,
}

/// Reads a value by its `FromStr`, so that its own error reaches the author of the file.
pub(super) fn from_text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_and_written() {
        for text in ["550", "5.1.1", "X.7.26", "101"] {
            assert_eq!(text.parse::<CodeKey>().unwrap().to_string(), text);
        }
        for text in ["X.1", "Y.1.1", "5501", "3.1.1", ""] {
            assert!(text.parse::<CodeKey>().unwrap_err().contains("is not a code"), "{text:?}");
        }
    }
}
