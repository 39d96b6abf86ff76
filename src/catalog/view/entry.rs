//! Categories, providers with their rules, blocklists, and the sources of all.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Serialize;
use utoipa::ToSchema;

use crate::catalog::{
    Action, Blocklist, BounceType, Catalog, Category, Citation, Group, ListStatus, Listed, Phrase, Provider,
    Responsible, ReturnCode, Says, Scope, Suppress, Vocabulary,
};

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

    pub(super) fn source_views(&self, citations: &[Citation]) -> Vec<SourceView<'_>> {
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
}

impl Category {
    /// Its links in `language`.
    pub fn link_views(&self, language: &str) -> Vec<LinkView<'_>> {
        self.links.iter().map(|link| LinkView { title: link.title.get(language), url: &link.url }).collect()
    }
}
