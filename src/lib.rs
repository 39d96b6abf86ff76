//! retoure tells what a bounced e-mail means: what it is, hard or soft, why, how far it reaches, what to do, and how to mend it.
//!
//! The way of the data is one way: a reply ([`smtp`]) is weighed ([`classify`]) against what mail servers' words and numbers
//! mean ([`catalog`]), one at a time or by the million ([`batch`]), and given out over HTTP ([`http`]) or on a terminal ([`cli`]). Nothing below knows what is above it.
//!
//! ```
//! use retoure::{catalog::Catalog, classify::{self, Evidence}, smtp::Reply};
//!
//! let catalog = Catalog::built_in()?;
//! let reply = Reply::parse("550 5.1.1 <anna@example.org>: User unknown");
//! let decision = classify::weigh(&catalog, &Evidence::of(&reply));
//! assert_eq!(decision.category.map(|id| catalog.category(id).id.as_str()), Some("mailbox_not_found"));
//! # Ok::<(), retoure::catalog::CatalogError>(())
//! ```

pub mod batch;
pub mod catalog;
pub mod classify;
pub mod cli;
mod hexadecimal;
pub mod http;
pub mod limits;
mod quick_hash;
pub mod reload;
pub mod report;
pub mod serve;
pub mod settings;
pub mod smtp;
pub mod telemetry;
