//! A phrase's regular expression: compiled when a text first needs it, and told apart beforehand from texts that cannot match.
//!
//! Of several hundred patterns a server meets some dozen, and compiling one takes a hundred times as long as reading its table.
//! What a pattern cannot do without (`needs.rs`) is looked for together with all other words, so that the expression
//! itself runs only where it will probably match.

use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder};

/// A regular expression over folded text.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    source: String,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    pub(super) fn new(source: String) -> Self {
        Self { source, compiled: OnceLock::new() }
    }

    /// First byte of the first match and byte behind its last, on borders of characters.
    pub(super) fn find(&self, folded: &str) -> Option<(usize, usize)> {
        let compiled = self.compiled.get_or_init(|| {
            // Classes of all of Unicode make an expression ten times larger; most patterns are written in ASCII.
            RegexBuilder::new(&self.source).unicode(!self.source.is_ascii()).build().ok()
        });
        let found = compiled.as_ref()?.find(folded.as_bytes())?;
        Some((folded.floor_char_boundary(found.start()), folded.ceil_char_boundary(found.end())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_ends_where_characters_do() {
        let pattern = Pattern::new(r"user .{0,3}".to_owned());
        let (start, end) = pattern.find("der user größe").unwrap();
        assert_eq!(&"der user größe"[start..end], "user grö");
    }
}
