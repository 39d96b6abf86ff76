//! Numbers as waits write them: `5`, `1.5`, `00:04:59`. Folding has made all digits ASCII ones.

/// `00:04:59`. Two parts could be a time of day, and are none.
pub(super) fn clock(text: &str) -> Option<(u64, usize)> {
    let len = text.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(text.len());
    let mut parts = text[..len].split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let is_clock = parts.next().is_none() && hours.len() <= 2 && minutes.len() == 2 && seconds.len() == 2;
    let of = |part: &str, most: u64| part.parse::<u64>().ok().filter(|value| *value < most);
    let total = of(hours, 100)? * 3600 + of(minutes, 60)? * 60 + of(seconds, 60)?;
    is_clock.then_some((total, len))
}

/// A number at the start, in thousandths, and its length. More digits than nine are no wait.
pub(super) fn number(text: &str) -> Option<(u64, usize)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(text);
    if !(1..=9).contains(&whole) {
        return None;
    }
    let value: u64 = text[..whole].parse().ok()?;
    let fraction = text[whole..].strip_prefix(['.', ',']).map_or("", |rest| &rest[..digits(rest)]);
    match fraction.len() {
        0 => Some((value * 1000, whole)),
        len @ 1..=3 => {
            let thousandths = fraction.parse::<u64>().ok()? * [100, 10, 1][len - 1];
            Some((value * 1000 + thousandths, whole + 1 + len))
        }
        _ => None,
    }
}

/// A number that stands alone, so that it is no part of a date, a time of day or a word.
pub(super) fn bare_number(text: &str, unit: u32) -> Option<(u64, u32, usize)> {
    let (value, len) = number(text)?;
    let mut behind = text[len..].chars();
    let stands_alone = match behind.next() {
        Some(c) if c.is_alphanumeric() || matches!(c, ':' | '-' | '/' | '.' | '%') => {
            c == '.' && !behind.next().is_some_and(char::is_alphanumeric)
        }
        Some(' ') => !behind.next().is_some_and(char::is_alphabetic),
        _ => true,
    };
    stands_alone.then_some((value * u64::from(unit), unit, len))
}
