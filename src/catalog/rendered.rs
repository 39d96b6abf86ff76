//! JSON of what a catalogue never changes: written when first asked for, and then only copied. Most bytes of a verdict with its
//! texts are such, and escaping them again for each took longer than all the rest.

use std::sync::OnceLock;

use serde::Serialize;
use serde_json::value::RawValue;

/// Languages, and forms in each, of which the JSON is kept. What goes beyond is written each time.
const MOST: usize = 8;

/// The JSON of one thing in its languages and forms.
#[derive(Debug, Default)]
pub(crate) struct Rendered {
    /// Boxed, since of two thousand things most are never asked for.
    kept: OnceLock<Box<[OnceLock<Kept>; MOST]>>,
}

#[derive(Debug)]
struct Kept {
    language: Box<str>,
    form: u8,
    json: Box<RawValue>,
}

impl Rendered {
    /// The JSON in this language and form, made from `thing` where it is not yet kept; none where it cannot be kept.
    pub(crate) fn get<T: Serialize>(&self, language: &str, form: u8, thing: impl Fn() -> T) -> Option<&RawValue> {
        let make = || {
            let json = serde_json::value::to_raw_value(&thing()).ok()?;
            Some(Kept { language: language.into(), form, json })
        };
        for place in self.kept.get_or_init(Box::default).iter() {
            if place.get().is_none() {
                // Another thread may have set it meanwhile, to something else perhaps: whatever is there is looked at.
                let _ = place.set(make()?);
            }
            if let Some(kept) = place.get().filter(|kept| kept.form == form && *kept.language == *language) {
                return Some(&kept.json);
            }
        }
        None
    }
}

/// A copy keeps nothing.
impl Clone for Rendered {
    fn clone(&self) -> Self {
        Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_and_form_is_kept_once_and_what_goes_beyond_is_not() {
        let rendered = Rendered::default();
        let made = std::cell::Cell::new(0);
        let get = |language: &str, form| {
            let thing = || {
                made.set(made.get() + 1);
                format!("{language}{form}")
            };
            rendered.get(language, form, thing).map(|json| json.get().to_owned())
        };
        for _ in 0..2 {
            for (language, form) in [("en", 4), ("de", 4), ("en", 5)] {
                assert_eq!(get(language, form), Some(format!("\"{language}{form}\"")));
            }
        }
        assert_eq!(made.get(), 3);
        let beyond: Vec<Option<String>> = (10..20).map(|form| get("en", form)).collect();
        assert_eq!(beyond.iter().flatten().count(), MOST - 3, "{beyond:?}");
    }
}
