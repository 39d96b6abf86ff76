//! Settings: who may ask. Secrets are never shown, neither by `--print-config` nor in a debug form.

use std::{fmt, path::PathBuf};

use clap::Args;
use serde::{Serialize, Serializer};

/// Who may ask.
#[derive(Args, Clone, Debug, Serialize)]
#[command(next_help_heading = "Keys")]
pub struct Access {
    /// A file of keys that may ask, one a line, each with a name before it if you like; read again when it changes and on SIGHUP
    #[arg(long, env = "RETOURE_API_KEYS_FILE", value_name = "FILE")]
    pub api_keys_file: Option<PathBuf>,

    /// One key that may ask. Other users of the machine see arguments: prefer the variable or a file
    #[arg(long, env = "RETOURE_API_KEY", value_name = "KEY", hide_env_values = true)]
    pub api_key: Option<Secret>,

    /// A file that holds this one key
    #[arg(long, env = "RETOURE_API_KEY_FILE", value_name = "FILE", conflicts_with = "api_key")]
    pub api_key_file: Option<PathBuf>,

    /// Listen beyond this machine although no key is asked for
    #[arg(long, env = "RETOURE_ALLOW_ANONYMOUS", value_parser = yes_or_no)]
    pub allow_anonymous: bool,
}

impl Access {
    /// Whether callers must show a key.
    pub fn has_keys(&self) -> bool {
        self.api_keys_file.is_some() || self.api_key.is_some() || self.api_key_file.is_some()
    }
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" | "" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

/// What must not be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret itself.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("(hidden)")
    }
}
