//! Settings: bounds on what comes from outside; they fill [`Limits`].

use std::time::Duration;

use clap::{Args, builder::RangedU64ValueParser, value_parser};
use serde::Serialize;

use crate::limits::Limits;

/// Bounds on what comes from outside.
#[derive(Args, Clone, Debug, Serialize)]
#[command(next_help_heading = "Bounds")]
pub struct Bounds {
    /// Time for a whole request, its body included, in seconds
    #[arg(long, env = "RETOURE_REQUEST_SECONDS", value_name = "SECONDS", default_value_t = 30,
        value_parser = value_parser!(u64).range(1..=3600))]
    pub request_seconds: u64,

    /// How long a body may stand still before the request is answered with 408, in seconds
    #[arg(long, env = "RETOURE_BODY_SECONDS", value_name = "SECONDS", default_value_t = 10,
        value_parser = value_parser!(u64).range(1..=3600))]
    pub body_seconds: u64,

    /// How long a new connection may take for its first request's header, in seconds
    #[arg(long, env = "RETOURE_HEADER_SECONDS", value_name = "SECONDS", default_value_t = 10,
        value_parser = value_parser!(u64).range(1..=3600))]
    pub header_seconds: u64,

    /// How long a connection may take for each further header, the pause before it included, in seconds
    #[arg(long, env = "RETOURE_IDLE_SECONDS", value_name = "SECONDS", default_value_t = 75,
        value_parser = value_parser!(u64).range(1..=86_400))]
    pub idle_seconds: u64,

    /// How long a caller may leave its answer unread before the connection is cut, in seconds
    #[arg(long, env = "RETOURE_WRITE_SECONDS", value_name = "SECONDS", default_value_t = 60,
        value_parser = value_parser!(u64).range(1..=86_400))]
    pub write_seconds: u64,

    /// The longest reply that is taken, in bytes
    #[arg(long, env = "RETOURE_MAX_REPLY_BYTES", value_name = "BYTES", default_value_t = Limits::default().reply_bytes,
        value_parser = RangedU64ValueParser::<usize>::new().range(512..=16_777_216))]
    pub max_reply_bytes: usize,

    /// The longest mail that is taken, in bytes
    #[arg(long, env = "RETOURE_MAX_MAIL_BYTES", value_name = "BYTES", default_value_t = Limits::default().mail_bytes,
        value_parser = RangedU64ValueParser::<usize>::new().range(1024..=1_073_741_824))]
    pub max_mail_bytes: usize,

    /// Bytes of bodies, and of what streams hold, that are held in memory at once; more get 503
    #[arg(long, env = "RETOURE_MAX_BODY_MEMORY_BYTES", value_name = "BYTES", default_value_t = Limits::default().body_memory_bytes,
        value_parser = RangedU64ValueParser::<usize>::new().range(1_048_576..=1_099_511_627_776))]
    pub max_body_memory_bytes: usize,

    /// The longest address or host name beside a reply, in bytes
    #[arg(long, env = "RETOURE_MAX_FIELD_BYTES", value_name = "BYTES", default_value_t = Limits::default().field_bytes,
        value_parser = RangedU64ValueParser::<usize>::new().range(64..=65_536))]
    pub max_field_bytes: usize,

    /// Recipients that one report tells; the rest is left out
    #[arg(long, env = "RETOURE_MAX_RECIPIENTS", value_name = "NUMBER", default_value_t = Limits::default().recipients,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub max_recipients: usize,

    /// MIME parts of a mail that are looked at
    #[arg(long, env = "RETOURE_MAX_MIME_PARTS", value_name = "NUMBER", default_value_t = Limits::default().mime_parts,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub max_mime_parts: usize,

    /// Mails within mails that are looked into
    #[arg(long, env = "RETOURE_MAX_NESTED_MAILS", value_name = "NUMBER", default_value_t = Limits::default().nested_mails,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=64))]
    pub max_nested_mails: usize,

    /// Header fields of a mail that are read
    #[arg(long, env = "RETOURE_MAX_HEADER_FIELDS", value_name = "NUMBER", default_value_t = Limits::default().header_fields,
        value_parser = RangedU64ValueParser::<usize>::new().range(16..=1_000_000))]
    pub max_header_fields: usize,

    /// Bytes of a report's words that are searched
    #[arg(long, env = "RETOURE_MAX_TEXT_BYTES", value_name = "BYTES", default_value_t = Limits::default().text_bytes,
        value_parser = RangedU64ValueParser::<usize>::new().range(1024..=1_073_741_824))]
    pub max_text_bytes: usize,

    /// Items of a batch in one document
    #[arg(long, env = "RETOURE_MAX_BATCH_ITEMS", value_name = "NUMBER", default_value_t = Limits::default().batch_items,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub max_batch_items: usize,

    /// The longest batch in one document, in bytes
    #[arg(long, env = "RETOURE_MAX_BATCH_BYTES", value_name = "BYTES", default_value_t = Limits::default().batch_bytes,
        value_parser = RangedU64ValueParser::<usize>::new().range(1024..=1_073_741_824))]
    pub max_batch_bytes: usize,

    /// The longest line of a stream, in bytes
    #[arg(long, env = "RETOURE_MAX_LINE_BYTES", value_name = "BYTES", default_value_t = Limits::default().line_bytes,
        value_parser = RangedU64ValueParser::<usize>::new().range(1024..=1_073_741_824))]
    pub max_line_bytes: usize,

    /// How long a stream may stand still, in seconds
    #[arg(long, env = "RETOURE_STREAM_IDLE_SECONDS", value_name = "SECONDS", default_value_t = 60,
        value_parser = value_parser!(u64).range(1..=86_400))]
    pub stream_idle_seconds: u64,

    /// Items on one page of a list
    #[arg(long, env = "RETOURE_MAX_PAGE_ITEMS", value_name = "NUMBER", default_value_t = Limits::default().page_items,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=100_000))]
    pub max_page_items: usize,
}

impl Bounds {
    /// The bounds that follow from these settings.
    pub(super) fn limits(&self) -> Limits {
        Limits {
            reply_bytes: self.max_reply_bytes,
            field_bytes: self.max_field_bytes,
            mail_bytes: self.max_mail_bytes,
            body_memory_bytes: self.max_body_memory_bytes,
            nested_mails: self.max_nested_mails,
            mime_parts: self.max_mime_parts,
            text_bytes: self.max_text_bytes,
            header_fields: self.max_header_fields,
            recipients: self.max_recipients,
            page_items: self.max_page_items,
            batch_items: self.max_batch_items,
            batch_bytes: self.max_batch_bytes,
            line_bytes: self.max_line_bytes,
            request_time: Duration::from_secs(self.request_seconds),
            body_idle_time: Duration::from_secs(self.body_seconds),
            stream_idle_time: Duration::from_secs(self.stream_idle_seconds),
        }
    }
}
