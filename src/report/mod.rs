//! Reads report mails: any mail in, what it says about each recipient out. No report is refused; what cannot be read is left
//! out.
//!
//! 1. [`mail`](self) parts: header, words, machine-readable parts, original.
//! 2. `message/feedback-report` makes it a complaint, `message/delivery-status` a report by the standard.
//! 3. The dialect that recognises it says what else it is, and reads its words.
//! 4. Words that no dialect knows are searched for addresses and refusals.
//!
//! What a report *means* is not decided here; that is the classifier's business.

mod address;
mod delivery_status;
mod dialect;
mod feedback;
mod mail;
mod original;
mod prove;
mod sns;
mod verp;
mod words;

use dialect::{Telling, Told};
pub use feedback::Complaint;
use mail::Mail;
pub use original::Original;
pub use prove::prove;
use serde::Serialize;
use utoipa::ToSchema;
pub use verp::{Encoded, Form, decode};

use crate::{
    catalog::{Catalog, Dialect, Kind, Signs, fold},
    limits::Limits,
    smtp::{EnhancedCode, Reply, ReplyCode},
};
use delivery_status::{DeliveryStatus, StatusBlock};

/// How a report was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// By its delivery status (RFC 3464, RFC 6533).
    Rfc3464,
    /// By its feedback report (RFC 5965).
    Arf,
    /// By the words of a known mailer.
    Dialect,
    /// As an automatic answer (RFC 3834).
    AutoReply,
    /// By what could be made of its words, or not at all.
    None,
}

/// What a report mail says.
#[derive(Clone, Debug)]
pub struct Report {
    /// What it is.
    pub kind: Kind,
    /// How it was read.
    pub format: Format,
    /// The mailer that wrote it, where it is known.
    pub dialect: Option<String>,
    /// The report's own subject.
    pub subject: Option<String>,
    /// Who sent it.
    pub from: Option<String>,
    /// When, as it stands.
    pub date: Option<String>,
    /// The server that reports.
    pub reporting_mta: Option<String>,
    /// When that server got the message.
    pub arrival_date: Option<String>,
    /// The mail that it is about.
    pub original: Original,
    /// What a complaint says.
    pub complaint: Option<Complaint>,
    /// What it says about each recipient.
    pub recipients: Vec<Recipient>,
    /// Bounds that were reached: some of the mail was left out.
    pub cut: Vec<&'static str>,
}

/// What a report says about one recipient.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// The address that failed.
    pub address: Option<String>,
    /// The address the message was first sent to.
    pub original_address: Option<String>,
    /// Failed, delayed, or delivered.
    pub kind: Kind,
    /// `Action`, in lower case, also where RFC 3464 does not know it.
    pub action: Option<String>,
    /// The server that refused.
    pub remote_mta: Option<String>,
    /// When it was last tried.
    pub last_attempt_date: Option<String>,
    /// Until when it will be tried.
    pub will_retry_until: Option<String>,
    /// `Diagnostic-Code`, or the words that stand for it.
    pub diagnostic: Option<String>,
    /// What the server said.
    pub reply: Reply<'static>,
    /// What the report says besides, for where the reply says too little.
    pub words: Option<String>,
    /// Whether it was read from words of no known form.
    pub is_rescued: bool,
}

/// Reads a mail. `wanted` names the fields of the original that the caller wants back.
pub fn read(catalog: &Catalog, bytes: &[u8], wanted: &[String], limits: &Limits) -> Report {
    let mail = Mail::read(bytes, limits);
    let folded = fold(words::report_part(&mail.text)).into_owned();
    let signs = Signs { fields: &mail.fields, folded: &folded };
    let recognised = catalog.recognise_dialect(&signs);
    let original = original::read(&mail, wanted);
    let mut report = Report {
        kind: Kind::Other,
        format: Format::None,
        dialect: recognised.map(|(dialect, _)| dialect.id.clone()),
        subject: mail.field("subject").map(str::to_owned),
        from: mail.field("from").and_then(address::in_field),
        date: mail.field("date").map(str::to_owned),
        reporting_mta: None,
        arrival_date: None,
        original,
        complaint: None,
        recipients: Vec::new(),
        cut: mail.cut.clone(),
    };
    if let Some(text) = &mail.feedback {
        report.read_feedback(text, &mail);
    } else if !mail.delivery_status.is_empty() {
        report.read_delivery_status(&mail, recognised.filter(|(dialect, _)| is_report(dialect)), limits);
    }
    if report.kind == Kind::Other {
        report.read_notification(&mail);
    }
    if report.kind == Kind::Other {
        report.read_words(&mail, recognised, limits);
    }
    if report.recipients.len() >= limits.recipients {
        report.cut.push("recipients");
    }
    report
}

fn is_report(dialect: &Dialect) -> bool {
    matches!(dialect.kind, Kind::Bounce | Kind::Delay | Kind::Delivered)
}

impl Report {
    fn read_feedback(&mut self, text: &str, mail: &Mail) {
        let (complaint, mut recipients) = feedback::read(text);
        if recipients.is_empty() {
            recipients.extend(self.original_recipients(mail));
        }
        self.kind = Kind::Complaint;
        self.format = Format::Arf;
        self.complaint = Some(complaint);
        self.recipients = recipients.into_iter().map(|address| Recipient::of(Kind::Complaint, Some(address))).collect();
    }

    /// Who the original went to, as far as anything tells.
    fn original_recipients(&self, mail: &Mail) -> Vec<String> {
        let named = mail.original.as_deref().map(delivery_status::fields).unwrap_or_default();
        let hidden = named
            .iter()
            .find(|(name, _)| name == "x-hmxmroriginalrecipient" || name == "x-original-to" || name == "delivered-to")
            .and_then(|(_, value)| address::in_field(value));
        match (hidden, self.encoded_recipient(mail)) {
            (Some(found), _) | (None, Some(found)) => vec![found],
            (None, None) => self.original.to.clone(),
        }
    }

    /// The recipient that the envelope address of the original carries (VERP).
    fn encoded_recipient(&self, mail: &Mail) -> Option<String> {
        let places = ["to", "delivered-to", "x-original-to", "envelope-to"].iter().filter_map(|name| mail.field(name));
        places
            .filter_map(address::in_field)
            .chain(self.original.return_path.clone())
            .find_map(|address| decode(&address)?.recipient)
    }

    fn read_delivery_status(&mut self, mail: &Mail, recognised: Option<(&Dialect, bool)>, limits: &Limits) {
        let mut blocks = Vec::new();
        for text in &mail.delivery_status {
            let status = DeliveryStatus::read(text, limits.recipients);
            self.reporting_mta = self.reporting_mta.take().or(status.reporting_mta);
            self.arrival_date = self.arrival_date.take().or(status.arrival_date);
            blocks.extend(status.recipients);
        }
        if blocks.is_empty() {
            return;
        }
        let telling = match recognised {
            Some((dialect, _)) => {
                dialect::read(dialect, mail.field("subject").unwrap_or_default(), &mail.text, limits.recipients)
            }
            None => words::read(mail, &self.original, limits.recipients),
        };
        let only = blocks.len() == 1;
        for block in blocks {
            let told = telling.about(&block, only);
            let recipient = Recipient::of_block(block, told, &telling, mail, self);
            let known =
                recipient.address.is_some() && self.recipients.iter().any(|other| same_address(other, &recipient));
            if !known {
                self.recipients.push(recipient);
            }
        }
        self.format = Format::Rfc3464;
        self.kind = kind_of_all(&self.recipients);
    }

    fn read_notification(&mut self, mail: &Mail) {
        let Some(notification) = sns::read(&mail.text) else { return };
        self.kind = notification.kind;
        self.format = Format::Dialect;
        self.dialect = Some("amazon_sns".to_owned());
        self.original.message_id = notification.message_id.map(|id| id.trim_matches(['<', '>']).to_owned());
        if notification.kind == Kind::Complaint {
            let feedback_type = notification.feedback_type.unwrap_or_else(|| "abuse".to_owned());
            self.complaint = Some(Complaint { feedback_type, ..Complaint::default() });
        }
        self.recipients = notification
            .recipients
            .into_iter()
            .map(|notified| Recipient {
                action: notified.action,
                diagnostic: notified.diagnostic,
                reply: Reply { enhanced: notified.reply.enhanced.or(notified.status), ..notified.reply },
                ..Recipient::of(notification.kind, Some(notified.address))
            })
            .collect();
    }

    fn read_words(&mut self, mail: &Mail, recognised: Option<(&Dialect, bool)>, limits: &Limits) {
        if mail.disposition.is_some() && !recognised.is_some_and(|(dialect, _)| is_report(dialect)) {
            return;
        }
        match recognised {
            Some((dialect, is_delay)) if is_report(dialect) => {
                let kind = if is_delay { Kind::Delay } else { dialect.kind };
                let mut telling =
                    dialect::read(dialect, mail.field("subject").unwrap_or_default(), &mail.text, limits.recipients);
                let mut is_rescued = dialect.is_generic();
                if telling.recipients.is_empty() {
                    for address in dialect::fallback(dialect, mail, &self.original) {
                        telling.open_recipient(&address, limits.recipients);
                    }
                }
                if telling.recipients.is_empty() {
                    let general = std::mem::take(&mut telling.general);
                    telling = words::read(mail, &self.original, limits.recipients);
                    if !general.words.is_empty() {
                        telling.general = general;
                    }
                    is_rescued = true;
                }
                self.format = if dialect.is_generic() { Format::None } else { Format::Dialect };
                if dialect.is_generic() {
                    self.dialect = None;
                }
                self.tell(telling, kind, mail, is_rescued);
            }
            Some((dialect, _)) => {
                self.kind = dialect.kind;
                match dialect.kind {
                    Kind::AutoReply => self.format = Format::AutoReply,
                    Kind::Complaint => {
                        self.format = Format::Dialect;
                        self.complaint = Some(Complaint { feedback_type: "abuse".to_owned(), ..Complaint::default() });
                        let addresses = self.original_recipients(mail);
                        self.recipients =
                            addresses.into_iter().map(|a| Recipient::of(Kind::Complaint, Some(a))).collect();
                    }
                    Kind::Bounce | Kind::Delay | Kind::Delivered | Kind::Intermediate | Kind::Other => {}
                }
            }
            None if words::tell_a_refusal(&mail.text) => {
                let telling = words::read(mail, &self.original, limits.recipients);
                self.tell(telling, Kind::Bounce, mail, true);
            }
            None => {}
        }
    }

    /// Takes over what the words told.
    fn tell(&mut self, mut telling: Telling, kind: Kind, mail: &Mail, is_rescued: bool) {
        self.kind = kind;
        if telling.recipients.is_empty() {
            let found = self.encoded_recipient(mail).or_else(|| self.original.only_recipient());
            if let Some(address) = found {
                telling.open_recipient(&address, 1);
            }
        }
        let all = fallback_words(mail);
        let general = std::mem::take(&mut telling.general);
        let recipients = if telling.recipients.is_empty() { vec![Told::default()] } else { telling.recipients };
        for told in recipients {
            let address = Some(told.recipient.clone()).filter(|address| !address.is_empty());
            let recipient = Recipient { is_rescued, ..Recipient::of_words(kind, address, &told, &general, &all) };
            self.recipients.push(recipient);
        }
    }
}

/// The words of a report, bounded, for where nothing more precise was found.
fn fallback_words(mail: &Mail) -> String {
    mail::head(words::report_part(&mail.text), 8 << 10).to_owned()
}

impl Telling {
    /// What the words tell about the recipient of a status block.
    fn about(&self, block: &StatusBlock, only: bool) -> Option<&Told> {
        let named = [&block.final_recipient, &block.original_recipient];
        let addresses: Vec<String> = named.into_iter().flatten().filter_map(|value| address::in_field(value)).collect();
        let found = self
            .recipients
            .iter()
            .find(|told| addresses.iter().any(|address| address.eq_ignore_ascii_case(&told.recipient)));
        found.or_else(|| self.recipients.first().filter(|_| only && self.recipients.len() == 1))
    }
}

impl Recipient {
    fn of(kind: Kind, address: Option<String>) -> Self {
        Self {
            address,
            original_address: None,
            kind,
            action: None,
            remote_mta: None,
            last_attempt_date: None,
            will_retry_until: None,
            diagnostic: None,
            reply: Reply::default(),
            words: None,
            is_rescued: false,
        }
    }

    fn of_words(kind: Kind, address: Option<String>, told: &Told, general: &Told, all: &str) -> Self {
        let said = Some(told.said())
            .filter(|said| !said.is_empty())
            .or_else(|| Some(general.said()))
            .filter(|said| !said.is_empty());
        let said = said.unwrap_or_else(|| all.to_owned());
        let parsed = Reply::parse(&said).into_owned();
        let code = |told: &Told| told.code.as_ref().and_then(|code| code.parse::<ReplyCode>().ok());
        let enhanced = |told: &Told| told.enhanced.as_ref().and_then(|code| code.parse::<EnhancedCode>().ok());
        let general_reply = Reply::parse(&general.said()).into_owned();
        let reply = Reply {
            code: code(told).or(parsed.code).or(code(general)).or(general_reply.code),
            enhanced: enhanced(told).or(parsed.enhanced).or(enhanced(general)).or(general_reply.enhanced),
            command: told.command.or(parsed.command).or(general.command),
            remote_host: told.host.clone().map(Into::into).or(parsed.remote_host),
            recipient: None,
            text: parsed.text,
        };
        Self {
            remote_mta: reply.remote_host.as_deref().map(str::to_owned),
            diagnostic: Some(said).filter(|said| !said.is_empty()),
            reply,
            words: Some(all.to_owned()),
            ..Self::of(kind, address)
        }
    }

    fn of_block(block: StatusBlock, told: Option<&Told>, telling: &Telling, mail: &Mail, report: &Report) -> Self {
        let final_address = block.final_recipient.as_deref().and_then(address::in_field);
        let original_address = block.original_recipient.as_deref().and_then(address::in_field);
        let is_usable = |found: &String| address::is_address(found);
        let address = final_address
            .clone()
            .filter(is_usable)
            .or_else(|| original_address.clone().filter(is_usable))
            .or_else(|| told.map(|told| told.recipient.clone()))
            .or_else(|| words::failed_recipients(mail).into_iter().next())
            .or_else(|| report.encoded_recipient(mail))
            .or_else(|| report.original.only_recipient())
            .or(final_address)
            .or_else(|| original_address.clone());
        let human = told.map(Told::said).filter(|said| !said.is_empty()).unwrap_or_else(|| telling.general.said());
        let mut reply = match &block.diagnostic_code {
            Some(diagnostic) => Reply::parse(diagnostic).into_owned(),
            None => Reply::parse(block.status_comment.as_deref().unwrap_or_default()).into_owned(),
        };
        let spoken = Reply::parse(&human).into_owned();
        let spoken_command = spoken.command;
        let refuses = spoken.code.is_some_and(|code| matches!(code.class(), 4 | 5));
        if is_consequence(&reply) && refuses {
            reply = Reply { enhanced: spoken.enhanced.or(reply.enhanced), ..spoken };
        } else if reply.text.is_empty() {
            reply = Reply {
                code: reply.code.or(spoken.code.filter(|_| refuses)),
                enhanced: reply.enhanced.or(spoken.enhanced),
                ..spoken
            };
        } else if block.diagnostic_code.is_none() && refuses {
            reply.code = reply.code.or(spoken.code);
        }
        reply.enhanced = match (reply.enhanced, block.status) {
            (Some(own), Some(status)) if !own.is_specific() && status.is_specific() => Some(status),
            (Some(own), _) => Some(own),
            (None, status) => status,
        };
        reply.command = reply.command.or(told.and_then(|told| told.command)).or(spoken_command);
        let kind = kind_of_action(block.action.as_deref(), reply.enhanced.or(block.status));
        Self {
            address,
            original_address: original_address.filter(is_usable),
            kind,
            action: block.action,
            remote_mta: block.remote_mta.or_else(|| reply.remote_host.as_deref().map(str::to_owned)),
            last_attempt_date: block.last_attempt_date,
            will_retry_until: block.will_retry_until,
            diagnostic: block.diagnostic_code.or_else(|| Some(human.clone()).filter(|human| !human.is_empty())),
            reply,
            words: Some(human).filter(|human| !human.is_empty()).or_else(|| Some(fallback_words(mail))),
            is_rescued: false,
        }
    }
}

/// `503 Need RCPT` and the like only echo an earlier refusal, which stands in the transcript (Sendmail).
fn is_consequence(reply: &Reply<'_>) -> bool {
    let folded = reply.text.to_ascii_lowercase();
    reply.code.map(ReplyCode::number) == Some(503)
        || ["need rcpt", "valid recipient", "no valid recipients", "service unavailable"]
            .iter()
            .any(|words| folded == *words || folded.starts_with("need rcpt"))
}

/// RFC 3464 §2.3.3; an action that it does not know is judged by the status.
fn kind_of_action(action: Option<&str>, status: Option<EnhancedCode>) -> Kind {
    match (action, status.map(EnhancedCode::class)) {
        (Some("failed"), _) => Kind::Bounce,
        (Some("delayed"), _) => Kind::Delay,
        (Some("delivered" | "relayed" | "expanded"), _) | (_, Some(2)) => Kind::Delivered,
        _ => Kind::Bounce,
    }
}

/// What most needs doing decides what the whole report is.
fn kind_of_all(recipients: &[Recipient]) -> Kind {
    let any = |kind| recipients.iter().any(|recipient| recipient.kind == kind);
    [Kind::Bounce, Kind::Delay].into_iter().find(|kind| any(*kind)).unwrap_or(Kind::Delivered)
}

fn same_address(one: &Recipient, other: &Recipient) -> bool {
    match (&one.address, &other.address) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        _ => false,
    }
}
