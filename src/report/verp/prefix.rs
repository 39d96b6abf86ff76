//! VERP: a word such as `bounces`, perhaps a tag, then the address with another sign for its `@`.

use super::{Encoded, Form, has_digit, is_hex, is_number, join, strip_prefix_any_case};

pub(super) fn verp(local: &str, domain: &str) -> Option<Encoded> {
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
