//! What weighing comes to, without texts: small, and in no language.

use std::borrow::Cow;

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    catalog::{Action, Blocklist, BounceType, CategoryId, Kind, Listed, Phrase, ProviderId, RecognisedBy, Scope},
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
    /// All that spoke, the strongest of each source first.
    pub evidence: Vec<Weighed<'a>>,
    /// The folded text that [`Place::Text`] points into.
    pub folded: Cow<'a, str>,
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
