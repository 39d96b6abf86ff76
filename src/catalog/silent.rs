//! Rules of which words stand in a text and which say nothing all the same, and why: for people who ask. No verdict needs it.

use super::{
    Catalog,
    matcher::Found,
    phrase::{Known, Phrase},
};

/// A rule that did not speak, though a word of it stands in the text.
#[derive(Clone, Copy, Debug)]
pub struct Silent<'a> {
    /// The rule.
    pub phrase: &'a Phrase,
    /// What it matched in the folded text, where all its words were found.
    pub place: Option<(usize, usize)>,
    /// Why it did not speak.
    pub why: Why<'a>,
}

/// Why a rule did not speak.
#[derive(Clone, Copy, Debug)]
pub enum Why<'a> {
    /// Another word that it needs is missing, or one that it excludes is there.
    Words,
    /// The codes are none of its own.
    Codes,
    /// The command is none of its own, or unknown.
    Command,
    /// Another provider answered, or an unknown one.
    Provider,
    /// Its words lie within those of this rule, which says something else.
    Hidden(&'a Phrase),
}

impl Catalog {
    /// Every rule that has a word in `folded` and is not among those that [`Catalog::find_phrases`] finds.
    pub fn find_silent(&self, folded: &str, known: &Known) -> Vec<Silent<'_>> {
        let (gist, origin) = self.gist(folded);
        let scan = self.scan(&gist);
        let spoke = self.find_phrases(&gist, &scan, known);
        scan.phrases()
            .filter(|at| !spoke.iter().any(|found| found.phrase == *at))
            .filter_map(|at| {
                let phrase = &self.phrases[at as usize];
                let alone = self.matcher.find(&self.phrases, (&gist, &scan), None, |other| other.id == phrase.id);
                let Some(found) = alone.first() else { return Some(Silent { phrase, place: None, why: Why::Words }) };
                let why = phrase.misses(known).or_else(|| self.hidden(phrase, found, &spoke))?;
                Some(Silent { phrase, place: Some(origin.of(found.start as usize, found.end as usize)), why })
            })
            .collect()
    }

    fn hidden(&self, phrase: &Phrase, one: &Found, spoke: &[Found]) -> Option<Why<'_>> {
        let covers = |other: &&Found| other.start <= one.start && one.end <= other.end;
        let by = spoke.iter().find(covers).map(|found| &self.phrases[found.phrase as usize]);
        by.filter(|by| by.says != phrase.says).map(Why::Hidden)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        catalog::{
            files::Layer,
            fold,
            load::{Proof, from_layers},
        },
        smtp::Reply,
    };

    /// A rule of a keeper; all of them know the word `krawumm`.
    fn rule(name: &str, more: &str) -> String {
        format!("[[phrase]]\nid = 'policy/{name}'\nweight = 0.9\nsource = 'observed'\n{more}\n")
    }

    #[test]
    fn a_rule_that_stays_silent_is_named_with_its_reason() {
        let rules = [
            rule("speaks", "category = 'policy'\nany = ['krawumm']\nexamples = ['krawumm']"),
            rule("words", "category = 'policy'\nany = ['krawumm']\nall = ['zapp']\nexamples = ['krawumm zapp']"),
            rule("codes", "category = 'policy'\nany = ['krawumm']\ncodes = ['552']\nexamples = ['552 krawumm']"),
            rule("command", "category = 'policy'\nany = ['krawumm']\ncommands = ['DATA']\nexamples = ['krawumm']"),
            rule("provider", "category = 'policy'\nany = ['krawumm']\nprovider = 'gmail'\nexamples = ['krawumm']"),
            rule("hidden", "category = 'mailbox_full'\nany = ['wumm']\nexamples = ['wumm']"),
            rule("hides", "category = 'policy'\nany = ['wumm rumms']\nexamples = ['wumm rumms']"),
            rule("absent", "category = 'policy'\nany = ['pardauz']\nexamples = ['pardauz']"),
        ]
        .concat();
        let catalog = from_layers(&[Layer::BuiltIn, Layer::Files(&[("mine.toml", &rules)])], Proof::Whole).unwrap();
        let reply = Reply::parse("550 5.1.1 Krawumm, wumm rumms");
        let known = Known { code: reply.code, enhanced: reply.enhanced, ..Known::default() };
        let silent = catalog.find_silent(&fold(&reply.text), &known);
        let told: Vec<(&str, String)> =
            silent.iter().map(|one| (one.phrase.id.as_str(), format!("{:?}", one.why))).collect();
        assert_eq!(told.len(), 5, "{told:?}");
        for ((id, why), expected) in told.iter().zip(["Words", "Codes", "Command", "Provider", "Hidden"]) {
            assert_eq!(*id, format!("policy/{}", expected.to_lowercase()), "{told:?}");
            assert!(why.starts_with(expected), "{told:?}");
        }
    }
}
