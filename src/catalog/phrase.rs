//! A phrase: the words by which a cause is recognised, with the examples that prove it.

use serde::Deserialize;

use super::{
    category::{CategoryId, RetryAdvice},
    code::{CodeKey, from_text},
    pattern::Pattern,
    provider::ProviderId,
    rendered::Rendered,
    silent::Why,
    source::Citation,
    text::{Text, Texts},
    vocabulary::{Action, BounceType, Scope},
};
use crate::smtp::{Command, EnhancedCode, Reply, ReplyCode};

/// A phrase as its file tells it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PhraseTable {
    pub(super) id: String,
    pub(super) category: Option<String>,
    pub(super) effect: Option<Effect>,
    #[serde(default)]
    pub(super) any: Vec<String>,
    #[serde(default)]
    pub(super) all: Vec<String>,
    #[serde(default)]
    pub(super) none: Vec<String>,
    pub(super) pattern: Option<String>,
    /// What the pattern cannot do without, where the build has found that out; files do not say it.
    pub(super) needs: Option<Vec<Vec<String>>>,
    #[serde(default)]
    pub(super) codes: Vec<CodeKey>,
    #[serde(default)]
    pub(super) commands: Vec<CommandName>,
    #[serde(default)]
    pub(super) weight: f32,
    #[serde(rename = "type")]
    pub(super) bounce_type: Option<BounceType>,
    pub(super) scope: Option<Scope>,
    pub(super) action: Option<Action>,
    pub(super) retry: Option<RetryAdvice>,
    pub(super) provider: Option<String>,
    #[serde(default)]
    pub(super) reveals: bool,
    pub(super) meaning: Option<Text>,
    pub(super) steps: Option<Texts>,
    /// Its examples may be decided by other rules; for `retoure check` only.
    #[serde(default)]
    pub(super) yields: bool,
    pub(super) source: Citation,
    pub(super) examples: Vec<String>,
    #[serde(default)]
    pub(super) counter_examples: Vec<String>,
}

/// A command in a list, read by its own `FromStr`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct CommandName(#[serde(deserialize_with = "from_text")] pub(super) Command);

/// What a phrase says besides a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The server itself calls its refusal temporary: it is never hard.
    Transient,
}

/// What a phrase means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// The refusal has this cause.
    Cause(CategoryId),
    /// Something about the refusal, whatever its cause.
    Effect(Effect),
}

/// What is known of a reply besides its words.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    /// The reply code.
    pub code: Option<ReplyCode>,
    /// The enhanced code.
    pub enhanced: Option<EnhancedCode>,
    /// The command that was answered.
    pub command: Option<Command>,
    /// The provider that answered.
    pub provider: Option<ProviderId>,
}

/// A checked phrase.
#[derive(Clone, Debug)]
pub struct Phrase {
    /// `mailbox_full/over-quota`.
    pub id: String,
    /// What it means.
    pub says: Says,
    /// How surely, 0 to 1.
    pub weight: f32,
    /// What it means for the address, where this wording differs from its category.
    pub bounce_type: Option<BounceType>,
    /// How far it reaches, likewise.
    pub scope: Option<Scope>,
    /// What to do, likewise.
    pub action: Option<Action>,
    /// Whether and when to try again, likewise; it holds also where the code begins with 4.
    pub retry: Option<RetryAdvice>,
    /// The provider that it belongs to.
    pub provider: Option<ProviderId>,
    /// Whether its words are that provider's alone.
    pub reveals: bool,
    /// What it means at that provider.
    pub meaning: Option<Text>,
    /// What to do there, where the category's steps would mislead.
    pub steps: Option<Texts>,
    /// Where the wording is from.
    pub source: Citation,
    /// A reply in its form.
    pub example: Option<String>,
    /// How to mend it, as JSON, where it has steps of its own.
    pub(crate) rendered: Rendered,
    pub(super) pattern: Option<Pattern>,
    pub(super) codes: Vec<CodeKey>,
    pub(super) commands: Vec<Command>,
}

impl Phrase {
    /// The first of the commands that it asks for.
    pub fn first_command(&self) -> Option<Command> {
        self.commands.first().copied()
    }

    /// Whether the conditions on codes, command and provider hold; those on words are the matcher's.
    pub(super) fn allows(&self, known: &Known) -> bool {
        self.misses(known).is_none()
    }

    /// The first of these conditions that does not hold.
    pub(super) fn misses(&self, known: &Known) -> Option<Why<'static>> {
        let code_fits = |key: &CodeKey| match *key {
            CodeKey::Reply(wanted) => known.code == Some(wanted),
            CodeKey::Enhanced(wanted) => known.enhanced == Some(wanted),
            CodeKey::AnyClass { subject, detail } => {
                known.enhanced.is_some_and(|code| (code.subject(), code.detail()) == (subject, detail))
            }
        };
        if !self.codes.is_empty() && !self.codes.iter().any(code_fits) {
            Some(Why::Codes)
        } else if !self.commands.is_empty() && !known.command.is_some_and(|command| self.commands.contains(&command)) {
            Some(Why::Command)
        } else if !self.reveals && self.provider.is_some() && self.provider != known.provider {
            Some(Why::Provider)
        } else {
            None
        }
    }

    /// Whether this reply satisfies the conditions on codes and command. An example need not say its command, so for
    /// proving rules a command or a provider that is unknown fits.
    pub(super) fn allows_example(&self, reply: &Reply<'_>) -> bool {
        let command = reply.command.or(self.commands.first().copied());
        self.allows(&Known { code: reply.code, enhanced: reply.enhanced, command, provider: self.provider })
    }
}
