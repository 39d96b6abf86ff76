//! Tells which dialect a mail is written in, by signs in its header and its words.
//!
//! Hundreds of conditions ask for thousands of words, and hardly any is there. So no condition is asked: what stands in a mail is
//! found first, by [`Needles`], and each find strikes off what the conditions that wait for it still miss.

use std::collections::HashMap;

use super::{
    dialect::{Condition, Dialect, Word},
    fold::fold,
    needles::Needles,
};

/// What of a mail dialects are recognised by.
#[derive(Clone, Copy, Debug)]
pub struct Signs<'a> {
    /// The header: names in lower case, and values.
    pub fields: &'a [(String, String)],
    /// The folded words.
    pub folded: &'a str,
}

/// All dialects, ready to recognise.
#[derive(Debug, Default)]
pub(super) struct Recogniser {
    conditions: Vec<Leads>,
    signs: Vec<Sign>,
    /// How many signs each condition misses before anything is found; none asks for nearly as many as a byte can count.
    missing: Vec<u8>,
    texts: Needles,
    /// The signs that each of `texts` is.
    text_signs: Vec<Vec<u32>>,
    values: Needles,
    /// The signs that each of `values` is in which field.
    value_signs: Vec<Vec<ValueSign>>,
    fields: HashMap<String, Field>,
}

/// What a condition leads to.
#[derive(Clone, Copy, Debug)]
struct Leads {
    dialect: usize,
    /// How much it asks for: the more, the surer.
    strength: usize,
    is_delay: bool,
}

/// Something that a condition asks for, or that must not be there.
#[derive(Clone, Copy, Debug)]
struct Sign {
    condition: usize,
    is_wanted: bool,
}

#[derive(Clone, Copy, Debug)]
struct ValueSign {
    field: usize,
    at_start: bool,
    sign: u32,
}

/// A header field that conditions ask for.
#[derive(Debug, Default)]
struct Field {
    number: usize,
    /// What its mere presence is a sign of.
    present: Vec<u32>,
    /// Whether any condition asks for words in it.
    is_searched: bool,
}

/// Stands beside what a condition misses where something is there that must not be.
const EXCLUDED: u8 = 0x80;

/// What the conditions miss while one mail is looked through.
struct Search<'r> {
    signs: &'r [Sign],
    is_seen: Vec<bool>,
    missing: Vec<u8>,
}

impl Search<'_> {
    fn see(&mut self, sign: u32) {
        let sign = sign as usize;
        if std::mem::replace(&mut self.is_seen[sign], true) {
            return;
        }
        let Sign { condition, is_wanted } = self.signs[sign];
        if is_wanted {
            self.missing[condition] -= 1;
        } else {
            self.missing[condition] |= EXCLUDED;
        }
    }
}

impl Recogniser {
    pub(super) fn new(dialects: &[Dialect]) -> Self {
        let mut draft = Draft::default();
        for (at, dialect) in dialects.iter().enumerate() {
            for (conditions, is_delay) in [(&dialect.when, false), (&dialect.delay, true)] {
                for condition in conditions {
                    // One that stands for mailers nobody knows is taken only where no other holds.
                    let strength = if dialect.is_generic() { 0 } else { condition.strength() };
                    draft.add(condition, Leads { dialect: at, strength, is_delay });
                }
            }
        }
        draft.finish()
    }

    /// The dialect of which the most signs are there, and whether it tells of a delay; of equals the first in the files.
    pub(super) fn recognise(&self, signs: &Signs<'_>) -> Option<(usize, bool)> {
        let mut search =
            Search { signs: &self.signs, is_seen: vec![false; self.signs.len()], missing: self.missing.clone() };
        for (name, value) in signs.fields {
            let Some(field) = self.fields.get(name) else { continue };
            field.present.iter().for_each(|sign| search.see(*sign));
            if field.is_searched {
                self.values.each_in(&fold(value), |word, at| {
                    let is_here = |sign: &&ValueSign| sign.field == field.number && (at == 0 || !sign.at_start);
                    self.value_signs[word].iter().filter(is_here).for_each(|sign| search.see(sign.sign));
                });
            }
        }
        self.texts.each_in(signs.folded, |word, _| {
            self.text_signs[word].iter().for_each(|sign| search.see(*sign));
        });
        let holding = || memchr::memchr_iter(0, &search.missing).map(|at| self.conditions[at]);
        let best = holding()
            .filter(|leads| !leads.is_delay)
            .reduce(|best, other| if other.strength > best.strength { other } else { best })?;
        let is_delay = holding().any(|leads| leads.is_delay && leads.dialect == best.dialect);
        Some((best.dialect, is_delay))
    }
}

/// A recogniser in the making.
#[derive(Default)]
struct Draft {
    recogniser: Recogniser,
    texts: Numbered,
    values: Numbered,
}

/// Different words, each with a number in the order of their first mention.
#[derive(Default)]
struct Numbered(HashMap<String, usize>);

impl Numbered {
    fn number(&mut self, word: String) -> usize {
        let next = self.0.len();
        *self.0.entry(word).or_insert(next)
    }

    fn needles(&self) -> Needles {
        let mut words: Vec<(&String, &usize)> = self.0.iter().collect();
        words.sort_unstable_by_key(|(_, number)| **number);
        Needles::new(words.into_iter().map(|(word, _)| word.as_str()))
    }
}

impl Draft {
    fn add(&mut self, condition: &Condition, leads: Leads) {
        self.recogniser.conditions.push(leads);
        self.recogniser.missing.push(0);
        for (words, is_wanted) in condition.texts() {
            let sign = self.sign(is_wanted);
            for word in words {
                let number = self.texts.number(fold(word).into_owned());
                place(&mut self.recogniser.text_signs, number).push(sign);
            }
        }
        for (name, words, is_wanted) in condition.fields() {
            let sign = self.sign(is_wanted);
            let next = self.recogniser.fields.len();
            let field = self.recogniser.fields.entry(name.to_ascii_lowercase()).or_default();
            if field.present.is_empty() && !field.is_searched {
                field.number = next;
            }
            let mut words = words.iter().filter(|word| !word.is_empty()).peekable();
            if words.peek().is_none() {
                field.present.push(sign);
            }
            for word in words {
                field.is_searched = true;
                let Word { folded, at_start } = Word::new(word);
                let number = self.values.number(folded);
                place(&mut self.recogniser.value_signs, number).push(ValueSign { field: field.number, at_start, sign });
            }
        }
    }

    /// A sign of the condition that was added last.
    fn sign(&mut self, is_wanted: bool) -> u32 {
        let condition = self.recogniser.conditions.len() - 1;
        self.recogniser.missing[condition] += u8::from(is_wanted);
        self.recogniser.signs.push(Sign { condition, is_wanted });
        self.recogniser.signs.len() as u32 - 1
    }

    fn finish(self) -> Recogniser {
        Recogniser { texts: self.texts.needles(), values: self.values.needles(), ..self.recogniser }
    }
}

fn place<T>(lists: &mut Vec<Vec<T>>, number: usize) -> &mut Vec<T> {
    if lists.len() <= number {
        lists.resize_with(number + 1, Vec::new);
    }
    &mut lists[number]
}
