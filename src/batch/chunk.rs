//! Cutting a stream of bytes into chunks of whole units: lines of NDJSON, or messages of a mailbox.
//!
//! A unit over its bound is cut off where the bound is, told as a problem, and the rest of it skipped, so that what is kept in
//! memory never grows beyond one bound.

use std::{collections::VecDeque, ops::Range};

use super::{CHUNK_BYTES, Fault, FaultKind, item, mbox};
use crate::limits::Limits;

/// What the units are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An item a line (NDJSON). Blank lines are none.
    Lines,
    /// The elements of a JSON array.
    Elements,
    /// Messages of a mailbox (RFC 4155).
    Mbox,
    /// A mail by itself.
    Mail,
}

/// Some whole units, one after the other.
#[derive(Debug)]
pub struct Chunk {
    /// What they are.
    pub form: Form,
    /// The place of the first among all of the batch.
    pub first_index: u64,
    bytes: Vec<u8>,
    /// Where they stand in `bytes`.
    places: Vec<Range<usize>>,
    /// Whether this stands for a single one that was too long.
    is_too_long: bool,
}

impl Chunk {
    fn new(form: Form, first_index: u64, bytes: Vec<u8>) -> Self {
        let places = match form {
            Form::Lines => lines(&bytes),
            Form::Mbox => messages(&bytes),
            Form::Elements | Form::Mail => std::iter::once(0..bytes.len()).collect(),
        };
        Self { form, first_index, bytes, places, is_too_long: false }
    }

    /// Elements that stand at these places of a JSON document.
    pub fn of_elements(document: &[u8], places: &[Range<usize>], first_index: u64) -> Self {
        let start = places.first().map_or(0, |place| place.start);
        let end = places.last().map_or(0, |place| place.end);
        let places = places.iter().map(|place| place.start - start..place.end - start).collect();
        Self { form: Form::Elements, first_index, bytes: document[start..end].to_vec(), places, is_too_long: false }
    }

    /// Bytes in it.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// Units in it.
    pub fn count(&self) -> u64 {
        if self.is_too_long { 1 } else { self.places.len() as u64 }
    }

    /// The units, or what is wrong with one.
    pub(super) fn units<'a>(&'a self, limits: &'a Limits) -> impl Iterator<Item = Result<&'a [u8], Fault>> {
        let too_long = self.is_too_long.then(|| too_long(self.form, limits));
        let most = most_bytes(self.form, limits);
        let within =
            move |unit: &'a [u8]| if unit.len() > most { Err(self::too_long(self.form, limits)) } else { Ok(unit) };
        let units = self.places.iter().map(|place| &self.bytes[place.clone()]).map(within);
        units.chain(too_long.map(Err))
    }
}

/// Lines that hold anything.
fn lines(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut start = 0;
    let ends = memchr::memchr_iter(b'\n', bytes).chain(std::iter::once(bytes.len()));
    let all = ends.map(|end| std::mem::replace(&mut start, end + 1)..end);
    all.filter(|line| bytes[line.clone()].iter().any(|byte| !byte.is_ascii_whitespace())).collect()
}

/// From one separator to the next; what stands before the first is a unit too unless it is blank, and will be told as wrong.
fn messages(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut starts: Vec<usize> = mbox::separators(bytes, 0).collect();
    if starts.first() != Some(&0) {
        starts.insert(0, 0);
    }
    let ends = starts.iter().skip(1).copied().chain(std::iter::once(bytes.len()));
    let all = starts.iter().zip(ends).map(|(start, end)| *start..end);
    all.filter(|message| bytes[message.clone()].iter().any(|byte| !byte.is_ascii_whitespace())).collect()
}

fn most_bytes(form: Form, limits: &Limits) -> usize {
    match form {
        Form::Lines => limits.line_bytes,
        // With room for the separator and quotes.
        Form::Mbox => limits.mail_bytes + mbox::MOST_SEPARATOR_BYTES,
        // Bounded by what they were read with.
        Form::Elements | Form::Mail => usize::MAX,
    }
}

fn too_long(form: Form, limits: &Limits) -> Fault {
    match form {
        Form::Mbox | Form::Mail => item::mail_too_large(limits),
        Form::Lines | Form::Elements => {
            let detail = format!("the line is longer than {} bytes; expected one item a line", limits.line_bytes);
            Fault::new(FaultKind::TooLarge, detail)
        }
    }
}

/// Takes bytes as they come and gives chunks of whole units.
#[derive(Debug)]
pub struct Cutter {
    form: Form,
    most: usize,
    buffer: Vec<u8>,
    /// Up to here `buffer` holds whole units.
    whole: usize,
    /// Up to here `buffer` was searched for ends of units.
    searched: usize,
    /// Whether what comes belongs to a unit that is too long; then nothing in `buffer` is whole.
    skipping: bool,
    /// What had to be given out before its turn, because a unit behind it is too long.
    ready: VecDeque<Chunk>,
    next_index: u64,
}

impl Cutter {
    /// For units of this form, each bounded by `limits`.
    pub fn new(form: Form, limits: &Limits) -> Self {
        Self {
            form,
            most: most_bytes(form, limits),
            buffer: Vec::new(),
            whole: 0,
            searched: 0,
            skipping: false,
            ready: VecDeque::new(),
            next_index: 0,
        }
    }

    /// The same, counting from this place on.
    pub fn from_index(self, next_index: u64) -> Self {
        Self { next_index, ..self }
    }

    /// The place of the unit that is given out next.
    pub fn next_index(&self) -> u64 {
        self.next_index
    }

    /// Bytes of whole units that wait.
    pub fn waiting(&self) -> usize {
        self.whole + self.ready.iter().map(Chunk::len).sum::<usize>()
    }

    /// All bytes that are held, those of a unit that is not whole yet as well.
    pub fn held(&self) -> usize {
        self.buffer.len() + self.ready.iter().map(Chunk::len).sum::<usize>()
    }

    /// Takes what came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        if self.skipping {
            self.skip();
        }
        if self.skipping {
            return;
        }
        self.search();
        if self.buffer.len() - self.whole > self.most {
            let before = self.cut(self.whole);
            self.ready.extend(before);
            self.ready.push_back(Chunk {
                form: self.form,
                first_index: self.next_index,
                bytes: Vec::new(),
                places: Vec::new(),
                is_too_long: true,
            });
            self.next_index += 1;
            self.skipping = true;
            self.skip();
        }
    }

    /// What came last may lack its end: a newline, the separator of a next message.
    pub fn finish(&mut self) {
        self.whole = if self.skipping { 0 } else { self.buffer.len() };
    }

    /// The next chunk, if at least so many bytes wait.
    pub fn take(&mut self, least: usize) -> Option<Chunk> {
        if let Some(chunk) = self.ready.pop_front() {
            return Some(chunk);
        }
        while self.whole > 0 && self.whole >= least {
            let end = self.end_of_chunk();
            if let Some(chunk) = self.cut(end) {
                return Some(chunk);
            }
        }
        None
    }

    /// Large frames are divided, so that every core gets something.
    fn end_of_chunk(&self) -> usize {
        if self.whole <= 2 * CHUNK_BYTES {
            return self.whole;
        }
        let end = match self.form {
            Form::Mbox => mbox::separators(&self.buffer[..self.whole], CHUNK_BYTES).next(),
            _ => memchr::memchr(b'\n', &self.buffer[CHUNK_BYTES..self.whole]).map(|end| CHUNK_BYTES + end + 1),
        };
        end.unwrap_or(self.whole)
    }

    fn cut(&mut self, end: usize) -> Option<Chunk> {
        let rest = self.buffer.split_off(end);
        let bytes = std::mem::replace(&mut self.buffer, rest);
        self.whole -= end;
        self.searched = self.searched.saturating_sub(end);
        let chunk = Chunk::new(self.form, self.next_index, bytes);
        self.next_index += chunk.count();
        (!chunk.is_empty()).then_some(chunk)
    }

    /// Looks for the end of the last whole unit.
    fn search(&mut self) {
        match self.form {
            Form::Mbox => {
                let last = mbox::separators(&self.buffer, self.searched).filter(|at| *at > self.whole).last();
                self.whole = last.unwrap_or(self.whole);
                self.searched = self.unsure().max(self.whole);
            }
            _ => {
                if let Some(end) = memchr::memrchr(b'\n', &self.buffer[self.searched..]) {
                    self.whole = self.searched + end + 1;
                }
                self.searched = self.buffer.len();
            }
        }
    }

    /// From here on a separator may have begun that is not complete yet.
    fn unsure(&self) -> usize {
        self.buffer.len().saturating_sub(mbox::MOST_SEPARATOR_BYTES + 4)
    }

    /// Throws away up to the end of the unit that is too long.
    fn skip(&mut self) {
        let end = match self.form {
            Form::Mbox => mbox::separators(&self.buffer, 0).find(|at| *at > 0),
            _ => memchr::memchr(b'\n', &self.buffer).map(|end| end + 1),
        };
        self.skipping = end.is_none();
        let sure = if self.form == Form::Mbox { self.unsure() } else { self.buffer.len() };
        self.buffer.drain(..end.unwrap_or(sure));
        self.searched = 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Cuts `input`, which comes in pieces of these sizes, and gives every unit, or none for one that was too long.
    fn cut(form: Form, input: &[u8], piece: usize, limits: &Limits) -> Vec<Option<String>> {
        let mut cutter = Cutter::new(form, limits);
        let mut units = Vec::new();
        let mut take = |cutter: &mut Cutter| {
            while let Some(chunk) = cutter.take(0) {
                assert_eq!(chunk.first_index, units.len() as u64);
                units.extend(chunk.units(limits).map(|unit| Some(String::from_utf8_lossy(unit.ok()?).into_owned())));
                assert_eq!(chunk.first_index + chunk.count(), units.len() as u64);
            }
        };
        for bytes in input.chunks(piece) {
            cutter.push(bytes);
            take(&mut cutter);
            assert!(
                cutter.buffer.len() <= limits.line_bytes + piece + mbox::MOST_SEPARATOR_BYTES * 2 + limits.mail_bytes
            );
        }
        cutter.finish();
        take(&mut cutter);
        units
    }

    fn small() -> Limits {
        Limits { line_bytes: 10, mail_bytes: 200, ..Limits::default() }
    }

    #[test]
    fn lines_come_whole_however_they_are_split() {
        let input = b"{\"a\":1}\r\n\n  \n{\"b\":2}\n0123456789abcdef\n{}\n0123456789abcdef";
        for piece in 1..input.len() {
            let units = cut(Form::Lines, input, piece, &small());
            let expected =
                [Some("{\"a\":1}\r".to_owned()), Some("{\"b\":2}".to_owned()), None, Some("{}".to_owned()), None];
            assert_eq!(units, expected, "in pieces of {piece}");
        }
        assert!(cut(Form::Lines, b"\n \r\n", 1, &small()).is_empty());
        assert!(cut(Form::Lines, b"", 1, &small()).is_empty());
    }

    #[test]
    fn messages_come_whole_however_they_are_split() {
        let message =
            |name: &str, size: usize| format!("From {name} Mon Nov 23 07:12:45 2026\n\n{}\n\n", "x".repeat(size));
        let (a, huge, c) = (message("a", 50), message("b", 3000), message("c", 60));
        let input = format!("{a}{huge}{c}");
        for piece in (1..input.len()).step_by(13) {
            let units = cut(Form::Mbox, input.as_bytes(), piece, &small());
            assert_eq!(units, [Some(a.clone()), None, Some(c.clone())], "in pieces of {piece}");
        }
        assert_eq!(cut(Form::Mbox, b"Subject: x\n\nno mailbox", 7, &small()).len(), 1);
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(input in "([a-c]{0,14}\r?\n| |\n){0,30}", piece in 1_usize..40) {
            let whole = cut(Form::Lines, input.as_bytes(), input.len().max(1), &small());
            prop_assert_eq!(cut(Form::Lines, input.as_bytes(), piece, &small()), whole);
        }
    }
}
