//! From the words of a text to the anchors that may stand there.
//!
//! Every anchor is filed under the rarest thing it must contain: two neighbouring words, one word, or the beginning or the end
//! of its last word. A text is looked at word by word; what is filed under a word is then compared byte by byte. So the cost grows with the
//! text and with what really stands in it, not with the number of anchors, and building takes one pass over them.
//!
//! The alternative, one Aho-Corasick automaton over all anchors (25,000 of them, most in languages that a text is not written
//! in), took 65 of the 260 ms that a load then lasted.

use std::ops::Range;

use super::words::{Word, WordsOf, pair};
use crate::catalog::{automaton::Automaton, fold::is_word_boundary};

/// A wording to be found: letters, digits, signs and spaces, folded.
#[derive(Debug)]
pub(super) struct Anchor {
    /// Its bytes in [`Index::texts`].
    text: Range<u32>,
    /// Whether a letter may stand right before it (`*spam`).
    open_start: bool,
    /// Whether a letter may follow at once (`spam*`).
    open_end: bool,
}

impl Anchor {
    #[inline]
    fn stands_alone(&self, folded: &str, start: usize, end: usize) -> bool {
        (self.open_start || is_boundary(folded, start)) && (self.open_end || is_boundary(folded, end))
    }
}

/// An anchor found at a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub(super) anchor: u32,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// All anchors, filed.
#[derive(Debug)]
pub(super) struct Index {
    texts: String,
    anchors: Vec<Anchor>,
    filed: Filed,
    /// For each length of a word's beginning, whether any is filed under one.
    has_prefixes: [bool; 3],
    /// Anchors that may stand in the middle of a word.
    within_words: Vec<u32>,
    /// The shortest of those, in bytes.
    shortest_within: usize,
    /// Anchors of scripts that write no spaces between words, and of signs alone.
    unspaced: Vec<u32>,
    /// The texts of those.
    automaton: Automaton,
    /// Whether any of those is written in ASCII.
    unspaced_ascii: bool,
}

/// Anchors by the hash they are filed under.
#[derive(Debug, Default)]
struct Filed {
    /// A bit for each hash that something is filed under; most words of a text end here.
    known: Vec<u64>,
    /// Hash, and the first of its entries; sorted by hash, found by its upper bits.
    groups: Vec<(u32, u32)>,
    /// For each value of a hash's upper bits, the first of its groups.
    buckets: Vec<u32>,
    entries: Vec<Entry>,
}

/// An anchor, and where in it the word begins that it is filed under, or, for the end of a word, where that ends.
#[derive(Clone, Copy, Debug)]
struct Entry {
    anchor: u32,
    offset: u32,
}

/// Bits of a hash by which [`Filed::known`] is addressed: 32 KiB.
const KNOWN_BITS: u32 = 18;
/// Bits of a hash by which [`Filed::buckets`] is addressed.
const BUCKET_BITS: u32 = 14;

/// Bits of a hash by which anchors are counted while they are filed.
const FREQUENCY_BITS: u32 = 16;

/// How an anchor is written, before it is filed.
#[derive(PartialEq, Eq)]
pub(super) struct Written {
    pub(super) text: String,
    pub(super) open_start: bool,
    pub(super) open_end: bool,
}

impl Index {
    pub(super) fn new(written: &[Written]) -> Self {
        let mut texts = String::with_capacity(written.iter().map(|anchor| anchor.text.len()).sum());
        let mut anchors = Vec::with_capacity(written.len());
        for anchor in written {
            let start = texts.len() as u32;
            texts.push_str(&anchor.text);
            let text = start..texts.len() as u32;
            anchors.push(Anchor { text, open_start: anchor.open_start, open_end: anchor.open_end });
        }
        let mut whole = Vec::with_capacity(written.len() * 4);
        let mut words = Vec::new();
        let places = written.iter().map(|one| Places::of(one, &mut words, &mut whole)).collect::<Vec<_>>();
        // Counted by a part of the hash: which of several is rarest need not be exact.
        let mut frequency = vec![0u16; 1 << FREQUENCY_BITS];
        let counter = |hash: u32| (hash >> (32 - FREQUENCY_BITS)) as usize;
        for place in &whole {
            let count = &mut frequency[counter(place.hash)];
            *count = count.saturating_add(1);
        }
        let mut filed = Vec::with_capacity(written.len());
        let (mut within_words, mut unspaced) = (Vec::new(), Vec::new());
        for (at, places) in places.iter().enumerate() {
            let anchor = at as u32;
            // A single word is met more often than a pair of words that is as rare among the anchors.
            let rarest = whole[places.whole.start as usize..places.whole.end as usize]
                .iter()
                .min_by_key(|place| u32::from(frequency[counter(place.hash)]) * if place.is_pair() { 1 } else { 3 });
            match rarest.map(|place| (place.hash, place.offset())).or(places.part) {
                Some((hash, offset)) => filed.push((hash, Entry { anchor, offset })),
                None if places.has_word => within_words.push(anchor),
                None => unspaced.push(anchor),
            }
        }
        let length = |anchor: &u32| written[*anchor as usize].text.len();
        let automaton = Automaton::new(unspaced.iter().map(|id| written[*id as usize].text.clone()).collect());
        Self {
            filed: Filed::new(filed),
            shortest_within: within_words.iter().map(length).min().unwrap_or(usize::MAX),
            unspaced_ascii: automaton.has_ascii(),
            has_prefixes: [0, 1, 2]
                .map(|length| places.iter().any(|places| places.whole.is_empty() && places.prefix == Some(length))),
            within_words,
            unspaced,
            texts,
            anchors,
            automaton,
        }
    }

    /// Every anchor that stands in `folded`, handed to `take` in no particular order.
    pub(super) fn find(&self, folded: &str, take: &mut impl FnMut(Hit)) {
        let mut before: Option<Word> = None;
        for word in WordsOf::new(folded) {
            self.filed.look_up(word.hash, |entry| self.compare(folded, entry, word.start, take));
            for prefix in self.has_prefixes.iter().zip(word.prefixes).filter(|(is_used, hash)| **is_used && *hash != 0)
            {
                self.filed.look_up(prefix.1, |entry| self.compare(folded, entry, word.start, take));
            }
            if word.suffix != 0 {
                self.filed.look_up(word.suffix, |entry| self.compare(folded, entry, word.end, take));
            }
            if let Some(before) = before {
                let both = pair(before.hash, word.hash);
                self.filed.look_up(both, |entry| self.compare(folded, entry, before.start, take));
            }
            if (word.end - word.start) as usize >= self.shortest_within {
                self.find_within(folded, word, take);
            }
            before = Some(word);
        }
        if self.unspaced_ascii || !self.unspaced.is_empty() && !folded.is_ascii() {
            self.find_unspaced(folded, take);
        }
    }

    /// Whether the anchor really stands where `word`, the place it is filed under, does.
    #[inline]
    fn compare(&self, folded: &str, entry: Entry, word: u32, take: &mut impl FnMut(Hit)) {
        let anchor = &self.anchors[entry.anchor as usize];
        let Some(start) = word.checked_sub(entry.offset) else { return };
        let end = start + (anchor.text.end - anchor.text.start);
        let text = &self.texts.as_bytes()[anchor.text.start as usize..anchor.text.end as usize];
        let (from, to) = (start as usize, end as usize);
        if folded.as_bytes().get(from..to) == Some(text) && anchor.stands_alone(folded, from, to) {
            take(Hit { anchor: entry.anchor, start, end });
        }
    }

    #[cold]
    fn find_within(&self, folded: &str, word: Word, take: &mut impl FnMut(Hit)) {
        let (from, to) = (word.start as usize, word.end as usize);
        for &id in &self.within_words {
            let anchor = &self.anchors[id as usize];
            let text = &self.texts[anchor.text.start as usize..anchor.text.end as usize];
            // Signs may stand before or behind the part of a word, so the search is not held within it.
            let reach = text.len();
            let from = folded.floor_char_boundary(from.saturating_sub(reach));
            let until = folded.floor_char_boundary(to + reach);
            // A searcher costs more to make than these few bytes to look through.
            let windows = folded.as_bytes()[from..until].windows(text.len()).enumerate();
            let first = text.as_bytes().first();
            for (at, _) in windows.filter(|(_, window)| window.first() == first && *window == text.as_bytes()) {
                let (start, end) = (from + at, from + at + text.len());
                let touches = start < to && end > word.start as usize;
                if touches && anchor.stands_alone(folded, start, end) {
                    take(Hit { anchor: id, start: start as u32, end: end as u32 });
                }
            }
        }
    }

    #[cold]
    fn find_unspaced(&self, folded: &str, take: &mut impl FnMut(Hit)) {
        for found in self.automaton.find(folded) {
            let id = self.unspaced[found.pattern().as_usize()];
            if self.anchors[id as usize].stands_alone(folded, found.start(), found.end()) {
                take(Hit { anchor: id, start: found.start() as u32, end: found.end() as u32 });
            }
        }
    }
}

/// What an anchor can be filed under.
struct Places {
    /// Whole words and pairs of whole words, among those of all anchors.
    whole: Range<u32>,
    /// The beginning of a word that may go on, or the end of one that may have begun before.
    part: Option<(u32, u32)>,
    /// Which of [`Word::prefixes`] that is.
    prefix: Option<u8>,
    /// Whether it contains a part of a word at all.
    has_word: bool,
}

/// A whole word of an anchor, or two that follow each other.
struct Place {
    hash: u32,
    /// Where it begins; the highest bit tells a pair. There are a hundred thousand of these while a catalogue is loaded.
    offset: u32,
}

impl Place {
    const PAIR: u32 = 1 << 31;

    fn offset(&self) -> u32 {
        self.offset & !Self::PAIR
    }

    fn is_pair(&self) -> bool {
        self.offset & Self::PAIR != 0
    }
}

impl Places {
    /// What `written` can be filed under. Whole words and pairs go to `whole`.
    /// `words` is room for the words, so that not every anchor needs its own.
    fn of(written: &Written, words: &mut Vec<Word>, whole: &mut Vec<Place>) -> Self {
        words.clear();
        words.extend(WordsOf::new(&written.text));
        let is_whole = |word: &Word| {
            let (begins, ends) = (word.start == 0, word.end as usize == written.text.len());
            !(written.open_start && begins || written.open_end && ends)
        };
        let single = words.iter().filter(|word| is_whole(word));
        let single = single.map(|word| Place { hash: word.hash, offset: word.start });
        let pairs = words.windows(2).filter(|pair| pair.iter().all(is_whole));
        let pairs = pairs.map(|two| Place { hash: pair(two[0].hash, two[1].hash), offset: two[0].start | Place::PAIR });
        let ends = |word: &&Word| word.suffix != 0 && !(written.open_end && word.end as usize == written.text.len());
        let last = words.last();
        // The longest beginning that the word has is shared with the fewest others.
        let prefix = last.filter(|word| !(written.open_start && word.start == 0)).and_then(|word| {
            let length = word.prefixes.iter().position(|hash| *hash != 0)?;
            Some((length, (word.prefixes[length], word.start)))
        });
        Self {
            whole: {
                let first = whole.len() as u32;
                whole.extend(single.chain(pairs));
                first..whole.len() as u32
            },
            part: prefix.map(|(_, part)| part).or_else(|| last.filter(ends).map(|word| (word.suffix, word.end))),
            prefix: prefix.map(|(length, _)| length as u8),
            has_word: !words.is_empty(),
        }
    }
}

impl Filed {
    fn new(filed: Vec<(u32, Entry)>) -> Self {
        let filed = sorted(filed);
        let mut known = vec![0u64; 1 << (KNOWN_BITS - 6)];
        let mut groups: Vec<(u32, u32)> = Vec::new();
        for (at, (hash, _)) in filed.iter().enumerate() {
            let bit = hash >> (32 - KNOWN_BITS);
            known[(bit >> 6) as usize] |= 1 << (bit & 63);
            if groups.last().is_none_or(|(last, _)| last != hash) {
                groups.push((*hash, at as u32));
            }
        }
        let mut buckets = vec![0u32; (1 << BUCKET_BITS) + 1];
        for (hash, _) in &groups {
            buckets[(hash >> (32 - BUCKET_BITS)) as usize + 1] += 1;
        }
        for at in 1..buckets.len() {
            buckets[at] += buckets[at - 1];
        }
        // The end of the last group.
        groups.push((0, filed.len() as u32));
        Self { known, groups, buckets, entries: filed.into_iter().map(|(_, entry)| entry).collect() }
    }

    #[inline]
    fn look_up(&self, hash: u32, mut take: impl FnMut(Entry)) {
        let bit = hash >> (32 - KNOWN_BITS);
        if self.known[(bit >> 6) as usize] & 1 << (bit & 63) == 0 {
            return;
        }
        let bucket = (hash >> (32 - BUCKET_BITS)) as usize;
        let (first, behind) = (self.buckets[bucket] as usize, self.buckets[bucket + 1] as usize);
        for at in first..behind {
            if self.groups[at].0 == hash {
                let (from, to) = (self.groups[at].1 as usize, self.groups[at + 1].1 as usize);
                self.entries[from..to].iter().for_each(|entry| take(*entry));
                return;
            }
        }
    }
}

/// By hash, and by anchor where hashes are equal. The upper bits of a hash are spread evenly, so what they leave to be sorted is a
/// few at a time.
fn sorted(filed: Vec<(u32, Entry)>) -> Vec<(u32, Entry)> {
    let bucket = |hash: u32| (hash >> (32 - BUCKET_BITS)) as usize;
    let mut ends = vec![0u32; (1 << BUCKET_BITS) + 1];
    filed.iter().for_each(|(hash, _)| ends[bucket(*hash) + 1] += 1);
    for at in 1..ends.len() {
        ends[at] += ends[at - 1];
    }
    // Where the next of each bucket goes; in the end, where each bucket ends.
    let mut sorted = vec![(0, Entry { anchor: 0, offset: 0 }); filed.len()];
    for one in filed {
        let next = &mut ends[bucket(one.0)];
        sorted[*next as usize] = one;
        *next += 1;
    }
    let mut start = 0;
    for end in ends.into_iter().take(1 << BUCKET_BITS) {
        sorted[start..end as usize].sort_unstable_by_key(|(hash, entry)| (*hash, entry.anchor));
        start = end as usize;
    }
    sorted
}

/// Whether a word may begin or end at this byte of folded text.
#[inline]
fn is_boundary(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes();
    match (at.checked_sub(1).map(|before| bytes[before]), bytes.get(at)) {
        (None, _) | (_, None) => true,
        (Some(left), Some(right)) if left.is_ascii() && right.is_ascii() => {
            !(left.is_ascii_alphanumeric() && right.is_ascii_alphanumeric())
        }
        _ => is_word_boundary(text[..at].chars().next_back(), text[at..].chars().next()),
    }
}
