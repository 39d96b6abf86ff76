//! The binary as a running process: its log, SIGHUP, and the overlay it takes.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, ChildStderr, Command, Stdio},
    time::Duration,
};

use reqwest::Client;
use serde_json::Value;

/// A process that listens on a port of its own.
struct Running {
    child: Child,
    log: BufReader<ChildStderr>,
    url: String,
    /// The lines that were read from its log.
    lines: Vec<Value>,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_retoure"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .env_remove("RETOURE_LOG")
            .env("RETOURE_DRAIN_SECONDS", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut running = Self { child, log, url: String::new(), lines: Vec::new() };
        let listening = running.read_until(|line| line.get("address").is_some());
        running.url = format!("http://{}", listening["address"].as_str().unwrap());
        running
    }

    /// Reads the log up to a line; fails where the log ends before.
    fn read_until(&mut self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let mut line = String::new();
            assert!(self.log.read_line(&mut line).unwrap() > 0, "the log ended: {:?}", self.lines);
            let read = serde_json::from_str(&line);
            assert!(read.is_ok(), "no JSON: {line}");
            let line: Value = read.unwrap();
            self.lines.push(line.clone());
            if is_wanted(&line) {
                return line;
            }
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        Client::new().get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    async fn category_of(&self, reply: &'static str) -> String {
        let request = Client::new().post(format!("{}/v1/classify/reply", self.url));
        let answer = request.header("content-type", "text/plain").body(reply).send().await.unwrap();
        answer.json::<Value>().await.unwrap()["category"].as_str().unwrap().to_owned()
    }

    /// Ends the process as systemd does, and gives the rest of its log.
    fn end(mut self) -> String {
        self.signal("TERM");
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        assert!(self.child.wait().unwrap().success());
        rest
    }
}

/// No process outlives a test that fails.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("retoure-process-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const GOOD: &str = "[[phrase]]\nid = \"policy/test-partner\"\ncategory = \"policy\"\nany = [\"quuxified by partner\"]\n\
    weight = 0.95\nsource = \"observed\"\nexamples = [\"550 5.7.1 Quuxified by partner gateway\"]\n";

#[tokio::test]
async fn every_request_has_a_line_that_tells_nothing_of_its_words() {
    let mut running = Running::start(&[]);
    let request = Client::new().post(format!("{}/v1/classify/reply?fields=core", running.url));
    request
        .header("content-type", "text/plain")
        .header("x-request-id", "mailing-7")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        .body("550 5.1.1 <anna@example.org>: User unknown")
        .send()
        .await
        .unwrap();
    running.get("/v1/codes/anna@example.org").await;
    let classified = running.read_until(|line| line["route"] == "/v1/classify/reply");
    assert_eq!((classified["request_id"].as_str(), classified["status"].as_u64()), (Some("mailing-7"), Some(200)));
    assert_eq!(classified["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!((classified["method"].as_str(), classified["target"].as_str()), (Some("POST"), Some("retoure::access")));
    assert!(classified["duration_ms"].as_f64().is_some_and(|took| took > 0.0), "{classified}");
    let looked_up = running.read_until(|line| line["route"] == "/v1/codes/{code}");
    assert!(looked_up["request_id"].as_str().is_some_and(|id| id.len() >= 18), "{looked_up}");
    assert!(looked_up.get("trace_id").is_none());
    assert!(!format!("{:?}", running.lines).contains("anna"));
    // The last line is written though the process ends at once.
    running.get("/livez").await;
    let rest = running.end();
    assert!(rest.contains("\"route\":\"/livez\""), "{rest}");
}

#[tokio::test]
async fn lines_for_requests_can_be_left_out() {
    for (which, expected) in [("off", 0), ("errors", 1)] {
        let running = Running::start(&["--access-log", which]);
        running.get("/livez").await;
        running.get("/v1/codes/299").await;
        let rest = running.end();
        assert_eq!(rest.matches("request answered").count(), expected, "{which}: {rest}");
    }
    let running = Running::start(&["--log", "info,retoure::access=off"]);
    running.get("/livez").await;
    assert!(!running.end().contains("request answered"));
}

#[tokio::test]
async fn sighup_brings_a_new_overlay_and_a_broken_one_changes_nothing() {
    let folder = Folder::new("sighup");
    let mut running = Running::start(&["--catalog", folder.0.to_str().unwrap()]);
    let reply = "550 quuxified by partner";
    assert_ne!(running.category_of(reply).await, "policy");
    let before = running.get("/livez").await.headers()["catalog-version"].clone();

    fs::write(folder.0.join("partner.toml"), GOOD).unwrap();
    running.signal("HUP");
    running.read_until(|line| line["message"] == "a new catalogue is in force");
    assert!(running.lines.iter().any(|line| line["message"] == "SIGHUP: reading the overlay"));
    assert_eq!(running.category_of(reply).await, "policy");
    assert_ne!(running.get("/livez").await.headers()["catalog-version"], before);

    fs::write(folder.0.join("broken.toml"), "# a comment\n[[phrase]]\nid = \"policy/broken\"\nwrong = 1\n").unwrap();
    running.signal("HUP");
    let fault = running.read_until(|line| line.get("file").is_some());
    assert_eq!(fault["file"], "broken.toml");
    assert!(fault["line"].as_u64().is_some_and(|line| line >= 2) && fault["what"].is_string(), "{fault}");
    running.read_until(|line| line["faults"].as_u64().is_some());
    assert_eq!(running.category_of(reply).await, "policy");
    let text = running.get("/metrics").await.text().await.unwrap();
    assert!(text.contains("retoure_catalog_reloads_total{result=\"refused\"} 1\n"), "{text}");
    assert!(text.contains("retoure_catalog_last_reload_successful 0\n"), "{text}");
    running.end();
}

#[tokio::test]
async fn a_changed_overlay_is_taken_without_being_told() {
    let folder = Folder::new("changed");
    let running = Running::start(&["--catalog", folder.0.to_str().unwrap()]);
    fs::write(folder.0.join("partner.toml"), GOOD).unwrap();
    // It waits as long as it takes; a hang is what would fail here.
    while running.category_of("550 quuxified by partner").await != "policy" {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    running.end();
}

#[tokio::test]
async fn sighup_without_an_overlay_does_no_harm() {
    let mut running = Running::start(&[]);
    running.signal("HUP");
    running.read_until(|line| line["message"].as_str().is_some_and(|message| message.starts_with("SIGHUP")));
    assert_eq!(running.get("/livez").await.status(), 200);
    running.end();
}
