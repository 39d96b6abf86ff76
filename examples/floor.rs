//! A bare axum handler, the floor beside which `benches/load/run` measures retoure: `cargo run --release --example floor 127.0.0.1:0`.

#[path = "../benches/over_http/floor.rs"]
mod floor;

use std::io::{self, Write};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    floor::serve(&address, |address| _ = writeln!(io::stderr(), "{address}"))
}
