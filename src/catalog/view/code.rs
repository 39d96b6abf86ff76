//! A code, a pair of codes or a whole class: what is asked for, and what is answered.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{RuleView, SourceView};
use crate::{
    catalog::{BounceType, Catalog, Code, CodeKey, CodeStatus, Frequency, Outcome, Prior, Severity, SubjectOf, Use},
    smtp::{EnhancedCode, Permanence, ReplyCode},
};

/// What is asked for: `550`, `5.7.26`, both as `550-5.7.1`, or a whole class as `4xx` or `4.x.x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeQuery {
    /// `550`.
    Reply(ReplyCode),
    /// `5.7.26`.
    Enhanced(EnhancedCode),
    /// `550-5.7.1`.
    Pair(ReplyCode, EnhancedCode),
    /// `4xx`, or `4yz` as the RFC writes it.
    ReplyClass(u8),
    /// `4.x.x`.
    EnhancedClass(u8),
}

/// The catalogue does not know the code that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCode {
    what: String,
}

impl fmt::Display for UnknownCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for UnknownCode {}

impl FromStr for CodeQuery {
    type Err = UnknownCode;

    /// # Errors
    /// When the text has none of the forms; the error says which there are.
    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let lower = text.trim().to_ascii_lowercase();
        let digit = lower.bytes().next().filter(u8::is_ascii_digit).map(|digit| digit - b'0');
        match (digit, lower.get(1..)) {
            (Some(digit), Some("xx" | "yz")) => return Ok(Self::ReplyClass(digit)),
            (Some(digit), Some(".x.x" | ".y.z")) => return Ok(Self::EnhancedClass(digit)),
            _ => {}
        }
        let pair = lower.split_once(['-', ' ', '_', '+']);
        if let Some((Ok(reply), Ok(enhanced))) = pair.map(|(reply, enhanced)| (reply.parse(), enhanced.trim().parse()))
        {
            return Ok(Self::Pair(reply, enhanced));
        }
        lower.parse().map(Self::Reply).or_else(|_| lower.parse().map(Self::Enhanced)).map_err(|_| UnknownCode {
            what: format!(
                "{:?} is not a code; expected a reply code such as 550, an enhanced code such as 5.7.26, both as 550-5.7.1, \
                 or a class as 4xx or 4.x.x",
                text.chars().take(40).collect::<String>()
            ),
        })
    }
}

/// What kind of number a code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CodeKind {
    /// Three digits, as RFC 5321 has them.
    Reply,
    /// Class, subject and detail, as RFC 3463 has them.
    Enhanced,
    /// A number that single products or providers use.
    Provider,
}

/// A code, in one language.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Code)]
pub struct CodeView<'c> {
    /// The number itself, as asked for.
    #[schema(example = "552")]
    pub code: String,
    /// What kind of number it is.
    pub kind: CodeKind,
    /// A headline.
    pub name: &'c str,
    /// What the reader learns from it.
    pub meaning: &'c str,
    /// How firmly it stands on a standard.
    pub status: CodeStatus,
    /// What the first digit says of the attempt.
    pub permanence: Option<Permanence>,
    /// The first digit.
    pub class: Option<DigitView<'c>>,
    /// The middle number.
    pub subject: Option<SubjectView<'c>>,
    /// The last number, with the condition it stands for where it has a name of its own.
    pub detail: Option<SubjectView<'c>>,
    /// The wording of the standard or registry.
    pub standard_text: Option<&'c str>,
    /// What the standard defines, or that none does.
    pub standard: Option<&'c str>,
    /// What is seen or told under this number elsewhere, and by whom.
    pub observed: Vec<ObservationView<'c>>,
    /// Where sources contradict each other: who is right, and why.
    pub note: Option<&'c str>,
    /// How often it is met.
    pub frequency: Option<Frequency>,
    /// How serious it is.
    pub severity: Option<Severity>,
    /// What kind of problem the founding articles file it under.
    pub nature: Option<&'c str>,
    /// Enhanced codes: in which classes it is registered.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub uses: &'c [Use],
    /// Enhanced codes: the reply codes registered with it.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub associated: &'c [String],
    /// The commands it answers.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub after: &'c [String],
    /// Positive codes: what it settles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The category to assume when a reply says nothing else.
    #[schema(example = "mailbox_full")]
    pub category: Option<&'c str>,
    /// What the bare code means for the address.
    #[serde(rename = "type")]
    pub bounce_type: BounceType,
    /// How it comes about.
    pub causes: &'c [String],
    /// What to do.
    pub remedies: &'c [String],
    /// Where the facts are from.
    pub sources: Vec<SourceView<'c>>,
    /// What a provider means by it, where one was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub provider_rules: Vec<RuleView<'c>>,
    /// For two codes asked for together: how they go together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pair: Option<RegisteredPair>,
    /// For two codes asked for together: each by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub parts: Vec<CodeView<'c>>,
}

/// How a reply code and an enhanced code go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RegisteredPair {
    /// Whether the IANA registry lists the reply code with the enhanced code; null where it lists none.
    pub registered: Option<bool>,
    /// Whether both say success, transient or permanent alike, as RFC 2034 §4 demands.
    pub classes_agree: bool,
}

/// A first digit and what it says.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Class)]
pub struct DigitView<'c> {
    /// The digit.
    pub digit: u8,
    /// Its name.
    pub name: &'c str,
    /// What it says.
    pub meaning: &'c str,
}

/// A middle or last number and what it says.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Subject)]
pub struct SubjectView<'c> {
    /// The number.
    pub number: u16,
    /// Its name, where it has one.
    pub name: Option<&'c str>,
    /// What it says.
    pub meaning: Option<&'c str>,
}

/// A reading and who has it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Observation)]
pub struct ObservationView<'c> {
    /// The reading.
    pub meaning: &'c str,
    /// Who reads it so.
    pub source: SourceView<'c>,
}

impl Catalog {
    /// Answers a look-up in `language`.
    ///
    /// # Errors
    /// When the catalogue does not know the code, with a hint at the nearest that it knows.
    pub fn look_up(&self, query: CodeQuery, language: &str) -> Result<CodeView<'_>, UnknownCode> {
        match query {
            CodeQuery::Reply(code) => match self.reply_code(code) {
                Some(known) => Ok(self.reply_view(code, known, language)),
                None => Err(self.unknown_reply(code)),
            },
            CodeQuery::Enhanced(code) => match self.enhanced_code(code).filter(|known| fits_class(known, code)) {
                Some(known) => Ok(self.enhanced_view(code, known, language)),
                None => Err(self.unknown_enhanced(code)),
            },
            CodeQuery::Pair(reply, enhanced) => {
                let first = self.look_up(CodeQuery::Reply(reply), language)?;
                let second = self.look_up(CodeQuery::Enhanced(enhanced), language)?;
                let listed = second.associated.iter().filter(|code| code.parse::<ReplyCode>().is_ok());
                let registered = (listed.clone().count() > 0).then(|| listed.clone().any(|code| *code == first.code));
                let pair = RegisteredPair { registered, classes_agree: reply.class() == enhanced.class() };
                Ok(CodeView {
                    code: format!("{reply}-{enhanced}"),
                    frequency: second.frequency.or(first.frequency),
                    severity: second.severity.or(first.severity),
                    nature: second.nature.or(first.nature),
                    pair: Some(pair),
                    parts: vec![first, second.clone()],
                    ..second
                })
            }
            CodeQuery::ReplyClass(digit) => self.class_view(digit, false, language),
            CodeQuery::EnhancedClass(digit) => self.class_view(digit, true, language),
        }
    }

    /// The rules of a provider that ask for one of these codes.
    pub fn provider_rules(&self, provider: &str, query: CodeQuery, language: &str) -> Option<Vec<RuleView<'_>>> {
        let (id, _) = self.provider_named(provider)?;
        let (reply, enhanced) = match query {
            CodeQuery::Reply(reply) => (Some(reply), None),
            CodeQuery::Enhanced(enhanced) => (None, Some(enhanced)),
            CodeQuery::Pair(reply, enhanced) => (Some(reply), Some(enhanced)),
            CodeQuery::ReplyClass(_) | CodeQuery::EnhancedClass(_) => (None, None),
        };
        let asks = |key: &CodeKey| match *key {
            CodeKey::Reply(code) => Some(code) == reply,
            CodeKey::Enhanced(code) => Some(code) == enhanced,
            CodeKey::AnyClass { subject, detail } => {
                enhanced.is_some_and(|code| (code.subject(), code.detail()) == (subject, detail))
            }
        };
        let own = self.phrases().iter().filter(|phrase| phrase.provider == Some(id) && phrase.codes.iter().any(asks));
        Some(own.map(|phrase| self.rule_view(phrase, language)).collect())
    }

    /// Every code that a list shows: an enhanced code once for each class in which it is registered.
    pub(in crate::catalog) fn listed(&self) -> impl Iterator<Item = (CodeQuery, &Code)> {
        self.codes().flat_map(move |code| {
            let queries: Vec<CodeQuery> = match code.code {
                CodeKey::Reply(reply) => vec![CodeQuery::Reply(reply)],
                CodeKey::Enhanced(enhanced) => vec![CodeQuery::Enhanced(enhanced)],
                CodeKey::AnyClass { subject, detail } => [2, 4, 5]
                    .into_iter()
                    .filter_map(|class| EnhancedCode::new(class, subject, detail))
                    .filter(|enhanced| is_registered(code, *enhanced) && fits_class(code, *enhanced))
                    .filter(|enhanced| !self.codes.contains_key(&CodeKey::Enhanced(*enhanced)))
                    .map(CodeQuery::Enhanced)
                    .collect(),
            };
            queries.into_iter().map(move |query| (query, code))
        })
    }

    fn reply_view<'c>(&'c self, code: ReplyCode, known: &'c Code, language: &str) -> CodeView<'c> {
        let class = self.class(code.class()).map(|class| DigitView {
            digit: class.digit,
            name: class.reply.name.get(language),
            meaning: class.reply.meaning.get(language),
        });
        let prior = self.reply_prior(code, None);
        CodeView {
            class,
            subject: code
                .permanence()
                .map(|_| self.subject_view(SubjectOf::Reply, u16::from(code.subject()), language)),
            detail: code.permanence().map(|_| SubjectView {
                number: u16::from(code.detail()),
                name: None,
                meaning: None,
            }),
            ..self.view(code.to_string(), CodeKind::Reply, code.permanence(), prior, known, language)
        }
    }

    fn enhanced_view<'c>(&'c self, code: EnhancedCode, known: &'c Code, language: &str) -> CodeView<'c> {
        let class = self.class(code.class()).and_then(|class| {
            let named = class.enhanced.as_ref()?;
            Some(DigitView { digit: class.digit, name: named.name.get(language), meaning: named.meaning.get(language) })
        });
        let detail = SubjectView { number: code.detail(), name: Some(known.name.get(language)), meaning: None };
        let prior = self.enhanced_prior(code, None);
        CodeView {
            class,
            subject: Some(self.subject_view(SubjectOf::Enhanced, code.subject(), language)),
            detail: Some(detail),
            ..self.view(code.to_string(), CodeKind::Enhanced, Some(code.permanence()), prior, known, language)
        }
    }

    fn view<'c>(
        &'c self,
        code: String,
        kind: CodeKind,
        permanence: Option<Permanence>,
        prior: Option<Prior>,
        known: &'c Code,
        language: &str,
    ) -> CodeView<'c> {
        let prior = prior.filter(|_| known.outcome.is_none());
        CodeView {
            code,
            kind: if known.status == CodeStatus::Vendor { CodeKind::Provider } else { kind },
            name: known.name.get(language),
            meaning: known.meaning.get(language),
            status: known.status,
            permanence,
            class: None,
            subject: None,
            detail: None,
            standard_text: known.standard_text.as_deref(),
            standard: known.standard.as_ref().map(|text| text.get(language)),
            observed: known
                .observed
                .iter()
                .filter_map(|observed| {
                    Some(ObservationView {
                        meaning: observed.meaning.get(language),
                        source: self.source_view(&observed.source)?,
                    })
                })
                .collect(),
            note: known.note.as_ref().map(|text| text.get(language)),
            frequency: known.frequency,
            severity: known.severity,
            nature: known.nature.as_ref().map(|text| text.get(language)),
            uses: &known.uses,
            associated: &known.associated,
            after: &known.after,
            outcome: known.outcome,
            category: prior.map(|prior| self.category(prior.category).id.as_str()),
            bounce_type: prior.map_or(BounceType::None, |prior| self.bare_type(prior, permanence)),
            causes: known.causes.get(language),
            remedies: known.remedies.get(language),
            sources: self.source_views(&known.sources),
            provider_rules: Vec::new(),
            pair: None,
            parts: Vec::new(),
        }
    }

    /// What a bare code means for the address: hard only where it says enough about it and is not transient.
    fn bare_type(&self, prior: Prior, permanence: Option<Permanence>) -> BounceType {
        let certain = prior.weight >= Prior::SPECIFIC && permanence != Some(Permanence::Transient);
        match self.category(prior.category).bounce_type {
            BounceType::Hard if !certain => BounceType::Soft,
            other => other,
        }
    }

    fn class_view(&self, digit: u8, enhanced: bool, language: &str) -> Result<CodeView<'_>, UnknownCode> {
        let known = self.class(digit).and_then(|class| {
            let named = if enhanced { class.enhanced.as_ref()? } else { &class.reply };
            Some((class, named))
        });
        let Some((class, named)) = known else {
            let what = format!("there is no class {digit}; expected 2, 3, 4 or 5 (2, 4 or 5 for enhanced codes)");
            return Err(UnknownCode { what });
        };
        let (name, meaning) = (named.name.get(language), named.meaning.get(language));
        let permanence = ReplyCode::new(u16::from(digit) * 100).and_then(ReplyCode::permanence);
        Ok(CodeView {
            code: if enhanced { format!("{digit}.x.x") } else { format!("{digit}xx") },
            kind: if enhanced { CodeKind::Enhanced } else { CodeKind::Reply },
            name,
            meaning,
            status: CodeStatus::Standard,
            permanence,
            class: Some(DigitView { digit, name, meaning }),
            subject: None,
            detail: None,
            standard_text: None,
            standard: None,
            observed: Vec::new(),
            note: None,
            frequency: None,
            severity: None,
            nature: None,
            uses: &[],
            associated: &[],
            after: &[],
            outcome: None,
            category: None,
            bounce_type: match permanence {
                Some(Permanence::Transient | Permanence::Permanent) => BounceType::Soft,
                Some(Permanence::Success | Permanence::Intermediate) | None => BounceType::None,
            },
            causes: &[],
            remedies: &[],
            sources: self.source_views(&class.sources),
            provider_rules: Vec::new(),
            pair: None,
            parts: Vec::new(),
        })
    }

    fn subject_view<'c>(&'c self, of: SubjectOf, number: u16, language: &str) -> SubjectView<'c> {
        let known = self.subject(of, number);
        SubjectView {
            number,
            name: known.map(|subject| subject.name.get(language)),
            meaning: known.map(|subject| subject.meaning.get(language)),
        }
    }

    fn unknown_reply(&self, code: ReplyCode) -> UnknownCode {
        let what = match self.class(code.class()) {
            Some(class) => format!(
                "{code} is not in the catalogue; its first digit says: {}. See /v1/codes/{}xx",
                class.reply.name.get("en").to_lowercase(),
                code.class()
            ),
            None => format!("{code} is not in the catalogue; SMTP's reply codes are 211 to 556"),
        };
        UnknownCode { what }
    }

    fn unknown_enhanced(&self, code: EnhancedCode) -> UnknownCode {
        let general = EnhancedCode::new(code.class(), code.subject(), 0).filter(|general| {
            *general != code && self.enhanced_code(*general).is_some_and(|known| fits_class(known, *general))
        });
        let what = match general {
            Some(general) => {
                format!("{code} is not in the catalogue; the general code of its subject is. See /v1/codes/{general}")
            }
            None => format!("{code} is not in the catalogue. See /v1/codes/{}.x.x", code.class()),
        };
        UnknownCode { what }
    }
}

/// Whether what is known in any class is meant for this one: a success code says nothing under class 5, nor the reverse.
fn fits_class(known: &Code, code: EnhancedCode) -> bool {
    matches!(known.code, CodeKey::Enhanced(_)) || known.outcome.is_some() == (code.class() == 2)
}

fn is_registered(known: &Code, code: EnhancedCode) -> bool {
    let wanted = match code.permanence() {
        Permanence::Success => Use::Success,
        Permanence::Transient => Use::Transient,
        Permanence::Permanent | Permanence::Intermediate => Use::Permanent,
    };
    known.uses.contains(&wanted)
}
