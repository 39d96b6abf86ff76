//! retoure tells what a bounced e-mail means.

pub mod smtp;
