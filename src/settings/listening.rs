//! Settings: where the service listens, and how it leaves.

use clap::Args;
use serde::{Serialize, Serializer};

use super::ListenAddress;

/// Where to listen, and how to leave.
#[derive(Args, Clone, Debug, Serialize)]
#[command(next_help_heading = "Listening and leaving")]
pub struct Listening {
    /// Where to listen: ADDRESS:PORT, or unix:PATH. A socket that systemd passes is taken instead
    #[arg(long, env = "RETOURE_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: ListenAddress,

    /// A second address for /metrics, /livez and /readyz alone, without a key; /metrics is then only there
    #[arg(long, env = "RETOURE_ADMIN_LISTEN", value_name = "ADDRESS")]
    pub admin_listen: Option<ListenAddress>,

    /// Who may connect to a UNIX socket, as an octal file mode
    #[arg(long, env = "RETOURE_SOCKET_MODE", value_name = "MODE", default_value = "0660", value_parser = octal)]
    #[serde(serialize_with = "as_octal")]
    pub socket_mode: u32,

    /// After SIGTERM or SIGINT, how long to go on taking requests while /readyz says 503, so that balancers turn away first
    #[arg(long, env = "RETOURE_DRAIN_SECONDS", value_name = "SECONDS", default_value_t = 5,
        value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub drain_seconds: u64,

    /// How long running requests and streams have to finish after that; then they are cut
    #[arg(long, env = "RETOURE_SHUTDOWN_SECONDS", value_name = "SECONDS", default_value_t = 20,
        value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub shutdown_seconds: u64,
}

fn octal(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text.strip_prefix("0o").unwrap_or(text), 8) {
        Ok(mode @ 0..=0o777) => Ok(mode),
        _ => Err("expected an octal file mode from 0000 to 0777, such as 0660".to_owned()),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn as_octal<S: Serializer>(mode: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{mode:04o}"))
}
