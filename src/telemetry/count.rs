//! Counters and histograms: relaxed atomics, nothing else.
//!
//! The libraries for Prometheus were looked at and left: they find a child by hashing its labels under a lock, and count in
//! 60 ns and more what a number in an array counts in two. What would remain of them is the text format, which is
//! short (`exposition`).

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts one.
    pub fn increment(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// What was counted.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// For numbers that are a state and no count.
    pub(super) fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }
}

/// How many there are now; counted up by [`Level::enter`], down when the guard is dropped, however that comes about.
#[derive(Debug, Default)]
pub struct Level(Arc<AtomicI64>);

impl Level {
    pub(crate) fn enter(&self) -> Inside {
        self.0.fetch_add(1, Relaxed);
        Inside(self.0.clone())
    }

    pub(super) fn get(&self) -> i64 {
        self.0.load(Relaxed)
    }
}

/// Counts one while it lives. A request whose client hangs up is dropped, not finished.
#[derive(Debug)]
pub(crate) struct Inside(Arc<AtomicI64>);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// The upper bounds of a histogram's buckets, in microseconds: fine where replies are (under a millisecond), up to the time
/// that a request has.
pub(super) const BOUNDS_MICROSECONDS: [u64; 17] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000,
];

/// How long things took.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    /// Not cumulative; the last is for what exceeds every bound.
    buckets: [AtomicU64; BOUNDS_MICROSECONDS.len() + 1],
    nanoseconds: AtomicU64,
}

impl Histogram {
    pub(super) fn record(&self, took: Duration) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        // A bound belongs to its bucket (`le`), to the nanosecond.
        let at = BOUNDS_MICROSECONDS.iter().position(|bound| nanoseconds <= bound * 1000);
        self.buckets[at.unwrap_or(BOUNDS_MICROSECONDS.len())].fetch_add(1, Relaxed);
        self.nanoseconds.fetch_add(nanoseconds, Relaxed);
    }

    /// How many took no longer than each bound, and how many there are in all.
    pub(super) fn cumulative(&self) -> ([u64; BOUNDS_MICROSECONDS.len()], u64) {
        let mut below = [0; BOUNDS_MICROSECONDS.len()];
        let mut total = 0;
        for (bucket, below) in self.buckets.iter().zip(&mut below) {
            total += bucket.load(Relaxed);
            *below = total;
        }
        (below, total + self.buckets[BOUNDS_MICROSECONDS.len()].load(Relaxed))
    }

    pub(super) fn sum_seconds(&self) -> f64 {
        self.nanoseconds.load(Relaxed) as f64 / 1e9
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let histogram = Histogram::default();
        for microseconds in [1, 50, 51, 10_000_000, 10_000_001] {
            histogram.record(Duration::from_micros(microseconds));
        }
        histogram.record(Duration::from_nanos(50_001));
        let (below, total) = histogram.cumulative();
        assert_eq!((below[0], below[1], below[16], total), (2, 4, 5, 6));
        assert!((histogram.sum_seconds() - 20.000_152).abs() < 0.000_01, "{}", histogram.sum_seconds());
    }

    #[test]
    fn a_level_falls_however_its_guard_goes() {
        let level = Level::default();
        let first = level.enter();
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _second = level.enter();
            panic!("it stops halfway");
        }));
        assert!(caught.is_err());
        assert_eq!(level.get(), 1);
        drop(first);
        assert_eq!(level.get(), 0);
    }
}
