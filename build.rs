//! Takes the files under `catalog/` apart at build time and compiles their tables into the binary, a line each: kind, file,
//! line in that file, and the table as JSON, separated by tabs. Reading them at every start takes a quarter of the time that the
//! same tables take as TOML.

use std::{
    env, fmt, fs, io,
    path::{Path, PathBuf},
};

use toml::de::{DeTable, DeValue};

#[path = "src/catalog/needs.rs"]
mod needs;

fn main() -> io::Result<()> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("catalog");
    println!("cargo::rerun-if-changed={}", root.display());
    println!("cargo::rerun-if-changed=src/catalog/needs.rs");
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let mut packed = String::new();
    for file in &files {
        let name = file.strip_prefix(&root).unwrap_or(file).to_string_lossy().replace('\\', "/");
        let content = fs::read_to_string(file)?;
        pack(&name, &content, &mut packed).map_err(|fault| io::Error::other(format!("catalog/{name}: {fault}")))?;
    }
    fs::write(Path::new(&env::var("OUT_DIR").map_err(io::Error::other)?).join("catalog.tsv"), packed)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    Ok(())
}

/// Only form is looked at here; what the tables say is checked when they are loaded.
fn pack(name: &str, content: &str, packed: &mut String) -> Result<(), String> {
    let places = DeTable::parse(content).map_err(|error| error.to_string())?;
    let mut values: serde_json::Map<String, serde_json::Value> =
        toml::from_str(content).map_err(|error| error.to_string())?;
    for phrase in values.get_mut("phrase").and_then(serde_json::Value::as_array_mut).into_iter().flatten() {
        // A pattern that is wrong is told when the catalogue is loaded, with its place.
        let known =
            phrase.get("pattern").and_then(serde_json::Value::as_str).and_then(|pattern| needs::of(pattern).ok());
        if let Some(known) = known {
            phrase["needs"] = known.into();
        }
    }
    for (kind, places) in places.get_ref() {
        let kind: &str = kind.get_ref();
        let (DeValue::Array(places), Some(serde_json::Value::Array(values))) = (places.get_ref(), values.get(kind))
        else {
            return Err(format!("`{kind}` is not a list of tables; expected `[[{kind}]]`"));
        };
        for (place, value) in places.iter().zip(values) {
            let line = content[..place.span().start].matches('\n').count() + 1;
            fmt::Write::write_fmt(packed, format_args!("{kind}\t{name}\t{line}\t{value}\n"))
                .map_err(|e| e.to_string())?;
        }
    }
    Ok(())
}
