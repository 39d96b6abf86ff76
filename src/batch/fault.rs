//! What is wrong with one item. The text is public: it says what was wrong and what was expected, and never holds an address
//! or the words of a mail.

use serde::{Serialize, Serializer, ser::SerializeStruct};

/// One item that could not be classified, or one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which kind.
    pub kind: FaultKind,
    /// Where it stands in the item (RFC 6901), for a field that is wrong.
    pub pointer: Option<String>,
    /// What was wrong and what was expected.
    pub detail: String,
}

/// Kinds of faults, each with its HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// No JSON, no base64, no UTF-8, broken compression.
    Malformed,
    /// Nothing came, or nothing was taken, for too long.
    TooSlow,
    /// Over a bound.
    TooLarge,
    /// Well-formed, but wrong.
    Wrong,
    /// Ours.
    Internal,
    /// More than there is room for now.
    Overload,
}

/// Where batches are served: the `instance` of every problem in one, on the command line too.
const INSTANCE: &str = "/v1/classify/batch";

impl FaultKind {
    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::TooSlow => 408,
            Self::TooLarge => 413,
            Self::Wrong => 422,
            Self::Internal => 500,
            Self::Overload => 503,
        }
    }

    /// The status in words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Malformed => "Bad Request",
            Self::TooSlow => "Request Timeout",
            Self::TooLarge => "Payload Too Large",
            Self::Wrong => "Unprocessable Entity",
            Self::Internal => "Internal Server Error",
            Self::Overload => "Service Unavailable",
        }
    }
}

impl Fault {
    /// A fault of this kind; `detail` says what was wrong and what was expected.
    pub fn new(kind: FaultKind, detail: impl Into<String>) -> Self {
        Self { kind, pointer: None, detail: detail.into() }
    }

    /// A field that is wrong.
    pub(super) fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { kind: FaultKind::Wrong, pointer: Some(pointer.into()), detail: detail.into() }
    }

    /// The same fault of an item that stands at `place` in a larger document.
    pub(super) fn below(mut self, place: &str) -> Self {
        if let Some(pointer) = &mut self.pointer {
            pointer.insert_str(0, place);
        }
        self
    }
}

/// As a problem (RFC 9457), for an answer that tells many results.
impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct FieldError<'a> {
            pointer: &'a str,
            detail: &'a str,
        }
        let errors = self.pointer.as_deref().map(|pointer| [FieldError { pointer, detail: &self.detail }]);
        let mut problem = serializer.serialize_struct("Problem", 5 + usize::from(errors.is_some()))?;
        problem.serialize_field("type", "about:blank")?;
        problem.serialize_field("title", self.kind.title())?;
        problem.serialize_field("status", &self.kind.status())?;
        problem.serialize_field("detail", &self.detail)?;
        problem.serialize_field("instance", INSTANCE)?;
        if let Some(errors) = errors {
            problem.serialize_field("errors", &errors)?;
        }
        problem.end()
    }
}
