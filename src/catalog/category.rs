//! A category: why a delivery failed, what that means for the address, and how to mend it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    rendered::Rendered,
    source::Citation,
    text::{Text, Texts},
    vocabulary::{Action, BounceType, Group, Responsible, Scope, Suppress},
};

/// The place of a category in the catalogue; cheap to copy and compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CategoryId(pub(crate) u16);

/// Why a delivery failed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// `mailbox_full`.
    pub id: String,
    /// Who stands where.
    pub group: Group,
    /// What it means for the address, if the refusal is permanent.
    #[serde(rename = "type")]
    pub bounce_type: BounceType,
    /// What else will fail the same way.
    pub scope: Scope,
    /// What the sender should do next.
    pub action: Action,
    /// Who must act.
    pub responsible: Responsible,
    /// Whether and when to try again.
    pub retry: RetryAdvice,
    /// When to take the address out of sending.
    pub suppress: Suppress,
    /// A headline.
    pub name: Text,
    /// What happened, for people who are no postmasters.
    pub summary: Text,
    /// How it comes about.
    pub causes: Texts,
    /// What to do, in this order.
    pub steps: Texts,
    /// Where to read on.
    pub links: Vec<Link>,
    /// Codes that often carry it.
    #[serde(default)]
    pub typical_codes: Vec<String>,
    /// Its names in other vocabularies.
    pub equivalents: BTreeMap<Vocabulary, Vec<String>>,
    /// Where the facts are from.
    pub sources: Vec<Citation>,
    /// How to mend it, as JSON.
    #[serde(skip)]
    pub(crate) rendered: Rendered,
}

/// Whether and when to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryAdvice {
    /// Whether another try can help at all without anything being changed.
    pub advised: bool,
    /// Seconds before the first one.
    pub after_seconds: Option<u32>,
}

/// A page to read on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// What is to be found there.
    pub title: Text,
    /// Its address.
    pub url: String,
}

/// A vocabulary people come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Vocabulary {
    /// Sisimai's reasons.
    Sisimai,
    /// PowerMTA's bounce categories.
    Powermta,
    /// KumoMTA's classes.
    Kumomta,
    /// SparkPost's numbers.
    Sparkpost,
    /// Amazon SES: `bounceType/bounceSubType`.
    Ses,
    /// Postmark's types.
    Postmark,
    /// SendGrid's classes and reasons.
    Sendgrid,
    /// Mailgun's reasons and codes.
    Mailgun,
}
