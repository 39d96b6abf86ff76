//! A phrase's regular expression: compiled when a text first needs it, and told apart beforehand from texts that cannot match.
//!
//! Of several hundred patterns a server meets some dozen, and compiling one takes a hundred times as long as reading its table.
//! What a pattern cannot do without ([`Pattern::needs`]) is looked for together with all other words, so that the expression
//! itself runs only where it will probably match.

use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::{
    ParserBuilder,
    hir::{Class, Hir, HirKind, Look},
};

/// A regular expression over folded text.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    source: String,
    compiled: OnceLock<Option<Regex>>,
}

/// Stands in for a word boundary while a pattern is taken apart; no folded text holds it.
const BOUNDARY: char = '\u{1}';

/// More ways of writing one stretch than this are not written out.
const MOST_WAYS: usize = 128;

/// More ways of writing than this, of all alternatives together, are too many to look for.
const MOST_WORDS: usize = 1024;

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
        let outwards = |mut at: usize, step: fn(usize) -> usize| {
            while !folded.is_char_boundary(at) {
                at = step(at);
            }
            at
        };
        Some((outwards(found.start(), |at| at - 1), outwards(found.end(), |at| at + 1)))
    }

    /// Lists of words, written as phrases write them, of each of which one stands in every text that `source` matches.
    ///
    /// # Errors
    /// What is wrong with `source`, if it is no regular expression.
    pub(super) fn needs(source: &str) -> Result<Vec<Vec<String>>, String> {
        let unicode = !source.is_ascii();
        let parsed = ParserBuilder::new().unicode(unicode).utf8(unicode).build().parse(source);
        parsed.map(|hir| needs(&hir)).map_err(|error| error.to_string())
    }
}

fn needs(hir: &Hir) -> Vec<Vec<String>> {
    match hir.kind() {
        HirKind::Capture(capture) => needs(&capture.sub),
        HirKind::Alternation(ways) => {
            // Whichever way it matches, one of that way's words is there; so one of all ways' words is.
            let mut either = Vec::new();
            for way in ways {
                let Some(first) = needs(way).into_iter().next() else { return Vec::new() };
                either.extend(first);
            }
            if either.len() > MOST_WORDS { Vec::new() } else { vec![either] }
        }
        HirKind::Concat(parts) => {
            let mut lists = runs(parts);
            // What holds the longest words rules out most texts.
            lists.sort_by_key(|list| std::cmp::Reverse(list.iter().map(String::len).min()));
            lists.truncate(2);
            lists
        }
        _ => runs(std::slice::from_ref(hir)),
    }
}

/// The stretches of a sequence that can be written in few ways, each with all its ways.
fn runs(parts: &[Hir]) -> Vec<Vec<String>> {
    let mut lists = Vec::new();
    let mut run = vec![String::new()];
    for part in parts {
        match ways(part) {
            Some(ways) if run.len() * ways.len() <= MOST_WAYS => {
                run = run.iter().flat_map(|before| ways.iter().map(move |way| format!("{before}{way}"))).collect();
            }
            other => {
                lists.extend(as_words(&run));
                run = other.filter(|ways| ways.len() <= MOST_WAYS).unwrap_or_else(|| vec![String::new()]);
            }
        }
    }
    lists.extend(as_words(&run));
    lists
}

/// Every text that `hir` matches, if they are few.
fn ways(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Empty => Some(vec![String::new()]),
        HirKind::Literal(literal) => Some(vec![std::str::from_utf8(&literal.0).ok()?.to_owned()]),
        HirKind::Look(Look::WordAscii | Look::WordUnicode | Look::Start | Look::End) => {
            Some(vec![BOUNDARY.to_string()])
        }
        HirKind::Look(_) => None,
        HirKind::Capture(capture) => ways(&capture.sub),
        HirKind::Class(class) => {
            let ranges: Vec<(u32, u32)> = match class {
                Class::Unicode(class) => class.iter().map(|r| (r.start().into(), r.end().into())).collect(),
                Class::Bytes(class) => class.iter().map(|r| (r.start().into(), r.end().into())).collect(),
            };
            let size: u32 = ranges.iter().map(|(from, to)| to - from + 1).sum();
            (size <= 4).then(|| ranges.into_iter().flat_map(|(from, to)| from..=to))?.map(as_text).collect()
        }
        HirKind::Repetition(repeated) => match (repeated.min, repeated.max) {
            (0, Some(1)) => {
                let mut ways = ways(&repeated.sub)?;
                ways.push(String::new());
                Some(ways)
            }
            (1, Some(1)) => ways(&repeated.sub),
            _ => None,
        },
        HirKind::Concat(parts) => parts.iter().try_fold(vec![String::new()], |run, part| {
            let ways = ways(part)?;
            let few = run.len() * ways.len() <= MOST_WAYS;
            few.then(|| run.iter().flat_map(|before| ways.iter().map(move |way| format!("{before}{way}"))).collect())
        }),
        HirKind::Alternation(alternatives) => {
            let mut all = Vec::new();
            for alternative in alternatives {
                all.extend(ways(alternative)?);
            }
            (all.len() <= MOST_WAYS).then_some(all)
        }
    }
}

fn as_text(scalar: u32) -> Option<String> {
    char::from_u32(scalar).map(String::from)
}

/// The ways of writing a stretch as a phrase's words: open where a word may go on. `None` where one way is next to nothing, and
/// so may stand anywhere, or may begin within a word, which is costly to look for.
fn as_words(ways: &[String]) -> Option<Vec<String>> {
    let word = |way: &String| {
        let is_closed = |edge: Option<char>| edge.is_some_and(|c| c == BOUNDARY || !c.is_alphanumeric());
        let (start, end) = (is_closed(way.chars().next()), is_closed(way.chars().next_back()));
        let bare: String = way.chars().filter(|c| *c != BOUNDARY).collect();
        let bare = bare.trim_matches(' ');
        let tells = start
            && bare.chars().filter(|c| c.is_alphanumeric()).count() >= if end { 2 } else { 3 }
            && !bare.contains('*');
        tells.then(|| if end { bare.to_owned() } else { format!("{bare}*") })
    };
    let mut words = ways.iter().map(word).collect::<Option<Vec<String>>>()?;
    words.sort();
    words.dedup();
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_tells_what_it_cannot_do_without() {
        for (pattern, expected) in [
            (r"\b(?:user|mailbox)\b.{0,70}\bnot found\b", vec![vec!["not found"], vec!["mailbox", "user"]]),
            (r"\bexceed\w*", vec![vec!["exceed*"]]),
            (r"(?:^|[ (])dy-001\b", vec![vec!["(dy-001", "dy-001"]]),
            (r"\bfull\b|\bover quota\b", vec![vec!["full", "over quota"]]),
            (r"\bknown? user\b", vec![vec!["know user", "known user"]]),
            (r"\S+@\S+", vec![]),
            (r"\bfull\b|\S+", vec![]),
        ] {
            assert_eq!(Pattern::needs(pattern).unwrap(), expected, "{pattern}");
        }
        assert!(Pattern::needs("(").is_err());
    }

    #[test]
    fn a_match_ends_where_characters_do() {
        let pattern = Pattern::new(r"user .{0,3}".to_owned());
        let (start, end) = pattern.find("der user größe").unwrap();
        assert_eq!(&"der user größe"[start..end], "user grö");
    }
}
