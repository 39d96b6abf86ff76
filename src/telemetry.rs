//! The log: on standard error, lines for people on a terminal and JSON elsewhere. No address and no word of a mail goes into it.

use std::io::{IsTerminal, stderr};

use anyhow::Context;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::settings::LogFormat;

/// Starts logging.
///
/// # Errors
/// When `filter` is no filter, or logging was started before.
pub fn start(filter: &str, format: LogFormat) -> anyhow::Result<()> {
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
    .context("logging was started twice")
}
