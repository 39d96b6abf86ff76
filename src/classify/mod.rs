//! From evidence to verdict: the one place where words, codes and the command are weighed against each other.
//!
//! # How it is weighed
//! 1. **A positive code settles it.** 2yz and 3yz are no failures, whatever the words.
//! 2. **Every piece of evidence names a category and how much it is worth**: each phrase of the catalogue found in the folded
//!    text, the enhanced code, the reply code (both as their command colours them). Pieces for one category are combined as
//!    independent: `1 − Π(1 − weight)`. The category with the most wins.
//! 3. **Words beat codes.** Where words speak of anything else and only codes speak of a dead address, the codes are out of
//!    it: many hosts answer `550 5.1.1` for a block, a full mailbox or a fault of their own.
//! 4. **A provider's own rule decides alone** where it is clear: what Gmail means by its words is known better than what they
//!    would mean elsewhere.
//! 5. **No false hard bounces.** A verdict is hard only if its category is, its score reaches [`Prior::SPECIFIC`], no code
//!    is transient, and the server does not call its refusal temporary. Otherwise it is soft: to be retried where the
//!    refusal is transient, to be reviewed where it is not.
//!
//! Rules look at the gist of the folded text, in which addresses, names and ids that no rule knows have given way to stand-ins
//! ([`Catalog::gist`]), and what came of a gist lately is remembered.
//!
//! The winner's overrides (type, scope, action of a wording that differs from its category) come from its strongest phrase.
//! A decision's confidence is the winner's score, less what others say against it; a verdict tells it as the catalogue's
//! calibration measured how often that score is right.

mod calibration;
mod contest;
mod decided;
mod decision;
mod memo;
mod report;
mod settle;
mod texts;
mod verdict;
mod weigh;

pub use calibration::{Bin, Judged, bins, calibration_error, cross_validated_error, fit};
pub use contest::contested;
pub use decided::CategoryScore;
pub use decision::{Blocking, Decision, EvidenceSource, Place, Weighed};
pub(crate) use memo::Memo;
pub use report::{ComplaintView, OriginalView, RecipientView, ReportView, weigh_recipient};
pub use texts::{CodeNote, CodeNoteView, Remediation, RemediationView};
pub use verdict::{BlocklistView, DecidedBy, EvidenceView, Fields, ProviderMatch, ReplyView, RetryAnswer, Verdict};
pub use weigh::{Evidence, weigh};

#[cfg(doc)]
use crate::catalog::Prior;
