//! Proves dialects by their examples: each must be recognised as its own dialect and give what it promises.

use super::{Report, read};
use crate::{
    catalog::{Catalog, CatalogError, Dialect, Example, Fault},
    limits::Limits,
    smtp::{Command, ReplyCode},
};

/// Reads every dialect's examples.
///
/// # Errors
/// What an example gives otherwise than it promises, all at once.
pub fn prove(catalog: &Catalog) -> Result<(), CatalogError> {
    let faults: Vec<Fault> = catalog
        .dialects()
        .iter()
        .flat_map(|dialect| dialect.examples.iter().enumerate().map(move |(at, example)| (dialect, at, example)))
        .filter_map(|(dialect, at, example)| {
            let what = differs(catalog, dialect, example)?;
            Some(Fault {
                file: "dialects".to_owned(),
                line: 0,
                what: format!("{}: example {}: {what}", dialect.id, at + 1),
            })
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(CatalogError { faults }) }
}

/// In what an example differs from what it promises.
fn differs(catalog: &Catalog, dialect: &Dialect, example: &Example) -> Option<String> {
    let mail = example.mail.trim_start_matches('\n');
    let report = read(catalog, mail.as_bytes(), &[], &Limits::default());
    let recognised = report.dialect.as_deref();
    if recognised != Some(dialect.id.as_str()) && !dialect.is_generic() {
        return Some(format!("it is taken for {}", recognised.unwrap_or("no known dialect")));
    }
    if report.kind != example.kind {
        return Some(format!("it is told as {:?}, expected {:?}", report.kind, example.kind));
    }
    if report.recipients.len() != example.recipients.len() && !example.recipients.is_empty() {
        let found: Vec<_> = report.recipients.iter().filter_map(|r| r.address.as_deref()).collect();
        return Some(format!(
            "it gives {} recipients ({}), expected {}",
            found.len(),
            found.join(", "),
            example.recipients.len()
        ));
    }
    example.recipients.iter().find_map(|expected| recipient_differs(&report, expected))
}

fn recipient_differs(report: &Report, expected: &crate::catalog::ExampleRecipient) -> Option<String> {
    let address = &expected.address;
    let is_named = |found: &Option<String>| found.as_ref().is_some_and(|found| found.eq_ignore_ascii_case(address));
    let Some(found) = report.recipients.iter().find(|r| is_named(&r.address) || is_named(&r.original_address)) else {
        let given: Vec<_> = report.recipients.iter().filter_map(|r| r.address.as_deref()).collect();
        return Some(format!("{address} is missing; it gives {}", given.join(", ")));
    };
    let reply = &found.reply;
    let code = reply.code.map(ReplyCode::number);
    let enhanced = reply.enhanced.map(|code| code.to_string());
    let command = reply.command.map(Command::as_str);
    if expected.code.is_some() && expected.code != code {
        return Some(format!("{address}: the code is {code:?}, expected {:?}", expected.code));
    }
    if expected.enhanced.is_some() && expected.enhanced != enhanced {
        return Some(format!("{address}: the enhanced code is {enhanced:?}, expected {:?}", expected.enhanced));
    }
    if expected.command.is_some() && expected.command.as_deref() != command {
        return Some(format!("{address}: the command is {command:?}, expected {:?}", expected.command));
    }
    let words = expected.words.as_deref().unwrap_or_default();
    (!reply.text.contains(words)).then(|| format!("{address}: {words:?} is not in its words {:?}", reply.text))
}
