//! `retoure healthcheck`: asks a running service whether it takes requests. For containers that hold no `curl`.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use clap::Args;

use crate::settings::ListenAddress;

/// Whom to ask.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Whom to ask: ADDRESS:PORT, `http://ADDRESS:PORT` or unix:PATH [default: the address that is configured for operators, else
    /// the one for callers]
    #[arg(value_name = "TARGET", value_parser = target)]
    target: Option<ListenAddress>,

    /// How long to wait for the answer
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    timeout_seconds: u64,
}

fn target(text: &str) -> Result<ListenAddress, String> {
    let address = text.strip_prefix("http://").unwrap_or(text);
    address.trim_end_matches("/readyz").trim_end_matches('/').parse()
}

impl Arguments {
    pub(super) fn run(self, configured: &ListenAddress) -> anyhow::Result<ExitCode> {
        let target = self.target.as_ref().unwrap_or(configured);
        match ask(target, Duration::from_secs(self.timeout_seconds)) {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(error) => {
                super::complain(&format!("{target} is not ready: {error:#}"));
                Ok(ExitCode::FAILURE)
            }
        }
    }
}

fn ask(target: &ListenAddress, patience: Duration) -> anyhow::Result<()> {
    let until = Instant::now() + patience;
    match target {
        ListenAddress::Tcp(address) => {
            let stream = TcpStream::connect_timeout(&reachable(*address), patience).context("nobody answers")?;
            stream.set_write_timeout(Some(patience))?;
            converse(stream, until, |stream, left| stream.set_read_timeout(Some(left)))
        }
        ListenAddress::Unix(path) => {
            let stream = UnixStream::connect(path).context("nobody answers")?;
            stream.set_write_timeout(Some(patience))?;
            converse(stream, until, |stream, left| stream.set_read_timeout(Some(left)))
        }
    }
}

/// Who listens on every address is asked on this machine's own.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn converse<S: Read + Write>(
    mut stream: S,
    until: Instant,
    wait_at_most: impl Fn(&S, Duration) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    stream
        .write_all(
            b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nUser-Agent: retoure-healthcheck\r\nConnection: close\r\n\r\n",
        )
        .context("the question cannot be sent")?;
    // `HTTP/1.1 200` is all that matters.
    let mut line = [0; 12];
    let mut filled = 0;
    while filled < line.len() {
        let left = until.saturating_duration_since(Instant::now());
        ensure!(!left.is_zero(), "no answer in time");
        wait_at_most(&stream, left)?;
        match stream.read(&mut line[filled..]).context("no answer in time")? {
            0 => bail!("the connection was closed without an answer"),
            more => filled += more,
        }
    }
    match line.strip_prefix(b"HTTP/1.1 ") {
        Some(b"200") => Ok(()),
        Some(status) => bail!("it answered {}; expected 200", String::from_utf8_lossy(status)),
        None => bail!("what answered speaks no HTTP"),
    }
}
