//! The keys that may ask. Where none is configured, everybody may.
//!
//! A file of keys has one a line, with a name of your own before it if you like, so that the log can say which are in force;
//! `#` begins a comment line. Several keys hold at once: to change one, add the new, move the callers, remove the old.

use std::{fmt, fs, path::Path};

use axum::http::{HeaderMap, HeaderName, header};
use subtle::{ConditionallySelectable, ConstantTimeEq};

use crate::settings::Access;

/// A key has at most as many bytes. All are filled up to this length, so that comparing them takes the same time.
const KEY_BYTES: usize = 128;

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Every key that may ask.
pub struct Keys(Vec<Key>);

struct Key {
    label: Option<String>,
    filled: [u8; KEY_BYTES],
}

impl Keys {
    /// Reads the keys that these settings name; `None` where they name none.
    ///
    /// # Errors
    /// A sentence that names the file and line, and never the key.
    pub fn read(access: &Access) -> Result<Option<Self>, String> {
        if !access.has_keys() {
            return Ok(None);
        }
        let mut keys = Vec::new();
        if let Some(secret) = &access.api_key {
            keys.push(
                Key::new(None, secret.reveal()).map_err(|wrong| format!("RETOURE_API_KEY or --api-key: {wrong}"))?,
            );
        }
        for file in [&access.api_keys_file, &access.api_key_file].into_iter().flatten() {
            read_file(file, &mut keys)?;
        }
        Ok(Some(Self(keys)))
    }

    /// What the keys are called, for the log.
    pub fn labels(&self) -> Vec<&str> {
        self.0.iter().map(|key| key.label.as_deref().unwrap_or("(no name)")).collect()
    }

    /// Which key it is, if it is one. Takes as long for a wrong one as for a right one, whatever they have in common. (A key that is
    /// filled up with NUL is the same key; no header holds NUL, RFC 9110 §5.5.)
    fn find(&self, offered: &[u8]) -> Option<u32> {
        let offered = filled(offered)?;
        let mut found = u32::MAX;
        for (number, key) in (0..).zip(&self.0) {
            found.conditional_assign(&number, key.filled.ct_eq(&offered));
        }
        (found != u32::MAX).then_some(found)
    }

    /// Which key a request shows.
    pub(super) fn shown(&self, headers: &HeaderMap) -> Shown {
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| {
            let (scheme, key) = value.as_bytes().split_at_checked("Bearer ".len())?;
            scheme.eq_ignore_ascii_case(b"Bearer ").then(|| key.trim_ascii())
        });
        match bearer.or_else(|| headers.get(X_API_KEY).map(|value| value.as_bytes().trim_ascii())) {
            None => Shown::None,
            Some(offered) => self.find(offered).map_or(Shown::Wrong, Shown::Right),
        }
    }
}

/// Keys do not appear in what is printed for debugging.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keys").field(&self.labels()).finish()
    }
}

/// The key that a request shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// One of ours, by its number.
    Right(u32),
    /// One that is not, or no longer, ours.
    Wrong,
    /// None at all.
    None,
}

impl Key {
    fn new(label: Option<&str>, key: &str) -> Result<Self, String> {
        let visible = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
        match filled(key.as_bytes()) {
            Some(filled) if visible => Ok(Self { label: label.map(str::to_owned), filled }),
            _ => Err(format!("expected a key of 1 to {KEY_BYTES} visible ASCII characters, best 32 random ones")),
        }
    }
}

fn filled(key: &[u8]) -> Option<[u8; KEY_BYTES]> {
    let mut filled = [0; KEY_BYTES];
    filled.get_mut(..key.len())?.copy_from_slice(key);
    Some(filled)
}

fn read_file(file: &Path, keys: &mut Vec<Key>) -> Result<(), String> {
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|error| format!("the keys cannot be read from {name}: {error}"))?;
    let before = keys.len();
    for (number, line) in (1..).zip(text.lines()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (label, key) = match words[..] {
            [] => continue,
            [first, ..] if first.starts_with('#') => continue,
            [key] => (None, key),
            [label, key] => (Some(label), key),
            _ => return Err(format!("{name}:{number}: more than two words; expected a key, or a name and a key")),
        };
        keys.push(Key::new(label, key).map_err(|wrong| format!("{name}:{number}: {wrong}"))?);
    }
    if keys.len() == before {
        return Err(format!("{name} holds no key; expected one a line"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn keys(text: &str) -> Result<Keys, String> {
        let file = std::env::temp_dir().join(format!("retoure-keys-{}-{}", std::process::id(), text.len()));
        fs::write(&file, text).unwrap();
        let mut keys = Vec::new();
        let read = read_file(&file, &mut keys);
        fs::remove_file(&file).unwrap();
        read.map(|()| Keys(keys))
    }

    #[test]
    fn a_key_is_found_whole_or_not_at_all() {
        let keys = keys("# ours\n\nold\tabc==\n  def  \n").unwrap();
        assert_eq!(keys.labels(), ["old", "(no name)"]);
        let long = "a".repeat(KEY_BYTES + 1);
        for (offered, expected) in
            [("abc==", Some(0)), ("def", Some(1)), ("abc", None), ("", None), ("DEF", None), (&long, None)]
        {
            assert_eq!(keys.find(offered.as_bytes()), expected, "{offered:?}");
        }
        assert!(!format!("{keys:?}").contains("def"));
    }

    #[test]
    fn a_key_comes_as_bearer_or_in_a_field_of_its_own() {
        let keys = keys("abc\ndef").unwrap();
        for (fields, expected) in [
            (&[("authorization", "Bearer abc")][..], Shown::Right(0)),
            (&[("authorization", "bearer  def ")], Shown::Right(1)),
            (&[("x-api-key", "def")], Shown::Right(1)),
            (&[("authorization", "Basic YTpi"), ("x-api-key", "abc")], Shown::Right(0)),
            (&[("authorization", "Bearer no"), ("x-api-key", "abc")], Shown::Wrong),
            (&[("authorization", "Basic YTpi")], Shown::None),
            (&[("authorization", "abc")], Shown::None),
            (&[], Shown::None),
        ] {
            let headers =
                fields.iter().map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            assert_eq!(keys.shown(&headers.collect()), expected, "{fields:?}");
        }
    }

    #[test]
    fn faults_name_the_line_and_not_the_key() {
        for (text, words) in [
            ("# nothing\n", "holds no key"),
            ("abc\none two three\n", ":2: more than two words"),
            ("geheim\u{e4}\n", ":1: expected a key of 1 to 128"),
        ] {
            let told = keys(text).unwrap_err();
            assert!(told.contains(words), "{text:?}: {told}");
            assert!(!told.contains("geheim") && !told.contains("three"), "{told}");
        }
    }
}
