//! The grammar of times: from a wait's words to the number and unit near them.

use super::{
    Rule, Waits,
    number::{bare_number, clock, number},
    sentence::{ends_with_any, first_sentence, last_sentence, starts_a_word},
    word_set::Hit,
};

/// Less is no wait, more is no advice for a queue: RFC 5321 §4.5.4.1 gives up after four to five days.
const BOUNDS: std::ops::RangeInclusive<u64> = 1..=7 * 86_400;

/// How far behind a wait's words its time may stand, in bytes: "try again to send this to <…> in 5 minutes".
const REACH: usize = 72;

/// How far before them, where the order is the other way round; and how much of that may lie between.
const REACH_BACK: usize = 64;
const GAP_BACK: usize = 24;

impl Waits {
    /// The time behind the words at `hit`, in the same sentence.
    pub(super) fn behind(&self, rule: &Rule, folded: &str, hit: &Hit) -> Option<(u32, usize, usize)> {
        let rest = &folded[hit.end..];
        let window = first_sentence(&rest[..rest.floor_char_boundary(REACH)]);
        window.char_indices().map(|(at, _)| at).find_map(|at| {
            if !starts_a_word(window, at) {
                return None;
            }
            let gap = window[..at].trim_end_matches(|c: char| !c.is_alphanumeric());
            let (seconds, len) = self.time(&rest[at..], rule.bare.filter(|_| gap.is_empty()))?;
            (self.leads_on(gap, rule) && self.is_advice(seconds, &rest[at + len..])).then_some((
                seconds as u32,
                hit.start,
                hit.end + at + len,
            ))
        })
    }

    /// The time before the words at `hit`, with no punctuation between.
    pub(super) fn ahead(&self, rule: &Rule, folded: &str, hit: &Hit) -> Option<(u32, usize, usize)> {
        let from = folded.ceil_char_boundary(hit.start.saturating_sub(REACH_BACK));
        let near = &folded[from..hit.start];
        // A colon may stand within `00:04:59`.
        let cut = near.rfind([',', ';', '!', '?', '。', '、']).max(near.rfind(": "));
        let window = last_sentence(&near[cut.unwrap_or(0)..]);
        let offset = hit.start - window.len();
        window.char_indices().map(|(at, _)| at).find_map(|at| {
            if !starts_a_word(window, at) {
                return None;
            }
            let (seconds, len) = self.time(&window[at..], None)?;
            let gap = &window[at + len..];
            let is_near = gap.len() <= GAP_BACK && !gap.bytes().any(|byte| byte.is_ascii_digit());
            let led = rule.then.is_empty() || ends_with_any(window[..at].trim_end(), &rule.then);
            (is_near && led && self.is_advice(seconds, gap)).then_some((seconds as u32, offset + at, hit.end))
        })
    }

    /// Whether what lies between a wait's words and a number leads from one to the other.
    fn leads_on(&self, gap: &str, rule: &Rule) -> bool {
        let gap = gap.trim_start_matches(|c: char| !c.is_alphanumeric());
        gap.is_empty() || (ends_with_any(gap, &rule.then) && self.no_advice_before.hits(gap).next().is_none())
    }

    fn is_advice(&self, seconds: u64, behind: &str) -> bool {
        BOUNDS.contains(&seconds) && self.no_advice_after.at_start(behind.trim_start()).is_none()
    }

    /// The time at the start of `text`, in seconds, and its length.
    fn time(&self, text: &str, bare: Option<u32>) -> Option<(u64, usize)> {
        if let Some(clock) = clock(text) {
            return Some(clock);
        }
        let (mut total, mut unit, mut end) = self.part(text).or_else(|| bare_number(text, bare?))?;
        // "1 hour and 30 minutes": each further part is of a smaller unit.
        while let Some(rest) = self.next_part(&text[end..]) {
            let at = text.len() - rest.len();
            match self.part(rest) {
                Some((more, smaller, len)) if smaller < unit => {
                    (total, unit, end) = (total + more, smaller, at + len);
                }
                _ => break,
            }
        }
        Some((total / 1000, end))
    }

    /// A number and its unit, as thousandths of a second; the unit; the length.
    fn part(&self, text: &str) -> Option<(u64, u32, usize)> {
        if let Some((seconds, len)) = self.ones.at_start(text) {
            return Some((u64::from(seconds) * 1000, seconds, len));
        }
        let (mut value, mut end) = number(text)?;
        if let Some((most, len)) = self.other_end(&text[end..]) {
            value = value.max(most);
            end += len;
        }
        let rest = text[end..].trim_start_matches([' ', '-']);
        if text[end..].len() - rest.len() > 1 {
            return None;
        }
        let (seconds, len) = self.units.at_start(rest)?;
        Some((value * u64::from(seconds), seconds, text.len() - rest.len() + len))
    }

    /// The other end of a span: `-10`, ` to 10`.
    fn other_end(&self, text: &str) -> Option<(u64, usize)> {
        let rest = text.trim_start();
        let rest = match rest.strip_prefix('-') {
            Some(rest) => rest,
            None => &rest[self.tos.at_start(rest)?.1..],
        };
        let rest = rest.trim_start();
        let (value, len) = number(rest)?;
        Some((value, text.len() - rest.len() + len))
    }

    /// What follows a part and the comma or word that joins another to it.
    fn next_part<'t>(&self, text: &'t str) -> Option<&'t str> {
        let rest = text.trim_start_matches([' ', ',']);
        let rest = match self.ands.at_start(rest) {
            Some((_, len)) => rest[len..].trim_start(),
            None => rest,
        };
        rest.starts_with(|c: char| c.is_ascii_digit()).then_some(rest)
    }
}
