//! The log: a line a request, and no word of what was sent.

use rustix::process::Signal;

use crate::process::{Process, reply_request};

const REPLY: &str = "550 5.1.1 <anna@example.org>: User unknown";

/// All that a process logs which is told to leave at once.
fn rest(process: Process) -> String {
    process.signal(Signal::TERM);
    let (code, log) = process.left();
    assert_eq!(code, Some(0));
    log
}

#[test]
fn every_request_has_a_line_that_tells_nothing_of_its_words() {
    let process = Process::start(&["--drain-seconds", "0"]);
    let fields =
        "x-request-id: mailing-7\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\nhost:";
    process.ask(&reply_request(REPLY, REPLY.len()).replacen("host:", fields, 1));
    process.get("/v1/codes/anna@example.org");
    let classified = process.logs("\"route\":\"/v1/classify/reply\"");
    assert_eq!((classified["request_id"].as_str(), classified["status"].as_u64()), (Some("mailing-7"), Some(200)));
    assert_eq!(classified["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!((classified["method"].as_str(), classified["target"].as_str()), (Some("POST"), Some("retoure::access")));
    assert!(classified["duration_ms"].as_f64().is_some_and(|took| took > 0.0), "{classified}");
    let looked_up = process.logs("\"route\":\"/v1/codes/{code}\"");
    assert!(looked_up["request_id"].as_str().is_some_and(|id| id.len() >= 18), "{looked_up}");
    assert!(looked_up.get("trace_id").is_none());
    // The last line is written though the process ends at once.
    process.get("/livez");
    let log = rest(process);
    assert!(log.contains("\"route\":\"/livez\""), "{log}");
    assert!(!log.contains("anna"), "{log}");
}

#[test]
fn lines_for_requests_can_be_left_out() {
    for (which, expected) in [("off", 0), ("errors", 1)] {
        let process = Process::start(&["--drain-seconds", "0", "--access-log", which]);
        process.get("/livez");
        process.get("/v1/codes/299");
        let log = rest(process);
        assert_eq!(log.matches("request answered").count(), expected, "{which}: {log}");
    }
    let process = Process::start(&["--drain-seconds", "0", "--log", "info,retoure::access=off"]);
    process.get("/livez");
    assert!(!rest(process).contains("request answered"));
}
