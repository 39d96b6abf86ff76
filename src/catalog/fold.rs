//! Folding: what makes two ways of writing the same words equal. Lower case, no accents, no compatibility forms (full-width
//! letters, ligatures), straight quotes, single spaces.

use std::{borrow::Cow, sync::LazyLock};

use unicode_normalization::UnicodeNormalization;

use crate::smtp::spacing::is_single_spaced_ascii;

/// The folded form of `text`, in which phrases are compared.
///
/// ```
/// # use retoure::catalog::fold;
/// assert_eq!(fold("Größe  überschritten"), "grosse uberschritten");
/// assert_eq!(fold("ＵＳＥＲ “unknown”"), "user \"unknown\"");
/// ```
pub fn fold(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        let is_lower = !text.bytes().fold(false, |found, byte| found | byte.is_ascii_uppercase());
        return if is_lower { Cow::Borrowed(text) } else { Cow::Owned(text.to_ascii_lowercase()) };
    }
    let mut out = String::with_capacity(text.len());
    fold_odd(text, &mut out);
    Cow::Owned(out)
}

/// Appends the folded form of `text` to `out`, which is empty.
///
/// ASCII is by far the most, and mostly needs nothing but lower case: a few passes that the compiler turns into vector
/// instructions, where a loop that decides byte by byte took twenty times as long.
pub(crate) fn fold_into(text: &str, out: &mut String) {
    debug_assert!(out.is_empty(), "what stands there would change how the text begins");
    if is_plain(text) {
        out.push_str(text);
        out.make_ascii_lowercase();
    } else {
        fold_odd(text, out);
    }
}

/// Folds what needs more than lower case.
fn fold_odd(text: &str, out: &mut String) {
    if text.is_ascii() {
        fold_ascii(text, out);
    } else {
        fold_unicode(text, out);
    }
}

/// Whether text is in ASCII and needs nothing but lower case.
fn is_plain(text: &str) -> bool {
    is_single_spaced_ascii(text) && memchr::memchr(b'`', text.as_bytes()).is_none()
}

fn fold_ascii(text: &str, out: &mut String) {
    let is_space = |byte: u8| byte <= b' ' || byte == 0x7f;
    for word in text.split(|c: char| is_space(c as u8)).filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out.make_ascii_lowercase();
    if memchr::memchr(b'`', out.as_bytes()).is_some() {
        *out = out.replace('`', "'");
    }
}

fn fold_unicode(text: &str, out: &mut String) {
    for c in text.chars() {
        match u32::from(c) {
            0..0x80 => push_folded(out, if c == '`' { '\'' } else { c.to_ascii_lowercase() }),
            FIRST_KNOWN..BEHIND_KNOWN => {
                for c in KNOWN[(u32::from(c) - FIRST_KNOWN) as usize].chars() {
                    push_folded(out, c);
                }
            }
            // Hebrew, Arabic, Thai and ideographs have neither case nor accents.
            0x5d0..0x5eb | 0x627..0x64b | 0xe01..0xe33 | 0xe40..0xe4f | 0x4e00..0xa000 => out.push(c),
            _ => fold_character(c, out),
        }
    }
    trim_end(out);
}

/// The first character whose folded form is kept.
const FIRST_KNOWN: u32 = 0x80;
/// Behind Latin, Greek and Cyrillic, the scripts that most words outside ASCII are written in.
const BEHIND_KNOWN: u32 = 0x530;

/// Decomposing a character takes some hundred nanoseconds, looking it up here a few.
static KNOWN: LazyLock<Vec<Box<str>>> = LazyLock::new(|| {
    let folded = |scalar| {
        let c = char::from_u32(scalar)?;
        let mut out = String::new();
        fold_character(c, &mut out);
        // A space at the start is left out of a text, but here it stands between words.
        Some(if c.is_whitespace() || c.is_control() { " ".into() } else { out.into_boxed_str() })
    };
    (FIRST_KNOWN..BEHIND_KNOWN).map(|scalar| folded(scalar).unwrap_or_default()).collect()
});

/// Each character by itself: that marks are put in order behind each other matters only where two stand on one letter.
fn fold_character(c: char, out: &mut String) {
    for c in c.nfkd().flat_map(char::to_lowercase).filter(|c| !is_accent(*c)) {
        match c {
            'ß' => out.push_str("ss"),
            '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}' | '\u{2032}' | '\u{00b4}' | '`' => out.push('\''),
            '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{201f}' | '\u{00ab}' | '\u{00bb}' => out.push('"'),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => out.push('-'),
            // Letters with a stroke are letters of their own to Unicode; to a reader without the key they are not.
            'ø' => out.push('o'),
            'ł' => out.push('l'),
            'đ' => out.push('d'),
            'ı' => out.push('i'),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{00ad}' => {}
            c => push_folded(out, c),
        }
    }
}

/// Combining marks of the Latin, Greek and Cyrillic scripts; the voicing marks of Japanese are none.
const fn is_accent(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036f}')
}

fn push_folded(out: &mut String, c: char) {
    if !(c.is_whitespace() || c.is_control()) {
        out.push(c);
    } else if !out.is_empty() && !out.ends_with(' ') {
        out.push(' ');
    }
}

fn trim_end(out: &mut String) {
    if out.ends_with(' ') {
        out.pop();
    }
}

/// Whether a match in folded text may begin or end between these two characters: not inside a word, unless the script writes
/// no spaces between words.
pub(super) fn is_word_boundary(left: Option<char>, right: Option<char>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => !(is_spaced_word(left) && is_spaced_word(right)),
        _ => true,
    }
}

/// Whether a character belongs to a word of a script that writes spaces between words.
pub(super) fn is_spaced_word(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    // The letters that are met most, without asking Unicode's tables.
    if matches!(c, 'À'..='Ö' | 'Ø'..='ö' | 'ø'..='ʯ' | 'Σ'..='ώ' | 'Ѐ'..='ҁ' | 'Ҋ'..='ԯ') {
        return true;
    }
    let unspaced = matches!(c,
        '\u{0e00}'..='\u{0eff}'     // Thai, Lao
        | '\u{1100}'..='\u{11ff}'   // Hangul Jamo, as folding decomposes Hangul
        | '\u{2e80}'..='\u{9fff}'   // Kana, CJK
        | '\u{ac00}'..='\u{d7ff}'   // Hangul
        | '\u{f900}'..='\u{faff}'   // CJK compatibility
        | '\u{20000}'..='\u{3ffff}');
    !unspaced && c.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn writing_differs_and_words_are_the_same() {
        for (written, folded) in [
            ("User Unknown", "user unknown"),
            ("user\r\n  unknown ", "user unknown"),
            ("Boîte aux lettres pleine", "boite aux lettres pleine"),
            ("Größe", "grosse"),
            ("ＵＳＥＲ\u{3000}unknown", "user unknown"),
            ("doesn’t exist", "doesn't exist"),
            ("skrzynka przepełniona", "skrzynka przepelniona"),
            ("already folded", "already folded"),
            (" Two  spaces\tand `ticks' ", "two spaces and 'ticks'"),
        ] {
            assert_eq!(fold(written), folded, "{written:?}");
        }
        assert!(matches!(fold("already folded"), Cow::Borrowed(_)));
    }

    #[test]
    fn words_end_where_letters_do_but_not_in_scripts_without_spaces() {
        assert!(!is_word_boundary(Some('l'), Some('y')));
        assert!(is_word_boundary(Some('l'), Some(' ')));
        assert!(is_word_boundary(None, Some('f')));
        assert!(!is_word_boundary(Some('я'), Some('щ')));
        assert!(is_word_boundary(Some('名'), Some('な')));
    }

    #[test]
    fn what_is_taken_as_it_stands_has_no_other_form() {
        for c in ('\u{500}'..'\u{f00}').chain('\u{4e00}'..'\u{a000}') {
            let mut slowly = String::new();
            fold_character(c, &mut slowly);
            trim_end(&mut slowly);
            assert_eq!(fold(&c.to_string()), slowly, "{c:?}");
        }
    }

    #[test]
    fn the_letters_that_are_met_most_are_those_of_unicode() {
        for c in '\u{80}'..'\u{600}' {
            assert_eq!(is_spaced_word(c), c.is_alphanumeric(), "{c:?}");
        }
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "([a-zA-Z` ]|\\PC|[\\t\r\n]){0,40}") {
            let once = fold(&text).into_owned();
            prop_assert_eq!(fold(&once), once.as_str());
            let mut appended = String::new();
            fold_into(&text, &mut appended);
            prop_assert_eq!(appended, once);
        }
    }
}
