//! What replies are made of between spaces and brackets: words, numbers, addresses, host names. Told by their bytes, so that
//! most tokens, which are words, need no second look.

/// Stands between tokens.
pub(crate) const DELIMITER: u8 = 0;
/// Letters, hyphens within words, and whatever is not ASCII.
pub(crate) const LETTER: u8 = 1;
pub(crate) const DIGIT: u8 = 2;
pub(crate) const AT: u8 = 4;
pub(crate) const DOT: u8 = 8;
pub(crate) const COLON: u8 = 16;
pub(crate) const UNDERSCORE: u8 = 32;
/// Other signs that join parts.
pub(crate) const SIGN: u8 = 64;

/// What a byte tells about the token that it stands in, a bit each. A dot, hyphen, colon or `@` is part of a token, since addresses
/// and dates have them.
pub(crate) static CLASSES: [u8; 256] = {
    const DELIMITERS: &[u8] = b"<>()[]{}\"',;=|!?\x7f";
    const SIGNS: &[u8] = b"/+#%&~*$^\\";
    let mut classes = [LETTER; 256];
    let mut at = 0;
    while at <= b' ' as usize {
        classes[at] = DELIMITER;
        at += 1;
    }
    at = 0;
    while at < DELIMITERS.len() {
        classes[DELIMITERS[at] as usize] = DELIMITER;
        at += 1;
    }
    at = 0;
    while at < SIGNS.len() {
        classes[SIGNS[at] as usize] = SIGN;
        at += 1;
    }
    at = b'0' as usize;
    while at <= b'9' as usize {
        classes[at] = DIGIT;
        at += 1;
    }
    classes[b'@' as usize] = AT;
    classes[b'.' as usize] = DOT;
    classes[b':' as usize] = COLON;
    classes[b'_' as usize] = UNDERSCORE;
    classes
};

/// A vendor's own code, which is letters and then digits: `tss04`, `s3150`, `as16012611`.
pub(crate) fn is_vendor_code(word: &[u8]) -> bool {
    let first_digit = word.iter().position(u8::is_ascii_digit).unwrap_or(0);
    word.len() <= 10 && first_digit > 0 && word[first_digit..].iter().all(u8::is_ascii_digit)
}
