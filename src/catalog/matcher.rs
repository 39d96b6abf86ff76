//! Finds every phrase in a text at once.
//!
//! All words of all phrases stand in one Aho-Corasick automaton that runs over the folded text once; only a phrase of which a
//! word was found is looked at, and only then is its regular expression tried, if it has one. The cost grows with the text and
//! with what is found in it, not with the number of phrases.

use aho_corasick::{AhoCorasick, MatchKind};

use super::{
    fold::{fold, is_word_boundary},
    phrase::Phrase,
};

/// The automaton and what its words belong to.
#[derive(Debug)]
pub(super) struct Matcher {
    automaton: AhoCorasick,
    words: Vec<Word>,
    /// For each phrase: the words of which one, all and none must occur.
    conditions: Vec<Conditions>,
    /// Phrases that need no word: codes decide alone.
    wordless: Vec<u32>,
}

/// One word of the automaton.
#[derive(Debug)]
struct Word {
    /// Whether a letter may stand right before it (`*spam`).
    open_start: bool,
    /// Whether a letter may follow at once (`spam*`).
    open_end: bool,
    /// The phrases of which finding it makes a candidate.
    starts: Vec<u32>,
}

#[derive(Debug, Default)]
struct Conditions {
    any: Vec<u32>,
    all: Vec<u32>,
    none: Vec<u32>,
}

/// The words of one phrase, as they stand in its file.
pub(super) struct Words<'a> {
    pub(super) any: &'a [String],
    pub(super) all: &'a [String],
    pub(super) none: &'a [String],
}

/// A phrase that was found, and where in the folded text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The phrase's place in the catalogue.
    pub phrase: usize,
    /// First byte.
    pub start: usize,
    /// Byte behind the last.
    pub end: usize,
}

/// A word found at a place.
#[derive(Clone, Copy)]
struct Hit {
    word: u32,
    start: usize,
    end: usize,
}

impl Matcher {
    /// Compiles the words of all phrases.
    ///
    /// # Errors
    /// When they are more than the automaton can hold.
    pub(super) fn new(phrases: &[Words<'_>]) -> Result<Self, aho_corasick::BuildError> {
        let mut texts: Vec<String> = Vec::new();
        let mut words: Vec<Word> = Vec::new();
        let mut known = std::collections::HashMap::new();
        let mut intern = |written: &str, phrase: Option<usize>| {
            let (open_start, open_end) = (written.starts_with('*'), written.ends_with('*'));
            let text = fold(written.trim_matches('*')).into_owned();
            let id = *known.entry((text.clone(), open_start, open_end)).or_insert_with(|| {
                texts.push(text);
                words.push(Word { open_start, open_end, starts: Vec::new() });
                words.len() - 1
            });
            if let Some(phrase) = phrase {
                words[id].starts.push(phrase as u32);
            }
            id as u32
        };
        let conditions = phrases
            .iter()
            .enumerate()
            .map(|(phrase, words)| Conditions {
                any: words.any.iter().map(|word| intern(word, Some(phrase))).collect(),
                all: words.all.iter().map(|word| intern(word, None)).collect(),
                none: words.none.iter().map(|word| intern(word, None)).collect(),
            })
            .collect();
        let wordless =
            phrases.iter().enumerate().filter(|(_, words)| words.any.is_empty()).map(|(at, _)| at as u32).collect();
        let automaton = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&texts)?;
        Ok(Self { automaton, words, conditions, wordless })
    }

    /// Every phrase whose words stand in `folded`. `allows` says whether a phrase's other conditions hold. A match that lies
    /// within a longer match of a phrase that says something else does not count.
    pub(super) fn find(&self, phrases: &[Phrase], folded: &str, allows: impl Fn(&Phrase) -> bool) -> Vec<Found> {
        let hits: Vec<Hit> = self.hits(folded).collect();
        let mut candidates: Vec<u32> =
            hits.iter().flat_map(|hit| &self.words[hit.word as usize].starts).chain(&self.wordless).copied().collect();
        candidates.sort_unstable();
        candidates.dedup();
        let mut found = Vec::with_capacity(candidates.len());
        for candidate in candidates {
            let phrase = &phrases[candidate as usize];
            if !allows(phrase) {
                continue;
            }
            let conditions = &self.conditions[candidate as usize];
            let occurs = |word: &u32| hits.iter().any(|hit| hit.word == *word);
            if !conditions.all.iter().all(occurs) || conditions.none.iter().any(occurs) {
                continue;
            }
            match &phrase.pattern {
                Some(pattern) => found.extend(pattern.find(folded).map(|m| Found {
                    phrase: candidate as usize,
                    start: m.start(),
                    end: m.end(),
                })),
                None if conditions.any.is_empty() => found.push(Found { phrase: candidate as usize, start: 0, end: 0 }),
                None => found.extend(hits.iter().filter(|hit| conditions.any.contains(&hit.word)).map(|hit| Found {
                    phrase: candidate as usize,
                    start: hit.start,
                    end: hit.end,
                })),
            }
        }
        // What a provider says of its own goes before general words anyway; it need not hide them.
        let hides = |other: &Found, one: &Found| {
            let (other, one) = (&phrases[other.phrase], &phrases[one.phrase]);
            other.says != one.says && (other.provider.is_none() || one.provider.is_some())
        };
        let is_outside = |one: &&Found| !found.iter().any(|other| hides(other, one) && is_within(one, other));
        let outside: Vec<Found> = found.iter().filter(is_outside).copied().collect();
        longest_of_each_phrase(outside)
    }

    /// The owner of the longest word found; of equally long ones the first in the files.
    pub(super) fn longest(&self, folded: &str) -> Option<usize> {
        let first_owner = |hit: &Hit| self.words[hit.word as usize].starts.iter().min().copied();
        self.hits(folded)
            .filter_map(|hit| Some((hit.end - hit.start, std::cmp::Reverse(first_owner(&hit)?))))
            .max()
            .map(|(_, owner)| owner.0 as usize)
    }

    fn hits<'t>(&'t self, folded: &'t str) -> impl Iterator<Item = Hit> + 't {
        self.automaton.find_overlapping_iter(folded).filter_map(move |found| {
            let word = &self.words[found.pattern().as_usize()];
            let (start, end) = (found.start(), found.end());
            let starts = word.open_start || is_boundary(folded, start);
            let ends = word.open_end || is_boundary(folded, end);
            (starts && ends).then(|| Hit { word: found.pattern().as_u32(), start, end })
        })
    }
}

fn is_boundary(text: &str, at: usize) -> bool {
    is_word_boundary(text[..at].chars().next_back(), text[at..].chars().next())
}

/// Whether `one` lies within the longer match `other`.
fn is_within(one: &Found, other: &Found) -> bool {
    other.start <= one.start && one.end <= other.end && other.end - other.start > one.end - one.start
}

/// A phrase counts once, however often it occurs; its longest match is shown.
fn longest_of_each_phrase(found: Vec<Found>) -> Vec<Found> {
    let mut longest: Vec<Found> = Vec::with_capacity(found.len());
    for one in found {
        match longest.last_mut().filter(|last| last.phrase == one.phrase) {
            Some(last) if one.end - one.start > last.end - last.start => *last = one,
            Some(_) => {}
            None => longest.push(one),
        }
    }
    longest
}
