//! The mail that a report is about: what is needed to match the report to what was sent.

use std::borrow::Cow;

use super::{address, delivery_status::fields, field::decoded, lines::lines_with_ends, mail::Mail};
use crate::catalog::Rescue;

/// What is known of the original.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Original {
    /// `Message-ID` without its brackets.
    pub message_id: Option<String>,
    /// The address in `From`.
    pub from: Option<String>,
    /// The addresses in `To`.
    pub to: Vec<String>,
    /// `Subject`.
    pub subject: Option<String>,
    /// `Date`, as it stands.
    pub date: Option<String>,
    /// `List-Id` without its brackets.
    pub list_id: Option<String>,
    /// The envelope sender, where `Return-Path` tells it.
    pub return_path: Option<String>,
    /// What the caller asked for: names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Original {
    /// The recipient, where there is only one.
    pub(super) fn only_recipient(&self) -> Option<String> {
        match self.to.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        }
    }
}

/// Reads the original from its own part, or else from where it is quoted in the words.
pub(super) fn read(mail: &Mail<'_>, rescue: &Rescue, wanted: &[String]) -> Original {
    if let Some(text) = &mail.original {
        return from_header(&fields(header_of(text)), wanted);
    }
    let quoted = std::iter::once(&mail.text).chain(&mail.attached).find_map(|text| quoted_header(text, rescue));
    quoted.map(|header| from_header(&fields(header), wanted)).unwrap_or_default()
}

fn from_header(fields: &[(&str, Cow<'_, str>)], wanted: &[String]) -> Original {
    let first = |name: &str| {
        let mut named =
            fields.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_ref());
        named.find(|value| !value.is_empty())
    };
    let decoded = |value| decoded(value).into_owned();
    let unbracketed = |value: &str| value.trim().trim_matches(['<', '>']).trim().to_owned();
    let to = first("to").map(|to| address::in_text(to).map(str::to_owned).collect()).unwrap_or_default();
    Original {
        message_id: first("message-id").map(unbracketed).filter(|id| !id.is_empty()),
        from: first("from").and_then(address::in_field),
        to,
        subject: first("subject").map(decoded),
        date: first("date").map(str::to_owned),
        list_id: first("list-id").map(|value| {
            let inner = value.rsplit_once('<').map_or(value, |(_, id)| id);
            unbracketed(inner)
        }),
        return_path: first("return-path").and_then(address::in_field),
        headers: wanted.iter().filter_map(|name| Some((name.clone(), decoded(first(name)?)))).collect(),
    }
}

/// The text up to the first blank line; blank lines before it do not count.
fn header_of(text: &str) -> &str {
    let text = text.trim_start_matches(['\r', '\n', ' ']);
    let line_ends = || memchr::memchr_iter(b'\n', text.as_bytes());
    let is_blank_behind = |blank: &[u8], at: usize| text.as_bytes()[at + 1..].starts_with(blank);
    let end = line_ends().find(|at| is_blank_behind(b"\n", *at));
    // CRLF counts only where no blank line ends in LF alone.
    let with_crlf = || line_ends().filter(|at| text[..*at].ends_with('\r')).find(|at| is_blank_behind(b"\r\n", *at));
    &text[..end.or_else(|| Some(with_crlf()? - 1)).unwrap_or(text.len())]
}

/// Where a header is quoted in running text, three fields in a row of lines: from its first field to the blank line behind it.
pub(super) fn quoted_header<'t>(text: &'t str, rescue: &Rescue) -> Option<&'t str> {
    let mut start = None;
    let mut named = 0;
    let mut offset = 0;
    for line in lines_with_ends(text) {
        let bare = line.trim_start_matches([' ', '>', '|', '\t']);
        let begins_field = rescue.begins_original_field(bare);
        let goes_on = start.is_some() && !line.trim().is_empty();
        if begins_field {
            start.get_or_insert(offset);
            named += 1;
        } else if !goes_on {
            if named >= 3 {
                break;
            }
            (start, named) = (None, 0);
        }
        offset += line.len();
    }
    start.filter(|_| named >= 3).map(|start| header_of(&text[start..]))
}
