//! A line that many patterns are tried on. Few match, so a line knows which signs stand in it, and a pattern which it cannot do
//! without: comparing two numbers rules most patterns out.

/// A line, trimmed, to be read by patterns.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    text: &'a str,
    marks: Marks,
}

impl<'a> From<&'a str> for Line<'a> {
    fn from(line: &'a str) -> Self {
        let text = line.trim();
        Self { text, marks: Marks::of(text) }
    }
}

impl<'a> Line<'a> {
    /// Whether nothing stands on it.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The text, if all that is `needed` stands in it.
    pub(super) fn with(self, needed: Marks) -> Option<&'a str> {
        self.marks.has_all(needed).then_some(self.text)
    }
}

/// Which letters (without case), digits and other ASCII signs stand in a text, a bit each; some rare signs share one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks(u64);

impl Marks {
    const ANY_DIGIT: u64 = 1 << 63;

    /// Some digit, whichever.
    pub(super) const DIGIT: Self = Self(Self::ANY_DIGIT);

    const BY_BYTE: [u64; 256] = {
        let mut marks = [0; 256];
        let mut byte = b'!';
        while byte < 0x7f {
            marks[byte as usize] = match byte {
                b'a'..=b'z' => 1 << (byte - b'a'),
                b'A'..=b'Z' => 1 << (byte - b'A'),
                b'0'..=b'9' => 1 << (26 + byte - b'0') | Self::ANY_DIGIT,
                _ => 1 << (36 + byte % 27),
            };
            byte += 1;
        }
        // U+212A, the sign for kelvin, is no ASCII, but its small letter is.
        let kelvin = marks[b'k' as usize];
        let mut byte = 0x80;
        while byte < marks.len() {
            marks[byte] = kelvin;
            byte += 1;
        }
        marks
    };

    pub(super) fn of(text: &str) -> Self {
        Self(text.bytes().fold(0, |marks, byte| marks | Self::BY_BYTE[usize::from(byte)]))
    }

    /// Of both.
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn has_all(self, needed: Self) -> bool {
        self.0 & needed.0 == needed.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_marks_of_every_pattern_that_may_match_it() {
        for (line, text, expected) in [
            (" User UNKNOWN ", "user unknown", true),
            ("user unknown", "unknown recipient", false),
            ("550 5.1.1", "550", true),
            ("550 5.1.1", "<>", false),
            ("\u{212a}elvin", "kelvin", true),
        ] {
            assert_eq!(Line::from(line).with(Marks::of(text)).is_some(), expected, "{text:?} in {line:?}");
        }
        assert!(Line::from("no digits").with(Marks::DIGIT).is_none());
    }
}
