//! From files to a checked catalogue. Every fault is collected; only a catalogue without one comes out.

mod check;

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::OnceLock,
};

use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::Xxh3;

use super::{
    Catalog,
    blocklist::Blocklist,
    calibration::{Calibration, CalibrationTable},
    category::{Category, CategoryId},
    code::{Class, Code, CodeKey, Subject},
    dialect::Dialect,
    error::{CatalogError, Fault},
    files::{self, Layer, Located, Packed, TableSource, Tables},
    fold::fold,
    matcher::{Matcher, Words},
    needs,
    pattern::Pattern,
    phrase::{Phrase, PhraseTable, Says},
    prior::Priors,
    provider::{Hosts, Provider, ProviderId},
    reason::{self, ReasonTable},
    rendered::Rendered,
    rescue::{Rescue, RescueTable},
    source::Source,
    text::REQUIRED_LANGUAGES,
    wait::{TimeWords, UnitTable, WaitTable, Waits},
};
use crate::{classify::Memo, quick_hash::QuickHash};

/// The kinds of table that a file may hold.
const KINDS: [&str; 15] = [
    "source",
    "class",
    "subject",
    "code",
    "category",
    "phrase",
    "provider",
    "blocklist",
    "dialect",
    "unit",
    "wait",
    "time_words",
    "calibration",
    "reason",
    "rescue",
];

/// Everything read, not yet checked against each other.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) sources: Layered<Source>,
    classes: Layered<Class>,
    subjects: Layered<Subject>,
    codes: Layered<Code>,
    categories: Layered<Category>,
    pub(super) phrases: Layered<PhraseTable>,
    blocklists: Layered<Blocklist>,
    dialects: Layered<Dialect>,
    providers: Layered<Provider>,
    units: Layered<UnitTable>,
    waits: Layered<WaitTable>,
    time_words: Layered<TimeWords>,
    calibrations: Layered<CalibrationTable>,
    reasons: Layered<ReasonTable>,
    rescue: Layered<RescueTable>,
}

/// Tables by id, in the order of the files; a later layer overrides an earlier one.
pub(super) struct Layered<T> {
    pub(super) tables: Vec<Located<T>>,
    places: HashMap<String, (usize, usize), QuickHash>,
}

impl<T> Default for Layered<T> {
    fn default() -> Self {
        Self { tables: Vec::new(), places: HashMap::default() }
    }
}

impl<T> Layered<T> {
    fn add(&mut self, layer: usize, id: String, table: Located<T>, faults: &mut Vec<Fault>) {
        match self.places.get(&id) {
            Some(&(earlier, at)) if earlier == layer => {
                let first = &self.tables[at];
                faults.push(table.fault(format!("`{id}` stands already at {}:{}", first.file, first.line)));
            }
            Some(&(_, at)) => {
                self.places.insert(id, (layer, at));
                self.tables[at] = table;
            }
            None => {
                self.places.insert(id, (layer, self.tables.len()));
                self.tables.push(table);
            }
        }
    }

    fn contains(&self, id: &str) -> bool {
        self.places.contains_key(id)
    }
}

/// Whether the rules' examples are tried while a catalogue is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// Every rule's: a rule that is added may hide another.
    Whole,
    /// None: these very bytes were proven when they were built into the binary, and nothing was laid over them.
    Given,
}

/// Loads the built-in catalogue and, over it, the files below `overlay`. What an operator adds is always proven.
pub(super) fn load(overlay: Option<&Path>, proof: Proof) -> Result<Catalog, CatalogError> {
    let proof = if overlay.is_some() { Proof::Whole } else { proof };
    with_layers(overlay, |layers| from_layers(layers, proof))?
}

/// The tables as they stand in the files, for those who keep them: what is wrong with them, loading tells.
pub(super) fn draft(overlay: Option<&Path>) -> Result<Draft, CatalogError> {
    with_layers(overlay, |layers| {
        let mut draft = Draft::default();
        draft.read_all(layers, &mut Vec::new());
        draft
    })
}

/// Hands on what is compiled in and the files below `overlay`.
fn with_layers<T>(overlay: Option<&Path>, take: impl FnOnce(&[Layer<'_>]) -> T) -> Result<T, CatalogError> {
    let overlay = match overlay.map(files::read_folder).transpose() {
        Ok(files) => files.unwrap_or_default(),
        Err(fault) => return Err(CatalogError { faults: vec![fault] }),
    };
    let overlay: Vec<(&str, &str)> = overlay.iter().map(|file| (file.name.as_str(), file.content.as_str())).collect();
    Ok(take(&[Layer::BuiltIn, Layer::Files(&overlay)]))
}

/// Builds a catalogue from layers.
pub(super) fn from_layers(layers: &[Layer<'_>], proof: Proof) -> Result<Catalog, CatalogError> {
    let mut faults = Vec::new();
    let mut draft = Draft::default();
    let version = draft.read_all(layers, &mut faults);
    match draft.build(version, proof, &mut faults) {
        Some(catalog) if faults.is_empty() => Ok(catalog),
        _ => {
            faults.sort();
            Err(CatalogError { faults })
        }
    }
}

impl Draft {
    /// Reads all layers; gives a hash of what was read.
    fn read_all(&mut self, layers: &[Layer<'_>], faults: &mut Vec<Fault>) -> String {
        let mut hash = Xxh3::new();
        for (at, layer) in layers.iter().enumerate() {
            match layer {
                Layer::BuiltIn => {
                    hash.update(files::BUILT_IN.as_bytes());
                    self.read(at, Packed::built_in(), faults);
                }
                Layer::Files(files) => {
                    for (name, content) in *files {
                        hash.update(name.as_bytes());
                        hash.update(content.as_bytes());
                        let tables = Tables::parse(name, content, faults);
                        self.read(at, tables, faults);
                    }
                }
            }
        }
        format!("{:016x}", hash.digest())
    }

    fn read(&mut self, layer: usize, mut tables: impl TableSource, faults: &mut Vec<Fault>) {
        fn take<T: DeserializeOwned>(
            into: &mut Layered<T>,
            (tables, kind, layer): (&mut impl TableSource, &str, usize),
            id: impl Fn(&T) -> String,
            faults: &mut Vec<Fault>,
        ) {
            // Growing step by step would touch three times the memory, and touching it first is a third of the time.
            into.tables.reserve_exact(tables.count(kind));
            into.places.reserve(tables.count(kind));
            tables.take::<T>(kind, faults, |table, faults| into.add(layer, id(&table.table), table, faults));
        }
        take(&mut self.sources, (&mut tables, "source", layer), |s| s.id.clone(), faults);
        take(&mut self.classes, (&mut tables, "class", layer), |c| c.digit.to_string(), faults);
        take(&mut self.subjects, (&mut tables, "subject", layer), |s| format!("{:?} {}", s.of, s.number), faults);
        take(&mut self.codes, (&mut tables, "code", layer), |c| c.code.to_string(), faults);
        take(&mut self.categories, (&mut tables, "category", layer), |c| c.id.clone(), faults);
        take(&mut self.phrases, (&mut tables, "phrase", layer), |p| p.id.clone(), faults);
        take(&mut self.blocklists, (&mut tables, "blocklist", layer), |b| b.id.clone(), faults);
        take(&mut self.dialects, (&mut tables, "dialect", layer), |d| d.id.clone(), faults);
        take(&mut self.providers, (&mut tables, "provider", layer), |p| p.id.clone(), faults);
        take(&mut self.units, (&mut tables, "unit", layer), |u| u.id.clone(), faults);
        take(&mut self.waits, (&mut tables, "wait", layer), |w| w.id.clone(), faults);
        take(&mut self.time_words, (&mut tables, "time_words", layer), |w| format!("{:?}", w.role), faults);
        take(&mut self.calibrations, (&mut tables, "calibration", layer), |c| c.id.clone(), faults);
        take(&mut self.reasons, (&mut tables, "reason", layer), |r| format!("{:?}", r.id), faults);
        take(&mut self.rescue, (&mut tables, "rescue", layer), |r| r.id.clone(), faults);
        tables.finish(&KINDS, faults);
    }

    /// Checks what refers to what, and compiles. `None` where faults make even that impossible.
    fn build(self, version: String, proof: Proof, faults: &mut Vec<Fault>) -> Option<Catalog> {
        self.check_citations(faults);
        self.check_codes(faults);
        let category_ids: HashMap<String, CategoryId> = self
            .categories
            .tables
            .iter()
            .enumerate()
            .map(|(at, category)| (category.table.id.clone(), CategoryId(at as u16)))
            .collect();
        let Some(&unknown) = category_ids.get("unknown") else {
            faults.push(Fault {
                file: "categories".to_owned(),
                line: 0,
                what: "there is no category `unknown`, which is needed where nothing is recognised".to_owned(),
            });
            return None;
        };
        let before = faults.len();
        let matcher = self.compile_matcher(faults);
        let can_prove = faults.len() == before;
        let phrases = self.compile_phrases(&category_ids, faults)?;
        let waits = Waits::new(&self.units.tables, &self.waits.tables, &self.time_words.tables, faults);
        if proof == Proof::Whole && can_prove {
            self.prove_examples(&matcher, &phrases, faults);
            waits.prove(&self.waits.tables, faults);
        }

        let calibration = Calibration::of_tables(&self.calibrations.tables, faults);
        let reasons = reason::by_id(&self.reasons.tables, faults);
        self.check_dialects(faults);
        self.check_rescue(faults);
        let dialects: Vec<Dialect> = self.dialects.tables.into_iter().map(|located| located.table).collect();

        let strip = |tables: Layered<Category>| tables.tables.into_iter().map(|located| located.table);
        let categories: Vec<Category> = strip(self.categories).collect();
        let codes: BTreeMap<CodeKey, Code> =
            self.codes.tables.into_iter().map(|located| (located.table.code, located.table)).collect();
        let priors = Priors::new(codes.values(), &category_ids);
        let mut languages: Vec<String> = REQUIRED_LANGUAGES.iter().map(|language| (*language).to_owned()).collect();
        for language in categories.iter().flat_map(|category| category.name.languages()) {
            if !languages.iter().any(|known| known == language) {
                languages.push(language.to_owned());
            }
        }
        Some(Catalog {
            version,
            languages,
            sources: self.sources.tables.into_iter().map(|s| (s.table.id.clone(), s.table)).collect(),
            classes: self.classes.tables.into_iter().map(|c| (c.table.digit, c.table)).collect(),
            subjects: self.subjects.tables.into_iter().map(|s| s.table).collect(),
            codes,
            priors,
            categories,
            category_ids,
            unknown,
            phrases,
            matcher,
            hosts: Hosts::new(self.providers.tables.iter().map(|provider| provider.table.hosts.as_slice())),
            providers: self.providers.tables.into_iter().map(|p| p.table).collect(),
            blocklists: self.blocklists.tables.into_iter().map(|b| b.table).collect(),
            waits,
            calibration,
            reasons,
            dialects,
            recogniser: OnceLock::new(),
            rescue: Rescue::new(self.rescue.tables.iter().map(|located| &located.table)),
            index: OnceLock::new(),
            memo: Memo::default(),
        })
    }

    fn compile_matcher(&self, faults: &mut Vec<Fault>) -> Matcher {
        for located in &self.phrases.tables {
            let phrase = &located.table;
            let by_codes = !phrase.codes.is_empty() && phrase.provider.is_some() && !phrase.reveals;
            if phrase.any.is_empty() && !by_codes {
                let what = "`any` is empty; a phrase needs words to be found by, or codes and a provider";
                faults.push(located.fault(format!("{}: {what}", phrase.id)));
            }
            for word in [&phrase.any, &phrase.all, &phrase.none].into_iter().flatten() {
                let text = word.trim_matches('*');
                if fold(text).chars().count() < 2 || text.contains('*') {
                    let what = "words have at least two characters, and `*` only at an end";
                    faults.push(located.fault(format!("{}: {word:?}: {what}", phrase.id)));
                }
            }
        }
        let words: Vec<Words<'_>> = self
            .phrases
            .tables
            .iter()
            .map(|located| {
                let table = &located.table;
                let needs = match (&table.needs, &table.pattern) {
                    (Some(known), _) => Ok(known.clone()),
                    (None, Some(pattern)) => needs::of(pattern),
                    (None, None) => Ok(Vec::new()),
                };
                Words {
                    any: &table.any,
                    all: &table.all,
                    none: &table.none,
                    needs: needs.unwrap_or_else(|error| {
                        let what = format!("{}: `pattern` is no regular expression: {error}", table.id);
                        faults.push(located.fault(what));
                        Vec::new()
                    }),
                    provider: table.provider.as_ref().and_then(|id| self.provider_id(id)),
                }
            })
            .collect();
        let providers = self.providers.tables.iter().map(|provider| provider.table.words.as_slice());
        let blocklists = self.blocklists.tables.iter().map(|list| list.table.words.as_slice());
        let waits = self.waits.tables.iter().map(|wait| wait.table.words.as_slice());
        let patterns = self.phrases.tables.iter().filter_map(|phrase| phrase.table.pattern.as_deref());
        Matcher::new(&words, providers, blocklists, waits, patterns)
    }

    fn provider_id(&self, id: &str) -> Option<ProviderId> {
        self.providers.places.get(id).map(|(_, at)| ProviderId(*at as u16))
    }

    /// `None` when a phrase could not be compiled, since then examples cannot be proven.
    fn compile_phrases(
        &self,
        categories: &HashMap<String, CategoryId>,
        faults: &mut Vec<Fault>,
    ) -> Option<Vec<Phrase>> {
        let before = faults.len();
        let mut phrases = Vec::with_capacity(self.phrases.tables.len());
        for located in &self.phrases.tables {
            let table = &located.table;
            let mut fault = |what: String| faults.push(located.fault(format!("{}: {what}", table.id)));
            let says = match (&table.category, table.effect) {
                (Some(id), None) => match categories.get(id) {
                    Some(category) => Says::Cause(*category),
                    None => {
                        fault(format!("unknown category `{id}`"));
                        continue;
                    }
                },
                (None, Some(effect)) => Says::Effect(effect),
                _ => {
                    fault("a phrase has either a `category` or an `effect`".to_owned());
                    continue;
                }
            };
            let provider = table.provider.as_ref().map(|id| {
                self.provider_id(id).unwrap_or_else(|| {
                    fault(format!("unknown provider `{id}`"));
                    ProviderId::NONE
                })
            });
            if table.reveals && provider.is_none() {
                fault("`reveals` needs a `provider`".to_owned());
            }
            let least = if matches!(says, Says::Cause(_)) { 0.05 } else { 0.0 };
            if !(least..=1.0).contains(&table.weight) {
                fault(format!("weight {} is not between {least} and 1", table.weight));
            }
            let pattern = table.pattern.clone().map(Pattern::new);
            phrases.push(Phrase {
                id: table.id.clone(),
                says,
                weight: table.weight,
                bounce_type: table.bounce_type,
                scope: table.scope,
                action: table.action,
                retry: table.retry,
                provider,
                reveals: table.reveals,
                meaning: table.meaning.clone(),
                steps: table.steps.clone(),
                source: table.source.clone(),
                example: table.examples.first().cloned(),
                rendered: Rendered::default(),
                pattern,
                codes: table.codes.clone(),
                commands: table.commands.iter().map(|name| name.0).collect(),
            });
        }
        (faults.len() == before).then_some(phrases)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_catalogue_has_no_fault() {
        if let Err(error) = Catalog::built_in() {
            panic!("{error}");
        }
    }

    /// The faults of an overlay over the built-in catalogue.
    fn faults(toml: &str) -> Vec<String> {
        match from_layers(&[Layer::BuiltIn, Layer::Files(&[("mine.toml", toml)])], Proof::Whole) {
            Ok(_) => Vec::new(),
            Err(error) => error.faults.iter().map(ToString::to_string).collect(),
        }
    }

    const PHRASE: &str = "[[phrase]]\nid = 'mailbox_full/mine'\ncategory = 'mailbox_full'\nany = ['krawumm']\nweight = 0.9\nsource = 'observed'\n";

    #[test]
    fn an_overlay_adds_and_overrides_by_id() {
        let added = format!("{PHRASE}examples = ['552 krawumm']");
        assert_eq!(faults(&added), Vec::<String>::new());
        let catalog = from_layers(&[Layer::BuiltIn, Layer::Files(&[("mine.toml", &added)])], Proof::Whole).unwrap();
        let before = Catalog::built_in().unwrap();
        assert_eq!(catalog.phrases().len(), before.phrases().len() + 1);
        assert_ne!(catalog.version(), before.version());

        let first = &before.phrases()[0];
        let overriding = added.replace("mailbox_full/mine", &first.id);
        let catalog =
            from_layers(&[Layer::BuiltIn, Layer::Files(&[("mine.toml", &overriding)])], Proof::Whole).unwrap();
        assert_eq!(catalog.phrases().len(), before.phrases().len());
        let scan = catalog.scan("krawumm");
        assert_eq!(catalog.find_phrases("krawumm", &scan, &crate::catalog::Known::default()).len(), 1);
    }

    #[test]
    fn every_fault_is_named_with_its_line_and_what_was_expected() {
        for (toml, expected) in [
            ("[[phrase]\n", "mine.toml:1: "),
            ("[[frase]]\nid = 'x'\n", "mine.toml:1: unknown table `frase`; expected one of source, class"),
            (
                "[[phrase]]\nid = 'x'\nwords = ['y']\n",
                "mine.toml:3: unknown field `words`, expected one of `id`, `category`",
            ),
            (
                &format!("{PHRASE}examples = ['nothing']"),
                "mine.toml:1: mailbox_full/mine: does not match its example \"nothing\"",
            ),
            (
                &format!("{PHRASE}examples = ['krawumm']\ncounter_examples = ['552 krawumm!']"),
                "mine.toml:1: mailbox_full/mine: matches its counter-example \"552 krawumm!\"",
            ),
            (
                &format!("{PHRASE}examples = ['krawumm']\npattern = '('"),
                "mine.toml:1: mailbox_full/mine: `pattern` is no regular expression",
            ),
            (
                &format!("{PHRASE}examples = ['krawumm']").replace("'mailbox_full'", "'mailbox_ful'"),
                "mine.toml:1: mailbox_full/mine: unknown category `mailbox_ful`",
            ),
            (
                &format!("{PHRASE}examples = ['krawumm']").replace("observed", "hearsay"),
                "mine.toml:1: unknown source `hearsay`",
            ),
            (
                &format!("{PHRASE}examples = ['krawumm']").replace("0.9", "1.9"),
                "mine.toml:1: mailbox_full/mine: weight 1.9 is not between",
            ),
            (
                &format!("{PHRASE}examples = ['krawumm']\n{PHRASE}examples = ['krawumm']"),
                "mine.toml:8: `mailbox_full/mine` stands already at mine.toml:1",
            ),
            ("[[code]]\ncode = '5501'\n", "mine.toml:2: \"5501\" is not a code; expected a reply code such as 550"),
        ] {
            let faults = faults(toml);
            assert!(
                faults.iter().any(|fault| fault.starts_with(expected)),
                "{toml}\ngave {faults:#?}\nexpected {expected:?}"
            );
        }
    }
}
