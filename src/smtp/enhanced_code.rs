//! `5.1.1`: the enhanced status code of RFC 3463.

use std::{fmt, str::FromStr};

use super::Permanence;

/// An enhanced status code: class, subject and detail (RFC 3463 §2).
///
/// Unregistered subjects and details are kept, since providers use `5.7.515` and `4.7.650`; only the class is limited to 2, 4
/// and 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnhancedCode {
    class: u8,
    subject: u16,
    detail: u16,
}

impl EnhancedCode {
    /// The code of these three numbers; `None` where the class is not 2, 4 or 5 or a number has more than three digits.
    pub const fn new(class: u8, subject: u16, detail: u16) -> Option<Self> {
        if matches!(class, 2 | 4 | 5) && subject <= 999 && detail <= 999 {
            Some(Self { class, subject, detail })
        } else {
            None
        }
    }

    /// 2 success, 4 persistent transient failure, 5 permanent failure.
    pub const fn class(self) -> u8 {
        self.class
    }

    /// What the code is about: 1 addressing, 2 mailbox, 3 mail system, 4 network, 5 protocol, 6 content, 7 policy.
    pub const fn subject(self) -> u16 {
        self.subject
    }

    /// The condition itself.
    pub const fn detail(self) -> u16 {
        self.detail
    }

    /// What the class says of the attempt.
    pub const fn permanence(self) -> Permanence {
        match self.class {
            2 => Permanence::Success,
            4 => Permanence::Transient,
            _ => Permanence::Permanent,
        }
    }

    /// Whether the code names a condition, as `5.1.1` does and `5.1.0` or `5.0.0` do not.
    pub const fn is_specific(self) -> bool {
        self.detail != 0
    }

    /// Reads a code at the start of `text`; gives it and the number of bytes it took.
    ///
    /// The code must end there: `5.7.1` is not in `5.7.13`, and neither `5.1.1.9` (an address or a version) nor `5.11.2026`
    /// (a date) is one. Leading zeros are refused (RFC 3463 §2).
    pub(super) fn prefix(text: &[u8]) -> Option<(Self, usize)> {
        let (&class, mut rest) = text.split_first()?;
        if !matches!(class, b'2' | b'4' | b'5') {
            return None;
        }
        let mut numbers = [0; 2];
        for number in &mut numbers {
            rest = rest.strip_prefix(b".")?;
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if !(1..=3).contains(&digits) || (digits > 1 && rest.first() == Some(&b'0')) {
                return None;
            }
            let (value, after) = rest.split_at(digits);
            *number = value.iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
            rest = after;
        }
        if matches!(rest, [b'.', b'0'..=b'9', ..]) {
            return None;
        }
        let [subject, detail] = numbers;
        Some((Self { class: class - b'0', subject, detail }, text.len() - rest.len()))
    }
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every verdict tells its code, and the formatter takes ten times as long for three numbers.
        let mut out = [0; 9];
        let mut length = 0;
        let mut push = |byte: u8| {
            out[length] = byte;
            length += 1;
        };
        push(b'0' + self.class);
        for number in [self.subject, self.detail] {
            push(b'.');
            for unit in [100, 10, 1].into_iter().filter(|unit| *unit == 1 || number >= *unit) {
                push(b'0' + (number / unit % 10) as u8);
            }
        }
        f.write_str(std::str::from_utf8(&out[..length]).unwrap_or_default())
    }
}

/// The text is not an enhanced status code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseEnhancedCodeError {
    input: String,
}

impl fmt::Display for ParseEnhancedCodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not an enhanced status code; expected class.subject.detail such as 5.1.1, the class 2, 4 or 5",
            self.input
        )
    }
}

impl std::error::Error for ParseEnhancedCodeError {}

impl FromStr for EnhancedCode {
    type Err = ParseEnhancedCodeError;

    /// # Errors
    /// When `text` is anything but class, subject and detail, separated by dots.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match Self::prefix(text.as_bytes()) {
            Some((code, length)) if length == text.len() => Ok(code),
            _ => Err(ParseEnhancedCodeError { input: text.chars().take(40).collect() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_code_is_a_token() {
        for (text, expected) in [
            ("5.1.1", Some("5.1.1")),
            ("5.7.13 disabled", Some("5.7.13")),
            ("5.7.1. Bye", Some("5.7.1")),
            ("4.7.650", Some("4.7.650")),
            ("5.1.1User", Some("5.1.1")),
            ("5.1.1.9", None),
            ("5.11.2026", None),
            ("5.01.1", None),
            ("3.1.1", None),
            ("5.1", None),
            ("5.1.", None),
        ] {
            let read = EnhancedCode::prefix(text.as_bytes()).map(|(code, _)| code.to_string());
            assert_eq!(read.as_deref(), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn written_and_read_again_is_the_same(class in prop::sample::select(vec![2u8, 4, 5]), subject in 0u16..1000, detail in 0u16..1000) {
            let code = EnhancedCode::new(class, subject, detail).unwrap();
            prop_assert_eq!(code.to_string().parse::<EnhancedCode>().unwrap(), code);
        }
    }
}
