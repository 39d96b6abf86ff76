//! Classifying: one item, or as many as come. The service's single calls, its batches and the command line all go this way, so
//! that the same item has the same answer everywhere.
//!
//! ```text
//! bytes ─► Cutter ─► Chunk ─► Classifier::run ─► Finished ─► HTTP answer, standard output
//!       (whole lines or mails)   (on any core)   (results as text, and their summary)
//! ```
//! Chunks are numbered when they are cut, so they may be worked on side by side; whoever hands them out puts the results back
//! into their order. Nothing here waits, and nothing here knows of sockets or files.

mod chunk;
mod classifier;
mod fault;
mod item;
mod json;
mod mbox;
mod results;
mod summary;

use std::num::NonZero;

pub use chunk::{Chunk, Cutter, Form};
pub use classifier::{Classifier, Finished, Wanted};
pub use fault::{Fault, FaultKind};
pub use item::{Item, ItemFields, ItemId, Known, Subject, command, from_base64, mail_too_large, reply_too_large};
pub use json::read as read_json;
pub use results::{Id, Outcome, ResultLine};
pub use summary::Summary;

/// Bytes that are worth a core's while: some hundred replies, a millisecond or so. Smaller chunks would be handed around for
/// longer than they are worked on, larger ones would keep more in memory.
pub const CHUNK_BYTES: usize = 64 << 10;

/// How many chunks are worked on at once.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}
