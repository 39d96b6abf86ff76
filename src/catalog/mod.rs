//! The catalogue: what mail servers' words and numbers mean, as data.
//!
//! [`Catalog::built_in`] loads what is compiled into the binary, [`Catalog::load`] lays an operator's directory over it. Both
//! check everything and give every fault with file and line. A loaded catalogue never changes; a reload makes a new one.
//! The form of the files is told in `catalog/README.md`.

mod automaton;
mod blocklist;
mod calibration;
mod category;
mod code;
mod dialect;
mod error;
mod files;
mod fold;
mod keeping;
mod line;
mod line_pattern;
mod load;
mod matcher;
mod needles;
mod needs;
mod pattern;
mod phrase;
mod prior;
mod provider;
mod reason;
mod recogniser;
mod rendered;
mod rescue;
mod search;
mod silent;
mod source;
mod text;
mod view;
mod vocabulary;
mod wait;

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::OnceLock,
};

pub use blocklist::{Blocklist, ListStatus, Listed, ReturnCode};
pub use calibration::Calibration;
pub use category::{Category, CategoryId, Link, RetryAdvice, Vocabulary};
pub use code::{AfterCommand, Class, Code, CodeKey, Named, Observation, Subject, SubjectOf};
pub use dialect::{Block, Condition, Dialect, Example, ExampleRecipient, Fallback, Folded, Stage};
pub use error::{CatalogError, Fault};
pub use fold::fold;
pub(crate) use fold::fold_into;
pub use keeping::{Keeping, KeptRule};
pub use line::Line;
pub use line_pattern::{LineFacts, LinePattern, Slot};
pub use matcher::{Found, Origin, Scan};
pub use phrase::{Effect, Known, Phrase, Says};
pub use prior::Prior;
pub use provider::{Provider, ProviderId, RecognisedBy};
pub use recogniser::{HeaderField, Signs};
pub use rescue::{Rescue, RescueSign, RescueTable};
pub use search::CodeFilter;
pub use silent::{Silent, Why};
pub use source::{Citation, Source};
pub use text::{DEFAULT_LANGUAGE, REQUIRED_LANGUAGES, Text, Texts};
pub use view::{
    BlocklistEntry, CategoryView, CodeKind, CodeQuery, CodeView, DigitView, LinkView, ObservationView, ProviderView,
    RegisteredPair, RetryView, RuleView, SourceView, SubjectView, UnknownCode,
};
pub use vocabulary::{
    Action, BounceType, CodeStatus, Frequency, Group, Kind, Outcome, Reason, Responsible, Scope, Severity, Suppress,
    Use,
};
pub use wait::Wait;

use crate::{
    classify::Memo,
    smtp::{Command, EnhancedCode, ReplyCode},
};

/// A checked catalogue.
#[derive(Debug)]
pub struct Catalog {
    version: String,
    languages: Vec<String>,
    sources: BTreeMap<String, Source>,
    classes: BTreeMap<u8, Class>,
    subjects: Vec<Subject>,
    codes: BTreeMap<CodeKey, Code>,
    priors: prior::Priors,
    categories: Vec<Category>,
    category_ids: HashMap<String, CategoryId>,
    unknown: CategoryId,
    phrases: Vec<Phrase>,
    matcher: matcher::Matcher,
    providers: Vec<Provider>,
    blocklists: Vec<Blocklist>,
    hosts: provider::Hosts,
    waits: wait::Waits,
    calibration: Calibration,
    reasons: BTreeMap<Reason, Text>,
    dialects: Vec<Dialect>,
    /// Made when somebody first asks about a mail.
    recogniser: OnceLock<recogniser::Recogniser>,
    rescue: Rescue,
    /// Made when somebody first searches.
    index: OnceLock<search::Index>,
    /// Held here since it is forgotten together with the rules that it comes from.
    memo: Memo,
}

impl Catalog {
    /// The catalogue that is compiled into the binary. Its examples are not tried again: the tests and `retoure check` have
    /// proven these very bytes.
    ///
    /// # Errors
    /// Never in a released build, since its tests load it; otherwise as [`Catalog::load`].
    pub fn built_in() -> Result<Self, CatalogError> {
        load::load(None, load::Proof::Given)
    }

    /// The built-in catalogue with every `*.toml` below `overlay` laid over it: a table adds, or overrides by its id. Every
    /// rule is proven by its examples, those of the built-in catalogue too, since an added rule may hide one.
    ///
    /// # Errors
    /// All faults at once: files that cannot be read, tables of the wrong form, unknown or duplicate ids, missing languages,
    /// examples that do not hold.
    pub fn load(overlay: &Path) -> Result<Self, CatalogError> {
        load::load(Some(overlay), load::Proof::Whole)
    }

    /// The same with every rule proven, whether or not there is an overlay.
    ///
    /// # Errors
    /// As [`Catalog::load`].
    pub fn proven(overlay: Option<&Path>) -> Result<Self, CatalogError> {
        load::load(overlay, load::Proof::Whole)
    }

    /// A catalogue of these files alone, without what is built in: layers of names and contents, a later one over an earlier.
    /// For tests and tools that make catalogues of their own; [`Catalog::load`] is for operators.
    ///
    /// # Errors
    /// As [`Catalog::load`]; also when what is always needed is missing, such as the category `unknown`.
    pub fn from_texts(layers: &[&[(&str, &str)]]) -> Result<Self, CatalogError> {
        let layers: Vec<files::Layer<'_>> = layers.iter().map(|files| files::Layer::Files(files)).collect();
        load::from_layers(&layers, load::Proof::Whole)
    }

    /// A hash of all that is loaded.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The languages in which texts are written, English first.
    pub fn languages(&self) -> &[String] {
        &self.languages
    }

    /// The document a fact is from.
    pub fn source(&self, citation: &Citation) -> Option<&Source> {
        self.sources.get(&citation.source)
    }

    /// Every category, in the order of the files.
    pub fn categories(&self) -> &[Category] {
        &self.categories
    }

    /// This language as the catalogue spells it, or English, in which every text is given that is missing in another.
    pub fn language(&self, language: &str) -> &str {
        self.languages.iter().find(|known| *known == language).map_or(DEFAULT_LANGUAGE, String::as_str)
    }

    /// The category at this place.
    pub fn category(&self, id: CategoryId) -> &Category {
        &self.categories[usize::from(id.0)]
    }

    /// The category of this name.
    pub fn category_named(&self, name: &str) -> Option<&Category> {
        self.category_ids.get(name).map(|id| self.category(*id))
    }

    /// The category for what was not recognised.
    pub fn unknown(&self) -> CategoryId {
        self.unknown
    }

    /// Every code, reply codes first.
    pub fn codes(&self) -> impl Iterator<Item = &Code> {
        self.codes.values()
    }

    /// What is known about a reply code.
    pub fn reply_code(&self, code: ReplyCode) -> Option<&Code> {
        self.codes.get(&CodeKey::Reply(code))
    }

    /// What is known about an enhanced code: in its own class, else in any.
    pub fn enhanced_code(&self, code: EnhancedCode) -> Option<&Code> {
        self.codes
            .get(&CodeKey::Enhanced(code))
            .or_else(|| self.codes.get(&CodeKey::AnyClass { subject: code.subject(), detail: code.detail() }))
    }

    /// The meaning of a first digit.
    pub fn class(&self, digit: u8) -> Option<&Class> {
        self.classes.get(&digit)
    }

    /// The meaning of a middle number.
    pub fn subject(&self, of: SubjectOf, number: u16) -> Option<&Subject> {
        self.subjects.iter().find(|subject| subject.of == of && subject.number == number)
    }

    /// What a bare reply code says about the cause.
    pub fn reply_prior(&self, code: ReplyCode, command: Option<Command>) -> Option<Prior> {
        self.priors.reply(code, command)
    }

    /// What a bare enhanced code says about the cause.
    pub fn enhanced_prior(&self, code: EnhancedCode, command: Option<Command>) -> Option<Prior> {
        self.priors.enhanced(code, command)
    }

    /// Every phrase, in the order of the files.
    pub fn phrases(&self) -> &[Phrase] {
        &self.phrases
    }

    /// Appends to `out` what rules look at of a folded text ([`fold`]): names, addresses, ids and numbers that no rule knows give
    /// way to stand-ins.
    pub fn write_gist(&self, folded: &str, out: &mut String) {
        self.matcher.write_gist(folded, out);
    }

    /// The same as a text of its own, and where its parts stood.
    pub fn gist(&self, folded: &str) -> (String, Origin) {
        self.matcher.gist_with_origin(folded)
    }

    /// Finds what stands in a gist ([`Catalog::gist`]): one pass for phrases, providers and blocklists.
    pub fn scan(&self, gist: &str) -> Scan {
        self.matcher.scan(gist)
    }

    /// Every phrase of the `scan` of `gist` whose conditions on what else is known hold.
    pub fn find_phrases(&self, gist: &str, scan: &Scan, known: &Known) -> Vec<Found> {
        self.matcher.find(&self.phrases, (gist, scan), known.provider, |phrase| phrase.allows(known))
    }

    /// Every provider, in the order of the files.
    pub fn providers(&self) -> &[Provider] {
        &self.providers
    }

    /// The provider at this place.
    pub fn provider(&self, id: ProviderId) -> &Provider {
        &self.providers[usize::from(id.0)]
    }

    /// The provider of this name.
    pub fn provider_named(&self, name: &str) -> Option<(ProviderId, &Provider)> {
        let at = self.providers.iter().position(|provider| provider.id == name)?;
        Some((ProviderId(at as u16), &self.providers[at]))
    }

    /// The provider whose host this is.
    pub fn provider_of_host(&self, host: &str) -> Option<ProviderId> {
        self.hosts.find(host)
    }

    /// The provider that answered: by its host, where that was known, else by what its replies give away.
    pub fn recognise_provider(&self, by_host: Option<ProviderId>, scan: &Scan) -> Option<(ProviderId, RecognisedBy)> {
        match by_host {
            Some(id) => Some((id, RecognisedBy::RemoteHost)),
            None => Some((ProviderId(scan.provider()? as u16), RecognisedBy::Reply)),
        }
    }

    /// Every dialect, in the order of the files.
    pub fn dialects(&self) -> &[Dialect] {
        &self.dialects
    }

    /// The dialect that these signs speak for, and whether the report is only of a delay.
    pub fn recognise_dialect<F: HeaderField>(&self, signs: &Signs<'_, F>) -> Option<(&Dialect, bool)> {
        let (at, is_delay) =
            self.recogniser.get_or_init(|| recogniser::Recogniser::new(&self.dialects)).recognise(signs)?;
        Some((&self.dialects[at], is_delay))
    }

    /// From what weighing comes to, to how often that is right.
    pub fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// How a reason is told in `language`.
    pub fn reason_text(&self, reason: Reason, language: &str) -> &str {
        self.reasons.get(&reason).map_or("", |text| text.get(language))
    }

    /// When folded text says to try again, where it names a time. Where its [`Scan`] does not speak of waiting, it does not.
    pub fn find_wait(&self, folded: &str) -> Option<Wait<'_>> {
        self.waits.find(folded)
    }

    /// What was decided lately.
    pub(crate) fn memo(&self) -> &Memo {
        &self.memo
    }

    /// What is known of reports in no known form.
    pub fn rescue(&self) -> &Rescue {
        &self.rescue
    }

    /// Every blocklist, in the order of the files.
    pub fn blocklists(&self) -> &[Blocklist] {
        &self.blocklists
    }
}
