//! Words out of HTML, line by line: what a browser would show on lines of its own stands on lines of its own, table cells apart.
//! Reports hide their only facts in tables, so lines matter more here than a faithful rendering.

/// The words of `html`.
pub(super) fn to_text(html: &str) -> String {
    let mut out = String::with_capacity(html.len() / 2);
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        push_words(&mut out, &rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("<!--") {
            rest = after.find("-->").map_or("", |end| &after[end + 3..]);
            continue;
        }
        let Some(name) = tag_name(rest) else {
            push_words(&mut out, "<");
            rest = &rest[1..];
            continue;
        };
        let end = rest.find('>').map_or(rest.len(), |end| end + 1);
        match name.as_str() {
            "script" | "style" | "head" | "title" => {
                rest = skip_element(&rest[end..], &name);
                continue;
            }
            "td" | "th" => push_words(&mut out, " "),
            "br" | "p" | "div" | "tr" | "table" | "li" | "ul" | "ol" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6"
            | "hr" | "pre" | "blockquote" | "dt" | "dd" | "section" | "center" => out.push('\n'),
            _ => {}
        }
        rest = &rest[end..];
    }
    push_words(&mut out, rest);
    out
}

/// The name in `<td class="x">` or `</td>`, in lower case; `None` for `<anna@example.org>` and a bare `<`.
fn tag_name(text: &str) -> Option<String> {
    let inner = text[1..].strip_prefix('/').unwrap_or(&text[1..]);
    let length = inner.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let (name, after) = inner.split_at(length);
    let ends = after.is_empty() || after.starts_with(['>', '/', ':']) || after.starts_with(char::is_whitespace);
    let is_special = text.starts_with("<!") || text.starts_with("<?");
    if is_special {
        return Some(String::new());
    }
    (length > 0 && length <= 16 && ends && !name.as_bytes()[0].is_ascii_digit()).then(|| name.to_ascii_lowercase())
}

/// What follows the end tag of `name`.
fn skip_element<'h>(html: &'h str, name: &str) -> &'h str {
    let mut rest = html;
    while let Some(at) = rest.find("</") {
        let after = &rest[at + 2..];
        if after.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            return after.find('>').map_or("", |end| &after[end + 1..]);
        }
        rest = after;
    }
    ""
}

/// Text between tags: line ends mean no more than spaces, entities their characters.
fn push_words(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        if let Some((decoded, length)) = Some(after).filter(|_| c == '&').and_then(entity) {
            out.push(decoded);
            rest = &after[length..];
            continue;
        }
        if !c.is_whitespace() {
            out.push(c);
        } else if !out.ends_with(char::is_whitespace) {
            out.push(' ');
        }
        rest = after;
    }
}

/// The character that `amp;`, `#64;` or `#x40;` stands for, and the length of that.
fn entity(text: &str) -> Option<(char, usize)> {
    let end = text.as_bytes().iter().take(10).position(|byte| *byte == b';')?;
    let name = &text[..end];
    let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    let decoded = match name.strip_prefix('#') {
        Some(digits) => match digits.strip_prefix(['x', 'X']) {
            Some(hex) => number(hex, 16)?,
            None => number(digits, 10)?,
        },
        None => match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "nbsp" => ' ',
            "auml" => 'ä',
            "ouml" => 'ö',
            "uuml" => 'ü',
            "Auml" => 'Ä',
            "Ouml" => 'Ö',
            "Uuml" => 'Ü',
            "szlig" => 'ß',
            "eacute" => 'é',
            "egrave" => 'è',
            "agrave" => 'à',
            "ccedil" => 'ç',
            "ndash" | "mdash" => '-',
            "apos" | "lsquo" | "rsquo" => '\'',
            "quot" | "ldquo" | "rdquo" | "bdquo" => '"',
            _ => return None,
        },
    };
    Some((decoded, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cells_and_blocks_stand_apart() {
        let text = to_text(
            "<html><head><style>p{}</style></head><table><tr><td>To:</td><td>anna&#64;example.org</td></tr><tr><td>550&nbsp;full</td></tr></table><p>x<b>y</b>\n z<!-- no --></p>&lt;a&gt;<anna@example.org>",
        );
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        assert_eq!(lines, ["To: anna@example.org", "550 full", "xy z", "<a><anna@example.org>"]);
    }

    proptest! {
        #[test]
        fn never_panics(html in "[<>/!a-z&;#x0-9 \\PC-]{0,60}") {
            let _ = to_text(&html);
        }
    }
}
