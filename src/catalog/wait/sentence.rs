//! Where words and sentences begin and end in folded text.

use crate::catalog::fold::is_word_boundary;

/// Whether a time may begin here: not within a word, a code or a date.
pub(super) fn starts_a_word(text: &str, at: usize) -> bool {
    let before = text[..at].chars().next_back();
    let here = text[at..].chars().next();
    here.is_some_and(char::is_alphanumeric)
        && is_word_boundary(before, here)
        && !before.is_some_and(|c| matches!(c, '.' | ':' | '-' | '/' | '_' | '#' | '@'))
}

/// Up to where a sentence ends.
pub(super) fn first_sentence(text: &str) -> &str {
    let end = text.char_indices().find(|(at, c)| ends_sentence(text, *at, *c)).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

/// From behind where a sentence ended.
pub(super) fn last_sentence(text: &str) -> &str {
    let from = text.char_indices().rfind(|(at, c)| ends_sentence(text, *at, *c));
    from.map_or(text, |(at, c)| &text[at + c.len_utf8()..])
}

fn ends_sentence(text: &str, at: usize, c: char) -> bool {
    match c {
        '.' | '!' | '?' | ';' => text[at + 1..].starts_with(' '),
        '。' => true,
        _ => false,
    }
}

pub(super) fn ends_with_any(text: &str, words: &[String]) -> bool {
    words.iter().any(|word| {
        text.strip_suffix(word.as_str())
            .is_some_and(|before| is_word_boundary(before.chars().next_back(), word.chars().next()))
    })
}
