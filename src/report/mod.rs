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
mod field;
mod html;
mod lines;
mod mail;
mod original;
mod prove;
mod read;
mod recipient;
mod sns;
mod verp;
mod words;

use dialect::{Telling, Told};
pub use feedback::Complaint;
use lines::split_at_byte;
use mail::Mail;
pub use original::Original;
pub use prove::prove;
use read::Source;
pub use read::read;
pub use recipient::Recipient;
use recipient::words_of;
use serde::Serialize;
use utoipa::ToSchema;
pub use verp::{Encoded, Form, decode};

use crate::{
    catalog::{Dialect, Kind},
    smtp::Reply,
};
use delivery_status::DeliveryStatus;

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

/// The delivery status: its own part, or what was made words of it.
fn delivery_status_texts<'t>(mail: &'t Mail<'_>, or_words: bool) -> Vec<&'t str> {
    if !mail.delivery_status.is_empty() || !or_words {
        return mail.delivery_status.iter().map(String::as_str).collect();
    }
    let spoken = std::iter::once(&mail.text).chain(&mail.attached).filter_map(|text| spoken_delivery_status(text));
    spoken.take(1).collect()
}

/// A delivery status within words, from its first field on. Two of its fields stand there, at the beginnings of lines: one alone
/// may be part of somebody's sentence.
fn spoken_delivery_status(text: &str) -> Option<&str> {
    let (mut start, mut has_recipient, mut has_outcome) = (None, false, false);
    let mut place = 0;
    for line in split_at_byte(text, b'\n') {
        let begins = |name: &str| line.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name));
        // The line at the very top does not count as one that names a field, but as the place where they begin.
        let is_below = place > 0;
        if begins("final-recipient:") {
            has_recipient |= is_below;
            start = start.or(Some(place));
        } else if begins("reporting-mta:") || begins("original-recipient:") {
            start = start.or(Some(place));
        } else if begins("status:") || begins("action:") {
            has_outcome |= is_below;
        }
        place += line.len() + 1;
    }
    start.filter(|_| has_recipient && has_outcome).map(|start| &text[start..])
}

const fn is_report_kind(kind: Kind) -> bool {
    matches!(kind, Kind::Bounce | Kind::Delay | Kind::Delivered)
}

impl Report {
    fn read_feedback(&mut self, text: &str, mail: &Mail<'_>) {
        let (complaint, mut recipients) = feedback::read(text);
        if recipients.is_empty() {
            let encoded = complaint.original_mail_from.as_deref().and_then(|address| decode(address)?.recipient);
            recipients = encoded.map_or_else(|| self.original_recipients(mail), |found| vec![found]);
        }
        self.kind = Kind::Complaint;
        self.format = Format::Arf;
        self.dialect = None;
        self.complaint = Some(complaint);
        self.recipients = recipients.into_iter().map(|address| Recipient::of(Kind::Complaint, Some(address))).collect();
    }

    /// Who the original went to, as far as anything tells: what a provider hides in a field of its own, a single `To`, an
    /// envelope address that carries it, the last delivery, or all of `To`.
    fn original_recipients(&self, mail: &Mail<'_>) -> Vec<String> {
        let fields = mail.original.as_deref().map(delivery_status::fields).unwrap_or_default();
        let named = |wanted: &str| {
            let found = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.and_then(|(_, value)| address::in_field(value)).filter(|found| address::is_address(found))
        };
        let one = named("x-hmxmroriginalrecipient")
            .or_else(|| self.original.only_recipient())
            .or_else(|| self.encoded_recipient(mail))
            .or_else(|| named("x-original-to"))
            .or_else(|| named("delivered-to"));
        one.map_or_else(|| self.original.to.clone(), |found| vec![found])
    }

    /// The recipient that the envelope address of the original carries (VERP).
    fn encoded_recipient(&self, mail: &Mail<'_>) -> Option<String> {
        let places = ["to", "delivered-to", "x-original-to", "envelope-to"].iter().filter_map(|name| mail.field(name));
        places
            .filter_map(address::in_field)
            .chain(self.original.return_path.clone())
            .find_map(|address| decode(&address)?.recipient)
    }

    /// Reads the delivery status: its own part, or, where no dialect knows the words or `in_words` says so, what a mailer or a
    /// forwarding person made words of.
    fn read_delivery_status(&mut self, source: &Source<'_>, in_words: bool) {
        let Source { mail, recognised, rescue, most } = *source;
        let known = recognised
            .map(|(dialect, _)| dialect)
            .filter(|dialect| is_report_kind(dialect.kind) && !dialect.is_generic());
        let mut blocks = Vec::new();
        for text in delivery_status_texts(mail, in_words || known.is_none()) {
            let status = DeliveryStatus::read(text, most);
            self.reporting_mta = self.reporting_mta.take().or(status.reporting_mta);
            self.arrival_date = self.arrival_date.take().or(status.arrival_date);
            blocks.extend(status.recipients);
        }
        if blocks.is_empty() {
            return;
        }
        self.recipients.clear();
        let telling = match known {
            Some(dialect) => source.told_in(dialect),
            None => source.told_in_any_form(&self.original),
        };
        self.dialect = known.map(|dialect| dialect.id.clone());
        let only = blocks.len() == 1;
        for block in blocks {
            let told = telling.about(&block, only);
            let recipient = Recipient::of_block(block, told, &telling, mail, self, rescue);
            let known =
                recipient.address.is_some() && self.recipients.iter().any(|other| same_address(other, &recipient));
            if !known {
                self.recipients.push(recipient);
            }
        }
        self.format = Format::Rfc3464;
        self.kind = kind_of_all(&self.recipients);
    }

    fn read_notification(&mut self, mail: &Mail<'_>) {
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

    fn read_words(&mut self, source: &Source<'_>) {
        let Source { mail, recognised, rescue, most } = *source;
        if mail.disposition.is_some() && !recognised.is_some_and(|(dialect, _)| is_report_kind(dialect.kind)) {
            return;
        }
        match recognised {
            Some((dialect, is_delay)) if is_report_kind(dialect.kind) => {
                let kind = if is_delay { Kind::Delay } else { dialect.kind };
                let mut telling = source.told_in(dialect);
                let mut is_rescued = dialect.is_generic();
                if telling.recipients.is_empty() {
                    for address in dialect::fallback(dialect, mail, &self.original) {
                        telling.open(&address, most);
                    }
                }
                if telling.recipients.is_empty() {
                    let general = std::mem::take(&mut telling.general);
                    telling = source.told_in_any_form(&self.original);
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
            Some((dialect, _)) => self.read_answer(dialect, mail),
            None if words::tell_a_refusal(mail, rescue) => {
                let telling = source.told_in_any_form(&self.original);
                // A refusal of nobody is a line in somebody's log or lesson.
                let names_somebody = !telling.recipients.is_empty() || self.encoded_recipient(mail).is_some();
                if names_somebody {
                    self.tell(telling, Kind::Bounce, mail, true);
                }
            }
            None => {}
        }
    }

    /// What is no report: an automatic answer, a complaint without a feedback report, a receipt.
    fn read_answer(&mut self, dialect: &Dialect, mail: &Mail<'_>) {
        self.kind = dialect.kind;
        let mut addresses = Vec::new();
        match dialect.kind {
            Kind::AutoReply => {
                self.format = Format::AutoReply;
                addresses = dialect::fallback(dialect, mail, &self.original);
            }
            Kind::Complaint => {
                self.format = Format::Dialect;
                let feedback_type = dialect.feedback_type.clone().unwrap_or_else(|| "abuse".to_owned());
                self.complaint = Some(Complaint { feedback_type, ..Complaint::default() });
                addresses = self.original_recipients(mail);
                if addresses.is_empty() {
                    addresses = dialect::fallback(dialect, mail, &self.original);
                }
            }
            Kind::Bounce | Kind::Delay | Kind::Delivered | Kind::Intermediate | Kind::Other => {}
        }
        self.recipients = addresses.into_iter().map(|address| Recipient::of(dialect.kind, Some(address))).collect();
    }

    /// Takes over what the words told.
    fn tell(&mut self, mut telling: Telling<'_>, kind: Kind, mail: &Mail<'_>, is_rescued: bool) {
        self.kind = kind;
        if telling.recipients.is_empty() {
            let found = self.encoded_recipient(mail).or_else(|| self.original.only_recipient());
            if let Some(address) = found {
                telling.open(&address, 1);
            }
        }
        let all = words_of(mail, &telling);
        let general = std::mem::take(&mut telling.general);
        let recipients = if telling.recipients.is_empty() { vec![Told::default()] } else { telling.recipients };
        for told in recipients {
            let address = Some(told.recipient.clone()).filter(|address| !address.is_empty());
            let recipient = Recipient { is_rescued, ..Recipient::of_words(kind, address, &told, &general, &all) };
            self.recipients.push(recipient);
        }
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
