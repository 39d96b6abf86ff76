//! What a report mail means: each recipient's reply weighed, and the whole put into words.

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    decision::Decision,
    verdict::{Fields, Verdict},
    weigh::{Evidence, weigh},
};
use crate::{
    catalog::{Action, BounceType, Catalog, Kind, Scope},
    report::{Complaint, Format, Original, Recipient, Report},
    smtp::EnhancedCode,
};

/// What a report mail means.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Report)]
pub struct ReportView<'a> {
    /// What the mail is. With several recipients, what most needs doing: a bounce before a delay before a delivery.
    pub kind: Kind,
    /// How it was read.
    pub format: Format,
    /// The mailer that wrote it, where it is known.
    #[schema(example = "postfix")]
    pub dialect: Option<&'a str>,
    /// The report's own subject.
    pub subject: Option<&'a str>,
    /// Who sent the report.
    pub from: Option<&'a str>,
    /// When, as it stands there.
    pub date: Option<&'a str>,
    /// The server that reports.
    pub reporting_mta: Option<&'a str>,
    /// When that server got the message.
    pub arrival_date: Option<&'a str>,
    /// The mail that it is about.
    pub original: OriginalView<'a>,
    /// What a complaint says; null for anything else.
    pub complaint: Option<ComplaintView<'a>>,
    /// What it means for each recipient.
    pub recipients: Vec<RecipientView<'a>>,
    /// Bounds that were reached: some of the mail was left out.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub cut: &'a [&'static str],
}

/// The mail that a report is about: what is needed to match it to what was sent.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Original)]
pub struct OriginalView<'a> {
    /// `Message-ID` without its brackets.
    #[schema(example = "20261123063312.4711@example.com")]
    pub message_id: Option<&'a str>,
    /// The address in `From`.
    pub from: Option<&'a str>,
    /// The addresses in `To`.
    pub to: &'a [String],
    /// `Subject`.
    pub subject: Option<&'a str>,
    /// `Date`, as it stands there.
    pub date: Option<&'a str>,
    /// `List-Id` without its brackets.
    pub list_id: Option<&'a str>,
    /// The fields that `?headers=` asked for.
    pub headers: serde_json::Map<String, serde_json::Value>,
}

/// What a complaint says (RFC 5965).
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Complaint)]
pub struct ComplaintView<'a> {
    /// `abuse`, `fraud`, `virus`, `not-spam`, `opt-out`, `other` …
    #[schema(example = "abuse")]
    pub feedback_type: &'a str,
    /// The program that made the report.
    pub user_agent: Option<&'a str>,
    /// The address the mail came from.
    pub source_ip: Option<&'a str>,
    /// The envelope sender.
    pub original_mail_from: Option<&'a str>,
    /// When the mail arrived, as it stands there.
    pub arrival_date: Option<&'a str>,
    /// The domains that are complained about.
    pub reported_domains: &'a [String],
    /// The pages that are complained about.
    pub reported_uris: &'a [String],
    /// How the mail was authenticated.
    pub authentication_results: Option<&'a str>,
    /// How many complaints this one stands for.
    pub incidents: Option<u32>,
}

/// What a report means for one recipient: a verdict, and what the report says besides.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RecipientVerdict)]
pub struct RecipientView<'a> {
    /// The verdict.
    #[serde(flatten)]
    pub verdict: Verdict<'a>,
    /// The address the message was first sent to, where the report tells it.
    pub original_recipient: Option<&'a str>,
    /// `Action` (RFC 3464 §2.3.3), in lower case, also where the RFC does not know it.
    #[schema(example = "failed")]
    pub dsn_action: Option<&'a str>,
    /// The server that refused.
    pub remote_mta: Option<&'a str>,
    /// When it was last tried, as it stands there.
    pub last_attempt_date: Option<&'a str>,
    /// Until when it will be tried, as it stands there.
    pub will_retry_until: Option<&'a str>,
    /// `Diagnostic-Code`, or the words that stand for it.
    pub diagnostic: Option<&'a str>,
}

/// What was read from words of no known form is told with this much of its confidence.
const RESCUED: f32 = 0.85;

/// What a reply says too little for is looked for in the report's other words, and told with this much of their confidence.
const OTHER_WORDS: f32 = 0.8;

/// Below this the report's other words are asked too.
const TOO_LITTLE: f32 = 0.4;

impl<'a> ReportView<'a> {
    /// Weighs every recipient's reply and puts the report into words.
    pub fn new(catalog: &'a Catalog, report: &'a Report, language: &str, fields: Fields) -> Self {
        Self::observed(catalog, report, language, fields, &mut |_, _| {})
    }

    /// The same, and shows each decision with the recipient it is about, for whoever counts them.
    pub fn observed(
        catalog: &'a Catalog,
        report: &'a Report,
        language: &str,
        fields: Fields,
        observe: &mut dyn FnMut(&Decision<'_>, &Recipient),
    ) -> Self {
        Self {
            kind: report.kind,
            format: report.format,
            dialect: report.dialect.as_deref(),
            subject: report.subject.as_deref(),
            from: report.from.as_deref(),
            date: report.date.as_deref(),
            reporting_mta: report.reporting_mta.as_deref(),
            arrival_date: report.arrival_date.as_deref(),
            original: original_view(&report.original),
            complaint: report.complaint.as_ref().map(complaint_view),
            recipients: report
                .recipients
                .iter()
                .map(|recipient| {
                    let decision = weigh_recipient(catalog, recipient);
                    observe(&decision, recipient);
                    recipient_view(catalog, recipient, &decision, language, fields)
                })
                .collect(),
            cut: &report.cut,
        }
    }
}

fn recipient_view<'a>(
    catalog: &'a Catalog,
    recipient: &'a Recipient,
    decision: &Decision<'a>,
    language: &str,
    fields: Fields,
) -> RecipientView<'a> {
    let with = (recipient.reply.command, recipient.address.as_deref());
    RecipientView {
        verdict: Verdict::new(catalog, decision, &recipient.reply, with, language, fields),
        original_recipient: recipient.original_address.as_deref(),
        dsn_action: recipient.action.as_deref(),
        remote_mta: recipient.remote_mta.as_deref(),
        last_attempt_date: recipient.last_attempt_date.as_deref(),
        will_retry_until: recipient.will_retry_until.as_deref(),
        diagnostic: recipient.diagnostic.as_deref(),
    }
}

/// What a report means for one recipient, without texts. The reply decides; where it says too little, the report's other words do.
pub fn weigh_recipient<'a>(catalog: &'a Catalog, recipient: &'a Recipient) -> Decision<'a> {
    if !matches!(recipient.kind, Kind::Bounce | Kind::Delay) {
        return nothing_failed(recipient);
    }
    let own = Evidence { remote_host: recipient.remote_mta.as_deref(), ..Evidence::of(&recipient.reply) };
    let mut decision = weigh(catalog, &own);
    if decision.kind != Kind::Bounce {
        // A report of a failure may quote a positive reply of an earlier command.
        decision = weigh(catalog, &Evidence { code: None, enhanced: None, ..own });
    }
    let says_little = decision.category == Some(catalog.unknown()) || decision.confidence < TOO_LITTLE;
    if let Some(words) = recipient.words.as_ref().filter(|_| says_little) {
        let mut second = weigh(catalog, &Evidence { text: words, ..own });
        second.confidence *= OTHER_WORDS;
        if second.category != Some(catalog.unknown()) && second.confidence > decision.confidence {
            decision = second;
        }
    }
    if recipient.kind == Kind::Delay && decision.bounce_type == BounceType::Hard {
        // The server itself still tries: whatever it names as the reason may change.
        decision = Decision { bounce_type: BounceType::Soft, action: Action::Retry, ..decision };
    }
    if recipient.is_rescued {
        decision.confidence *= RESCUED;
    }
    Decision { kind: recipient.kind, ..decision }
}

fn nothing_failed<'a>(recipient: &Recipient) -> Decision<'a> {
    let permanence = recipient.reply.enhanced.map(EnhancedCode::permanence);
    let nothing = Decision::without_evidence(recipient.kind, permanence);
    if recipient.kind == Kind::Complaint {
        return Decision { scope: Scope::Recipient, action: Action::Unsubscribe, ..nothing };
    }
    nothing
}

fn original_view(original: &Original) -> OriginalView<'_> {
    OriginalView {
        message_id: original.message_id.as_deref(),
        from: original.from.as_deref(),
        to: &original.to,
        subject: original.subject.as_deref(),
        date: original.date.as_deref(),
        list_id: original.list_id.as_deref(),
        headers: original.headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect(),
    }
}

fn complaint_view(complaint: &Complaint) -> ComplaintView<'_> {
    ComplaintView {
        feedback_type: &complaint.feedback_type,
        user_agent: complaint.user_agent.as_deref(),
        source_ip: complaint.source_ip.as_deref(),
        original_mail_from: complaint.original_mail_from.as_deref(),
        arrival_date: complaint.arrival_date.as_deref(),
        reported_domains: &complaint.reported_domains,
        reported_uris: &complaint.reported_uris,
        authentication_results: complaint.authentication_results.as_deref(),
        incidents: complaint.incidents,
    }
}
