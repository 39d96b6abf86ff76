//! A provider: who runs a mailbox or a gateway, how its replies are recognised, and where to turn to.

use std::collections::HashMap;

use serde::Deserialize;

use super::{source::Citation, text::Text};
use crate::quick_hash::QuickHash;

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

/// Which hosts are whose.
#[derive(Debug)]
pub(super) struct Hosts {
    owners: HashMap<Box<str>, ProviderId, QuickHash>,
}

impl Hosts {
    /// The hosts of each provider, in the order of the catalogue.
    pub(super) fn new<'a>(of_each: impl Iterator<Item = &'a [String]>) -> Self {
        let mut owners = HashMap::default();
        for (at, hosts) in of_each.enumerate() {
            for host in hosts {
                // Where two claim one host, it is the first's.
                owners.entry(host.as_str().into()).or_insert(ProviderId(at as u16));
            }
        }
        Self { owners }
    }

    /// Whose `host` is: of the hosts that it is, or is below, the first in the catalogue counts.
    pub(super) fn find(&self, host: &str) -> Option<ProviderId> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let below = host.bytes().enumerate().filter(|(_, byte)| *byte == b'.').map(|(dot, _)| &host[dot + 1..]);
        std::iter::once(host.as_str()).chain(below).filter_map(|name| self.owners.get(name)).min().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_compared_by_labels() {
        let of_each = [vec!["example.org".to_owned()], vec!["example.com".to_owned(), "mx.example.org".to_owned()]];
        let hosts = Hosts::new(of_each.iter().map(Vec::as_slice));
        for (host, expected) in [
            ("mx.Example.com.", Some(1)),
            ("example.com", Some(1)),
            ("notexample.com", None),
            ("example.com.example.test", None),
            // Below both: the first counts.
            ("mx.example.org", Some(0)),
            ("", None),
        ] {
            assert_eq!(hosts.find(host).map(|id| id.0), expected, "{host:?}");
        }
    }
}
