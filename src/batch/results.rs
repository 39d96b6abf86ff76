//! One result: which item it is about, and what came of it.

use serde::{Serialize, Serializer, ser::SerializeStruct};
use serde_json::value::RawValue;

use super::Fault;
use crate::classify::{ReportView, Verdict};

/// What names an item for its sender.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub enum Id<'a> {
    /// Nothing does.
    None,
    /// A string or a number, given back as it came.
    Given(&'a RawValue),
    /// The file it was in.
    File(&'a str),
}

/// What came of an item.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// What a reply means.
    Verdict(&'a Verdict<'a>),
    /// What a mail means.
    Report(&'a ReportView<'a>),
    /// Why there is neither.
    Problem(&'a Fault),
}

/// One result.
#[derive(Clone, Copy, Debug)]
pub struct ResultLine<'a> {
    /// The item's own name.
    pub id: Id<'a>,
    /// Its place among all, from 0.
    pub index: u64,
    /// What came of it.
    pub outcome: Outcome<'a>,
}

impl ResultLine<'_> {
    /// Appends it as JSON, without a line end.
    pub fn append_json(&self, out: &mut Vec<u8>) {
        // Writing to memory cannot fail, and every key in a result is a string.
        let _ = serde_json::to_writer(out, self);
    }
}

impl Serialize for ResultLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut result = serializer.serialize_struct("BatchResult", 3)?;
        result.serialize_field("id", &self.id)?;
        result.serialize_field("index", &self.index)?;
        match self.outcome {
            Outcome::Verdict(verdict) => result.serialize_field("verdict", verdict)?,
            Outcome::Report(report) => result.serialize_field("report", report)?,
            Outcome::Problem(fault) => result.serialize_field("problem", fault)?,
        }
        result.end()
    }
}
