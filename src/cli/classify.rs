//! `retoure classify`: one reply from the arguments or standard input.

use std::{
    io::{self, IsTerminal, Read},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::Args;

use super::{Output, labels::Labels, page::Page, print};
use crate::{
    classify::{self, Evidence, EvidenceSource, Fields, Verdict},
    limits::Limits,
    smtp::{Command, Reply},
};

/// Arguments of `retoure classify`.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The reply, bare or as it stands in a log line; `-` or nothing reads standard input
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Vec<String>,
    /// The address the message was for
    #[arg(long, value_name = "ADDRESS")]
    recipient: Option<String>,
    /// The SMTP command that was answered: "RCPT TO", "DATA", "." …
    #[arg(long, value_name = "COMMAND")]
    command: Option<Command>,
    #[command(flatten)]
    output: Output,
}

impl Arguments {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let text = self.text()?;
        if text.trim().is_empty() {
            bail!(
                "the reply is empty; expected what the server said, such as: retoure classify '550 5.1.1 User unknown'"
            );
        }
        let catalog = self.output.load()?;
        let language = self.output.language(&catalog);
        let reply = Reply::parse(&text);
        let evidence = Evidence { command: self.command.or(reply.command), ..Evidence::of(&reply) };
        let decision = classify::weigh(&catalog, &evidence);
        let recipient = self.recipient.as_deref().or(reply.recipient.as_deref());
        let verdict = Verdict::new(&catalog, &decision, &reply, (evidence.command, recipient), language, Fields::All);
        if self.output.json {
            print(&serde_json::to_string_pretty(&verdict)?)?;
        } else {
            let name = decision.category.map(|id| catalog.category(id).name.get(language));
            print(&page(&verdict, name, Labels::of(language)))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn text(&self) -> anyhow::Result<String> {
        let from_input = self.text.is_empty() || self.text == ["-"];
        if !from_input {
            return Ok(self.text.join(" "));
        }
        let mut input = io::stdin().lock();
        if input.is_terminal() && self.text.is_empty() {
            bail!("there is no reply; expected one, such as: retoure classify '550 5.1.1 User unknown'");
        }
        let most = Limits::default().reply_bytes;
        let mut bytes = Vec::new();
        input.by_ref().take(most as u64 + 1).read_to_end(&mut bytes).context("standard input cannot be read")?;
        if bytes.len() > most {
            bail!("the reply is longer than {most} bytes; expected one server's reply");
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// A verdict for people.
fn page(verdict: &Verdict<'_>, name: Option<&str>, labels: &Labels) -> String {
    let mut page = Page::new();
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
            let category = one.category.filter(|_| one.source != EvidenceSource::Phrase);
            let category = category.map(|category| format!(" → {category}")).unwrap_or_default();
            page.item(&format!("{:.2}  {}{category}: „{}“", one.weight, one.rule, one.matched));
        }
    }
    page.finish()
}
