//! A provider: who runs a mailbox or a gateway, how its replies are recognised, and where to turn to.

use serde::Deserialize;

use super::{source::Citation, text::Text};

/// The place of a provider in the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderId(pub(crate) u16);

impl ProviderId {
    /// No provider has this place.
    pub(super) const NONE: Self = Self(u16::MAX);
}

/// Who runs a mailbox or a gateway.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// `gmail`.
    pub id: String,
    /// As it calls itself.
    pub name: String,
    /// Its hosts are these or below them.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// How its replies give it away.
    #[serde(default)]
    pub words: Vec<String>,
    /// Its postmaster page.
    pub url: Option<String>,
    /// Who it is, how it refuses, where to turn to.
    pub summary: Text,
    /// Where the facts are from.
    pub sources: Vec<Citation>,
}

/// By what a provider was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecognisedBy {
    /// By the host that answered, or the recipient's MX.
    RemoteHost,
    /// By words of the reply.
    Reply,
    /// By a rule whose words are this provider's alone.
    Rule,
}

impl Provider {
    /// Whether `host` is one of its hosts or below one.
    pub fn has_host(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.hosts.iter().any(|suffix| {
            host.strip_suffix(suffix.as_str()).is_some_and(|before| before.is_empty() || before.ends_with('.'))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_compared_by_labels() {
        let provider: Provider = toml::from_str(
            "id = 'x'\nname = 'X'\nhosts = ['example.com']\nsummary = { en = 'a', de = 'b' }\nsources = ['practice']",
        )
        .unwrap();
        assert!(provider.has_host("mx.Example.com.") && provider.has_host("example.com"));
        assert!(!provider.has_host("notexample.com") && !provider.has_host("example.com.example.org"));
    }
}
