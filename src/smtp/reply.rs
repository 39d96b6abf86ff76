//! A server's reply, read from what people really paste: one line or many, folded, wrapped in a log line, with codes in the
//! usual place, in brackets, glued to words, quoted from another server's reply, or missing.

use std::borrow::Cow;

use super::{Command, EnhancedCode, ReplyCode, codes, dialogue, wrapping};

/// What one server said, taken apart.
///
/// Reading never fails: a field that is not there is `None`, and what is no code stays in `text`.
///
/// ```
/// use retoure::smtp::Reply;
///
/// let reply = Reply::parse("550-5.1.1 No such user\r\n550 5.1.1 here");
/// assert_eq!(reply.code.map(|c| c.number()), Some(550));
/// assert_eq!(reply.enhanced.map(|c| c.to_string()).as_deref(), Some("5.1.1"));
/// assert_eq!(reply.text, "No such user here");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply<'a> {
    /// The three-digit code, the last one where several lines differ.
    pub code: Option<ReplyCode>,
    /// The enhanced code: the reply's own; a quoted server's where the own one names no condition (`5.0.0`, `5.1.0`).
    pub enhanced: Option<EnhancedCode>,
    /// The words on one line: no line codes, no line ends, no log around them.
    pub text: Cow<'a, str>,
    /// The command that was answered, where a log line tells it.
    pub command: Option<Command>,
    /// The host that answered, where a log line tells it.
    pub remote_host: Option<Cow<'a, str>>,
    /// The recipient, where a log line tells it.
    pub recipient: Option<Cow<'a, str>>,
}

impl<'a> Reply<'a> {
    /// Reads a reply. Takes time linear in the length of `input`.
    pub fn parse(input: &'a str) -> Self {
        let input = trimmed(input);
        if let Some(reply) = wrapping::read_record(input) {
            return reply;
        }
        match dialogue::decisive_line(input) {
            (Cow::Borrowed(line), command) => Self::from_line(line, command),
            (Cow::Owned(line), command) => Reply::from_line(&line, command).into_owned(),
        }
    }

    /// Reads a reply that stands on one line with single spaces. `command` is what the dialogue around it told.
    fn from_line(line: &'a str, command: Option<Command>) -> Self {
        let wrapped = wrapping::unwrap(line);
        let codes = codes::read(wrapped.reply);
        Self {
            code: codes.code,
            enhanced: codes.enhanced.or(wrapped.status),
            text: codes.text,
            command: command.or(wrapped.command),
            remote_host: wrapped.host.map(Cow::Borrowed),
            recipient: wrapped.recipient.map(Cow::Borrowed),
        }
    }

    /// The same reply, borrowing nothing.
    pub fn into_owned(self) -> Reply<'static> {
        Reply {
            code: self.code,
            enhanced: self.enhanced,
            text: Cow::Owned(self.text.into_owned()),
            command: self.command,
            remote_host: self.remote_host.map(|host| Cow::Owned(host.into_owned())),
            recipient: self.recipient.map(|address| Cow::Owned(address.into_owned())),
        }
    }
}

fn trimmed(input: &str) -> &str {
    // Most replies need no trimming, and asking two bytes is cheaper than decoding two characters.
    let is_visible = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    let bytes = input.as_bytes();
    if is_visible(bytes.first()) && is_visible(bytes.last()) { input } else { input.trim_matches(is_space) }
}

/// White space and what control characters leave behind in logs.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Input, reply code, enhanced code, text.
    fn check(rows: &[(&str, &str, &str, &str)]) {
        for (input, code, enhanced, text) in rows {
            let reply = Reply::parse(input);
            let read = (
                reply.code.map(|c| c.to_string()).unwrap_or_default(),
                reply.enhanced.map(|c| c.to_string()).unwrap_or_default(),
                reply.text.as_ref(),
            );
            assert_eq!(read, ((*code).to_owned(), (*enhanced).to_owned(), *text), "{input:?}");
        }
    }

    #[test]
    fn codes_stand_before_the_text() {
        check(&[
            ("550 5.1.1 User unknown", "550", "5.1.1", "User unknown"),
            ("550 User unknown", "550", "", "User unknown"),
            ("550 5.1.1", "550", "5.1.1", ""),
            ("550", "550", "", ""),
            ("5.1.1 User unknown", "", "5.1.1", "User unknown"),
            ("User unknown", "", "", "User unknown"),
            ("550: User unknown", "550", "", "User unknown"),
            ("550User unknown", "550", "", "User unknown"),
            ("550 5.1.1User unknown", "550", "5.1.1", "User unknown"),
            ("550-5.1.1-User unknown", "550", "5.1.1", "User unknown"),
            ("550 [5.1.1] User unknown", "550", "5.1.1", "User unknown"),
            ("550 (#5.1.1) User unknown", "550", "5.1.1", "User unknown"),
            ("'550 5.1.1 User unknown", "550", "5.1.1", "User unknown"),
            ("554 4.7.1 Come back", "554", "4.7.1", "Come back"),
            ("550 <anna@example.org>: User unknown", "550", "", "<anna@example.org>: User unknown"),
            ("", "", "", ""),
        ]);
    }

    #[test]
    fn codes_stand_within_the_text() {
        check(&[
            (
                "550 sorry, no mailbox here by that name (#5.1.1)",
                "550",
                "5.1.1",
                "sorry, no mailbox here by that name (#5.1.1)",
            ),
            (
                "550 gate_x 5.1.1 <anna@example.org>... User unknown",
                "550",
                "5.1.1",
                "gate_x 5.1.1 <anna@example.org>... User unknown",
            ),
            ("The host said 550 5.2.2 Mailbox full", "550", "5.2.2", "The host said 550 5.2.2 Mailbox full"),
            ("The error was: 550 no such user", "550", "", "The error was: 550 no such user"),
            ("Rcpt refused: 5.7.1 no relay", "", "5.7.1", "Rcpt refused: 5.7.1 no relay"),
        ]);
    }

    #[test]
    fn a_quoted_reply_is_more_specific_than_the_relay_that_reports_it() {
        check(&[
            (
                "5.1.0 - Unknown address error 550-'5.1.1 no such user'",
                "550",
                "5.1.1",
                "Unknown address error 550-'5.1.1 no such user'",
            ),
            (
                "554 5.0.0 Service unavailable; host said: 550 5.7.1 spam",
                "554",
                "5.7.1",
                "Service unavailable; host said: 550 5.7.1 spam",
            ),
            (
                "550 5.1.351 Remote server returned unknown recipient -> 550 : User unknown",
                "550",
                "5.1.351",
                "Remote server returned unknown recipient -> 550 : User unknown",
            ),
            (
                "450 4.1.1 unverified address: host said: 550 5.1.1 gone",
                "450",
                "4.1.1",
                "unverified address: host said: 550 5.1.1 gone",
            ),
            ("<mx.example.org #5.5.0 smtp;550 5.1.1 gone>", "550", "5.1.1", "gone"),
            ("mx.example.org #5.1.1 smtp;550 gone", "550", "5.1.1", "gone"),
        ]);
    }

    #[test]
    fn numbers_that_are_no_codes() {
        check(&[
            ("5501 is no code", "", "", "5501 is no code"),
            ("192.0.2.1 is an address", "", "", "192.0.2.1 is an address"),
            ("Rejected at 5.11.2026 by 5.1.1.9", "", "", "Rejected at 5.11.2026 by 5.1.1.9"),
            ("at most 550 messages an hour", "", "", "at most 550 messages an hour"),
            ("limit with 500 MB", "", "", "limit with 500 MB"),
            ("Filter version 5.1.1 says no", "", "", "Filter version 5.1.1 says no"),
            ("550 see page 4.7.1", "550", "", "see page 4.7.1"),
            ("deferred 4.16.55.1; later", "", "", "deferred 4.16.55.1; later"),
            ("2026-11-23 refused", "", "", "2026-11-23 refused"),
        ]);
    }

    #[test]
    fn codes_outside_smtp_are_kept() {
        check(&[
            ("101 Network is unreachable", "101", "", "Network is unreachable"),
            ("111 Connection refused", "111", "", "Connection refused"),
            (
                "605 Not delivering to previously bounced address",
                "605",
                "",
                "Not delivering to previously bounced address",
            ),
        ]);
    }

    #[test]
    fn several_lines_are_one_reply() {
        let expected = ("550", "5.1.1", "No such user here, see https://example.org/x");
        for input in [
            "550-5.1.1 No such user\n550-5.1.1 here, see\n550 5.1.1 https://example.org/x",
            "550-5.1.1 No such user\r\n550-5.1.1 here, see\r\n550 5.1.1 https://example.org/x\r\n",
            "550-5.1.1 No such user\r550-5.1.1 here, see\r550 5.1.1 https://example.org/x",
            "550-5.1.1 No such user 550-5.1.1 here, see 550 5.1.1 https://example.org/x",
            "550 5.1.1 No such user\n   here, see\n\thttps://example.org/x",
            "550 5.1.1 No such user\n550 5.1.1 here, see\n550 https://example.org/x",
            "  550-No such user\n550-5.1.1 here, see\n550 5.1.1 https://example.org/x",
        ] {
            let reply = Reply::parse(input);
            assert_eq!(reply.code.map(|c| c.to_string()).as_deref(), Some(expected.0), "{input:?}");
            assert_eq!(reply.text.replace("5.1.1 ", ""), expected.2, "{input:?}");
        }
    }

    #[test]
    fn of_a_dialogue_the_refusal_counts() {
        let reply = Reply::parse(
            "220 mx.example.org ESMTP\r\nEHLO us\r\n250-mx\r\n250 SIZE\r\nRCPT TO:<anna@example.org>\r\n550 5.1.1 gone\r\n",
        );
        assert_eq!((reply.code.map(ReplyCode::number), reply.command), (Some(550), Some(Command::RcptTo)));
        let reply = Reply::parse(
            "... while talking to mx.example.org:\n>>> DATA\n<<< 554 5.7.1 spam\n554 5.0.0 Service unavailable",
        );
        assert_eq!(reply.enhanced.map(|c| c.to_string()).as_deref(), Some("5.7.1"));
    }

    /// Input, code, enhanced, text, command, host, recipient.
    type Row =
        (&'static str, u16, &'static str, &'static str, Option<Command>, Option<&'static str>, Option<&'static str>);

    #[test]
    fn log_lines_are_unwrapped() {
        let rows: &[Row] = &[
            (
                "Nov 23 06:33:12 out postfix/smtp[4711]: 3F2A11C0B2: to=<anna@example.org>, relay=mx.example.org[192.0.2.1]:25, delay=1.2, delays=0/0/1/0, dsn=5.1.1, status=bounced (host mx.example.org[192.0.2.1] said: 550 5.1.1 <anna@example.org>: User unknown (in reply to RCPT TO command))",
                550,
                "5.1.1",
                "<anna@example.org>: User unknown",
                Some(Command::RcptTo),
                Some("mx.example.org"),
                Some("anna@example.org"),
            ),
            (
                "postfix/smtp[1]: AB: to=<anna@example.org>, relay=mx.example.org[192.0.2.1]:25, dsn=4.0.0, status=deferred (host mx.example.org[192.0.2.1] refused to talk to me: 421 Too busy)",
                421,
                "4.0.0",
                "Too busy",
                Some(Command::Banner),
                Some("mx.example.org"),
                Some("anna@example.org"),
            ),
            (
                "postfix/smtp[1]: AB: to=<anna@example.org>, relay=mx.example.org[192.0.2.1]:25, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4Rz1)",
                250,
                "2.0.0",
                "Ok: queued as 4Rz1",
                None,
                Some("mx.example.org"),
                Some("anna@example.org"),
            ),
            (
                "2026-11-23 06:33:12 1tEx0A-0003Fz-4a ** anna@example.org R=dnslookup T=remote_smtp H=mx.example.org [192.0.2.1]: SMTP error from remote mail server after RCPT TO:<anna@example.org>: 550 5.1.1 no such user",
                550,
                "5.1.1",
                "no such user",
                Some(Command::RcptTo),
                Some("mx.example.org"),
                Some("anna@example.org"),
            ),
            (
                "2026-11-23 06:33:12 1tEx0A-0003Fz-4a == anna@example.org R=dnslookup T=remote_smtp defer (-46) H=mx.example.org [192.0.2.1]: SMTP error from remote mail server after end of data: 451 4.3.0 try later",
                451,
                "4.3.0",
                "try later",
                Some(Command::EndOfData),
                Some("mx.example.org"),
                Some("anna@example.org"),
            ),
            (
                "SMTP error from remote mailer after initial connection: host mx.example.org [192.0.2.1]: 554 no service",
                554,
                "",
                "no service",
                Some(Command::Banner),
                Some("mx.example.org"),
                None,
            ),
            (
                "b,2026-11-23 06:33:12+0000,2026-11-23 06:33:11+0000,news@example.com,anna@example.org,,failed,5.1.1 (bad destination mailbox address),\"smtp;550 5.1.1 no such user, sorry\",mx.example.org (192.0.2.1),bad-mailbox",
                550,
                "5.1.1",
                "no such user, sorry",
                None,
                Some("mx.example.org"),
                Some("anna@example.org"),
            ),
            (
                r#"{"type":"Bounce","id":"1","recipient":"anna@example.org","peer_address":{"name":"mx.example.org.","addr":"192.0.2.1"},"response":{"code":550,"enhanced_code":{"class":5,"subject":1,"detail":1},"content":"no such user","command":"RCPT TO:<anna@example.org>"}}"#,
                550,
                "5.1.1",
                "no such user",
                Some(Command::RcptTo),
                Some("mx.example.org."),
                Some("anna@example.org"),
            ),
            (
                "sm-mta[77]: xAN6: to=<anna@example.org>, delay=00:00:01, mailer=esmtp, relay=mx.example.org. [192.0.2.1], dsn=4.2.2, stat=Deferred: 452 4.2.2 Over quota",
                452,
                "4.2.2",
                "Over quota",
                None,
                Some("mx.example.org"),
                Some("anna@example.org"),
            ),
            ("Diagnostic-Code: smtp; 550-5.1.1 no such\n user", 550, "5.1.1", "no such user", None, None, None),
            ("smtp;550 no such user", 550, "", "no such user", None, None, None),
            (
                "<anna@example.org>: host mx.example.org[192.0.2.1] said: 550 no such user (in reply to end of DATA command)",
                550,
                "",
                "no such user",
                Some(Command::EndOfData),
                Some("mx.example.org"),
                Some("anna@example.org"),
            ),
        ];
        for (input, code, enhanced, text, command, host, recipient) in rows {
            let reply = Reply::parse(input);
            assert_eq!(reply.code.map(ReplyCode::number), Some(*code), "{input:?}");
            assert_eq!(reply.enhanced.map(|c| c.to_string()).unwrap_or_default(), *enhanced, "{input:?}");
            assert_eq!(reply.text, *text, "{input:?}");
            assert_eq!(reply.command, *command, "{input:?}");
            assert_eq!(reply.remote_host.as_deref(), *host, "{input:?}");
            assert_eq!(reply.recipient.as_deref(), *recipient, "{input:?}");
        }
    }

    #[test]
    fn a_log_line_without_a_reply_keeps_its_words() {
        let reply = Reply::parse(
            "postfix/smtp[1]: AB: to=<anna@example.org>, relay=none, dsn=4.4.1, status=deferred (connect to mx.example.org[192.0.2.1]:25: Connection refused)",
        );
        assert_eq!(reply.text, "connect to mx.example.org[192.0.2.1]:25: Connection refused");
        assert_eq!((reply.code, reply.enhanced.map(|c| c.to_string()).as_deref()), (None, Some("4.4.1")));
    }

    proptest! {
        #[test]
        fn nothing_panics(input in any::<String>()) {
            let _ = Reply::parse(&input);
        }

        #[test]
        fn line_ends_do_not_matter(lines in prop::collection::vec("(550[- ])?(5\\.1\\.1 )?[a-z <>:'#(.]{0,20}", 0..5)) {
            let lf = lines.join("\n");
            let (crlf, cr) = (lines.join("\r\n"), lines.join("\r"));
            prop_assert_eq!(Reply::parse(&lf), Reply::parse(&crlf));
            prop_assert_eq!(Reply::parse(&lf), Reply::parse(&cr));
        }
    }
}
