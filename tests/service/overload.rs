//! What is too much, too fast or too slow is turned away, and everybody else is answered.

use std::io::{Read, Write};

use crate::process::{Answer, Process, Stream, eventually, reply_request};

const REPLY: &str = "550 5.1.1 User unknown";

fn classify(process: &Process) -> Answer {
    process.ask(&reply_request(REPLY, REPLY.len()))
}

/// Whether an answer turns away in good form.
fn is_turned_away(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    let seconds: u32 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!(seconds >= 1, "{answer:?}");
}

#[test]
fn a_caller_over_its_rate_is_told_when_to_come_back() {
    let process = Process::start(&["--rate-limit", "1", "--rate-burst", "3"]);
    let answers: Vec<Answer> = (0..9).map(|_| classify(&process)).collect();
    assert!(answers[..3].iter().all(|answer| answer.status == 200), "{answers:?}");
    let last = answers.iter().find(|answer| answer.status != 200).expect("nine in a second are more than one");
    is_turned_away(last, 429);
    assert_eq!((process.get("/livez").status, process.get("/readyz").status), (200, 200));
}

#[test]
fn each_key_has_a_rate_of_its_own() {
    let folder = crate::process::Folder::new("rates");
    let file = folder.path("keys");
    std::fs::write(&file, "first-key\nsecond-key\n").unwrap();
    let process =
        Process::start(&["--rate-limit", "1", "--rate-burst", "1", "--api-keys-file", file.to_str().unwrap()]);
    let get = |key: &str| {
        process
            .ask(&format!("GET /v1/codes/550 HTTP/1.1\r\nhost: test\r\nconnection: close\r\nx-api-key: {key}\r\n\r\n"))
            .status
    };
    let first: Vec<u16> = (0..9).map(|_| get("first-key")).collect();
    assert!(first[0] == 200 && first.contains(&429), "{first:?}");
    assert_eq!(get("second-key"), 200);
    let wrong: Vec<u16> = (0..9).map(|_| get("guess")).collect();
    assert!(wrong[0] == 401 && wrong.contains(&429), "guessing is held to a rate as well: {wrong:?}");
}

#[test]
fn beyond_the_requests_in_work_the_rest_is_turned_away() {
    let process = Process::start(&["--max-in-flight", "1", "--queue-milliseconds", "20"]);
    let mut working = process.begin(&reply_request(REPLY, 0));
    is_turned_away(&classify(&process), 503);
    assert_eq!((process.get("/livez").status, process.get("/readyz").status), (200, 200));
    working.write_all(REPLY.as_bytes()).unwrap();
    assert_eq!(Answer::on(working).status, 200, "what was taken on is finished");
    assert_eq!(classify(&process).status, 200);
}

#[test]
fn a_stream_is_one_request_in_work_until_its_end() {
    let process = Process::start(&["--max-in-flight", "1", "--queue-milliseconds", "20"]);
    let mut stream = Stream::begin(&process);
    stream.ask(0);
    is_turned_away(&classify(&process), 503);
    stream.ask(1);
    drop(stream);
    eventually("place of the stream", || (classify(&process).status == 200).then_some(()));
}

#[test]
fn beyond_the_open_connections_each_gets_one_answer() {
    let process = Process::start(&["--max-connections", "2"]);
    let idle = [process.connect(), process.connect()];
    // A place of its own for the first answers; the idle ones have taken theirs before.
    let answer = classify(&process);
    is_turned_away(&answer, 503);
    assert_eq!(process.get("/livez").status, 200);
    drop(idle);
    eventually("free place", || (classify(&process).status == 200).then_some(()));
}

/// A server with room for a mebibyte of long bodies.
fn with_a_mebibyte() -> Process {
    let mebibyte = "1048576";
    Process::start(&["--max-mail-bytes", mebibyte, "--max-body-memory-bytes", mebibyte])
}

/// The head of a request with a mail of this length.
fn mail(length: usize) -> String {
    format!(
        "POST /v1/classify/message HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: message/rfc822\r\n\
         content-length: {length}\r\n\r\n"
    )
}

#[test]
fn bodies_have_a_bound_together() {
    let process = with_a_mebibyte();
    let (large, small) = (900 << 10, 600 << 10);
    let mut working = process.begin(&mail(large));
    let another = || process.ask(&(mail(small) + &"x".repeat(small)));
    is_turned_away(&another(), 503);
    assert_eq!(classify(&process).status, 200, "a reply always finds room");
    working.write_all("x".repeat(large).as_bytes()).unwrap();
    let answer = Answer::on(working);
    assert_eq!(answer.status, 200, "what found room is finished, and a long mail is read as any other");
    assert!(answer.body.contains("\"kind\":\"other\""), "{answer:?}");
    assert_eq!(another().status, 200);
}

#[test]
fn what_streams_hold_is_within_the_same_bound() {
    let process = with_a_mebibyte();
    let (large, small) = (900 << 10, 600 << 10);
    let working = process.begin(&mail(large));
    eventually("mail that holds all room", || {
        (process.ask(&(mail(small) + &"x".repeat(small))).status == 503).then_some(())
    });
    let mut stream = Stream::begin(&process);
    stream.ask(0);
    stream.send(&"x".repeat(small));
    let rest = stream.finish();
    assert!(rest.contains("\"index\":1,\"problem\"") && rest.contains("\"status\":503"), "{rest}");
    drop(working);

    // Until the mail's room is free again, the stream is refused too; both cannot have room.
    let end = eventually("a stream that holds all room", || {
        let mut stream = Stream::begin(&process);
        stream.send(&"x".repeat(large));
        let has_all = process.ask(&(mail(small) + &"x".repeat(small))).status == 503;
        stream.send("\n");
        let end = stream.finish();
        (has_all && !end.contains("\"status\":503")).then_some(end)
    });
    assert!(end.contains("\"index\":0,\"problem\"") && end.contains("\"status\":400"), "{end}");
    eventually("room for the mail", || (process.ask(&(mail(small) + &"x".repeat(small))).status == 200).then_some(()));
}

#[test]
fn a_header_that_does_not_come_is_not_waited_for() {
    let process = Process::start(&["--header-seconds", "1"]);
    let mut slow = process.connect();
    slow.write_all(b"GET /livez HTTP/1.1\r\nhost: te").unwrap();
    let silent = process.connect();
    for mut stream in [slow, silent] {
        assert_eq!(stream.read(&mut [0; 64]).unwrap(), 0, "it is closed");
    }
}

#[test]
fn a_connection_that_is_not_used_again_is_closed() {
    let process = Process::start(&["--idle-seconds", "1"]);
    let answer = Answer::to(process.connect(), "GET /livez HTTP/1.1\r\nhost: test\r\n\r\n");
    assert_eq!((answer.status, answer.header("connection")), (200, None), "kept alive, then closed: {answer:?}");
}

#[test]
fn a_body_that_stands_still_is_not_waited_for() {
    let process = Process::start(&["--body-seconds", "1"]);
    let answer = process.ask(&reply_request(REPLY, 5));
    assert_eq!(answer.status, 408);
    assert!(answer.body.contains("the body stood still for too long"), "{answer:?}");
}

#[test]
fn a_batch_is_as_large_as_its_settings_say() {
    let process = Process::start(&["--max-batch-items", "1"]);
    let batch = |items: &str| {
        let body = format!("{{\"items\":[{items}]}}");
        process.ask(&format!(
            "POST /v1/classify/batch HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        ))
    };
    let item = "{\"reply\":\"550 5.1.1 User unknown\"}";
    assert_eq!(batch(item).status, 200);
    assert_eq!(batch(&format!("{item},{item}")).status, 413);
}
