//! `retoure check`: proves a catalogue before a server loads it.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use super::{load, print};
use crate::report;

/// Arguments of `retoure check`.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// A directory of TOML files, checked as laid over the built-in catalogue; without it that one alone
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl Arguments {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let catalog = load(self.folder.as_deref())?;
        report::prove(&catalog)?;
        print(&format!(
            "the catalogue is sound: {} codes, {} categories, {} phrases, {} blocklists, {} dialects, in {}; version {}",
            catalog.codes().count(),
            catalog.categories().len(),
            catalog.phrases().len(),
            catalog.blocklists().len(),
            catalog.dialects().len(),
            catalog.languages().join(" and "),
            catalog.version()
        ))?;
        Ok(ExitCode::SUCCESS)
    }
}
