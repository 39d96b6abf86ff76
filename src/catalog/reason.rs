//! How a verdict's reason is told to people.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{error::Fault, files::Located, text::Text, vocabulary::Reason};

/// A reason and its sentence.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReasonTable {
    pub(super) id: Reason,
    text: Text,
}

/// The sentence of every reason; one without is a fault.
pub(super) fn by_id(tables: &[Located<ReasonTable>], faults: &mut Vec<Fault>) -> BTreeMap<Reason, Text> {
    let reasons: BTreeMap<Reason, Text> =
        tables.iter().map(|located| (located.table.id, located.table.text.clone())).collect();
    for reason in Reason::ALL.iter().filter(|reason| !reasons.contains_key(reason)) {
        let what = format!("there is no `[[reason]]` {reason:?}; verdicts are explained with it");
        faults.push(Fault { file: "reasons".to_owned(), line: 0, what });
    }
    reasons
}
