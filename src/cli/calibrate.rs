//! `retoure calibrate`: how right verdicts are on labelled replies and mails, how well confidences hold, and the table that
//! makes them hold.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::Args;
use serde::Deserialize;

use super::{load, print};
use crate::{
    catalog::{BounceType, Calibration, Catalog},
    classify::{self, Decision, Evidence, Judged, bins, calibration_error, cross_validated_error, fit},
    limits::Limits,
    report,
    smtp::Reply,
};

/// Arguments of `retoure calibrate`.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Labelled replies (JSON lines with `text`, `category`, `category_alt`, `types`), or folders with replies.jsonl and
    /// with mails.jsonl and mails/
    #[arg(value_name = "FILE|DIR", required = true)]
    labelled: Vec<PathBuf>,
    /// Print the table for catalog/calibration.toml, fitted to these labels
    #[arg(long)]
    fit: bool,
    /// A directory of TOML files that add to the built-in catalogue or override it by id
    #[arg(long, env = "RETOURE_CATALOG", value_name = "DIR")]
    catalog: Option<PathBuf>,
}

/// What is right for one recipient.
#[derive(Debug, Deserialize)]
struct Gold {
    category: Option<String>,
    #[serde(default)]
    category_alt: Vec<Option<String>>,
    types: Vec<String>,
    #[serde(default)]
    doubt: bool,
}

#[derive(Debug, Deserialize)]
struct LabelledReply {
    text: String,
    command: Option<String>,
    #[serde(flatten)]
    gold: Gold,
}

#[derive(Debug, Deserialize)]
struct LabelledMail {
    file: String,
    #[serde(default)]
    doubt: bool,
    recipients: Vec<LabelledRecipient>,
}

#[derive(Debug, Deserialize)]
struct LabelledRecipient {
    address: Option<String>,
    #[serde(default)]
    address_alt: Vec<String>,
    #[serde(default)]
    address_free: bool,
    #[serde(flatten)]
    gold: Gold,
}

/// What was counted.
#[derive(Debug, Default)]
struct Tally {
    judged: Vec<Judged>,
    types: Share,
    false_hard: Share,
}

/// Some of all.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    some: usize,
    all: usize,
}

impl Share {
    fn add(&mut self, is_one: bool) {
        self.some += usize::from(is_one);
        self.all += 1;
    }

    fn percent(self) -> String {
        let share = if self.all == 0 { 0.0 } else { self.some as f64 / self.all as f64 };
        format!("{:5.1} % of {}", share * 100.0, self.all)
    }
}

impl Arguments {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let catalog = load(self.catalog.as_deref())?;
        let mut tally = Tally::default();
        for path in &self.labelled {
            if path.is_dir() {
                let (replies, mails) = (path.join("replies.jsonl"), path.join("mails.jsonl"));
                if !replies.is_file() && !mails.is_file() {
                    bail!("{} holds no replies.jsonl and no mails.jsonl; expected one of them", path.display());
                }
                if replies.is_file() {
                    tally.read_replies(&catalog, &replies)?;
                }
                if mails.is_file() {
                    tally.read_mails(&catalog, &mails, &path.join("mails"))?;
                }
            } else {
                tally.read_replies(&catalog, path)?;
            }
        }
        if tally.judged.is_empty() {
            bail!("no line has a `category`; expected labelled replies, such as those in tests/labelled");
        }
        print(&if self.fit { table(&tally.judged, &self.labelled) } else { tally.page(catalog.calibration()) })?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Tally {
    fn read_replies(&mut self, catalog: &Catalog, path: &Path) -> anyhow::Result<()> {
        for labelled in read_lines::<LabelledReply>(path)? {
            let reply = Reply::parse(&labelled.text);
            let command = labelled.command.as_deref().and_then(|command| command.parse().ok()).or(reply.command);
            let decision = classify::weigh(catalog, &Evidence { command, ..Evidence::of(&reply) });
            self.judge(catalog, &labelled.gold, &decision);
        }
        Ok(())
    }

    fn read_mails(&mut self, catalog: &Catalog, path: &Path, folder: &Path) -> anyhow::Result<()> {
        for labelled in read_lines::<LabelledMail>(path)?.into_iter().filter(|mail| !mail.doubt) {
            let file = folder.join(&labelled.file);
            let mail = fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
            let report = report::read(catalog, &mail, &[], &Limits::default());
            let mut left: Vec<&report::Recipient> = report.recipients.iter().collect();
            for gold in &labelled.recipients {
                let named = left.iter().position(|found| gold.is_named_by(found));
                let Some(at) = named.or((gold.address_free && !left.is_empty()).then_some(0)) else { continue };
                let found = left.remove(at);
                self.judge(catalog, &gold.gold, &classify::weigh_recipient(catalog, found));
            }
        }
        Ok(())
    }

    fn judge(&mut self, catalog: &Catalog, gold: &Gold, decision: &Decision<'_>) {
        if gold.doubt {
            return;
        }
        let type_name = match decision.bounce_type {
            BounceType::Hard => "hard",
            BounceType::Soft => "soft",
            BounceType::None => "none",
        };
        if gold.types != ["none"] {
            self.types.add(gold.types.iter().any(|wanted| wanted == type_name));
            if gold.types == ["soft"] {
                self.false_hard.add(type_name == "hard");
            }
        }
        if gold.category.is_none() && gold.category_alt.is_empty() {
            return;
        }
        let category = decision.category.map(|id| catalog.category(id).id.clone());
        let is_right = category == gold.category || gold.category_alt.contains(&category);
        if let Some(id) = decision.category {
            self.judged.push(Judged { score: decision.confidence, is_unknown: id == catalog.unknown(), is_right });
        }
    }

    fn page(&self, calibration: &Calibration) -> String {
        let raw = calibration_error(&bins(&self.judged, &Calibration::default()));
        let told = bins(&self.judged, calibration);
        let category = Share { some: self.judged.iter().filter(|one| one.is_right).count(), all: self.judged.len() };
        let mut page = format!(
            "category right     {}\ntype right         {}\nfalse hard         {}\ncalibration error  {:.4} (of raw scores {raw:.4})\n\n\
             confidence   verdicts  mean  right\n",
            category.percent(),
            self.types.percent(),
            self.false_hard.percent(),
            calibration_error(&told),
        );
        for (at, bin) in told.iter().enumerate().filter(|(_, bin)| bin.count > 0) {
            let (low, count) = (at as f64 / 10.0, bin.count as f64);
            let (mean, right) = (bin.confidence / count, bin.right as f64 / count);
            page.push_str(&format!("{low:.1} to {:.1}   {:>8}  {mean:.2}  {right:.2}\n", low + 0.1, bin.count));
        }
        page.trim_end().to_owned()
    }
}

impl LabelledRecipient {
    fn is_named_by(&self, found: &report::Recipient) -> bool {
        let plain = |address: &str| address.trim_matches(['<', '>']).to_ascii_lowercase();
        let names: Vec<String> =
            [&found.address, &found.original_address].into_iter().flatten().map(|name| plain(name)).collect();
        self.address.iter().chain(&self.address_alt).any(|address| names.contains(&plain(address)))
    }
}

/// Every line of a file of JSON lines.
fn read_lines<T: serde::de::DeserializeOwned>(path: &Path) -> anyhow::Result<Vec<T>> {
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            serde_json::from_str(line).with_context(|| {
                let expected =
                    "expected labels such as {\"text\": \"550 …\", \"category\": \"policy\", \"types\": [\"soft\"]}";
                format!("{}:{}: {expected}", path.display(), at + 1)
            })
        })
        .collect()
}

/// The fitted table as it stands in the catalogue.
fn table(judged: &[Judged], labelled: &[PathBuf]) -> String {
    let names: Vec<String> = labelled
        .iter()
        .map(|path| path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned()))
        .collect();
    let knots: String = fit(judged).iter().map(|(score, share)| format!("  [{score}, {share}],\n")).collect();
    format!(
        "# Fitted by `retoure calibrate --fit` to {} verdicts of {}. Error when fitted to four fifths and measured on the last: {:.4}.\n\
         [[calibration]]\nid = \"confidence\"\nknots = [\n{knots}]\nsource = \"labelled\"",
        judged.len(),
        names.join(", "),
        cross_validated_error(judged),
    )
}
