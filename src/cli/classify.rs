//! `retoure classify`: one reply or one report mail, from the arguments, a file or standard input; or as many as come, as items
//! a line, a mailbox, or a folder of mails.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, IsTerminal, Read, Write},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::Args;

use super::{
    Output,
    batch::{self, Input},
    explain,
    labels::Labels,
    page::Page,
    print, table,
};
use crate::{
    batch::{Classifier, Form, Item, Known, Outcome, ResultLine, Subject},
    catalog::Catalog,
    classify::{EvidenceSource, Fields, ReportView, Verdict},
    limits::Limits,
    smtp::Command,
};

/// `EX_DATAERR` of `sysexits.h`: some of what was given to work on is wrong.
const DATA: u8 = 65;

/// Arguments of `retoure classify`.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The reply, bare or as it stands in a log line; or the file of a report mail, a mailbox, or a folder of mails; `-` or
    /// nothing reads standard input
    #[arg(value_name = "TEXT|PATH")]
    text: Vec<String>,
    /// The address the message was for
    #[arg(long, value_name = "ADDRESS")]
    recipient: Option<String>,
    /// The SMTP command that was answered: "RCPT TO", "DATA", "." …
    #[arg(long, value_name = "COMMAND")]
    command: Option<Command>,
    /// Take the input for a report mail, whatever it looks like
    #[arg(long)]
    message: bool,
    /// Tell how the verdict came about: what matched where, what stayed silent and why, what settled it
    #[arg(long, conflicts_with_all = ["json", "ndjson", "mbox", "summary"])]
    explain: bool,
    /// Take the input for items, one a line in JSON, and print a result a line, as the service does
    #[arg(long, conflicts_with_all = ["message", "mbox"])]
    ndjson: bool,
    /// Take the input for a mailbox (RFC 4155): many mails in one file
    #[arg(long, conflicts_with = "message")]
    mbox: bool,
    /// Of many, print only what they come to
    #[arg(long)]
    summary: bool,
    /// `core` leaves out codes, remedies and evidence
    #[arg(long, value_name = "FIELDS", default_value = "all")]
    fields: FieldsArgument,
    /// Header fields of the original mails to give back, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    headers: Vec<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum FieldsArgument {
    All,
    Core,
}

impl Arguments {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let inputs = self.many()?;
        let input = if inputs.is_empty() { self.input()? } else { Vec::new() };
        let catalog = self.output.load()?;
        let language = self.output.language(&catalog);
        let headers: Vec<String> = self.headers.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
        let fields = match self.fields {
            FieldsArgument::All => Fields::All,
            FieldsArgument::Core => Fields::Core,
        };
        let classifier = Classifier {
            catalog: &catalog,
            limits: &Limits::default(),
            language,
            fields,
            headers: &headers,
            metrics: None,
        };
        let labels = Labels::of(language);
        if self.explain && !inputs.is_empty() {
            bail!("--explain tells about one reply or mail; expected one, with --message if it looks like a mailbox");
        }
        if !inputs.is_empty() {
            return self.run_many(&inputs, &classifier, labels);
        }
        let item = self.item(input)?;
        let page = classifier.classify(&item, |outcome| match outcome {
            Outcome::Verdict(verdict) if self.output.json => Ok(serde_json::to_string_pretty(verdict)?),
            Outcome::Report(report) if self.output.json => Ok(serde_json::to_string_pretty(report)?),
            Outcome::Verdict(verdict) => {
                let mut page = Page::new();
                add_verdict(&mut page, &catalog, verdict, language, labels);
                Ok(page.finish())
            }
            Outcome::Report(report) => Ok(report_page(&catalog, report, language, labels)),
            Outcome::Problem(fault) => bail!("{}", fault.detail),
        })?;
        print(&page)?;
        if self.explain {
            print(&match &item.subject {
                Subject::Reply(text) => explain::of_reply(&catalog, text, self.command, (language, labels)),
                Subject::Mail(mail) => explain::of_message(&catalog, mail, (language, labels)),
            })?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What holds many items: what is said to, and mailboxes that a single argument names.
    fn many(&self) -> anyhow::Result<Vec<Input>> {
        let form = match (self.ndjson, self.mbox) {
            (true, _) => Form::Lines,
            (_, true) => Form::Mbox,
            _ => {
                return match self.text.as_slice() {
                    [path] if !self.message => Ok(Input::mailbox_at(Path::new(path))?.into_iter().collect()),
                    // As a shell writes `*.eml`.
                    [_, _, ..] if self.text.iter().all(|name| Path::new(name).exists()) => {
                        self.text.iter().map(|name| Input::of_mails(Path::new(name))).collect()
                    }
                    _ => Ok(Vec::new()),
                };
            }
        };
        match self.text.as_slice() {
            [] if io::stdin().is_terminal() => {
                bail!(
                    "there is nothing to classify; expected a file or standard input, such as: retoure classify --ndjson items.ndjson"
                )
            }
            [] => Ok(vec![Input::Standard(form)]),
            names => names
                .iter()
                .map(|name| if name == "-" { Ok(Input::Standard(form)) } else { Input::at(Path::new(name), form) })
                .collect(),
        }
    }

    fn run_many(&self, inputs: &[Input], classifier: &Classifier<'_>, labels: &Labels) -> anyhow::Result<ExitCode> {
        let json = self.ndjson || self.output.json;
        let as_json = |result: &ResultLine<'_>, out: &mut Vec<u8>| {
            result.append_json(out);
            out.push(b'\n');
        };
        let as_text = |result: &ResultLine<'_>, out: &mut Vec<u8>| table::append_result(result, labels, out);
        let not = |_: &ResultLine<'_>, _: &mut Vec<u8>| {};
        let summary = match (self.summary, json) {
            (true, _) => batch::run(inputs, classifier, &not),
            (false, true) => batch::run(inputs, classifier, &as_json),
            (false, false) => batch::run(inputs, classifier, &as_text),
        }?;
        let told = || table::of_summary(&summary, classifier.catalog, classifier.language, labels);
        match (self.summary, json) {
            (true, true) => print(&serde_json::to_string(&summary)?)?,
            (true, false) => print(&told())?,
            (false, false) => print(&format!("\n{}", told()))?,
            (false, true) => {
                // Nothing is left to do if even this cannot be written.
                let _ = writeln!(io::stderr().lock(), "{}", told());
            }
        }
        Ok(if summary.problems > 0 { ExitCode::from(DATA) } else { ExitCode::SUCCESS })
    }

    /// One reply or one mail, by what it looks like.
    fn item(&self, input: Vec<u8>) -> anyhow::Result<Item<'static>> {
        let known =
            Known { recipient: self.recipient.clone().map(Cow::Owned), remote_host: None, command: self.command };
        if self.message || looks_like_mail(&input) {
            return Ok(Item { subject: Subject::Mail(Cow::Owned(input)), known });
        }
        let text = String::from_utf8_lossy(&input).into_owned();
        let most = Limits::default().reply_bytes;
        if text.len() > most {
            bail!(
                "the reply is longer than {most} bytes; expected one server's reply, or a report mail with its header"
            );
        }
        if text.trim().is_empty() {
            bail!(
                "the reply is empty; expected what the server said, such as: retoure classify '550 5.1.1 User unknown'"
            );
        }
        Ok(Item { subject: Subject::Reply(Cow::Owned(text)), known })
    }

    /// The bytes to classify: of a file that the only argument names, of the arguments themselves, or of standard input.
    fn input(&self) -> anyhow::Result<Vec<u8>> {
        let most = Limits::default().mail_bytes;
        match self.text.as_slice() {
            [] | [_] if self.text.is_empty() || self.text == ["-"] => {
                let input = io::stdin().lock();
                if input.is_terminal() && self.text.is_empty() {
                    bail!("there is no reply; expected one, such as: retoure classify '550 5.1.1 User unknown'");
                }
                bounded(input, most).context("standard input cannot be read")
            }
            [name] if Path::new(name).is_file() => {
                let file = File::open(name).with_context(|| format!("{name} cannot be opened"))?;
                bounded(file, most).with_context(|| format!("{name} cannot be read"))
            }
            [name] if self.message => {
                bail!("{name} is no file; expected a report mail, such as: retoure classify bounce.eml")
            }
            words => Ok(words.join(" ").into_bytes()),
        }
    }
}

fn bounded(input: impl Read, most: usize) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        bail!("it is longer than {most} bytes; expected one report mail or one reply");
    }
    Ok(bytes)
}

/// Whether the input begins with a mail's header rather than with a server's words.
fn looks_like_mail(input: &[u8]) -> bool {
    const NAMES: [&str; 12] = [
        "received:",
        "return-path:",
        "from:",
        "to:",
        "date:",
        "message-id:",
        "subject:",
        "delivered-to:",
        "mime-version:",
        "x-original-to:",
        "content-type:",
        "x-failed-recipients:",
    ];
    let head = String::from_utf8_lossy(&input[..input.len().min(4096)]).to_ascii_lowercase();
    let head = head.trim_start();
    let mut lines = head.split(['\n', '\r']).filter(|line| !line.is_empty());
    let is_field = |line: &str| NAMES.iter().any(|name| line.starts_with(name));
    let first = lines.next().unwrap_or_default();
    (first.starts_with("from ") || is_field(first) || first.starts_with("x-"))
        && lines.filter(|line| is_field(line)).count() >= 1
}

/// A report for people: what it is about, and a verdict for each recipient.
fn report_page(catalog: &Catalog, view: &ReportView<'_>, language: &str, labels: &Labels) -> String {
    let mut page = Page::new();
    page.heading(labels.kind(view.kind));
    let about = [
        (labels.mailer, view.dialect),
        (labels.report_subject, view.subject),
        (labels.original_subject, view.original.subject),
        (labels.message_id, view.original.message_id),
    ];
    page.facts(&about.into_iter().filter_map(|(label, value)| Some((label, value?.to_owned()))).collect::<Vec<_>>());
    for recipient in &view.recipients {
        page.heading(recipient.verdict.recipient.unwrap_or("?"));
        add_verdict(&mut page, catalog, &recipient.verdict, language, labels);
    }
    page.finish()
}

/// A verdict for people.
fn add_verdict(page: &mut Page, catalog: &Catalog, verdict: &Verdict<'_>, language: &str, labels: &Labels) {
    let name = verdict.category.and_then(|id| catalog.category_named(id)).map(|category| category.name.get(language));
    let codes = verdict.reply.code.map(|code| code.to_string()).into_iter().chain(verdict.reply.enhanced.clone());
    let codes = codes.collect::<Vec<_>>().join(" ");
    page.paragraph(format!("{codes} {}", verdict.reply.text).trim());

    page.heading(name.unwrap_or_else(|| labels.kind(verdict.kind)));
    let permanence = verdict.permanence.map(|permanence| labels.permanence(permanence));
    let mut facts = vec![(labels.meaning, labels.bounce_type(verdict.bounce_type).to_owned())];
    facts.extend(permanence.map(|permanence| (labels.attempt, permanence.to_owned())));
    facts.extend(verdict.category.map(|category| (labels.category, category.to_owned())));
    facts.push((labels.reach, labels.scope(verdict.scope).to_owned()));
    facts.push((labels.next, labels.action(verdict.action).to_owned()));
    if let Some(seconds) = verdict.retry.after_seconds {
        facts.push((labels.again, labels.after(seconds)));
    }
    if let Some(list) = &verdict.blocklist {
        let subject = list.subject.map(|subject| format!(" ({subject})")).unwrap_or_default();
        facts.push((labels.blocklist, format!("{}{subject}", list.name)));
    }
    facts.push((labels.confidence, format!("{:.0} %", verdict.confidence * 100.0)));
    page.facts(&facts);

    if let Some(remedy) = verdict.remediation.map(|remedy| remedy.texts()) {
        page.heading(labels.what_happened);
        page.paragraph(remedy.summary);
        page.heading(&format!("{} ({})", labels.what_to_do, labels.responsible(remedy.responsible)));
        page.steps(remedy.steps);
        page.heading(labels.read_on);
        for link in &remedy.links {
            page.item(&format!("{}: {}", link.title, link.url));
        }
    }
    if let Some(evidence) = verdict.evidence.as_ref().filter(|evidence| !evidence.is_empty()) {
        page.heading(labels.evidence);
        for one in evidence {
            let category =
                one.category.filter(|_| !matches!(one.source, EvidenceSource::Phrase | EvidenceSource::Provider));
            let category = category.map(|category| format!(" → {category}")).unwrap_or_default();
            page.item(&format!("{:.2}  {}{category}: „{}“", one.weight, one.rule, one.matched));
        }
    }
}
