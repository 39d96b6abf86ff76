//! Mails to read: those of `tests/reports`, each with a quirk of its own.

use std::{fs, path::Path};

/// Every mail, in the order of their names.
pub(crate) fn all() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "eml"));
    files.sort();
    assert!(files.len() > 100, "{} mails were found", files.len());
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}
