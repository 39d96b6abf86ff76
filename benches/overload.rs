//! Asks four times as much as the service can answer, and tells how it fares: `cargo bench --bench overload`.
//!
//! The service runs on one processor with one thread; the callers, in this process, take what is left. First sixteen connections ask
//! as fast as they are answered: that is what it can bear. Then half of that is asked, and then four times that, at a fixed rate
//! whatever the answers are (an open loop). It fails when a request is lost: each must be answered, with 200 or with 503 and
//! `Retry-After`, and `/readyz` throughout.
//!
//! Times are told twice: as the callers see them, and as the service does, from a request's head to its answer's (`duration_ms` of its
//! log). Callers that share a machine with what they ask wait for the processor as well, and count that as the service's time.
//! Figures are for a machine that does nothing else.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "what fails here, fails the measurement")]

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Child, ChildStderr, Command, Stdio},
    rc::Rc,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    task::{LocalSet, spawn_local},
    time::sleep,
};

const SECONDS: f64 = 5.0;

/// What is asked: a long reply, which keeps a thread busy for a while, and a report, which goes to other threads. Four times as many
/// short replies as one thread can answer are more than these callers can ask.
fn questions() -> Vec<(&'static str, Vec<u8>)> {
    let line = "the mailbox that you tried to reach is not here any more, and nobody knows where it went; ";
    let report = "From: MAILER-DAEMON@mx.example.com\r\nSubject: failure notice\r\n\r\n\
        Hi. This is the qmail-send program at mx.example.com.\r\n\r\n<anna@example.org>:\r\n\
        192.0.2.7 does not like recipient.\r\nRemote host said: 550 5.1.1 User unknown\r\n\r\n";
    let post = |path: &str, media: &str, body: String| {
        let length = body.len();
        format!("POST {path}?fields=core HTTP/1.1\r\nhost: load\r\ncontent-type: {media}\r\ncontent-length: {length}\r\n\r\n{body}")
            .into_bytes()
    };
    vec![
        ("reply of 8 KiB", post("/v1/classify/reply", "text/plain", format!("550 5.1.1 {}", line.repeat(90)))),
        (
            "report of 120 KiB",
            post("/v1/classify/message", "message/rfc822", report.to_owned() + &format!("{line}\r\n").repeat(1300)),
        ),
    ]
}

/// Answers by status, with the time each took; 0 stands for none.
type Answers = Rc<RefCell<BTreeMap<u16, Vec<Duration>>>>;

/// Sends one request and reads its answer: the status, and whether the connection stays.
async fn ask(stream: &mut TcpStream, request: &[u8], buffer: &mut Vec<u8>) -> std::io::Result<(u16, bool)> {
    stream.write_all(request).await?;
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let Some(end) = memchr::memmem::find(buffer, b"\r\n\r\n") else { continue };
        let head = &buffer[..end];
        let field = |name: &str| memchr::memmem::find(head, name.as_bytes()).map(|at| &head[at + name.len()..]);
        let digits = field("\r\ncontent-length: ").unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit());
        let length = digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'));
        if buffer.len() >= end + 4 + length {
            let status = head[9..12].iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
            let is_told_when = status != 503 || field("\r\nretry-after: ").is_some();
            return Ok((if is_told_when { status } else { 0 }, field("\r\nconnection: close").is_none()));
        }
    }
}

/// Sixteen connections, each asking again as soon as it has its answer.
async fn as_fast_as_it_can(address: &str, request: &'static [u8]) -> Answers {
    let answers = Answers::default();
    let until = Instant::now() + Duration::from_secs_f64(SECONDS);
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let (answers, address) = (Rc::clone(&answers), address.to_owned());
            spawn_local(async move {
                let (mut stream, mut buffer) = (TcpStream::connect(&address).await.unwrap(), Vec::new());
                while Instant::now() < until {
                    let asked = Instant::now();
                    let (status, _) = ask(&mut stream, request, &mut buffer).await.unwrap();
                    answers.borrow_mut().entry(status).or_default().push(asked.elapsed());
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    answers
}

/// So many requests a second, whatever the answers; and by how much the callers fell behind.
async fn at_a_rate(address: &str, request: &'static [u8], rate: f64) -> (Answers, Duration) {
    let answers = Answers::default();
    // Last in, first out: where few connections do, the others rest.
    let idle = Rc::new(RefCell::new(Vec::<mpsc::UnboundedSender<()>>::new()));
    let running = Rc::new(Cell::new(0usize));
    for number in 0..(rate * 0.15).clamp(50.0, 3000.0) as usize {
        let (answers, running, idle, address) =
            (Rc::clone(&answers), Rc::clone(&running), Rc::clone(&idle), address.to_owned());
        spawn_local(async move {
            let (go, mut told) = mpsc::unbounded_channel();
            let (mut stream, mut buffer) = (TcpStream::connect(&address).await.unwrap(), Vec::new());
            loop {
                idle.borrow_mut().push(go.clone());
                if told.recv().await.is_none() {
                    return;
                }
                let asked = Instant::now();
                let answer = ask(&mut stream, request, &mut buffer).await;
                let (status, stays) = answer.unwrap_or((0, false));
                answers.borrow_mut().entry(status).or_default().push(asked.elapsed());
                running.set(running.get() - 1);
                if !stays {
                    stream = TcpStream::connect(&address).await.unwrap();
                }
            }
        });
        if number % 50 == 0 {
            sleep(Duration::from_millis(10)).await;
        }
    }
    let (began, mut sent, mut behind) = (Instant::now(), 0.0, Duration::ZERO);
    while began.elapsed().as_secs_f64() < SECONDS {
        while sent < began.elapsed().as_secs_f64() * rate {
            let Some(caller) = idle.borrow_mut().pop() else { break };
            sent += 1.0;
            running.set(running.get() + 1);
            caller.send(()).unwrap();
        }
        behind = behind.max(began.elapsed().saturating_sub(Duration::from_secs_f64(sent / rate)));
        sleep(Duration::from_millis(1)).await;
    }
    while running.get() > 0 {
        sleep(Duration::from_millis(10)).await;
    }
    (answers, behind)
}

/// `/readyz`, asked twenty times a second from a thread of its own; gives how often it failed, and how long the slowest took.
fn stays_ready(address: &str) -> std::thread::JoinHandle<(usize, Duration)> {
    let address = address.to_owned();
    std::thread::spawn(move || {
        let (mut failures, mut slowest) = (0, Duration::ZERO);
        let began = Instant::now();
        while began.elapsed().as_secs_f64() < SECONDS {
            let asked = Instant::now();
            let check = Command::new(env!("CARGO_BIN_EXE_retoure"))
                .args(["healthcheck", &address, "--timeout-seconds", "10"])
                .env_clear()
                .status();
            failures += usize::from(!check.unwrap().success());
            slowest = slowest.max(asked.elapsed());
            std::thread::sleep(Duration::from_millis(50));
        }
        (failures, slowest)
    })
}

/// Prints what came of one load, `borne` being what the service can answer a second, and gives how many requests were lost.
fn tell(load: &str, answers: &Answers, seen: &mut Vec<f64>, borne: f64) -> usize {
    let mut answers = answers.borrow_mut();
    let a_second = |status: u16| answers.get(&status).map_or(0, Vec::len) as f64 / SECONDS;
    let (answered, refused) = (a_second(200), a_second(503));
    let share =
        if borne > 0.0 { format!(" ({:.0} % of what it bears)", 100.0 * answered / borne) } else { String::new() };
    println!("  {load:<14} {:>6.0} asked/s: {answered:.0} answered{share}, {refused:.0} refused", answered + refused);
    let rows: Vec<(&str, Vec<f64>)> = vec![
        ("answered, as callers see it", milliseconds(answers.get_mut(&200))),
        ("answered, as it sees itself", std::mem::take(seen)),
        ("refused, as callers see it", milliseconds(answers.get_mut(&503))),
    ];
    for (what, mut times) in rows {
        times.sort_by(f64::total_cmp);
        let percentile = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        if !times.is_empty() {
            println!("    {what:<28} p50 {:>7.2} ms  p99 {:>7.2} ms", percentile(0.5), percentile(0.99));
        }
    }
    answers.iter().filter(|(status, _)| !matches!(status, 200 | 503)).map(|(_, times)| times.len()).sum()
}

fn milliseconds(times: Option<&mut Vec<Duration>>) -> Vec<f64> {
    times.map(|times| times.iter().map(|time| time.as_secs_f64() * 1e3).collect()).unwrap_or_default()
}

/// How long each answer took that was 200, by the service's own log.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<Vec<f64>>>);

impl Seen {
    /// Reads the log to its end; whoever logs must not wait for us.
    fn read(&self, log: BufReader<ChildStderr>) {
        let seen = self.clone();
        std::thread::spawn(move || {
            for line in log.split(b'\n').map_while(Result::ok) {
                let named = b"\"status\":200,\"duration_ms\":";
                if let Some(at) = memchr::memmem::find(&line, named) {
                    let number = line[at + named.len()..].split(|byte| *byte == b',').next().unwrap_or_default();
                    let number = String::from_utf8_lossy(number).parse().unwrap();
                    if memchr::memmem::find(&line, b"/v1/").is_some() {
                        seen.0.lock().unwrap().push(number);
                    }
                }
            }
        });
    }

    /// What came since the last time; lines are written every 50 ms.
    fn take(&self) -> Vec<f64> {
        std::thread::sleep(Duration::from_millis(200));
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

fn server() -> (Child, String, Seen) {
    let pinned = Command::new("taskset").arg("--version").stdout(Stdio::null()).status().is_ok();
    let mut command = if pinned { Command::new("taskset") } else { Command::new(env!("CARGO_BIN_EXE_retoure")) };
    if pinned {
        command.args(["-c", "0", env!("CARGO_BIN_EXE_retoure")]);
        let ours = std::process::id().to_string();
        Command::new("taskset").args(["-cp", "1", &ours]).stdout(Stdio::null()).status().unwrap();
    }
    command.args([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--threads",
        "1",
        "--drain-seconds",
        "0",
        "--log-format",
        "json",
    ]);
    let mut child = command.env("RETOURE_LOG", "info").stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut address = None;
    while address.is_none() {
        let mut line = String::new();
        assert!(log.read_line(&mut line).unwrap() > 0, "the server ended before it listened");
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        address = line["address"].as_str().map(str::to_owned);
    }
    let seen = Seen::default();
    seen.read(log);
    (child, address.unwrap(), seen)
}

fn main() {
    let (mut child, address, seen) = server();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut lost = 0;
    for (what, request) in questions() {
        let request: &'static [u8] = request.leak();
        println!("{what}");
        LocalSet::new().block_on(&runtime, async {
            let answers = as_fast_as_it_can(&address, request).await;
            let borne = answers.borrow().get(&200).map_or(0, Vec::len) as f64 / SECONDS;
            lost += tell("what it bears", &answers, &mut seen.take(), 0.0);
            for times in [0.5, 4.0] {
                let ready = stays_ready(&address);
                let (answers, behind) = at_a_rate(&address, request, borne * times).await;
                lost += tell(&format!("{times} x that"), &answers, &mut seen.take(), borne);
                let (failures, slowest) = ready.join().unwrap();
                lost += failures;
                println!("    callers were behind by {behind:?} at most; /readyz took {slowest:?} at most, {failures} failures");
            }
        });
    }
    child.kill().unwrap();
    child.wait().unwrap();
    println!("lost: {lost}");
    std::process::exit(i32::from(lost > 0));
}
