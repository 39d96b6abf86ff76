//! `retoure classify`: one reply or one report mail, from the arguments, a file or standard input.

use std::{
    fs::File,
    io::{self, IsTerminal, Read},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::Args;

use super::{Output, explain, labels::Labels, page::Page, print};
use crate::{
    catalog::Catalog,
    classify::{self, Evidence, EvidenceSource, Fields, ReportView, Verdict},
    limits::Limits,
    report,
    smtp::{Command, Reply},
};

/// Arguments of `retoure classify`.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The reply, bare or as it stands in a log line, or the file of a report mail; `-` or nothing reads standard input
    #[arg(value_name = "TEXT|FILE")]
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
    #[arg(long, conflicts_with = "json")]
    explain: bool,
    #[command(flatten)]
    output: Output,
}

impl Arguments {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let input = self.input()?;
        let catalog = self.output.load()?;
        let language = self.output.language(&catalog);
        let labels = Labels::of(language);
        if self.message || looks_like_mail(&input) {
            let report = report::read(&catalog, &input, &[], &Limits::default());
            let view = ReportView::new(&catalog, &report, language, Fields::All);
            let text = if self.output.json {
                serde_json::to_string_pretty(&view)?
            } else {
                report_page(&catalog, &view, language, labels)
            };
            print(&text)?;
            if self.explain {
                print(&explain::of_message(&catalog, &input, (language, labels)))?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        let text = String::from_utf8_lossy(&input);
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
        let reply = Reply::parse(&text);
        let evidence = Evidence { command: self.command.or(reply.command), ..Evidence::of(&reply) };
        let decision = classify::weigh(&catalog, &evidence);
        let recipient = self.recipient.as_deref().or(reply.recipient.as_deref());
        let verdict = Verdict::new(&catalog, &decision, &reply, (evidence.command, recipient), language, Fields::All);
        if self.output.json {
            print(&serde_json::to_string_pretty(&verdict)?)?;
        } else {
            let mut page = Page::new();
            add_verdict(&mut page, &catalog, &verdict, language, labels);
            print(&page.finish())?;
        }
        if self.explain {
            print(&explain::of_reply(&catalog, &text, self.command, (language, labels)))?;
        }
        Ok(ExitCode::SUCCESS)
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

    if let Some(remedy) = &verdict.remediation {
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
