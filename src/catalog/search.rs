//! Finds codes by words of their texts, in every language of the catalogue at once: `mailbox full`, `postfach voll`.

use super::{Catalog, Code, CodeKind, CodeQuery, CodeStatus, Text, fold, view::CodeView};

/// The folded texts of every listed code.
#[derive(Debug)]
pub(super) struct Index {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    query: CodeQuery,
    code: String,
    class: u8,
    kind: CodeKind,
    /// Folded texts, the telling ones first, each with what a find in it is worth.
    fields: Vec<(u32, String)>,
}

/// What a list of codes is restricted to.
#[derive(Clone, Debug, Default)]
pub struct CodeFilter {
    /// The first digit.
    pub class: Option<u8>,
    /// What kind of number.
    pub kind: Option<CodeKind>,
    /// Words, all of which must occur; each may be the beginning of a longer one.
    pub words: Option<String>,
}

impl Catalog {
    /// The codes that pass `filter`: without words in numerical order, with words the best first.
    pub fn find_codes(&self, filter: &CodeFilter, language: &str) -> Vec<CodeView<'_>> {
        let index = self.index.get_or_init(|| Index::new(self));
        let entries = index.entries.iter().filter(|entry| {
            filter.class.is_none_or(|class| entry.class == class) && filter.kind.is_none_or(|kind| entry.kind == kind)
        });
        let entries: Vec<&Entry> = match filter.words.as_deref().map(str::trim).filter(|words| !words.is_empty()) {
            None => entries.collect(),
            Some(words) => {
                let entries: Vec<&Entry> = entries.collect();
                let found = ranked(&entries, &fold(words));
                // `ueberfuellt` for `überfüllt`, where a keyboard has no umlauts.
                if found.is_empty() { ranked(&entries, &without_transcribed_umlauts(&fold(words))) } else { found }
            }
        };
        entries.into_iter().filter_map(|entry| self.look_up(entry.query, language).ok()).collect()
    }
}

impl Index {
    fn new(catalog: &Catalog) -> Self {
        let entries = catalog.listed().map(|(query, code)| Entry::new(catalog, query, code)).collect();
        Self { entries }
    }
}

impl Entry {
    fn new(catalog: &Catalog, query: CodeQuery, code: &Code) -> Self {
        let (written, class, kind) = match query {
            CodeQuery::Reply(reply) => (reply.to_string(), reply.class(), CodeKind::Reply),
            CodeQuery::Enhanced(enhanced) | CodeQuery::Pair(_, enhanced) => {
                (enhanced.to_string(), enhanced.class(), CodeKind::Enhanced)
            }
            CodeQuery::ReplyClass(digit) | CodeQuery::EnhancedClass(digit) => (String::new(), digit, CodeKind::Reply),
        };
        let join = |texts: &mut dyn Iterator<Item = &str>| fold(&texts.collect::<Vec<_>>().join(" ")).into_owned();
        let category = code.category.as_deref().and_then(|id| catalog.category_named(id));
        let optional = [&code.standard, &code.note, &code.nature];
        let mut fields = vec![
            (12, join(&mut code.name.all())),
            (6, join(&mut code.standard_text.iter().map(String::as_str))),
            (5, join(&mut category.iter().flat_map(|category| category.name.all().chain([category.id.as_str()])))),
            (4, join(&mut code.meaning.all())),
            (2, join(&mut optional.into_iter().flatten().flat_map(Text::all))),
            (2, join(&mut code.observed.iter().flat_map(|observed| observed.meaning.all()))),
            (1, join(&mut code.causes.all())),
            (1, join(&mut code.remedies.all())),
        ];
        fields.retain(|(_, text)| !text.is_empty());
        let kind = if code.status == CodeStatus::Vendor { CodeKind::Provider } else { kind };
        Self { query, code: written, class, kind, fields }
    }

    /// What finding all `words` here is worth; `None` where one is missing.
    fn score(&self, words: &[&str]) -> Option<u32> {
        words.iter().map(|word| self.score_of(word)).sum()
    }

    fn score_of(&self, word: &str) -> Option<u32> {
        if self.code == word {
            return Some(100);
        }
        self.fields
            .iter()
            .filter(|(_, text)| begins_a_word(text, word))
            .map(|(worth, _)| *worth)
            .reduce(|sum, worth| sum + worth)
    }
}

fn ranked<'e>(entries: &[&'e Entry], folded: &str) -> Vec<&'e Entry> {
    let words: Vec<&str> =
        folded.split(|c: char| !(c.is_alphanumeric() || c == '.')).filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<(u32, &Entry)> =
        entries.iter().filter_map(|entry| Some((entry.score(&words)?, *entry))).collect();
    // The sort is stable: equally good ones stay in numerical order.
    found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    found.into_iter().map(|(_, entry)| entry).collect()
}

fn begins_a_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| !text[..at].ends_with(char::is_alphanumeric))
}

fn without_transcribed_umlauts(words: &str) -> String {
    words.replace("ae", "a").replace("oe", "o").replace("ue", "u")
}
