//! What happens when more is asked than can be answered: what is taken on is answered as fast as ever, the rest is turned away at
//! once.
//!
//! Two things fill up. A [`Turnstile`] counts what is in work: requests that are still coming in, and those that keep a thread
//! busy for long. Short replies never pile up there, since each is done in microseconds without a pause; they pile up unseen, in
//! front of threads that are all busy. [`Pressure`] notices how late a thread comes to what waits for it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time,
};

/// So many may wait for each place, as long as nobody has to be turned away.
const BURST: usize = 16;

/// So many may wait for each place under overload: no place stays free while the next one is on its way.
const RESERVE: usize = 2;

/// When nobody was turned away for so long, overload is over, whatever was before.
const CALM: Duration = Duration::from_millis(100);

/// By so many must those who are turned away outnumber those who find a place free, before it is overload and no burst. Twice as many
/// are remembered, so that it does not end by chance.
const OVERLOAD: usize = 16;

/// Lets so many through at once; a few others wait for a moment.
///
/// How many wait decides how late those come that are let through. A burst may wait: it will be over soon. Where more is asked all the
/// time than can be answered, whoever is let in would find as many before it, however many are turned away: a queue that is always full
/// helps nobody ("Controlling Queue Delay", ACM Queue 10(5), 2012). Then only [`RESERVE`] may wait for each place, and what is
/// let through comes nearly as fast as ever.
#[derive(Debug)]
pub(super) struct Turnstile {
    places: Arc<Semaphore>,
    number: usize,
    waiting: AtomicUsize,
    patience: Duration,
    /// Up with everyone who is turned away, down with everyone who finds a place free; from 0 to twice [`OVERLOAD`].
    excess: AtomicUsize,
    began: Instant,
    /// When somebody was last turned away, in microseconds since `began`.
    refused: AtomicU64,
}

impl Turnstile {
    pub(super) fn new(number: usize, patience: Duration) -> Self {
        Self {
            places: Arc::new(Semaphore::new(number)),
            number,
            waiting: AtomicUsize::new(0),
            patience,
            excess: AtomicUsize::new(0),
            began: Instant::now(),
            refused: AtomicU64::new(0),
        }
    }

    /// A place, or `None` where too many wait already, or where none became free in time.
    pub(super) async fn pass(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            if self.excess.load(Ordering::Relaxed) > 0 {
                let calm = self.now().saturating_sub(self.refused.load(Ordering::Relaxed));
                let is_over = calm > CALM.as_micros() as u64;
                self.count(|excess| if is_over { Some(0) } else { excess.checked_sub(1) });
            }
            return Some(place);
        }
        let waiting = Waiting::one_more(&self.waiting);
        if waiting.before < self.may_wait()
            && let Ok(Ok(place)) = time::timeout(self.patience, Arc::clone(&self.places).acquire_owned()).await
        {
            return Some(place);
        }
        self.refuse();
        None
    }

    /// Whether one more is turned away, who has not come to the turnstile yet.
    pub(super) fn refuses(&self) -> bool {
        let refuses = self.waiting.load(Ordering::Relaxed) >= self.may_wait();
        if refuses {
            self.refuse();
        }
        refuses
    }

    fn may_wait(&self) -> usize {
        let is_overload = self.excess.load(Ordering::Relaxed) > OVERLOAD;
        self.number.saturating_mul(if is_overload { RESERVE } else { BURST })
    }

    fn refuse(&self) {
        self.refused.store(self.now(), Ordering::Relaxed);
        self.count(|excess| (excess < 2 * OVERLOAD).then_some(excess + 1));
    }

    fn count(&self, change: impl Fn(usize) -> Option<usize>) {
        // Where there is nothing to change, it stays.
        let _ = self.excess.fetch_update(Ordering::Relaxed, Ordering::Relaxed, change);
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_micros() as u64
    }

    /// How many places are free.
    pub(super) fn free(&self) -> usize {
        self.places.available_permits()
    }
}

/// One that waits, until it is dropped: a caller may go meanwhile.
struct Waiting<'a> {
    all: &'a AtomicUsize,
    /// How many waited already.
    before: usize,
}

impl<'a> Waiting<'a> {
    fn one_more(all: &'a AtomicUsize) -> Self {
        Self { all, before: all.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.all.fetch_sub(1, Ordering::Relaxed);
    }
}

/// So many requests are taken for each time that the bound passes: one that takes long makes those behind it late, and turning
/// away a handful would not help. Nor would turning away all, when turning away is what takes the time.
const AT_LEAST: u64 = 8;

/// Notices when the threads come too late to what waits for them.
///
/// A request sends a messenger to the end of the queue, unless one is under way. As long as it has not come through, whatever was
/// there when it was sent has not either; when that takes longer than the bound, requests are turned away, quickly, until it has.
/// Nothing waits for much longer than the bound, and an idle service does nothing.
#[derive(Debug)]
pub(super) struct Pressure {
    began: Instant,
    /// In microseconds; where it is 0, nothing is measured.
    bound: u64,
    /// What all threads together work in that time.
    work: u64,
    messenger: Arc<Messenger>,
    /// How much the process had worked when it was sent, in microseconds.
    worked: AtomicU64,
    /// Requests that were taken since it is late.
    late: AtomicU64,
}

/// In microseconds since the beginning.
#[derive(Debug, Default)]
struct Messenger {
    /// When it was sent; 0 while none is under way.
    sent: AtomicU64,
    /// When the last one came through.
    came: AtomicU64,
}

impl Pressure {
    pub(super) fn new(bound: Duration, threads: usize) -> Self {
        let bound = bound.as_micros() as u64;
        Self {
            began: Instant::now(),
            bound,
            work: bound * threads as u64,
            messenger: Arc::default(),
            worked: AtomicU64::new(0),
            late: AtomicU64::new(0),
        }
    }

    /// Whether the next request is turned away.
    pub(super) fn refuses(&self) -> bool {
        if self.bound == 0 {
            return false;
        }
        let now = self.now();
        if self.is_messenger_due(now) {
            self.sent(now, processor_time());
            let (messenger, began) = (Arc::clone(&self.messenger), self.began);
            tokio::spawn(async move {
                wait_as_all_others_do().await;
                messenger.came.store(began.elapsed().as_micros() as u64, Ordering::Relaxed);
                messenger.sent.store(0, Ordering::Relaxed);
            });
            return false;
        }
        self.refuses_at(now, processor_time)
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_micros().max(1) as u64
    }

    /// Often enough to see the bound passed, and not for each request.
    fn is_messenger_due(&self, now: u64) -> bool {
        let since = now.saturating_sub(self.messenger.came.load(Ordering::Relaxed));
        since > self.bound / 4
            && self.messenger.sent.load(Ordering::Relaxed) == 0
            && self.messenger.sent.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    fn sent(&self, now: u64, processor_time: u64) {
        self.messenger.sent.store(now, Ordering::Relaxed);
        self.worked.store(processor_time, Ordering::Relaxed);
        self.late.store(0, Ordering::Relaxed);
    }

    fn refuses_at(&self, now: u64, processor_time: impl Fn() -> u64) -> bool {
        let sent = self.messenger.sent.load(Ordering::Relaxed);
        let passed = now.saturating_sub(sent);
        if sent == 0 || passed <= self.bound {
            return false;
        }
        if self.late.load(Ordering::Relaxed) < AT_LEAST * (passed / self.bound) {
            self.late.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        // Where the process has not worked for that long, it was kept from it by others on this machine. What they have held up
        // is answered; it is not more than can be borne.
        processor_time().saturating_sub(self.worked.load(Ordering::Relaxed)) > self.work
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

    #[tokio::test]
    async fn a_burst_may_wait_and_what_is_more_shortens_the_queue() {
        let turnstile = Arc::new(Turnstile::new(2, Duration::from_secs(100)));
        let ask = |number: usize| {
            let one = |_| {
                tokio::spawn({
                    let turnstile = Arc::clone(&turnstile);
                    async move { turnstile.pass().await.is_some() }
                })
            };
            (0..number).map(one).collect::<Vec<_>>()
        };
        let waiting = || turnstile.waiting.load(Ordering::Relaxed);

        let places = [turnstile.pass().await.unwrap(), turnstile.pass().await.unwrap()];
        let burst = ask(2 * BURST);
        until(|| waiting() == 2 * BURST).await;
        assert!(turnstile.refuses() && turnstile.pass().await.is_none(), "turned away at once");
        assert_eq!(turnstile.may_wait(), 2 * BURST, "of a burst");
        assert!((0..100).all(|_| turnstile.refuses()));
        assert_eq!(turnstile.may_wait(), 2 * RESERVE, "while more is asked all the time");
        drop(places);
        for one in burst {
            assert!(one.await.unwrap(), "whoever waits comes through");
        }
        for _ in 0..OVERLOAD {
            drop(turnstile.pass().await.unwrap());
        }
        assert_eq!(turnstile.may_wait(), 2 * BURST, "when it is over");
        assert!(turnstile.excess.load(Ordering::Relaxed) > 0);
        std::thread::sleep(CALM + CALM);
        drop(turnstile.pass().await.unwrap());
        assert_eq!(turnstile.excess.load(Ordering::Relaxed), 0, "forgotten");
    }

    async fn until(is_so: impl Fn() -> bool) {
        for _ in 0..10_000 {
            if is_so() {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("it never was");
    }

    #[test]
    fn what_is_behind_a_late_messenger_is_turned_away() {
        let pressure = Pressure::new(Duration::from_millis(10), 2);
        let refused = |now: u64, worked: u64| (0..100).filter(|_| pressure.refuses_at(now, || worked)).count();
        assert_eq!(refused(1_000_000, 1_000_000), 0, "while none is under way");
        pressure.sent(1_000_000, 500_000);
        assert_eq!(refused(1_010_000, 510_000), 0, "in time");
        assert_eq!(refused(1_050_000, 515_000), 0, "others had the processor");
        pressure.sent(2_000_000, 600_000);
        assert_eq!(refused(2_010_001, 620_001), 100 - AT_LEAST as usize);
        assert_eq!(refused(2_025_000, 650_000), 100 - AT_LEAST as usize, "some more when it is late by as much again");
        pressure.messenger.sent.store(0, Ordering::Relaxed);
        assert_eq!(refused(2_030_000, 660_000), 0, "forgotten with the messenger");
    }

    #[tokio::test]
    async fn an_idle_service_refuses_nothing_and_its_messenger_comes_through() {
        let pressure = Pressure::new(Duration::from_millis(10), 2);
        time::sleep(Duration::from_millis(5)).await;
        assert!(!pressure.refuses());
        assert_ne!(pressure.messenger.sent.load(Ordering::Relaxed), 0);
        until(|| pressure.messenger.sent.load(Ordering::Relaxed) == 0).await;
    }
}
