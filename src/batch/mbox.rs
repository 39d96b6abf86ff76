//! Mailboxes in one file (RFC 4155): every message begins with a line `From ` with an address and a time, and ends with a blank
//! line. Lines of the message that would look like one are quoted with `>`, by mboxo only those that begin with `From `, by
//! mboxrd also those that are quoted already; one `>` is taken off either way.
//!
//! Incomplete: mboxcl's `Content-Length` is not counted. Its messages are found by their `From ` lines, as all others.

use std::borrow::Cow;

use memchr::memmem;

use super::{Fault, FaultKind};

/// What begins a message.
const FROM: &[u8] = b"From ";

/// A separator line is no longer than this; an address has at most 256 bytes.
pub(super) const MOST_SEPARATOR_BYTES: usize = 1024;

/// Where messages begin in `bytes` from `start` on: a line `From ` with a time, at the beginning or below a blank line.
pub(super) fn separators(bytes: &[u8], start: usize) -> impl Iterator<Item = usize> {
    let first = (start == 0 && is_separator(bytes)).then_some(0);
    let further = memmem::find_iter(&bytes[start..], b"\nFrom ").map(move |at| start + at + 1);
    first.into_iter().chain(further.filter(|&at| is_below_blank(bytes, at) && is_separator(&bytes[at..])))
}

fn is_below_blank(bytes: &[u8], at: usize) -> bool {
    let before = &bytes[..at];
    let line = before.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    line.is_some_and(|line| line.is_empty() || line.ends_with(b"\n"))
}

/// `From anna@example.org Mon Nov 23 07:12:45 2026`, in any of the forms in which mailers write it: all have a time. A sentence
/// that begins so seldom has.
fn is_separator(bytes: &[u8]) -> bool {
    let bytes = &bytes[..bytes.len().min(MOST_SEPARATOR_BYTES)];
    let Some(end) = memchr::memchr(b'\n', bytes) else { return false };
    let is_time = |window: &[u8]| window[0].is_ascii_digit() && window[1] == b':' && window[2].is_ascii_digit();
    bytes.starts_with(FROM) && bytes[..end].windows(3).any(is_time)
}

/// The mail of a message: without its separator, unquoted.
pub(super) fn mail_of(message: &[u8]) -> Result<Cow<'_, [u8]>, Fault> {
    if !is_separator(message) {
        let detail =
            "this is no message of a mailbox; expected a line `From ` with address and time before each (RFC 4155)";
        return Err(Fault::new(FaultKind::Wrong, detail));
    }
    let header = memchr::memchr(b'\n', message).map_or(message.len(), |end| end + 1);
    let mail = &message[header..];
    if memmem::find(mail, b"\n>").is_none() {
        return Ok(Cow::Borrowed(mail));
    }
    let mut unquoted = Vec::with_capacity(mail.len());
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        let bare = line.iter().position(|byte| *byte != b'>').unwrap_or(line.len());
        let is_quoted = bare > 0 && line[bare..].starts_with(FROM);
        unquoted.extend_from_slice(if is_quoted { &line[1..] } else { line });
    }
    Ok(Cow::Owned(unquoted))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOX: &[u8] = b"From MAILER-DAEMON Mon Nov 23 07:12:45 2026\nSubject: a\n\n>From here\n>>From there\n>no\n\n\
        From now on we meet\n\nFrom - Mon, 23 Nov 2026 07:12:46 +0100\nSubject: b\n\nx\n\n";

    #[test]
    fn messages_begin_below_a_blank_line_with_a_time() {
        let starts: Vec<usize> = separators(BOX, 0).collect();
        assert_eq!(starts.len(), 2, "{starts:?}");
        assert!(BOX[starts[1]..].starts_with(b"From - Mon"));
        assert_eq!(separators(&BOX[1..], 0).count(), 1, "the first line is none any more");
        let crlf = String::from_utf8_lossy(BOX).replace('\n', "\r\n");
        assert_eq!(separators(crlf.as_bytes(), 0).count(), 2);
    }

    #[test]
    fn one_quote_is_taken_off() {
        let second = separators(BOX, 0).nth(1).unwrap();
        let mail = mail_of(&BOX[..second]).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&mail),
            "Subject: a\n\nFrom here\n>From there\n>no\n\nFrom now on we meet\n\n"
        );
        assert!(mail_of(b"Subject: x\n\n").is_err());
    }
}
