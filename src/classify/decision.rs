//! What weighing comes to, without texts: small, and in no language.

use std::{borrow::Cow, sync::Arc};

use serde::Serialize;
use utoipa::ToSchema;

use super::memo::Remembered;
use crate::{
    catalog::{
        Action, Blocklist, BounceType, Catalog, CategoryId, Kind, Listed, Origin, Phrase, ProviderId, RecognisedBy,
        Scope, Wait, fold,
    },
    smtp::{EnhancedCode, Permanence, ReplyCode},
};

/// What weighing came to.
#[derive(Clone, Debug)]
pub struct Decision<'a> {
    /// What the input is.
    pub kind: Kind,
    /// What the code says of this attempt.
    pub permanence: Option<Permanence>,
    /// What it means for the address.
    pub bounce_type: BounceType,
    /// Why; none where nothing failed.
    pub category: Option<CategoryId>,
    /// What else will fail the same way.
    pub scope: Scope,
    /// What the sender should do next.
    pub action: Action,
    /// The winner's score, less what was said against it; not yet calibrated.
    pub confidence: f32,
    /// Whether another try can help, and after how many seconds.
    pub retry: (bool, Option<u32>),
    /// The blocklist that the reply names, for refusals because of one.
    pub blocklist: Option<Blocking<'a>>,
    /// The provider that answered, and by what it was recognised.
    pub provider: Option<(ProviderId, RecognisedBy)>,
    /// The strongest phrase that speaks for the category.
    pub wording: Option<&'a Phrase>,
    /// All that spoke besides the time for the next try, the strongest of each source first.
    pub(super) spoke: Spoke,
    /// When the server itself says to try again.
    pub(super) wait: Option<Wait<'a>>,
    /// The words that were weighed.
    pub(super) text: &'a str,
}

impl<'a> Decision<'a> {
    /// That nothing failed, or nothing is known: a kind, and no evidence.
    pub(super) fn without_evidence(kind: Kind, permanence: Option<Permanence>) -> Self {
        Self {
            kind,
            permanence,
            bounce_type: BounceType::None,
            category: None,
            scope: Scope::None,
            action: Action::None,
            confidence: 0.99,
            retry: (false, None),
            blocklist: None,
            provider: None,
            wording: None,
            spoke: Spoke::Codes(Box::default()),
            wait: None,
            text: "",
        }
    }

    pub(super) fn pieces(&self) -> &[Piece] {
        match &self.spoke {
            Spoke::Remembered(remembered) => &remembered.settled.pieces,
            Spoke::Codes(pieces) => pieces,
        }
    }

    /// The text that was weighed, folded; evidence stands in it.
    pub fn folded(&self) -> Cow<'a, str> {
        fold(self.text)
    }

    /// The ids of the rules whose words were found; a rule is there once.
    pub fn rules(&self, catalog: &'a Catalog) -> impl Iterator<Item = &'a str> {
        let rule = |piece: &Piece| match piece.place {
            Spot::Gist { phrase, .. } => Some(catalog.phrases()[phrase as usize].id.as_str()),
            Spot::Enhanced(_) | Spot::Reply(_) => None,
        };
        self.pieces().iter().filter_map(rule).chain(self.wait.map(|wait| wait.rule))
    }

    /// All that spoke, the strongest of each source first, the time for the next try last. `folded` is [`Decision::folded`], in
    /// which it stands.
    pub fn evidence(&self, catalog: &'a Catalog, folded: &str) -> Vec<Weighed<'a>> {
        let stands_in_words = self.pieces().iter().any(|piece| matches!(piece.place, Spot::Gist { .. }));
        let origin = if stands_in_words { catalog.gist(folded).1 } else { Origin::default() };
        let pieces = self.pieces().iter().map(|piece| piece.weighed(catalog, &origin));
        let wait = self.wait.iter().map(|wait| Weighed {
            source: EvidenceSource::RetryTime,
            place: Place::Text { rule: wait.rule, start: wait.start, end: wait.end },
            category: None,
            weight: 1.0,
        });
        pieces.chain(wait).collect()
    }
}

/// Where the pieces of evidence are kept.
#[derive(Clone, Debug)]
pub(super) enum Spoke {
    /// With what is remembered of the reply's gist.
    Remembered(Arc<Remembered>),
    /// Codes of a reply that is no failure.
    Codes(Box<[Piece]>),
}

/// One piece of evidence as it is remembered: in numbers of the catalogue's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) source: EvidenceSource,
    pub(super) place: Spot,
    pub(super) category: Option<CategoryId>,
    pub(super) weight: f32,
}

/// Where a piece of evidence stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Spot {
    /// These bytes of the gist, and the phrase that they are a match of, by its place in the catalogue.
    Gist {
        phrase: u32,
        start: u32,
        end: u32,
    },
    Enhanced(EnhancedCode),
    Reply(ReplyCode),
}

impl Piece {
    /// The catalogue's rule: a phrase's id, or a code.
    pub(super) fn rule<'a>(&self, catalog: &'a Catalog) -> Cow<'a, str> {
        match self.place {
            Spot::Gist { phrase, .. } => Cow::Borrowed(catalog.phrases()[phrase as usize].id.as_str()),
            Spot::Enhanced(code) => Cow::Owned(code.to_string()),
            Spot::Reply(code) => Cow::Owned(code.to_string()),
        }
    }

    fn weighed<'a>(&self, catalog: &'a Catalog, origin: &Origin) -> Weighed<'a> {
        let place = match self.place {
            Spot::Gist { phrase, start, end } => {
                let (start, end) = origin.of(start as usize, end as usize);
                Place::Text { rule: &catalog.phrases()[phrase as usize].id, start, end }
            }
            Spot::Enhanced(code) => Place::Enhanced(code),
            Spot::Reply(code) => Place::Reply(code),
        };
        Weighed { source: self.source, place, category: self.category, weight: self.weight }
    }
}

/// A blocklist named in a reply.
#[derive(Clone, Debug)]
pub struct Blocking<'a> {
    /// The list.
    pub list: &'a Blocklist,
    /// What kind of thing is listed.
    pub listed: Option<Listed>,
    /// The IP address or domain itself, where the reply names it.
    pub subject: Option<&'a str>,
}

/// One piece of evidence.
#[derive(Clone, Copy, Debug)]
pub struct Weighed<'a> {
    /// What spoke.
    pub source: EvidenceSource,
    /// Where it stands.
    pub place: Place<'a>,
    /// What it speaks for; none for a phrase that says only that the refusal is temporary.
    pub category: Option<CategoryId>,
    /// How much it is worth.
    pub weight: f32,
}

/// What a piece of evidence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceSource {
    /// Words of the reply.
    Phrase,
    /// Words of the reply that a provider's own rule knows.
    Provider,
    /// The enhanced status code.
    EnhancedCode,
    /// The reply code.
    ReplyCode,
    /// The reply code in the light of the command it answers.
    Command,
    /// Words of the reply that say when to try again; they speak for no category.
    RetryTime,
}

/// Where a piece of evidence stands.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// These bytes of the folded text, and the phrase that matched them.
    Text {
        /// The phrase's id.
        rule: &'a str,
        /// First byte.
        start: usize,
        /// Byte behind the last.
        end: usize,
    },
    /// The enhanced code.
    Enhanced(EnhancedCode),
    /// The reply code.
    Reply(ReplyCode),
}

impl<'a> Place<'a> {
    /// The catalogue's rule: a phrase's id, or a code.
    pub fn rule(&self) -> Cow<'a, str> {
        match self {
            Self::Text { rule, .. } => Cow::Borrowed(rule),
            Self::Enhanced(code) => Cow::Owned(code.to_string()),
            Self::Reply(code) => Cow::Owned(code.to_string()),
        }
    }
}
