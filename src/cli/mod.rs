//! The command line: one binary that serves, classifies, looks up, and checks a catalogue.

mod batch;
mod calibrate;
mod check;
mod classify;
mod explain;
mod healthcheck;
mod labels;
mod look_up;
mod page;
mod table;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::{Args, Parser, Subcommand};

use crate::{catalog::Catalog, http, serve, settings::Settings, telemetry};

/// Tells what a bounced e-mail means: what it is, hard or soft, why, how far it reaches, and how to mend it.
///
/// Without a command it serves, as `retoure serve` does.
#[derive(Debug, Parser)]
#[command(name = "retoure", version, max_term_width = 100, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer over HTTP
    Serve(Box<Settings>),
    /// Tell what a reply or a report mail means, or as many as a file holds
    Classify(classify::Arguments),
    /// Look up a code (550, 5.7.26, 550-5.7.1, 4xx), a category, or words
    Lookup(look_up::Arguments),
    /// Check the built-in catalogue, or a directory laid over it
    Check(check::Arguments),
    /// Measure verdicts and their confidence on labelled replies and mails
    Calibrate(calibrate::Arguments),
    /// Ask a running service whether it takes requests: exit status 0 if so, 1 if not
    Healthcheck(healthcheck::Arguments),
    /// Print the OpenAPI document
    Openapi,
}

/// What the commands that print texts have in common.
#[derive(Args, Debug)]
struct Output {
    /// Print JSON, as the service answers it
    #[arg(long)]
    json: bool,
    /// The language of the texts [default: that of the terminal]
    #[arg(long, env = "RETOURE_LANG", value_name = "TAG")]
    lang: Option<String>,
    /// A directory of TOML files that add to the built-in catalogue or override it by id
    #[arg(long, env = "RETOURE_CATALOG", value_name = "DIR")]
    catalog: Option<PathBuf>,
}

impl Output {
    fn load(&self) -> anyhow::Result<Catalog> {
        load(self.catalog.as_deref())
    }

    /// What was asked for, else what the terminal speaks, else English.
    fn language<'c>(&self, catalog: &'c Catalog) -> &'c str {
        let from_environment = || {
            ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()))
        };
        let wanted = self.lang.clone().or_else(from_environment).unwrap_or_default();
        // `de_DE.UTF-8`, `de-AT` and `de` all want German.
        let wanted = wanted.split(['.', '_', '-', '@']).next().unwrap_or_default().to_ascii_lowercase();
        catalog.languages().iter().find(|language| **language == wanted).map_or("en", String::as_str)
    }
}

fn load(overlay: Option<&Path>) -> anyhow::Result<Catalog> {
    Ok(match overlay {
        Some(overlay) => Catalog::load(overlay),
        None => Catalog::built_in(),
    }?)
}

impl Cli {
    /// Does what was asked for.
    ///
    /// # Errors
    /// What a person should read; it says what was expected.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            None => run_server(&self.settings),
            Some(Command::Serve(settings)) => run_server(&settings),
            Some(Command::Classify(arguments)) => arguments.run(),
            Some(Command::Lookup(arguments)) => arguments.run(),
            Some(Command::Check(arguments)) => arguments.run(),
            Some(Command::Calibrate(arguments)) => arguments.run(),
            Some(Command::Healthcheck(arguments)) => {
                let listening = &self.settings.listening;
                arguments.run(listening.admin_listen.as_ref().unwrap_or(&listening.listen))
            }
            Some(Command::Openapi) => {
                let document = http::openapi::document(&Catalog::built_in()?);
                print(&format!("{document:#}"))?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

fn run_server(settings: &Settings) -> anyhow::Result<ExitCode> {
    if settings.print_config {
        serve::check(settings)?;
        print(&serde_json::to_string_pretty(settings)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    telemetry::start(&settings.log, settings.log_format, settings.access_log)?;
    let served = serve::run(settings);
    telemetry::flush();
    served
}

/// Writes a line to standard error. Where that cannot be done, nothing is left to try.
fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "retoure: {text}");
}

/// Writes a line to standard output. A reader that has gone, as `head` does, is no error.
fn print(text: &str) -> anyhow::Result<()> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("standard output cannot be written")
        }
        _ => Ok(()),
    }
}
