//! Every bound on what comes from outside, in one place.

use std::time::Duration;

/// How much the service takes on. Over a bound the answer is a problem that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one reply. RFC 5321 §4.5.3.1.5 allows 512 a line; the longest replies seen have some thousand.
    pub reply_bytes: usize,
    /// Bytes of a name or address that the caller adds: a path has at most 256 (RFC 5321 §4.5.3.1.3), with some room.
    pub field_bytes: usize,
    /// Items on one page of a list.
    pub page_items: usize,
    /// Time for a whole request, its body included.
    pub request_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { reply_bytes: 64 << 10, field_bytes: 512, page_items: 500, request_time: Duration::from_secs(30) }
    }
}
