//! `550`: the three-digit reply code of RFC 5321 §4.2.

use std::{fmt, str::FromStr};

/// A three-digit reply code.
///
/// Any three digits are one, because logs carry more than RFC 5321 defines: `101` and `111` are operating system errors
/// written by client libraries, `605` is a platform's suppression list. Only 2yz to 5yz say something about the attempt
/// ([`ReplyCode::permanence`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplyCode(u16);

/// What an SMTP status says of one delivery attempt, not of the address (RFC 5321 §4.2.1, RFC 3463 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Permanence {
    /// 2yz or 2.x.x: done.
    Success,
    /// 3yz: go on.
    Intermediate,
    /// 4yz or 4.x.x: not now; try the same again later.
    Transient,
    /// 5yz or 5.x.x: do not try the same again unchanged.
    Permanent,
}

impl ReplyCode {
    /// The code with this number; `None` above 999.
    pub const fn new(number: u16) -> Option<Self> {
        if number <= 999 { Some(Self(number)) } else { None }
    }

    /// The number, `550`.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The first digit, which tells success from failure.
    pub const fn class(self) -> u8 {
        (self.0 / 100) as u8
    }

    /// The second digit: syntax, information, connection, mail system.
    pub const fn subject(self) -> u8 {
        (self.0 / 10 % 10) as u8
    }

    /// The third digit, the finer grade.
    pub const fn detail(self) -> u8 {
        (self.0 % 10) as u8
    }

    /// What the first digit says of the attempt; `None` for codes that are not SMTP's (1yz, 6yz and above).
    pub const fn permanence(self) -> Option<Permanence> {
        match self.class() {
            2 => Some(Permanence::Success),
            3 => Some(Permanence::Intermediate),
            4 => Some(Permanence::Transient),
            5 => Some(Permanence::Permanent),
            _ => None,
        }
    }

    /// Reads a code at the start of `text`; gives it and the number of bytes it took.
    ///
    /// The code must end there: `5501` and `550.1` (the start of an IP address or an enhanced code) are none. A letter may
    /// follow at once, since `550User unknown` is seen.
    pub(super) fn prefix(text: &[u8]) -> Option<(Self, usize)> {
        let [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] = text else { return None };
        let ends = match rest {
            [b'0'..=b'9', ..] | [b'.', b'0'..=b'9', ..] => false,
            // Glued to a word only where SMTP's own classes make a mistake unlikely: not "100th".
            [next, ..] if next.is_ascii_alphabetic() => matches!(a, b'2'..=b'5'),
            _ => true,
        };
        let digit = |d: &u8| u16::from(d - b'0');
        ends.then(|| (Self(digit(a) * 100 + digit(b) * 10 + digit(c)), 3))
    }
}

impl fmt::Display for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

/// The text is not a reply code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseReplyCodeError {
    input: String,
}

impl fmt::Display for ParseReplyCodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a reply code; expected three digits such as 550", self.input)
    }
}

impl std::error::Error for ParseReplyCodeError {}

impl FromStr for ReplyCode {
    type Err = ParseReplyCodeError;

    /// # Errors
    /// When `text` is anything but three ASCII digits.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match Self::prefix(text.as_bytes()) {
            Some((code, length)) if length == text.len() => Ok(code),
            _ => Err(ParseReplyCodeError { input: text.chars().take(40).collect() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_three_digits_and_ends_there() {
        for (text, expected) in [
            ("550", Some(550)),
            ("550 no", Some(550)),
            ("550-no", Some(550)),
            ("550User unknown", Some(550)),
            ("550. Bye", Some(550)),
            ("101 ", Some(101)),
            ("5501", None),
            ("192.0.2.1", None),
            ("100th try", None),
            ("55", None),
            ("", None),
        ] {
            let read = ReplyCode::prefix(text.as_bytes()).map(|(code, _)| code.number());
            assert_eq!(read, expected, "{text:?}");
        }
    }

    #[test]
    fn taken_apart_and_put_together() {
        let code: ReplyCode = "452".parse().unwrap();
        assert_eq!((code.class(), code.subject(), code.detail()), (4, 5, 2));
        assert_eq!(code.permanence(), Some(Permanence::Transient));
        assert_eq!(code.to_string(), "452");
        assert_eq!("000".parse::<ReplyCode>().unwrap().to_string(), "000");
        assert_eq!("605".parse::<ReplyCode>().unwrap().permanence(), None);
    }

    #[test]
    fn the_error_says_what_was_expected() {
        let error = "5.1.1".parse::<ReplyCode>().unwrap_err();
        assert_eq!(error.to_string(), "\"5.1.1\" is not a reply code; expected three digits such as 550");
    }
}
