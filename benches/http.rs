//! The service over loopback, beside a bare axum handler that answers as many bytes: `cargo bench --bench http`; `-- reply`, `-- message`
//! or `-- batch` runs a part.
//!
//! Not by criterion: it measures one thing after the other, and over HTTP only what is measured side by side can be compared. Each
//! server is asked in turn, for a second, five times, and of five ratios the middle one counts. The client takes part of the machine,
//! the same part for all; what a server itself needs, its processor time, is told beside what the client sees.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what fails here, fails the measurement"
)]

#[path = "inputs/chance.rs"]
mod chance;
#[path = "over_http/client.rs"]
mod client;
#[path = "over_http/floor.rs"]
mod floor;
#[path = "inputs/lines.rs"]
mod lines;
#[path = "inputs/mails.rs"]
mod mails;
#[path = "over_http/server.rs"]
mod server;

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use server::Server;

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(1);
const CONNECTIONS: usize = 16;

/// Lines of one NDJSON stream, and in how large pieces they are sent.
const LINES: usize = 200_000;
const PIECE_BYTES: usize = 64 << 10;

/// What one server did in one round.
#[derive(Clone, Copy, Debug)]
struct Figure {
    a_second: f64,
    p50: f64,
    p99: f64,
    /// Processor time of the server for one item, in microseconds.
    worked: f64,
}

fn main() {
    if std::env::var_os(server::FLOOR).is_some() {
        floor::serve("127.0.0.1:0", |address| eprintln!("{address}")).unwrap();
        return;
    }
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_wanted = |part: &str| wanted.is_empty() || wanted.iter().any(|wanted| part.contains(wanted.as_str()));
    let servers = [
        ("retoure", Server::retoure("on")),
        ("retoure, no access log", Server::retoure("off")),
        ("bare handler", Server::floor()),
    ];
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("Over HTTP on loopback (load average {})", load.split(' ').next().unwrap_or("?"));
    let replies: Vec<Vec<u8>> = lines::never_repeating(20_000).into_iter().map(String::into_bytes).collect();
    if is_wanted("reply") {
        single(&servers, "reply, core", "/v1/classify/reply?fields=core", "text/plain", &replies);
        single(&servers, "reply, all", "/v1/classify/reply", "text/plain", &replies);
    }
    if is_wanted("message") {
        single(&servers, "message, core", "/v1/classify/message?fields=core", "message/rfc822", &mails::all());
    }
    if is_wanted("batch") {
        batch(&servers);
    }
}

/// One question a request. The bare handler answers as many bytes as retoure does in the mean of a hundred.
fn single(servers: &[(&str, Server)], title: &str, path: &str, media_type: &str, bodies: &[Vec<u8>]) {
    let requests: Vec<_> = bodies.iter().map(|body| client::request(path, media_type, body)).collect();
    let step = requests.len().div_ceil(100);
    let sample: Vec<usize> =
        requests.iter().step_by(step).map(|one| client::ask_once(&servers[0].1.address, one).len()).collect();
    let answer_bytes = sample.iter().sum::<usize>() / sample.len();
    let bare = format!("/answer/{answer_bytes}");
    let bare: Vec<_> = bodies.iter().map(|body| client::request(&bare, media_type, body)).collect();
    let (requests, bare) = (Rc::new(requests), Rc::new(bare));

    println!("\n{title}: {CONNECTIONS} connections, answers of {answer_bytes} bytes");
    rounds(servers, |name, server| {
        let asked = if name == "bare handler" { &bare } else { &requests };
        let worked = server.processor_time();
        let mut round = client::ask_for(ROUND, &server.address, CONNECTIONS, asked);
        let worked = worked.and_then(|before| Some(server.processor_time()? - before));
        round.times.sort_unstable();
        let answered = round.times.len();
        assert!(answered > 0, "{name} gave {answered} answers, and refused {}", round.refused);
        if round.refused > 0 {
            println!("  {name} was too busy for {} of {} requests", round.refused, answered + round.refused);
        }
        let percentile = |share: f64| round.times[((answered - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        Figure {
            a_second: answered as f64 / ROUND.as_secs_f64(),
            p50: percentile(0.5),
            p99: percentile(0.99),
            worked: worked.map_or(f64::NAN, |worked| worked.as_secs_f64() * 1e6 / answered as f64),
        }
    });
}

/// One stream of replies, a line each.
fn batch(servers: &[(&str, Server)]) {
    let path = "/v1/classify/batch?fields=core";
    let pieces = pieces();
    let sent: usize = pieces.iter().map(|piece| piece.len()).sum();
    let (received, lines) = client::stream(&servers[0].1.address, path, pieces.clone());
    assert_eq!(lines, LINES, "of {LINES} lines so many were answered");
    let bare = format!("/stream/{}", received * 100 / sent);

    println!(
        "\nbatch, NDJSON, core: one stream of {LINES} lines, {} bytes in and {} out a line",
        sent / LINES,
        received / LINES
    );
    rounds(servers, |name, server| {
        let asked = if name == "bare handler" { &bare } else { path };
        let (began, worked) = (Instant::now(), server.processor_time());
        client::stream(&server.address, asked, pieces.clone());
        let took = began.elapsed().as_secs_f64();
        let worked = worked.and_then(|before| Some(server.processor_time()? - before));
        Figure {
            a_second: LINES as f64 / took,
            p50: f64::NAN,
            p99: f64::NAN,
            worked: worked.map_or(f64::NAN, |worked| worked.as_secs_f64() * 1e6 / LINES as f64),
        }
    });
}

/// The lines of a stream, cut into pieces anywhere, as networks do.
fn pieces() -> Vec<Rc<Vec<u8>>> {
    let lines = lines::never_repeating(LINES);
    let text: String = lines.iter().map(|line| serde_json::json!({ "reply": line }).to_string() + "\n").collect();
    text.as_bytes().chunks(PIECE_BYTES).map(|piece| Rc::new(piece.to_vec())).collect()
}

/// Asks each server in turn, round by round, and prints the medians, and the medians of the ratios to the last server, the floor.
fn rounds(servers: &[(&str, Server)], mut round: impl FnMut(&str, &Server) -> Figure) {
    let figures: Vec<Vec<Figure>> =
        (0..ROUNDS).map(|_| servers.iter().map(|(name, server)| round(name, server)).collect()).collect();
    let floor = servers.len() - 1;
    for (at, (name, _)) in servers.iter().enumerate() {
        let of = |get: fn(&Figure) -> f64| median(figures.iter().map(|round| get(&round[at])));
        let ratio = |get: fn(&Figure) -> f64| median(figures.iter().map(|round| get(&round[at]) / get(&round[floor])));
        let latency = if of(|one| one.p99).is_nan() {
            String::new()
        } else {
            format!(
                ", p50 {:.2} ms, p99 {:.2} ms (x {:.2})",
                of(|one| one.p50),
                of(|one| one.p99),
                ratio(|one| one.p99)
            )
        };
        println!(
            "  {name:<22} {:>8.0}/s (x {:.2}), {:>5.1} µs of processor time each (x {:.2}){latency}",
            of(|one| one.a_second),
            ratio(|one| one.a_second),
            of(|one| one.worked),
            ratio(|one| one.worked),
        );
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
