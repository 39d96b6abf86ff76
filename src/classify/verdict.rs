//! A verdict as it is given: a decision with its texts in the caller's language.

use std::borrow::Cow;

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    decision::{Blocking, Decision, EvidenceSource, Place},
    texts::{CodeNote, CodeNoteView, Remediation, RemediationView},
};
use crate::{
    catalog::{Action, BounceType, Catalog, Category, Group, Kind, Listed, Reason, RecognisedBy, Scope},
    hexadecimal,
    smtp::{Command, Permanence, Reply, ReplyCode, Template},
};

/// How much of a verdict is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fields {
    /// Everything.
    #[default]
    All,
    /// Without `codes`, `remediation`, `decided_by` and `evidence`, for callers with much volume.
    Core,
}

/// What one reply means, said about one recipient of one message.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Verdict<'a> {
    /// What the input is.
    pub kind: Kind,
    /// What it means for the address: hard only if nobody can ever deliver to it.
    #[serde(rename = "type")]
    pub bounce_type: BounceType,
    /// What the status says of this attempt; null where no code stands. A permanent refusal may well be soft.
    pub permanence: Option<Permanence>,
    /// Why it failed; null where nothing failed.
    #[schema(example = "ip_blocklisted")]
    pub category: Option<&'a str>,
    /// Who stands where.
    pub group: Option<Group>,
    /// What else will fail the same way.
    pub scope: Scope,
    /// What the sender should do next.
    pub action: Action,
    /// Between 0 and 1: of the verdicts given with 0.9, about nine in ten are right.
    #[schema(minimum = 0, maximum = 1)]
    pub confidence: f64,
    /// The recipient, as the caller or the log line told it.
    pub recipient: Option<&'a str>,
    /// The reply, taken apart.
    pub reply: ReplyView<'a>,
    /// The reply's codes and what they mean by themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<CodeNote<'a>>>)]
    pub codes: Option<Vec<CodeNoteView<'a>>>,
    /// The provider that answered, where it was recognised.
    pub provider: Option<ProviderMatch<'a>>,
    /// The blocklist that the reply names, for refusals because of one.
    pub blocklist: Option<BlocklistView<'a>>,
    /// Whether and when to try again.
    pub retry: RetryAnswer,
    /// How to mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Remediation<'a>>)]
    pub remediation: Option<RemediationView<'a>>,
    /// What settled it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<DecidedBy<'a>>,
    /// All that spoke, for this verdict and against it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Vec<EvidenceView<'a>>>,
}

/// A reply, taken apart.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Reply)]
pub struct ReplyView<'a> {
    /// The three-digit code.
    #[schema(example = 554)]
    pub code: Option<u16>,
    /// The enhanced status code.
    #[schema(example = "5.7.1")]
    pub enhanced: Option<String>,
    /// The words, on one line.
    pub text: &'a str,
    /// The command that was answered.
    pub command: Option<Command>,
    /// The words with everything replaced that changes from one recipient, message or day to the next. Holds no personal
    /// data.
    pub template: String,
    /// XXH3 of the template, in hexadecimal: the same complaint has the same fingerprint.
    #[schema(example = "9f2c51d07ab84e13")]
    pub fingerprint: String,
}

/// A blocklist named in a reply.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = BlocklistMatch)]
pub struct BlocklistView<'a> {
    /// Its id in the catalogue.
    #[schema(example = "spamhaus_zen")]
    pub id: &'a str,
    /// As its operator writes it.
    #[schema(example = "Spamhaus ZEN")]
    pub name: &'a str,
    /// What kind of thing is listed.
    pub listed: Option<Listed>,
    /// The IP address or domain itself, where the reply names it.
    #[schema(example = "192.0.2.7")]
    pub subject: Option<&'a str>,
    /// Where to look it up.
    pub lookup_url: Option<String>,
    /// Where to ask for removal, after removing the cause.
    pub removal_url: Option<&'a str>,
}

/// The provider that answered.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProviderMatch<'a> {
    /// Its id in the catalogue.
    #[schema(example = "gmail")]
    pub id: &'a str,
    /// As it calls itself.
    pub name: &'a str,
    /// By what it was recognised.
    pub recognised_by: RecognisedBy,
    /// What this reply means there, where the provider has a rule of its own for it.
    pub meaning: Option<&'a str>,
}

/// Whether and when to try again.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = RetryAdvice)]
pub struct RetryAnswer {
    /// Whether another try can help.
    pub advised: bool,
    /// After how many seconds; null where none is advised.
    pub after_seconds: Option<u32>,
}

/// What settled a verdict.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DecidedBy<'a> {
    /// Which kind of evidence.
    pub reason: Reason,
    /// The strongest rule or code of that kind; null where nothing was recognised.
    #[schema(example = "ip_blocklisted/blocked-using")]
    pub rule: Option<Cow<'a, str>>,
    /// The reason, for people.
    pub text: &'a str,
}

/// One piece of evidence.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Evidence)]
pub struct EvidenceView<'a> {
    /// What spoke.
    pub source: EvidenceSource,
    /// The catalogue's rule: a phrase's id, or a code.
    #[schema(example = "ip_blocklisted/blocked-using")]
    pub rule: Cow<'a, str>,
    /// What it matched, as folded for comparing.
    #[schema(example = "blocked using")]
    pub matched: Cow<'a, str>,
    /// The category it speaks for.
    pub category: Option<&'a str>,
    /// How much it is worth, 0 to 1.
    pub weight: f64,
}

impl<'a> Verdict<'a> {
    /// Puts a decision into words.
    pub fn new(
        catalog: &'a Catalog,
        decision: &Decision<'a>,
        reply: &'a Reply<'a>,
        (command, recipient): (Option<Command>, Option<&'a str>),
        language: &str,
        fields: Fields,
    ) -> Self {
        let category: Option<&Category> = decision.category.map(|id| catalog.category(id));
        let template = Template::of(&reply.text, recipient);
        let all = fields == Fields::All;
        let language = catalog.language(language);
        Self {
            kind: decision.kind,
            bounce_type: decision.bounce_type,
            permanence: decision.permanence,
            category: category.map(|category| category.id.as_str()),
            group: category.map(|category| category.group),
            scope: decision.scope,
            action: decision.action,
            confidence: rounded(match decision.category {
                Some(id) if id != catalog.unknown() => catalog.calibration().apply(decision.confidence),
                Some(_) | None => decision.confidence,
            }),
            recipient,
            reply: ReplyView {
                code: reply.code.map(ReplyCode::number),
                enhanced: reply.enhanced.map(|code| code.to_string()),
                text: &reply.text,
                command,
                fingerprint: fingerprint(template.fingerprint),
                template: template.text,
            },
            codes: all.then(|| {
                let first = reply.code.and_then(|code| CodeNoteView::of_reply(catalog, code, language));
                let second = reply.enhanced.and_then(|code| CodeNoteView::of_enhanced(catalog, code, language));
                first.into_iter().chain(second).collect()
            }),
            provider: decision.provider.map(|(id, recognised_by)| {
                let provider = catalog.provider(id);
                let own = decision.wording.filter(|wording| wording.provider == Some(id));
                let meaning = own.and_then(|wording| wording.meaning.as_ref()).map(|meaning| meaning.get(language));
                ProviderMatch { id: &provider.id, name: &provider.name, recognised_by, meaning }
            }),
            blocklist: decision.blocklist.as_ref().map(blocklist_view),
            retry: RetryAnswer { advised: decision.retry.0, after_seconds: decision.retry.1 },
            remediation: category
                .filter(|_| all)
                .map(|category| RemediationView::new(category, decision.wording, language)),
            decided_by: all.then(|| decided_by(catalog, decision, language)),
            evidence: all.then(|| evidence_views(catalog, decision)),
        }
    }
}

fn blocklist_view<'a>(blocking: &Blocking<'a>) -> BlocklistView<'a> {
    let list = blocking.list;
    let lookup_url = list.lookup_url.as_deref().map(|url| match (url.split_once("{subject}"), blocking.subject) {
        (Some((before, after)), Some(subject)) => format!("{before}{subject}{after}"),
        // Without a subject, the page on which one is asked for.
        (Some((before, _)), None) => before.split('?').next().unwrap_or(before).to_owned(),
        (None, _) => url.to_owned(),
    });
    BlocklistView {
        id: &list.id,
        name: &list.name,
        listed: blocking.listed,
        subject: blocking.subject,
        lookup_url,
        removal_url: list.removal_url.as_deref(),
    }
}

fn decided_by<'a>(catalog: &'a Catalog, decision: &Decision<'a>, language: &str) -> DecidedBy<'a> {
    let (reason, speaker) = decision.settled_by(catalog);
    DecidedBy { reason, rule: speaker, text: catalog.reason_text(reason, language) }
}

fn evidence_views<'a>(catalog: &'a Catalog, decision: &Decision<'a>) -> Vec<EvidenceView<'a>> {
    let folded = decision.folded();
    let views = decision.evidence(catalog, &folded).into_iter().map(|weighed| {
        let rule = weighed.place.rule();
        let matched = match weighed.place {
            Place::Text { start, end, .. } => Cow::Owned(folded[start..end].trim().to_owned()),
            Place::Enhanced(_) | Place::Reply(_) => rule.clone(),
        };
        EvidenceView {
            source: weighed.source,
            rule,
            matched,
            category: weighed.category.map(|id| catalog.category(id).id.as_str()),
            weight: rounded(weighed.weight),
        }
    });
    views.collect()
}

/// As `{:016x}` writes it.
fn fingerprint(number: u64) -> String {
    let mut out = String::with_capacity(16);
    out.extend(hexadecimal::digits(number, 16).map(char::from));
    out
}

/// Two digits are all that a weight or a confidence can mean.
fn rounded(value: f32) -> f64 {
    (f64::from(value) * 100.0).round() / 100.0
}
