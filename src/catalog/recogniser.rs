//! Tells which dialect a mail is written in, by signs in its header and its words.
//!
//! Hundreds of conditions ask for thousands of words, and hardly any is there. So no condition is asked: what stands in a mail is
//! found first, by [`Needles`], and each find strikes off what the conditions that wait for it still miss.

use std::{borrow::Cow, collections::HashMap};

use super::{
    dialect::{Condition, Dialect, Word},
    fold::fold,
    needles::Needles,
};

/// A field of a mail's header.
pub trait HeaderField {
    /// Its name, in any case.
    fn name(&self) -> &str;

    /// Its value, unfolded and decoded.
    fn value(&self) -> &str;
}

/// What of a mail dialects are recognised by.
#[derive(Clone, Copy, Debug)]
pub struct Signs<'a, F> {
    /// The header.
    pub fields: &'a [F],
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
    /// The fields that are asked for, by the lengths of their names.
    fields: Vec<Vec<Field>>,
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
#[derive(Debug)]
struct Field {
    name: String,
    /// The last letter of the name, in lower case.
    last: Option<u8>,
    number: usize,
    /// What its mere presence is a sign of.
    present: Vec<u32>,
    /// Words too short for [`Needles`], which would look for each in the values of all fields.
    short: Vec<(Word, Vec<u32>)>,
    /// Whether any condition asks for words in it.
    is_searched: bool,
}

/// The words of reports are long enough to look at every second place only, and what is looked for in them is too.
const TEXT_STRIDE: usize = 2;

/// Words for header fields with fewer bytes are kept by their field.
const LEAST_VALUE_BYTES: usize = 4;

/// Stands beside what a condition misses where something is there that must not be.
const EXCLUDED: u8 = 0x80;

/// What the conditions miss while one mail is looked through.
struct Search<'r> {
    signs: &'r [Sign],
    /// A bit for each sign.
    seen: Vec<u64>,
    missing: Vec<u8>,
}

impl Search<'_> {
    fn see(&mut self, sign: u32) {
        let sign = sign as usize;
        let (word, bit) = (&mut self.seen[sign / 64], 1 << (sign % 64));
        if *word & bit != 0 {
            return;
        }
        *word |= bit;
        let Sign { condition, is_wanted } = self.signs[sign];
        let missing = &mut self.missing[condition];
        *missing = if is_wanted { *missing - 1 } else { *missing | EXCLUDED };
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
    pub(super) fn recognise<F: HeaderField>(&self, signs: &Signs<'_, F>) -> Option<(usize, bool)> {
        let seen = vec![0; self.signs.len().div_ceil(64)];
        let mut search = Search { signs: &self.signs, seen, missing: self.missing.clone() };
        for asked in signs.fields {
            let name = asked.name();
            let known = self.fields.get(name.len()).into_iter().flatten();
            // Names of one length mostly end otherwise.
            let last = name.bytes().next_back().map(|byte| byte.to_ascii_lowercase());
            let is_meant = |known: &&Field| known.last == last && known.name.eq_ignore_ascii_case(name);
            let Some(field) = known.into_iter().find(is_meant) else { continue };
            field.present.iter().for_each(|sign| search.see(*sign));
            if field.is_searched {
                let value = fold(asked.value());
                let short = field.short.iter().filter(|(word, _)| word.is_in(&value));
                short.flat_map(|(_, signs)| signs).for_each(|sign| search.see(*sign));
                self.values.each_in(&value, |word, at| {
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
struct Draft<'d> {
    recogniser: Recogniser,
    texts: Numbered<'d>,
    values: Numbered<'d>,
}

/// Different words, each with a number in the order of their first mention.
struct Numbered<'d>(HashMap<Cow<'d, str>, usize>);

impl Default for Numbered<'_> {
    fn default() -> Self {
        // Half of the work was growing.
        Self(HashMap::with_capacity(1 << 11))
    }
}

impl<'d> Numbered<'d> {
    fn number(&mut self, word: Cow<'d, str>) -> usize {
        let next = self.0.len();
        *self.0.entry(word).or_insert(next)
    }

    fn needles(&self, stride: usize) -> Needles {
        let mut words = vec![""; self.0.len()];
        for (word, number) in &self.0 {
            words[*number] = word;
        }
        Needles::new(&words, stride)
    }
}

impl<'d> Draft<'d> {
    fn add(&mut self, condition: &'d Condition, leads: Leads) {
        self.recogniser.conditions.push(leads);
        self.recogniser.missing.push(0);
        for (words, is_wanted) in condition.texts() {
            let sign = self.sign(is_wanted);
            for word in words {
                place(&mut self.recogniser.text_signs, self.texts.number(fold(word))).push(sign);
            }
        }
        for (name, words, is_wanted) in condition.fields() {
            let sign = self.sign(is_wanted);
            self.add_field(name, words, sign);
        }
    }

    fn add_field(&mut self, name: &str, words: &'d [String], sign: u32) {
        let field = field_named(&mut self.recogniser.fields, name);
        let mut words = words.iter().filter(|word| !word.is_empty()).peekable();
        if words.peek().is_none() {
            field.present.push(sign);
        }
        for word in words {
            field.is_searched = true;
            let (bare, at_start) = Word::parts(word);
            let folded = fold(bare);
            if folded.len() < LEAST_VALUE_BYTES {
                let word = Word::new(word);
                match field.short.iter_mut().find(|(known, _)| *known == word) {
                    Some((_, signs)) => signs.push(sign),
                    None => field.short.push((word, vec![sign])),
                }
            } else {
                let signs = place(&mut self.recogniser.value_signs, self.values.number(folded));
                signs.push(ValueSign { field: field.number, at_start, sign });
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
        let (texts, values) = (self.texts.needles(TEXT_STRIDE), self.values.needles(1));
        Recogniser { texts, values, ..self.recogniser }
    }
}

fn field_named<'f>(fields: &'f mut Vec<Vec<Field>>, name: &str) -> &'f mut Field {
    let number = fields.iter().map(Vec::len).sum();
    let of_length = place(fields, name.len());
    let known = of_length.iter().position(|field| field.name.eq_ignore_ascii_case(name));
    let at = known.unwrap_or_else(|| {
        let name = name.to_ascii_lowercase();
        let last = name.bytes().next_back();
        of_length.push(Field { name, last, number, present: Vec::new(), short: Vec::new(), is_searched: false });
        of_length.len() - 1
    });
    &mut of_length[at]
}

fn place<T>(lists: &mut Vec<Vec<T>>, number: usize) -> &mut Vec<T> {
    if lists.len() <= number {
        lists.resize_with(number + 1, Vec::new);
    }
    &mut lists[number]
}
