//! Text for a terminal: headings, paragraphs and lists, wrapped to its width.

use std::io::{IsTerminal, stdout};

use textwrap::Options;

/// A page that is being written.
pub(super) struct Page {
    out: String,
    width: usize,
    bold: bool,
}

impl Page {
    pub(super) fn new() -> Self {
        let is_terminal = stdout().is_terminal();
        let width = if is_terminal { textwrap::termwidth().clamp(40, 100) } else { 100 };
        Self { out: String::new(), width, bold: is_terminal && std::env::var_os("NO_COLOR").is_none() }
    }

    pub(super) fn heading(&mut self, text: &str) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        let (on, off) = if self.bold { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        self.out.push_str(&format!("{on}{text}{off}\n"));
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        self.wrapped(text, "  ", "  ");
    }

    pub(super) fn item(&mut self, text: &str) {
        self.wrapped(text, "  - ", "    ");
    }

    pub(super) fn steps(&mut self, steps: &[String]) {
        for (at, step) in steps.iter().enumerate() {
            self.wrapped(step, &format!("{:>3}. ", at + 1), "     ");
        }
    }

    /// Names and values in two columns.
    pub(super) fn facts(&mut self, facts: &[(&str, String)]) {
        let column = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, value) in facts {
            let padding = " ".repeat(column - name.chars().count() + 2);
            self.wrapped(value, &format!("  {name}{padding}"), &" ".repeat(column + 4));
        }
    }

    /// Lines that must not be wrapped, and hold no control characters.
    pub(super) fn as_it_stands(&mut self, lines: &str) {
        self.out.push_str(lines);
    }

    pub(super) fn finish(self) -> String {
        self.out.trim_end().to_owned()
    }

    fn wrapped(&mut self, text: &str, first: &str, rest: &str) {
        let options = Options::new(self.width).initial_indent(first).subsequent_indent(rest).break_words(false);
        self.out.push_str(&textwrap::fill(&without_controls(text), options));
        self.out.push('\n');
    }
}

/// What a server said must not steer the terminal.
pub(super) fn without_controls(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
