//! Texts in several languages. English and German are always there; any other language is one more key, and where it is
//! missing English is given.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The language that is given where the one asked for is missing.
pub const DEFAULT_LANGUAGE: &str = "en";

/// The languages that every text must have.
pub const REQUIRED_LANGUAGES: [&str; 2] = ["en", "de"];

// Both keep pairs rather than maps: there are thousands of texts in two languages each, and the smallest map takes half a KiB.

/// One text in several languages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub struct Text(Box<[(Box<str>, Box<str>)]>);

/// A list of texts in several languages, equally long in each.
#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "BTreeMap<String, Vec<String>>")]
pub struct Texts(Box<[(Box<str>, Vec<String>)]>);

impl Text {
    /// The text in `language`, else in English.
    pub fn get(&self, language: &str) -> &str {
        find(&self.0, language).map_or("", AsRef::as_ref)
    }

    /// The languages this text is written in.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(language, _)| language.as_ref())
    }

    /// The text in every language.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(_, text)| text.as_ref())
    }
}

impl Texts {
    /// The list in `language`, else in English.
    pub fn get(&self, language: &str) -> &[String] {
        find(&self.0, language).map_or(&[], Vec::as_slice)
    }

    /// Every item in every language.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|(_, list)| list).map(String::as_str)
    }

    /// Whether there is nothing in the list.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<BTreeMap<String, String>> for Text {
    type Error = String;

    fn try_from(texts: BTreeMap<String, String>) -> Result<Self, String> {
        check_languages(&texts)?;
        match texts.iter().find(|(_, text)| text.trim().is_empty()) {
            Some((language, _)) => Err(format!("the {language:?} text is empty")),
            None => Ok(Self(texts.into_iter().map(|(language, text)| (language.into(), text.into())).collect())),
        }
    }
}

impl TryFrom<BTreeMap<String, Vec<String>>> for Texts {
    type Error = String;

    fn try_from(texts: BTreeMap<String, Vec<String>>) -> Result<Self, String> {
        check_languages(&texts)?;
        let length = texts.get(DEFAULT_LANGUAGE).map_or(0, Vec::len);
        for (language, list) in &texts {
            if list.is_empty() || list.iter().any(|text| text.trim().is_empty()) {
                return Err(format!("the {language:?} list is empty or has an empty text"));
            }
            if list.len() != length {
                return Err(format!(
                    "the {language:?} list has {} texts, the {DEFAULT_LANGUAGE:?} list {length}",
                    list.len()
                ));
            }
        }
        Ok(Self(texts.into_iter().map(|(language, list)| (language.into(), list)).collect()))
    }
}

/// What stands under `language`, else what stands under English.
fn find<'t, T>(texts: &'t [(Box<str>, T)], language: &str) -> Option<&'t T> {
    let under = |wanted: &str| texts.iter().find(|(known, _)| &**known == wanted).map(|(_, text)| text);
    under(language).or_else(|| under(DEFAULT_LANGUAGE))
}

fn check_languages<T>(texts: &BTreeMap<String, T>) -> Result<(), String> {
    if let Some(missing) = REQUIRED_LANGUAGES.iter().find(|language| !texts.contains_key(**language)) {
        return Err(format!("the {missing:?} text is missing"));
    }
    let is_tag = |tag: &str| {
        (2..=8).contains(&tag.split('-').next().unwrap_or_default().len())
            && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    match texts.keys().find(|tag| !is_tag(tag)) {
        Some(tag) => Err(format!("{tag:?} is not a language tag such as \"fr\"")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(toml: &str) -> Result<Text, String> {
        toml::from_str::<BTreeMap<String, Text>>(toml)
            .map(|mut map| map.remove("t").unwrap())
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_missing_language_falls_back_to_english() {
        let text = text("t = { en = 'full', de = 'voll', fr = 'plein' }").unwrap();
        assert_eq!(text.get("de"), "voll");
        assert_eq!(text.get("fr"), "plein");
        assert_eq!(text.get("ja"), "full");
    }

    #[test]
    fn both_languages_are_required() {
        assert_eq!(text("t = { en = 'full' }").unwrap_err(), "the \"de\" text is missing");
        assert_eq!(text("t = { en = 'full', de = ' ' }").unwrap_err(), "the \"de\" text is empty");
        let lists = toml::from_str::<BTreeMap<String, Texts>>("t = { en = ['a', 'b'], de = ['a'] }").unwrap_err();
        assert_eq!(lists.message(), "the \"de\" list has 1 texts, the \"en\" list 2");
    }
}
