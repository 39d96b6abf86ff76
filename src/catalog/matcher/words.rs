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
    /// Hash of its first [`PREFIX`] bytes; 0 for a shorter word.
    pub(super) prefix: u32,
    /// Hash of its first two bytes; 0 for a shorter word.
    pub(super) short_prefix: u32,
    /// Hash of its last two bytes; 0 for a shorter word.
    pub(super) suffix: u32,
}

/// Bytes of a word by which words that begin so are found.
pub(super) const PREFIX: usize = 3;

/// The words of a text, in order.
pub(super) struct WordsOf<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> WordsOf<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The length of the word character at `at`; 0 where another character stands there.
    #[inline]
    fn word_character(&self, at: usize, byte: u8) -> usize {
        if byte.is_ascii() {
            return usize::from(byte.is_ascii_alphanumeric());
        }
        self.wide_word_character(at)
    }

    #[cold]
    fn wide_word_character(&self, at: usize) -> usize {
        self.text[at..].chars().next().filter(|c| is_spaced_word(*c)).map_or(0, char::len_utf8)
    }
}

impl Iterator for WordsOf<'_> {
    type Item = Word;

    #[inline]
    fn next(&mut self) -> Option<Word> {
        let bytes = self.text.as_bytes();
        let mut at = self.at;
        // Both loops step over whole characters, so no byte in the middle of one is ever asked about.
        while self.word_character(at, *bytes.get(at)?) == 0 {
            at += if bytes[at].is_ascii() { 1 } else { self.text[at..].chars().next().map_or(1, char::len_utf8) };
        }
        let start = at;
        let (mut hash, mut prefix) = (SEED, 0);
        loop {
            let length = bytes.get(at).map_or(0, |byte| self.word_character(at, *byte));
            if length == 0 {
                break;
            }
            for &byte in &bytes[at..at + length] {
                hash = step(hash, byte);
                at += 1;
                if at - start == PREFIX {
                    prefix = hash;
                }
            }
        }
        self.at = at;
        let suffix = match bytes[start..at] {
            [.., a, b] => finish(step(step(SEED ^ 0x27d4_eb2f, a), b)),
            _ => 0,
        };
        let short_prefix = match bytes[start..at] {
            [a, b, ..] => finish(step(step(SEED ^ 0x1656_67b1, a), b)),
            _ => 0,
        };
        let (start, end) = (start as u32, at as u32);
        Some(Word { start, end, hash: finish(hash), prefix: finish(prefix), short_prefix, suffix })
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

/// The hash of two words that follow each other.
#[inline]
pub(super) fn pair(first: u32, second: u32) -> u32 {
    finish(first.rotate_left(7) ^ second.wrapping_mul(0x9e37_79b1))
}

/// The hash of the beginning of a word, told from that of a whole word of the same letters.
#[inline]
pub(super) fn beginning(prefix: u32) -> u32 {
    finish(prefix ^ 0x5bd1_e995)
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
        let hashes = |text: &str| -> Vec<(u32, u32)> { WordsOf::new(text).map(|w| (w.hash, w.prefix)).collect() };
        let (a, b) = (hashes("user unknown"), hashes("<unknown> user"));
        assert_eq!((a[0], a[1]), (b[1], b[0]));
        assert_eq!(hashes("blocked")[0].1, hashes("blocklist")[0].1, "the same beginning");
        assert_ne!(pair(a[0].0, a[1].0), pair(b[0].0, b[1].0), "order counts");
    }
}
