//! The replies that no rule knows: the most frequent ones as templates with counts, for those who write rules.
//!
//! Memory is bounded by the Space-Saving algorithm (Metwally, Agrawal, El Abbadi 2005): a new template takes the place of the
//! rarest and inherits its count, so that whatever is frequent stays, and `overcount` tells by how much a count may be too high.
//! Templates are masked before they are kept (`mask`).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwap;
use serde::Serialize;
use utoipa::ToSchema;

use super::mask::Dictionary;
use crate::{
    catalog::Catalog,
    smtp::{EnhancedCode, Reply, ReplyCode, Template, fingerprint},
};

/// Templates that are kept.
const CAPACITY: usize = 1000;

/// Bytes of a reply that are looked at: what is cut off says nothing that a rule needs.
const MAX_REPLY_BYTES: usize = 1000;

/// Bytes of a template that are kept.
const MAX_TEMPLATE_BYTES: usize = 300;

/// The replies that no rule knew since the start.
#[derive(Debug, Default)]
pub struct Unmatched {
    entries: Mutex<HashMap<u64, Entry>>,
    /// Made when it is first needed, once for each catalogue.
    dictionary: ArcSwap<OnceLock<Dictionary>>,
}

#[derive(Clone, Debug)]
struct Entry {
    template: Box<str>,
    code: Option<ReplyCode>,
    enhanced: Option<EnhancedCode>,
    count: u64,
    overcount: u64,
    first_seen: u64,
    last_seen: u64,
}

/// Replies of one form that no rule knew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UnmatchedReply {
    /// The words with everything replaced that changes from one reply to the next or might name a person; cut after 300 bytes.
    #[schema(example = "Message refused by <host>: frobnicated")]
    pub template: String,
    /// XXH3 of the template, in hexadecimal. It differs from a verdict's where more was replaced here.
    #[schema(example = "9f2c51d07ab84e13")]
    pub fingerprint: String,
    /// The reply code it last came with.
    #[schema(example = 550)]
    pub code: Option<u16>,
    /// The enhanced code it last came with.
    #[schema(example = "5.7.1")]
    pub enhanced: Option<String>,
    /// How often it came.
    pub count: u64,
    /// By how much `count` may be too high: 0 unless rarer templates had to make room.
    pub overcount: u64,
    /// When it first came, or came back.
    #[schema(example = "2026-11-23T06:33:12Z")]
    pub first_seen: String,
    /// When it last came.
    #[schema(example = "2026-11-23T09:14:55Z")]
    pub last_seen: String,
}

impl Unmatched {
    /// Another catalogue, another dictionary.
    pub(super) fn take(&self) {
        self.dictionary.store(Arc::default());
    }

    /// Notes a reply that nothing was recognised in.
    pub(super) fn note(&self, catalog: &Catalog, reply: &Reply<'_>, recipient: Option<&str>) {
        let dictionary = self.dictionary.load();
        let dictionary = dictionary.get_or_init(|| Dictionary::of(catalog));
        let template = Template::of(start_of(&reply.text, MAX_REPLY_BYTES), recipient).text;
        let mut template = dictionary.mask(&template);
        let kept = start_of(&template, MAX_TEMPLATE_BYTES).len();
        if kept < template.len() {
            template.truncate(kept);
            template.push('…');
        }
        // Whoever cannot have the table at once leaves it: a count that is one too low harms less than a request that waits.
        let Ok(mut entries) = self.entries.try_lock() else { return };
        note(&mut entries, template.into(), (reply.code, reply.enhanced), now());
    }

    /// All of them, those first that came most often.
    pub fn by_count(&self) -> Vec<UnmatchedReply> {
        self.sorted(|entry| entry.count)
    }

    /// All of them, those first that came last.
    pub fn by_last_seen(&self) -> Vec<UnmatchedReply> {
        self.sorted(|entry| entry.last_seen)
    }

    /// How many templates are kept.
    pub(super) fn len(&self) -> usize {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn sorted(&self, key: fn(&Entry) -> u64) -> Vec<UnmatchedReply> {
        let mut entries: Vec<(u64, Entry)> = {
            let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            entries.iter().map(|(fingerprint, entry)| (*fingerprint, entry.clone())).collect()
        };
        // Equals in an order that no hash decides.
        entries.sort_by(|(_, a), (_, b)| {
            (key(b), b.count).cmp(&(key(a), a.count)).then_with(|| a.template.cmp(&b.template))
        });
        entries.into_iter().map(|(fingerprint, entry)| entry.told(fingerprint)).collect()
    }
}

fn note(
    entries: &mut HashMap<u64, Entry>,
    template: Box<str>,
    (code, enhanced): (Option<ReplyCode>, Option<EnhancedCode>),
    now: u64,
) {
    let key = fingerprint(&template);
    if let Some(entry) = entries.get_mut(&key) {
        entry.count += 1;
        (entry.code, entry.enhanced, entry.last_seen) = (code, enhanced, now);
        return;
    }
    let mut overcount = 0;
    if entries.len() >= CAPACITY
        // A walk over a thousand entries costs some microseconds, and only where most replies are new.
        && let Some((rarest, count)) =
            entries.iter().min_by_key(|(_, entry)| (entry.count, entry.last_seen)).map(|(key, entry)| (*key, entry.count))
    {
        entries.remove(&rarest);
        overcount = count;
    }
    let entry = Entry { template, code, enhanced, count: overcount + 1, overcount, first_seen: now, last_seen: now };
    entries.insert(key, entry);
}

impl Entry {
    fn told(self, fingerprint: u64) -> UnmatchedReply {
        UnmatchedReply {
            template: self.template.into(),
            fingerprint: format!("{fingerprint:016x}"),
            code: self.code.map(ReplyCode::number),
            enhanced: self.enhanced.map(|code| code.to_string()),
            count: self.count,
            overcount: self.overcount,
            first_seen: time_of(self.first_seen),
            last_seen: time_of(self.last_seen),
        }
    }
}

/// The start of `text`, at most `bytes` long and ending between two words where it has some.
fn start_of(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let start = &text[..text.floor_char_boundary(bytes)];
    start.rfind(' ').map_or(start, |space| &start[..space])
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn time_of(seconds: u64) -> String {
    mail_parser::DateTime::from_timestamp(i64::try_from(seconds).unwrap_or_default()).to_rfc3339()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_of_one_form_are_one_entry_without_names() {
        let catalog = Catalog::built_in().unwrap();
        let unmatched = Unmatched::default();
        for reply in [
            "550 5.9.9 <anna@example.org>: quuxified by mx.anna-schmitz.example",
            "550 5.9.9 <ben@example.net>: quuxified by mx.schmitz.example",
            "450 wibbled",
        ] {
            unmatched.note(&catalog, &Reply::parse(reply), None);
        }
        let told = unmatched.by_count();
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!((told[0].template.as_str(), told[0].count), ("<email>: quuxified by <host>", 2));
        assert_eq!((told[0].code, told[0].enhanced.as_deref()), (Some(550), Some("5.9.9")));
        assert_eq!(told[0].fingerprint, format!("{:016x}", fingerprint(&told[0].template)));
    }

    #[test]
    fn a_recipient_that_is_known_is_taken_out_by_name() {
        let catalog = Catalog::built_in().unwrap();
        let unmatched = Unmatched::default();
        unmatched.note(&catalog, &Reply::parse("550 quuxified wibbler today"), Some("wibbler@example.org"));
        assert_eq!(unmatched.by_count()[0].template, "<name> today");
    }

    #[test]
    fn the_frequent_stay_though_the_rare_are_many() {
        let mut entries = HashMap::new();
        for round in 0..5 * CAPACITY as u64 {
            note(&mut entries, "frequent".into(), (None, None), round);
            note(&mut entries, format!("rare {round}").into(), (None, None), round);
        }
        assert_eq!(entries.len(), CAPACITY);
        let frequent = &entries[&fingerprint("frequent")];
        assert_eq!((frequent.count, frequent.overcount), (5 * CAPACITY as u64, 0));
        assert!(entries.values().all(|entry| entry.count > entry.overcount));
    }

    #[test]
    fn long_replies_are_cut_between_words() {
        let catalog = Catalog::built_in().unwrap();
        let unmatched = Unmatched::default();
        let long = format!("550 {}", "ünknown wörds ".repeat(500));
        unmatched.note(&catalog, &Reply::parse(&long), None);
        let template = &unmatched.by_count()[0].template;
        assert!(template.len() <= MAX_TEMPLATE_BYTES + '…'.len_utf8() && template.ends_with('…'), "{template}");
        assert_eq!(start_of("ääää", 3), "ä");
    }

    #[test]
    fn the_order_is_as_asked_for() {
        let unmatched = Unmatched::default();
        {
            let mut entries = unmatched.entries.lock().unwrap();
            for (template, now) in [("often", 1), ("often", 2), ("lately", 1_795_415_592)] {
                note(&mut entries, template.into(), (None, None), now);
            }
        }
        let first = |replies: Vec<UnmatchedReply>| replies[0].template.clone();
        assert_eq!(first(unmatched.by_count()), "often");
        assert_eq!(first(unmatched.by_last_seen()), "lately");
        assert_eq!(unmatched.by_last_seen()[0].last_seen, "2026-11-23T06:33:12Z");
    }
}
