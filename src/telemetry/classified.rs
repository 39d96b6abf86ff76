//! What verdicts came to: counts by kind, type, category and provider, and how often each rule spoke.
//!
//! Both must survive a reload, which may renumber categories, providers and rules. So the counts stand under numbers of
//! their own, given once to each id, and a [`Register`] tells for one catalogue which number is whose. Counting is lock-free.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use arc_swap::ArcSwap;

use super::{
    count::Counter,
    exposition::{Exposition, Kind as MetricKind},
};
use crate::{
    catalog::{BounceType, Catalog, Kind},
    classify::Decision,
    quick_hash::QuickHash,
};

/// Combinations that are told apart; what comes after is counted under `other`. The built-in catalogue makes some hundred
/// in a year, and a collector should not get more.
const SLOTS: usize = 8192;

/// Slots that are tried for one combination.
const PROBES: usize = 32;

const KINDS: [(Kind, &str); 7] = [
    (Kind::Bounce, "bounce"),
    (Kind::Delay, "delay"),
    (Kind::Delivered, "delivered"),
    (Kind::Intermediate, "intermediate"),
    (Kind::Complaint, "complaint"),
    (Kind::AutoReply, "auto_reply"),
    (Kind::Other, "other"),
];
const TYPES: [(BounceType, &str); 3] =
    [(BounceType::Hard, "hard"), (BounceType::Soft, "soft"), (BounceType::None, "none")];

/// The counts.
#[derive(Debug)]
pub(super) struct Classified {
    slots: Vec<Slot>,
    beyond: Counter,
    names: Mutex<Names>,
    register: ArcSwap<Register>,
}

#[derive(Debug, Default)]
struct Slot {
    /// 0 while it is free.
    key: AtomicU64,
    count: AtomicU64,
}

/// The numbers of ids, in the order in which they were first met; 0 is `none`.
#[derive(Debug)]
struct Names {
    categories: Vec<String>,
    providers: Vec<String>,
}

/// What the numbers of one catalogue are here.
#[derive(Debug)]
struct Register {
    /// Held, so that its address cannot become another catalogue's.
    catalog: Arc<Catalog>,
    categories: Vec<u16>,
    providers: Vec<u16>,
    rules: HashMap<Box<str>, Arc<Counter>, QuickHash>,
}

impl Classified {
    pub(super) fn new(catalog: Arc<Catalog>) -> Self {
        let mut names = Names { categories: vec!["none".to_owned()], providers: vec!["none".to_owned()] };
        let register = Register::new(catalog, &mut names, None);
        Self {
            slots: (0..SLOTS).map(|_| Slot::default()).collect(),
            beyond: Counter::default(),
            names: Mutex::new(names),
            register: ArcSwap::from_pointee(register),
        }
    }

    /// Makes `catalog` the one whose verdicts are counted fastest.
    pub(super) fn take(&self, catalog: Arc<Catalog>) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let register = Register::new(catalog, &mut names, Some(&self.register.load()));
        self.register.store(Arc::new(register));
    }

    pub(super) fn count(&self, catalog: &Catalog, decision: &Decision<'_>) {
        let register = self.register.load();
        let provider = decision.provider.map(|(provider, _)| provider);
        let (category, provider) = if std::ptr::eq(Arc::as_ptr(&register.catalog), catalog) {
            let number = |numbers: &[u16], at: Option<u16>| {
                at.and_then(|at| numbers.get(usize::from(at))).copied().unwrap_or_default()
            };
            (
                number(&register.categories, decision.category.map(|id| id.0)),
                number(&register.providers, provider.map(|id| id.0)),
            )
        } else {
            // A request that began before a reload: rare, so by name and under the lock.
            let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
            (
                decision.category.map_or(0, |id| number_of(&mut names.categories, &catalog.category(id).id)),
                provider.map_or(0, |id| number_of(&mut names.providers, &catalog.provider(id).id)),
            )
        };
        self.add(decision.kind, decision.bounce_type, category, provider);
        decision.rules(catalog).filter_map(|rule| register.rules.get(rule)).for_each(|counter| counter.increment());
    }

    /// Counts a mail that says nothing about any recipient.
    pub(super) fn count_kind(&self, kind: Kind) {
        self.add(kind, BounceType::None, 0, 0);
    }

    fn add(&self, kind: Kind, bounce_type: BounceType, category: u16, provider: u16) {
        let place = |found: Option<usize>| found.unwrap_or_default() as u64;
        let key = 1 << 63
            | place(KINDS.iter().position(|(known, _)| *known == kind)) << 40
            | place(TYPES.iter().position(|(known, _)| *known == bounce_type)) << 32
            | u64::from(category) << 16
            | u64::from(provider);
        // Fibonacci hashing: the top bits of the product spread well.
        let start = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 51) as usize;
        for at in start..start + PROBES {
            let slot = &self.slots[at % SLOTS];
            let is_ours = match slot.key.load(Relaxed) {
                0 => match slot.key.compare_exchange(0, key, Relaxed, Relaxed) {
                    Ok(_) => true,
                    Err(taken_meanwhile) => taken_meanwhile == key,
                },
                found => found == key,
            };
            if is_ours {
                slot.count.fetch_add(1, Relaxed);
                return;
            }
        }
        self.beyond.increment();
    }

    pub(super) fn write(&self, text: &mut Exposition) {
        text.metric(
            "retoure_classifications_total",
            MetricKind::Counter,
            "Verdicts given, one a recipient, by what they say.",
        );
        for ((kind, bounce_type, category, provider), count) in self.counts() {
            let labels = [("kind", kind), ("type", bounce_type), ("category", &category), ("provider", &provider)];
            text.sample(&labels, count);
        }
        text.metric("retoure_rule_hits_total", MetricKind::Counter, "How often a rule's words were found, by its id.");
        let register = self.register.load();
        let rules: BTreeMap<&str, u64> =
            register.rules.iter().map(|(id, count)| (&**id, count.get())).filter(|(_, count)| *count > 0).collect();
        for (rule, count) in rules {
            text.sample(&[("rule", rule)], count);
        }
    }

    /// In an order of its own, so that two readings can be compared.
    fn counts(&self) -> BTreeMap<(&'static str, &'static str, String, String), u64> {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let name = |names: &[String], number: u64| {
            names.get((number & 0xFFFF) as usize).map_or_else(|| "other".to_owned(), Clone::clone)
        };
        let mut counts = BTreeMap::new();
        for slot in &self.slots {
            let (key, count) = (slot.key.load(Relaxed), slot.count.load(Relaxed));
            if count > 0 {
                let kind = KINDS[(key >> 40 & 0xFF) as usize % KINDS.len()].1;
                let bounce_type = TYPES[(key >> 32 & 0xFF) as usize % TYPES.len()].1;
                let labels = (kind, bounce_type, name(&names.categories, key >> 16), name(&names.providers, key));
                *counts.entry(labels).or_default() += count;
            }
        }
        let beyond = self.beyond.get();
        if beyond > 0 {
            *counts.entry(("other", "none", "other".to_owned(), "other".to_owned())).or_default() += beyond;
        }
        counts
    }
}

impl Register {
    /// Numbers for all of `catalog`; what `before` counted of the same rules goes on.
    fn new(catalog: Arc<Catalog>, names: &mut Names, before: Option<&Self>) -> Self {
        let categories = catalog.categories().iter().map(|one| number_of(&mut names.categories, &one.id)).collect();
        let providers = catalog.providers().iter().map(|one| number_of(&mut names.providers, &one.id)).collect();
        let counter = |id: &str| before.and_then(|before| before.rules.get(id).cloned()).unwrap_or_default();
        let rules = catalog.phrases().iter().map(|phrase| (phrase.id.as_str().into(), counter(&phrase.id))).collect();
        Self { categories, providers, rules, catalog }
    }
}

/// The number of `id`, a new one if it has none; beyond what a number can hold, one that reads `other`.
fn number_of(names: &mut Vec<String>, id: &str) -> u16 {
    if let Some(at) = names.iter().position(|name| name == id) {
        return u16::try_from(at).unwrap_or(u16::MAX);
    }
    match u16::try_from(names.len()) {
        Ok(number) if number < u16::MAX => {
            names.push(id.to_owned());
            number
        }
        _ => u16::MAX,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::{classify, smtp::Reply};

    static BUILT_IN: LazyLock<Arc<Catalog>> = LazyLock::new(|| Arc::new(Catalog::built_in().unwrap()));

    fn count(classified: &Classified, catalog: &Catalog, reply: &str) {
        let reply = Reply::parse(reply);
        classified.count(catalog, &classify::weigh(catalog, &classify::Evidence::of(&reply)));
    }

    fn text(classified: &Classified) -> String {
        let mut text = Exposition::default();
        classified.write(&mut text);
        text.finish()
    }

    #[test]
    fn verdicts_and_the_rules_that_spoke_are_counted() {
        let classified = Classified::new(BUILT_IN.clone());
        for _ in 0..3 {
            count(&classified, &BUILT_IN, "554 5.7.1 Client host [192.0.2.7] blocked using zen.spamhaus.org");
        }
        count(&classified, &BUILT_IN, "250 2.0.0 OK");
        let text = text(&classified);
        for line in [
            "retoure_classifications_total{kind=\"bounce\",type=\"soft\",category=\"ip_blocklisted\",provider=\"none\"} 3\n",
            "retoure_classifications_total{kind=\"delivered\",type=\"none\",category=\"none\",provider=\"none\"} 1\n",
            "retoure_rule_hits_total{rule=\"ip_blocklisted/blocked-using\"} 3\n",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }

    #[test]
    fn a_reload_loses_no_count_and_a_request_that_straddles_it_is_counted() {
        let classified = Classified::new(BUILT_IN.clone());
        let blocked = "554 5.7.1 Client host [192.0.2.7] blocked using zen.spamhaus.org";
        count(&classified, &BUILT_IN, blocked);
        let next = Arc::new(Catalog::built_in().unwrap());
        classified.take(next.clone());
        count(&classified, &BUILT_IN, blocked);
        count(&classified, &next, blocked);
        let text = text(&classified);
        assert!(text.contains("category=\"ip_blocklisted\",provider=\"none\"} 3\n"), "{text}");
        assert!(text.contains("{rule=\"ip_blocklisted/blocked-using\"} 3\n"), "{text}");
    }

    #[test]
    fn memory_stays_bounded_and_nothing_is_lost_beyond_it() {
        let classified = Classified::new(BUILT_IN.clone());
        let calls: u64 = 70_000;
        for number in 0..calls {
            classified.add(Kind::Bounce, BounceType::Soft, (number >> 8) as u16, (number & 0xFF) as u16);
        }
        let counts = classified.counts();
        assert!(counts.len() <= SLOTS + 1, "{}", counts.len());
        assert_eq!(counts.values().sum::<u64>(), calls);
        assert!(classified.beyond.get() > 0);
    }

    #[test]
    fn ids_beyond_what_a_number_can_hold_read_other() {
        let mut names: Vec<String> = (0..=usize::from(u16::MAX)).map(|at| at.to_string()).collect();
        names.truncate(usize::from(u16::MAX));
        assert_eq!(number_of(&mut names, "7"), 7);
        assert_eq!(number_of(&mut names, "a new one"), u16::MAX);
        assert_eq!(names.get(usize::from(u16::MAX)), None);
    }

    #[test]
    fn threads_that_meet_in_a_slot_lose_nothing() {
        let classified = Classified::new(BUILT_IN.clone());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|_| classified.add(Kind::Bounce, BounceType::Soft, 1, 1)));
            }
        });
        assert_eq!(classified.counts().values().copied().collect::<Vec<_>>(), [40_000]);
    }
}
