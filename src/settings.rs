//! How the server is set up: flags, or environment variables of the same names.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Args;

use crate::{limits::Limits, telemetry::AccessLogMode};

/// Settings of `retoure serve`.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// Where to listen
    #[arg(long, env = "RETOURE_LISTEN", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// A directory of TOML files that add to the built-in catalogue or override it by id
    #[arg(long, env = "RETOURE_CATALOG", value_name = "DIR")]
    pub catalog: Option<PathBuf>,

    /// The longest reply that is taken, in bytes
    #[arg(long, env = "RETOURE_MAX_REPLY_BYTES", value_name = "BYTES", default_value_t = Limits::default().reply_bytes,
        value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(512..=16_777_216))]
    pub max_reply_bytes: usize,

    /// Time for a whole request, its body included, in seconds
    #[arg(long, env = "RETOURE_REQUEST_SECONDS", value_name = "SECONDS", default_value_t = 30,
        value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub request_seconds: u64,

    /// What to log: off, error, warn, info, debug or trace, or a filter such as retoure=debug
    #[arg(long, env = "RETOURE_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,

    /// How to log: text, json, or auto (text on a terminal, json elsewhere)
    #[arg(long, env = "RETOURE_LOG_FORMAT", value_name = "FORMAT", default_value = "auto")]
    pub log_format: LogFormat,

    /// Which requests get a line in the log: on, off, or errors (status 400 and above)
    #[arg(long, env = "RETOURE_ACCESS_LOG", value_name = "WHICH", default_value = "on")]
    pub access_log: AccessLogMode,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// Lines for people.
    Text,
    /// A JSON object a line.
    Json,
}

impl Settings {
    /// The bounds that follow from these settings.
    pub fn limits(&self) -> Limits {
        Limits {
            reply_bytes: self.max_reply_bytes,
            request_time: Duration::from_secs(self.request_seconds),
            ..Limits::default()
        }
    }
}
