//! The gist of a folded text: what rules look at. Addresses, host names, IPs, times, ids and long numbers that no rule knows give
//! way to stand-ins, so that a thousand refusals which differ in nothing else are one text.
//!
//! Whatever word a rule is made of stays, in whatever it stands: the [`Vocabulary`] holds them all. The stand-in of a name has
//! one length, so a pattern's gap (`user .{0,40} unknown`) no longer depends on how long somebody's address is; that of a number
//! keeps its length, and that of an id is of letters and digits, so that patterns of classes match as they did.

mod writer;

use std::ops::Range;

use super::words;
use writer::Writer;

/// The words that rules are made of.
#[derive(Debug)]
pub(super) struct Vocabulary {
    /// Two bits a word (a Bloom filter): a word that is taken for known by mistake only stays as it is.
    bits: Box<[u64]>,
    /// How many bits of a hash are left out to find its place in `bits`.
    shift: u32,
}

/// Bits for each text that words are from, and for the few thousand that most catalogues have: some 25 for each word.
const BITS_PER_TEXT: usize = 16;
const LEAST_BITS: usize = 1 << 19;

/// A part of a folded text, and what stands for it in the gist.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Moved {
    gist: Range<usize>,
    folded: Range<usize>,
}

/// Where the parts of a gist stood.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    moved: Vec<Moved>,
}

impl Origin {
    /// Where in the folded text this part of its gist stood.
    pub fn of(&self, start: usize, end: usize) -> (usize, usize) {
        let before = |at: usize| self.moved.iter().rev().find(|moved| moved.gist.start < at);
        let from = match self.moved.iter().rev().find(|moved| moved.gist.start <= start) {
            Some(moved) if start < moved.gist.end => moved.folded.start,
            Some(moved) => start - moved.gist.end + moved.folded.end,
            None => start,
        };
        let to = match before(end) {
            Some(moved) if end < moved.gist.end => moved.folded.end,
            Some(moved) => end - moved.gist.end + moved.folded.end,
            None => end,
        };
        (from, to.max(from))
    }
}

impl Vocabulary {
    /// The words of `texts` and of regular expressions.
    pub(super) fn new<'t, 'p>(
        texts: impl ExactSizeIterator<Item = &'t str>,
        patterns: impl Iterator<Item = &'p str>,
    ) -> Self {
        let count = (texts.len() * BITS_PER_TEXT).next_power_of_two().clamp(LEAST_BITS, 1 << 31);
        let mut bits = vec![0u64; count / 64].into_boxed_slice();
        let shift = u32::BITS - count.trailing_zeros();
        let mut add = |text: &str| {
            // Only what is written in ASCII ever gives way.
            let words = text.as_bytes().split(|byte| !byte.is_ascii_alphanumeric());
            for word in words.filter(|word| !word.is_empty()) {
                for bit in places(words::hash(word), shift) {
                    bits[bit >> 6] |= 1 << (bit & 63);
                }
            }
        };
        texts.for_each(&mut add);
        for pattern in patterns {
            // `\b` is no letter.
            pattern.split('\\').enumerate().for_each(|(at, part)| {
                let escaped = if at == 0 { 0 } else { part.chars().next().map_or(0, char::len_utf8) };
                add(&part[escaped..]);
            });
        }
        Self { bits, shift }
    }

    fn knows(&self, word: &[u8]) -> bool {
        places(words::hash(word), self.shift).iter().all(|bit| self.bits[bit >> 6] & 1 << (bit & 63) != 0)
    }

    /// Appends the gist of `folded` to `out`, and tells `moved` of each part that gave way: where it stood, and where its
    /// stand-in does.
    pub(super) fn write(&self, folded: &str, out: &mut String) {
        Writer { vocabulary: self, folded, out, copied: 0, moved: None }.write();
    }

    /// The same, with where everything stood.
    pub(super) fn write_with_origin(&self, folded: &str, out: &mut String) -> Origin {
        let mut moved = Vec::new();
        Writer { vocabulary: self, folded, out, copied: 0, moved: Some(&mut moved) }.write();
        Origin { moved }
    }
}

#[inline]
fn places(hash: u32, shift: u32) -> [usize; 2] {
    [hash >> shift, hash.wrapping_mul(0x9e37_79b1) >> shift].map(|bit| bit as usize)
}

#[cfg(test)]
mod tests;
