//! What a look-up answers: one code or category in one language, with its references resolved.

use std::{borrow::Cow, collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Action, Blocklist, BounceType, Catalog, Category, Citation, Code, CodeKey, CodeStatus, Frequency, Group,
    ListStatus, Listed, Outcome, Phrase, Prior, Provider, Responsible, ReturnCode, Says, Scope, Severity, SubjectOf,
    Suppress, Use, Vocabulary,
};
use crate::smtp::{EnhancedCode, Permanence, ReplyCode};

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

/// A document that facts are taken from.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Source)]
pub struct SourceView<'c> {
    /// Its id in the catalogue.
    #[schema(example = "rfc5321")]
    pub id: &'c str,
    /// Its title, or the section meant.
    #[schema(example = "RFC 5321 §4.2.3")]
    pub title: Cow<'c, str>,
    /// Its address.
    pub url: Option<Cow<'c, str>>,
    /// The day it was read, for pages that change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<&'c str>,
}

/// A category, in one language.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Category)]
pub struct CategoryView<'c> {
    /// Its id.
    #[schema(example = "mailbox_full")]
    pub id: &'c str,
    /// A headline.
    pub name: &'c str,
    /// Who stands where.
    pub group: Group,
    /// What it means for the address when the refusal is permanent.
    #[serde(rename = "type")]
    pub bounce_type: BounceType,
    /// What else will fail the same way.
    pub scope: Scope,
    /// What the sender should do next.
    pub action: Action,
    /// Who must act.
    pub responsible: Responsible,
    /// Whether and when to try again.
    pub retry: RetryView,
    /// When to take the address out of sending.
    pub suppress: Suppress,
    /// What happened, for people who are no postmasters.
    pub summary: &'c str,
    /// How it comes about.
    pub causes: &'c [String],
    /// What to do, in this order.
    pub steps: &'c [String],
    /// Where to read on.
    pub links: Vec<LinkView<'c>>,
    /// Codes that often carry it.
    pub typical_codes: &'c [String],
    /// Its names in other vocabularies.
    pub equivalents: &'c BTreeMap<Vocabulary, Vec<String>>,
    /// The rules that lead here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<RuleView<'c>>>,
    /// Where the facts are from.
    pub sources: Vec<SourceView<'c>>,
}

/// A provider, in one language.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Provider)]
pub struct ProviderView<'c> {
    /// Its id.
    #[schema(example = "gmail")]
    pub id: &'c str,
    /// As it calls itself.
    pub name: &'c str,
    /// Its hosts are these or below them.
    pub hosts: &'c [String],
    /// Its postmaster page.
    pub url: Option<&'c str>,
    /// Who it is, how it refuses, where to turn to.
    pub summary: &'c str,
    /// What it says of its own, and what that means there.
    pub rules: Vec<RuleView<'c>>,
    /// Where the facts are from.
    pub sources: Vec<SourceView<'c>>,
}

/// A rule of the catalogue, in one language.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Rule)]
pub struct RuleView<'c> {
    /// Its id.
    #[schema(example = "gmail/reception-rate")]
    pub id: &'c str,
    /// The category that it speaks for.
    pub category: Option<&'c str>,
    /// How surely, 0 to 1.
    pub weight: f64,
    /// The provider that it belongs to.
    pub provider: Option<&'c str>,
    /// The codes that it asks for.
    pub codes: Vec<String>,
    /// What it means at that provider.
    pub meaning: Option<&'c str>,
    /// What to do there, where the category's steps would mislead.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub steps: &'c [String],
    /// A reply in its form.
    pub example: Option<&'c str>,
    /// Where the wording is from.
    pub source: Option<SourceView<'c>>,
}

/// A blocklist, in one language.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Blocklist)]
pub struct BlocklistEntry<'c> {
    /// Its id.
    #[schema(example = "spamhaus_zen")]
    pub id: &'c str,
    /// As its operator writes it.
    pub name: &'c str,
    /// Who runs it.
    pub operator: &'c str,
    /// What it lists.
    pub lists: &'c [Listed],
    /// Whether it still answers.
    pub status: ListStatus,
    /// When it was closed, where that is known.
    pub closed: Option<&'c str>,
    /// Where to look up a subject; `{subject}` stands for it.
    pub lookup_url: Option<&'c str>,
    /// Where to ask for removal.
    pub removal_url: Option<&'c str>,
    /// What gets one listed, and how serious that is.
    pub summary: &'c str,
    /// How to get off.
    pub removal: &'c str,
    /// What its answers mean.
    pub return_codes: Vec<ReturnCodeView<'c>>,
    /// Where the facts are from.
    pub sources: Vec<SourceView<'c>>,
}

/// One of a blocklist's answers.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ReturnCode)]
pub struct ReturnCodeView<'c> {
    /// The address it answers with.
    #[schema(example = "127.0.0.2")]
    pub code: &'c str,
    /// What that means.
    pub meaning: &'c str,
}

/// Whether and when to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Retry)]
pub struct RetryView {
    /// Whether another try can help without anything being changed.
    pub advised: bool,
    /// Seconds before the first one.
    #[schema(example = 14400)]
    pub after_seconds: Option<u32>,
}

/// A page to read on.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Link)]
pub struct LinkView<'c> {
    /// What is to be found there.
    pub title: &'c str,
    /// Its address.
    pub url: &'c str,
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
    pub(super) fn listed(&self) -> impl Iterator<Item = (CodeQuery, &Code)> {
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

    /// A citation with its document.
    pub fn source_view(&self, citation: &Citation) -> Option<SourceView<'_>> {
        let source = self.source(citation)?;
        Some(SourceView {
            id: &source.id,
            title: citation.label(source).into(),
            url: citation.url(source).map(Cow::Owned),
            date: source.date.as_deref(),
        })
    }

    fn source_views(&self, citations: &[Citation]) -> Vec<SourceView<'_>> {
        citations.iter().filter_map(|citation| self.source_view(citation)).collect()
    }

    /// A category with the rules that lead to it, in `language`.
    pub fn category_with_rules<'c>(&'c self, category: &'c Category, language: &str) -> CategoryView<'c> {
        let leads_here =
            |phrase: &&Phrase| matches!(phrase.says, Says::Cause(id) if self.category(id).id == category.id);
        let rules = self.phrases().iter().filter(leads_here).map(|phrase| self.rule_view(phrase, language)).collect();
        CategoryView { rules: Some(rules), ..self.category_view(category, language) }
    }

    /// A category in `language`.
    pub fn category_view<'c>(&'c self, category: &'c Category, language: &str) -> CategoryView<'c> {
        CategoryView {
            id: &category.id,
            name: category.name.get(language),
            group: category.group,
            bounce_type: category.bounce_type,
            scope: category.scope,
            action: category.action,
            responsible: category.responsible,
            retry: RetryView { advised: category.retry.advised, after_seconds: category.retry.after_seconds },
            suppress: category.suppress,
            summary: category.summary.get(language),
            causes: category.causes.get(language),
            steps: category.steps.get(language),
            links: category.link_views(language),
            typical_codes: &category.typical_codes,
            equivalents: &category.equivalents,
            rules: None,
            sources: self.source_views(&category.sources),
        }
    }

    /// A provider with its rules, in `language`.
    pub fn provider_view<'c>(&'c self, provider: &'c Provider, language: &str) -> ProviderView<'c> {
        let id = self.provider_named(&provider.id).map(|(id, _)| id);
        let own = self.phrases().iter().filter(|phrase| phrase.provider.is_some() && phrase.provider == id);
        ProviderView {
            id: &provider.id,
            name: &provider.name,
            hosts: &provider.hosts,
            url: provider.url.as_deref(),
            summary: provider.summary.get(language),
            rules: own.map(|phrase| self.rule_view(phrase, language)).collect(),
            sources: self.source_views(&provider.sources),
        }
    }

    /// A rule in `language`.
    pub fn rule_view<'c>(&'c self, phrase: &'c Phrase, language: &str) -> RuleView<'c> {
        RuleView {
            id: &phrase.id,
            category: match phrase.says {
                Says::Cause(category) => Some(&self.category(category).id),
                Says::Effect(_) => None,
            },
            weight: (f64::from(phrase.weight) * 100.0).round() / 100.0,
            provider: phrase.provider.map(|id| self.provider(id).id.as_str()),
            codes: phrase.codes.iter().map(ToString::to_string).collect(),
            meaning: phrase.meaning.as_ref().map(|meaning| meaning.get(language)),
            steps: phrase.steps.as_ref().map_or(&[], |steps| steps.get(language)),
            example: phrase.example.as_deref(),
            source: self.source_view(&phrase.source),
        }
    }

    /// A blocklist in `language`.
    pub fn blocklist_view<'c>(&'c self, list: &'c Blocklist, language: &str) -> BlocklistEntry<'c> {
        let code = |code: &'c ReturnCode| ReturnCodeView { code: &code.code, meaning: code.meaning.get(language) };
        BlocklistEntry {
            id: &list.id,
            name: &list.name,
            operator: &list.operator,
            lists: &list.lists,
            status: list.status,
            closed: list.closed.as_deref(),
            lookup_url: list.lookup_url.as_deref(),
            removal_url: list.removal_url.as_deref(),
            summary: list.summary.get(language),
            removal: list.removal.get(language),
            return_codes: list.return_codes.iter().map(code).collect(),
            sources: self.source_views(&list.sources),
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

impl Category {
    /// Its links in `language`.
    pub fn link_views(&self, language: &str) -> Vec<LinkView<'_>> {
        self.links.iter().map(|link| LinkView { title: link.title.get(language), url: &link.url }).collect()
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
