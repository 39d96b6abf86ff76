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

/// BATV and its relatives: a tag before or after the sender's local part.
fn signed(local: &str, domain: &str) -> Option<Encoded> {
    let is_tag = |tag: &str| tag.len() >= 6 && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let (form, (tag, core)) = if let Some(rest) = strip_prefix_any_case(local, "prvs=") {
        // A tag begins with its key's number; a name may stand in its place: `prvs=marianne=1234567890`.
        let tag_first = rest.split_once('=').filter(|(tag, _)| tag.starts_with(|c: char| c.is_ascii_digit()));
        let tag_last = || rest.rsplit_once('/').map(|(core, tag)| (tag, core));
        (Form::Batv, tag_first.or_else(tag_last)?)
    } else if let Some(rest) = strip_prefix_any_case(local, "btv1==") {
        (Form::Barracuda, rest.split_once("==")?)
    } else {
        (Form::Momentum, strip_prefix_any_case(local, "msprvs1=")?.split_once('=')?)
    };
    let sender = is_tag(tag).then(|| join(core, domain))??;
    Some(Encoded { form, recipient: None, sender: Some(sender) })
}

/// The sender rewriting scheme. The sign after `SRS0` or `SRS1` may be `=`, `+` or `-`, all others are `=`; a mailer on the
/// way may have changed the case.
fn srs(local: &str) -> Option<Encoded> {
    const SEPARATORS: [char; 3] = ['=', '+', '-'];
    let (form, rest) = if let Some(rest) = strip_prefix_any_case(local, "SRS0") {
        (Form::Srs0, rest.strip_prefix(SEPARATORS)?)
    } else if let Some(rest) = strip_prefix_any_case(local, "SRS1") {
        // The hash, the first forwarder's domain, and the first hop's text from its separator on.
        let (hash, rest) = rest.strip_prefix(SEPARATORS)?.split_once('=')?;
        let (_forwarder, rest) = rest.split_once('=').filter(|(host, _)| is_srs_hash(hash) && is_domain(host))?;
        (Form::Srs1, rest.strip_prefix(SEPARATORS)?)
    } else {
        let plus = local.find('+').filter(|&at| at > 0)?;
        (Form::ExchangeSrs, strip_prefix_any_case(&local[plus..], "+SRS=")?)
    };
    let mut parts = rest.splitn(4, '=');
    let (hash, time, domain, core) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_time = (1..=8).contains(&time.len()) && time.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let sender = (is_srs_hash(hash) && is_time).then(|| join(core, domain))??;
    Some(Encoded { form, recipient: None, sender: Some(sender) })
}

/// Base64, cut short.
fn is_srs_hash(hash: &str) -> bool {
    !hash.is_empty() && hash.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_'))
}

/// `==a==` stands for the `@`; the list's name follows, and sometimes the kind of message.
fn sympa(local: &str) -> Option<Encoded> {
    let (_prefix, rest) = local.split_once('+').filter(|(prefix, _)| !prefix.is_empty())?;
    let (user, rest) = rest.split_once("==a==")?;
    let (host, list) = rest.split_once("==")?;
    let recipient = (!list.is_empty()).then(|| join(user, host))??;
    // The list is named, but not the address it would send from without VERP.
    Some(Encoded { form: Form::Sympa, recipient: Some(recipient), sender: None })
}

fn gmail_forward(local: &str, domain: &str) -> Option<Encoded> {
    let (account, rest) = local.split_once("+caf_=")?;
    let (user, host) = rest.rsplit_once('=')?;
    Some(Encoded { form: Form::GmailForward, recipient: Some(join(user, host)?), sender: join(account, domain) })
}

/// `**` stands for the `@` and `*-` for the domain's dots.
fn listserv(local: &str, domain: &str) -> Option<Encoded> {
    strip_prefix_any_case(local, "owner-")?;
    let (list, rest) = local.split_once('*')?;
    let (user, host) = rest.split_once("**")?;
    let recipient = join(user, &host.replace("*-", "."))?;
    Some(Encoded { form: Form::Listserv, recipient: Some(recipient), sender: join(list, domain) })
}

fn verp(local: &str, domain: &str) -> Option<Encoded> {
    let prefix = Prefix::of(local)?;
    let (form, sender, carried) = match prefix.tag() {
        // The tag stays with the sender; the hyphen after it goes.
        Some((form, bytes)) => (form, &local[..prefix.end + 1 + bytes], &prefix.rest[bytes + 1..]),
        None => (Form::Verp, &local[..prefix.end], prefix.rest),
    };
    let recipient = carried_address(carried, prefix.sign)?;
    Some(Encoded { form, recipient: Some(recipient), sender: join(sender, domain) })
}

/// What stands before the address carried: `list-bounces+`.
struct Prefix<'a> {
    /// The last word: `bounces`.
    word: &'a str,
    /// Where that word ends.
    end: usize,
    sign: Sign,
    /// What follows the sign.
    rest: &'a str,
}

/// The sign between the prefix and the address carried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Hyphen,
    Plus,
    Equals,
}

impl<'a> Prefix<'a> {
    /// The prefix up to the first word that marks an address for bounces, but not beyond a `+` or `=`: `anna+bounces-…` is
    /// a user's tag.
    fn of(local: &'a str) -> Option<Self> {
        let is_owner_of_list = strip_prefix_any_case(local, "owner-").is_some();
        let mut start = 0;
        for (end, separator) in local.match_indices(['-', '_', '.', '+', '=']) {
            let word = &local[start..end];
            let (sign, is_end) = match separator {
                // `owner-list-anna`: the list's name has still to come.
                "-" => (Sign::Hyphen, is_marker(word) && !(start == 0 && is_owner_of_list)),
                "+" => (Sign::Plus, is_marker(word) || (is_owner_of_list && !word.is_empty())),
                "=" => (Sign::Equals, is_marker(word)),
                _ => (Sign::Hyphen, false),
            };
            if is_end {
                return Some(Self { word, end, sign, rest: &local[end + 1..] });
            }
            if matches!(separator, "+" | "=") {
                return None;
            }
            start = end + 1;
        }
        None
    }

    /// The tag that a list manager or provider puts between prefix and address: its form and length, without the hyphen
    /// that ends it.
    fn tag(&self) -> Option<(Form, usize)> {
        let (first, after) = self.rest.split_once('-')?;
        let second = after.split_once('-').map(|(second, _)| second);
        match self.sign {
            Sign::Hyphen if self.word.eq_ignore_ascii_case("return") => {
                if is_number(first) {
                    return Some((Form::Ezmlm, first.len()));
                }
                let (time, cookie) = second.filter(|_| matches!(first, "warn" | "probe"))?.split_once('.')?;
                let is_cookie = cookie.len() == 20 && cookie.bytes().all(|byte| byte.is_ascii_lowercase());
                (is_number(time) && is_cookie).then_some((Form::Ezmlm, first.len() + 1 + time.len() + 1 + cookie.len()))
            }
            Sign::Hyphen => {
                let (centre, campaign) = first.strip_prefix("mc.")?.split_once('_')?;
                let is_campaign = campaign.split('.').all(is_number);
                (is_campaign && centre.starts_with("us")).then_some((Form::Mailchimp, first.len()))
            }
            Sign::Plus => {
                if let Some(key) = second.filter(|key| is_number(first) && is_hex(key, 4) && key.len() <= 8) {
                    return Some((Form::SendGrid, first.len() + 1 + key.len()));
                }
                let (key, part) = first.split_once('.')?;
                let is_key = is_hex(key, 4) && is_hex(part, 4) && has_digit(first);
                is_key.then_some((Form::Mailgun, first.len()))
            }
            Sign::Equals => None,
        }
    }
}

/// Words that end the prefix of an address for bounces.
fn is_marker(word: &str) -> bool {
    ["bounce", "bounces", "error", "errors", "owner", "request", "return", "returns", "verp"]
        .iter()
        .any(|marker| marker.eq_ignore_ascii_case(word))
}

/// Reads `anna=example.org`, or what a mailer writes for the `=`; one of them must give an address, and only one.
fn carried_address(carried: &str, sign: Sign) -> Option<String> {
    let ats: &[&str] = match sign {
        Sign::Hyphen | Sign::Plus => &["=", "--at--", "%40", "#"],
        Sign::Equals => &["=", "--at--", "%40", "#", "%"],
    };
    let mut found = None;
    for &at in ats {
        // The last one: a domain contains none, a local part may.
        let Some((user, host)) = carried.rsplit_once(at) else { continue };
        if is_ambiguous(user, sign) || (at == "=" && host.starts_with("3D")) {
            return None;
        }
        let address = match sign {
            Sign::Hyphen if is_escaped(user, host) => join(&unescape(user), &unescape(host)),
            Sign::Hyphen | Sign::Plus | Sign::Equals => join(user, host),
        };
        if address.is_some() && found.is_some() {
            return None;
        }
        found = found.or(address);
    }
    found
}

/// Whether the local part may begin with something that is not the recipient's: a number, a key, or the rest of a prefix
/// (`return-path-anna`, `returns-team-bounces-anna`).
fn is_ambiguous(user: &str, sign: Sign) -> bool {
    let Some((first, _)) = user.split_once(['-', '+', '=']) else { return false };
    is_number(first)
        || (is_hex(first, 8) && has_digit(first))
        || (sign == Sign::Hyphen
            && (user.starts_with("path-") || user.starts_with("to-") || user.split('-').any(is_marker)))
}

/// Whether this is written as draft-varshavchik-verp-smtpext says: hyphens of the local part escaped, and no plus sign that
/// does not begin an escape.
fn is_escaped(user: &str, host: &str) -> bool {
    let begins_escapes = |text: &str| text.split('+').skip(1).all(|after| escaped_sign(after).is_some());
    !user.contains('-') && begins_escapes(user) && begins_escapes(host)
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, piece) in text.split('+').enumerate() {
        match escaped_sign(piece).filter(|_| index > 0) {
            Some(sign) => {
                out.push(sign);
                out.push_str(&piece[2..]);
            }
            None => out.push_str(piece),
        }
    }
    out
}

/// The sign whose code the text begins with; the draft escapes these eight.
fn escaped_sign(text: &str) -> Option<char> {
    ["!", "%", "+", "-", ":", "@", "[", "]"]
        .iter()
        .zip(["21", "25", "2B", "2D", "3A", "40", "5B", "5D"])
        .find(|(_, code)| strip_prefix_any_case(text, code).is_some())
        .and_then(|(sign, _)| sign.chars().next())
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ANNA: &str = "anna@example.org";

    #[test]
    fn the_recipient_and_the_sender_are_read() {
        for (address, form, recipient, sender) in [
            // VERP
            ("bounces-anna=example.org@list.example", Form::Verp, ANNA, "bounces@list.example"),
            ("bounces+anna=example.org@list.example", Form::Verp, ANNA, "bounces@list.example"),
            ("list-bounces+anna=example.org@list.example", Form::Verp, ANNA, "list-bounces@list.example"),
            (
                "my-list-bounces+mary-ann=a-b.example@l.example",
                Form::Verp,
                "mary-ann@a-b.example",
                "my-list-bounces@l.example",
            ),
            ("bounces-mary-ann=example.org@l.example", Form::Verp, "mary-ann@example.org", "bounces@l.example"),
            ("list-owner-anna=example.org@l.example", Form::Verp, ANNA, "list-owner@l.example"),
            ("owner-list+anna=example.org@l.example", Form::Verp, ANNA, "owner-list@l.example"),
            ("list-return-anna=example.org@l.example", Form::Verp, ANNA, "list-return@l.example"),
            ("Bounces+anna=Example.ORG@l.example", Form::Verp, "anna@Example.ORG", "Bounces@l.example"),
            (
                "list-bounces+anna+news=example.org@l.example",
                Form::Verp,
                "anna+news@example.org",
                "list-bounces@l.example",
            ),
            ("list-bounces+anna+21=example.org@l.example", Form::Verp, "anna+21@example.org", "list-bounces@l.example"),
            ("bounces-anna+news=example.org@l.example", Form::Verp, "anna+news@example.org", "bounces@l.example"),
            ("bounces-a=b=example.org@l.example", Form::Verp, "a=b@example.org", "bounces@l.example"),
            ("bounces-owner=example.org@l.example", Form::Verp, "owner@example.org", "bounces@l.example"),
            ("bounces+jörg=bücher.example@l.example", Form::Verp, "jörg@bücher.example", "bounces@l.example"),
            (
                "bounces+anna=xn--e1afmkfd.xn--p1ai@l.example",
                Form::Verp,
                "anna@xn--e1afmkfd.xn--p1ai",
                "bounces@l.example",
            ),
            ("bounces-anna=example.org@localhost", Form::Verp, ANNA, ""),
            // Escapes of the draft, and other signs for the `=`.
            (
                "itny-bounces-node42+21ann=old.example@l.example",
                Form::Verp,
                "node42!ann@old.example",
                "itny-bounces@l.example",
            ),
            (
                "bounces-mary+2Dann+2bnews=example.org@l.example",
                Form::Verp,
                "mary-ann+news@example.org",
                "bounces@l.example",
            ),
            ("bounces+anna--at--example.org@l.example", Form::Verp, ANNA, "bounces@l.example"),
            ("bounces+anna%40example.org@l.example", Form::Verp, ANNA, "bounces@l.example"),
            ("bounces-anna#example.org@l.example", Form::Verp, ANNA, "bounces@l.example"),
            ("list-request=anna%example.org@l.example", Form::Verp, ANNA, "list-request@l.example"),
            // List managers and providers.
            ("list-return-123-anna=example.org@l.example", Form::Ezmlm, ANNA, "list-return-123@l.example"),
            (
                "list-return-warn-1029384756.abcdefghijklmnopabcd-anna=example.org@l.example",
                Form::Ezmlm,
                ANNA,
                "list-return-warn-1029384756.abcdefghijklmnopabcd@l.example",
            ),
            ("bounce+anna==a==example.org==list@l.example", Form::Sympa, ANNA, ""),
            ("bounce+anna==a==example.org==list==w@l.example", Form::Sympa, ANNA, ""),
            ("owner-NEWS-L*anna**EXAMPLE*-ORG@l.example", Form::Listserv, "anna@EXAMPLE.ORG", "owner-NEWS-L@l.example"),
            (
                "bounces+1234567-ab12-anna=example.org@em.example.com",
                Form::SendGrid,
                ANNA,
                "bounces+1234567-ab12@em.example.com",
            ),
            (
                "bounces+1234567-ab12-mary-ann=example.org@e.example",
                Form::SendGrid,
                "mary-ann@example.org",
                "bounces+1234567-ab12@e.example",
            ),
            (
                "bounce+4fd2a1.8c03-anna=example.org@mg.example.com",
                Form::Mailgun,
                ANNA,
                "bounce+4fd2a1.8c03@mg.example.com",
            ),
            (
                "bounce-mc.us5_12345.678-anna=example.org@mcsv.net",
                Form::Mailchimp,
                ANNA,
                "bounce-mc.us5_12345.678@mcsv.net",
            ),
            ("bob+caf_=anna=example.org@gmail.com", Form::GmailForward, ANNA, "bob@gmail.com"),
            // BATV and its relatives.
            ("prvs=1234567890=anna@example.org", Form::Batv, "", ANNA),
            ("PRVS=4012abcdef=anna@example.org", Form::Batv, "", ANNA),
            ("prvs=anna/1234567890@example.org", Form::Batv, "", ANNA),
            ("btv1==1a2b3c4d5e6==anna@example.org", Form::Barracuda, "", ANNA),
            ("msprvs1=17abcDEFgh=bounces-123@example.org", Form::Momentum, "", "bounces-123@example.org"),
            // SRS
            ("SRS0=HHHH=TT=example.org=anna@forwarder.example", Form::Srs0, "", ANNA),
            ("srs0+h+/h=tt=example.org=anna@forwarder.example", Form::Srs0, "", ANNA),
            ("SRS0-HHHH=TT=example.org=a=b@forwarder.example", Form::Srs0, "", "a=b@example.org"),
            ("SRS1=HHHH=first.example==HHHH=TT=example.org=anna@second.example", Form::Srs1, "", ANNA),
            ("SRS1+HHHH=first.example=-HHHH=TT=example.org=anna@second.example", Form::Srs1, "", ANNA),
            ("bob+SRS=44ldt=IX=example.org=anna@contoso.example", Form::ExchangeSrs, "", ANNA),
            // One in another.
            ("prvs=1234567890=bounces+anna=example.org@l.example", Form::Batv, ANNA, "bounces@l.example"),
            ("SRS0=HHHH=TT=l.example=bounces-anna=example.org@f.example", Form::Srs0, ANNA, "bounces@l.example"),
            ("SRS0=HHHH=TT=example.org=prvs=1234567890=anna@f.example", Form::Srs0, "", ANNA),
        ] {
            let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            let expected = Encoded { form, recipient: some(recipient), sender: some(sender) };
            assert_eq!(decode(address), Some(expected), "{address:?}");
        }
    }

    #[test]
    fn ordinary_opaque_and_doubtful_addresses_give_nothing() {
        for address in [
            "",
            "@",
            "anna",
            "anna@example.org",
            "anna+news@example.org",
            "anna+shop=example.com@example.org",
            "anna+bounces-bob=example.com@example.org",
            "mary-ann@example.org",
            "a=b@example.org",
            "anna=example.com@example.org",
            "anna%example.com@relay.example",
            "bounces@example.org",
            "list-bounces+3b1f0a9c@example.org",
            "returns-team@example.org",
            // Opaque.
            "0100018b2c3d4e5f-0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-000000@amazonses.com",
            "bounce-md_30123456.5a1b2c3d.v1-0a1b2c3d4e5f60718293a4b5c6d7e8f9@mandrillapp.com",
            "list+bncBDLPHJ6S3ABC@googlegroups.com",
            "bounces+SRS=44ldt=IX@contoso.example",
            // Where does the recipient begin, or which sign is the `@`?
            "bounces-123-anna=example.org@l.example",
            "bounces+123=anna=example.org@l.example",
            "bounces+0a1b2c3d-anna=example.org@l.example",
            "owner-list-anna=example.org@l.example",
            "returns-team-bounces-anna=example.org@l.example",
            "return-path-anna=example.org@l.example",
            "bounces+anna=b--at--example.org@l.example",
            "list-request=anna%40example.org@l.example",
            "bounces-anna=3Dexample.org@l.example",
            // No address inside.
            "bounces-=example.org@l.example",
            "bounces-anna=example@l.example",
            "bounces-anna=192.0.2.7@l.example",
            "bounces-anna=example..org@l.example",
            "bounces-anna=-example.org@l.example",
            "bounces-an<na=example.org@l.example",
            "bounces-an na=example.org@l.example",
            "bounces-an\0na=example.org@l.example",
            "bounces-anna+40b=example.org@l.example",
            "bounces-anna=example.org@b@l.example",
            "bounces-anna=example.org@",
            "<bounces-anna=example.org>",
            "prvs=1234567890=@example.org",
            "prvs=12=anna@example.org",
            "prvs=marianne=1234567890@example.org",
            "prvs=anna1234567890@example.org",
            "prvs=1234567890=anna@localhost",
            "btv1==anna@example.org",
            "SRS0=HHHH=TT=example=anna@f.example",
            "SRS0=HHHH=TT=example.org@f.example",
            "SRS0=HHHH==example.org=anna@f.example",
            "SRS1=HHHH=first.example=HHHH=TT=example.org=anna@f.example",
            "SRS2=HHHH=TT=example.org=anna@f.example",
        ] {
            assert_eq!(decode(address), None, "{address:?}");
        }
    }

    #[test]
    fn what_is_too_long_gives_nothing() {
        let wrapped =
            |user: usize, list: usize| format!("bounces-{}=example.org@{}.example", "a".repeat(user), "l".repeat(list));
        let recipient = |address: &str| decode(address).and_then(|encoded| encoded.recipient);
        assert_eq!(recipient(&wrapped(308, 1)).map(|address| address.len()), Some(MAX_ADDRESS_BYTES));
        assert_eq!(recipient(&wrapped(309, 1)), None);
        let longest = wrapped(4, MAX_INPUT_BYTES - wrapped(4, 0).len());
        assert_eq!(recipient(&longest).as_deref(), Some("aaaa@example.org"));
        assert_eq!(decode(&format!("{longest}e")), None);
    }

    #[test]
    fn wrappings_without_end_are_not_followed() {
        let address = format!("{}anna@example.org", "prvs=123456=".repeat(20));
        let sender = decode(&address).and_then(|encoded| encoded.sender).unwrap();
        assert_eq!(sender, address["prvs=123456=".len() * MAX_WRAPPINGS..]);
    }

    /// The eight signs as the draft writes them.
    fn escape(text: &str) -> String {
        text.replace('+', "+2B").replace('-', "+2D").replace('!', "+21").replace('%', "+25")
    }

    proptest! {
        #[test]
        fn never_panics(address in "\\PC{0,80}") {
            decode(&address);
        }

        #[test]
        fn whatever_is_decoded_looks_like_an_address(
            address in "(SRS0|SRS1|\\+SRS=|prvs=|btv1==|msprvs1=|bounces?|-return-|owner-|=|==a==|\\+caf_=|\\+|-|\\*|%40|%|#|--at--|@|\\.|3D|2B|é|\0|123456|ab12|anna|example\\.org|@l\\.example){0,16}"
        ) {
            if let Some(encoded) = decode(&address) {
                prop_assert!(encoded.recipient.is_some() || encoded.sender.is_some());
                for decoded in [encoded.recipient, encoded.sender].into_iter().flatten() {
                    let (local, domain) = decoded.split_once('@').unwrap();
                    prop_assert_eq!(join(local, domain), Some(decoded.clone()));
                }
            }
        }

        // The letters before and after the sign make sure that neither part is a word of a prefix.
        #[test]
        fn a_verp_address_decodes_to_its_recipient(
            user in "x[a-z0-9]{0,7}([._+-]y[a-z0-9]{0,7})?", host in "[a-z][a-z0-9]{0,9}(-[a-z0-9]{1,4})?\\.[a-z]{2,6}",
            prefix in "(bounces[+-]|news-bounces\\+|my-list-return-([0-9]{1,6}-)?|list-owner-|owner-list\\+|bounces\\+[0-9]{6}-[0-9a-f]{4}-)",
        ) {
            let encoded = decode(&format!("{prefix}{user}={host}@list.example"));
            prop_assert_eq!(encoded.and_then(|encoded| encoded.recipient), Some(format!("{user}@{host}")));
        }

        #[test]
        fn an_escaped_verp_address_decodes_to_its_recipient(user in "[a-z]{1,6}([-+!%][a-z0-9]{1,6}){0,3}", host in "[a-z]{1,9}\\.[a-z]{2,6}") {
            let encoded = decode(&format!("list-bounces-{}={host}@list.example", escape(&user)));
            prop_assert_eq!(encoded.and_then(|encoded| encoded.recipient), Some(format!("{user}@{host}")));
        }

        #[test]
        fn a_forwarded_signed_address_decodes_to_its_sender(user in "[a-z]{1,8}", host in "[a-z]{1,9}\\.[a-z]{2,6}", tag in "[0-9]{4}[0-9a-f]{6}") {
            let encoded = decode(&format!("SRS0=ab+/={tag:.2}={host}=prvs={tag}={user}@forwarder.example"));
            prop_assert_eq!(encoded.and_then(|encoded| encoded.sender), Some(format!("{user}@{host}")));
        }
    }
}
