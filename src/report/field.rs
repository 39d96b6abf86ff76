//! The fields of a mail's header. Each is decoded when it is first asked for, since most never are: taking apart addresses, dates
//! and ways of delivery was the larger part of what `mail-parser` did for a report.

use std::{borrow::Cow, cell::OnceCell, sync::LazyLock};

use mail_parser::{Header, HeaderName, HeaderValue, Message, MessageParser, parsers::MessageStream};

use super::lines::{head, split_at_byte};
use crate::{catalog::HeaderField, limits::Limits, smtp::spacing::is_single_spaced_ascii};

/// A field as it stands, and, once somebody asked, as it is meant.
#[derive(Debug)]
pub(super) struct Field<'m> {
    name: HeaderName<'m>,
    raw: &'m [u8],
    /// Bytes of the value beyond this many are left out.
    most: usize,
    value: OnceCell<Cow<'m, str>>,
}

impl<'m> Field<'m> {
    pub(super) fn new(header: Header<'m>, mail: &'m [u8], limits: &Limits) -> Self {
        let raw = raw(&header, mail);
        Self { name: header.name, raw, most: limits.reply_bytes, value: OnceCell::new() }
    }
}

impl HeaderField for Field<'_> {
    fn name(&self) -> &str {
        self.name.as_str()
    }

    fn value(&self) -> &str {
        self.value.get_or_init(|| value(&self.name, self.raw, self.most))
    }
}

/// Takes a mail into its parts, and of their headers reads only what tells how.
pub(super) fn parse(bytes: &[u8]) -> Option<Message<'_>> {
    static PARSER: LazyLock<MessageParser> = LazyLock::new(|| {
        MessageParser::new()
            .default_header_ignore()
            .header_content_type(HeaderName::ContentType)
            .header_content_type(HeaderName::ContentDisposition)
            .header_text(HeaderName::ContentTransferEncoding)
    });
    PARSER.parse(bytes)
}

/// What stands behind a field's colon in `mail`, its line end included.
pub(super) fn raw<'m>(header: &Header<'_>, mail: &'m [u8]) -> &'m [u8] {
    mail.get(header.offset_start as usize..header.offset_end as usize).unwrap_or_default()
}

/// A field's value: unfolded and decoded, with single spaces.
pub(super) fn value<'m>(name: &HeaderName<'_>, raw: &'m [u8], most: usize) -> Cow<'m, str> {
    let meant = match name {
        HeaderName::Subject
        | HeaderName::Comments
        | HeaderName::ContentDescription
        | HeaderName::ContentLocation
        | HeaderName::ContentTransferEncoding
            if has_encoded_word(raw) =>
        {
            MessageStream::new(raw).parse_unstructured()
        }
        HeaderName::MessageId
        | HeaderName::References
        | HeaderName::InReplyTo
        | HeaderName::ReturnPath
        | HeaderName::ContentId
        | HeaderName::ResentMessageId => match only_id(raw) {
            Some(id) => HeaderValue::Text(id.into()),
            None => MessageStream::new(raw).parse_id(),
        },
        HeaderName::Keywords | HeaderName::ContentLanguage => MessageStream::new(raw).parse_comma_separared(),
        // Structured values are taken as they stand: their parts are read where they are needed.
        HeaderName::Subject
        | HeaderName::Comments
        | HeaderName::ContentDescription
        | HeaderName::ContentLocation
        | HeaderName::ContentTransferEncoding
        | HeaderName::From
        | HeaderName::To
        | HeaderName::Cc
        | HeaderName::Bcc
        | HeaderName::ReplyTo
        | HeaderName::Sender
        | HeaderName::ResentTo
        | HeaderName::ResentFrom
        | HeaderName::ResentBcc
        | HeaderName::ResentCc
        | HeaderName::ResentSender
        | HeaderName::ListArchive
        | HeaderName::ListHelp
        | HeaderName::ListId
        | HeaderName::ListOwner
        | HeaderName::ListPost
        | HeaderName::ListSubscribe
        | HeaderName::ListUnsubscribe
        | HeaderName::Date
        | HeaderName::ResentDate
        | HeaderName::Received
        | HeaderName::ContentType
        | HeaderName::ContentDisposition => HeaderValue::Empty,
        _ => std::str::from_utf8(raw).map_or(HeaderValue::Empty, |text| HeaderValue::Text(text.into())),
    };
    let decoded: Cow<'_, str> = match meant {
        HeaderValue::Text(text) if !text.contains(char::REPLACEMENT_CHARACTER) => text,
        // Bytes that are no UTF-8 were Latin-1 (RFC 5322 allows neither).
        _ => match std::str::from_utf8(raw) {
            Ok(text) => decoded(text),
            Err(_) => Cow::Owned(raw.iter().map(|byte| char::from(*byte)).collect()),
        },
    };
    match decoded {
        Cow::Borrowed(text) => single_spaced(head(text, most)),
        Cow::Owned(text) => Cow::Owned(single_spaced(head(&text, most)).into_owned()),
    }
}

/// The one `<id>` that nearly every field of ids has, without its brackets.
fn only_id(raw: &[u8]) -> Option<&str> {
    let id = raw.strip_suffix(b"\n")?.trim_ascii().strip_prefix(b"<")?.strip_suffix(b">")?;
    let is_plain = !id.is_empty() && id.iter().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>'));
    std::str::from_utf8(id).ok().filter(|_| is_plain)
}

/// RFC 2047 words in a value that the parser kept raw.
pub(super) fn decoded(raw: &str) -> Cow<'_, str> {
    if !has_encoded_word(raw.as_bytes()) {
        return Cow::Borrowed(raw);
    }
    let header = format!("Subject: {}\n\n", raw.trim_end());
    let decoded = MessageParser::default().parse(header.as_bytes()).and_then(|m| m.subject().map(str::to_owned));
    decoded.map_or(Cow::Borrowed(raw), Cow::Owned)
}

fn has_encoded_word(raw: &[u8]) -> bool {
    memchr::memchr_iter(b'=', raw).any(|at| raw.get(at + 1) == Some(&b'?'))
}

/// Each run of white space as one space, none at the ends; borrowed where it is so already.
fn single_spaced(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if is_single_spaced_ascii(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut push = |word: &str| {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    };
    // Of a folded value each line is mostly plain.
    for line in split_at_byte(text, b'\n').map(str::trim).filter(|line| !line.is_empty()) {
        if is_single_spaced_ascii(line) {
            push(line);
        } else {
            line.split_whitespace().for_each(&mut push);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_unfolded_and_decoded_each_in_its_way() {
        let mail = b"Subject: =?utf-8?q?R=C3=BCckl=C3=A4ufer?=  of\r\n\tmail\r\n\
            Message-ID: <1@example.com>\r\nReturn-Path: <>\r\nReferences: <1@a.example> <2@a.example>\r\n\
            From: \"Post\" <post@example.com>\r\nX-Raw: =?utf-8?q?kept?=\r\nX-Latin: Gr\xf6\xdfe\r\n\
            Date: Mon, 23 Nov 2026 06:33:12 UT\r\nTo:   anna@example.org\r\n\r\n";
        let headers = parse(mail).unwrap().parts.remove(0).headers;
        let fields = headers.into_iter().map(|header| Field::new(header, mail, &Limits::default()));
        let read: Vec<(String, String)> =
            fields.map(|field| (field.name().to_owned(), field.value().to_owned())).collect();
        let expected = [
            ("Subject", "R\u{fc}ckl\u{e4}ufer of mail"),
            ("Message-ID", "1@example.com"),
            ("Return-Path", "<>"),
            ("References", "<1@a.example> <2@a.example>"),
            ("From", "\"Post\" <post@example.com>"),
            ("X-Raw", "=?utf-8?q?kept?="),
            ("X-Latin", "Gr\u{f6}\u{df}e"),
            // Its obsolete zone ends with the line and takes no other with it.
            ("Date", "Mon, 23 Nov 2026 06:33:12 UT"),
            ("To", "anna@example.org"),
        ];
        assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
