//! What a look-up answers: one code or one entry in one language, with its references resolved.

mod code;
mod entry;

pub use code::{CodeKind, CodeQuery, CodeView, DigitView, ObservationView, RegisteredPair, SubjectView, UnknownCode};
pub use entry::{BlocklistEntry, CategoryView, LinkView, ProviderView, RetryView, RuleView, SourceView};
