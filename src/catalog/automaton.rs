//! Finds many texts in one pass, with an automaton that is built when a text is first searched: most starts never need it, and
//! building takes longer than loading what it is made of.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, Match};

/// Texts to be found wherever they stand, also within words.
#[derive(Debug, Default)]
pub(super) struct Automaton {
    texts: Vec<String>,
    built: OnceLock<Option<AhoCorasick>>,
}

impl Automaton {
    pub(super) fn new(texts: Vec<String>) -> Self {
        Self { texts, built: OnceLock::new() }
    }

    /// Whether any text is written in ASCII alone, and so may stand in a text that is.
    pub(super) fn has_ascii(&self) -> bool {
        self.texts.iter().any(|text| text.is_ascii())
    }

    /// Every place of every text in `searched`, also where they overlap.
    pub(super) fn find<'a>(&'a self, searched: &'a str) -> impl Iterator<Item = Match> + 'a {
        // It fails only for more texts than 32 bits can number, which no catalogue file can hold.
        let built = self.built.get_or_init(|| AhoCorasick::builder().build(&self.texts).ok());
        built.iter().flat_map(move |automaton| automaton.find_overlapping_iter(searched))
    }
}
