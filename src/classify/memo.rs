//! What was decided lately: a mailer meets the same refusal a thousand times, each time about another address.
//!
//! What weighing comes to depends on the codes, the command, the host's provider and the gist of the text, and on nothing else
//! ([`Settled`]). So these are the key, compared whole: an answer from here is the very one that weighing would give again.
//! Bounded; a text that is met newly takes the place of one that was met long ago.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, TryLockError},
};

use super::settle::Settled;
use crate::{
    catalog::ProviderId,
    smtp::{Command, EnhancedCode, ReplyCode},
};

/// Parts with a lock each, so that cores seldom wait for each other.
const PARTS: usize = 64;
/// Places among which an answer has its choice.
const WAYS: usize = 4;
/// Places in each part; 16,384 in all, some 7 MiB when every one is taken.
const PLACES: usize = 256;
/// Longer texts are seldom met twice, and would make the bound one of hundreds of megabytes.
const LONGEST: usize = 1024;

/// What a decision depends on besides the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key<'k> {
    pub(super) code: Option<ReplyCode>,
    pub(super) enhanced: Option<EnhancedCode>,
    pub(super) command: Option<Command>,
    /// The provider that the host belongs to.
    pub(super) host_of: Option<ProviderId>,
    /// The gist of the text.
    pub(super) gist: &'k str,
}

impl Key<'_> {
    fn hash(&self) -> u64 {
        let code = self.code.map_or(0, |code| u64::from(code.number()) + 1);
        let enhanced = self.enhanced.map_or(0, |code| {
            u64::from(code.class()) << 20 | u64::from(code.subject()) << 10 | u64::from(code.detail())
        });
        let command = self.command.map_or(0, |command| command as u64 + 1);
        let host_of = self.host_of.map_or(0, |id| u64::from(id.0) + 1);
        let seed = code | enhanced << 10 | command << 33 | host_of << 41;
        xxhash_rust::xxh3::xxh3_64_with_seed(self.gist.as_bytes(), seed)
    }
}

/// The decisions that were made lately by one catalogue.
pub(crate) struct Memo {
    parts: Box<[Mutex<Places>]>,
}

/// With the hash of each, so that looking for one touches no other. Four stand in one line of a processor's cache.
type Places = Vec<(u64, Option<Arc<Remembered>>)>;

/// What a key came to.
#[derive(Debug)]
pub(super) struct Remembered {
    /// With no gist: that is in `gist`.
    key: Key<'static>,
    gist: Box<str>,
    pub(super) settled: Settled,
}

impl Remembered {
    fn new(key: &Key<'_>, settled: Settled) -> Arc<Self> {
        Arc::new(Self { key: Key { gist: "", ..*key }, gist: key.gist.into(), settled })
    }

    fn is(&self, key: &Key<'_>) -> bool {
        *self.gist == *key.gist && self.key == Key { gist: "", ..*key }
    }
}

impl Default for Memo {
    fn default() -> Self {
        Self { parts: (0..PARTS).map(|_| Mutex::default()).collect() }
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memo").finish_non_exhaustive()
    }
}

impl Memo {
    /// What `key` came to, by `settle` where that is not remembered.
    pub(super) fn settled(&self, key: &Key<'_>, settle: impl FnOnce() -> Settled) -> Arc<Remembered> {
        if key.gist.len() > LONGEST {
            // Nobody will compare it.
            return Remembered::new(&Key { gist: "", ..*key }, settle());
        }
        let hash = key.hash();
        let part = &self.parts[(hash >> 58) as usize % PARTS];
        let first = hash as usize % (PLACES / WAYS) * WAYS;
        let ways = first..first + WAYS;
        if let Some(places) = part.lock().unwrap_or_else(PoisonError::into_inner).get(ways.clone()) {
            let same = places.iter().filter(|(of, _)| *of == hash).filter_map(|(_, one)| one.as_ref());
            if let Some(remembered) = same.into_iter().find(|one| one.is(key)) {
                return remembered.clone();
            }
        }
        // Not under the lock: it takes a while, and should it panic, nothing is left half done.
        let new = Remembered::new(key, settle());
        // Whoever finds the lock taken need not wait only to be remembered.
        let mut places = match part.try_lock() {
            Ok(places) => places,
            Err(TryLockError::Poisoned(places)) => places.into_inner(),
            Err(TryLockError::WouldBlock) => return new,
        };
        if places.is_empty() {
            places.resize_with(PLACES, Default::default);
        }
        // Of a full set one goes that the hash chooses: as good as by chance, and nothing to be kept for it.
        let ways = &mut places[ways];
        let at = ways.iter().position(|(_, one)| one.is_none()).unwrap_or((hash >> 32) as usize % WAYS);
        ways[at] = (hash, Some(new.clone()));
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        catalog::Catalog,
        classify::{Evidence, weigh},
        smtp::Reply,
    };

    fn key(gist: &str) -> Key<'_> {
        Key { code: None, enhanced: None, command: None, host_of: None, gist }
    }

    #[test]
    fn what_is_remembered_is_not_settled_again_and_what_differs_is() {
        let memo = Memo::default();
        let first = memo.settled(&key("user unknown"), Settled::of_nothing);
        let again = memo.settled(&key("user unknown"), || panic!("it is remembered"));
        assert!(Arc::ptr_eq(&first, &again));
        let code = ReplyCode::new(550);
        let different = [
            key("user unknown."),
            Key { code, ..key("user unknown") },
            Key { enhanced: EnhancedCode::new(5, 1, 1), ..key("user unknown") },
            Key { command: Some(Command::RcptTo), ..key("user unknown") },
            Key { host_of: Some(ProviderId(0)), ..key("user unknown") },
        ];
        for key in different {
            assert!(!Arc::ptr_eq(&first, &memo.settled(&key, Settled::of_nothing)), "{key:?}");
        }
    }

    #[test]
    fn a_flood_of_texts_is_bounded() {
        let memo = Memo::default();
        for number in 0..PARTS * PLACES * 2 {
            memo.settled(&key(&format!("text {number}")), Settled::of_nothing);
        }
        let kept = |part: &Mutex<Places>| part.lock().unwrap().iter().filter(|(_, one)| one.is_some()).count();
        let kept: usize = memo.parts.iter().map(kept).sum();
        assert!((PARTS * PLACES / 2..=PARTS * PLACES).contains(&kept), "{kept}");
        let long = "x".repeat(LONGEST + 1);
        memo.settled(&key(&long), Settled::of_nothing);
        let is_long = |part: &Mutex<Places>| {
            part.lock().unwrap().iter().filter_map(|(_, one)| one.as_ref()).any(|one| one.gist.len() > LONGEST)
        };
        assert!(!memo.parts.iter().any(is_long));
    }

    #[test]
    fn a_remembered_decision_is_told_about_its_own_text() {
        let catalog = Catalog::built_in().unwrap();
        for ip in ["192.0.2.7", "198.51.100.23"] {
            let line = format!(
                "554 5.7.1 Client host [{ip}] blocked using zen.spamhaus.org; try again in {} minutes",
                ip.len()
            );
            let reply = Reply::parse(&line);
            let decision = weigh(&catalog, &Evidence::of(&reply));
            assert_eq!(decision.blocklist.as_ref().and_then(|list| list.subject), Some(ip));
            let evidence = decision.evidence(&catalog, &decision.folded());
            let other = Catalog::built_in().unwrap();
            let fresh = weigh(&other, &Evidence::of(&reply));
            assert_eq!(format!("{evidence:?}"), format!("{:?}", fresh.evidence(&other, &fresh.folded())));
            assert_eq!(decision.retry, fresh.retry);
        }
    }
}
