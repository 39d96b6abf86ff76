//! What the service tells of itself: its log, a line a request, numbers for Prometheus, and the replies that no rule knows. No
//! address and no word of a mail leaves through any of them, but for the masked templates of [`Unmatched`].
//!
//! Everything here may be called from the hot path: counters are relaxed atomics that are found by number, never by a string;
//! what needs a lock takes it only if it is free.

mod access;
mod admission;
mod classified;
mod count;
mod exposition;
mod log;
mod mask;
mod metrics;
mod process;
mod requests;
mod trace;
mod unmatched;

pub use access::AccessLogMode;
pub(crate) use access::{AccessLine, access_log};
pub use admission::Admission;
pub(crate) use count::Inside;
pub use count::{Counter, Level};
pub(crate) use exposition::MEDIA_TYPE as METRICS_MEDIA_TYPE;
pub use log::{flush, start};
pub use metrics::Metrics;
pub(crate) use metrics::Reload;
pub(crate) use requests::Route;
pub(crate) use trace::TraceParent;
pub use unmatched::{Unmatched, UnmatchedReply};
