//! `retoure check`: proves a catalogue before a server loads it.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use super::print;
use crate::{
    catalog::{Catalog, CatalogError, Keeping},
    classify::contested,
    report,
};

/// Arguments of `retoure check`.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// A directory of TOML files, checked as laid over the built-in catalogue; without it that one alone
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Fail on warnings too: rules that others win against, duplicates, sources that nobody cites
    #[arg(long)]
    strict: bool,
}

impl Arguments {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let catalog = Catalog::proven(self.folder.as_deref())?;
        report::prove(&catalog)?;
        let keeping = Keeping::read(self.folder.as_deref())?;
        let mut warnings = keeping.warnings;
        warnings.extend(contested(&catalog, &keeping.rules));
        warnings.sort();
        if self.strict && !warnings.is_empty() {
            return Err(CatalogError { faults: warnings }.into());
        }
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
        for warning in &warnings {
            print(&format!("warning: {warning}"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
