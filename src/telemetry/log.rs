//! Starts the log: on standard error, lines for people on a terminal and JSON elsewhere.

use std::io::{IsTerminal, stderr};

use anyhow::Context;
use tracing::Level;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use super::access::{self, AccessLogMode, access_log};
use crate::settings::LogFormat;

/// Starts logging. A line a request comes where `access` asks for it and `filter` lets `retoure::access=info` through.
///
/// # Errors
/// When `filter` is no filter, or logging was started before.
pub fn start(filter: &str, format: LogFormat, access: AccessLogMode) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter)
        .context("the log filter is wrong; expected one such as `info` or `retoure=debug`")?;
    let as_text = match format {
        LogFormat::Auto => stderr().is_terminal(),
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let registry = tracing_subscriber::registry().with(filter);
    if as_text {
        registry.with(fmt::layer().with_writer(stderr).with_target(false)).try_init()
    } else {
        registry.with(fmt::layer().json().flatten_event(true).with_writer(stderr)).try_init()
    }
    .context("logging was started twice")?;
    if access != AccessLogMode::Off && tracing::enabled!(target: "retoure::access", Level::INFO) {
        access::start(access, as_text).context("no thread for the access log could be started")?;
    }
    Ok(())
}

/// Writes what is still pending. To be called before the process ends.
pub fn flush() {
    if let Some(log) = access_log() {
        log.flush();
    }
}
