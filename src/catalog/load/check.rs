//! What is checked of tables that have been read: that they refer to what there is, say what they must, and hold what they
//! promise by their examples.

use std::collections::HashSet;

use super::{Draft, Layered};
use crate::{
    catalog::{error::Fault, fold::fold, matcher::Matcher, phrase::Phrase, source::Citation},
    smtp::Reply,
};

impl Draft {
    pub(super) fn check_citations(&self, faults: &mut Vec<Fault>) {
        self.each_citation(|(file, line), citation| {
            if !self.sources.contains(&citation.source) {
                faults.push(Fault {
                    file: file.to_owned(),
                    line,
                    what: format!("unknown source `{}`", citation.source),
                });
            }
        });
    }

    /// Shows every citation with the file and line of its table.
    pub(in crate::catalog) fn each_citation(&self, mut visit: impl FnMut((&str, usize), &Citation)) {
        fn each<T>(
            of: &Layered<T>,
            cites: impl Fn(&T) -> Vec<&Citation>,
            visit: &mut impl FnMut((&str, usize), &Citation),
        ) {
            for located in &of.tables {
                cites(&located.table).into_iter().for_each(|citation| visit((&located.file, located.line), citation));
            }
        }
        let visit = &mut visit;
        each(&self.codes, |code| code.observed.iter().map(|seen| &seen.source).chain(&code.sources).collect(), visit);
        each(&self.categories, |category| category.sources.iter().collect(), visit);
        each(&self.classes, |class| class.sources.iter().collect(), visit);
        each(&self.subjects, |subject| subject.sources.iter().collect(), visit);
        each(&self.phrases, |phrase| vec![&phrase.source], visit);
        each(&self.blocklists, |list| list.sources.iter().collect(), visit);
        each(&self.providers, |provider| provider.sources.iter().collect(), visit);
        each(&self.dialects, |dialect| vec![&dialect.source], visit);
        each(&self.units, |unit| vec![&unit.source], visit);
        each(&self.waits, |wait| vec![&wait.source], visit);
        each(&self.calibrations, |calibration| vec![&calibration.source], visit);
        each(&self.rescue, |rescue| vec![&rescue.source], visit);
    }

    pub(super) fn check_codes(&self, faults: &mut Vec<Fault>) {
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

    pub(super) fn check_dialects(&self, faults: &mut Vec<Fault>) {
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

    pub(super) fn check_rescue(&self, faults: &mut Vec<Fault>) {
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

    /// Every example must be found by its phrase, no counter-example may be.
    pub(super) fn prove_examples(&self, matcher: &Matcher, phrases: &[Phrase], faults: &mut Vec<Fault>) {
        for (at, located) in self.phrases.tables.iter().enumerate() {
            let table = &located.table;
            let finds = |example: &str| {
                let reply = Reply::parse(example);
                let mut gist = String::new();
                matcher.write_gist(&fold(&reply.text), &mut gist);
                let words = (gist.as_str(), &matcher.scan(&gist));
                matcher
                    .find(phrases, words, phrases[at].provider, |phrase| phrase.allows_example(&reply))
                    .iter()
                    .any(|found| found.phrase as usize == at)
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
