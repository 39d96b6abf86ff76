//! What those who keep the catalogue want to know besides its faults: where each rule stands, which rules have the same words
//! under the same conditions, which sources nobody cites. A loaded catalogue has forgotten files and lines, so they are read again.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::{
    error::{CatalogError, Fault},
    files::Located,
    fold::fold,
    load::{Draft, draft},
    phrase::PhraseTable,
};

/// The catalogue as its keepers see it.
#[derive(Clone, Debug)]
pub struct Keeping {
    /// Every rule that names a cause, in the order of the files.
    pub rules: Vec<KeptRule>,
    /// Duplicates and sources that nobody cites.
    pub warnings: Vec<Fault>,
}

/// A rule and where it stands.
#[derive(Clone, Debug)]
pub struct KeptRule {
    /// Its id.
    pub id: String,
    /// The file, relative to its catalogue's folder.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The category it leads to.
    pub category: String,
    /// The provider it belongs to.
    pub provider: Option<String>,
    /// Whether its examples may be decided by other rules.
    pub yields: bool,
    /// All its examples.
    pub examples: Vec<String>,
}

impl Keeping {
    /// Reads the built-in catalogue, and `overlay` over it.
    ///
    /// # Errors
    /// When the overlay cannot be read. Faults of the tables are told by [`super::Catalog::load`], not here.
    pub fn read(overlay: Option<&Path>) -> Result<Self, CatalogError> {
        let draft = draft(overlay)?;
        let mut warnings = duplicates(&draft.phrases.tables);
        warnings.extend(unused_sources(&draft));
        let rules = draft.phrases.tables.into_iter().filter_map(kept_rule).collect();
        Ok(Self { rules, warnings })
    }
}

fn kept_rule(located: Located<PhraseTable>) -> Option<KeptRule> {
    let Located { table, file, line } = located;
    Some(KeptRule {
        id: table.id,
        file,
        line,
        category: table.category?,
        provider: table.provider,
        yields: table.yields,
        examples: table.examples,
    })
}

/// Words that stand in two rules under the same conditions: one of the two is needless, or never wins by them.
fn duplicates(phrases: &[Located<PhraseTable>]) -> Vec<Fault> {
    let mut first: BTreeMap<(String, String), &Located<PhraseTable>> = BTreeMap::new();
    let mut warnings = Vec::new();
    for located in phrases {
        let table = &located.table;
        let sorted = |words: &[String]| words.iter().map(|word| folded(word)).collect::<BTreeSet<_>>();
        let conditions = format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            table.effect,
            sorted(&table.all),
            sorted(&table.none),
            table.pattern,
            table.codes,
            table.commands,
            table.provider
        );
        for word in table.any.iter().map(|word| folded(word)).collect::<BTreeSet<_>>() {
            match first.get(&(word.clone(), conditions.clone())) {
                Some(other) => {
                    let (file, line, id) = (&other.file, other.line, &other.table.id);
                    warnings.push(located.fault(format!(
                        "{}: {word:?} stands under the same conditions in {id} ({file}:{line})",
                        table.id
                    )));
                }
                None => {
                    first.insert((word, conditions.clone()), located);
                }
            }
        }
    }
    warnings
}

/// A word as it is compared, with its stars.
fn folded(word: &str) -> String {
    let star = |is_there: bool| if is_there { "*" } else { "" };
    let text = fold(word.trim_matches('*')).into_owned();
    format!("{}{text}{}", star(word.starts_with('*')), star(word.ends_with('*')))
}

fn unused_sources(draft: &Draft) -> Vec<Fault> {
    let mut cited = BTreeSet::new();
    draft.each_citation(|_, citation| {
        cited.insert(citation.source.clone());
    });
    let unused = draft.sources.tables.iter().filter(|source| !cited.contains(&source.table.id));
    unused.map(|source| source.fault(format!("source `{}` is cited nowhere", source.table.id))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_words_of_the_built_in_catalogue_stand_twice_and_every_source_is_cited() {
        let warnings = Keeping::read(None).unwrap().warnings;
        assert!(warnings.is_empty(), "{}", CatalogError { faults: warnings });
    }
}
