//! `message/delivery-status` (RFC 3464) and `message/global-delivery-status` (RFC 6533): fields about the message, then a block of
//! fields for each recipient.
//!
//! Every field is optional, names may be written in any case, values may be folded or broken without indent, blocks may lack the
//! blank line between them. One bad field spoils nothing else.

use std::borrow::Cow;

use super::lines::lines_with_ends;
use crate::smtp::EnhancedCode;

/// What a delivery status says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct DeliveryStatus {
    pub(super) reporting_mta: Option<String>,
    pub(super) arrival_date: Option<String>,
    pub(super) recipients: Vec<StatusBlock>,
}

/// What it says about one recipient (RFC 3464 §2.3), as it stands.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct StatusBlock {
    pub(super) original_recipient: Option<String>,
    pub(super) final_recipient: Option<String>,
    pub(super) action: Option<String>,
    pub(super) status: Option<EnhancedCode>,
    /// The words behind the status, as PowerMTA and Amazon SES write them.
    pub(super) status_comment: Option<String>,
    pub(super) remote_mta: Option<String>,
    pub(super) diagnostic_code: Option<String>,
    pub(super) last_attempt_date: Option<String>,
    pub(super) will_retry_until: Option<String>,
}

impl DeliveryStatus {
    /// Reads one part. `most` recipients are kept.
    pub(super) fn read(text: &str, most: usize) -> Self {
        let mut status = Self::default();
        let mut block = StatusBlock::default();
        for paragraph in paragraphs(text) {
            let fields = fields(paragraph);
            // A paragraph without a recipient goes on with the one before it.
            if block.names_a_recipient() && fields.iter().any(|(name, _)| is_recipient_name(name)) {
                status.push(std::mem::take(&mut block), most);
            }
            for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
                // Where the blank line is missing, a field that was there already begins the next recipient.
                let Some(name) = KNOWN.into_iter().find(|known| known.eq_ignore_ascii_case(name)) else { continue };
                let begins_next = match name {
                    "final-recipient" => block.final_recipient.is_some(),
                    "original-recipient" => block.original_recipient.is_some(),
                    _ => false,
                };
                if begins_next {
                    status.push(std::mem::take(&mut block), most);
                }
                status.take(&mut block, name, value);
            }
        }
        status.push(block, most);
        status
    }

    fn take(&mut self, block: &mut StatusBlock, name: &str, value: Cow<'_, str>) {
        match name {
            "reporting-mta" => keep(&mut self.reporting_mta, without_type(&value).into()),
            "arrival-date" => keep(&mut self.arrival_date, value),
            "original-recipient" => keep(&mut block.original_recipient, value),
            "final-recipient" => keep(&mut block.final_recipient, value),
            // Some mailers write only this one.
            "x-actual-recipient" if block.final_recipient.is_none() => keep(&mut block.original_recipient, value),
            "action" => {
                let action = value.split([' ', ';', '(']).next().unwrap_or_default();
                keep(&mut block.action, action.to_ascii_lowercase().into());
            }
            "status" => block.set_status(&value),
            "remote-mta" => keep(&mut block.remote_mta, without_type(&value).into()),
            "diagnostic-code" => keep(&mut block.diagnostic_code, value),
            "last-attempt-date" => keep(&mut block.last_attempt_date, value),
            "will-retry-until" => keep(&mut block.will_retry_until, value),
            _ => {}
        }
    }

    fn push(&mut self, block: StatusBlock, most: usize) {
        if block != StatusBlock::default() && self.recipients.len() < most {
            self.recipients.push(block);
        }
    }
}

impl StatusBlock {
    fn names_a_recipient(&self) -> bool {
        self.final_recipient.is_some() || self.original_recipient.is_some()
    }

    /// `5.1.1`, `5.1.1 (bad destination mailbox address)`, `5.0.0 (permanent failure)`.
    fn set_status(&mut self, value: &str) {
        if self.status.is_some() {
            return;
        }
        let end = value.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(value.len());
        self.status = value[..end].trim_end_matches('.').parse().ok();
        let comment = value[end..].trim().trim_matches(['(', ')']);
        if !comment.is_empty() {
            self.status_comment = Some(comment.to_owned());
        }
    }
}

/// The names of the fields that are read.
const KNOWN: [&str; 11] = [
    "reporting-mta",
    "arrival-date",
    "original-recipient",
    "final-recipient",
    "x-actual-recipient",
    "action",
    "status",
    "remote-mta",
    "diagnostic-code",
    "last-attempt-date",
    "will-retry-until",
];

fn is_recipient_name(name: &str) -> bool {
    ["final-recipient", "original-recipient", "x-actual-recipient"].iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// What blank lines stand between.
fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = rest.len();
        let mut next = rest.len();
        let mut offset = 0;
        for line in lines_with_ends(rest) {
            if line.trim().is_empty() {
                (end, next) = (offset, offset + line.len());
                break;
            }
            offset += line.len();
        }
        let paragraph = &rest[..end];
        rest = &rest[next..];
        Some(paragraph)
    })
}

/// The first of two fields of the same name counts.
fn keep(place: &mut Option<String>, value: Cow<'_, str>) {
    if place.is_none() && !value.is_empty() {
        *place = Some(value.into_owned());
    }
}

/// `dns; mx.example.org` without its type.
fn without_type(value: &str) -> &str {
    value.split_once(';').map_or(value, |(_, value)| value).trim()
}

/// The fields of a text: names as they stand, values unfolded. A line without a name belongs to the value before it.
pub(super) fn fields(text: &str) -> Vec<(&str, Cow<'_, str>)> {
    let mut fields: Vec<(&str, Cow<'_, str>)> = Vec::with_capacity(8);
    let mut rest = text;
    while !rest.is_empty() {
        let end = memchr::memchr2(b'\n', b'\r', rest.as_bytes());
        let (line, behind) = end.map_or((rest, ""), |end| (&rest[..end], &rest[end + 1..]));
        rest = behind;
        match field_in(line) {
            Some(field) => fields.push(field),
            None => {
                let rest = line.trim();
                if let Some((_, value)) = fields.last_mut().filter(|_| !rest.is_empty()) {
                    let value = value.to_mut();
                    value.push(' ');
                    value.push_str(rest);
                }
            }
        }
    }
    fields
}

/// A line that begins with a name (RFC 5322 §2.2, with spaces before the colon forgiven). `Connected to 192.0.2.1: …` does not.
fn field_in(line: &str) -> Option<(&str, Cow<'_, str>)> {
    let is_in_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let name_end = line.bytes().position(|byte| !is_in_name(byte)).filter(|end| (1..=64).contains(end))?;
    let (name, behind) = line.split_at(name_end);
    let value = behind.strip_prefix(':').or_else(|| behind.trim_start().strip_prefix(':'))?;
    Some((name, Cow::Borrowed(value.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_about_the_message_and_about_each_recipient() {
        let status = DeliveryStatus::read(
            "Reporting-MTA: dns; mx.example.com\nArrival-Date: Mon, 23 Nov 2026 06:33:12 +0000\n\n\
             Original-Recipient: rfc822;anna@example.org\nFinal-Recipient: rfc822; anna@mx.example.org\nAction: failed\n\
             Status: 5.1.1 (bad mailbox)\nRemote-MTA: dns; mx.example.org\nDiagnostic-Code: smtp; 550-5.1.1 no such\n user\n\n\
             FINAL-RECIPIENT : rfc822; ben@example.org\naction: Delayed (will retry)\nStatus: 4.4.1\n",
            10,
        );
        assert_eq!(status.reporting_mta.as_deref(), Some("mx.example.com"));
        assert_eq!(status.recipients.len(), 2);
        let anna = &status.recipients[0];
        assert_eq!(anna.original_recipient.as_deref(), Some("rfc822;anna@example.org"));
        assert_eq!(anna.status.map(|s| s.to_string()).as_deref(), Some("5.1.1"));
        assert_eq!(anna.status_comment.as_deref(), Some("bad mailbox"));
        assert_eq!(anna.diagnostic_code.as_deref(), Some("smtp; 550-5.1.1 no such user"));
        assert_eq!(status.recipients[1].action.as_deref(), Some("delayed"));
    }

    #[test]
    fn blocks_without_a_blank_line_and_bad_fields_spoil_nothing() {
        let status = DeliveryStatus::read(
            "Reporting-MTA: dns; mx.example.com\nFinal-Recipient: rfc822; a@example.org\nStatus: rubbish\nAction: failed\n\
             Final-Recipient: rfc822; b@example.org\n\nAction: failed\n\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 full,\nreally: full\n",
            10,
        );
        assert_eq!(status.recipients.len(), 2);
        assert_eq!(status.recipients[0].status, None);
        assert_eq!(status.recipients[1].action.as_deref(), Some("failed"));
        assert_eq!(status.recipients[1].status.map(|s| s.to_string()).as_deref(), Some("5.2.2"));
        assert_eq!(DeliveryStatus::read("", 10), DeliveryStatus::default());
        assert_eq!(
            DeliveryStatus::read("Final-Recipient: a\nFinal-Recipient: b\nFinal-Recipient: c", 2).recipients.len(),
            2
        );
    }
}
