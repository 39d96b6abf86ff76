//! Asks four times as much as the service can answer, and tells how it fares: `cargo bench --bench overload`.
//!
//! The service runs on one processor with one thread; the callers, in this process, take what is left. First sixteen connections ask
//! as fast as they are answered: that is what it can bear. Then half of that is asked, and then four times that, at a fixed rate
//! whatever the answers are (an open loop). It fails when a request is lost: each must be answered, with 200 or with 503 and
//! `Retry-After`, and `/readyz` throughout. Figures are for a machine that does nothing else.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "what fails here, fails the measurement")]

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    rc::Rc,
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
        let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
        let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
        let length: usize = field("content-length: ").and_then(|length| length.parse().ok()).unwrap_or_default();
        if buffer.len() >= end + 4 + length {
            let status = head[9..12].parse().unwrap_or_default();
            let is_told_when = status != 503 || field("retry-after: ").is_some();
            return Ok((if is_told_when { status } else { 0 }, field("connection: close").is_none()));
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

/// Prints one row for each status, and gives how many requests were lost.
fn tell(what: &str, load: &str, answers: &Answers) -> usize {
    let mut answers = answers.borrow_mut();
    let total: usize = answers.values().map(Vec::len).sum();
    for (status, times) in answers.iter_mut() {
        times.sort();
        let percentile = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
        println!(
            "{what:<18} {load:<12} {:>7.0}/s  {status:>3} {:>5.1} %  p50 {:>8.2} ms  p99 {:>8.2} ms",
            total as f64 / SECONDS,
            100.0 * times.len() as f64 / total as f64,
            percentile(0.5),
            percentile(0.99)
        );
    }
    answers.iter().filter(|(status, _)| !matches!(status, 200 | 503)).map(|(_, times)| times.len()).sum()
}

fn server() -> (Child, String) {
    let pinned = Command::new("taskset").arg("--version").stdout(Stdio::null()).status().is_ok();
    let mut command = if pinned { Command::new("taskset") } else { Command::new(env!("CARGO_BIN_EXE_retoure")) };
    if pinned {
        command.args(["-c", "0", env!("CARGO_BIN_EXE_retoure")]);
        let ours = std::process::id().to_string();
        Command::new("taskset").args(["-cp", "1", &ours]).stdout(Stdio::null()).status().unwrap();
    }
    command.args(["serve", "--listen", "127.0.0.1:0", "--threads", "1", "--drain-seconds", "0"]);
    let mut child = command.env("RETOURE_LOG", "retoure::serve=info").stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    (child, line["address"].as_str().unwrap().to_owned())
}

fn main() {
    let (mut child, address) = server();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut lost = 0;
    for (what, request) in questions() {
        let request: &'static [u8] = request.leak();
        LocalSet::new().block_on(&runtime, async {
            let answers = as_fast_as_it_can(&address, request).await;
            lost += tell(what, "what it bears", &answers);
            let rate = answers.borrow().get(&200).map_or(0, Vec::len) as f64 / SECONDS;
            for times in [0.5, 4.0] {
                let ready = stays_ready(&address);
                let (answers, behind) = at_a_rate(&address, request, rate * times).await;
                lost += tell(what, &format!("{times} x that"), &answers);
                let (failures, slowest) = ready.join().unwrap();
                lost += failures;
                println!("{:18} callers were behind by {behind:?} at most; /readyz took {slowest:?} at most, {failures} failures", "");
            }
        });
    }
    child.kill().unwrap();
    child.wait().unwrap();
    println!("lost: {lost}");
    std::process::exit(i32::from(lost > 0));
}
