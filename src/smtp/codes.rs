//! Finds the two codes of a reply that stands on one line.
//!
//! At the start a code is believed as it stands. Inside the text numbers are mostly no codes (sizes, limits, addresses, dates,
//! versions), so there a reply code needs an enhanced code behind it or a word or sign before it that introduces a reply, and
//! an enhanced code must be a negative one that agrees with the reply code's class.

use std::borrow::Cow;

use super::{EnhancedCode, ReplyCode};

/// The codes of a reply, and its words without those at the start.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Codes<'a> {
    pub(super) code: Option<ReplyCode>,
    pub(super) enhanced: Option<EnhancedCode>,
    pub(super) text: Cow<'a, str>,
}

/// Reads the codes of `line`.
pub(super) fn read(line: &str) -> Codes<'_> {
    let start = skip_opening(line);
    let Some((code, length)) = ReplyCode::prefix(start.as_bytes()) else {
        return read_without_leading_code(line, start);
    };
    let after = &start[length..];
    let continued = after.starts_with('-');
    let (enhanced, text) = leading_enhanced(after);
    let text = if continued { without_line_codes(text, code) } else { Cow::Borrowed(text) };
    let enhanced = enhanced.or_else(|| embedded_enhanced(&text, Some(code.class())));
    Codes { code: Some(code), enhanced: more_specific(enhanced, &text), text }
}

/// `5.1.0 - Unknown address error 550-'5.1.1 …'`, `Remote host rejected the address: 550 5.1.1 …`, or words alone.
fn read_without_leading_code<'a>(line: &'a str, start: &'a str) -> Codes<'a> {
    let (own, text) = match EnhancedCode::prefix(start.as_bytes()) {
        Some((code, length)) => (Some(code), trim_separators(&start[length..])),
        None => (None, line),
    };
    let (code, quoted) = match embedded_reply(text) {
        Some((code, enhanced)) => (Some(code), enhanced),
        None => (None, None),
    };
    let enhanced = match (own, quoted) {
        (Some(own), Some(quoted)) if quoted.is_specific() || !own.is_specific() => Some(quoted),
        (Some(own), _) => more_specific(Some(own), text),
        (None, Some(quoted)) => Some(quoted),
        (None, None) => embedded_enhanced(text, code.map(ReplyCode::class)),
    };
    Codes { code, enhanced, text: Cow::Borrowed(text) }
}

/// The reply's own enhanced code, or, where it names no condition, a quoted one of the same class that does: the remote
/// server knows better than the relay that reports it.
fn more_specific(own: Option<EnhancedCode>, text: &str) -> Option<EnhancedCode> {
    match own {
        Some(code) if !code.is_specific() && code.class() != 2 => match embedded_reply(text) {
            Some((_, Some(quoted))) if quoted.is_specific() && quoted.class() == code.class() => Some(quoted),
            _ => own,
        },
        _ => own,
    }
}

/// Quotes and brackets before a code, as in `'550 5.1.1 …'` or `(550 …)`; only where a code does follow.
fn skip_opening(line: &str) -> &str {
    let start = line.trim_start_matches(['\'', '"', '(', '[', '<', '#', ' ', '\u{201c}', '\u{2018}']);
    if start.starts_with(|c: char| c.is_ascii_digit()) { start } else { line }
}

fn trim_separators(text: &str) -> &str {
    text.trim_start_matches([' ', '-', ':', ';', ',', '/', '_', ')', ']', '>'])
}

/// The enhanced code right behind a reply code, and the text behind both.
fn leading_enhanced(after: &str) -> (Option<EnhancedCode>, &str) {
    let text = after.trim_start_matches(['-', ' ', ':', ';', ',', '/', '_']);
    let inner = text.trim_start_matches(['(', '[', '<', '#', '\'', '"', ' ']);
    match EnhancedCode::prefix(inner.as_bytes()) {
        Some((code, length)) => {
            let rest = &inner[length..];
            // `[5.1.1]` ends with its bracket, `<5.1.1 text>` does not.
            let rest = rest.trim_start_matches([')', ']', '>']);
            (Some(code), rest.trim_start_matches(['-', ' ', ':', ';', ',', '_']))
        }
        None => (None, text),
    }
}

/// Takes the line codes out of a multi-line reply that was joined to one line: `… that you 550-5.1.1 tried to reach 550
/// 5.1.1 does not exist`.
fn without_line_codes(text: &str, code: ReplyCode) -> Cow<'_, str> {
    let needle = format!(" {code}");
    let mut kept = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(&needle) {
        let after = &rest[at + needle.len()..];
        let Some(mark @ (b'-' | b' ')) = after.as_bytes().first().copied() else {
            kept.push_str(&rest[..at + needle.len()]);
            rest = after;
            continue;
        };
        kept.push_str(&rest[..at]);
        kept.push(' ');
        rest = after[1..].trim_start();
        if let Some((_, length)) = EnhancedCode::prefix(rest.as_bytes()) {
            rest = rest[length..].trim_start();
        }
        // The line without a hyphen is the last one; a code behind it is part of the words.
        if mark == b' ' {
            break;
        }
    }
    if kept.is_empty() {
        return Cow::Borrowed(text);
    }
    kept.push_str(rest);
    Cow::Owned(kept.trim().to_owned())
}

/// An enhanced code somewhere in the words: `(#5.1.1)`, `[5.7.1]`, `cuda_nsu 5.1.1 …`.
fn embedded_enhanced(text: &str, class: Option<u8>) -> Option<EnhancedCode> {
    let bytes = text.as_bytes();
    // Dots are fewer than numbers, and found faster: a code's class is the one digit before its first.
    memchr::memchr_iter(b'.', bytes)
        .filter_map(|dot| dot.checked_sub(1))
        .filter(|&at| starts_token(bytes, at))
        .filter(|&at| at == 0 || !matches!(bytes[at - 1], b'-' | b'/'))
        .filter(|&at| !follows_version_word(&text[..at]))
        .filter_map(|at| EnhancedCode::prefix(&bytes[at..]))
        .map(|(code, _)| code)
        .find(|code| class.map_or(code.class() != 2, |class| code.class() == class && class != 2))
}

/// A quoted reply inside the words, with its enhanced code. One that carries an enhanced code is preferred.
fn embedded_reply(text: &str) -> Option<(ReplyCode, Option<EnhancedCode>)> {
    let bytes = text.as_bytes();
    let mut first = None;
    for at in token_starts(bytes) {
        let Some((code, length)) = ReplyCode::prefix(&bytes[at..]) else { continue };
        if !matches!(code.class(), 4 | 5) {
            continue;
        }
        let after = &text[at + length..];
        match leading_enhanced(after) {
            (Some(enhanced), _) if enhanced.class() == code.class() => return Some((code, Some(enhanced))),
            _ if first.is_none() && introduces_reply(&text[..at]) && !is_quantity(after) => first = Some((code, None)),
            _ => {}
        }
    }
    first
}

/// Where a number begins that is not the tail of a word, an address or another number.
fn token_starts(bytes: &[u8]) -> impl Iterator<Item = usize> {
    (0..bytes.len()).filter(|&at| starts_token(bytes, at))
}

fn starts_token(bytes: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).map_or(b' ', |before| bytes[before]);
    bytes[at].is_ascii_digit()
        && !before.is_ascii_alphanumeric()
        && !matches!(before, b'.' | b'@' | b'_' | b'%' | b'+')
        && before.is_ascii()
}

/// Whether the text before a number makes it the start of a reply: a sign (`said: 550`, `-> 550`, `'550`) or a word.
fn introduces_reply(before: &str) -> bool {
    const WORDS: [&str; 19] = [
        "said", "says", "error", "code", "status", "reply", "response", "returned", "occurred", "rejected", "address",
        "smtp", "answered", "got", "with", "message", "failed", "command", "host",
    ];
    let before = before.trim_end();
    before.is_empty()
        || before.ends_with([':', ';', '>', '\'', '"', '(', '=', '\u{201e}', '\u{201c}', '\u{2018}'])
        || last_word(before).is_some_and(|word| WORDS.iter().any(|known| known.eq_ignore_ascii_case(word)))
}

/// `550 messages`, `500 KB`: a number with its unit.
fn is_quantity(after: &str) -> bool {
    const UNITS: [&str; 22] = [
        "bytes",
        "byte",
        "kb",
        "kib",
        "mb",
        "mib",
        "gb",
        "octets",
        "messages",
        "message",
        "mails",
        "emails",
        "recipients",
        "recipient",
        "connections",
        "seconds",
        "second",
        "sec",
        "minutes",
        "hours",
        "days",
        "characters",
    ];
    let word = after.trim_start_matches([' ', '-']).split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    UNITS.iter().any(|unit| unit.eq_ignore_ascii_case(word))
}

fn follows_version_word(before: &str) -> bool {
    last_word(before.trim_end()).is_some_and(|word| {
        ["version", "ver", "v", "release", "build"].iter().any(|known| known.eq_ignore_ascii_case(word))
    })
}

fn last_word(text: &str) -> Option<&str> {
    text.rsplit(|c: char| !c.is_alphanumeric()).next().filter(|word| !word.is_empty())
}
