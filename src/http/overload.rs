//! What happens when more is asked than can be answered: what is taken on is answered as fast as ever, the rest is turned away.
//!
//! Two things fill up. A [`Turnstile`] counts what is in work: mails that are still coming in, and those that keep a thread busy
//! for long. Single replies never pile up there, since each is done in microseconds without a pause; they pile up unseen, in
//! front of threads that are all busy. [`Pressure`] therefore measures how late a thread comes to what waits for it, and turns
//! away as large a share as brings that below its bound, as RFC 8033 (PIE) does with packets.
//!
//! Nobody is turned away before the time to wait is over. A caller who asks again at once would otherwise use up what
//! answering the others needs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    runtime::RuntimeMetrics,
    sync::{OwnedSemaphorePermit, Semaphore},
    time,
};

/// Lets so many through at once; others wait for a moment.
#[derive(Debug)]
pub(super) struct Turnstile {
    places: Arc<Semaphore>,
    wait: Duration,
    began: Instant,
    /// When somebody last found a place free, in microseconds since `began`.
    last_free: AtomicU64,
}

impl Turnstile {
    pub(super) fn new(places: usize, wait: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), wait, began: Instant::now(), last_free: AtomicU64::new(0) }
    }

    /// A place, or `None` after the time to wait.
    ///
    /// Where nobody has found a place free for that long, those who wait would all be let through at the last moment, each a
    /// whole wait late. Then only what gets its place within a quarter of it is taken: "Fail at Scale", ACM Queue 13(8), 2015.
    pub(super) async fn pass(&self) -> Option<OwnedSemaphorePermit> {
        let now = self.began.elapsed();
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            self.last_free.store(now.as_micros() as u64, Ordering::Relaxed);
            return Some(place);
        }
        let is_lasting = now.saturating_sub(Duration::from_micros(self.last_free.load(Ordering::Relaxed))) > self.wait;
        let patience = if is_lasting { self.wait / 4 } else { self.wait };
        if let Ok(Ok(place)) = time::timeout(patience, Arc::clone(&self.places).acquire_owned()).await {
            return Some(place);
        }
        time::sleep(self.wait.saturating_sub(patience)).await;
        None
    }

    /// How many places are free.
    pub(super) fn free(&self) -> usize {
        self.places.available_permits()
    }
}

/// How often the threads are watched.
const TICK: Duration = Duration::from_millis(10);

/// The share of requests to turn away, because the threads come too late to those that wait.
#[derive(Debug, Default)]
pub(super) struct Pressure {
    /// Of 2³².
    share: AtomicU32,
    /// The shares of all requests added up; whoever makes it overflow is turned away.
    sum: AtomicU32,
}

impl Pressure {
    /// Whether the next request is turned away.
    pub(super) fn refuses(&self) -> bool {
        let share = self.share.load(Ordering::Relaxed);
        share != 0 && self.sum.fetch_add(share, Ordering::Relaxed).checked_add(share).is_none()
    }

    /// The share that is turned away, from 0 to 1.
    pub(super) fn share(&self) -> f64 {
        f64::from(self.share.load(Ordering::Relaxed)) / f64::from(u32::MAX)
    }

    /// Watches the threads of `runtime`, for ever.
    pub(super) async fn watch(&self, runtime: RuntimeMetrics, bound: Duration) {
        let busy =
            || (0..runtime.num_workers()).map(|thread| runtime.worker_total_busy_duration(thread)).sum::<Duration>();
        let (mut share, mut idle, mut busy_before) = (0.0, 1.0, busy());
        loop {
            let slept = Instant::now();
            time::sleep(TICK).await;
            let passed = slept.elapsed();
            let busy_now = busy();
            let spent = busy_now.saturating_sub(busy_before).div_duration_f64(passed);
            busy_before = busy_now;
            // A thread tells from time to time how long it was busy, so one look may see none of it or twice as much.
            idle = 0.8 * idle + 0.2 * (runtime.num_workers() as f64 - spent);
            share = next_share(share, passed, idle, bound);
            self.share.store((share * f64::from(u32::MAX)) as u32, Ordering::Relaxed);
        }
    }
}

/// The share to turn away from now on, when a pause of one tick took as long as `passed`. While `idle` threads have time to spare,
/// a late one is the fault of others on this machine, and turning callers away would not help them.
fn next_share(share: f64, passed: Duration, idle: f64, bound: Duration) -> f64 {
    let lag = passed.saturating_sub(TICK).div_duration_f64(bound);
    // Half a second to find the right share while threads are a little late, at once where they are late by much, and a second to
    // forget it. One in twenty is always taken.
    let change = if idle > 0.25 { -0.01 } else { 0.01 * (lag - 1.0).clamp(-1.0, 2.0) };
    (share + change * passed.div_duration_f64(TICK)).clamp(0.0, 0.95)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_place_waits_and_is_turned_away() {
        let turnstile = Turnstile::new(1, Duration::from_millis(100));
        let first = turnstile.pass().await.unwrap();
        assert!(turnstile.pass().await.is_none());
        let second = turnstile.pass();
        drop(first);
        assert!(second.await.is_some(), "a place that becomes free is taken");
        assert_eq!(turnstile.free(), 1);
    }

    #[test]
    fn the_share_grows_while_threads_are_late_and_is_forgotten_after() {
        let bound = Duration::from_millis(10);
        let after = |ticks: usize, share: f64, lag: u64, idle: f64| {
            (0..ticks).fold(share, |share, _| next_share(share, TICK + Duration::from_millis(lag), idle, bound))
        };
        assert_eq!(after(100, 0.0, 5, 0.0), 0.0, "below the bound nothing happens");
        assert_eq!(after(100, 0.0, 500, 1.5), 0.0, "nor while threads are idle");
        assert!((0.4..0.8).contains(&after(20, 0.0, 20, 0.0)), "late by twice the bound");
        assert_eq!(after(2, 0.0, 500, 0.0), 0.95, "some are always taken");
        assert_eq!(after(100, 0.95, 0, 0.0), 0.0);
        assert_eq!(after(100, 0.95, 500, 1.0), 0.0);
    }

    #[test]
    fn just_that_share_is_turned_away() {
        let pressure = Pressure::default();
        for (share, expected) in [(0.0, 0), (0.25, 25), (0.95, 95)] {
            pressure.share.store((share * f64::from(u32::MAX)) as u32, Ordering::Relaxed);
            let refused = (0..100).filter(|_| pressure.refuses()).count();
            assert!(refused.abs_diff(expected) <= 1, "{share}: {refused}");
        }
    }
}
