//! `retoure lookup`: a code, a category, or a search.

use std::process::ExitCode;

use clap::Args;

use super::{Output, labels::Labels, page::Page, print};
use crate::catalog::{Catalog, CategoryView, CodeFilter, CodeQuery, CodeView};

/// How many finds a search shows.
const MOST_FOUND: usize = 15;

/// Arguments of `retoure lookup`.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// A code (550, 5.7.26, 550-5.7.1, 4xx), the id of a category, or words to search the codes for
    #[arg(value_name = "CODE", required = true)]
    what: Vec<String>,
    #[command(flatten)]
    output: Output,
}

impl Arguments {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let catalog = self.output.load()?;
        let language = self.output.language(&catalog);
        let labels = Labels::of(language);
        let what = self.what.join(" ");
        if let Some(category) = catalog.category_named(&what) {
            let view = catalog.category_view(category, language);
            self.show(&view, || category_page(&view, labels))?;
            return Ok(ExitCode::SUCCESS);
        }
        match what.parse::<CodeQuery>() {
            Ok(query) => {
                let view = catalog.look_up(query, language)?;
                self.show(&view, || code_page(&view, labels))?;
            }
            Err(not_a_code) => {
                let found = search(&catalog, &what, language);
                if found.is_empty() {
                    anyhow::bail!("nothing was found: {not_a_code}, a category such as mailbox_full, or other words");
                }
                self.show(&found, || list_page(&found))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn show<T: serde::Serialize>(&self, value: &T, page: impl FnOnce() -> String) -> anyhow::Result<()> {
        if self.output.json { print(&serde_json::to_string_pretty(value)?) } else { print(&page()) }
    }
}

fn search<'c>(catalog: &'c Catalog, words: &str, language: &str) -> Vec<CodeView<'c>> {
    let filter = CodeFilter { words: Some(words.to_owned()), ..CodeFilter::default() };
    let mut found = catalog.find_codes(&filter, language);
    found.truncate(MOST_FOUND);
    found
}

fn list_page(found: &[CodeView<'_>]) -> String {
    let mut page = Page::new();
    let rows: Vec<(&str, String)> = found.iter().map(|view| (view.code.as_str(), view.name.to_owned())).collect();
    page.facts(&rows);
    page.finish()
}

fn code_page(view: &CodeView<'_>, labels: &Labels) -> String {
    let mut page = Page::new();
    page.heading(&format!("{}  {}", view.code, view.name));
    page.paragraph(view.meaning);
    let mut facts = vec![(labels.status, labels.status(view.status).to_owned())];
    facts.push((labels.meaning, labels.bounce_type(view.bounce_type).to_owned()));
    facts.extend(view.category.map(|category| (labels.category, category.to_owned())));
    facts.extend(view.frequency.map(|frequency| (labels.frequency, labels.frequency(frequency).to_owned())));
    facts.extend(view.severity.map(|severity| (labels.severity, labels.severity(severity).to_owned())));
    facts.extend(view.nature.map(|nature| (labels.nature, nature.to_owned())));
    page.facts(&facts);
    let standard = view.standard.into_iter().chain(view.standard_text);
    section(&mut page, labels.standard, standard, Page::paragraph);
    let observed = view.observed.iter().map(|observed| format!("{} ({})", observed.meaning, observed.source.title));
    section(&mut page, labels.elsewhere, observed, Page::item);
    section(&mut page, labels.contradiction, view.note, Page::paragraph);
    section(&mut page, labels.causes, view.causes, Page::item);
    if !view.remedies.is_empty() {
        page.heading(labels.what_to_do);
        page.steps(view.remedies);
    }
    sources(&mut page, &view.sources, labels);
    page.finish()
}

fn category_page(view: &CategoryView<'_>, labels: &Labels) -> String {
    let mut page = Page::new();
    page.heading(&format!("{}  {}", view.id, view.name));
    page.paragraph(view.summary);
    page.facts(&[
        (labels.meaning, labels.bounce_type(view.bounce_type).to_owned()),
        (labels.reach, labels.scope(view.scope).to_owned()),
        (labels.next, labels.action(view.action).to_owned()),
    ]);
    section(&mut page, labels.causes, view.causes, Page::item);
    page.heading(&format!("{} ({})", labels.what_to_do, labels.responsible(view.responsible)));
    page.steps(view.steps);
    let links = view.links.iter().map(|link| format!("{}: {}", link.title, link.url));
    section(&mut page, labels.read_on, links, Page::item);
    sources(&mut page, &view.sources, labels);
    page.finish()
}

/// A heading with what stands under it, if anything does.
fn section<T: AsRef<str>>(
    page: &mut Page,
    heading: &str,
    texts: impl IntoIterator<Item = T>,
    write: impl Fn(&mut Page, &str),
) {
    for (at, text) in texts.into_iter().enumerate() {
        if at == 0 {
            page.heading(heading);
        }
        write(page, text.as_ref());
    }
}

fn sources(page: &mut Page, sources: &[crate::catalog::SourceView<'_>], labels: &Labels) {
    let lines = sources.iter().map(|source| match &source.url {
        Some(url) => format!("{}: {url}", source.title),
        None => source.title.to_string(),
    });
    section(page, labels.sources, lines, Page::item);
}
