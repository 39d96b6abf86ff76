//! What the process uses, under the names that every Prometheus client uses. Read from `/proc`; elsewhere than on Linux only
//! the start is told.

use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use super::exposition::{Exposition, Kind};

/// `/proc` counts time in `USER_HZ`, which the kernel keeps at 100 for all programs, whatever its own clock is.
const TICKS_PER_SECOND: f64 = 100.0;

pub(super) fn write(text: &mut Exposition, started: SystemTime) {
    let started = started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    text.single("process_start_time_seconds", Kind::Gauge, "When the process started, in Unix time.", started);
    if let Some(seconds) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(cpu_seconds) {
        text.single("process_cpu_seconds_total", Kind::Counter, "Processor time used, by user and system.", seconds);
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    for (name, field, unit, help) in [
        ("process_resident_memory_bytes", "VmRSS:", 1024, "Memory in use."),
        ("process_virtual_memory_bytes", "VmSize:", 1024, "Address space in use."),
        ("process_threads", "Threads:", 1, "Threads that run."),
    ] {
        if let Some(value) = field_of(&status, field) {
            text.single(name, Kind::Gauge, help, value * unit);
        }
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        text.single("process_open_fds", Kind::Gauge, "Open file descriptors.", open.count());
    }
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    if let Some(most) = field_of(&limits, "Max open files") {
        text.single("process_max_fds", Kind::Gauge, "File descriptors that may be open.", most);
    }
}

/// User and system time, fields 14 and 15. The name in brackets may hold spaces, so counting begins behind it.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    let mut fields = behind_name.split_whitespace().skip(11).map(str::parse::<u64>);
    let (user, system) = (fields.next()?.ok()?, fields.next()?.ok()?);
    Some((user + system) as f64 / TICKS_PER_SECOND)
}

/// The first number behind `name` at the start of a line.
fn field_of(lines: &str, name: &str) -> Option<u64> {
    lines.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_whatever_the_process_is_called() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 250 50 13 14";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(cpu_seconds("7 (a"), None);
        assert_eq!(field_of("Name:\tx\nVmRSS:\t  12 kB\n", "VmRSS:"), Some(12));
        assert_eq!(
            field_of("Max open files            1024                 4096    files\n", "Max open files"),
            Some(1024)
        );
        assert_eq!(field_of("Max open files            unlimited\n", "Max open files"), None);
    }
}
