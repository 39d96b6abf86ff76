//! When a reply says to try again: "in 5 minutes", "greylisted for 300 seconds", `retry-after: 120`.
//!
//! `[[unit]]`, `[[wait]]` and `[[time_words]]` tables hold the words of all languages; here is only the grammar. A number with a
//! unit is a time; it is advice where a wait's words lead to it in the same sentence, and nothing between them calls it a limit or
//! a timeout. Incomplete on purpose: dates and times of day, since a reply is read without a clock, and numbers in words.

mod number;
mod reading;
mod sentence;
mod word_set;

use serde::Deserialize;

use self::word_set::{Find, WordSet};
use super::{error::Fault, files::Located, fold::fold, source::Citation};
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
    pub(super) words: Vec<String>,
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

/// Words of waits that are looked at in one reply: a text that is made of nothing else must not cost more than one that says something.
const MOST_HITS: usize = 64;

impl Waits {
    /// Checks and takes the tables.
    pub(super) fn new(
        units: &[Located<UnitTable>],
        waits: &[Located<WaitTable>],
        words: &[Located<TimeWords>],
        faults: &mut Vec<Fault>,
    ) -> Self {
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
        Self {
            rules: rules.collect(),
            leads: WordSet::new((0..).zip(waits.iter().map(|wait| &wait.table.words)), Find::Anywhere),
            units: WordSet::new(units.iter().map(|u| (u.table.seconds, &u.table.words)), Find::AtStart),
            ones: WordSet::new(units.iter().map(|u| (u.table.seconds, &u.table.one)), Find::AtStart),
            ands: set(TimeRole::And, Find::AtStart),
            tos: set(TimeRole::To, Find::AtStart),
            no_advice_before: set(TimeRole::NoAdviceBefore, Find::Anywhere),
            no_advice_after: set(TimeRole::NoAdviceAfter, Find::AtStart),
        }
    }

    /// Every example must give its seconds by its own rule, no counter-example may give any.
    pub(super) fn prove(&self, waits: &[Located<WaitTable>], faults: &mut Vec<Fault>) {
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
}

#[cfg(test)]
mod tests {
    use super::Wait;
    use crate::catalog::{Catalog, fold};

    fn find<'c>(catalog: &'c Catalog, folded: &str) -> Option<Wait<'c>> {
        catalog.scan(folded).speaks_of_waiting().then(|| catalog.find_wait(folded)).flatten()
    }

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
        ("Greylisting: 00:04:03 remaining", 243),
        ("Limit reached: 50 mails in 60 seconds, 3 left", 0),
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
            let found = find(&catalog, &fold(text)).map_or(0, |wait| wait.seconds);
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
            let wait = find(&catalog, text).unwrap();
            assert_eq!(&text[wait.start..wait.end], shown);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_fail_or_leave_its_bounds(words in proptest::collection::vec("(retry after|wait|in|5|00:04:59|秒後に再|minutes|hour|,|\\.|\\PC{0,4})", 0..12)) {
            static CATALOG: std::sync::LazyLock<Catalog> = std::sync::LazyLock::new(|| Catalog::built_in().unwrap());
            let text = fold(&words.join(" ")).into_owned();
            if let Some(wait) = find(&CATALOG, &text) {
                proptest::prop_assert!((1..=604_800).contains(&wait.seconds));
                proptest::prop_assert!(text.get(wait.start..wait.end).is_some_and(|shown| !shown.is_empty()));
            }
        }
    }
}
