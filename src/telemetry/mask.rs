//! Takes out of a template what might name a person after all, before it is kept for those who write rules.
//!
//! A template ([`crate::smtp::Template`]) has lost its addresses, numbers and ids already; names in running text it cannot
//! tell. Here a word must be known to be harmless: the catalogue's own texts, in all its languages, are the dictionary. What
//! is not in it goes where a name may stand, or where it looks like one; elsewhere a new word may stay, for that is what a
//! rule is made of.
//!
//! # Incomplete support
//! Scripts without capitals or spaces (Chinese, Japanese, Thai, Arabic, Hebrew) are kept as they are, and so is a name that
//! is an ordinary word of the catalogue's texts.

use std::collections::HashSet;

use crate::catalog::{Catalog, Text};

/// Words beside which names stand, in the languages met most.
const BEFORE_NAMES: [&str; 34] = [
    "user",
    "users",
    "username",
    "mailbox",
    "account",
    "recipient",
    "address",
    "name",
    "login",
    "for",
    "to",
    "by",
    "from",
    "dear",
    "mr",
    "mrs",
    "benutzer",
    "nutzer",
    "empfänger",
    "postfach",
    "konto",
    "adresse",
    "für",
    "herr",
    "frau",
    "utilisateur",
    "destinataire",
    "compte",
    "usuario",
    "destinatario",
    "cuenta",
    "utente",
    "gebruiker",
    "ontvanger",
];
const BEHIND_NAMES: [&str; 16] = [
    "unknown",
    "does",
    "doesn",
    "is",
    "isn",
    "not",
    "has",
    "was",
    "unbekannt",
    "existiert",
    "ist",
    "hat",
    "nicht",
    "est",
    "no",
    "non",
];

/// No word is longer; ids and keys are.
const MAX_WORD_BYTES: usize = 40;

/// The words that are known to be harmless.
#[derive(Debug)]
pub(super) struct Dictionary {
    words: HashSet<Box<str>>,
    hosts: HashSet<Box<str>>,
}

impl Dictionary {
    /// The words of the catalogue's texts and examples, in all languages.
    pub(super) fn of(catalog: &Catalog) -> Self {
        let mut dictionary = Self { words: HashSet::new(), hosts: HashSet::new() };
        let examples = || catalog.phrases().iter().filter_map(|phrase| phrase.example.as_deref());
        examples().for_each(|example| dictionary.learn(example));
        // Examples are replies to people such as `anna@example.org`; what is a person there may be a word in a text.
        for example in examples() {
            for person in example.match_indices('@').filter_map(|(at, _)| last_word(&example[..at])) {
                dictionary.words.remove(person.to_lowercase().as_str());
            }
        }
        BEFORE_NAMES.iter().chain(&BEHIND_NAMES).for_each(|word| dictionary.learn(word));
        for code in catalog.codes() {
            let texts = [Some(&code.name), Some(&code.meaning), code.standard.as_ref(), code.note.as_ref()];
            texts.into_iter().flatten().flat_map(Text::all).for_each(|text| dictionary.learn(text));
            code.standard_text.iter().for_each(|text| dictionary.learn(text));
            code.causes.all().chain(code.remedies.all()).for_each(|text| dictionary.learn(text));
        }
        for category in catalog.categories() {
            category.name.all().chain(category.summary.all()).for_each(|text| dictionary.learn(text));
            category.causes.all().chain(category.steps.all()).for_each(|text| dictionary.learn(text));
        }
        for phrase in catalog.phrases() {
            phrase.meaning.iter().flat_map(Text::all).for_each(|text| dictionary.learn(text));
        }
        for provider in catalog.providers() {
            dictionary.learn(&provider.name);
            dictionary.hosts.extend(provider.hosts.iter().map(|host| host.to_lowercase().into()));
        }
        for list in catalog.blocklists() {
            dictionary.learn(&list.name);
            dictionary.hosts.extend(list.words.iter().map(|word| word.to_lowercase().into()));
        }
        dictionary
    }

    fn learn(&mut self, text: &str) {
        for word in words(text) {
            let word = word.to_lowercase();
            if !self.words.contains(word.as_str()) {
                self.words.insert(word.into());
            }
        }
    }

    /// `template` without what might name a person.
    pub(super) fn mask(&self, template: &str) -> String {
        let mut out = String::with_capacity(template.len() + 16);
        let mut before = None;
        let mut rest = template;
        while let Some(start) = rest.find(|c| !is_between(c)) {
            let (between, after) = rest.split_at(start);
            out.push_str(between);
            let length = match after.find(is_between) {
                // A URL holds signs that end other words.
                _ if is_url(after) => after.find([' ', '<', '>', '"', ')', ']']).unwrap_or(after.len()),
                found => found.unwrap_or(after.len()),
            };
            let (word, after) = after.split_at(length);
            let is_placeholder = out.ends_with('<') && after.starts_with('>');
            if is_placeholder {
                out.push_str(word);
            } else if is_url(word) {
                self.write_url(word, &mut out);
            } else {
                self.mask_word(word, before, after, &mut out);
            }
            before = Some(word);
            rest = after;
        }
        out.push_str(rest);
        // Two names in a row are one person.
        while out.contains("<name> <name>") {
            out = out.replace("<name> <name>", "<name>");
        }
        out
    }

    fn mask_word(&self, word: &str, before: Option<&str>, after: &str, out: &mut String) {
        let core = word.trim_matches(|c: char| !c.is_alphanumeric());
        let Some(at) = word.find(core).filter(|_| !core.is_empty()) else {
            out.push_str(word);
            return;
        };
        out.push_str(&word[..at]);
        out.push_str(self.placeholder(core, before, after).unwrap_or(core));
        out.push_str(&word[at + core.len()..]);
    }

    /// What stands for `word`; nothing where it may stay.
    fn placeholder(&self, word: &str, before: Option<&str>, after: &str) -> Option<&'static str> {
        if word.len() > MAX_WORD_BYTES {
            return Some("<id>");
        }
        if !word.chars().any(char::is_alphabetic) {
            return None;
        }
        // Of whatever words a host's name is made, it may be a person's; but `unknown.Please` is a space that was forgotten.
        if is_host(word) && !(self.knows(word) && ends_sentence(word)) {
            return (!self.knows_host(word)).then_some("<host>");
        }
        if self.knows(word) {
            return None;
        }
        let is_inside = |sign: char| word.contains(sign);
        let has_small = word.chars().any(char::is_lowercase);
        let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
        if has_small && (is_inside('_') || has_digit) || is_inside('@') {
            return Some("<name>");
        }
        // `TSS04`: a provider's own code.
        if has_digit && !has_small {
            return None;
        }
        let is_one_of = |list: &[&str], neighbour: &str| list.contains(&neighbour.to_lowercase().as_str());
        let next = words(after).next();
        let beside_name = before.is_none_or(|before| is_one_of(&BEFORE_NAMES, last_word(before).unwrap_or_default()))
            || next.is_some_and(|next| is_one_of(&BEHIND_NAMES, next));
        let is_capitalised = word.chars().next().is_some_and(char::is_uppercase) && has_small;
        (beside_name || is_capitalised).then_some("<name>")
    }

    /// A URL's host tells who refuses; its path may tell whom.
    fn write_url(&self, url: &str, out: &mut String) {
        let host_at = url.find("://").map_or(0, |at| at + 3);
        let path_at = url[host_at..].find(['/', '?', '#']).map_or(url.len(), |at| host_at + at);
        let (host, path) = url.split_at(path_at);
        out.push_str(host);
        out.push_str(if self.knows(path) { path } else { "/<path>" });
    }

    /// Whether every part of a word is harmless. One or two letters say nothing, but where they are a word of their own.
    fn knows(&self, word: &str) -> bool {
        let is_whole = |part: &str| part.len() == word.len();
        words(word).all(|part| {
            self.words.contains(part.to_lowercase().as_str())
                || (part.chars().count() < 3 && !is_whole(part))
                || part.bytes().all(|byte| byte.is_ascii_digit())
        })
    }

    /// Whether the catalogue names this host: a blocklist's or a provider's.
    fn knows_host(&self, host: &str) -> bool {
        let host = host.to_lowercase();
        let mut domain = host.as_str();
        loop {
            if self.hosts.contains(domain) {
                return true;
            }
            match domain.split_once('.') {
                Some((_, parent)) => domain = parent,
                None => return false,
            }
        }
    }
}

/// Runs of letters and digits.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

fn last_word(text: &str) -> Option<&str> {
    text.rsplit(|c: char| !c.is_alphanumeric()).next().filter(|word| !word.is_empty())
}

fn is_between(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '<' | '>'
                | '('
                | ')'
                | '['
                | ']'
                | '{'
                | '}'
                | '"'
                | '\''
                | ','
                | ';'
                | '='
                | '|'
                | '’'
                | '‘'
                | '“'
                | '”'
                | '„'
        )
}

fn is_url(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// Labels that end in one of letters.
fn is_host(word: &str) -> bool {
    word.rsplit_once('.').is_some_and(|(_, last)| last.chars().count() >= 2 && last.chars().all(char::is_alphabetic))
}

/// Whether a sentence begins behind the last dot.
fn ends_sentence(word: &str) -> bool {
    let mut last = word.rsplit('.').next().unwrap_or_default().chars();
    last.next().is_some_and(char::is_uppercase) && last.next().is_some_and(char::is_lowercase)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use proptest::prelude::*;

    static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(|| Dictionary::of(&Catalog::built_in().unwrap()));

    #[test]
    fn what_may_name_a_person_goes() {
        for (template, expected) in [
            ("User annegret unknown", "User <name> unknown"),
            ("annegret does not live here", "<name> does not live here"),
            ("No mailbox here for annegret", "No mailbox here for <name>"),
            ("The person Annegret Schmitz has left the company", "The person <name> has left the company"),
            ("Benutzer annegret ist unbekannt", "Benutzer <name> ist unbekannt"),
            ("refused (annegret.schmitz)", "refused (<host>)"),
            ("refused: annegret_schmitz", "refused: <name>"),
            ("refused: annegret84", "refused: <name>"),
            ("mail for schmitz-maier.de refused", "mail for <host> refused"),
            ("see https://help.example.org/u/annegret?x=1", "see https://help.example.org/<path>"),
            ("mail.post.de has no such user", "<host> has no such user"),
            ("schmitz-maier.de’s policy", "<host>’s policy"),
        ] {
            assert_eq!(DICTIONARY.mask(template), expected, "{template}");
        }
    }

    #[test]
    fn what_a_rule_is_made_of_stays() {
        for template in [
            "Message refused, code frobnicated",
            "Client host [<ip>] blocked using zen.spamhaus.org",
            "<email>: Recipient address rejected: Access denied",
            "Message rejected. See https://help.example.org/",
            "Nachricht abgelehnt: Postfach voll",
            "5.7.1 TSS04 not accepted",
            "[C14] Mailbox unknown.Please see http://help.example.org/error-codes",
            "",
            "   ",
            "<>",
        ] {
            assert_eq!(DICTIONARY.mask(template), template);
        }
    }

    #[test]
    fn the_people_of_the_examples_are_not_in_the_dictionary() {
        for person in ["anna", "ben"] {
            assert!(!DICTIONARY.words.contains(person), "{person}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_masked_without_a_panic(text in "\\PC{0,60}") {
            let masked = DICTIONARY.mask(&text);
            // A placeholder is at most eight bytes longer than the word it stands for.
            prop_assert!(masked.len() <= text.len() * 9 + 8, "{masked}");
        }
    }
}
