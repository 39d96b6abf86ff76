//! From bytes to a report: the steps in their order, and which mail is read where one only wraps another.

use std::borrow::Cow;

use super::{
    Format, Original, Report, address,
    dialect::{self, Telling},
    is_report_kind,
    lines::head,
    mail::{Mail, with_line_feeds},
    original, words,
};
use crate::{
    catalog::{Catalog, Dialect, Kind, Rescue, RescueSign, Signs, fold},
    limits::Limits,
};

/// Reads a mail. `wanted` names the fields of the original that the caller wants back.
///
/// A mail that only wraps another is read as that other one: a person or a gateway passes a report on.
pub fn read(catalog: &Catalog, bytes: &[u8], wanted: &[String], limits: &Limits) -> Report {
    let (mut report, mut attached) = read_one(catalog, bytes, wanted, limits);
    for _ in 0..MOST_WRAPPINGS {
        let Some(bytes) = attached else { break };
        let (mut inner, next) = read_one(catalog, &bytes, wanted, limits);
        if is_report_kind(inner.kind) || inner.kind == Kind::Complaint {
            inner.cut.extend(std::mem::take(&mut report.cut));
            inner.cut.sort_unstable();
            inner.cut.dedup();
            return inner;
        }
        attached = next;
    }
    report
}

/// A dialect shows itself within so many bytes of words, or not at all. On one line of 5 MiB, folding and searching all 256 KiB
/// of words that are kept took a third of the time beyond the parser's.
const MOST_SIGN_BYTES: usize = 64 << 10;

/// A report that is passed on more often than this is not looked for.
const MOST_WRAPPINGS: usize = 2;

/// Reads one mail, and gives back the mail that it may only wrap.
fn read_one(catalog: &Catalog, bytes: &[u8], wanted: &[String], limits: &Limits) -> (Report, Option<Vec<u8>>) {
    let bytes = with_line_feeds(bytes);
    let mut mail = Mail::read(&bytes, catalog.rescue(), limits);
    let attached = mail.attached_mail.take();
    let folded = fold(head(mail.report_part(), MOST_SIGN_BYTES));
    let signs = Signs { fields: &mail.fields, folded: &folded };
    let recognised = catalog.recognise_dialect(&signs);
    let is_known_form = recognised.is_some_and(|(dialect, _)| !dialect.is_generic());
    let source = Source { mail: &mail, recognised, rescue: catalog.rescue(), most: limits.recipients };
    let original = original::read(&mail, catalog.rescue(), wanted);
    let mut report = Report {
        kind: Kind::Other,
        format: Format::None,
        dialect: recognised.map(|(dialect, _)| dialect.id.clone()),
        subject: mail.field("subject").map(str::to_owned),
        from: mail.field("from").and_then(address::in_field),
        date: mail.field("date").map(str::to_owned),
        reporting_mta: None,
        arrival_date: None,
        original,
        complaint: None,
        recipients: Vec::new(),
        cut: mail.cut.clone(),
    };
    if let Some(text) = &mail.feedback {
        report.read_feedback(text, &mail);
    } else {
        report.read_delivery_status(&source, false);
    }
    if report.kind == Kind::Other {
        report.read_notification(&mail);
    }
    if report.kind == Kind::Other {
        report.read_words(&source);
    }
    if is_report_kind(report.kind) && report.recipients.iter().all(|recipient| recipient.address.is_none()) {
        report.read_delivery_status(&source, true);
    }
    if report.recipients.len() >= limits.recipients {
        report.cut.push("recipients");
    }
    let says_nothing = report.kind == Kind::Other && mail.disposition.is_none();
    let is_passed_on = || catalog.rescue().header_shows(RescueSign::Forward, &mail.fields);
    let may_wrap = || (says_nothing && (!is_known_form || is_passed_on())) || (mail.is_wrapping && !is_known_form);
    let attached = attached.filter(|_| may_wrap()).map(Cow::into_owned);
    (report, attached)
}

/// What a report is read from, and what is known of its form.
pub(super) struct Source<'a> {
    pub(super) mail: &'a Mail<'a>,
    /// The dialect, and whether it tells of a delay.
    pub(super) recognised: Option<(&'a Dialect, bool)>,
    pub(super) rescue: &'a Rescue,
    /// Recipients beyond this many are left out.
    pub(super) most: usize,
}

impl<'a> Source<'a> {
    /// Reads the words as a dialect writes them.
    pub(super) fn told_in(&self, dialect: &Dialect) -> Telling<'a> {
        dialect::read(dialect, self.mail.field("subject").unwrap_or_default(), &self.mail.text, self.most)
    }

    /// Reads the words of a mailer that nobody knows.
    pub(super) fn told_in_any_form(&self, original: &Original) -> Telling<'a> {
        words::read(self.mail, original, self.rescue, self.most)
    }
}
