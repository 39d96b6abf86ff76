//! What a report says about one recipient: the fields of its delivery status, or its words, or both.

use super::{
    Report, address,
    delivery_status::StatusBlock,
    dialect::{Telling, Told},
    lines::head,
    mail::Mail,
    words,
};
use crate::{
    catalog::{Kind, Rescue},
    smtp::{EnhancedCode, Reply, ReplyCode},
};

/// A report's words are kept so far, for where nothing more precise was found.
const MOST_WORDS_BYTES: usize = 8 << 10;

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

impl<'t> Telling<'t> {
    /// What the words tell about the recipient of a status block.
    pub(super) fn about(&self, block: &StatusBlock, only: bool) -> Option<&Told<'t>> {
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
    pub(super) fn of(kind: Kind, address: Option<String>) -> Self {
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

    pub(super) fn of_words(
        kind: Kind,
        address: Option<String>,
        told: &Told<'_>,
        general: &Told<'_>,
        all: &str,
    ) -> Self {
        let mut said = told.said();
        // What is told about all says nothing where something is told about this one.
        let general = Some(general).filter(|_| said.is_empty());
        if let Some(general) = general {
            said = general.said();
        }
        if said.is_empty() {
            all.clone_into(&mut said);
        }
        let mut parsed = Reply::parse(&said).into_owned();
        if let Some(refusal) = refusal_after_prose(&said).filter(|_| parsed.code.is_none()) {
            parsed = Reply { code: refusal.code, enhanced: parsed.enhanced.or(refusal.enhanced), ..parsed };
        }
        let code = |told: &Told<'_>| told.code.and_then(|code| code.parse::<ReplyCode>().ok());
        let enhanced = |told: &Told<'_>| told.enhanced.and_then(|code| code.parse::<EnhancedCode>().ok());
        let reply = Reply {
            code: code(told).or(parsed.code).or_else(|| general.and_then(code)),
            enhanced: enhanced(told).or(parsed.enhanced).or_else(|| general.and_then(enhanced)),
            command: told.command.or(parsed.command).or_else(|| general.and_then(|general| general.command)),
            remote_host: told.host.map(|host| host.to_owned().into()).or(parsed.remote_host),
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

    pub(super) fn of_block(
        block: StatusBlock,
        told: Option<&Told<'_>>,
        telling: &Telling<'_>,
        mail: &Mail<'_>,
        report: &Report,
        rescue: &Rescue,
    ) -> Self {
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
        let spoken = Reply::parse(&human).into_owned();
        let diagnostic = block.diagnostic_code.as_deref().map(without_private_type);
        let mut reply = Reply::parse(diagnostic.or(block.status_comment.as_deref()).unwrap_or_default()).into_owned();
        let refuses = spoken.code.is_some_and(|code| matches!(code.class(), 4 | 5));
        let same_code = spoken.code.is_some() && spoken.code == reply.code;
        let command = spoken.command;
        let own_status = block.status;
        if is_expiry(reply.enhanced.or(own_status))
            && spoken.enhanced.is_some_and(|code| code.is_specific() && code.class() != 2)
        {
            // The time ran out; the last attempt says why.
            reply.enhanced = spoken.enhanced;
        } else if is_consequence(&reply, rescue) && refuses {
            reply = Reply { enhanced: spoken.enhanced.or(reply.enhanced), ..spoken };
        } else if says_nothing(&reply.text) {
            reply = Reply {
                code: reply.code.or(spoken.code.filter(|_| refuses)),
                enhanced: reply.enhanced.or(spoken.enhanced),
                ..spoken
            };
        } else if same_code && is_first_line(block.diagnostic_code.as_deref(), &reply.text, &spoken.text) {
            // The field holds the first line of a reply that the words hold whole.
            reply.text = spoken.text;
        } else if refuses && (block.diagnostic_code.is_none() || says_the_same(&reply.text, &spoken.text)) {
            reply.code = reply.code.or(spoken.code);
        }
        reply.enhanced = match (reply.enhanced, own_status) {
            (Some(own), Some(status)) if !own.is_specific() && status.is_specific() => Some(status),
            (Some(own), _) => Some(own),
            (None, status) => status,
        };
        reply.command = reply.command.or(told.and_then(|told| told.command)).or(command);
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
            words: Some(human).filter(|human| !human.is_empty()).or_else(|| Some(words_of(mail, telling))),
            is_rescued: false,
        }
    }
}

/// The words of a report, bounded: those its dialect reads, else all before the original.
pub(super) fn words_of(mail: &Mail<'_>, telling: &Telling<'_>) -> String {
    telling.part(MOST_WORDS_BYTES).unwrap_or_else(|| head(mail.report_part(), MOST_WORDS_BYTES).to_owned())
}

/// The reply on a line of its own among the mailer's sentences.
fn refusal_after_prose(said: &str) -> Option<Reply<'_>> {
    let begins_with_digits = |line: &&str| line.get(..3).is_some_and(|start| start.bytes().all(|b| b.is_ascii_digit()));
    let replies = said.lines().map(str::trim).filter(begins_with_digits).map(Reply::parse);
    let mut refusals = replies.filter(|reply| reply.code.is_some_and(|code| matches!(code.class(), 4 | 5)));
    refusals.find(|reply| !reply.text.is_empty())
}

/// `X-Notes; User not listed` without its type: a mailer's own kind of diagnostic (RFC 3464 §2.3.6) says nothing about it.
fn without_private_type(value: &str) -> &str {
    let is_private = |kind: &str| {
        let is_token = kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        kind.len() <= 24 && is_token && kind.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("x-"))
    };
    value.split_once(';').filter(|(kind, _)| is_private(kind.trim())).map_or(value, |(_, text)| text.trim())
}

/// Nothing, or a mere number: `X-Unix; 67` is the exit status of a program.
fn says_nothing(text: &str) -> bool {
    text.trim().bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a field holds only the beginning of what the words hold: its reply goes on (`550-…`), or the words begin with it.
fn is_first_line(field: Option<&str>, text: &str, spoken: &str) -> bool {
    let goes_on = field.is_some_and(|field| {
        let code = field.split(';').next_back().unwrap_or(field).trim_start();
        code.len() > 3
            && code.is_char_boundary(3)
            && code[..3].bytes().all(|byte| byte.is_ascii_digit())
            && code[3..].starts_with('-')
    });
    spoken.len() > text.len() && (goes_on || spoken.starts_with(text)) && !text.is_empty()
}

/// Whether a field without a code repeats the words that stand elsewhere with one.
fn says_the_same(field: &str, spoken: &str) -> bool {
    !field.is_empty() && spoken.contains(field)
}

/// X.4.7: every attempt failed until the time ran out (RFC 3463 §3.5).
fn is_expiry(status: Option<EnhancedCode>) -> bool {
    status.is_some_and(|code| (code.subject(), code.detail()) == (4, 7))
}

/// `503 Need RCPT` and the like only echo an earlier refusal, which stands in the transcript (Sendmail).
fn is_consequence(reply: &Reply<'_>, rescue: &Rescue) -> bool {
    reply.code.map(ReplyCode::number) == Some(503) || rescue.is_echo(&reply.text)
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
