//! The words of our own phrases, as their files list them: what a classifier of regular expressions would be made of.

use std::{fs, path::Path};

use retoure::catalog::fold;

/// For each phrase that has words, an expression that matches any of them in folded text.
pub(crate) fn expressions() -> Vec<String> {
    let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog");
    let mut expressions = Vec::new();
    for folder in ["phrases", "providers"] {
        let entries = fs::read_dir(catalog.join(folder)).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files {
            let table: toml::Table = fs::read_to_string(&file).unwrap().parse().unwrap();
            let phrases = table.get("phrase").and_then(toml::Value::as_array).into_iter().flatten();
            expressions.extend(phrases.filter_map(|phrase| expression(phrase.get("any")?.as_array()?)));
        }
    }
    assert!(expressions.len() > 1000, "{} phrases with words were found", expressions.len());
    expressions
}

/// `*` lets a word go on, which an expression without an end does anyway.
fn expression(words: &[toml::Value]) -> Option<String> {
    let words = words.iter().filter_map(toml::Value::as_str).map(|word| regex::escape(&fold(word.trim_matches('*'))));
    let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
    (!words.is_empty()).then(|| words.join("|"))
}
