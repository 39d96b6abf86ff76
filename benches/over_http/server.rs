//! Servers as processes of their own, so that the processor time and the memory of each can be told from the client's.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// In the environment of a process of this benchmark that shall be the floor.
pub(crate) const FLOOR: &str = "RETOURE_BENCH_FLOOR";

/// A server that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
}

impl Server {
    /// retoure itself, as it is released; `access_log` is `on`, as it comes, or `off`.
    pub(crate) fn retoure(access_log: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_retoure"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--access-log", access_log]);
        Self::start(command.env("RETOURE_LOG", "info"))
    }

    /// This program once more, as the bare handler.
    pub(crate) fn floor() -> Self {
        Self::start(Command::new(std::env::current_exe().unwrap()).env(FLOOR, "1"))
    }

    /// Starts a server that names its address in the first line of standard error: plainly, or as a log record's `address`.
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut address = None;
        while address.is_none() {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "the server ended before it listened");
            let record = serde_json::from_str::<serde_json::Value>(&line).unwrap_or_default();
            let told = record["address"].as_str().map(str::to_owned);
            address = told.or_else(|| line.trim().parse::<std::net::SocketAddr>().ok().map(|one| one.to_string()));
        }
        // Whoever logs must not wait for us.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { child, address: address.unwrap_or_default() }
    }

    /// The processor time that the process has used, where the system tells it; it counts in hundredths of a second.
    pub(crate) fn processor_time(&self) -> Option<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
        Some(Duration::from_millis(ticks * 10))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
