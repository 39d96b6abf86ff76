//! Writes a gist: takes a text apart at its spaces and brackets, tells from the form of each token what it may be, and puts a stand-in
//! for what no rule knows.

use std::ops::Range;

use super::{Moved, Vocabulary};
use crate::smtp::token::{AT, CLASSES, COLON, DELIMITER, DIGIT, DOT, LETTER, SIGN, UNDERSCORE, is_vendor_code};

/// Signs besides the colon that join parts of a token.
const JOINING: u8 = SIGN | UNDERSCORE;

/// What stands for a name.
const NAME: &str = "a";
/// What stands for a label of a host name, by what it is made of.
const LABEL: &str = "aa";
const LABEL_WITH_DIGITS: &str = "a0";
const LABEL_OF_DIGITS: &str = "0";
/// What stands for an id, as long as that is.
const ID: &str = "a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0";
/// What stands for an IPv4 and an IPv6 address.
const IPV4: &str = "0.0.0.0";
const IPV6: &str = "0::0";

/// Shorter tokens are never one of many: `a.de` is the shortest that may be.
const SHORTEST_VARIABLE: usize = 4;
/// From how many digits on a number is one of many. Shorter ones are codes (`aup#1550`) and limits.
const LONG_NUMBER: usize = 5;
/// Of the top-level domains that mail comes from, hardly any is longer.
const LONGEST_TLD: usize = 6;

/// Writes one gist.
pub(super) struct Writer<'w> {
    pub(super) vocabulary: &'w Vocabulary,
    pub(super) folded: &'w str,
    pub(super) out: &'w mut String,
    /// Up to here `folded` is in `out`.
    pub(super) copied: usize,
    pub(super) moved: Option<&'w mut Vec<Moved>>,
}

impl Writer<'_> {
    /// Writes it.
    pub(super) fn write(mut self) {
        let (mut start, mut seen) = (0, DELIMITER);
        for (at, byte) in self.folded.bytes().enumerate() {
            let class = CLASSES[usize::from(byte)];
            seen |= class;
            if class == DELIMITER {
                self.token(start, at, seen);
                (start, seen) = (at + 1, DELIMITER);
            }
        }
        self.token(start, self.folded.len(), seen);
        self.out.push_str(&self.folded[self.copied..]);
    }

    fn knows(&self, start: usize, end: usize) -> bool {
        self.vocabulary.knows(&self.folded.as_bytes()[start..end])
    }

    fn replace(&mut self, start: usize, end: usize, stand_in: &str) {
        self.replace_by(start..end, |out, _| out.push_str(stand_in));
    }

    /// Puts what `write` writes for this part of the text.
    fn replace_by(&mut self, folded: Range<usize>, write: impl FnOnce(&mut String, &str)) {
        self.out.push_str(&self.folded[self.copied..folded.start]);
        let from = self.out.len();
        write(self.out, &self.folded[folded.clone()]);
        self.copied = folded.end;
        if let Some(moved) = &mut self.moved {
            moved.push(Moved { gist: from..self.out.len(), folded });
        }
    }

    /// What stands between two delimiters. Most tokens are of letters alone, or short.
    #[inline]
    fn token(&mut self, start: usize, end: usize, seen: u8) {
        if seen & !LETTER != 0 && end - start >= SHORTEST_VARIABLE {
            self.variable(start, end, seen);
        }
    }

    /// A token that may be one of many.
    fn variable(&mut self, start: usize, end: usize, seen: u8) {
        let bytes = self.folded.as_bytes();
        let kept = bytes[start..end].iter().rev().take_while(|byte| matches!(byte, b'.' | b':' | b'-')).count();
        let end = end - kept;
        let token = &bytes[start..end];
        if seen & AT != 0
            && let Some(at) = token.iter().rposition(|byte| *byte == b'@').filter(|at| *at > 0 && at + 1 < token.len())
        {
            let (local, domain) = (&token[..at], start + at + 1);
            if !(local.iter().all(u8::is_ascii_alphanumeric) && self.vocabulary.knows(local)) {
                self.replace(start, start + at, NAME);
            }
            return self.labels(domain, end);
        }
        if seen & (COLON | JOINING) == 0 {
            return self.part(start, end, Within::Token);
        }
        if seen & (COLON | JOINING | DIGIT) == COLON | DIGIT && is_ipv6(token) {
            return self.replace(start, end, IPV6);
        }
        // Several joined by signs: a host and its port, a name and its value, the parts of a URL.
        let within = match seen & JOINING {
            0 => Within::Time,
            _ if seen & COLON != 0 && token.windows(3).any(|window| window == b"://") => Within::Url,
            _ => Within::Token,
        };
        let mut from = start;
        for at in start..=end {
            if at == end || CLASSES[usize::from(bytes[at])] & (COLON | JOINING) != 0 {
                self.part(from, at, within);
                from = at + 1;
            }
        }
    }

    /// A part of a token that holds none of the signs which join parts.
    fn part(&mut self, start: usize, end: usize, within: Within) {
        let part = &self.folded.as_bytes()[start..end];
        let mut seen = 0;
        let mut digits = 0;
        for byte in part {
            seen |= CLASSES[usize::from(*byte)];
            digits += usize::from(byte.is_ascii_digit());
        }
        // A hyphen counts as a letter, since it stands in words; dates have it too.
        if digits == part.len() {
            let is_time = within == Within::Time && (digits == 2 || self.folded[..start].ends_with("]:"));
            if is_time {
                self.digits(start, end);
            } else if digits >= LONG_NUMBER {
                self.words(start, end);
            }
        } else if digits > 0 && is_date(part) {
            self.digits(start, end);
        } else if seen == DIGIT | DOT {
            self.ipv4(start, end);
        } else if seen & DOT != 0 && within != Within::Url && is_host(part) {
            self.labels(start, end);
        } else if digits > 0 {
            self.words(start, end);
        }
    }

    fn ipv4(&mut self, start: usize, end: usize) {
        let mut numbers = self.folded.as_bytes()[start..end].split(|byte| *byte == b'.');
        let is_address = numbers.clone().count() == 4 && numbers.clone().all(|number| matches!(number.len(), 1..=3));
        // A blocklist's answer, or a documented address, may be a rule's own.
        if is_address && !numbers.all(|number| self.vocabulary.knows(number)) {
            self.replace(start, end, IPV4);
        }
    }

    /// Every digit becomes `0`.
    fn digits(&mut self, start: usize, end: usize) {
        self.replace_by(start..end, |out, part| {
            out.extend(part.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }));
        });
    }

    /// The labels of a host name; those that rules know stay.
    fn labels(&mut self, start: usize, end: usize) {
        self.each_word(start, end, |writer, from, to, digits| {
            if writer.knows(from, to) {
                return;
            }
            let word = &writer.folded.as_bytes()[from..to];
            let stem = word.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
            match digits {
                0 => writer.replace(from, to, LABEL),
                _ if digits == word.len() => writer.replace(from, to, LABEL_OF_DIGITS),
                // `mx17`: one of many servers.
                _ if stem + digits == word.len() && writer.knows(from, from + stem) => writer.digits(from, to),
                _ => writer.replace(from, to, LABEL_WITH_DIGITS),
            }
        });
    }

    /// Long numbers and ids among the words of a token.
    fn words(&mut self, start: usize, end: usize) {
        self.each_word(start, end, |writer, from, to, digits| {
            let length = to - from;
            if digits == length {
                if length >= LONG_NUMBER && !writer.knows(from, to) {
                    writer.digits(from, to);
                }
            } else if is_id(&writer.folded.as_bytes()[from..to], digits) && !writer.knows(from, to) {
                writer.id(from, to);
            }
        });
    }

    /// Letters and digits in turn, as many as there were.
    fn id(&mut self, start: usize, end: usize) {
        self.replace_by(start..end, |out, part| {
            let mut left = part.len();
            while left > 0 {
                let length = left.min(ID.len());
                out.push_str(&ID[..length]);
                left -= length;
            }
        });
    }

    /// Shows each run of ASCII letters and digits with how many digits it has.
    fn each_word(&mut self, start: usize, end: usize, mut show: impl FnMut(&mut Self, usize, usize, usize)) {
        let bytes = self.folded.as_bytes();
        let mut at = start;
        while at < end {
            let from = at;
            let mut digits = 0;
            while at < end && bytes[at].is_ascii_alphanumeric() {
                digits += usize::from(bytes[at].is_ascii_digit());
                at += 1;
            }
            if at > from {
                show(self, from, at, digits);
            }
            at += 1;
        }
    }
}

/// What a part of a token stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Token,
    /// It has colons and no other signs: perhaps a time of day.
    Time,
    /// Its host stays: it names who refuses.
    Url,
}

fn is_ipv6(token: &[u8]) -> bool {
    token.iter().filter(|byte| **byte == b':').count() >= 2
        && std::str::from_utf8(token).is_ok_and(|token| token.parse::<std::net::Ipv6Addr>().is_ok())
}

/// `2026-11-23`, `23.11.2026`: three numbers, the first or the last of four digits.
fn is_date(part: &[u8]) -> bool {
    let Some(sign) = part.iter().copied().find(|byte| !byte.is_ascii_digit()) else { return false };
    let mut lengths = [0; 3];
    for (at, number) in part.split(|byte| *byte == sign).enumerate() {
        match lengths.get_mut(at) {
            Some(length) if number.iter().all(u8::is_ascii_digit) => *length = number.len(),
            _ => return false,
        }
    }
    matches!(lengths, [4, 1 | 2, 1 | 2] | [1 | 2, 1 | 2, 4])
}

/// Labels with a last one of letters, which is short: `storedrv.deliver.exception` is no host.
fn is_host(part: &[u8]) -> bool {
    let Some(dot) = part.iter().rposition(|byte| *byte == b'.') else { return false };
    let last = &part[dot + 1..];
    (2..=LONGEST_TLD).contains(&last.len())
        && last.iter().all(u8::is_ascii_alphabetic)
        && part[..dot].iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
        && part[0].is_ascii_alphanumeric()
}

/// A queue id, a message id, a hash: long, with letters and digits; but not a vendor's code, which is letters and then digits
/// (`as16012611`).
fn is_id(word: &[u8], digits: usize) -> bool {
    word.len() >= 8 && (1..word.len()).contains(&digits) && !is_vendor_code(word)
}
