//! How the server is set up: flags, or environment variables of the same names. Each is told here once; `--help`, the README's
//! table and `--print-config` follow from it.

mod access;
mod address;
mod bounds;
mod listening;
mod load;

use std::{fmt, path::PathBuf};

pub use access::{Access, Secret};
pub use address::ListenAddress;
pub use bounds::Bounds;
use clap::Args;
pub use listening::Listening;
pub use load::Load;
use serde::Serialize;

use crate::{limits::Limits, telemetry::AccessLogMode};

/// Settings of `retoure serve`.
#[derive(Args, Clone, Debug, Serialize)]
pub struct Settings {
    /// A directory of TOML files that add to the built-in catalogue or override it by id
    #[arg(long, env = "RETOURE_CATALOG", value_name = "DIR")]
    pub catalog: Option<PathBuf>,

    /// What to log: off, error, warn, info, debug or trace, or a filter such as retoure=debug
    #[arg(long, env = "RETOURE_LOG", value_name = "FILTER", default_value = "info", value_parser = log_filter)]
    pub log: String,

    /// How to log: text, json, or auto (text on a terminal, json elsewhere)
    #[arg(long, env = "RETOURE_LOG_FORMAT", value_name = "FORMAT", default_value = "auto")]
    pub log_format: LogFormat,

    /// Which requests get a line in the log: on, off, or errors (status 400 and above)
    #[arg(long, env = "RETOURE_ACCESS_LOG", value_name = "WHICH", default_value = "on")]
    pub access_log: AccessLogMode,

    /// Print the settings that are in force as JSON, without secrets, and leave
    #[arg(long)]
    #[serde(skip)]
    pub print_config: bool,

    /// Where to listen, and how to leave.
    #[command(flatten)]
    #[serde(flatten)]
    pub listening: Listening,

    /// Who may ask.
    #[command(flatten)]
    #[serde(flatten)]
    pub access: Access,

    /// How much work is taken on at once.
    #[command(flatten)]
    #[serde(flatten)]
    pub load: Load,

    /// Bounds on what comes from outside.
    #[command(flatten)]
    #[serde(flatten)]
    pub bounds: Bounds,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
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
        self.bounds.limits()
    }

    /// Whether the settings agree with each other.
    ///
    /// # Errors
    /// A sentence that says what does not go together, and the way out.
    pub fn check(&self) -> Result<(), Unusable> {
        let open = !self.listening.listen.is_local();
        if open && !self.access.has_keys() && !self.access.allow_anonymous {
            return Err(Unusable(anonymous_beyond_this_machine(&self.listening.listen)));
        }
        if self.listening.admin_listen.as_ref() == Some(&self.listening.listen) && !self.listening.listen.is_any_port()
        {
            return Err(Unusable(
                "--admin-listen is the same as --listen; expected another address, or none".to_owned(),
            ));
        }
        if self.bounds.max_body_memory_bytes < self.bounds.max_mail_bytes {
            let detail = "--max-body-memory-bytes is less than --max-mail-bytes; expected room for one mail at least";
            return Err(Unusable(detail.to_owned()));
        }
        Ok(())
    }
}

/// Why a service without keys does not listen on `address`.
pub(crate) fn anonymous_beyond_this_machine(address: &dyn fmt::Display) -> String {
    format!(
        "{address} can be reached from other machines, and no key is asked for; set --api-keys-file or RETOURE_API_KEY, \
         listen on 127.0.0.1 or a UNIX socket, or say --allow-anonymous if everybody who can reach it may use it"
    )
}

/// Settings that cannot be used: each by itself well-formed, yet wrong. The process ends with status 64 (`EX_USAGE`).
#[derive(Debug)]
pub struct Unusable(pub String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

fn log_filter(text: &str) -> Result<String, String> {
    match tracing_subscriber::EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("expected a level or a filter, such as `info` or `retoure=debug`".to_owned()),
    }
}
