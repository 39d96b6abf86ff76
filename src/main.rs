//! The `retoure` binary: reads the command line, does what it says, and explains what went wrong.

use std::process::ExitCode;

use clap::{Parser, error::ErrorKind};
use retoure::{cli::Cli, serve::CannotListen, settings::Unusable};

/// `EX_USAGE` of `sysexits.h`: the command line or the configuration is wrong.
const USAGE: u8 = 64;

/// `EX_DATAERR` of `sysexits.h`: what was given to work on is wrong.
const DATA: u8 = 65;

/// `EX_UNAVAILABLE` of `sysexits.h`: what is needed is taken by somebody else.
const UNAVAILABLE: u8 = 69;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            // Nothing is left to do if even this cannot be written.
            let _ = error.print();
            return ExitCode::from(if is_help { 0 } else { USAGE });
        }
    };
    match cli.run() {
        Ok(code) => code,
        Err(error) => {
            let _ = std::io::Write::write_fmt(&mut std::io::stderr().lock(), format_args!("retoure: {error:#}\n"));
            ExitCode::from(match () {
                () if error.is::<Unusable>() => USAGE,
                () if error.is::<CannotListen>() => UNAVAILABLE,
                () => DATA,
            })
        }
    }
}
