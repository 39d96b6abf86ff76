//! From an item to its answer, and from a chunk of items to their results.

use std::{
    borrow::Cow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::{Chunk, Fault, FaultKind, Form, Id, Item, Known, Outcome, ResultLine, Subject, Summary, mbox};
use crate::{
    catalog::Catalog,
    classify::{self, Evidence, Fields, ReportView, Verdict},
    limits::Limits,
    report,
    smtp::Reply,
    telemetry::Metrics,
};

/// How items are classified: by which catalogue, within which bounds, and how their answers are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Classifier<'c> {
    /// What is known.
    pub catalog: &'c Catalog,
    /// The bounds.
    pub limits: &'c Limits,
    /// The language of the texts.
    pub language: &'c str,
    /// How much of a verdict is wanted.
    pub fields: Fields,
    /// Header fields of the original mail to give back, in lower case.
    pub headers: &'c [String],
    /// Where verdicts are counted, if anybody asks for the numbers.
    pub metrics: Option<&'c Metrics>,
}

impl Classifier<'_> {
    /// Classifies one item that was checked.
    pub fn classify<R>(&self, item: &Item<'_>, then: impl FnOnce(Outcome<'_>) -> R) -> R {
        match &item.subject {
            Subject::Reply(reply) => self.reply(reply, &item.known, |verdict| then(Outcome::Verdict(verdict))),
            Subject::Mail(mail) => self.mail(mail, &item.known, |report| then(Outcome::Report(report))),
        }
    }

    /// Tells what a reply means. What the caller knows goes before what its wrapping tells.
    fn reply<R>(&self, text: &str, known: &Known<'_>, then: impl FnOnce(&Verdict<'_>) -> R) -> R {
        let reply = Reply::parse(text);
        let own = Evidence::of(&reply);
        let evidence = Evidence {
            command: known.command.or(own.command),
            remote_host: known.remote_host.as_deref().or(own.remote_host),
            ..own
        };
        let decision = classify::weigh(self.catalog, &evidence);
        let recipient = known.recipient.as_deref().or(reply.recipient.as_deref());
        if let Some(metrics) = self.metrics {
            metrics.observe(self.catalog, &decision, &reply, recipient);
        }
        let with = (evidence.command, recipient);
        then(&Verdict::new(self.catalog, &decision, &reply, with, self.language, self.fields))
    }

    /// Tells what a mail means. What the mail tells goes before what the caller knows.
    fn mail<R>(&self, mail: &[u8], known: &Known<'_>, then: impl FnOnce(&ReportView<'_>) -> R) -> R {
        let mut report = report::read(self.catalog, mail, self.headers, self.limits);
        let owned = |value: &Option<Cow<'_, str>>| value.as_deref().map(str::to_owned);
        // Of several recipients, nobody can say which one the caller means.
        if let [only] = report.recipients.as_mut_slice() {
            only.address = only.address.take().or_else(|| owned(&known.recipient));
        }
        for recipient in &mut report.recipients {
            recipient.remote_mta = recipient.remote_mta.take().or_else(|| owned(&known.remote_host));
            recipient.reply.command = recipient.reply.command.or(known.command);
        }
        then(&match self.metrics {
            Some(metrics) => metrics.view_report(self.catalog, &report, self.language, self.fields),
            None => ReportView::new(self.catalog, &report, self.language, self.fields),
        })
    }

    /// Classifies every item of a chunk; `write` appends each result to what is given out.
    pub fn run(&self, chunk: &Chunk, write: &dyn Fn(&ResultLine<'_>, &mut Vec<u8>)) -> Finished {
        // A verdict's core is some five times its reply; growing a buffer by doubling would copy it several times.
        let mut finished = Finished { out: Vec::with_capacity(chunk.len() * 5), summary: Summary::default() };
        for (index, unit) in (chunk.first_index..).zip(chunk.units(self.limits)) {
            self.one(chunk.form, unit, index, Id::None, &mut finished, write);
        }
        finished.summary.find_rate();
        finished
    }

    /// Classifies a mail that is in a file of its own.
    pub fn run_mail(
        &self,
        mail: Result<&[u8], Fault>,
        file: &str,
        index: u64,
        finished: &mut Finished,
        write: &dyn Fn(&ResultLine<'_>, &mut Vec<u8>),
    ) {
        self.one(Form::Mail, mail, index, Id::File(file), finished, write);
    }

    /// One unit. Should classifying it panic, it is one problem like any other fault: the rest of the batch goes on.
    fn one(
        &self,
        form: Form,
        unit: Result<&[u8], Fault>,
        index: u64,
        id: Id<'_>,
        finished: &mut Finished,
        write: &dyn Fn(&ResultLine<'_>, &mut Vec<u8>),
    ) {
        let start = finished.out.len();
        let done = catch_unwind(AssertUnwindSafe(|| self.answer(form, unit, index, id, finished, write)));
        if done.is_err() {
            tracing::error!(index, "classifying an item panicked");
            if let Some(metrics) = self.metrics {
                metrics.panics.increment();
            }
            finished.out.truncate(start);
            let detail = "the service failed to classify this item; the fault is ours, not in your request";
            let fault = Fault::new(FaultKind::Internal, detail);
            tell(&ResultLine { id: Id::None, index, outcome: Outcome::Problem(&fault) }, finished, write);
        }
    }

    fn answer(
        &self,
        form: Form,
        unit: Result<&[u8], Fault>,
        index: u64,
        file: Id<'_>,
        finished: &mut Finished,
        write: &dyn Fn(&ResultLine<'_>, &mut Vec<u8>),
    ) {
        let (id, item) = match (unit, form) {
            (Err(fault), _) => (file, Err(fault)),
            (Ok(line), Form::Lines) => named(Item::read(line, "the line", self.limits)),
            (Ok(element), Form::Elements) => {
                let (id, item) = named(Item::read(element, "the item", self.limits));
                (id, item.map_err(|fault| fault.below(&format!("/items/{index}"))))
            }
            (Ok(message), Form::Mbox) => (file, mbox::mail_of(message).and_then(|mail| self.mail_item(mail))),
            (Ok(mail), Form::Mail) => (file, self.mail_item(Cow::Borrowed(mail))),
        };
        match item {
            Ok(item) => self.classify(&item, |outcome| {
                tell(&ResultLine { id, index, outcome }, finished, write);
            }),
            Err(fault) => tell(&ResultLine { id, index, outcome: Outcome::Problem(&fault) }, finished, write),
        }
    }

    fn mail_item<'m>(&self, mail: Cow<'m, [u8]>) -> Result<Item<'m>, Fault> {
        let item = Item { subject: Subject::Mail(mail), known: Known::default() };
        item.check(self.limits)?;
        Ok(item)
    }
}

/// A [`Classifier`] that may go from thread to thread, and the form of what it writes.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What is known. A batch keeps it to its end, so that it never sees half of two.
    pub catalog: Arc<Catalog>,
    /// The bounds.
    pub limits: Limits,
    /// The language of the texts.
    pub language: String,
    /// How much of a verdict is wanted.
    pub fields: Fields,
    /// Header fields of the original mail to give back, in lower case.
    pub headers: Vec<String>,
    /// Where verdicts are counted, if anybody asks for the numbers.
    pub metrics: Option<Arc<Metrics>>,
}

/// What came of a chunk.
#[derive(Debug, Default)]
pub struct Finished {
    /// Its results, as they were written.
    pub out: Vec<u8>,
    /// What they come to.
    pub summary: Summary,
}

impl Wanted {
    /// The classifier itself.
    pub fn classifier(&self) -> Classifier<'_> {
        Classifier {
            catalog: &self.catalog,
            limits: &self.limits,
            language: &self.language,
            fields: self.fields,
            headers: &self.headers,
            metrics: self.metrics.as_deref(),
        }
    }
}

fn named<'a>(
    (id, item): (Option<&'a serde_json::value::RawValue>, Result<Item<'a>, Fault>),
) -> (Id<'a>, Result<Item<'a>, Fault>) {
    (id.map_or(Id::None, Id::Given), item)
}

fn tell(line: &ResultLine<'_>, finished: &mut Finished, write: &dyn Fn(&ResultLine<'_>, &mut Vec<u8>)) {
    write(line, &mut finished.out);
    finished.summary.count(&line.outcome);
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::batch::Cutter;

    static CATALOG: LazyLock<Arc<Catalog>> = LazyLock::new(|| Arc::new(Catalog::built_in().unwrap()));
    static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics::new(CATALOG.clone()));

    fn as_line(result: &ResultLine<'_>, out: &mut Vec<u8>) {
        result.append_json(out);
        out.push(b'\n');
    }

    fn run(form: Form, input: &[u8], write: &dyn Fn(&ResultLine<'_>, &mut Vec<u8>)) -> (Vec<Value>, u64) {
        let limits = Limits::default();
        let classifier = Classifier {
            catalog: &CATALOG,
            limits: &limits,
            language: "en",
            fields: Fields::Core,
            headers: &[],
            metrics: Some(&METRICS),
        };
        let mut cutter = Cutter::new(form, &limits);
        cutter.push(input);
        cutter.finish();
        let Some(chunk) = cutter.take(0) else { return (Vec::new(), 0) };
        let finished = classifier.run(&chunk, write);
        let lines = finished.out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        (lines.map(|line| serde_json::from_slice(line).unwrap()).collect(), finished.summary.items)
    }

    #[test]
    fn an_item_that_panics_is_one_problem_and_the_rest_goes_on() {
        let write = |result: &ResultLine<'_>, out: &mut Vec<u8>| {
            as_line(result, out);
            assert!(matches!(result.outcome, Outcome::Problem(_)) || result.index != 1, "as a bug would");
        };
        let line = "{\"id\":\"a\",\"reply\":\"550 5.1.1 User unknown\"}\n";
        let (results, items) = run(Form::Lines, line.repeat(3).as_bytes(), &write);
        assert_eq!((results.len(), items), (3, 3));
        assert!(results[0]["verdict"].is_object() && results[2]["verdict"].is_object());
        assert_eq!(results[1]["problem"]["status"], 500);
        assert_eq!(METRICS.panics.get(), 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn any_bytes_have_a_result_for_each_unit(
            input in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..300),
                "(\\{\"(id|reply|message|command)\":(\"[a-z0-9 .\\\\]{0,9}\"|[0-9]{1,3}|null|\\[\\])\\}?\r?\n|From a 1:2\n\n){0,9}"
                    .prop_map(String::into_bytes),
            ],
            is_mbox: bool,
        ) {
            let (results, items) = run(if is_mbox { Form::Mbox } else { Form::Lines }, &input, &as_line);
            prop_assert_eq!(results.len() as u64, items);
            for (index, result) in results.iter().enumerate() {
                prop_assert_eq!(result["index"].as_u64(), Some(index as u64));
                let told = ["verdict", "report", "problem"].iter().filter(|key| result[**key].is_object()).count();
                prop_assert_eq!(told, 1);
            }
        }
    }
}
