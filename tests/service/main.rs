//! The service from outside: a real server on a free port, asked over HTTP.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what panics is a failing test")]

mod bad_input;
mod classify_message;
mod classify_reply;
mod keys;
mod leaving;
mod listening;
mod look_ups;
mod overload;
mod process;
mod seed_codes;
mod server;
