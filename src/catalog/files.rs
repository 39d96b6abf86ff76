//! The catalogue's files: those compiled in, those of an overlay directory, and the tables in them with their lines.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::error::Fault;

/// The built-in catalogue: name and content of every file under `catalog/`.
pub(super) const BUILT_IN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/catalog_files.rs"));

/// More of an overlay than this is a mistake, not a catalogue.
const MAX_OVERLAY_BYTES: u64 = 32 << 20;

/// A file of an overlay.
#[derive(Debug)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) content: String,
}

/// Reads every `*.toml` below `folder`, in the order of their names.
pub(super) fn read_folder(folder: &Path) -> Result<Vec<File>, Fault> {
    let fault = |path: &Path, error: io::Error| Fault {
        file: path.display().to_string(),
        line: 0,
        what: format!("cannot be read: {error}"),
    };
    let mut paths = Vec::new();
    collect(folder, 0, &mut paths).map_err(|error| fault(folder, error))?;
    paths.sort();
    let mut total = 0;
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        total += fs::metadata(&path).map_err(|error| fault(&path, error))?.len();
        if total > MAX_OVERLAY_BYTES {
            return Err(fault(
                folder,
                io::Error::other(format!("it holds more than {MAX_OVERLAY_BYTES} bytes of TOML")),
            ));
        }
        let content = fs::read_to_string(&path).map_err(|error| fault(&path, error))?;
        let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        files.push(File { name, content });
    }
    Ok(files)
}

/// Hidden folders are left out: Kubernetes keeps the versions of a mounted `ConfigMap` in `..data`.
fn collect(folder: &Path, depth: usize, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    if depth > 8 {
        return Err(io::Error::other("folders are nested more than eight deep"));
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
            continue;
        }
        if path.is_dir() {
            collect(&path, depth + 1, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    Ok(())
}

/// A table and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Located<T> {
    pub(super) table: T,
    pub(super) file: String,
    pub(super) line: usize,
}

impl<T> Located<T> {
    pub(super) fn fault(&self, what: impl Into<String>) -> Fault {
        Fault { file: self.file.clone(), line: self.line, what: what.into() }
    }
}

/// A file taken apart into its tables by kind, each deserialised by itself, so that one bad table hides no other.
pub(super) struct Tables<'a> {
    name: &'a str,
    /// Where each line begins.
    lines: Vec<usize>,
    root: DeTable<'a>,
}

impl<'a> Tables<'a> {
    pub(super) fn parse(name: &'a str, content: &'a str, faults: &mut Vec<Fault>) -> Self {
        let (root, errors) = DeTable::parse_recoverable(content);
        let ends = content.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let tables = Self { name, lines: std::iter::once(0).chain(ends).collect(), root: root.into_inner() };
        faults.extend(errors.iter().map(|error| tables.fault_of(error, 0)));
        tables
    }

    /// Takes every `[[kind]]` out of the file.
    pub(super) fn take<T: DeserializeOwned>(&mut self, kind: &str, faults: &mut Vec<Fault>) -> Vec<Located<T>> {
        let Some(value) = self.root.remove(kind) else { return Vec::new() };
        let start = value.span().start;
        let DeValue::Array(tables) = value.into_inner() else {
            faults.push(self.fault(start, format!("`{kind}` is not a list of tables; expected `[[{kind}]]`")));
            return Vec::new();
        };
        let mut read = Vec::new();
        for table in tables {
            let start = table.span().start;
            match T::deserialize(ValueDeserializer::from(table)) {
                Ok(table) => read.push(Located { table, file: self.name.to_owned(), line: self.line(start) }),
                Err(error) => faults.push(self.fault_of(&error, start)),
            }
        }
        read
    }

    /// Names what is left: tables that mean nothing here.
    pub(super) fn finish(self, kinds: &[&str], faults: &mut Vec<Fault>) {
        for (key, _) in &self.root {
            let what = format!("unknown table `{}`; expected one of {}", key.get_ref(), kinds.join(", "));
            faults.push(self.fault(key.span().start, what));
        }
    }

    fn fault(&self, at: usize, what: String) -> Fault {
        Fault { file: self.name.to_owned(), line: self.line(at), what }
    }

    fn fault_of(&self, error: &toml::de::Error, table: usize) -> Fault {
        let at = error.span().map_or(table, |span| span.start);
        self.fault(at, error.message().trim().replace('\n', ", "))
    }

    /// The line of a byte, from 1.
    fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at)
    }
}
