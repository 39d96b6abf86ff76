//! From files to a checked catalogue. Every fault is collected; only a catalogue without one comes out.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
    sync::OnceLock,
};

use regex::Regex;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::Xxh3;

use super::{
    Catalog,
    blocklist::Blocklist,
    category::{Category, CategoryId},
    code::{Class, Code, CodeKey, Subject},
    dialect::{Dialect, Dialects},
    error::{CatalogError, Fault},
    files::{self, Located, Tables},
    fold::fold,
    matcher::{Matcher, Words},
    phrase::{Phrase, PhraseTable, Says},
    prior::Priors,
    provider::{Provider, ProviderId},
    rescue::{Rescue, RescueTable},
    source::{Citation, Source},
    text::REQUIRED_LANGUAGES,
};
use crate::smtp::Reply;

/// The kinds of table that a file may hold.
const KINDS: [&str; 10] =
    ["source", "class", "subject", "code", "category", "phrase", "provider", "blocklist", "dialect", "rescue"];

/// Everything read, not yet checked against each other.
#[derive(Default)]
struct Draft {
    sources: Layered<Source>,
    classes: Layered<Class>,
    subjects: Layered<Subject>,
    codes: Layered<Code>,
    categories: Layered<Category>,
    phrases: Layered<PhraseTable>,
    blocklists: Layered<Blocklist>,
    dialects: Layered<Dialect>,
    providers: Layered<Provider>,
    rescue: Layered<RescueTable>,
}

/// Tables by id, in the order of the files; a later layer overrides an earlier one.
struct Layered<T> {
    tables: Vec<Located<T>>,
    places: HashMap<String, (usize, usize)>,
}

impl<T> Default for Layered<T> {
    fn default() -> Self {
        Self { tables: Vec::new(), places: HashMap::new() }
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

/// Loads the built-in catalogue and, over it, the files below `overlay`.
pub(super) fn load(overlay: Option<&Path>) -> Result<Catalog, CatalogError> {
    let overlay = match overlay.map(files::read_folder).transpose() {
        Ok(files) => files.unwrap_or_default(),
        Err(fault) => return Err(CatalogError { faults: vec![fault] }),
    };
    let overlay: Vec<(&str, &str)> = overlay.iter().map(|file| (file.name.as_str(), file.content.as_str())).collect();
    from_layers(&[files::BUILT_IN, &overlay])
}

/// Builds a catalogue from layers of files, each a name and a content; a later layer overrides an earlier one by id.
pub(super) fn from_layers(layers: &[&[(&str, &str)]]) -> Result<Catalog, CatalogError> {
    let mut faults = Vec::new();
    let mut draft = Draft::default();
    let mut hash = Xxh3::new();
    for (layer, files) in layers.iter().enumerate() {
        for (name, content) in *files {
            hash.update(name.as_bytes());
            hash.update(content.as_bytes());
            draft.read(layer, name, content, &mut faults);
        }
    }
    let version = format!("{:016x}", hash.digest());
    match draft.build(version, &mut faults) {
        Some(catalog) if faults.is_empty() => Ok(catalog),
        _ => {
            faults.sort();
            Err(CatalogError { faults })
        }
    }
}

impl Draft {
    fn read(&mut self, layer: usize, name: &str, content: &str, faults: &mut Vec<Fault>) {
        let mut tables = Tables::parse(name, content, faults);
        fn take<T: DeserializeOwned>(
            into: &mut Layered<T>,
            (tables, kind, layer): (&mut Tables<'_>, &str, usize),
            id: impl Fn(&T) -> String,
            faults: &mut Vec<Fault>,
        ) {
            for table in tables.take::<T>(kind, faults) {
                into.add(layer, id(&table.table), table, faults);
            }
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
        take(&mut self.rescue, (&mut tables, "rescue", layer), |r| r.id.clone(), faults);
        tables.finish(&KINDS, faults);
    }

    /// Checks what refers to what, and compiles. `None` where faults make even that impossible.
    fn build(self, version: String, faults: &mut Vec<Fault>) -> Option<Catalog> {
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
        let matcher = self.compile_matcher(faults)?;
        let phrases = self.compile_phrases(&category_ids, faults)?;
        self.prove_examples(&matcher, &phrases, faults);

        let blocklist_words: Vec<Words<'_>> =
            self.blocklists.tables.iter().map(|list| Words { any: &list.table.words, all: &[], none: &[] }).collect();
        let provider_words: Vec<Words<'_>> = self
            .providers
            .tables
            .iter()
            .map(|provider| Words { any: &provider.table.words, all: &[], none: &[] })
            .collect();
        let provider_matcher = Matcher::new(&provider_words).ok()?;
        let blocklist_matcher = Matcher::new(&blocklist_words).ok()?;
        self.check_dialects(faults);
        self.check_rescue(faults);
        let dialects: Vec<Dialect> = self.dialects.tables.into_iter().map(|located| located.table).collect();
        let recogniser = Dialects::new(&dialects).ok()?;

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
            providers: self.providers.tables.into_iter().map(|p| p.table).collect(),
            provider_matcher,
            blocklists: self.blocklists.tables.into_iter().map(|b| b.table).collect(),
            blocklist_matcher,
            dialects,
            recogniser,
            rescue: Rescue::new(self.rescue.tables.iter().map(|located| &located.table)),
            index: OnceLock::new(),
        })
    }

    fn check_citations(&self, faults: &mut Vec<Fault>) {
        let mut check = |located: Fault, citations: &mut dyn Iterator<Item = &Citation>| {
            for citation in citations.filter(|citation| !self.sources.contains(&citation.source)) {
                faults.push(Fault { what: format!("unknown source `{}`", citation.source), ..located.clone() });
            }
        };
        for code in &self.codes.tables {
            let observed = code.table.observed.iter().map(|observed| &observed.source);
            check(code.fault(""), &mut code.table.sources.iter().chain(observed));
        }
        for category in &self.categories.tables {
            check(category.fault(""), &mut category.table.sources.iter());
        }
        for class in &self.classes.tables {
            check(class.fault(""), &mut class.table.sources.iter());
        }
        for subject in &self.subjects.tables {
            check(subject.fault(""), &mut subject.table.sources.iter());
        }
        for phrase in &self.phrases.tables {
            check(phrase.fault(""), &mut std::iter::once(&phrase.table.source));
        }
        for list in &self.blocklists.tables {
            check(list.fault(""), &mut list.table.sources.iter());
        }
        for provider in &self.providers.tables {
            check(provider.fault(""), &mut provider.table.sources.iter());
        }
        for dialect in &self.dialects.tables {
            check(dialect.fault(""), &mut std::iter::once(&dialect.table.source));
        }
        for rescue in &self.rescue.tables {
            check(rescue.fault(""), &mut std::iter::once(&rescue.table.source));
        }
    }

    fn check_codes(&self, faults: &mut Vec<Fault>) {
        for located in &self.codes.tables {
            let code = &located.table;
            let mut fault = |what: String| faults.push(located.fault(format!("code {}: {what}", code.code)));
            let named = [code.category.as_ref(), code.category_transient.as_ref()].into_iter().flatten();
            for id in named.chain(code.by_command.iter().map(|after| &after.category)) {
                if !self.categories.contains(id) {
                    fault(format!("unknown category `{id}`"));
                }
            }
            let weights = code.weight.iter().chain(code.by_command.iter().map(|after| &after.weight));
            for weight in weights.filter(|weight| !(0.0..=0.9).contains(*weight)) {
                fault(format!("weight {weight} is not between 0 and 0.9"));
            }
            let is_positive = code.outcome.is_some();
            if is_positive && code.category.is_some() {
                fault("a positive code has an outcome and no category".to_owned());
            } else if !is_positive && (code.category.is_none() || code.weight.is_none()) {
                fault("`category` and `weight` are missing (or `outcome`, for a positive code)".to_owned());
            } else if !is_positive && (code.causes.is_empty() || code.remedies.is_empty()) {
                fault("`causes` and `remedies` are missing".to_owned());
            }
            if code.sources.is_empty() {
                fault("`sources` is empty; every fact has a source".to_owned());
            }
        }
    }

    fn check_dialects(&self, faults: &mut Vec<Fault>) {
        for located in &self.dialects.tables {
            let dialect = &located.table;
            let mut fault = |what: &str| faults.push(located.fault(format!("dialect {}: {what}", dialect.id)));
            if dialect.when.is_empty() {
                fault("`when` is empty; a dialect needs signs to be recognised by");
            }
            if dialect.when.iter().chain(&dialect.delay).any(|condition| !condition.asks_for_something()) {
                fault("a condition asks for nothing, so it would hold for every mail");
            }
            if dialect.examples.is_empty() {
                fault("`examples` is empty; one must prove the dialect");
            }
        }
    }

    fn check_rescue(&self, faults: &mut Vec<Fault>) {
        for located in &self.rescue.tables {
            let rescue = &located.table;
            let mut fault = |what: &str| faults.push(located.fault(format!("rescue {}: {what}", rescue.id)));
            if rescue.words.iter().all(|word| word.trim().is_empty()) {
                fault("`words` is empty; a sign needs words to be seen by");
            }
            match (rescue.sign.is_in_field(), &rescue.field) {
                (true, None) => fault("`field` is missing; this sign stands in a header field"),
                (false, Some(_)) => {
                    fault("`field` means nothing here; only machine, person and forward stand in a header field");
                }
                _ => {}
            }
        }
    }

    fn compile_matcher(&self, faults: &mut Vec<Fault>) -> Option<Matcher> {
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
            .map(|phrase| Words { any: &phrase.table.any, all: &phrase.table.all, none: &phrase.table.none })
            .collect();
        Matcher::new(&words)
            .map_err(|error| faults.push(Fault { file: "phrases".to_owned(), line: 0, what: error.to_string() }))
            .ok()
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
            let provider = table.provider.as_ref().map(|id| match self.providers.places.get(id) {
                Some((_, at)) => ProviderId(*at as u16),
                None => {
                    fault(format!("unknown provider `{id}`"));
                    ProviderId(u16::MAX)
                }
            });
            if table.reveals && provider.is_none() {
                fault("`reveals` needs a `provider`".to_owned());
            }
            let least = if matches!(says, Says::Cause(_)) { 0.05 } else { 0.0 };
            if !(least..=1.0).contains(&table.weight) {
                fault(format!("weight {} is not between {least} and 1", table.weight));
            }
            let pattern = table.pattern.as_deref().map(Regex::new).transpose().unwrap_or_else(|error| {
                fault(format!("`pattern` is no regular expression: {error}"));
                None
            });
            phrases.push(Phrase {
                id: table.id.clone(),
                says,
                weight: table.weight,
                bounce_type: table.bounce_type,
                scope: table.scope,
                action: table.action,
                provider,
                reveals: table.reveals,
                meaning: table.meaning.clone(),
                steps: table.steps.clone(),
                source: table.source.clone(),
                example: table.examples.first().cloned(),
                pattern,
                codes: table.codes.clone(),
                commands: table.commands.iter().map(|name| name.0).collect(),
            });
        }
        (faults.len() == before).then_some(phrases)
    }

    /// Every example must be found by its phrase, no counter-example may be.
    fn prove_examples(&self, matcher: &Matcher, phrases: &[Phrase], faults: &mut Vec<Fault>) {
        for (at, located) in self.phrases.tables.iter().enumerate() {
            let table = &located.table;
            let finds = |example: &str| {
                let reply = Reply::parse(example);
                matcher
                    .find(phrases, &fold(&reply.text), |phrase| phrase.allows_example(&reply))
                    .iter()
                    .any(|found| found.phrase == at)
            };
            if table.examples.is_empty() {
                faults.push(located.fault(format!("{}: `examples` is empty; one must prove the phrase", table.id)));
            }
            let mut seen = HashSet::new();
            for example in table.examples.iter().filter(|example| seen.insert(*example) && !finds(example)) {
                faults.push(located.fault(format!("{}: does not match its example {example:?}", table.id)));
            }
            for example in table.counter_examples.iter().filter(|example| finds(example)) {
                faults.push(located.fault(format!("{}: matches its counter-example {example:?}", table.id)));
            }
        }
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
        match from_layers(&[files::BUILT_IN, &[("mine.toml", toml)]]) {
            Ok(_) => Vec::new(),
            Err(error) => error.faults.iter().map(ToString::to_string).collect(),
        }
    }

    const PHRASE: &str = "[[phrase]]\nid = 'mailbox_full/mine'\ncategory = 'mailbox_full'\nany = ['krawumm']\nweight = 0.9\nsource = 'observed'\n";

    #[test]
    fn an_overlay_adds_and_overrides_by_id() {
        let added = format!("{PHRASE}examples = ['552 krawumm']");
        assert_eq!(faults(&added), Vec::<String>::new());
        let catalog = from_layers(&[files::BUILT_IN, &[("mine.toml", &added)]]).unwrap();
        let before = Catalog::built_in().unwrap();
        assert_eq!(catalog.phrases().len(), before.phrases().len() + 1);
        assert_ne!(catalog.version(), before.version());

        let first = &before.phrases()[0];
        let overriding = added.replace("mailbox_full/mine", &first.id);
        let catalog = from_layers(&[files::BUILT_IN, &[("mine.toml", &overriding)]]).unwrap();
        assert_eq!(catalog.phrases().len(), before.phrases().len());
        assert_eq!(catalog.find_phrases("krawumm", &crate::catalog::Known::default()).len(), 1);
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
