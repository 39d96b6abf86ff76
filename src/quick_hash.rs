//! XXH3 for maps whose keys come from the catalogue: nobody can choose them to collide, and the standard hash, which guards against
//! that, takes several times as long.

use std::hash::{BuildHasher, Hasher};

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Makes a hasher for a map.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct QuickHash;

impl BuildHasher for QuickHash {
    type Hasher = State;

    fn build_hasher(&self) -> State {
        State(0)
    }
}

/// The hash of what was written so far.
#[derive(Debug)]
pub(crate) struct State(u64);

impl Hasher for State {
    fn write(&mut self, bytes: &[u8]) {
        // Most keys are one string.
        self.0 = if self.0 == 0 { xxh3_64(bytes) } else { xxh3_64_with_seed(bytes, self.0) };
    }

    /// The mark at a string's end; how long it is, its hash knows.
    fn write_u8(&mut self, _: u8) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
