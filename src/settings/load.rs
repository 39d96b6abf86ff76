//! Settings: how much work is taken on at once, and from whom.

use std::num::{NonZeroU32, NonZeroUsize};

use clap::{Args, builder::RangedU64ValueParser, value_parser};
use serde::Serialize;

/// How much work is taken on at once.
#[derive(Args, Clone, Debug, Serialize)]
#[command(next_help_heading = "Load")]
pub struct Load {
    /// Threads that answer [default: one a processor, as far as a container may use them]
    #[arg(long, env = "RETOURE_THREADS", value_name = "NUMBER")]
    pub threads: Option<NonZeroUsize>,

    /// Connections open at once; each beyond gets one answer: health and metrics, and 503 for all else
    #[arg(long, env = "RETOURE_MAX_CONNECTIONS", value_name = "NUMBER", default_value_t = 4096,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub max_connections: usize,

    /// Requests worked on at once; others wait for a moment, then get 503
    #[arg(long, env = "RETOURE_MAX_IN_FLIGHT", value_name = "NUMBER", default_value_t = 512,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub max_in_flight: usize,

    /// How long a request waits for its turn before it gets 503; under overload hardly any does
    #[arg(long, env = "RETOURE_QUEUE_MILLISECONDS", value_name = "MILLISECONDS", default_value_t = 100,
        value_parser = value_parser!(u64).range(0..=60_000))]
    pub queue_milliseconds: u64,

    /// How late the threads may come to a waiting request before some are turned away with 503; 0 never turns away for that
    #[arg(long, env = "RETOURE_MAX_LAG_MILLISECONDS", value_name = "MILLISECONDS", default_value_t = 10,
        value_parser = value_parser!(u64).range(0..=60_000))]
    pub max_lag_milliseconds: u64,

    /// Requests a second that one key may make or, where there are no keys, one IP address [default: any number]
    #[arg(long, env = "RETOURE_RATE_LIMIT", value_name = "NUMBER")]
    pub rate_limit: Option<NonZeroU32>,

    /// How many of these may come at once after a pause [default: as many as in two seconds]
    #[arg(long, env = "RETOURE_RATE_BURST", value_name = "NUMBER", requires = "rate_limit")]
    pub rate_burst: Option<NonZeroU32>,
}
