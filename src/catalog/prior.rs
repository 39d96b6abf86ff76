//! What the bare codes say: the category to assume, and how much that is worth.

use std::collections::HashMap;

use super::{
    category::CategoryId,
    code::{Code, CodeKey},
};
use crate::smtp::{Command, EnhancedCode, ReplyCode};

/// What one code says about the cause, before any words are read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prior {
    /// The category to assume.
    pub category: CategoryId,
    /// How much that is worth, 0 to 0.9.
    pub weight: f32,
    /// Whether the command decided it.
    pub by_command: bool,
}

impl Prior {
    /// From this score on, evidence counts as specific to the address, which a hard verdict needs. A bare `550` (0.3) is
    /// below it, since it answers policy as often as an unknown mailbox; `5.1.1`, `512` and `556` are above.
    pub const SPECIFIC: f32 = 0.45;
}

/// The priors of all codes.
#[derive(Debug, Default)]
pub(super) struct Priors {
    codes: HashMap<CodeKey, Entry>,
}

#[derive(Debug)]
struct Entry {
    category: CategoryId,
    category_transient: CategoryId,
    weight: f32,
    by_command: Vec<(Command, CategoryId, f32)>,
}

/// A code that is not registered says less than the general code of its subject does.
const UNREGISTERED: f32 = 0.6;

impl Priors {
    pub(super) fn new<'a>(codes: impl Iterator<Item = &'a Code>, categories: &HashMap<String, CategoryId>) -> Self {
        let id = |name: &Option<String>| name.as_ref().and_then(|name| categories.get(name)).copied();
        let entry = |code: &Code| {
            let category = id(&code.category)?;
            Some(Entry {
                category,
                category_transient: id(&code.category_transient).unwrap_or(category),
                weight: code.weight?,
                by_command: code
                    .by_command
                    .iter()
                    .filter_map(|after| Some((after.command, *categories.get(&after.category)?, after.weight)))
                    .collect(),
            })
        };
        Self { codes: codes.filter_map(|code| Some((code.code, entry(code)?))).collect() }
    }

    pub(super) fn reply(&self, code: ReplyCode, command: Option<Command>) -> Option<Prior> {
        Some(self.codes.get(&CodeKey::Reply(code))?.prior(command, false))
    }

    /// The code's own prior, that of the same detail in any class, or, much weaker, that of its subject in general.
    pub(super) fn enhanced(&self, code: EnhancedCode, command: Option<Command>) -> Option<Prior> {
        let (subject, detail, transient) = (code.subject(), code.detail(), code.class() == 4);
        if let Some(entry) = self.codes.get(&CodeKey::Enhanced(code)) {
            return Some(entry.prior(command, false));
        }
        if let Some(entry) = self.codes.get(&CodeKey::AnyClass { subject, detail }) {
            return Some(entry.prior(command, transient));
        }
        let general = self.codes.get(&CodeKey::AnyClass { subject, detail: 0 })?.prior(command, transient);
        Some(Prior { weight: general.weight * UNREGISTERED, ..general })
    }
}

impl Entry {
    fn prior(&self, command: Option<Command>, transient: bool) -> Prior {
        let after = command.and_then(|command| self.by_command.iter().find(|(after, ..)| *after == command));
        match after {
            Some(&(_, category, weight)) => Prior { category, weight, by_command: true },
            None => {
                let category = if transient { self.category_transient } else { self.category };
                Prior { category, weight: self.weight, by_command: false }
            }
        }
    }
}
