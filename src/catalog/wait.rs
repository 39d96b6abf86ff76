//! When a reply says to try again: "in 5 minutes", "greylisted for 300 seconds", `retry-after: 120`.
//!
//! `[[unit]]`, `[[wait]]` and `[[time_words]]` tables hold the words of all languages; here is only the grammar. A number with a
//! unit is a time; it is advice where a wait's words lead to it in the same sentence, and nothing between them calls it a limit or
//! a timeout. Incomplete on purpose: dates and times of day, since a reply is read without a clock, and numbers in words.

use aho_corasick::{AhoCorasick, Anchored, Input, MatchKind, StartKind};
use serde::Deserialize;

use super::{
    error::Fault,
    files::Located,
    fold::{fold, is_word_boundary},
    source::Citation,
};
use crate::smtp::Reply;

/// A unit of time and how languages write it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnitTable {
    pub(super) id: String,
    seconds: u32,
    /// What follows a number: `minutes`.
    #[serde(default)]
    words: Vec<String>,
    /// What stands for one of it, without a number: `an hour`.
    #[serde(default)]
    one: Vec<String>,
    pub(super) source: Citation,
}

/// Words that make a time near them advice.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitTable {
    pub(super) id: String,
    words: Vec<String>,
    #[serde(default)]
    place: TimePlace,
    /// One of these stands right before the time, where anything but punctuation lies between it and the words.
    #[serde(default)]
    then: Vec<String>,
    /// Where one of these stands anywhere, the rule says nothing.
    #[serde(default)]
    none: Vec<String>,
    /// The unit of a number without one.
    bare: Option<String>,
    pub(super) source: Citation,
    examples: Vec<TimeExample>,
    #[serde(default)]
    counter_examples: Vec<String>,
}

/// Where the time stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TimePlace {
    /// Behind the words: "try again in 5 minutes".
    #[default]
    After,
    /// Before them: "5 minutes left".
    Before,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimeExample {
    text: String,
    seconds: u32,
}

/// Words with a part in the grammar.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeWords {
    pub(super) role: TimeRole,
    words: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TimeRole {
    /// Joins parts: `1 hour and 30 minutes`.
    And,
    /// Joins the ends of a span: `5 to 10 minutes`.
    To,
    /// Between a wait's words and the time: a limit, no advice.
    NoAdviceBefore,
    /// Right behind the time: past, or a time of day.
    NoAdviceAfter,
}

/// A time that a reply gives for the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait<'a> {
    /// The rule that knows its words.
    pub rule: &'a str,
    /// How long to wait.
    pub seconds: u32,
    /// First byte of words and time in the folded text.
    pub start: usize,
    /// Byte behind the last.
    pub end: usize,
}

/// The waits' words, compiled.
#[derive(Debug)]
pub(super) struct Waits {
    rules: Vec<Rule>,
    leads: WordSet,
    units: WordSet,
    ones: WordSet,
    ands: WordSet,
    tos: WordSet,
    no_advice_before: WordSet,
    no_advice_after: WordSet,
}

#[derive(Debug)]
struct Rule {
    id: String,
    place: TimePlace,
    then: Vec<String>,
    none: Vec<String>,
    bare: Option<u32>,
}

/// Less is no wait, more is no advice for a queue: RFC 5321 §4.5.4.1 gives up after four to five days.
const BOUNDS: std::ops::RangeInclusive<u64> = 1..=7 * 86_400;

/// How far behind a wait's words its time may stand, in bytes: "try again to send this to <…> in 5 minutes".
const REACH: usize = 72;

/// Words of waits that are looked at in one reply: a text that is made of nothing else must not cost more than one that says something.
const MOST_HITS: usize = 64;

/// How far before them, where the order is the other way round; and how much of that may lie between.
const REACH_BACK: usize = 64;
const GAP_BACK: usize = 24;

impl Waits {
    /// Compiles and proves the tables. `None` where a fault makes proving impossible.
    pub(super) fn new(
        units: &[Located<UnitTable>],
        waits: &[Located<WaitTable>],
        words: &[Located<TimeWords>],
        faults: &mut Vec<Fault>,
    ) -> Option<Self> {
        let before = faults.len();
        for unit in units.iter().filter(|unit| unit.table.words.is_empty() && unit.table.one.is_empty()) {
            faults.push(unit.fault(format!("unit {}: `words` and `one` are both missing", unit.table.id)));
        }
        let seconds_of = |id: &str| units.iter().find(|unit| unit.table.id == id).map(|unit| unit.table.seconds);
        for wait in waits {
            let table = &wait.table;
            if table.words.is_empty() || table.examples.is_empty() {
                faults.push(wait.fault(format!("{}: `words` and `examples` must not be empty", table.id)));
            }
            if let Some(id) = table.bare.as_deref().filter(|id| seconds_of(id).is_none()) {
                faults.push(wait.fault(format!("{}: unknown unit `{id}`", table.id)));
            }
        }
        let rules = waits.iter().map(|wait| Rule {
            id: wait.table.id.clone(),
            place: wait.table.place,
            then: wait.table.then.iter().map(|word| fold(word).into_owned()).collect(),
            none: wait.table.none.iter().map(|word| fold(word).into_owned()).collect(),
            bare: wait.table.bare.as_deref().and_then(seconds_of),
        });
        let of_role = |role| words.iter().filter(move |words| words.table.role == role);
        let set = |role, kind| WordSet::new(of_role(role).map(|words| (0, &words.table.words)), kind);
        let compiled = (|| {
            Ok::<_, aho_corasick::BuildError>(Self {
                rules: rules.collect(),
                leads: WordSet::new((0..).zip(waits.iter().map(|wait| &wait.table.words)), Find::Anywhere)?,
                units: WordSet::new(units.iter().map(|u| (u.table.seconds, &u.table.words)), Find::AtStart)?,
                ones: WordSet::new(units.iter().map(|u| (u.table.seconds, &u.table.one)), Find::AtStart)?,
                ands: set(TimeRole::And, Find::AtStart)?,
                tos: set(TimeRole::To, Find::AtStart)?,
                no_advice_before: set(TimeRole::NoAdviceBefore, Find::Anywhere)?,
                no_advice_after: set(TimeRole::NoAdviceAfter, Find::AtStart)?,
            })
        })();
        let compiled = compiled
            .map_err(|error| faults.push(Fault { file: "times".to_owned(), line: 0, what: error.to_string() }))
            .ok()?;
        if faults.len() == before {
            compiled.prove(waits, faults);
        }
        Some(compiled)
    }

    /// Every example must give its seconds by its own rule, no counter-example may give any.
    fn prove(&self, waits: &[Located<WaitTable>], faults: &mut Vec<Fault>) {
        for wait in waits {
            let id = &wait.table.id;
            for TimeExample { text, seconds } in &wait.table.examples {
                match self.find(&fold(&Reply::parse(text).text)) {
                    Some(found) if found.seconds != *seconds => {
                        let what = format!("{id}: reads {} seconds in {text:?}, expected {seconds}", found.seconds);
                        faults.push(wait.fault(what));
                    }
                    Some(found) if found.rule != id => {
                        faults.push(wait.fault(format!("{id}: its example {text:?} is read by {}", found.rule)));
                    }
                    Some(_) => {}
                    None => faults.push(wait.fault(format!("{id}: finds no time in its example {text:?}"))),
                }
            }
            for text in &wait.table.counter_examples {
                if let Some(found) = self.find(&fold(&Reply::parse(text).text)) {
                    let what =
                        format!("{id}: {} reads {} seconds in its counter-example {text:?}", found.rule, found.seconds);
                    faults.push(wait.fault(what));
                }
            }
        }
    }

    /// The first time that `folded` gives for the next try. Allocates nothing; where no wait's words stand, it is one pass of an
    /// automaton.
    pub(super) fn find(&self, folded: &str) -> Option<Wait<'_>> {
        let found = self.leads.hits(folded).take(MOST_HITS).filter_map(|hit| {
            let rule = &self.rules[hit.value as usize];
            let (seconds, start, end) = match rule.place {
                TimePlace::After => self.behind(rule, folded, &hit)?,
                TimePlace::Before => self.ahead(rule, folded, &hit)?,
            };
            if rule.none.iter().any(|word| folded.contains(word.as_str())) {
                return None;
            }
            Some(Wait { rule: &rule.id, seconds, start, end })
        });
        // What stands first counts; of several words for one time, the longest.
        found.min_by_key(|wait| (wait.end, wait.start))
    }

    /// The time behind the words at `hit`, in the same sentence.
    fn behind(&self, rule: &Rule, folded: &str, hit: &Hit) -> Option<(u32, usize, usize)> {
        let rest = &folded[hit.end..];
        let window = first_sentence(&rest[..floor_boundary(rest, REACH)]);
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
    fn ahead(&self, rule: &Rule, folded: &str, hit: &Hit) -> Option<(u32, usize, usize)> {
        let from = ceil_boundary(folded, hit.start.saturating_sub(REACH_BACK));
        let cut = folded[from..hit.start].rfind([',', ';', ':', '!', '?', '。', '、']).map_or(from, |at| from + at);
        let window = last_sentence(&folded[ceil_boundary(folded, cut)..hit.start]);
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

/// `00:04:59`. Two parts could be a time of day, and are none.
fn clock(text: &str) -> Option<(u64, usize)> {
    let len = text.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(text.len());
    let mut parts = text[..len].split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let is_clock = parts.next().is_none() && hours.len() <= 2 && minutes.len() == 2 && seconds.len() == 2;
    let of = |part: &str, most: u64| part.parse::<u64>().ok().filter(|value| *value < most);
    let total = of(hours, 100)? * 3600 + of(minutes, 60)? * 60 + of(seconds, 60)?;
    is_clock.then_some((total, len))
}

/// A number at the start, in thousandths, and its length. More digits than nine are no wait.
fn number(text: &str) -> Option<(u64, usize)> {
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
fn bare_number(text: &str, unit: u32) -> Option<(u64, u32, usize)> {
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

/// Whether a time may begin here: not within a word, a code or a date.
fn starts_a_word(text: &str, at: usize) -> bool {
    let before = text[..at].chars().next_back();
    let here = text[at..].chars().next();
    here.is_some_and(char::is_alphanumeric)
        && is_word_boundary(before, here)
        && !before.is_some_and(|c| matches!(c, '.' | ':' | '-' | '/' | '_' | '#' | '@'))
}

/// Up to where a sentence ends.
fn first_sentence(text: &str) -> &str {
    let end = text.char_indices().find(|(at, c)| ends_sentence(text, *at, *c)).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

/// From behind where a sentence ended.
fn last_sentence(text: &str) -> &str {
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

fn ends_with_any(text: &str, words: &[String]) -> bool {
    words.iter().any(|word| {
        text.strip_suffix(word.as_str())
            .is_some_and(|before| is_word_boundary(before.chars().next_back(), word.chars().next()))
    })
}

fn floor_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn ceil_boundary(text: &str, at: usize) -> usize {
    (at..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

/// Words, each with a value; `*` at an end lets the word go on.
#[derive(Debug)]
struct WordSet {
    automaton: AhoCorasick,
    words: Vec<Word>,
}

#[derive(Debug)]
struct Word {
    value: u32,
    open_start: bool,
    open_end: bool,
}

#[derive(Clone, Copy, Debug)]
struct Hit {
    value: u32,
    start: usize,
    end: usize,
}

/// How a set is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Find {
    /// All words, wherever they stand.
    Anywhere,
    /// The longest word at the start.
    AtStart,
}

impl WordSet {
    fn new<'w>(
        words: impl Iterator<Item = (u32, &'w Vec<String>)>,
        find: Find,
    ) -> Result<Self, aho_corasick::BuildError> {
        let (mut texts, mut known) = (Vec::new(), Vec::new());
        for (value, written) in words.flat_map(|(value, words)| words.iter().map(move |word| (value, word))) {
            texts.push(fold(written.trim_matches('*')).into_owned());
            known.push(Word { value, open_start: written.starts_with('*'), open_end: written.ends_with('*') });
        }
        let mut builder = AhoCorasick::builder();
        match find {
            Find::Anywhere => builder.match_kind(MatchKind::Standard).start_kind(StartKind::Unanchored),
            Find::AtStart => builder.match_kind(MatchKind::LeftmostLongest).start_kind(StartKind::Anchored),
        };
        Ok(Self { automaton: builder.build(&texts)?, words: known })
    }

    fn hits<'t>(&'t self, text: &'t str) -> impl Iterator<Item = Hit> + 't {
        self.automaton.find_overlapping_iter(text).filter_map(|found| self.hit(text, &found))
    }

    /// The value of the longest word at the start of `text`, and its length.
    fn at_start(&self, text: &str) -> Option<(u32, usize)> {
        let found = self.automaton.find(Input::new(text).anchored(Anchored::Yes))?;
        self.hit(text, &found).map(|hit| (hit.value, hit.end))
    }

    fn hit(&self, text: &str, found: &aho_corasick::Match) -> Option<Hit> {
        let word = &self.words[found.pattern().as_usize()];
        let is_boundary = |at: usize| is_word_boundary(text[..at].chars().next_back(), text[at..].chars().next());
        let (start, end) = (found.start(), found.end());
        // `4m59s`: a number may follow a unit at once.
        let ends = word.open_end || is_boundary(end) || text[end..].starts_with(|c: char| c.is_ascii_digit());
        ((word.open_start || is_boundary(start)) && ends).then_some(Hit { value: word.value, start, end })
    }
}

#[cfg(test)]
mod tests {
    use crate::catalog::{Catalog, fold};

    /// A reply's words, and the seconds it advises; 0 for none.
    const ROWS: &[(&str, u32)] = &[
        ("Greylisted, try again in 5 minutes", 300),
        ("greylisted for 300 seconds", 300),
        ("Please retry after 00:04:59", 299),
        ("Throttled; Retry-After: 120", 120),
        ("Come back in 2 hours", 7200),
        ("wait 1 hour", 3600),
        ("You must wait 1.5 hours", 5400),
        ("Please try again in 5-10 minutes", 600),
        ("Please try again in 10 to 15 mins.", 900),
        ("try again in 1 hour, 2 minutes and 3 seconds", 3723),
        ("try again in an hour", 3600),
        ("try again in 30min", 1800),
        ("(Try again (in 300 s))", 300),
        ("Greylisting: 243 seconds remaining", 243),
        ("try again in 7 days", 604_800),
        ("Veuillez patienter 30 secondes", 30),
        ("Riprova fra un'ora", 3600),
        ("Попробуйте еще раз через 10 мин.", 600),
        ("請於半小時後再試", 1800),
        ("１０分後に再送信してください", 600),
        // No advice.
        ("limit of 300 messages per 60 minutes", 0),
        ("message expired after 5 days", 0),
        ("connection timed out after 30 seconds", 0),
        ("more than 100 mails per hour", 0),
        ("Try again later. You sent 300 messages in 60 minutes", 0),
        ("Try again later, 100 mails per hour are allowed", 0),
        ("Try again later; at most 50 recipients in 10 minutes", 0),
        ("We will retry for 5 days", 0),
        ("Giving up after 5 days, do not retry after 5 days", 0),
        ("try again in 8 days", 0),
        ("try again in 0 seconds", 0),
        ("try again in 99999999999999999999 seconds", 0),
        ("try again after 2026-11-27 10:00:00", 0),
        ("try again after 10:30", 0),
        ("retry after 2026-11-27T10:00:00Z", 0),
        ("try again in a few minutes", 0),
        ("try again in 5", 0),
        ("try again", 0),
        ("wait", 0),
        ("5 minutes", 0),
        ("", 0),
    ];

    #[test]
    fn advice_is_told_from_other_times() {
        let catalog = Catalog::built_in().unwrap();
        for (text, seconds) in ROWS {
            let found = catalog.find_wait(&fold(text)).map_or(0, |wait| wait.seconds);
            assert_eq!(found, *seconds, "{text:?}");
        }
    }

    #[test]
    fn what_is_shown_holds_words_and_time() {
        let catalog = Catalog::built_in().unwrap();
        for (text, shown) in [
            ("sorry, try again later in 5 minutes, please", "try again later in 5 minutes"),
            ("greylisting: 243 seconds left", "243 seconds left"),
        ] {
            let wait = catalog.find_wait(text).unwrap();
            assert_eq!(&text[wait.start..wait.end], shown);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_fail_or_leave_its_bounds(words in proptest::collection::vec("(retry after|wait|in|5|00:04:59|秒後に再|minutes|hour|,|\\.|\\PC{0,4})", 0..12)) {
            static CATALOG: std::sync::LazyLock<Catalog> = std::sync::LazyLock::new(|| Catalog::built_in().unwrap());
            let text = fold(&words.join(" ")).into_owned();
            if let Some(wait) = CATALOG.find_wait(&text) {
                proptest::prop_assert!((1..=604_800).contains(&wait.seconds));
                proptest::prop_assert!(text.get(wait.start..wait.end).is_some_and(|shown| !shown.is_empty()));
            }
        }
    }
}
