//! Line patterns: how a line of a report is written, with placeholders where the facts stand.
//!
//! `<{recipient}>: {code} {enhanced} {diagnostic}` reads `<anna@example.org>: 550 5.1.1 User unknown`. Everything outside
//! braces is meant literally, but for case, accents and the number of spaces. `{*}` stands for anything. A pattern must match
//! from the line's first word to its end; `{diagnostic}` at the end takes the rest of the line and the lines that follow.

use std::{fmt, str::FromStr};

use serde::Deserialize;

use super::line::{Line, Marks};

/// A pattern for one line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct LinePattern {
    pieces: Vec<Piece>,
    /// The signs that stand in every line that it matches.
    needs: Marks,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// These words, in lower case; a space stands for any run of spaces.
    Literal(String),
    Slot(Slot),
}

/// A fact's place in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Anything, not kept.
    Anything,
    /// An e-mail address, or several with commas between them.
    Recipient,
    /// One word that names a recipient though it is no address: a phone number, a local user.
    Name,
    /// A three-digit reply code.
    Code,
    /// An enhanced status code.
    Enhanced,
    /// What the server said.
    Diagnostic,
    /// The server's name.
    Host,
    /// The SMTP command that was answered.
    Command,
}

/// What a line told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineFacts<'a> {
    /// An address, several with commas between them, or a name.
    pub recipient: Option<&'a str>,
    /// A reply code.
    pub code: Option<&'a str>,
    /// An enhanced code.
    pub enhanced: Option<&'a str>,
    /// What the server said; may be empty where it follows on the next lines.
    pub diagnostic: Option<&'a str>,
    /// The server.
    pub host: Option<&'a str>,
    /// The command.
    pub command: Option<&'a str>,
}

impl TryFrom<String> for LinePattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for LinePattern {
    type Err = String;

    /// # Errors
    /// When a placeholder is unknown, or two stand side by side so that nobody could tell where one ends.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let literal_end = rest.find('{').unwrap_or(rest.len());
            if literal_end > 0 {
                pieces.push(Piece::Literal(rest[..literal_end].to_lowercase()));
                rest = &rest[literal_end..];
                continue;
            }
            let (name, after) =
                rest[1..].split_once('}').ok_or_else(|| format!("{text:?}: a `{{` without its `}}`"))?;
            let slot = Slot::named(name).ok_or_else(|| {
                format!(
                    "{text:?}: unknown placeholder {{{name}}}; expected one of {}",
                    Slot::NAMES.map(|(name, _)| format!("{{{name}}}")).join(", ")
                )
            })?;
            if matches!(pieces.last(), Some(Piece::Slot(_))) {
                return Err(format!("{text:?}: two placeholders side by side; expected words between them"));
            }
            pieces.push(Piece::Slot(slot));
            rest = after;
        }
        if pieces.is_empty() {
            return Err("a line pattern is empty".to_owned());
        }
        let needs = pieces.iter().map(Piece::needs).fold(Marks::default(), Marks::and);
        Ok(Self { pieces, needs })
    }
}

impl Piece {
    /// What a line must hold to match it.
    fn needs(&self) -> Marks {
        match self {
            Self::Literal(literal) if literal.is_ascii() => Marks::of(literal),
            Self::Slot(Slot::Recipient) => Marks::of("@"),
            Self::Slot(Slot::Code) => Marks::DIGIT,
            Self::Slot(Slot::Enhanced) => Marks::of(".").and(Marks::DIGIT),
            Self::Literal(_)
            | Self::Slot(Slot::Anything | Slot::Name | Slot::Diagnostic | Slot::Host | Slot::Command) => {
                Marks::default()
            }
        }
    }
}

impl Slot {
    const NAMES: [(&'static str, Self); 8] = [
        ("*", Self::Anything),
        ("recipient", Self::Recipient),
        ("name", Self::Name),
        ("code", Self::Code),
        ("enhanced", Self::Enhanced),
        ("diagnostic", Self::Diagnostic),
        ("host", Self::Host),
        ("command", Self::Command),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, slot)| *slot)
    }

    /// Whether `value` may stand here.
    fn accepts(self, value: &str) -> bool {
        let one_word = || !value.is_empty() && !value.contains(char::is_whitespace);
        match self {
            Self::Anything | Self::Diagnostic => true,
            Self::Recipient => value.len() <= 4096 && value.split(',').all(|one| is_address(one.trim())),
            Self::Name => one_word() && value.len() <= 320,
            Self::Code => value.len() == 3 && value.bytes().all(|byte| byte.is_ascii_digit()),
            Self::Enhanced => value.parse::<crate::smtp::EnhancedCode>().is_ok(),
            Self::Host => one_word() && value.len() <= 255,
            Self::Command => !value.is_empty() && value.len() <= 400,
        }
    }
}

fn is_address(value: &str) -> bool {
    let is_quoted = value.starts_with('"');
    value.len() <= 320
        && (is_quoted || !value.contains(char::is_whitespace))
        && value.rsplit_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && !domain.is_empty()
                && (is_quoted || !local.contains(['<', '>', ':', '(', '[']))
                && !domain.contains(['<', '>', ')', ',', ';', '"'])
                && (domain.starts_with('[')
                    || domain.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_')))
        })
}

impl LinePattern {
    /// What `line` tells, if it is written so. Takes time linear in the line for each of the pattern's few pieces.
    pub fn read<'a>(&self, line: Line<'a>) -> Option<LineFacts<'a>> {
        let text = line.with(self.needs)?;
        let mut facts = LineFacts::default();
        let mut tries = 0;
        matches(&self.pieces, text, &mut facts, &mut tries).then_some(facts)
    }
}

/// A line on which a placeholder may end at many places is given up after this many.
const MOST_TRIES: usize = 64;

fn matches<'a>(pieces: &[Piece], line: &'a str, facts: &mut LineFacts<'a>, tries: &mut usize) -> bool {
    *tries += 1;
    if *tries > MOST_TRIES {
        return false;
    }
    match pieces {
        [] => line.trim().is_empty(),
        [Piece::Literal(literal), rest @ ..] => match literal_length(line, literal) {
            Some(length) => matches(rest, &line[length..], facts, tries),
            None => false,
        },
        [Piece::Slot(slot)] => {
            let value = line.trim();
            let fits = slot.accepts(value);
            if fits {
                keep(*slot, value, facts);
            }
            fits
        }
        [Piece::Slot(slot), rest @ ..] => {
            let [Piece::Literal(next), ..] = rest else { return false };
            for at in literal_places(line, next) {
                let value = line[..at].trim();
                if slot.accepts(value) && matches(rest, &line[at..], facts, tries) {
                    keep(*slot, value, facts);
                    return true;
                }
                if *tries > MOST_TRIES {
                    return false;
                }
            }
            false
        }
    }
}

fn keep<'a>(slot: Slot, value: &'a str, facts: &mut LineFacts<'a>) {
    let place = match slot {
        Slot::Anything => return,
        Slot::Recipient | Slot::Name => &mut facts.recipient,
        Slot::Code => &mut facts.code,
        Slot::Enhanced => &mut facts.enhanced,
        Slot::Diagnostic => &mut facts.diagnostic,
        Slot::Host => &mut facts.host,
        Slot::Command => &mut facts.command,
    };
    *place = Some(value);
}

/// Every place at which `literal` begins in `line`.
fn literal_places<'l>(line: &'l str, literal: &'l str) -> impl Iterator<Item = usize> + 'l {
    let first = literal.bytes().next().unwrap_or_default();
    // What is no letter of ASCII may be a space or a capital of some script.
    let may_begin = move |byte: u8| !byte.is_ascii_graphic() || byte.to_ascii_lowercase() == first;
    let places = line.bytes().enumerate().filter(move |(_, byte)| may_begin(*byte)).map(|(at, _)| at);
    places.filter(move |at| line.get(*at..).is_some_and(|rest| literal_length(rest, literal).is_some()))
}

/// How many bytes of `line` the literal takes at its start: compared without case, a space for any run of spaces.
fn literal_length(line: &str, literal: &str) -> Option<usize> {
    let (mut taken, mut compared) = (0, 0);
    while let Some(wanted) = literal.as_bytes().get(compared) {
        if *wanted == b' ' {
            let rest = &line[taken..];
            let trimmed = rest.trim_start();
            // A space at the very end of a literal may be missing where the line ends.
            if trimmed.len() == rest.len() && !rest.is_empty() && !line[..taken].ends_with(char::is_whitespace) {
                return None;
            }
            taken = line.len() - trimmed.len();
            compared += 1;
            continue;
        }
        let next = line.as_bytes().get(taken)?;
        if next.is_ascii() {
            if next.to_ascii_lowercase() != *wanted {
                return None;
            }
            (taken, compared) = (taken + 1, compared + 1);
        } else {
            let (next, wanted) = (line[taken..].chars().next()?, literal[compared..].chars().next()?);
            if next != wanted && !next.to_lowercase().eq(std::iter::once(wanted)) {
                return None;
            }
            (taken, compared) = (taken + next.len_utf8(), compared + wanted.len_utf8());
        }
    }
    Some(taken)
}

impl fmt::Display for LinePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces.iter().try_for_each(|piece| match piece {
            Piece::Literal(literal) => f.write_str(literal),
            Piece::Slot(slot) => {
                let name = Slot::NAMES.iter().find(|(_, known)| known == slot).map_or("*", |(name, _)| name);
                write!(f, "{{{name}}}")
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a>(pattern: &str, line: &'a str) -> Option<LineFacts<'a>> {
        pattern.parse::<LinePattern>().unwrap().read(line.into())
    }

    #[test]
    fn facts_stand_at_their_places() {
        let facts =
            read("<{recipient}>: {code} {enhanced} {diagnostic}", "  <anna@example.org>:  550 5.1.1 User unknown ")
                .unwrap();
        assert_eq!(facts.recipient, Some("anna@example.org"));
        assert_eq!((facts.code, facts.enhanced, facts.diagnostic), (Some("550"), Some("5.1.1"), Some("User unknown")));
        let facts =
            read("{*}did not like our {command}:", "mx.example.org [192.0.2.1] did not like our RCPT TO:").unwrap();
        assert_eq!(facts.command, Some("RCPT TO"));
        assert_eq!(read("{recipient}", "anna@example.org").unwrap().recipient, Some("anna@example.org"));
        assert_eq!(read("the reason: {diagnostic}", "The  Reason:").unwrap().diagnostic, Some(""));
        assert_eq!(read("* {recipient}", "   * anna@example.org").unwrap().recipient, Some("anna@example.org"));
        assert_eq!(read("an: {name}", "An: 4915112345678").unwrap().recipient, Some("4915112345678"));
    }

    #[test]
    fn lines_that_are_written_otherwise_do_not_match() {
        for (pattern, line) in [
            ("{recipient}", "no address here"),
            ("{recipient}", "anna@example.org and more"),
            ("<{recipient}>:", "<anna@example.org>: 550"),
            ("{code} {diagnostic}", "5501 no"),
            ("reason: {diagnostic}", "the reason: x"),
        ] {
            assert_eq!(read(pattern, line), None, "{pattern:?} on {line:?}");
        }
    }

    #[test]
    fn patterns_that_cannot_be_meant_are_refused() {
        for (pattern, expected) in [
            ("{adress}", "unknown placeholder {adress}; expected one of {*}, {recipient}"),
            ("{code}{enhanced}", "two placeholders side by side"),
            ("{code", "without its"),
            (" ", "is empty"),
        ] {
            let error = pattern.parse::<LinePattern>().unwrap_err();
            assert!(error.contains(expected), "{pattern:?}: {error}");
        }
    }
}
