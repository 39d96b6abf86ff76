//! The SMTP command that a reply answers. The same `550` is about the sender after `MAIL FROM`, about the recipient after
//! `RCPT TO` and about the message after the final dot (RFC 5321 §4.3.2).

use std::{fmt, str::FromStr};

/// A stage of the SMTP dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, utoipa::ToSchema)]
pub enum Command {
    /// The connection itself: nobody has spoken yet.
    #[serde(rename = "CONNECT")]
    Connect,
    /// The server's greeting.
    #[serde(rename = "BANNER")]
    Banner,
    /// `EHLO`, `HELO` or `LHLO`.
    #[serde(rename = "EHLO")]
    Ehlo,
    /// `STARTTLS` and the handshake after it.
    #[serde(rename = "STARTTLS")]
    StartTls,
    /// `AUTH` and its exchange.
    #[serde(rename = "AUTH")]
    Auth,
    /// `MAIL FROM`.
    #[serde(rename = "MAIL FROM")]
    MailFrom,
    /// `RCPT TO`.
    #[serde(rename = "RCPT TO")]
    RcptTo,
    /// `DATA` (or the first `BDAT`).
    #[serde(rename = "DATA")]
    Data,
    /// The dot that ends the message (or the last `BDAT`).
    #[serde(rename = ".")]
    EndOfData,
}

impl Command {
    /// Every command, in the order of the dialogue.
    pub const ALL: [Self; 9] = [
        Self::Connect,
        Self::Banner,
        Self::Ehlo,
        Self::StartTls,
        Self::Auth,
        Self::MailFrom,
        Self::RcptTo,
        Self::Data,
        Self::EndOfData,
    ];

    /// The names of all, for messages: `"CONNECT", "BANNER", …`.
    pub fn names() -> String {
        Self::ALL.map(|command| format!("{:?}", command.as_str())).join(", ")
    }

    /// The name in requests and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "CONNECT",
            Self::Banner => "BANNER",
            Self::Ehlo => "EHLO",
            Self::StartTls => "STARTTLS",
            Self::Auth => "AUTH",
            Self::MailFrom => "MAIL FROM",
            Self::RcptTo => "RCPT TO",
            Self::Data => "DATA",
            Self::EndOfData => ".",
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no SMTP command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseCommandError {
    input: String,
}

impl fmt::Display for ParseCommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a command; expected one of {}", self.input, Command::names())
    }
}

impl std::error::Error for ParseCommandError {}

impl FromStr for Command {
    type Err = ParseCommandError;

    /// Reads a command as it is sent (`RCPT TO:<anna@example.org>`), named (`rcpt`), or told in a log (`end of data`), in
    /// any case.
    ///
    /// # Errors
    /// When it begins with none of the commands that carry a message.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORMS: [(&str, Command); 22] = [
            ("pipelined end of data", Command::EndOfData),
            ("pipelined mail from", Command::MailFrom),
            ("pipelined rcpt to", Command::RcptTo),
            ("pipelined data", Command::Data),
            ("initial connection", Command::Banner),
            ("end of data", Command::EndOfData),
            ("final data", Command::EndOfData),
            ("mail from", Command::MailFrom),
            ("mail", Command::MailFrom),
            ("rcpt to", Command::RcptTo),
            ("rcpt", Command::RcptTo),
            ("data", Command::Data),
            ("bdat", Command::Data),
            (".", Command::EndOfData),
            ("ehlo", Command::Ehlo),
            ("helo", Command::Ehlo),
            ("lhlo", Command::Ehlo),
            ("starttls", Command::StartTls),
            ("auth", Command::Auth),
            ("connect", Command::Connect),
            ("banner", Command::Banner),
            ("greeting", Command::Banner),
        ];
        let text = text.trim();
        FORMS
            .iter()
            .find(|(form, _)| {
                text.get(..form.len()).is_some_and(|start| start.eq_ignore_ascii_case(form))
                    && !text.as_bytes().get(form.len()).is_some_and(u8::is_ascii_alphanumeric)
            })
            .map(|&(_, command)| command)
            .ok_or_else(|| ParseCommandError { input: text.chars().take(40).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_as_sent_named_or_told() {
        for (text, expected) in [
            ("RCPT TO:<anna@example.org>", Some(Command::RcptTo)),
            ("rcpt", Some(Command::RcptTo)),
            ("MAIL FROM:<> SIZE=1042", Some(Command::MailFrom)),
            ("end of data", Some(Command::EndOfData)),
            ("pipelined DATA", Some(Command::Data)),
            (".", Some(Command::EndOfData)),
            ("HELO mx.example.org", Some(Command::Ehlo)),
            ("database", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<Command>().ok(), expected, "{text:?}");
        }
        for command in Command::ALL {
            assert_eq!(command.as_str().parse(), Ok(command));
        }
    }
}
