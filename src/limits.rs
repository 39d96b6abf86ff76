//! Every bound on what comes from outside, in one place.

use std::time::Duration;

/// How much the service takes on. Over a bound the answer is a problem that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one reply. RFC 5321 §4.5.3.1.5 allows 512 a line; the longest replies seen have some thousand.
    pub reply_bytes: usize,
    /// Bytes of a name or address that the caller adds: a path has at most 256 (RFC 5321 §4.5.3.1.3), with some room.
    pub field_bytes: usize,
    /// Bytes of one report mail, its attachments included.
    pub mail_bytes: usize,
    /// Mails within mails that are looked into; deeper ones are cut off.
    pub nested_mails: usize,
    /// MIME parts that are looked at; the rest is left out.
    pub mime_parts: usize,
    /// Bytes of a report's words that are searched; the rest is left out.
    pub text_bytes: usize,
    /// Header fields of a mail that are read; the rest is left out.
    pub header_fields: usize,
    /// Recipients that one report tells; the rest is left out.
    pub recipients: usize,
    /// Items of a batch that is one JSON document; streams have no such bound.
    pub batch_items: usize,
    /// Bytes of a batch that is one JSON document, unpacked.
    pub batch_bytes: usize,
    /// Bytes of one line of a stream: a mail within the bound above, in base64, and some fields.
    pub line_bytes: usize,
    /// Items on one page of a list.
    pub page_items: usize,
    /// Time for a whole request, its body included.
    pub request_time: Duration,
    /// Time in which a body must go on that is read whole.
    pub body_idle_time: Duration,
    /// How long a stream may stand still: nothing comes, or nothing is taken. Its whole time is not bounded.
    pub stream_idle_time: Duration,
    /// Bytes of bodies, and of what streams hold, that are held in memory at once; what is shorter than [`Limits::SMALL_BODY_BYTES`] is not counted.
    pub body_memory_bytes: usize,
}

impl Limits {
    /// Bodies up to this size cost less than counting them would: any reply, and most reports without their attachments.
    pub const SMALL_BODY_BYTES: usize = 64 << 10;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            reply_bytes: 64 << 10,
            field_bytes: 512,
            mail_bytes: 32 << 20,
            nested_mails: 16,
            mime_parts: 1000,
            text_bytes: 256 << 10,
            header_fields: 1000,
            recipients: 1000,
            batch_items: 10_000,
            batch_bytes: 64 << 20,
            line_bytes: 48 << 20,
            page_items: 500,
            request_time: Duration::from_secs(30),
            body_idle_time: Duration::from_secs(10),
            stream_idle_time: Duration::from_secs(60),
            body_memory_bytes: 256 << 20,
        }
    }
}
