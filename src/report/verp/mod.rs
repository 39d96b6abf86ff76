//! Envelope addresses that carry another address: `bounces+anna=example.org@list.example` says that the mail which bounced
//! went to `anna@example.org`, whatever the report itself withholds.
//!
//! An address is read only where a word such as `bounces` or a fixed tag shows that software wrote it, and only where one
//! reading is possible. A wrong recipient would stop mail to someone who never bounced, so doubt gives nothing:
//! `bounces-123-anna=example.org` may mean `123-anna` or `anna`.
//!
//! # Incomplete support
//! - No signature is checked: BATV and SRS tags are recognised by their form, and anyone can write one.
//! - Prefixes without a known word (`news+anna=example.org`, Postfix `VERP` for a list of any name) are not read, since a
//!   user's own plus tag looks the same; nor is `owner-list-anna=example.org`, where nothing says where the list's name ends.
//! - After a hyphen, a plus tag that its mailer did not escape and that reads as an escape (`anna+21`) becomes one (`anna!`).
//! - `=3D` (an equals sign in quoted-printable) gives nothing, since `3Dexample.org` is a possible domain.
//! - Quoted local parts, address literals and non-ASCII signs other than letters and digits are not decoded.
//! - Opaque forms carry a key instead of an address: Amazon SES, Mandrill, Google Groups, Mailman's probes, Microsoft's
//!   `bounces+SRS=44ldt=IX@…`. BATV without a sign between name and tag and Salesforce's form are left out.

mod list;
mod prefix;
mod signed;
#[cfg(test)]
mod tests;

use list::{gmail_forward, listserv, sympa};
use prefix::verp;
use signed::{signed, srs};

/// The longest envelope address that is looked at, in bytes.
const MAX_INPUT_BYTES: usize = 512;

/// The longest decoded address, in bytes: 64 for the local part, one `@`, 255 for the domain (RFC 5321 §4.5.3.1).
const MAX_ADDRESS_BYTES: usize = 320;

/// How many wrappings are taken off: a signed address (BATV) of a list (VERP), forwarded (SRS), is three.
const MAX_WRAPPINGS: usize = 4;

/// An envelope address taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// How the address was written; of several wrappings the outermost.
    pub form: Form,
    /// Whom the mail went to.
    pub recipient: Option<String>,
    /// The sender behind the wrapping: for VERP the address without its recipient, for BATV without its tag, for SRS the
    /// sender before the mail was forwarded.
    pub sender: Option<String>,
}

/// How one address was put into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// `bounces-anna=example.org@list.example`: variable envelope return paths (D. J. Bernstein, `cr.yp.to/proto/verp.txt`,
    /// 1997), with `+XX` escapes by draft-varshavchik-verp-smtpext; `list-bounces+anna=example.org` of Mailman and Postfix
    /// (`default_verp_delimiters`); `list-request=anna%example.org` of Exim's manual.
    Verp,
    /// `list-return-123-anna=example.org@…`: VERP with a message's number, and `…-return-warn-` or `-probe-` with a time and
    /// a cookie (ezmlm).
    Ezmlm,
    /// `bounce+anna==a==example.org==list@…` (Sympa's `verp_rate` and its welcome and reminder messages).
    Sympa,
    /// `owner-LIST*anna**EXAMPLE*-ORG@…` (LISTSERV); seen in return paths.
    Listserv,
    /// `bounces+1234567-ab12-anna=example.org@…`: VERP with an account and a key (`SendGrid`); seen in return paths.
    SendGrid,
    /// `bounce+4fd2a1.8c03-anna=example.org@…`: VERP with a key (Mailgun); seen in return paths.
    Mailgun,
    /// `bounce-mc.us5_1234567.89012-anna=example.org@…`: VERP with a campaign (Mailchimp); seen in return paths.
    Mailchimp,
    /// `bob+caf_=anna=example.org@gmail.com`: Gmail forwards the mail of `bob@gmail.com`, who is the sender here, to
    /// `anna@example.org`; seen in return paths.
    GmailForward,
    /// `prvs=1234567890=anna@example.org` (draft-levine-smtp-batv-01) or, by the draft before it, `prvs=anna/1234567890@…`.
    Batv,
    /// `btv1==1a2b3c4d5e6==anna@example.org`: BATV in the manner of Barracuda; seen in return paths.
    Barracuda,
    /// `msprvs1=17abcDEF=bounces-123@example.org`: BATV in the manner of Momentum and `SparkPost`; seen in return paths.
    Momentum,
    /// `SRS0=hash=tt=example.org=anna@…`: the sender rewriting scheme's first hop (M. S. Wong, openspf, 2004).
    Srs0,
    /// `SRS1=hash=first.example==hash=tt=example.org=anna@…`: its further hops.
    Srs1,
    /// `bob+SRS=hash=tt=example.org=anna@…`: mail to `bob`, forwarded by Exchange Online.
    ExchangeSrs,
}

/// Takes an envelope address apart; `None` where it carries no other or more than one reading is possible.
///
/// Wrappings within wrappings are taken off until a recipient is found: a list's VERP address that a forwarder rewrote
/// (SRS) gives both. Linear in the address's length.
pub fn decode(address: &str) -> Option<Encoded> {
    let mut encoded = decode_once(address)?;
    for _ in 1..MAX_WRAPPINGS {
        let sender = encoded.sender.as_deref().filter(|_| encoded.recipient.is_none());
        let Some(inner) = sender.and_then(decode_once) else { break };
        encoded = Encoded { form: encoded.form, ..inner };
    }
    Some(encoded)
}

fn decode_once(address: &str) -> Option<Encoded> {
    if address.len() > MAX_INPUT_BYTES || address.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return None;
    }
    let (local, domain) = address.split_once('@')?;
    if domain.is_empty() || domain.contains('@') {
        return None;
    }
    signed(local, domain)
        .or_else(|| srs(local))
        .or_else(|| sympa(local))
        .or_else(|| gmail_forward(local, domain))
        .or_else(|| listserv(local, domain))
        .or_else(|| verp(local, domain))
}

/// Local part and domain as an address, if it looks like one.
fn join(local: &str, domain: &str) -> Option<String> {
    // RFC 5322 §3.2.3 `atext` and the dot, RFC 6531 §3.3 for what is not ASCII.
    let is_local_sign = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let is_address = !local.is_empty()
        && local.len() + 1 + domain.len() <= MAX_ADDRESS_BYTES
        && local.chars().all(is_local_sign)
        && is_domain(domain);
    is_address.then(|| format!("{local}@{domain}"))
}

/// Labels of letters, digits and hyphens, the last of letters or an encoded one (`xn--p1ai`).
fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.rsplit_once('.').is_some_and(|(_, last)| {
        domain.split('.').all(is_label)
            && (last.chars().all(char::is_alphabetic) || strip_prefix_any_case(last, "xn--").is_some())
    })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_hex(text: &str, min_digits: usize) -> bool {
    text.len() >= min_digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

fn strip_prefix_any_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}
