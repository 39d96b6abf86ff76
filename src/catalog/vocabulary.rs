//! The closed vocabularies of the taxonomy: what may stand in a verdict's and a code's fields. Ids are stable: one may be
//! added, none is renamed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Any refusal: 4yz or 5yz, a live reply or a final report.
    Bounce,
    /// A report that says the message is still queued.
    Delay,
    /// The message was accepted.
    Delivered,
    /// The dialogue goes on; nothing is decided yet.
    Intermediate,
    /// A recipient complained.
    Complaint,
    /// An out-of-office note, a ticket receipt and the like.
    AutoReply,
    /// No delivery report at all.
    Other,
}

/// What settled a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A clear rule of the provider's own.
    ProviderRule,
    /// Words of the reply.
    Words,
    /// Words of the reply, against what its codes would say.
    WordsOverCodes,
    /// A code in the light of the command it answers.
    Command,
    /// Codes alone.
    Codes,
    /// A code by which nothing failed.
    PositiveCode,
    /// The kind of the mail.
    Report,
    /// Nothing was recognised.
    Nothing,
}

impl Reason {
    /// Every reason.
    pub(super) const ALL: [Self; 8] = [
        Self::ProviderRule,
        Self::Words,
        Self::WordsOverCodes,
        Self::Command,
        Self::Codes,
        Self::PositiveCode,
        Self::Report,
        Self::Nothing,
    ];
}

/// What a failure means for the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BounceType {
    /// Nobody can ever deliver to this address.
    Hard,
    /// This delivery failed; the address may well be good.
    Soft,
    /// Nothing failed.
    None,
}

/// Who stands where: the hard family, the four soft families, and what belongs to none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// The address or its domain is not usable.
    InvalidAddress,
    /// The receiving side fails for now: full, down, misconfigured, unreachable.
    RecipientFailure,
    /// The receiving side defends itself against spam.
    AntispamBlock,
    /// The receiving side blocks because too many addresses of the list are dead.
    HardBounceBlock,
    /// The sending side is set up wrongly.
    SenderFailure,
    /// This one message is refused for what it contains.
    Message,
    /// The sending platform did not try.
    Suppression,
    /// The cause was not recognised.
    Unknown,
}

/// What else will fail the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// This address only.
    Recipient,
    /// Everyone at this domain.
    RecipientDomain,
    /// All mail of this sender domain.
    Sender,
    /// All mail from this IP address.
    SenderIp,
    /// This content, whoever it goes to.
    Message,
    /// This connection or batch.
    Session,
    /// Nothing else.
    None,
}

/// What the sender should do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Send nothing to this address any more.
    Suppress,
    /// Try the same again later.
    Retry,
    /// Send less per time to this destination.
    SlowDown,
    /// Repair the sending set-up.
    FixSender,
    /// Change the message.
    FixMessage,
    /// Clean the address list.
    FixList,
    /// Have the sender removed from a blocklist, after removing the cause.
    RequestDelisting,
    /// Ask the recipient by another channel.
    ContactRecipient,
    /// Take the recipient off the list at once: they complained or opted out.
    Unsubscribe,
    /// Replace the address by the new one.
    UpdateAddress,
    /// Have a person look at it.
    Review,
    /// Nothing to do.
    None,
}

/// Who must act; the remedy is addressed to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Responsible {
    /// Whoever keeps the address list.
    ListOwner,
    /// Whoever runs the sending mail servers and DNS.
    SenderAdmin,
    /// Whoever wrote the message.
    Author,
    /// The recipient.
    Recipient,
    /// Whoever runs the receiving mail servers and DNS.
    RecipientAdmin,
    /// Nobody: wait.
    Nobody,
}

/// When an address should be taken out of sending for this category.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Suppress {
    /// Never for this reason.
    Never,
    /// After the first permanent refusal.
    AtOnce,
    /// After several refusals over weeks without a delivery between them.
    AfterRepeats,
}

/// How firmly a code stands on a standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CodeStatus {
    /// An RFC in force defines it.
    Standard,
    /// Only the IANA registry knows it.
    Registered,
    /// An obsolete or abandoned document defined it.
    Historic,
    /// Articles tell it; no standard defines it.
    Folklore,
    /// Single products or providers use it.
    Vendor,
}

/// How often a code is met, as the founding articles grade it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Frequency {
    /// Among the most usual.
    Common,
    /// Often.
    Frequent,
    /// Seldom.
    Rare,
}

/// How serious a code is, as the founding articles grade it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Act on it.
    High,
    /// Look at it.
    Medium,
    /// Let it pass.
    Low,
}

/// What a positive code settles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The message was accepted.
    Delivered,
    /// The dialogue goes on; nothing is decided yet.
    Intermediate,
}

/// In which sense an enhanced code is registered (RFC 5248).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Use {
    /// Class 2.
    Success,
    /// Class 4.
    Transient,
    /// Class 5.
    Permanent,
}
