//! Finds which of thousands of texts stand in a short one, also within words.
//!
//! Each is looked for by the four of its bytes in a row that the fewest others share. Searching costs one multiplication and one
//! bit for each byte searched, and a comparison where such four bytes stand. An Aho-Corasick automaton over the dialects' texts,
//! with its tens of thousands of states, took five times as long to build.

use memchr::memmem::Finder;

/// Texts to be found, each with a number in the order of adding.
#[derive(Debug, Default)]
pub(super) struct Needles {
    /// One behind the other.
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<u32>,
    /// Whether any gram has such a hash, a bit each.
    filter: Vec<u64>,
    /// The gram by which each is looked for, sorted by hash.
    grams: Vec<Gram>,
    /// Where in `grams` the hashes with such upper bits begin.
    starts: Vec<u32>,
    /// Those with fewer than four bytes.
    short: Vec<(u32, Finder<'static>)>,
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

impl Needles {
    pub(super) fn new<'t>(texts: impl Iterator<Item = &'t str>) -> Self {
        let mut needles = Self { filter: vec![0; 1 << (HASH_BITS - 6)], ..Self::default() };
        for text in texts {
            needles.bytes.extend_from_slice(text.as_bytes());
            needles.ends.push(needles.bytes.len() as u32);
        }
        let mut shared = vec![0_u16; 1 << HASH_BITS];
        for needle in 0..needles.ends.len() {
            for gram in grams(needles.needle(needle)) {
                let count = &mut shared[hash(gram)];
                *count = count.saturating_add(1);
            }
        }
        for at in 0..needles.ends.len() {
            let needle = needles.needle(at);
            let rarest = grams(needle).enumerate().min_by_key(|(_, gram)| shared[hash(*gram)]);
            match rarest {
                Some((offset, bytes)) => {
                    needles.filter[hash(bytes) / 64] |= 1 << (hash(bytes) % 64);
                    needles.grams.push(Gram { bytes, needle: at as u32, offset: offset as u32 });
                }
                None => {
                    let finder = Finder::new(needle).into_owned();
                    needles.short.push((at as u32, finder));
                }
            }
        }
        needles.grams.sort_by_key(|gram| hash(gram.bytes));
        needles.starts = (0..=1 << BUCKET_BITS)
            .map(|wanted| needles.grams.partition_point(|gram| bucket(hash(gram.bytes)) < wanted) as u32)
            .collect();
        needles
    }

    fn needle(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start as usize..self.ends[at] as usize]
    }

    /// Calls `found` with the number of each needle that stands in `text` and with the place; for short ones with the first
    /// place only.
    pub(super) fn each_in(&self, text: &str, mut found: impl FnMut(usize, usize)) {
        let text = text.as_bytes();
        for (at, gram) in grams(text).enumerate() {
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
            if let Some(at) = finder.find(text) {
                found(*needle as usize, at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Needles;
    use proptest::prelude::*;

    fn found(needles: &[String], text: &str) -> Vec<usize> {
        let mut found = Vec::new();
        Needles::new(needles.iter().map(String::as_str)).each_in(text, |needle, at| {
            assert!(text[at..].starts_with(&needles[needle]));
            found.push(needle);
        });
        found.sort_unstable();
        found.dedup();
        found
    }

    #[test]
    fn texts_of_any_length_are_found_wherever_they_stand() {
        let needles = ["#", "5.1", "user", "user unknown", "unknown user", "原文"].map(str::to_owned);
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
