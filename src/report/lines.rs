//! Texts in pieces: by lines and by bytes. The standard library looks for one byte more slowly than `memchr` does, and every line
//! of a report is asked for several times.

/// The first `most` bytes of a text, not cutting a character.
pub(super) fn head(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// The same as [`str::split_inclusive`], which looks for line ends more slowly.
pub(super) fn lines_with_ends(text: &str) -> impl Iterator<Item = &str> {
    let mut start = 0;
    let ends = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1).chain([text.len()]);
    ends.map(move |end| {
        let line = &text[start..end];
        start = end;
        line
    })
    .filter(|line| !line.is_empty())
}

/// The same as [`str::split`], which looks for one byte more slowly.
pub(super) fn split_at_byte(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut start = 0;
    let ends = memchr::memchr_iter(separator, text.as_bytes()).chain([text.len()]);
    ends.map(move |end| {
        let piece = &text[start..end];
        start = end + 1;
        piece
    })
}
