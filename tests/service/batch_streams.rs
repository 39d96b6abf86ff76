//! That streams stream: answered as they come, held back by who does not read, freed by who hangs up, ended when they stand
//! still. Spoken byte by byte on a connection of its own, since a client library might wait where a wire would not.

use std::{sync::Arc, time::Duration};

use retoure::{http::AppState, limits::Limits};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::server::server_with;

/// Longer than anything here takes, on any machine.
const LONG: Duration = Duration::from_secs(60);

const LINE: &str = "{\"reply\":\"550 5.1.1 User unknown\"}\n";

async fn open(url: &str, query: &str, headers: &str) -> TcpStream {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/classify/batch{query} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/x-ndjson\r\n\
        transfer-encoding: chunked\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

async fn send(stream: &mut (impl AsyncWriteExt + Unpin), text: &str) {
    stream.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).await.unwrap();
}

/// Reads on to the line that holds `words`.
async fn read_to(stream: &mut (impl AsyncBufReadExt + Unpin), words: &str) -> String {
    let mut line = String::new();
    while !line.contains(words) {
        line.clear();
        let read = timeout(LONG, stream.read_line(&mut line)).await.unwrap().unwrap();
        assert!(read > 0, "the answer ended before {words:?}");
    }
    line
}

/// Waits until nothing works on a batch any more: each holds the catalogue to its end.
async fn is_freed(state: &AppState, held_before: usize) {
    timeout(LONG, async {
        while Arc::strong_count(&state.catalog()) > held_before {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_line_is_answered_before_the_next_is_sent() {
    let (url, _) = server_with(Limits::default());
    let mut stream = BufReader::new(open(&url, "?fields=core", "").await);
    for index in 0..3 {
        send(&mut stream, LINE).await;
        let line = read_to(&mut stream, "\"index\"").await;
        assert!(line.starts_with(&format!("{{\"id\":null,\"index\":{index},\"verdict\":")), "{line}");
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    read_to(&mut stream, "0\r\n").await;
}

#[tokio::test]
async fn a_packed_line_is_answered_before_the_next_is_sent() {
    let (url, _) = server_with(Limits::default());
    for coding in ["gzip", "zstd"] {
        let mut stream = BufReader::new(open(&url, "?fields=core", &format!("accept-encoding: {coding}\r\n")).await);
        send(&mut stream, LINE).await;
        read_to(&mut stream, &format!("content-encoding: {coding}")).await;
        read_to(&mut stream, "\r\n").await;
        while read_to(&mut stream, "\r\n").await != "\r\n" {}
        let size = read_to(&mut stream, "\r\n").await;
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        let mut packed = vec![0; size];
        timeout(LONG, stream.read_exact(&mut packed)).await.unwrap().unwrap();
        // The coder's head alone has some ten bytes; this holds the result.
        assert!(size > 100, "{coding}: {size} bytes");
    }
}

#[tokio::test]
async fn who_does_not_read_is_not_read_from_and_who_hangs_up_is_freed() {
    const ALL: usize = 256 << 20;
    let (url, state) = server_with(Limits::default());
    let held_before = Arc::strong_count(&state.catalog());
    let mut stream = open(&url, "", "").await;
    let lines = LINE.repeat(2000);
    let mut sent = 0;
    // Stalled: for two seconds the connection took nothing.
    while sent < ALL && timeout(Duration::from_secs(2), send(&mut stream, &lines)).await.is_ok() {
        sent += lines.len();
    }
    assert!(sent < ALL, "the service took {sent} bytes though nobody read its answer");
    drop(stream);
    is_freed(&state, held_before).await;
}

#[tokio::test]
async fn what_stands_still_is_ended_with_a_problem() {
    let (url, state) = server_with(Limits { stream_idle_time: Duration::from_millis(300), ..Limits::default() });
    let held_before = Arc::strong_count(&state.catalog());
    let mut stream = BufReader::new(open(&url, "", "").await);
    send(&mut stream, LINE).await;
    read_to(&mut stream, "\"index\":0").await;
    let line = read_to(&mut stream, "\"index\":1").await;
    let result: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(result["problem"]["status"], 408);
    is_freed(&state, held_before).await;
}

#[tokio::test]
async fn what_is_not_taken_is_broken_off_and_does_not_look_whole() {
    let (url, state) = server_with(Limits { stream_idle_time: Duration::from_millis(300), ..Limits::default() });
    let held_before = Arc::strong_count(&state.catalog());
    let mut stream = open(&url, "", "").await;
    let lines = LINE.repeat(2000);
    // The service may close while this still writes.
    while timeout(Duration::from_secs(2), stream.write_all(format!("{:x}\r\n{lines}\r\n", lines.len()).as_bytes()))
        .await
        .is_ok_and(|sent| sent.is_ok())
    {}
    is_freed(&state, held_before).await;
    let mut answer = Vec::new();
    // A connection that was reset says the same as one that just ends.
    let _ = timeout(LONG, stream.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));
    assert!(!answer.ends_with(b"0\r\n\r\n"));
}

#[tokio::test]
async fn a_stream_outlives_the_time_of_a_request() {
    let (url, _) = server_with(Limits { request_time: Duration::from_millis(200), ..Limits::default() });
    let mut stream = BufReader::new(open(&url, "", "").await);
    send(&mut stream, LINE).await;
    read_to(&mut stream, "\"index\":0").await;
    sleep(Duration::from_millis(600)).await;
    send(&mut stream, LINE).await;
    read_to(&mut stream, "\"index\":1").await;
}

#[tokio::test]
async fn a_body_that_breaks_off_is_told_or_freed() {
    let (url, state) = server_with(Limits::default());
    let held_before = Arc::strong_count(&state.catalog());
    let mut stream = BufReader::new(open(&url, "", "").await);
    send(&mut stream, LINE).await;
    read_to(&mut stream, "\"index\":0").await;
    stream.write_all(b"this is no chunk\r\n").await.unwrap();
    let line = read_to(&mut stream, "\"index\":1").await;
    assert!(line.contains("the body broke off"), "{line}");
    is_freed(&state, held_before).await;
}
