//! An overlay with many more rules than there are, of words that occur nowhere.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::chance::Chance;

/// A folder that is removed again.
#[derive(Debug)]
pub(crate) struct Overlay(PathBuf);

impl Overlay {
    /// Writes `count` phrases of three words each, every word made up of syllables.
    pub(crate) fn new(count: usize) -> Self {
        let folder = std::env::temp_dir().join(format!("retoure-bench-overlay-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut chance = Chance::new(11);
        let mut text = String::new();
        for number in 0..count {
            let words =
                [word(&mut chance), word(&mut chance), word(&mut chance)].map(|word| word + " " + &number.to_string());
            text.push_str(&format!(
                "[[phrase]]\nid = \"policy/made-up-{number}\"\ncategory = \"policy\"\nany = {words:?}\nweight = 0.6\nsource = \"practice\"\n\
                 examples = [\"550 5.7.1 {}\"]\n\n",
                words[0]
            ));
        }
        fs::write(folder.join("made-up.toml"), text).unwrap();
        Self(folder)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }
}

impl Drop for Overlay {
    fn drop(&mut self) {
        // Nobody is left to tell when it fails.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn word(chance: &mut Chance) -> String {
    const SYLLABLES: [&str; 16] = [
        "zor", "vak", "pli", "dum", "kre", "wox", "bur", "tij", "fno", "gaz", "hup", "mib", "qur", "sle", "yov", "xan",
    ];
    (0..4).map(|_| SYLLABLES[chance.below(16)]).collect()
}
