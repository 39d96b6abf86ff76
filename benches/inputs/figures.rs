//! Figures of one run, kept beside criterion's own so that they can be set against each other at the end.
//!
//! What is timed is the processor time of this thread, not the clock on the wall: whatever else runs on the machine then takes caches
//! from us, but no time.

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use criterion::{Bencher, Criterion};
use rustix::time::{ClockId, clock_gettime};

/// For each thing that was measured, the nanoseconds that one item took, a number for each sample.
#[derive(Debug, Default)]
pub(crate) struct Figures(RefCell<BTreeMap<String, Vec<f64>>>);

impl Figures {
    /// Times `work`, which does `items` items at once, under `name`.
    pub(crate) fn measure(&self, bencher: &mut Bencher<'_>, name: &str, items: usize, mut work: impl FnMut()) {
        bencher.iter_custom(|rounds| {
            let before = processor_time();
            for _ in 0..rounds {
                work();
            }
            let took = processor_time() - before;
            let each = took.as_nanos() as f64 / (rounds as f64 * items as f64);
            self.0.borrow_mut().entry(name.to_owned()).or_default().push(each);
            took
        });
    }

    /// The median, in nanoseconds an item; nothing where a filter left it out.
    pub(crate) fn nanoseconds(&self, name: &str) -> Option<f64> {
        let mut samples = self.0.borrow().get(name)?.clone();
        samples.sort_by(f64::total_cmp);
        samples.get(samples.len() / 2).copied()
    }

    /// One line: how many of `ours` a second, how many of `floor`, and the first by the second.
    pub(crate) fn compare(&self, ours: &str, floor: &str) {
        let (Some(one), Some(other)) = (self.nanoseconds(ours), self.nanoseconds(floor)) else { return };
        say(&format!("{ours}: {}; {floor}: {}; ratio {:.2}", a_second(one), a_second(other), other / one));
    }

    /// One line for each figure that is set against nothing.
    pub(crate) fn tell(&self, name: &str) {
        if let Some(each) = self.nanoseconds(name) {
            say(&format!("{name}: {} ({})", a_second(each), duration(each)));
        }
    }
}

/// Criterion with samples enough to tell a difference of some percent, and no more: the whole suite is meant to be run often.
pub(crate) fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args()
}

/// The heading of the summary, with what else the machine did.
pub(crate) fn heading(title: &str) {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?").to_owned();
    say(&format!("\n{title} (one thread, processor time; load average {load})"));
}

#[expect(clippy::print_stdout, reason = "what a benchmark is run for")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

fn a_second(nanoseconds: f64) -> String {
    match 1e9 / nanoseconds {
        many if many >= 1e6 => format!("{:.2} M/s", many / 1e6),
        many if many >= 1e4 => format!("{:.0} k/s", many / 1e3),
        many => format!("{many:.0} /s"),
    }
}

fn duration(nanoseconds: f64) -> String {
    if nanoseconds >= 1e6 { format!("{:.1} ms", nanoseconds / 1e6) } else { format!("{:.2} µs", nanoseconds / 1e3) }
}
