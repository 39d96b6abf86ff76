//! Words with values, found anywhere in a text or at its start, on word boundaries.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, Anchored, Input, MatchKind, StartKind};

use crate::catalog::fold::{fold, is_word_boundary};

/// Words, each with a value; `*` at an end lets the word go on.
#[derive(Debug)]
pub(super) struct WordSet {
    find: Find,
    texts: Vec<String>,
    words: Vec<Word>,
    /// Built when a reply first speaks of a wait.
    automaton: OnceLock<Option<AhoCorasick>>,
}

#[derive(Debug)]
struct Word {
    value: u32,
    open_start: bool,
    open_end: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub(super) value: u32,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// How a set is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Find {
    /// All words, wherever they stand.
    Anywhere,
    /// The longest word at the start.
    AtStart,
}

impl WordSet {
    pub(super) fn new<'w>(words: impl Iterator<Item = (u32, &'w Vec<String>)>, find: Find) -> Self {
        let (mut texts, mut known) = (Vec::new(), Vec::new());
        for (value, written) in words.flat_map(|(value, words)| words.iter().map(move |word| (value, word))) {
            texts.push(fold(written.trim_matches('*')).into_owned());
            known.push(Word { value, open_start: written.starts_with('*'), open_end: written.ends_with('*') });
        }
        Self { find, texts, words: known, automaton: OnceLock::new() }
    }

    fn automaton(&self) -> Option<&AhoCorasick> {
        let built = self.automaton.get_or_init(|| {
            let mut builder = AhoCorasick::builder();
            match self.find {
                Find::Anywhere => builder.match_kind(MatchKind::Standard).start_kind(StartKind::Unanchored),
                Find::AtStart => builder.match_kind(MatchKind::LeftmostLongest).start_kind(StartKind::Anchored),
            };
            // It fails only for more words than 32 bits can number, which no catalogue file can hold.
            builder.build(&self.texts).ok()
        });
        built.as_ref()
    }

    pub(super) fn hits<'t>(&'t self, text: &'t str) -> impl Iterator<Item = Hit> + 't {
        let found = self.automaton().into_iter().flat_map(move |automaton| automaton.find_overlapping_iter(text));
        found.filter_map(move |found| self.hit(text, &found))
    }

    /// The value of the longest word at the start of `text`, and its length.
    pub(super) fn at_start(&self, text: &str) -> Option<(u32, usize)> {
        let found = self.automaton()?.find(Input::new(text).anchored(Anchored::Yes))?;
        self.hit(text, &found).map(|hit| (hit.value, hit.end))
    }

    fn hit(&self, text: &str, found: &aho_corasick::Match) -> Option<Hit> {
        let word = &self.words[found.pattern().as_usize()];
        let is_boundary = |at: usize| is_word_boundary(text[..at].chars().next_back(), text[at..].chars().next());
        let (start, end) = (found.start(), found.end());
        // `4m59s`: a number may follow a unit at once.
        let ends = word.open_end || is_boundary(end) || text[end..].starts_with(|c: char| c.is_ascii_digit());
        ((word.open_start || is_boundary(start)) && ends).then_some(Hit { value: word.value, start, end })
    }
}
