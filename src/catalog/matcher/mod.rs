//! Finds every phrase, provider, blocklist and hint of a wait in a text, in one pass over its words.
//!
//! [`Index`] finds the anchors, the words that rules are made of; here they are put together: which phrases have all the anchors
//! they ask for, and which of them count beside each other.

mod gist;
mod index;
mod words;

use std::{
    cmp::Reverse,
    collections::{HashMap, hash_map::Entry},
};

pub use gist::Origin;
use gist::Vocabulary;
use index::{Hit, Index, Written};

use super::{fold::fold, phrase::Phrase, provider::ProviderId};
use crate::quick_hash::QuickHash;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// All anchors and whose they are.
#[derive(Debug)]
pub(super) struct Matcher {
    vocabulary: Vocabulary,
    index: Index,
    /// For each anchor, its first owner in [`Matcher::owners`].
    owned: Vec<u32>,
    owners: Vec<Owner>,
    /// For each anchor, the first of its bits in [`Matcher::bits`].
    asked: Vec<u32>,
    /// Bits of [`Scan::occurring`] that an anchor sets.
    bits: Vec<u32>,
    /// How many bits there are.
    conditions_asked: usize,
    /// For each phrase: what must stand in the text besides one of its own anchors.
    conditions: Vec<Conditions>,
    /// For each provider, its phrases that need no anchor: codes decide alone.
    wordless: HashMap<ProviderId, Vec<u32>>,
}

/// Anchors that most replies have fewer of, so that their list need not grow.
const MOST_SPOKEN: usize = 48;

/// Whom an anchor belongs to: finding it speaks for them.
#[derive(Clone, Copy, Debug)]
enum Owner {
    Phrase(u32),
    Provider(u32),
    Blocklist(u32),
    /// Words that may lead to a time for the next try.
    Wait,
}

/// What must stand in the text besides: bits of [`Scan::occurring`]. An anchor that is asked for has one, and so has a list of
/// which any one will do.
#[derive(Debug, Default)]
struct Conditions {
    /// All of these must occur. With a pattern, also the lists of words that it cannot do without.
    all: Box<[u32]>,
    /// None of these may occur.
    none: Box<[u32]>,
}

/// The words of one phrase, as they stand in its file.
pub(super) struct Words<'a> {
    pub(super) any: &'a [String],
    pub(super) all: &'a [String],
    pub(super) none: &'a [String],
    /// Lists of words of each of which one must occur.
    pub(super) needs: Vec<Vec<String>>,
    /// Whose it is; words may be left out only by a provider's own phrase.
    pub(super) provider: Option<ProviderId>,
}

/// What stands in one text.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// The phrases that an anchor speaks for, each with the place of that anchor; by phrase.
    spoken: Vec<Found>,
    /// A bit for each anchor that some condition asks for: whether it occurs.
    occurring: Box<[u64]>,
    provider: Option<u32>,
    blocklist: Option<u32>,
    speaks_of_waiting: bool,
}

/// A phrase that was found, and where in the gist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The phrase's place in the catalogue.
    pub phrase: u32,
    /// First byte.
    pub start: u32,
    /// Byte behind the last.
    pub end: u32,
}

impl Found {
    /// Bytes that it covers.
    fn length(&self) -> u32 {
        self.end - self.start
    }
}

impl Matcher {
    /// Files the anchors of all phrases, providers, blocklists and waits. The words of `patterns` are known beside theirs.
    pub(super) fn new<'a>(
        phrases: &[Words<'_>],
        providers: impl Iterator<Item = &'a [String]>,
        blocklists: impl Iterator<Item = &'a [String]>,
        waits: impl Iterator<Item = &'a [String]>,
        patterns: impl Iterator<Item = &'a str>,
    ) -> Self {
        let words = phrases.iter().map(|words| words.any.len() + 2).sum();
        let mut anchors = Anchors { ids: HashMap::with_capacity_and_hasher(words, QuickHash), ..Anchors::default() };
        let conditions = phrases
            .iter()
            .enumerate()
            .map(|(at, words)| {
                words.any.iter().for_each(|word| anchors.add_owner(word, Owner::Phrase(at as u32)));
                let each = |words: &[String], anchors: &mut Anchors| -> Vec<u32> {
                    words.iter().map(|word| anchors.bit(vec![word.clone()])).collect()
                };
                let mut all = each(words.all, &mut anchors);
                all.extend(words.needs.iter().map(|list| anchors.bit(list.clone())));
                Conditions { all: all.into(), none: each(words.none, &mut anchors).into() }
            })
            .collect();
        for (at, words) in providers.enumerate() {
            words.iter().for_each(|word| anchors.add_owner(word, Owner::Provider(at as u32)));
        }
        for (at, words) in blocklists.enumerate() {
            words.iter().for_each(|word| anchors.add_owner(word, Owner::Blocklist(at as u32)));
        }
        waits.flatten().for_each(|word| anchors.add_owner(word, Owner::Wait));
        let mut wordless: HashMap<ProviderId, Vec<u32>> = HashMap::new();
        for (at, words) in phrases.iter().enumerate().filter(|(_, words)| words.any.is_empty()) {
            wordless.entry(words.provider.unwrap_or(ProviderId::NONE)).or_default().push(at as u32);
        }
        let mut lists: Vec<(Vec<String>, u32)> = anchors.lists.drain().collect();
        lists.sort_unstable_by_key(|(_, bit)| *bit);
        let mut bits: Vec<(u32, u32)> = Vec::new();
        for (list, bit) in &lists {
            bits.extend(list.iter().map(|word| (anchors.id(word), *bit)));
        }
        bits.sort_unstable();
        anchors.owners.sort_by_key(|(anchor, _)| *anchor);
        let count = anchors.written.len();
        let owned = starts(count, anchors.owners.iter().map(|(anchor, _)| *anchor));
        let asked = starts(count, bits.iter().map(|(anchor, _)| *anchor));
        Self {
            vocabulary: Vocabulary::new(anchors.written.iter().map(|anchor| anchor.text.as_str()), patterns),
            index: Index::new(&anchors.written),
            owned,
            asked,
            bits: bits.into_iter().map(|(_, bit)| bit).collect(),
            conditions_asked: lists.len(),
            owners: anchors.owners.into_iter().map(|(_, owner)| owner).collect(),
            conditions,
            wordless,
        }
    }

    /// Appends the gist of `folded` to `out`.
    pub(super) fn write_gist(&self, folded: &str, out: &mut String) {
        self.vocabulary.write(folded, out);
    }

    /// The gist of `folded`, and where its parts stood.
    pub(super) fn gist_with_origin(&self, folded: &str) -> (String, Origin) {
        let mut gist = String::with_capacity(folded.len());
        let origin = self.vocabulary.write_with_origin(folded, &mut gist);
        (gist, origin)
    }

    /// Finds what stands in a gist.
    pub(super) fn scan(&self, gist: &str) -> Scan {
        let mut scan = Scan {
            spoken: Vec::with_capacity(MOST_SPOKEN),
            occurring: vec![0; self.conditions_asked.div_ceil(64)].into(),
            ..Scan::default()
        };
        let (mut provider, mut blocklist) = (None, None);
        self.index.find(gist, &mut |hit: Hit| {
            let at = hit.anchor as usize;
            for bit in &self.bits[self.asked[at] as usize..self.asked[at + 1] as usize] {
                scan.occurring[(bit / 64) as usize] |= 1 << (bit % 64);
            }
            for owner in &self.owners[self.owned[at] as usize..self.owned[at + 1] as usize] {
                // Of several wordings the longest tells most; of equally long ones the first in the files.
                let told = |id: u32| Some((hit.end - hit.start, Reverse(id)));
                match *owner {
                    Owner::Phrase(phrase) => scan.spoken.push(Found { phrase, start: hit.start, end: hit.end }),
                    Owner::Provider(id) => provider = provider.max(told(id)),
                    Owner::Blocklist(id) => blocklist = blocklist.max(told(id)),
                    Owner::Wait => scan.speaks_of_waiting = true,
                }
            }
        });
        scan.provider = provider.map(|(_, Reverse(id))| id);
        scan.blocklist = blocklist.map(|(_, Reverse(id))| id);
        scan.spoken.sort_unstable_by_key(|found| (found.phrase, found.start, found.end));
        scan
    }

    /// The phrases of `scan` whose conditions all hold, each once, by their place in the catalogue. `allows` says whether a
    /// phrase's other conditions hold. A match that lies within a longer match of a phrase that says something else does not
    /// count.
    pub(super) fn find(
        &self,
        phrases: &[Phrase],
        (gist, scan): (&str, &Scan),
        provider: Option<ProviderId>,
        allows: impl Fn(&Phrase) -> bool,
    ) -> Vec<Found> {
        let mut found = Vec::with_capacity(scan.spoken.len() + 4);
        for spoken in scan.spoken.chunk_by(|a, b| a.phrase == b.phrase) {
            let at = spoken[0].phrase as usize;
            let (phrase, conditions) = (&phrases[at], &self.conditions[at]);
            if !conditions.hold(scan) || !allows(phrase) {
                continue;
            }
            match &phrase.pattern {
                Some(pattern) => found.extend(pattern.find(gist).map(|(start, end)| Found {
                    phrase: at as u32,
                    start: start as u32,
                    end: end as u32,
                })),
                None => found.extend_from_slice(spoken),
            }
        }
        let by_codes = provider.and_then(|provider| self.wordless.get(&provider)).into_iter().flatten();
        for &at in by_codes {
            let (phrase, conditions) = (&phrases[at as usize], &self.conditions[at as usize]);
            if conditions.hold(scan) && allows(phrase) {
                found.push(Found { phrase: at, start: 0, end: 0 });
            }
        }
        drop_hidden(phrases, &mut found);
        longest_of_each_phrase(&mut found);
        found
    }
}

impl Conditions {
    #[inline]
    fn hold(&self, scan: &Scan) -> bool {
        let occurs = |bit: &u32| scan.occurring[(bit / 64) as usize] & 1 << (bit % 64) != 0;
        self.all.iter().all(occurs) && !self.none.iter().any(occurs)
    }
}

impl Scan {
    /// The phrases of which an anchor occurs, by their places in the catalogue, each once.
    pub(super) fn phrases(&self) -> impl Iterator<Item = u32> {
        self.spoken.chunk_by(|a, b| a.phrase == b.phrase).map(|spoken| spoken[0].phrase)
    }

    /// The provider that the words name, by its place in the catalogue.
    pub(super) fn provider(&self) -> Option<usize> {
        self.provider.map(|at| at as usize)
    }

    /// Whether there are words that may lead to a time for the next try.
    pub fn speaks_of_waiting(&self) -> bool {
        self.speaks_of_waiting
    }

    /// The blocklist that the words name, by its place in the catalogue.
    pub fn blocklist(&self) -> Option<usize> {
        self.blocklist.map(|at| at as usize)
    }
}

/// Anchors while they are collected: each way of writing one stands once.
#[derive(Default)]
struct Anchors {
    /// By a hash of how each is written; where two have the same, the later one stands behind the next number that is free.
    ids: HashMap<u64, u32, QuickHash>,
    written: Vec<Written>,
    owners: Vec<(u32, Owner)>,
    /// The lists that conditions ask for, each with its bit.
    lists: HashMap<Vec<String>, u32, QuickHash>,
}

impl Anchors {
    fn id(&mut self, word: &str) -> u32 {
        let written = Written {
            text: fold(word.trim_matches('*')).into_owned(),
            open_start: word.starts_with('*'),
            open_end: word.ends_with('*'),
        };
        let seed = u64::from(written.open_start) << 1 | u64::from(written.open_end);
        let mut key = xxh3_64_with_seed(written.text.as_bytes(), seed);
        loop {
            match self.ids.entry(key) {
                Entry::Occupied(id) if self.written[*id.get() as usize] == written => return *id.get(),
                Entry::Occupied(_) => key = key.wrapping_add(1),
                Entry::Vacant(free) => {
                    self.written.push(written);
                    return *free.insert(self.written.len() as u32 - 1);
                }
            }
        }
    }

    /// The bit that says whether any of these words occurs; equal lists have one.
    fn bit(&mut self, list: Vec<String>) -> u32 {
        let next = self.lists.len() as u32;
        *self.lists.entry(list).or_insert(next)
    }

    fn add_owner(&mut self, word: &str, owner: Owner) {
        let id = self.id(word);
        self.owners.push((id, owner));
    }
}

/// For sorted `ids` below `count`: where those of each begin, and where the last ones end.
fn starts(count: usize, ids: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut starts = vec![0u32; count + 1];
    for id in ids {
        starts[id as usize + 1] += 1;
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    starts
}

/// Drops every match that lies within a longer one of a phrase that says something else.
fn drop_hidden(phrases: &[Phrase], found: &mut Vec<Found>) {
    // What a provider says of its own goes before general words anyway; it need not hide them.
    let hides = |other: &Found, one: &Found| {
        is_within(one, other) && {
            let (other, one) = (&phrases[other.phrase as usize], &phrases[one.phrase as usize]);
            other.says != one.says && (other.provider.is_none() || one.provider.is_some())
        }
    };
    // By their beginnings, so that only neighbours are compared: texts may be long, matches are short.
    found.sort_unstable_by_key(|found| (found.start, Reverse(found.end), found.phrase));
    let longest = found.iter().map(Found::length).max().unwrap_or(0);
    let is_hidden: Vec<bool> = (0..found.len())
        .map(|at| {
            let one = &found[at];
            let before = found[..at].iter().rev().take_while(|other| other.start + longest >= one.end);
            before.into_iter().any(|other| hides(other, one))
        })
        .collect();
    let mut is_hidden = is_hidden.into_iter();
    found.retain(|_| !is_hidden.next().unwrap_or(false));
}

/// Whether `one` lies within the longer match `other`.
fn is_within(one: &Found, other: &Found) -> bool {
    other.start <= one.start && one.end <= other.end && other.length() > one.length()
}

/// A phrase counts once, however often it occurs; its longest match is shown, of equally long ones the first.
fn longest_of_each_phrase(found: &mut Vec<Found>) {
    found.sort_unstable_by_key(|found| (found.phrase, Reverse(found.length()), found.start));
    found.dedup_by_key(|found| found.phrase);
}
