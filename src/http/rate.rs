//! How often one caller may ask: a token bucket for each, as the generic cell rate algorithm does it, which keeps one number a
//! caller: the time at which its bucket will be full again.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Callers that are remembered, in each of the parts of the table. A flood of made-up addresses costs no more memory than that.
const CALLERS_A_PART: usize = 4096;
const PARTS: usize = 16;

/// Who is asking, as far as rates go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Caller {
    /// Whoever shows this key.
    Key(u32),
    /// An address without a key; of IPv6 its /64, since whoever has one has all of them.
    Peer(IpAddr),
    /// Everybody who comes through a UNIX socket.
    Local,
    /// Those for whom the table has no room left.
    Others,
}

impl Caller {
    pub(super) fn from_peer(peer: Option<IpAddr>) -> Self {
        match peer.map(|address| address.to_canonical()) {
            None => Self::Local,
            Some(IpAddr::V6(address)) => Self::Peer(IpAddr::V6((address.to_bits() >> 64 << 64).into())),
            Some(address) => Self::Peer(address),
        }
    }
}

/// So many requests a second for each caller.
#[derive(Debug)]
pub(super) struct RateLimit {
    /// Nanoseconds after which one more request is allowed.
    interval: u64,
    /// Nanoseconds by which a caller may be ahead.
    burst: u64,
    began: Instant,
    hasher: RandomState,
    full_again: [Mutex<HashMap<Caller, u64>>; PARTS],
}

impl RateLimit {
    /// `burst` defaults to two seconds' worth.
    pub(super) fn new(a_second: NonZeroU32, burst: Option<NonZeroU32>) -> Self {
        let interval = 1_000_000_000 / u64::from(a_second.get());
        let burst = burst.map_or(u64::from(a_second.get()) * 2, |burst| u64::from(burst.get()));
        Self {
            interval,
            burst: burst * interval,
            began: Instant::now(),
            hasher: RandomState::new(),
            full_again: Default::default(),
        }
    }

    /// Takes one request of `caller` into account.
    ///
    /// # Errors
    /// The time after which the next will be allowed, when this one is not.
    pub(super) fn take(&self, caller: Caller) -> Result<(), Duration> {
        self.take_at(caller, self.began.elapsed().as_nanos() as u64)
    }

    fn take_at(&self, caller: Caller, now: u64) -> Result<(), Duration> {
        let part = self.hasher.hash_one(caller) as usize % PARTS;
        // A thread that panicked while it held the lock left a table that is whole all the same.
        let mut part = self.full_again[part].lock().unwrap_or_else(PoisonError::into_inner);
        let mut caller = caller;
        if part.len() >= CALLERS_A_PART && !part.contains_key(&caller) {
            part.retain(|_, full_again| *full_again > now);
            if part.len() >= CALLERS_A_PART {
                caller = Caller::Others;
            }
        }
        let full_again = part.entry(caller).or_insert(now);
        let next = now.max(*full_again) + self.interval;
        if next - now > self.burst.max(self.interval) {
            return Err(Duration::from_nanos(next - now - self.burst));
        }
        *full_again = next;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn number(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let limit = RateLimit::new(number(10), Some(number(3)));
        let taken = |now| (0..9).filter(|_| limit.take_at(Caller::Key(1), now).is_ok()).count();
        assert_eq!([taken(0), taken(SECOND / 10), taken(SECOND / 2), taken(9 * SECOND)], [3, 1, 3, 3]);
        let wait = limit.take_at(Caller::Key(1), 9 * SECOND).unwrap_err();
        assert_eq!(wait, Duration::from_millis(100));
        assert!(limit.take_at(Caller::Key(2), 9 * SECOND).is_ok(), "each caller has its own");
    }

    #[test]
    fn made_up_addresses_share_what_is_left_and_the_table_stays_small() {
        let limit = RateLimit::new(number(1), Some(number(1)));
        let passed =
            (0..200_000u32).filter(|&n| limit.take_at(Caller::Peer(IpAddr::from(n.to_be_bytes())), n.into()).is_ok());
        assert!(passed.count() <= PARTS * (CALLERS_A_PART + 1));
        let kept: usize = limit.full_again.iter().map(|part| part.lock().unwrap().len()).sum();
        assert!(kept <= PARTS * (CALLERS_A_PART + 1), "{kept}");
        assert!(limit.take_at(Caller::Peer(IpAddr::from([192, 0, 2, 1])), 9 * SECOND).is_ok(), "there is room again");
    }

    #[test]
    fn neighbours_in_ipv6_are_one_caller() {
        let caller = |text: &str| Caller::from_peer(Some(text.parse().unwrap()));
        assert_eq!(caller("2001:db8:1:2::7"), caller("2001:db8:1:2:ffff::1"));
        assert_ne!(caller("2001:db8:1:2::7"), caller("2001:db8:1:3::7"));
        assert_eq!(caller("::ffff:192.0.2.1"), caller("192.0.2.1"));
        assert_ne!(caller("192.0.2.1"), caller("192.0.2.2"));
    }
}
