//! What happens when more is asked than can be answered: what is taken on is answered as fast as ever, the rest is turned away.
//!
//! Two things fill up. A [`Turnstile`] counts what is in work: mails that are still coming in, and those that keep a thread busy
//! for long. Single replies never pile up there, since each is done in microseconds without a pause; they pile up unseen, in
//! front of threads that are all busy. [`Pressure`] notices how late a thread comes to what waits for it.
//!
//! Nobody is turned away before the time to wait is over. A caller who asks again at once would otherwise use up what
//! answering the others needs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
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

/// How often a thread should come to what waits.
const TICK: Duration = Duration::from_millis(10);

/// So many requests are taken for each tick that is overdue: one that takes long makes those behind it late, and turning away a
/// handful would not help. Nor would turning away all, when turning away is what takes the time.
const AT_LEAST: u64 = 8;

/// Notices when the threads come too late to what waits for them.
///
/// A task that should run at each tick waits its turn as all others do. While it is overdue, so is everything before it: that is
/// turned away, quickly, until the task has run. What was there first is answered, and nothing waits for much longer than the bound.
#[derive(Debug)]
pub(super) struct Pressure {
    began: Instant,
    /// In microseconds; 0 while nobody watches.
    bound: AtomicU64,
    /// When the last tick was, in microseconds since `began`, and how much the process had worked by then.
    ticked: AtomicU64,
    worked: AtomicU64,
    /// Requests that were taken since the next tick was overdue.
    late: AtomicU64,
}

impl Default for Pressure {
    fn default() -> Self {
        let began = Instant::now();
        Self { began, bound: 0.into(), ticked: 0.into(), worked: 0.into(), late: 0.into() }
    }
}

impl Pressure {
    /// Whether the next request is turned away.
    pub(super) fn refuses(&self) -> bool {
        self.refuses_at(self.began.elapsed().as_micros() as u64, processor_time)
    }

    fn refuses_at(&self, now: u64, processor_time: impl Fn() -> u64) -> bool {
        let bound = self.bound.load(Ordering::Relaxed);
        let due = TICK.as_micros() as u64 + bound;
        let passed = now.saturating_sub(self.ticked.load(Ordering::Relaxed));
        if bound == 0 || passed <= due {
            return false;
        }
        if self.late.load(Ordering::Relaxed) < AT_LEAST * (passed / due) {
            self.late.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        // Where the process has not worked for that long, it was kept from it by others on this machine. What they have held up
        // is answered; it is not more than can be borne.
        processor_time().saturating_sub(self.worked.load(Ordering::Relaxed)) > due
    }

    /// Watches the threads that run this, for ever.
    pub(super) async fn watch(&self, bound: Duration) {
        self.tick(self.began.elapsed().as_micros() as u64, processor_time());
        self.bound.store(bound.as_micros() as u64, Ordering::Relaxed);
        loop {
            time::sleep(TICK).await;
            wait_as_all_others_do().await;
            self.tick(self.began.elapsed().as_micros() as u64, processor_time());
        }
    }

    fn tick(&self, now: u64, processor_time: u64) {
        self.ticked.store(now, Ordering::Relaxed);
        self.worked.store(processor_time, Ordering::Relaxed);
        self.late.store(0, Ordering::Relaxed);
    }
}

/// Returns after what is waiting for a thread now.
///
/// A task that a timer wakes, or that yields, is put before all others by Tokio (the "LIFO slot"), and would see no queue. One that
/// is spawned is put there as well, and a second then sends it to the end of the queue.
async fn wait_as_all_others_do() {
    let last_in_the_queue = tokio::spawn(async {});
    tokio::spawn(async {});
    // An empty task neither panics nor is it cancelled.
    let _ = last_in_the_queue.await;
}

/// How long the processors have worked for this process, in microseconds.
fn processor_time() -> u64 {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    spent.tv_sec as u64 * 1_000_000 + spent.tv_nsec as u64 / 1000
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
    fn what_is_behind_an_overdue_tick_is_turned_away() {
        let pressure = Pressure::default();
        let refused = |now: u64, worked: u64| (0..100).filter(|_| pressure.refuses_at(now, || worked)).count();
        assert_eq!(refused(1_000_000, 1_000_000), 0, "while nobody watches");
        pressure.bound.store(10_000, Ordering::Relaxed);
        pressure.tick(1_000_000, 500_000);
        assert_eq!(refused(1_020_000, 520_000), 0, "in time");
        assert_eq!(refused(1_050_000, 510_000), 0, "others had the processor");
        pressure.tick(2_000_000, 600_000);
        assert_eq!(refused(2_020_001, 620_001), 100 - AT_LEAST as usize);
        assert_eq!(refused(2_045_000, 640_000), 100 - AT_LEAST as usize, "some more when the next is overdue too");
        pressure.tick(2_030_000, 630_000);
        assert_eq!(refused(2_030_000, 630_000), 0, "forgotten with the tick");
    }
}
