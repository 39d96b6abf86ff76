//! The shape of a complaint: a reply's words with everything replaced that changes from one recipient, message or day to the
//! next. A thousand refusals for one reason have one template, so it serves for grouping, caching and logging.
//!
//! Replaced are e-mail addresses, IP addresses, dates and times, message and queue ids, numbers, the variable parts of URLs and
//! host names, and names of users where the words around give them away. Domain names stay: they name blocklists and
//! providers.
//!
//! # Incomplete support
//! A user's name in running text that looks like an ordinary word (`User anna unknown`) is not told from one, unless the
//! recipient is known.

use std::net::IpAddr;

use super::{
    EnhancedCode,
    token::{AT, CLASSES, COLON, DELIMITER, DIGIT, DOT, UNDERSCORE, is_vendor_code},
};

/// A reply's words without their variable parts, and their fingerprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// `Client host [<ip>] blocked using zen.spamhaus.org`.
    pub text: String,
    /// XXH3 of the text.
    pub fingerprint: u64,
}

impl Template {
    /// The template of a reply's text. `recipient`'s local part is replaced wherever it stands.
    pub fn of(text: &str, recipient: Option<&str>) -> Self {
        let local_part =
            recipient.and_then(|r| r.rsplit_once('@')).map(|(local, _)| local).filter(|local| local.len() > 2);
        let mut writer = Writer { out: String::with_capacity(text.len() + 16), local_part, in_date: false };
        writer.write(text);
        let text = writer.out;
        Self { fingerprint: fingerprint(&text), text }
    }
}

/// XXH3 (64 bit) of a template's text: the same on every machine and in every version.
pub fn fingerprint(template: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(template.as_bytes())
}

struct Writer<'a> {
    out: String,
    local_part: Option<&'a str>,
    in_date: bool,
}

/// A dot or an underscore: it stands in users' names.
const JOINT: u8 = DOT | UNDERSCORE;

impl Writer<'_> {
    fn write(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let class = |at: usize| bytes.get(at).map(|byte| CLASSES[usize::from(*byte)]);
        let mut at = 0;
        while at < bytes.len() {
            let start = at;
            while class(at) == Some(DELIMITER) {
                at += 1;
            }
            self.write_delimiters(&text[start..at]);
            let start = at;
            let mut seen = 0;
            while let Some(class) = class(at).filter(|class| *class != DELIMITER) {
                seen |= class;
                at += 1;
            }
            if seen & COLON != 0 && text[start..at].contains("://") {
                at = start + url_length(&text[start..]);
            }
            let token = &text[start..at];
            let kept = token.trim_end_matches(['.', ':']);
            let is_word = seen & (DIGIT | AT) == 0 && !(seen & COLON != 0 && kept.contains(':'));
            match kept {
                "" => {}
                word if is_word => self.write_word(word, seen & JOINT != 0 && has_joint(word), &text[at..]),
                token => self.write_token(token, &text[at..]),
            }
            self.out.push_str(&token[kept.len()..]);
        }
    }

    /// A token without digits, `@` and colons: most are.
    fn write_word(&mut self, word: &str, has_joint: bool, after: &str) {
        let kind = self.kind_of_word(word, has_joint, after);
        self.write_kind(&kind, word, after);
    }

    fn kind_of_word(&self, word: &str, has_joint: bool, after: &str) -> Kind {
        if self.is_recipient(word) || self.is_quoted_name(word, has_joint, after) {
            return Kind::Name;
        }
        match word {
            "GMT" | "UTC" | "CET" | "CEST" | "EST" | "PST" => Kind::Zone,
            _ if word.len() == 3 && is_month(word) && ends_with_number(&self.out) => Kind::Month,
            _ => Kind::Word,
        }
    }

    fn is_recipient(&self, word: &str) -> bool {
        self.local_part.is_some_and(|local| local.eq_ignore_ascii_case(word))
    }

    fn write_delimiters(&mut self, between: &str) {
        // `<<email>>` reads as one placeholder.
        match (self.out.ends_with('>'), between.strip_prefix('>')) {
            (true, Some(rest)) if ends_with_bracketed_placeholder(&self.out) => self.out.push_str(rest),
            _ => self.out.push_str(between),
        }
    }

    fn write_token(&mut self, token: &str, after: &str) {
        if let Some(at) = token.find("://") {
            self.in_date = false;
            return self.write_url(token, at + 3);
        }
        let kind = self.kind(token, after);
        self.write_kind(&kind, token, after);
    }

    fn write_kind(&mut self, kind: &Kind, token: &str, after: &str) {
        if self.in_date && matches!(kind, Kind::Number | Kind::Date | Kind::Zone) {
            // The rest of a date that was begun: swallow it with the space before it.
            let kept = self.out.trim_end_matches([' ', ',']).len();
            self.out.truncate(kept);
            return;
        }
        self.in_date = matches!(kind, Kind::Date | Kind::Month);
        match kind {
            Kind::Word | Kind::Zone => self.out.push_str(token),
            Kind::Email => self.placeholder("email"),
            Kind::Name => self.placeholder("name"),
            Kind::Ip => self.placeholder("ip"),
            Kind::IpAndPort(colon) => {
                self.placeholder("ip");
                self.out.push_str(&token[*colon..]);
            }
            Kind::Date => self.placeholder("date"),
            Kind::Month => self.month(token),
            Kind::Id => self.placeholder("id"),
            Kind::Number => self.placeholder("number"),
            Kind::Host => self.write_host(token),
            Kind::Joined(sign) => self.write_joined(token, *sign, after),
        }
    }

    fn kind(&self, token: &str, after: &str) -> Kind {
        if token.find('@').is_some_and(|at| at > 0 && at + 1 < token.len()) {
            return Kind::Email;
        }
        let bytes = token.as_bytes();
        let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
        let has_joint = has_joint(token);
        if digits == 0 {
            return match self.kind_of_word(token, has_joint, after) {
                Kind::Word if is_ip(token) => Kind::Ip,
                kind => kind,
            };
        }
        if self.is_recipient(token) || self.is_quoted_name(token, has_joint, after) {
            return Kind::Name;
        }
        if digits == token.len() {
            let is_quoted_code = digits == 3
                && matches!(bytes[0], b'4' | b'5')
                && after.strip_prefix([' ', '-']).is_some_and(|rest| EnhancedCode::prefix(rest.as_bytes()).is_some());
            return if is_quoted_code { Kind::Word } else { Kind::Number };
        }
        if EnhancedCode::prefix(bytes).is_some_and(|(_, length)| length == token.len()) {
            return Kind::Word;
        }
        if is_ip(token) {
            return Kind::Ip;
        }
        if let Some(colon) = token.rfind(':').filter(|&colon| is_ip(&token[..colon])) {
            return Kind::IpAndPort(colon);
        }
        if is_date_or_time(bytes) {
            return Kind::Date;
        }
        if self.in_date && matches!(bytes[0], b'+' | b'-') && digits == 4 {
            return Kind::Zone;
        }
        if bytes[0] == b'-' && digits == token.len() - 1 {
            return Kind::Number;
        }
        if is_host_name(token) {
            return Kind::Host;
        }
        if is_id(bytes, digits) {
            return Kind::Id;
        }
        match ['/', ':', '_'].into_iter().find(|&sign| token.contains(sign)) {
            Some(sign) => Kind::Joined(sign),
            None if self.follows_user_word() => Kind::Name,
            None => Kind::Word,
        }
    }

    /// `"anna"`, `<anna>` or `user: anna`: the name of a mailbox, but not `<CRLF>`.
    fn is_quoted_name(&self, token: &str, has_joint: bool, after: &str) -> bool {
        let closing = match self.out.as_bytes().last() {
            Some(b'<') => b'>',
            Some(b'"') => b'"',
            Some(b'\'') => b'\'',
            Some(b' ') if self.out.ends_with(": ") => {
                return ends_with_user_word(self.out.trim_end_matches([':', ' ']));
            }
            _ => return has_joint && self.follows_user_word() && !token.contains(':'),
        };
        after.as_bytes().first() == Some(&closing)
            && !(token.len() <= 4 && token.bytes().all(|byte| byte.is_ascii_uppercase()))
    }

    fn follows_user_word(&self) -> bool {
        self.out.ends_with(' ') && ends_with_user_word(self.out.trim_end())
    }

    fn placeholder(&mut self, name: &str) {
        if !self.out.ends_with('<') {
            self.out.push('<');
        }
        self.out.push_str(name);
        self.out.push('>');
    }

    /// `23 Nov 2026 …`: the day before the month was written as a number, a weekday may stand before it.
    fn month(&mut self, token: &str) {
        let Some(day) = self.out.strip_suffix("<number> ").map(str::len) else {
            self.out.push_str(token);
            self.in_date = false;
            return;
        };
        self.out.truncate(day);
        let before = self.out.trim_end_matches([' ', ',']);
        if let Some(weekday) =
            before.len().checked_sub(3).and_then(|at| before.get(at..)).filter(|word| is_weekday(word))
        {
            let at = before.len() - weekday.len();
            self.out.truncate(at);
        }
        self.placeholder("date");
    }

    /// Keeps a URL's host and fixed parts; what looks like an address, an id or a long number goes.
    fn write_url(&mut self, url: &str, host_at: usize) {
        let (scheme, rest) = url.split_at(host_at);
        self.out.push_str(scheme);
        let path_at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(path_at);
        self.out.push_str(host);
        for piece in path.split_inclusive(['/', '?', '#', '&', '=']) {
            let (value, sign) = match piece.char_indices().last() {
                Some((at, '/' | '?' | '#' | '&' | '=')) => piece.split_at(at),
                _ => (piece, ""),
            };
            let digits = value.bytes().filter(u8::is_ascii_digit).count();
            if value.contains('@') || value.contains("%40") {
                self.out.push_str("<email>");
            } else if digits > 0 && is_ip(value) {
                self.out.push_str("<ip>");
            } else if digits > 9 || is_id(value.as_bytes(), digits) {
                self.out.push_str("<id>");
            } else {
                self.out.push_str(value);
            }
            self.out.push_str(sign);
        }
    }

    /// Keeps a host name's stable labels: `<id>.prod.outlook.com`.
    fn write_host(&mut self, host: &str) {
        for label in host.split_inclusive('.') {
            let (name, dot) = label.strip_suffix('.').map_or((label, ""), |name| (name, "."));
            let digits = name.bytes().filter(u8::is_ascii_digit).count();
            self.out.push_str(if digits >= 2 { "<id>" } else { name });
            self.out.push_str(dot);
        }
    }

    fn write_joined(&mut self, token: &str, sign: char, after: &str) {
        let mut rest = token;
        while let Some(at) = rest.find(sign) {
            if at > 0 {
                self.write_token(&rest[..at], &rest[at..]);
            }
            self.out.push(sign);
            rest = &rest[at + sign.len_utf8()..];
        }
        if !rest.is_empty() {
            self.write_token(rest, after);
        }
    }
}

enum Kind {
    Word,
    Email,
    Name,
    Ip,
    IpAndPort(usize),
    Date,
    Month,
    Zone,
    Id,
    Number,
    Host,
    /// Several tokens joined by this sign.
    Joined(char),
}

/// A URL reaches to the next space or closing sign, beyond delimiters of other tokens.
fn url_length(text: &str) -> usize {
    text.bytes()
        .position(|byte| byte <= b' ' || matches!(byte, b'<' | b'>' | b')' | b']' | b'"' | b'\''))
        .unwrap_or(text.len())
}

fn has_joint(token: &str) -> bool {
    token.bytes().any(|byte| matches!(byte, b'.' | b'_'))
}

/// Parsing takes longer than asking for the signs that an address has.
fn is_ip(token: &str) -> bool {
    let count = |sign: u8| token.bytes().filter(|byte| *byte == sign).count();
    (count(b'.') == 3 || count(b':') >= 2) && token.parse::<IpAddr>().is_ok()
}

fn ends_with_bracketed_placeholder(out: &str) -> bool {
    ["<email>", "<name>", "<ip>", "<id>", "<date>", "<number>"].iter().any(|placeholder| out.ends_with(placeholder))
}

fn ends_with_user_word(text: &str) -> bool {
    ["user", "mailbox", "account", "recipient", "username", "login"].iter().any(|word| {
        text.len()
            .checked_sub(word.len())
            .and_then(|at| text.get(at..))
            .is_some_and(|end| end.eq_ignore_ascii_case(word))
    })
}

fn ends_with_number(out: &str) -> bool {
    out.ends_with("<number> ")
}

fn is_month(token: &str) -> bool {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    MONTHS.contains(&token)
}

fn is_weekday(word: &str) -> bool {
    matches!(word, "Mon" | "Tue" | "Wed" | "Thu" | "Fri" | "Sat" | "Sun")
}

/// `2026-11-23`, `2026-11-23T06:33:12.679Z`, `23.11.2026`, `11/23/2026`, `06:33`, `06:33:12`.
fn is_date_or_time(bytes: &[u8]) -> bool {
    let mut shape = [0u8; 3];
    let mut groups = 0;
    let mut separator = 0;
    for &byte in bytes {
        match byte {
            b'0'..=b'9' if groups < 3 => shape[groups] += 1,
            b'-' | b'.' | b'/' | b':' if groups < 3 && shape[groups] > 0 && (separator == 0 || separator == byte) => {
                separator = byte;
                groups += 1;
            }
            b'T' if groups == 2 && separator == b'-' => break,
            // Fractions of a second and a zone.
            b'0'..=b'9' | b'.' | b'+' | b'Z' | b':' if groups >= 2 => {}
            _ => return false,
        }
        if groups < 3 && shape[groups] > 4 {
            return false;
        }
    }
    matches!(
        (separator, shape),
        (b'-' | b'/', [4, 1 | 2, 1 | 2]) | (b'-' | b'/' | b'.', [1 | 2, 1 | 2, 4]) | (b':', [1 | 2, 2, 0 | 2])
    )
}

/// Labels of letters, digits and hyphens with an alphabetic last one.
fn is_host_name(token: &str) -> bool {
    token.rsplit_once('.').is_some_and(|(labels, last)| {
        last.len() >= 2
            && last.bytes().all(|byte| byte.is_ascii_alphabetic())
            && labels
                .split('.')
                .all(|label| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
    })
}

/// A queue id, a message id, a hash: long, with letters and many digits; but not a vendor's short code (`TSS04`, `S3150`,
/// `AS16012611`), which is letters and then digits.
fn is_id(bytes: &[u8], digits: usize) -> bool {
    let letters = bytes.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    if bytes.len() < 8 || digits < 3 || letters == 0 || bytes.contains(&b'/') || bytes.contains(&b'_') {
        return false;
    }
    !is_vendor_code(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn variable_parts_are_replaced_and_the_rest_stays() {
        for (text, expected) in [
            (
                "Service unavailable; Client host [192.0.2.7] blocked using zen.spamhaus.org",
                "Service unavailable; Client host [<ip>] blocked using zen.spamhaus.org",
            ),
            ("<anna@example.org>: User unknown", "<email>: User unknown"),
            ("mx01.example.org[2001:db8::7]:25 said", "<id>.example.org[<ip>]:<number> said"),
            ("Connection to 192.0.2.7:25 refused", "Connection to <ip>:25 refused"),
            ("greylisted for 287 seconds", "greylisted for <number> seconds"),
            ("Rejected [TSS04] (S3150) AS16012611", "Rejected [TSS04] (S3150) AS16012611"),
            ("OverQuota v14si1155795plk.134 - gsmtp", "OverQuota <id> - gsmtp"),
            ("queued as 4Rz1Yb5gLkz9sVX", "queued as <id>"),
            ("on Mon, 23 Nov 2026 06:33:12 +0000 we", "on <date> we"),
            (
                "[XX1PR04MB1234.eurprd04.prod.outlook.com 2026-11-23T06:33:12.679Z 08DC8850F12E1502]",
                "[<id>.<id>.prod.outlook.com <date> <id>]",
            ),
            ("unknown user: \"anna\"", "unknown user: \"<name>\""),
            ("unknown user: anna", "unknown user: <name>"),
            ("Mailbox anna.b does not exist", "Mailbox <name> does not exist"),
            ("end data with <CRLF>.<CRLF>", "end data with <CRLF>.<CRLF>"),
            ("host said: 550 5.1.1 gone", "host said: 550 5.1.1 gone"),
            (
                "see https://www.example.com/query?ip=192.0.2.7&p=NoSuchUser",
                "see https://www.example.com/query?ip=<ip>&p=NoSuchUser",
            ),
            ("Postfach voll (größer als 500 MB)", "Postfach voll (größer als <number> MB)"),
        ] {
            assert_eq!(Template::of(text, None).text, expected, "{text:?}");
        }
    }

    #[test]
    fn a_known_recipient_is_found_in_running_text() {
        let template = Template::of("User anna unknown in virtual mailbox table", Some("anna@example.org"));
        assert_eq!(template.text, "User <name> unknown in virtual mailbox table");
    }

    #[test]
    fn the_fingerprint_is_fixed_for_all_time() {
        let template = Template::of("User unknown", None);
        assert_eq!(format!("{:016x}", template.fingerprint), format!("{:016x}", fingerprint("User unknown")));
        assert_eq!(fingerprint(""), 0x2d06_8005_38d3_94c2, "XXH3-64 of nothing, from its specification");
    }

    proptest! {
        #[test]
        fn never_panics_and_two_recipients_have_one_template(text in "\\PC{0,60}", a in "[a-z]{3,8}", b in "[a-z]{3,8}") {
            let of = |name: &str| Template::of(&format!("{text} <{name}@example.org>: unknown"), None);
            prop_assert_eq!(of(&a), of(&b));
        }
    }
}
