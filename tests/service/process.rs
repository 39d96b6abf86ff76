//! The binary as an operator runs it: a process of its own, with signals and an exit status.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Long enough for any machine; what takes that long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A process that serves until it is told to leave, or dropped.
pub(crate) struct Process {
    child: Child,
    log: Arc<Mutex<Vec<Value>>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

/// The binary with no variables but these.
pub(crate) fn retoure(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_retoure"));
    command.args(arguments).env_clear().envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a process that ends by itself says.
pub(crate) fn output(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    retoure(arguments, variables).output().unwrap()
}

impl Process {
    /// Serves on a free port, with these arguments more. Where they do not say otherwise, it waits for ever: the machine may be
    /// slow.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut all = vec!["serve", "--listen", "127.0.0.1:0"];
        all.extend(arguments);
        let patient =
            [("RETOURE_BODY_SECONDS", "600"), ("RETOURE_REQUEST_SECONDS", "600"), ("RETOURE_HEADER_SECONDS", "600")];
        Self::wait_for(retoure(&all, &patient))
    }

    /// Waits until it listens.
    pub(crate) fn wait_for(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(Vec::new()));
        while !log.lock().unwrap().iter().any(|line: &Value| line["address"].is_string()) {
            let line = lines.next().expect("it ended before it listened").unwrap();
            log.lock().unwrap().push(serde_json::from_str(&line).expect(&line));
        }
        let more = Arc::clone(&log);
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                more.lock().unwrap().push(serde_json::from_str(&line).expect(&line));
            }
        });
        Self { child, log, reader: Some(reader) }
    }

    /// Where it listens: `address`, or `admin_address`.
    pub(crate) fn listens(&self, which: &str) -> String {
        let log = self.log.lock().unwrap();
        log.iter().find_map(|line| line[which].as_str()).unwrap().to_owned()
    }

    /// A connection to it.
    pub(crate) fn connect(&self) -> TcpStream {
        connect(&self.listens("address"))
    }

    /// A connection on which this request has begun and its body is waited for.
    pub(crate) fn begin(&self, request: &str) -> TcpStream {
        const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";
        let mut stream = self.connect();
        let request = request.replacen("\r\n\r\n", "\r\nexpect: 100-continue\r\n\r\n", 1);
        stream.write_all(request.as_bytes()).unwrap();
        let mut told = [0; CONTINUE.len()];
        stream.read_exact(&mut told).unwrap();
        assert_eq!(told, CONTINUE.as_bytes());
        stream
    }

    /// Status, headers and body of an answer, on a connection of its own.
    pub(crate) fn ask(&self, request: &str) -> Answer {
        Answer::to(self.connect(), request)
    }

    /// Status, headers and body of the answer to a GET.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n"))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Its exit status, once it has ended by itself, and what it logged, a JSON object a line.
    pub(crate) fn left(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().unwrap();
        self.reader.take().unwrap().join().unwrap();
        let lines: Vec<String> = self.log.lock().unwrap().iter().map(Value::to_string).collect();
        (status.code(), lines.join("\n"))
    }

    /// Waits until a line of the log holds these words, and gives it.
    pub(crate) fn logs(&self, words: &str) -> Value {
        eventually(words, || self.log.lock().unwrap().iter().find(|line| line.to_string().contains(words)).cloned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tries until it gives something.
pub(crate) fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let until = std::time::Instant::now() + PATIENCE;
    while std::time::Instant::now() < until {
        if let Some(found) = attempt() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("in a minute there was no {what}");
}

pub(crate) fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

pub(crate) fn connect_unix(path: &Path) -> UnixStream {
    let stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// What came back on a connection until it was closed.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn to(mut stream: impl Read + Write, request: &str) -> Self {
        stream.write_all(request.as_bytes()).unwrap();
        Self::on(stream)
    }

    pub(crate) fn on(mut stream: impl Read) -> Self {
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").expect(&text);
        let status = head.strip_prefix("HTTP/1.1 ").expect(head)[..3].parse().unwrap();
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// A reply to classify, of which `sent` bytes of the body go out with the head.
pub(crate) fn reply_request(body: &str, sent: usize) -> String {
    format!(
        "POST /v1/classify/reply?fields=core HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: text/plain\r\n\
         content-length: {}\r\n\r\n{}",
        body.len(),
        &body[..sent]
    )
}

/// A stream of items that has begun; what is sent goes out at once.
pub(crate) struct Stream(BufReader<TcpStream>);

impl Stream {
    pub(crate) fn begin(process: &Process) -> Self {
        let head = "POST /v1/classify/batch?fields=core HTTP/1.1\r\nhost: test\r\ncontent-type: application/x-ndjson\r\n\
            transfer-encoding: chunked\r\n\r\n";
        let mut stream = process.connect();
        stream.write_all(head.as_bytes()).unwrap();
        Self(BufReader::new(stream))
    }

    /// Sends some of a line, or several.
    pub(crate) fn send(&mut self, text: &str) {
        write!(self.0.get_mut(), "{:x}\r\n{text}\r\n", text.len()).unwrap();
    }

    /// Sends an item and reads on to its result.
    pub(crate) fn ask(&mut self, index: u64) {
        self.send("{\"reply\":\"550 5.1.1 User unknown\"}\n");
        let wanted = format!("\"index\":{index},\"verdict\"");
        let mut line = String::new();
        while !line.contains(&wanted) {
            line.clear();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the answer ended before {wanted}");
        }
    }

    /// Ends it, and says what comes after the last result.
    pub(crate) fn end(mut self) -> String {
        self.0.get_mut().write_all(b"0\r\n\r\n").unwrap();
        self.rest()
    }

    /// Ends it, and says what comes up to the end of the answer.
    pub(crate) fn finish(mut self) -> String {
        self.0.get_mut().write_all(b"0\r\n\r\n").unwrap();
        let mut rest = String::new();
        while !rest.ends_with("\r\n0\r\n\r\n") {
            assert!(self.0.read_line(&mut rest).unwrap() > 0, "the answer has no end: {rest}");
        }
        rest
    }

    /// What comes until the connection is closed.
    pub(crate) fn rest(mut self) -> String {
        let mut rest = String::new();
        // A connection that was reset says the same as one that just ends.
        let _ = self.0.read_to_string(&mut rest);
        rest
    }
}

/// A folder for one test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("retoure-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// As an argument.
    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
