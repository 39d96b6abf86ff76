//! Finding addresses in what reports say.

/// The longest address that is taken for one: a path has at most 256 octets (RFC 5321 §4.5.3.1.3), international ones more.
const MAX_BYTES: usize = 320;

/// The address in a field: `rfc822; <anna@example.org>`, `"Anna" <anna@example.org>`, `anna@example.org (Anna)`.
pub(super) fn in_field(value: &str) -> Option<String> {
    let value = without_type(value);
    let inner = match (value.rfind('<'), value.rfind('>')) {
        (Some(start), Some(end)) if start < end => &value[start + 1..end],
        _ => {
            // Looking for a byte is cheaper than preparing to look for two.
            let comment = memchr::memchr(b'(', value.as_bytes()).and_then(|_| value.find(" ("));
            comment.map_or(value, |at| &value[..at])
        }
    };
    cleaned(inner)
}

/// `rfc822;`, `utf-8;`, `x400;` before an address (RFC 3464 §2.1.2, RFC 6533 §3).
fn without_type(value: &str) -> &str {
    match value.split_once(';') {
        Some((kind, address))
            if !kind.contains(['@', '<', ' ', '"']) || kind.trim().len() < 12 && !kind.contains('@') =>
        {
            address.trim()
        }
        _ => value.trim(),
    }
}

/// An address without what mailers write around it; `None` where nothing usable is left.
pub(super) fn cleaned(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix("mailto:").unwrap_or(text);
    let is_quoted = text.trim_start_matches('<').starts_with('"') && text.contains("\"@");
    let around: &[char] =
        if is_quoted { &['<', '>', ',', ';', ' '] } else { &['<', '>', '"', '\'', '(', ')', ',', ';', ' '] };
    let mut text = text.trim_matches(around).trim_end_matches(['.', ':', ',']).trim_start_matches('[');
    text = text.strip_prefix("mailto:").unwrap_or(text);
    if text.ends_with(']') && !text.contains("@[") {
        text = text.trim_end_matches(']');
    }
    // A source route (RFC 5321 §4.1.2) names the hosts on the way before the address.
    if let Some((_, rest)) = text.split_once(':').filter(|(route, rest)| route.starts_with('@') && rest.contains('@')) {
        text = rest;
    }
    let text = decoded_xtext(text);
    let usable =
        !text.is_empty() && text.len() <= MAX_BYTES && !text.contains(|c: char| c.is_control() || c == '<' || c == '>');
    (usable && (is_quoted || !text.contains(char::is_whitespace))).then_some(text)
}

/// `j\x{F6}rg@example.org`: an international address where only ASCII may stand (RFC 6533 §3).
fn decoded_xtext(text: &str) -> String {
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\x{") {
        let decoded = after
            .split_once('}')
            .and_then(|(hex, after)| Some((char::from_u32(u32::from_str_radix(hex, 16).ok()?)?, after)));
        out.push_str(before);
        match decoded {
            Some((c, after)) => {
                out.push(c);
                rest = after;
            }
            None => {
                out.push_str("\\x{");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Whether a text is an address: something, one last `@`, and a domain.
pub(super) fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    text.len() <= MAX_BYTES
        && !local.is_empty()
        && is_domain(domain)
        && (local.starts_with('"')
            || !local.contains(|c: char| {
                c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | ',' | ';' | ':' | '"' | '[' | ']')
            }))
}

fn is_domain(domain: &str) -> bool {
    let literal = domain.starts_with('[') && domain.ends_with(']');
    !domain.is_empty()
        && (literal
            || domain
                .split('.')
                .all(|label| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')))
}

/// Whether there can be any address in a text: most lines have none.
pub(super) fn may_stand_in(text: &str) -> bool {
    memchr::memchr(b'@', text.as_bytes()).is_some()
}

/// Every address in running text, in order.
pub(super) fn in_text(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let at = memchr::memchr(b'@', rest.as_bytes())?;
            let start =
                rest[..at].char_indices().rfind(|(_, c)| is_around(*c)).map_or(0, |(place, c)| place + c.len_utf8());
            let end = rest[at..].find(is_around).map_or(rest.len(), |length| at + length);
            let token = &rest[start..end];
            rest = &rest[end..];
            let token = without_prose(token.trim_start_matches("mailto:"));
            let token = token.trim_matches(['.', ':', '=', '!', '?', '`', '-']);
            if is_address(token) {
                return Some(token);
            }
        }
    })
}

/// Whether a sign stands around addresses but not in them.
fn is_around(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '<' | '>' | '(' | ')' | '[' | ']' | '"' | '\'' | ',' | ';' | '|' | '*' | '\\' | '“' | '”' | '„' | '«' | '»'
        )
}

/// Scripts without spaces between words leave none around an address either: `您发送给anna@example.org的邮件`. What is written
/// in them wholly may be an address of its own (RFC 6531).
fn without_prose(token: &str) -> &str {
    let is_unspaced = |c: char| matches!(c, '\u{0e00}'..='\u{0eff}' | '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7ff}' | '\u{ff00}'..='\u{ffef}');
    let Some(at) = token.find('@').filter(|_| !token.is_ascii()) else { return token };
    let (local, domain) = (&token[..at], &token[at + 1..]);
    let start = match local.char_indices().rfind(|(_, c)| is_unspaced(*c)) {
        Some((before, c)) if local.ends_with(|c: char| c.is_ascii()) => before + c.len_utf8(),
        _ => 0,
    };
    let end = match domain.find(is_unspaced) {
        Some(behind) if domain.starts_with(|c: char| c.is_ascii()) => at + 1 + behind,
        _ => token.len(),
    };
    &token[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_fields() {
        for (field, expected) in [
            ("rfc822; anna@example.org", Some("anna@example.org")),
            ("rfc822;<anna@example.org>", Some("anna@example.org")),
            ("RFC822; \"Anna\" <anna@example.org>", Some("anna@example.org")),
            ("utf-8; größe@example.org", Some("größe@example.org")),
            ("anna@example.org (Anna)", Some("anna@example.org")),
            ("Anna <anna@example.org>", Some("anna@example.org")),
            ("rfc822; anna", Some("anna")),
            ("x400; /C=DE/", Some("/C=DE/")),
            ("rfc822; @relay.example.net:anna@example.org", Some("anna@example.org")),
            ("utf-8; j\\x{F6}rg@example.org", Some("jörg@example.org")),
            ("rfc822; anna@[192.0.2.25]", Some("anna@[192.0.2.25]")),
            ("rfc822; \"anna berg\"@example.org", Some("\"anna berg\"@example.org")),
            ("rfc822;", None),
            ("", None),
        ] {
            assert_eq!(in_field(field).as_deref(), expected, "{field:?}");
        }
    }

    #[test]
    fn addresses_in_words() {
        let text = "Your mail to <anna@example.org>, mailto:ben@example.org. and 'c@d.example' failed at 12:30@ night, not a@b@.";
        assert_eq!(in_text(text).collect::<Vec<_>>(), ["anna@example.org", "ben@example.org", "c@d.example"]);
        for (text, expected) in [
            ("您发送给anna@example.org的邮件", "anna@example.org"),
            ("anna@example.org您好，", "anna@example.org"),
            ("宛先：anna@example.orgへ", "anna@example.org"),
            ("用户@例子.中国", "用户@例子.中国"),
            ("jörg@bücher.example", "jörg@bücher.example"),
        ] {
            assert_eq!(in_text(text).collect::<Vec<_>>(), [expected], "{text:?}");
        }
    }
}
