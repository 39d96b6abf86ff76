//! Words with values, found anywhere in a text or at its start, on word boundaries.

use aho_corasick::{AhoCorasick, Anchored, Input, MatchKind, StartKind};

use crate::catalog::fold::{fold, is_word_boundary};

/// Words, each with a value; `*` at an end lets the word go on.
#[derive(Debug)]
pub(super) struct WordSet {
    automaton: AhoCorasick,
    words: Vec<Word>,
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
    pub(super) fn new<'w>(
        words: impl Iterator<Item = (u32, &'w Vec<String>)>,
        find: Find,
    ) -> Result<Self, aho_corasick::BuildError> {
        let (mut texts, mut known) = (Vec::new(), Vec::new());
        for (value, written) in words.flat_map(|(value, words)| words.iter().map(move |word| (value, word))) {
            texts.push(fold(written.trim_matches('*')).into_owned());
            known.push(Word { value, open_start: written.starts_with('*'), open_end: written.ends_with('*') });
        }
        let mut builder = AhoCorasick::builder();
        match find {
            Find::Anywhere => builder.match_kind(MatchKind::Standard).start_kind(StartKind::Unanchored),
            Find::AtStart => builder.match_kind(MatchKind::LeftmostLongest).start_kind(StartKind::Anchored),
        };
        Ok(Self { automaton: builder.build(&texts)?, words: known })
    }

    pub(super) fn hits<'t>(&'t self, text: &'t str) -> impl Iterator<Item = Hit> + 't {
        self.automaton.find_overlapping_iter(text).filter_map(|found| self.hit(text, &found))
    }

    /// The value of the longest word at the start of `text`, and its length.
    pub(super) fn at_start(&self, text: &str) -> Option<(u32, usize)> {
        let found = self.automaton.find(Input::new(text).anchored(Anchored::Yes))?;
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
