//! Whether a text is spaced as it should be: most are, and need not be taken apart to be put together again.

/// Whether there is nothing but visible ASCII and single spaces, none at the ends. Counted in bytes without a branch for each, so that
/// the compiler turns it into vector instructions.
pub(crate) fn is_single_spaced_ascii(text: &str) -> bool {
    let bytes = text.as_bytes();
    let odd = bytes.iter().fold(0, |odd, &byte| odd | u8::from(byte.wrapping_sub(b' ') > b'~' - b' '));
    let pairs = bytes.iter().zip(bytes.get(1..).unwrap_or_default());
    let doubled = pairs.fold(0, |doubled, (&a, &b)| doubled | u8::from((a | b) == b' '));
    (odd | doubled) == 0 && bytes.first() != Some(&b' ') && bytes.last() != Some(&b' ')
}
