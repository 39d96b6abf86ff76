//! Finds which of thousands of texts stand in a short one, also within words.
//!
//! Each is looked for by four of its bytes in a row, those that the fewest others share. Searching costs one multiplication and
//! one bit for each place that is looked at, and a comparison where such four bytes stand. An Aho-Corasick automaton over the
//! dialects' texts, with its tens of thousands of states, took five times as long to build.

use memchr::memmem::Finder;

/// Texts to be found, each with a number in the order of adding.
#[derive(Debug)]
pub(super) struct Needles {
    /// Of so many places one is looked at: 1 for all.
    stride: usize,
    /// One behind the other.
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<u32>,
    /// Whether any gram has such a hash, a bit each.
    filter: Box<[u64; 1 << (HASH_BITS - 6)]>,
    /// Grams by which each is looked for, sorted by bucket: `stride` grams, of which always one stands at a place of the text that
    /// is looked at.
    grams: Vec<Gram>,
    /// Where in `grams` each bucket begins.
    starts: Vec<u32>,
    /// Those that are too short to have so many grams.
    short: Vec<(usize, Finder<'static>)>,
}

/// Four bytes in a row.
#[derive(Clone, Copy, Debug)]
struct Gram {
    bytes: u32,
    needle: u32,
    /// How many bytes of the needle stand before it.
    offset: u32,
}

const HASH_BITS: u32 = 16;
const BUCKET_BITS: u32 = 12;

const fn hash(gram: u32) -> usize {
    (gram.wrapping_mul(0x9e37_79b1) >> (32 - HASH_BITS)) as usize
}

const fn bucket(hash: usize) -> usize {
    hash >> (HASH_BITS - BUCKET_BITS)
}

fn grams(text: &[u8]) -> impl Iterator<Item = u32> {
    text.array_windows().map(|four: &[u8; 4]| u32::from_le_bytes(*four))
}

impl Default for Needles {
    fn default() -> Self {
        Self::new(&[], 1)
    }
}

impl Needles {
    /// Of each `stride` places of a text one will be looked at. A longer stride is for longer texts: texts to be found with fewer
    /// than three bytes more than that must be looked for one by one.
    pub(super) fn new(texts: &[&str], stride: usize) -> Self {
        let mut needles = Self {
            stride,
            bytes: Vec::new(),
            ends: Vec::with_capacity(texts.len()),
            filter: Box::new([0; 1 << (HASH_BITS - 6)]),
            grams: Vec::with_capacity(stride * texts.len()),
            starts: Vec::new(),
            short: Vec::new(),
        };
        if texts.is_empty() {
            return needles;
        }
        for text in texts {
            needles.bytes.extend_from_slice(text.as_bytes());
            needles.ends.push(needles.bytes.len() as u32);
        }
        let mut shared = vec![0_u16; 1 << HASH_BITS];
        for at in 0..texts.len() {
            for gram in grams(needles.needle(at)) {
                let count = &mut shared[hash(gram)];
                *count = count.saturating_add(1);
            }
        }
        let mut rarest = vec![(0, 0, 0); stride];
        for at in 0..texts.len() {
            let needle = needles.needle(at);
            if needle.len() < 3 + stride {
                let finder = Finder::new(needle).into_owned();
                needles.short.push((at, finder));
                continue;
            }
            rarest.fill((u16::MAX, 0, 0));
            for (offset, gram) in grams(needle).enumerate() {
                let rarest = &mut rarest[offset % stride];
                *rarest = (shared[hash(gram)], offset, gram).min(*rarest);
            }
            for &(_, offset, bytes) in &rarest {
                needles.filter[hash(bytes) / 64] |= 1 << (hash(bytes) % 64);
                needles.grams.push(Gram { bytes, needle: at as u32, offset: offset as u32 });
            }
        }
        needles.grams.sort_unstable_by_key(|gram| bucket(hash(gram.bytes)));
        needles.starts = vec![0; (1 << BUCKET_BITS) + 1];
        for gram in &needles.grams {
            needles.starts[bucket(hash(gram.bytes)) + 1] += 1;
        }
        for at in 1..needles.starts.len() {
            needles.starts[at] += needles.starts[at - 1];
        }
        needles
    }

    fn needle(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start as usize..self.ends[at] as usize]
    }

    /// Calls `found` with the number of each needle that stands in `text` and with each of its places.
    pub(super) fn each_in(&self, text: &str, mut found: impl FnMut(usize, usize)) {
        let text = text.as_bytes();
        let mut next = 0;
        while let Some(four) = text.get(next..).and_then(<[u8]>::first_chunk) {
            let at = next;
            next += self.stride;
            let gram = u32::from_le_bytes(*four);
            let hash = hash(gram);
            if self.filter[hash / 64] >> (hash % 64) & 1 == 0 {
                continue;
            }
            let (from, to) = (self.starts[bucket(hash)], self.starts[bucket(hash) + 1]);
            for candidate in self.grams[from as usize..to as usize].iter().filter(|known| known.bytes == gram) {
                let needle = candidate.needle as usize;
                let start = at.checked_sub(candidate.offset as usize);
                if let Some(start) = start.filter(|start| text[*start..].starts_with(self.needle(needle))) {
                    found(needle, start);
                }
            }
        }
        for (needle, finder) in &self.short {
            finder.find_iter(text).for_each(|at| found(*needle, at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Needles;
    use proptest::prelude::*;

    fn found(needles: &[impl AsRef<str>], text: &str) -> Vec<usize> {
        let needles: Vec<&str> = needles.iter().map(AsRef::as_ref).collect();
        let with_stride = |stride| {
            let mut found = Vec::new();
            Needles::new(&needles, stride).each_in(text, |needle, at| {
                assert!(text[at..].starts_with(needles[needle]));
                found.push(needle);
            });
            found.sort_unstable();
            found.dedup();
            found
        };
        assert_eq!(with_stride(1), with_stride(2));
        with_stride(3)
    }

    #[test]
    fn texts_of_any_length_are_found_wherever_they_stand() {
        let needles = ["#", "5.1", "user", "user unknown", "unknown user", "原文"];
        assert_eq!(found(&needles, "user unknown"), [2, 3]);
        assert_eq!(found(&needles, "the superuser #5.1.1"), [0, 1, 2]);
        assert_eq!(found(&needles, "原文"), [5]);
        assert_eq!(found(&needles, ""), [0; 0]);
    }

    proptest! {
        #[test]
        fn what_a_plain_search_finds_is_found(
            needles in prop::collection::vec("[ab]{0,8}", 0..20),
            text in "[ab]{0,30}",
        ) {
            let expected: Vec<usize> = (0..needles.len()).filter(|at| text.contains(&needles[*at])).collect();
            prop_assert_eq!(found(&needles, &text), expected);
        }
    }
}
