//! What a regular expression cannot do without: lists of words of each of which one stands in every text that it matches.
//!
//! `build.rs` includes this file too, so that no start has to take the built-in patterns apart.

use regex_syntax::{
    ParserBuilder,
    hir::{Class, Hir, HirKind, Look},
};

/// Stands in for a word boundary while a pattern is taken apart; no folded text holds it.
const BOUNDARY: char = '\u{1}';
const BOUNDARY_TEXT: &str = "\u{1}";

/// More ways of writing one stretch than this are not written out.
const MOST_WAYS: usize = 128;

/// More ways of writing than this, of all alternatives together, are too many to look for.
const MOST_WORDS: usize = 1024;

/// The lists for `pattern`, each word as phrases write it (`exceed*`).
///
/// # Errors
/// What is wrong with `pattern`, if it is no regular expression.
pub(super) fn of(pattern: &str) -> Result<Vec<Vec<String>>, String> {
    let unicode = !pattern.is_ascii();
    let parsed = ParserBuilder::new().unicode(unicode).utf8(unicode).build().parse(pattern);
    parsed.map(|hir| needs(&hir, "")).map_err(|error| error.to_string())
}

/// `before` is what is known of the place where `hir` begins: a boundary, or nothing.
fn needs(hir: &Hir, before: &str) -> Vec<Vec<String>> {
    match hir.kind() {
        HirKind::Capture(capture) => needs(&capture.sub, before),
        HirKind::Repetition(repeated) if repeated.min > 0 => needs(&repeated.sub, before),
        HirKind::Alternation(ways) => {
            // Whichever way it matches, one of that way's words is there; so one of all ways' words is.
            let mut either = Vec::new();
            for way in ways {
                let Some(first) = needs(way, before).into_iter().next() else { return Vec::new() };
                either.extend(first);
            }
            if either.len() > MOST_WORDS { Vec::new() } else { vec![either] }
        }
        HirKind::Concat(parts) => {
            let mut lists = runs(parts, before);
            // What holds the longest words rules out most texts.
            lists.sort_by_key(|list| std::cmp::Reverse(list.iter().map(String::len).min()));
            lists.truncate(2);
            lists
        }
        _ => runs(std::slice::from_ref(hir), before),
    }
}

/// The stretches of a sequence that can be written in few ways, each with all its ways, and what its other parts need.
fn runs(parts: &[Hir], before: &str) -> Vec<Vec<String>> {
    let mut lists = Vec::new();
    let mut run = vec![before.to_owned()];
    for part in parts {
        match ways(part) {
            Some(ways) if run.len() * ways.len() <= MOST_WAYS => {
                run = run.iter().flat_map(|before| ways.iter().map(move |way| format!("{before}{way}"))).collect();
            }
            known => {
                let is_boundary = |way: &String| way.ends_with(|c: char| !c.is_alphanumeric());
                let before = if run.iter().all(is_boundary) { BOUNDARY_TEXT } else { "" };
                lists.extend(as_words(&run));
                if known.is_none() && has_inside(part) {
                    lists.extend(needs(part, before).into_iter().filter(|list| !list.is_empty()));
                }
                run = match known {
                    Some(ways) if ways.len() <= MOST_WAYS => ways.iter().map(|way| format!("{before}{way}")).collect(),
                    _ => vec![String::new()],
                };
            }
        }
    }
    lists.extend(as_words(&run));
    lists
}

/// Whether there is something within `part` that every match of it holds.
fn has_inside(part: &Hir) -> bool {
    match part.kind() {
        HirKind::Capture(_) | HirKind::Concat(_) | HirKind::Alternation(_) => true,
        HirKind::Repetition(repeated) => repeated.min > 0 && has_inside(&repeated.sub),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => false,
    }
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
    use super::of;

    #[test]
    fn a_pattern_tells_what_it_cannot_do_without() {
        for (pattern, expected) in [
            (r"\b(?:user|mailbox)\b.{0,70}\bnot found\b", vec![vec!["not found"], vec!["mailbox", "user"]]),
            (r"\bexceed\w*", vec![vec!["exceed*"]]),
            (r"(?:^|[ (])dy-001\b", vec![vec!["(dy-001", "dy-001"]]),
            (r"\bfull\b|\bover quota\b", vec![vec!["full", "over quota"]]),
            (r"\bknown? user\b", vec![vec!["know user", "known user"]]),
            (r"\buser\b.*\bgone away\b|\bbox\b.*\bshut\b", vec![vec!["gone away", "shut"]]),
            (r"\b(?:[a-z]+ (?:full|empty)|quota)\b", vec![vec!["empty*", "full*", "quota*"]]),
            (r"\S+@\S+", vec![]),
            (r"\bfull\b|\S+", vec![]),
        ] {
            assert_eq!(of(pattern).unwrap(), expected, "{pattern}");
        }
        assert!(of("(").is_err());
    }
}
