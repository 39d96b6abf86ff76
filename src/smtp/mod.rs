//! The vocabulary of SMTP: reply codes, enhanced status codes, commands, and the reply as people really paste it.
//!
//! Nothing here knows what a code means; that is the catalogue's business. Nothing here fails on odd input either: what
//! cannot be read as a code stays text.

mod codes;
mod command;
mod dialogue;
mod enhanced_code;
mod reply;
mod reply_code;
pub(crate) mod spacing;
mod template;
pub(crate) mod token;
mod wrapping;

pub use command::{Command, ParseCommandError};
pub use enhanced_code::{EnhancedCode, ParseEnhancedCodeError};
pub use reply::Reply;
pub use reply_code::{ParseReplyCodeError, Permanence, ReplyCode};
pub use template::{Template, fingerprint};
