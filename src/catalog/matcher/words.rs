//! Takes folded text apart into words, with a hash of each.
//!
//! A word is a run of letters and digits of scripts that write spaces between words. What phrases and texts have in common is
//! found by comparing the hashes of their words, so both must be taken apart here.

use crate::catalog::fold::is_spaced_word;

/// A word in folded text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    /// First byte.
    pub(super) start: u32,
    /// Byte behind the last.
    pub(super) end: u32,
    /// Hash of the whole word.
    pub(super) hash: u32,
    /// Hashes of its first five, three and two bytes; 0 for a shorter word.
    pub(super) prefixes: [u32; 3],
    /// Hash of its last two bytes; 0 for a shorter word.
    pub(super) suffix: u32,
}

/// The words of a text, in order.
pub(super) struct WordsOf<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> WordsOf<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The length of the character outside ASCII at `at`, and whether it belongs to a word.
    #[cold]
    fn wide(&self, at: usize) -> (usize, bool) {
        self.text[at..].chars().next().map_or((1, false), |c| (c.len_utf8(), is_spaced_word(c)))
    }

    /// Where the next word begins.
    #[inline]
    fn next_start(&self) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut at = self.at;
        loop {
            at += bytes.get(at..)?.iter().position(|byte| KINDS[usize::from(*byte)] != OTHER)?;
            if bytes[at].is_ascii() {
                return Some(at);
            }
            match self.wide(at) {
                (_, true) => return Some(at),
                (length, false) => at += length,
            }
        }
    }
}

/// What a byte may be part of: a word, something else, or a character that has to be decoded.
static KINDS: [u8; 256] = {
    let mut kinds = [OTHER; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => WORD,
            0..0x80 => OTHER,
            _ => WIDE,
        };
        byte += 1;
    }
    kinds
};
const OTHER: u8 = 0;
const WORD: u8 = 1;
const WIDE: u8 = 2;

impl Iterator for WordsOf<'_> {
    type Item = Word;

    #[inline]
    fn next(&mut self) -> Option<Word> {
        let start = self.next_start()?;
        let bytes = self.text.as_bytes();
        let mut hash = SEED;
        let mut at = start;
        loop {
            let rest = &bytes[at..];
            let mut length = 0;
            for &byte in rest {
                if KINDS[usize::from(byte)] != WORD {
                    break;
                }
                hash = step(hash, byte);
                length += 1;
            }
            at += length;
            if rest.get(length).is_none_or(u8::is_ascii) {
                break;
            }
            let (length, true) = self.wide(at) else { break };
            hash = bytes[at..at + length].iter().fold(hash, |hash, byte| step(hash, *byte));
            at += length;
        }
        self.at = at;
        let word = &bytes[start..at];
        let of = |seed: u32, part: Option<&[u8]>| {
            part.map_or(0, |part| finish(part.iter().fold(seed, |hash, byte| step(hash, *byte))))
        };
        Some(Word {
            start: start as u32,
            end: at as u32,
            hash: finish(hash),
            prefixes: [
                of(SEED ^ 0x5bd1_e995, word.first_chunk::<5>().map(<[u8; 5]>::as_slice)),
                of(SEED ^ 0x1656_67b1, word.first_chunk::<3>().map(<[u8; 3]>::as_slice)),
                of(SEED ^ 0xc2b2_ae3d, word.first_chunk::<2>().map(<[u8; 2]>::as_slice)),
            ],
            suffix: of(SEED ^ 0x27d4_eb2f, word.last_chunk::<2>().map(<[u8; 2]>::as_slice)),
        })
    }
}

/// FNV-1a, 32 bit: one multiplication a byte, and short words are all there are.
const SEED: u32 = 0x811c_9dc5;

#[inline]
fn step(hash: u32, byte: u8) -> u32 {
    (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
}

/// Spreads the last bytes over all bits.
#[inline]
fn finish(hash: u32) -> u32 {
    let hash = (hash ^ (hash >> 15)).wrapping_mul(0x85eb_ca6b);
    hash ^ (hash >> 13)
}

/// The hash of a whole word.
pub(super) fn hash(word: &[u8]) -> u32 {
    finish(word.iter().fold(SEED, |hash, byte| step(hash, *byte)))
}

/// The hash of two words that follow each other.
#[inline]
pub(super) fn pair(first: u32, second: u32) -> u32 {
    finish(first.rotate_left(7) ^ second.wrapping_mul(0x9e37_79b1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        let words = |text: &'static str| -> Vec<&str> {
            WordsOf::new(text).map(|word| &text[word.start as usize..word.end as usize]).collect()
        };
        assert_eq!(words("550 <anna@example.org>: user's box"), ["550", "anna", "example", "org", "user", "s", "box"]);
        assert_eq!(words("почтовый ящик"), ["почтовый", "ящик"]);
        assert_eq!(words("名前user見つ"), ["user"]);
        assert_eq!(words(" -- "), [""; 0]);
    }

    #[test]
    fn equal_words_have_equal_hashes_wherever_they_stand() {
        let hashes = |text: &str| -> Vec<(u32, u32)> { WordsOf::new(text).map(|w| (w.hash, w.prefixes[1])).collect() };
        let (a, b) = (hashes("user unknown"), hashes("<unknown> user"));
        assert_eq!((a[0], a[1]), (b[1], b[0]));
        assert_eq!(hashes("blocked")[0].1, hashes("blocklist")[0].1, "the same beginning");
        assert_ne!(pair(a[0].0, a[1].0), pair(b[0].0, b[1].0), "order counts");
    }
}
