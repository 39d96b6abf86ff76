//! The service from outside: a real server on a free port, asked over HTTP.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what panics is a failing test")]

mod bad_input;
mod batch_streams;
mod classify_batch;
mod classify_message;
mod classify_reply;
mod keys;
mod leaving;
mod lines_as_specified;
mod listening;
mod log;
mod look_ups;
mod overload;
mod packing;
mod process;
mod reload;
mod seed_codes;
mod seeing;
mod server;
