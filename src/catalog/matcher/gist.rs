//! The gist of a folded text: what rules look at. Addresses, host names, IPs, times, ids and long numbers that no rule knows give
//! way to stand-ins, so that a thousand refusals which differ in nothing else are one text.
//!
//! Whatever word a rule is made of stays, in whatever it stands: the [`Vocabulary`] holds them all. The stand-in of a name has
//! one length, so a pattern's gap (`user .{0,40} unknown`) no longer depends on how long somebody's address is; that of a number
//! keeps its length, and that of an id is of letters and digits, so that patterns of classes match as they did.

use std::ops::Range;

use super::words;

/// The words that rules are made of.
#[derive(Debug)]
pub(super) struct Vocabulary {
    /// Two bits a word (a Bloom filter): a word that is taken for known by mistake only stays as it is.
    bits: Box<[u64]>,
    /// How many bits of a hash are left out to find its place in `bits`.
    shift: u32,
}

/// Bits for each text that words are from, and for the few thousand that most catalogues have: some 25 for each word.
const BITS_PER_TEXT: usize = 16;
const LEAST_BITS: usize = 1 << 19;

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

/// A part of a folded text, and what stands for it in the gist.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Moved {
    gist: Range<usize>,
    folded: Range<usize>,
}

/// Where the parts of a gist stood.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    moved: Vec<Moved>,
}

impl Origin {
    /// Where in the folded text this part of its gist stood.
    pub fn of(&self, start: usize, end: usize) -> (usize, usize) {
        let before = |at: usize| self.moved.iter().rev().find(|moved| moved.gist.start < at);
        let from = match self.moved.iter().rev().find(|moved| moved.gist.start <= start) {
            Some(moved) if start < moved.gist.end => moved.folded.start,
            Some(moved) => start - moved.gist.end + moved.folded.end,
            None => start,
        };
        let to = match before(end) {
            Some(moved) if end < moved.gist.end => moved.folded.end,
            Some(moved) => end - moved.gist.end + moved.folded.end,
            None => end,
        };
        (from, to.max(from))
    }
}

impl Vocabulary {
    /// The words of `texts` and of regular expressions.
    pub(super) fn new<'t, 'p>(
        texts: impl ExactSizeIterator<Item = &'t str>,
        patterns: impl Iterator<Item = &'p str>,
    ) -> Self {
        let count = (texts.len() * BITS_PER_TEXT).next_power_of_two().clamp(LEAST_BITS, 1 << 31);
        let mut bits = vec![0u64; count / 64].into_boxed_slice();
        let shift = u32::BITS - count.trailing_zeros();
        let mut add = |text: &str| {
            // Only what is written in ASCII ever gives way.
            let words = text.as_bytes().split(|byte| !byte.is_ascii_alphanumeric());
            for word in words.filter(|word| !word.is_empty()) {
                for bit in places(words::hash(word), shift) {
                    bits[bit >> 6] |= 1 << (bit & 63);
                }
            }
        };
        texts.for_each(&mut add);
        for pattern in patterns {
            // `\b` is no letter.
            pattern.split('\\').enumerate().for_each(|(at, part)| {
                let escaped = if at == 0 { 0 } else { part.chars().next().map_or(0, char::len_utf8) };
                add(&part[escaped..]);
            });
        }
        Self { bits, shift }
    }

    fn knows(&self, word: &[u8]) -> bool {
        places(words::hash(word), self.shift).iter().all(|bit| self.bits[bit >> 6] & 1 << (bit & 63) != 0)
    }

    /// Appends the gist of `folded` to `out`, and tells `moved` of each part that gave way: where it stood, and where its
    /// stand-in does.
    pub(super) fn write(&self, folded: &str, out: &mut String) {
        Writer { vocabulary: self, folded, out, copied: 0, moved: None }.write();
    }

    /// The same, with where everything stood.
    pub(super) fn write_with_origin(&self, folded: &str, out: &mut String) -> Origin {
        let mut moved = Vec::new();
        Writer { vocabulary: self, folded, out, copied: 0, moved: Some(&mut moved) }.write();
        Origin { moved }
    }
}

#[inline]
fn places(hash: u32, shift: u32) -> [usize; 2] {
    [hash >> shift, hash.wrapping_mul(0x9e37_79b1) >> shift].map(|bit| bit as usize)
}

struct Writer<'w> {
    vocabulary: &'w Vocabulary,
    folded: &'w str,
    out: &'w mut String,
    /// Up to here `folded` is in `out`.
    copied: usize,
    moved: Option<&'w mut Vec<Moved>>,
}

impl Writer<'_> {
    fn write(mut self) {
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
        self.out.push_str(&self.folded[self.copied..start]);
        let from = self.out.len();
        self.out.push_str(stand_in);
        self.moved(from, start..end);
    }

    fn moved(&mut self, from: usize, folded: Range<usize>) {
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
        if seen & (COLON | SIGN) == 0 {
            return self.part(start, end, Within::Token);
        }
        if seen & (COLON | SIGN | DIGIT) == COLON | DIGIT && is_ipv6(token) {
            return self.replace(start, end, IPV6);
        }
        // Several joined by signs: a host and its port, a name and its value, the parts of a URL.
        let within = match seen & SIGN {
            0 => Within::Time,
            _ if seen & COLON != 0 && token.windows(3).any(|window| window == b"://") => Within::Url,
            _ => Within::Token,
        };
        let mut from = start;
        for at in start..=end {
            if at == end || CLASSES[usize::from(bytes[at])] & (COLON | SIGN) != 0 {
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
        self.out.push_str(&self.folded[self.copied..start]);
        let from = self.out.len();
        self.out.extend(self.folded[start..end].chars().map(|c| if c.is_ascii_digit() { '0' } else { c }));
        self.moved(from, start..end);
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
        self.out.push_str(&self.folded[self.copied..start]);
        let from = self.out.len();
        let mut left = end - start;
        while left > 0 {
            let length = left.min(ID.len());
            self.out.push_str(&ID[..length]);
            left -= length;
        }
        self.moved(from, start..end);
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

/// What a byte of a token tells about it.
const LETTER: u8 = 1;
const DIGIT: u8 = 2;
const AT: u8 = 4;
const DOT: u8 = 8;
const COLON: u8 = 16;
/// Signs that join parts.
const SIGN: u8 = 32;
const DELIMITER: u8 = 0;

static CLASSES: [u8; 256] = {
    let mut classes = [LETTER; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            0..=b' '
            | b'<'
            | b'>'
            | b'('
            | b')'
            | b'['
            | b']'
            | b'{'
            | b'}'
            | b'"'
            | b'\''
            | b','
            | b';'
            | b'='
            | b'|'
            | b'!'
            | b'?'
            | 0x7f => DELIMITER,
            b'0'..=b'9' => DIGIT,
            b'@' => AT,
            b'.' => DOT,
            b':' => COLON,
            b'/' | b'_' | b'+' | b'#' | b'%' | b'&' | b'~' | b'*' | b'$' | b'^' | b'\\' => SIGN,
            // Letters, hyphens within words, and whatever is not ASCII.
            _ => LETTER,
        };
        byte += 1;
    }
    classes
};

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
    word.len() >= 8 && (1..word.len()).contains(&digits) && {
        let first_digit = word.iter().position(u8::is_ascii_digit).unwrap_or(0);
        !(word.len() <= 10 && first_digit > 0 && word[first_digit..].iter().all(u8::is_ascii_digit))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vocabulary() -> Vocabulary {
        let texts = ["user unknown", "example.org", "icloudadmin@apple.com", "spamhaus.org", "(reference 201806281)"];
        Vocabulary::new(texts.into_iter(), [r"\bas16012611\b|\bbanned\b"].into_iter())
    }

    fn gist(text: &str) -> String {
        let mut out = String::new();
        vocabulary().write(text, &mut out);
        out
    }

    #[test]
    fn what_differs_from_reply_to_reply_gives_way() {
        for (text, expected) in [
            ("<anna.berg@mail.example.org>: user unknown", "<a@aa.example.org>: user unknown"),
            ("user anna+x@berg.test unknown.", "user a@aa.aa unknown."),
            ("client host [192.0.2.17] banned", "client host [0.0.0.0] banned"),
            ("host mx01.berg.test[192.0.2.17]:25 said", "host a0.aa.aa[0.0.0.0]:25 said"),
            ("connect to [192.0.2.17]:2525", "connect to [0.0.0.0]:0000"),
            ("host user17.berg.test:25", "host user00.aa.aa:00"),
            ("[2001:db8::17]", "[0::0]"),
            ("at 2026-11-23 06:33:12 gmt", "at 0000-00-00 00:00:00 gmt"),
            ("id 4rz1kq2hgz8k, pid 123456", "id a0a0a0a0a0a0, pid 000000"),
            ("https://www.spamhaus.org/query/ip/192.0.2.17", "https://www.spamhaus.org/query/ip/0.0.0.0"),
            ("unknown [qkzvw4yabcd]", "unknown [a0a0a0a0a0a]"),
        ] {
            assert_eq!(gist(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_rules_know_or_may_know_stays() {
        for text in [
            "write to icloudadmin@apple.com",
            "aup#1550 (s3150) [tss04] rl000010 as16012611",
            "5.7.1 (reference 201806281), 550 5.1.1, 42.5 mb, 300 seconds",
            "user anna unknown, gone (greylisted) for 5 minutes",
            "das postfach ist voll: größe 12",
            "",
        ] {
            assert_eq!(gist(text), text);
        }
    }

    #[test]
    fn places_in_a_gist_are_told_in_the_text() {
        let folded = "<anna.berg@mail.example.org>: user unknown";
        let mut out = String::new();
        let origin = vocabulary().write_with_origin(folded, &mut out);
        let at = out.find("user").unwrap();
        let (from, to) = origin.of(at, out.len());
        assert_eq!(&folded[from..to], "user unknown");
        let (from, to) = origin.of(0, at);
        assert_eq!(&folded[from..to], "<anna.berg@mail.example.org>: ");
        let (from, to) = origin.of(1, 3);
        assert_eq!(&folded[from..to], "anna.berg@");
    }

    proptest! {
        #[test]
        fn any_text_has_a_gist_that_is_its_own(text in "([a-z0-9@.:/<>\\[\\]() é名-]{0,12}[ @.]){0,8}") {
            let mut once = String::new();
            let origin = vocabulary().write_with_origin(&text, &mut once);
            prop_assert_eq!(gist(&text), once.as_str());
            let borders: Vec<usize> = (0..=once.len()).filter(|at| once.is_char_boundary(*at)).collect();
            for (at, start) in borders.iter().enumerate() {
                for end in &borders[at..] {
                    let (from, to) = origin.of(*start, *end);
                    prop_assert!(text.get(from..to).is_some(), "{}..{} of {:?} is {}..{}", start, end, once, from, to);
                }
            }
            prop_assert_eq!(origin.of(0, once.len()), (0, text.len()));
        }
    }
}
