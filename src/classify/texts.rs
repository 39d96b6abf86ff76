//! The texts of a verdict: what its codes mean, and how to mend it. They are the catalogue's, so their JSON is written once.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::{
    catalog::{Catalog, Category, Code, LinkView, Phrase, Responsible},
    smtp::{EnhancedCode, ReplyCode},
};

/// How to mend it, in one language.
#[derive(Clone, Copy, Debug)]
pub struct RemediationView<'a> {
    category: &'a Category,
    /// The wording with steps of its own, where one decided.
    wording: Option<&'a Phrase>,
    language: &'a str,
}

/// How to mend it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Remediation<'a> {
    /// Who must act; the texts address them.
    pub responsible: Responsible,
    /// What happened.
    pub summary: &'a str,
    /// How it comes about.
    pub causes: &'a [String],
    /// What to do, in this order.
    pub steps: &'a [String],
    /// Where to read on.
    pub links: Vec<LinkView<'a>>,
}

impl<'a> RemediationView<'a> {
    pub(super) fn new(category: &'a Category, wording: Option<&'a Phrase>, language: &'a str) -> Self {
        Self { category, wording: wording.filter(|wording| wording.steps.is_some()), language }
    }

    /// The texts themselves.
    pub fn texts(&self) -> Remediation<'a> {
        let own = self.wording.and_then(|wording| wording.steps.as_ref());
        Remediation {
            responsible: self.category.responsible,
            summary: self.category.summary.get(self.language),
            causes: self.category.causes.get(self.language),
            steps: own.unwrap_or(&self.category.steps).get(self.language),
            links: self.category.link_views(self.language),
        }
    }
}

impl Serialize for RemediationView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A wording speaks for one category, so its own steps always come with the same other texts.
        let rendered = self.wording.map_or(&self.category.rendered, |wording| &wording.rendered);
        match rendered.get(self.language, 0, || self.texts()) {
            Some(json) => json.serialize(serializer),
            None => self.texts().serialize(serializer),
        }
    }
}

/// A code and what it means by itself, in one language.
#[derive(Clone, Copy, Debug)]
pub struct CodeNoteView<'a> {
    catalog: &'a Catalog,
    known: &'a Code,
    number: Number,
    language: &'a str,
}

#[derive(Clone, Copy, Debug)]
enum Number {
    Reply(ReplyCode),
    Enhanced(EnhancedCode),
}

/// A code and what it means by itself.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CodeNote<'a> {
    /// The code.
    #[schema(example = "554")]
    pub code: String,
    /// A headline.
    pub name: &'a str,
    /// What the reader learns from it.
    pub meaning: &'a str,
    /// Where it is defined, or who tells it.
    pub source: Option<Cow<'a, str>>,
}

impl<'a> CodeNoteView<'a> {
    pub(super) fn of_reply(catalog: &'a Catalog, code: ReplyCode, language: &'a str) -> Option<Self> {
        Some(Self { catalog, known: catalog.reply_code(code)?, number: Number::Reply(code), language })
    }

    pub(super) fn of_enhanced(catalog: &'a Catalog, code: EnhancedCode, language: &'a str) -> Option<Self> {
        Some(Self { catalog, known: catalog.enhanced_code(code)?, number: Number::Enhanced(code), language })
    }

    /// The texts themselves.
    pub fn texts(&self) -> CodeNote<'a> {
        let first = self.known.sources.first();
        CodeNote {
            code: match self.number {
                Number::Reply(code) => code.to_string(),
                Number::Enhanced(code) => code.to_string(),
            },
            name: self.known.name.get(self.language),
            meaning: self.known.meaning.get(self.language),
            source: first.and_then(|citation| Some(self.catalog.source_view(citation)?.title)),
        }
    }
}

impl Serialize for CodeNoteView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // What is known of a code in any class is told of each.
        let class = match self.number {
            Number::Reply(_) => 0,
            Number::Enhanced(code) => code.class(),
        };
        match self.known.rendered.get(self.language, class, || self.texts()) {
            Some(json) => json.serialize(serializer),
            None => self.texts().serialize(serializer),
        }
    }
}
