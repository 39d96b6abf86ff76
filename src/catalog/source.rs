//! Where a fact is from: a document, named once, and a place in it.

use std::fmt;

use serde::Deserialize;

/// A document that facts are taken from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// What facts name it by: `rfc5321`.
    pub id: String,
    /// `RFC 5321: Simple Mail Transfer Protocol`.
    pub title: String,
    /// Its address, where it has one.
    pub url: Option<String>,
    /// The day it was read, for pages that change.
    pub date: Option<String>,
    /// Its language, where that is not English.
    pub language: Option<String>,
}

/// A place in a document: `rfc5321#4.2.3`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Citation {
    /// The document's id.
    pub source: String,
    /// The section, for documents with numbered ones.
    pub section: Option<String>,
}

impl From<String> for Citation {
    fn from(text: String) -> Self {
        match text.split_once('#') {
            Some((source, section)) => Self { source: source.to_owned(), section: Some(section.to_owned()) },
            None => Self { source: text, section: None },
        }
    }
}

impl Citation {
    /// Short enough for a line: `RFC 5321 §4.2.3`, or the document's title.
    pub fn label(&self, source: &Source) -> String {
        let short = match source.title.split_once(':') {
            Some((rfc, _)) if rfc.starts_with("RFC ") => rfc,
            _ => &source.title,
        };
        match &self.section {
            Some(section) => format!("{short} §{section}"),
            None => source.title.clone(),
        }
    }

    /// The address of the place itself, where the document has one.
    pub fn url(&self, source: &Source) -> Option<String> {
        let url = source.url.as_ref()?;
        Some(match &self.section {
            Some(section) if source.id.starts_with("rfc") => format!("{url}#section-{section}"),
            _ => url.clone(),
        })
    }
}

impl fmt::Display for Citation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)?;
        match &self.section {
            Some(section) => write!(f, "#{section}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_named_and_linked() {
        let rfc = Source {
            id: "rfc5321".to_owned(),
            title: "RFC 5321: Simple Mail Transfer Protocol".to_owned(),
            url: Some("https://www.rfc-editor.org/rfc/rfc5321".to_owned()),
            date: None,
            language: None,
        };
        let place = Citation::from("rfc5321#4.2.3".to_owned());
        assert_eq!(place.label(&rfc), "RFC 5321 §4.2.3");
        assert_eq!(place.url(&rfc).unwrap(), "https://www.rfc-editor.org/rfc/rfc5321#section-4.2.3");
        assert_eq!(Citation::from("rfc5321".to_owned()).label(&rfc), "RFC 5321: Simple Mail Transfer Protocol");
    }
}
