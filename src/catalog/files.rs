//! The catalogue's files: those compiled in, which the build has taken apart, those of an overlay directory, and the tables in
//! them with their lines.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::error::Fault;

/// The built-in catalogue as `build.rs` packs it: a line a table, with its kind, file, line and JSON between tabs.
pub(super) const BUILT_IN: &str = include_str!(concat!(env!("OUT_DIR"), "/catalog.tsv"));

/// What a catalogue is made of; a later layer overrides an earlier one by id.
#[derive(Clone, Copy, Debug)]
pub(super) enum Layer<'a> {
    /// What is compiled in.
    BuiltIn,
    /// Names and contents of TOML files.
    Files(&'a [(&'a str, &'a str)]),
}

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

/// Where tables come from, by their kind.
pub(super) trait TableSource {
    /// Takes every table of this kind.
    fn take<T: DeserializeOwned>(
        &mut self,
        kind: &str,
        faults: &mut Vec<Fault>,
        each: impl FnMut(Located<T>, &mut Vec<Fault>),
    );

    /// How many tables of this kind there are, or more.
    fn count(&self, kind: &str) -> usize;

    /// Names what is left: tables that mean nothing here.
    fn finish(self, kinds: &[&str], faults: &mut Vec<Fault>);
}

/// The built-in tables by kind, each still JSON.
pub(super) struct Packed(BTreeMap<&'static str, Vec<(&'static str, usize, &'static str)>>);

impl Packed {
    pub(super) fn built_in() -> Self {
        let mut tables: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for row in BUILT_IN.lines() {
            let mut cells = row.splitn(4, '\t');
            if let (Some(kind), Some(file), Some(line), Some(json)) =
                (cells.next(), cells.next(), cells.next(), cells.next())
            {
                tables.entry(kind).or_default().push((file, line.parse().unwrap_or(0), json));
            }
        }
        Self(tables)
    }
}

impl TableSource for Packed {
    fn take<T: DeserializeOwned>(
        &mut self,
        kind: &str,
        faults: &mut Vec<Fault>,
        mut each: impl FnMut(Located<T>, &mut Vec<Fault>),
    ) {
        for (file, line, json) in self.0.remove(kind).unwrap_or_default() {
            match serde_json::from_str(json) {
                Ok(table) => each(Located { table, file: file.to_owned(), line }, faults),
                Err(error) => {
                    // The place is one in the JSON, which nobody has seen.
                    let what = error.to_string();
                    let what = what.rsplit_once(" at line ").map_or(what.as_str(), |(what, _)| what).to_owned();
                    faults.push(Fault { file: file.to_owned(), line, what });
                }
            }
        }
    }

    fn count(&self, kind: &str) -> usize {
        self.0.get(kind).map_or(0, Vec::len)
    }

    fn finish(self, kinds: &[&str], faults: &mut Vec<Fault>) {
        for (kind, tables) in self.0 {
            faults.extend(tables.into_iter().map(|(file, line, _)| unknown_kind(file, line, kind, kinds)));
        }
    }
}

fn unknown_kind(file: &str, line: usize, kind: &str, kinds: &[&str]) -> Fault {
    let what = format!("unknown table `{kind}`; expected one of {}", kinds.join(", "));
    Fault { file: file.to_owned(), line, what }
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

impl TableSource for Tables<'_> {
    fn take<T: DeserializeOwned>(
        &mut self,
        kind: &str,
        faults: &mut Vec<Fault>,
        mut each: impl FnMut(Located<T>, &mut Vec<Fault>),
    ) {
        let Some(value) = self.root.remove(kind) else { return };
        let start = value.span().start;
        let DeValue::Array(tables) = value.into_inner() else {
            faults.push(self.fault(start, format!("`{kind}` is not a list of tables; expected `[[{kind}]]`")));
            return;
        };
        for table in tables {
            let start = table.span().start;
            if kind == "phrase" && table.get_ref().get("needs").is_some() {
                faults.push(self.fault(start, "unknown field `needs`; it is found out from `pattern`".to_owned()));
                continue;
            }
            match T::deserialize(ValueDeserializer::from(table)) {
                Ok(table) => each(Located { table, file: self.name.to_owned(), line: self.line(start) }, faults),
                Err(error) => faults.push(self.fault_of(&error, start)),
            }
        }
    }

    fn count(&self, kind: &str) -> usize {
        match self.root.get(kind).map(toml::Spanned::get_ref) {
            Some(DeValue::Array(tables)) => tables.len(),
            _ => 0,
        }
    }

    fn finish(self, kinds: &[&str], faults: &mut Vec<Fault>) {
        for (key, _) in &self.root {
            faults.push(unknown_kind(self.name, self.line(key.span().start), key.get_ref(), kinds));
        }
    }
}
