//! A DNS blocklist or a provider's own: what it lists, how replies name it, and how to get off it.

use serde::Deserialize;

use super::{source::Citation, text::Text};

/// A blocklist.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blocklist {
    /// `spamhaus_zen`.
    pub id: String,
    /// As its operator writes it.
    pub name: String,
    /// Who runs it.
    pub operator: String,
    /// What it lists.
    pub lists: Vec<Listed>,
    /// Whether it still answers.
    pub status: ListStatus,
    /// When it was closed, where that is known.
    pub closed: Option<String>,
    /// How replies name it.
    pub words: Vec<String>,
    /// Where to look up a subject; `{subject}` stands for it.
    pub lookup_url: Option<String>,
    /// Where to ask for removal.
    pub removal_url: Option<String>,
    /// What gets one listed, and how serious that is.
    pub summary: Text,
    /// How to get off.
    pub removal: Text,
    /// What its answers mean.
    #[serde(default)]
    pub return_codes: Vec<ReturnCode>,
    /// Where the facts are from.
    pub sources: Vec<Citation>,
}

/// One of a list's answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReturnCode {
    /// The address it answers with.
    pub code: String,
    /// What that means.
    pub meaning: Text,
}

/// What a blocklist lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Listed {
    /// IP addresses.
    Ip,
    /// Domains.
    Domain,
    /// Addresses of pages.
    Url,
    /// E-mail addresses.
    Email,
}

/// Whether a blocklist still answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListStatus {
    /// It does.
    Active,
    /// It answers nothing any more, or lists everything: who still asks it is misconfigured.
    Closed,
    /// Not known.
    Unknown,
}
