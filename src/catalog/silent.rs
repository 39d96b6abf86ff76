//! Rules of which words stand in a text and which say nothing all the same, and why: for people who ask. No verdict needs it.

use std::cell::RefCell;

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
    /// What it matched, where all its words were found.
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
        let spoke = self.find_phrases(folded, known);
        // The matcher asks of each rule of which it found a word whether it is allowed; so these are heard of here.
        let heard = RefCell::new(Vec::new());
        self.matcher.find(&self.phrases, folded, |phrase| {
            heard.borrow_mut().push(phrase.id.clone());
            false
        });
        let heard = heard.into_inner();
        let places = self.phrases.iter().enumerate().filter(|(_, phrase)| heard.contains(&phrase.id));
        places
            .filter(|(at, _)| !spoke.iter().any(|found| found.phrase == *at))
            .filter_map(|(at, phrase)| {
                let alone = self.matcher.find(&self.phrases, folded, |other| other.id == phrase.id);
                let Some(found) = alone.first() else { return Some(Silent { phrase, place: None, why: Why::Words }) };
                // A rule that needs no words would be named for every reply.
                if found.end == 0 {
                    return None;
                }
                let why = phrase.misses(known).or_else(|| self.hidden(at, found, &spoke))?;
                Some(Silent { phrase, place: Some((found.start, found.end)), why })
            })
            .collect()
    }

    fn hidden(&self, at: usize, one: &Found, spoke: &[Found]) -> Option<Why<'_>> {
        let covers = |other: &&Found| other.start <= one.start && one.end <= other.end;
        let by = spoke.iter().find(covers).map(|found| &self.phrases[found.phrase]);
        by.filter(|by| by.says != self.phrases[at].says).map(Why::Hidden)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{catalog::fold, smtp::Reply};

    #[test]
    fn a_rule_that_stays_silent_is_named_with_its_reason() {
        let catalog = Catalog::built_in().unwrap();
        for (text, rule, expected) in [
            ("550 5.1.1 Sender unknown user", "mailbox_not_found/", "hidden"),
            ("421 4.7.0 Rate of mails is above the quota, AUP#POL", "", "words"),
        ] {
            let reply = Reply::parse(text);
            let known = Known { code: reply.code, enhanced: reply.enhanced, ..Known::default() };
            let silent = catalog.find_silent(&fold(&reply.text), &known);
            let named = |why: &Why<'_>| match why {
                Why::Words => "words",
                Why::Codes => "codes",
                Why::Command => "command",
                Why::Provider => "provider",
                Why::Hidden(_) => "hidden",
            };
            let found = silent.iter().any(|one| one.phrase.id.starts_with(rule) && named(&one.why) == expected);
            let told: Vec<_> = silent.iter().map(|one| (&one.phrase.id, named(&one.why))).collect();
            assert!(found, "{text}: {told:?}");
            let spoke = catalog.find_phrases(&fold(&reply.text), &known);
            assert!(silent.iter().all(|one| spoke.iter().all(|f| catalog.phrases()[f.phrase].id != one.phrase.id)));
        }
    }
}
