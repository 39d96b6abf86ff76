//! The access log: a line a request, on standard error like the rest of the log and in the same form.
//!
//! It does not go through `tracing`: an event there costs some microseconds and a write of its own, as much as the answer
//! itself. A line here is put together in place (some 200 ns) and written with others by a thread of its own, at the latest
//! after [`COLLECT`]. Whoever reads the log too slowly makes lines get lost, counted, and never makes a request wait.

use std::{
    fmt,
    io::{self, Write},
    sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{count::Counter, trace::TraceParent};

/// Lines are collected for so long before they are written.
const COLLECT: Duration = Duration::from_millis(50);

/// Lines that wait to be written hold at most so many bytes.
const MAX_PENDING_BYTES: usize = 4 << 20;

/// Which requests get a line in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum AccessLogMode {
    /// All of them.
    #[default]
    On,
    /// None.
    Off,
    /// Those that failed: status 400 and above.
    Errors,
}

/// What a line tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AccessLine<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) trace: Option<&'a TraceParent>,
    pub(crate) method: &'a str,
    /// The route's pattern, not the path: a path may hold what a person typed.
    pub(crate) route: &'a str,
    pub(crate) status: u16,
    pub(crate) took: Duration,
}

/// Where lines go.
pub(crate) struct AccessLog {
    errors_only: bool,
    as_text: bool,
    pending: Mutex<Pending>,
    is_pending: Condvar,
    /// Taken before `pending` is emptied, so that lines stay in order and none is in nobody's hands at the end.
    output: Mutex<Output>,
    lost: Counter,
}

struct Output {
    to: Box<dyn Write + Send>,
    /// Empty, with the room of the lines that were written last: the next need not grow.
    spare: Vec<u8>,
}

#[derive(Debug, Default)]
struct Pending {
    lines: Vec<u8>,
    /// The second whose date and time `second_text` is.
    second: u64,
    second_text: String,
}

static ACCESS_LOG: OnceLock<AccessLog> = OnceLock::new();

/// The access log of this process, where it was started.
pub(crate) fn access_log() -> Option<&'static AccessLog> {
    ACCESS_LOG.get()
}

/// Starts the access log of this process.
pub(super) fn start(mode: AccessLogMode, as_text: bool) -> io::Result<()> {
    let log = ACCESS_LOG.get_or_init(|| AccessLog::new(mode, as_text, Box::new(io::stderr())));
    std::thread::Builder::new().name("access-log".to_owned()).spawn(|| log.write_for_ever()).map(drop)
}

impl AccessLog {
    fn new(mode: AccessLogMode, as_text: bool, output: Box<dyn Write + Send>) -> Self {
        Self {
            errors_only: mode == AccessLogMode::Errors,
            as_text,
            pending: Mutex::default(),
            is_pending: Condvar::new(),
            output: Mutex::new(Output { to: output, spare: Vec::new() }),
            lost: Counter::default(),
        }
    }

    /// Notes a request that was answered.
    pub(crate) fn note(&self, line: &AccessLine<'_>) {
        if self.errors_only && line.status < 400 {
            return;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut pending = self.pending();
        if pending.lines.len() >= MAX_PENDING_BYTES {
            self.lost.increment();
            return;
        }
        let is_first = pending.lines.is_empty();
        pending.add(line, now, self.as_text);
        drop(pending);
        if is_first {
            self.is_pending.notify_one();
        }
    }

    /// Lines that were lost because nobody read them in time.
    pub(super) fn lost(&self) -> u64 {
        self.lost.get()
    }

    /// Writes what is pending.
    pub(super) fn flush(&self) {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let Output { to, spare } = &mut *output;
        std::mem::swap(&mut self.pending().lines, spare);
        // There is no other place to complain to.
        let _ = to.write_all(spare).and_then(|()| to.flush());
        spare.clear();
    }

    fn write_for_ever(&self) {
        loop {
            drop(self.is_pending.wait_while(self.pending(), |pending| pending.lines.is_empty()));
            std::thread::sleep(COLLECT);
            self.flush();
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessLog").field("errors_only", &self.errors_only).finish_non_exhaustive()
    }
}

impl Pending {
    fn add(&mut self, line: &AccessLine<'_>, now: Duration, as_text: bool) {
        if self.second != now.as_secs() || self.second_text.is_empty() {
            self.second = now.as_secs();
            let seconds = i64::try_from(self.second).unwrap_or_default();
            self.second_text = mail_parser::DateTime::from_timestamp(seconds).to_rfc3339();
            self.second_text.pop();
        }
        let out = &mut self.lines;
        let took = line.took.as_micros() as u64;
        let words = if as_text { &AS_TEXT } else { &AS_JSON };
        // By hand: the machinery of `write!` would take longer than all the rest of a line.
        put(out, &[words.time, &self.second_text, "."]);
        put_number(out, u64::from(now.subsec_micros()), 6);
        put(out, &[words.method, line.method, words.route, line.route, words.status]);
        put_number(out, u64::from(line.status), 1);
        put(out, &[words.duration]);
        put_number(out, took / 1000, 1);
        put(out, &["."]);
        put_number(out, took % 1000, 3);
        put(out, &[words.request_id]);
        for byte in line.request_id.bytes() {
            if matches!(byte, b'"' | b'\\') {
                out.push(b'\\');
            }
            // A tab is all that a header value may hold of these.
            out.push(if byte.is_ascii_control() { b' ' } else { byte });
        }
        match (line.trace, as_text) {
            (None, _) => {}
            (Some(trace), true) => put(out, &[" trace_id=", trace.trace_id()]),
            (Some(trace), false) => {
                put(out, &["\",\"trace_id\":\"", trace.trace_id(), "\",\"parent_id\":\"", trace.parent_id()]);
            }
        }
        put(out, &[words.end]);
    }
}

/// What stands before each fact of a line, and at its end.
struct Words {
    time: &'static str,
    method: &'static str,
    route: &'static str,
    status: &'static str,
    duration: &'static str,
    request_id: &'static str,
    end: &'static str,
}

const AS_TEXT: Words = Words {
    time: "",
    method: "Z  INFO request answered method=",
    route: " route=",
    status: " status=",
    duration: " duration_ms=",
    request_id: " request_id=",
    end: "\n",
};

const AS_JSON: Words = Words {
    time: "{\"timestamp\":\"",
    method: "Z\",\"level\":\"INFO\",\"message\":\"request answered\",\"method\":\"",
    route: "\",\"route\":\"",
    status: "\",\"status\":",
    duration: ",\"duration_ms\":",
    request_id: ",\"request_id\":\"",
    end: "\",\"target\":\"retoure::access\"}\n",
};

fn put(out: &mut Vec<u8>, texts: &[&str]) {
    texts.iter().for_each(|text| out.extend_from_slice(text.as_bytes()));
}

/// Writes a number in decimal, with noughts before it up to so many digits.
fn put_number(out: &mut Vec<u8>, number: u64, least_digits: usize) {
    let mut digits = [b'0'; 20];
    let (mut rest, mut from) = (number, digits.len());
    while rest > 0 {
        from -= 1;
        digits[from] += (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&digits[from.min(digits.len() - least_digits)..]);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::Value;

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const LINE: AccessLine<'static> = AccessLine {
        request_id: "a \"b\\\tc",
        trace: None,
        method: "POST",
        route: "/v1/classify/reply",
        status: 200,
        took: Duration::from_micros(1_042),
    };

    fn written(mode: AccessLogMode, as_text: bool, lines: &[AccessLine<'_>]) -> String {
        let sink = Sink::default();
        let log = AccessLog::new(mode, as_text, Box::new(sink.clone()));
        lines.iter().for_each(|line| log.note(line));
        log.flush();
        String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_line_is_json_whatever_the_caller_calls_its_request() {
        let trace = TraceParent::parse(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        let written = written(AccessLogMode::On, false, &[LINE, AccessLine { trace: trace.as_ref(), ..LINE }]);
        let lines: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["request_id"], "a \"b\\ c");
        assert_eq!(lines[0]["status"], 200);
        assert_eq!(lines[0]["duration_ms"], 1.042);
        assert_eq!(lines[0]["target"], "retoure::access");
        assert!(lines[0].get("trace_id").is_none());
        assert_eq!(lines[1]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
        let time = lines[1]["timestamp"].as_str().unwrap();
        assert_eq!((time.len(), &time[..2], &time[26..]), (27, "20", "Z"), "{time}");
    }

    #[test]
    fn errors_alone_where_only_they_are_wanted_and_text_where_that_is() {
        let failed = AccessLine { status: 422, ..LINE };
        assert_eq!(written(AccessLogMode::Errors, false, &[LINE, failed]).lines().count(), 1);
        let text = written(AccessLogMode::On, true, &[LINE]);
        assert!(text.contains(" route=/v1/classify/reply status=200 duration_ms=1.042 request_id=a"), "{text}");
    }

    #[test]
    fn lines_that_nobody_reads_are_lost_and_counted() {
        let log = AccessLog::new(AccessLogMode::On, false, Box::new(io::sink()));
        let lines = MAX_PENDING_BYTES / 100;
        (0..lines).for_each(|_| log.note(&LINE));
        assert!(log.pending().lines.len() < MAX_PENDING_BYTES + 1000);
        assert!(log.lost() > 0);
        log.flush();
        assert!(log.pending().lines.is_empty());
    }
}
