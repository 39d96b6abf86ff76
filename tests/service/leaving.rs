//! How it leaves: first it says so, then it takes nothing new, and what runs is finished.

use std::{io::Write, net::TcpStream};

use rustix::process::Signal;

use crate::process::{Answer, Process, Stream, eventually, reply_request};

const REPLY: &str = "550 5.1.1 User unknown";

#[test]
fn while_draining_it_answers_and_asks_everybody_to_go() {
    let process = Process::start(&["--drain-seconds", "600"]);
    let before = process.ask("GET /readyz HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    assert_eq!(before.status, 200);
    process.signal(Signal::TERM);
    let answer = eventually("503", || Some(process.get("/readyz")).filter(|answer| answer.status != 200));
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("5")));
    assert_eq!(process.get("/livez").status, 200);
    // The connection is closed though the caller would keep it.
    let kept = reply_request(REPLY, REPLY.len()).replace("connection: close\r\n", "");
    let answer = process.ask(&kept);
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));

    process.signal(Signal::TERM);
    assert_eq!(process.left().0, Some(143), "a second signal ends it at once");
}

#[test]
fn what_runs_is_finished() {
    for signal in [Signal::TERM, Signal::INT] {
        let process = Process::start(&["--drain-seconds", "0", "--shutdown-seconds", "600"]);
        let address = process.listens("address");
        let mut running = process.begin(&reply_request(REPLY, 0).replace("connection: close\r\n", ""));
        let idle = process.connect();
        process.signal(signal);
        eventually("closed door", || TcpStream::connect(&address).is_err().then_some(()));
        running.write_all(REPLY.as_bytes()).unwrap();
        let answer = Answer::on(running);
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")), "{answer:?}");
        drop(idle);
        assert_eq!(process.left().0, Some(0));
    }
}

#[test]
fn a_stream_goes_on_to_its_end() {
    let process = Process::start(&["--drain-seconds", "0", "--shutdown-seconds", "600", "--request-seconds", "1"]);
    let address = process.listens("address");
    let mut stream = Stream::begin(&process);
    stream.ask(0);
    process.signal(Signal::TERM);
    eventually("closed door", || TcpStream::connect(&address).is_err().then_some(()));
    stream.ask(1);
    stream.ask(2);
    assert!(stream.end().ends_with("0\r\n\r\n"), "the answer is whole");
    assert_eq!(process.left().0, Some(0));
}

#[test]
fn a_stream_that_does_not_end_in_time_is_cut_and_does_not_look_whole() {
    let process = Process::start(&["--drain-seconds", "0", "--shutdown-seconds", "1"]);
    let mut stream = Stream::begin(&process);
    stream.ask(0);
    process.signal(Signal::TERM);
    assert!(!stream.rest().ends_with("0\r\n\r\n"));
    let (code, log) = process.left();
    assert_eq!(code, Some(0));
    assert!(log.contains("some requests were not done in time"), "{log}");
}

#[test]
fn what_does_not_finish_in_time_is_cut() {
    let process = Process::start(&["--drain-seconds", "0", "--shutdown-seconds", "0"]);
    let _running = process.begin(&reply_request(REPLY, 0));
    process.signal(Signal::TERM);
    let (code, log) = process.left();
    assert_eq!(code, Some(0));
    assert!(log.contains("some requests were not done in time"), "{log}");
}
