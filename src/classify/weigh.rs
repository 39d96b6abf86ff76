//! The weighing itself; the rules are told in the module above.

use std::{cell::RefCell, net::IpAddr, sync::Arc};

use super::{
    decision::{Blocking, Decision, EvidenceSource, Piece, Spoke, Spot},
    memo::{Key, Remembered},
    settle::settle,
};
use crate::{
    catalog::{Blocklist, Catalog, Kind, Listed, Outcome, Wait, fold_into},
    smtp::{Command, EnhancedCode, Permanence, Reply, ReplyCode},
};

/// What is to be weighed.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The reply code.
    pub code: Option<ReplyCode>,
    /// The enhanced code.
    pub enhanced: Option<EnhancedCode>,
    /// The command that was answered, where known.
    pub command: Option<Command>,
    /// The words.
    pub text: &'a str,
    /// The host that answered, where known.
    pub remote_host: Option<&'a str>,
}

impl<'a> Evidence<'a> {
    /// A reply and what its own wrapping tells.
    pub fn of(reply: &'a Reply<'_>) -> Self {
        Self {
            code: reply.code,
            enhanced: reply.enhanced,
            command: reply.command,
            text: &reply.text,
            remote_host: reply.remote_host.as_deref(),
        }
    }
}

/// The longest text that a thread keeps room for.
const MOST_KEPT_BYTES: usize = 16 << 10;

thread_local! {
    /// The folded text and its gist, which every reply needs for a moment.
    static ROOM: RefCell<(String, String)> = const { RefCell::new((String::new(), String::new())) };
}

/// Weighs `evidence`.
pub fn weigh<'a>(catalog: &'a Catalog, evidence: &Evidence<'a>) -> Decision<'a> {
    let permanence = match evidence.code {
        Some(code) => code.permanence(),
        None => evidence.enhanced.map(EnhancedCode::permanence),
    };
    if let Some(Permanence::Success | Permanence::Intermediate) = permanence {
        return positive(catalog, evidence, permanence);
    }
    ROOM.with_borrow_mut(|(folded, gist)| {
        folded.clear();
        gist.clear();
        fold_into(evidence.text, folded);
        catalog.write_gist(folded, gist);
        let key = Key {
            code: evidence.code,
            enhanced: evidence.enhanced,
            command: evidence.command,
            host_of: evidence.remote_host.and_then(|host| catalog.provider_of_host(host)),
            gist,
        };
        let remembered = catalog.memo().settled(&key, || settle(catalog, &key, permanence));
        let settled = &remembered.settled;
        // Only where the server may name a time of its own.
        let wait = (settled.retry.0 && settled.speaks_of_waiting).then(|| catalog.find_wait(folded)).flatten();
        for room in [folded, gist] {
            room.clear();
            room.shrink_to(MOST_KEPT_BYTES);
        }
        decision(catalog, evidence, permanence, remembered, wait)
    })
}

/// What was settled, told about this text.
fn decision<'a>(
    catalog: &'a Catalog,
    evidence: &Evidence<'a>,
    permanence: Option<Permanence>,
    remembered: Arc<Remembered>,
    wait: Option<Wait<'a>>,
) -> Decision<'a> {
    let settled = &remembered.settled;
    Decision {
        kind: Kind::Bounce,
        permanence,
        bounce_type: settled.bounce_type,
        category: Some(settled.category.unwrap_or(catalog.unknown())),
        scope: settled.scope,
        action: settled.action,
        confidence: settled.confidence,
        retry: wait.map_or(settled.retry, |wait| (true, Some(wait.seconds))),
        blocklist: settled.blocklist.map(|at| blocking(&catalog.blocklists()[at], evidence.text)),
        provider: settled.provider,
        wording: settled.wording.map(|at| &catalog.phrases()[at]),
        wait,
        text: evidence.text,
        spoke: Spoke::Remembered(remembered),
    }
}

/// 2yz and 3yz: nothing failed.
fn positive<'a>(catalog: &Catalog, evidence: &Evidence<'a>, permanence: Option<Permanence>) -> Decision<'a> {
    let known = match evidence.code {
        Some(code) => catalog.reply_code(code),
        None => evidence.enhanced.and_then(|code| catalog.enhanced_code(code)),
    };
    // Only what follows the message's final dot accepts it; 250 to RCPT TO accepts an address.
    let ends_message = evidence.command.is_none_or(|command| command == Command::EndOfData);
    let kind = match known.and_then(|code| code.outcome) {
        Some(Outcome::Delivered) if ends_message => Kind::Delivered,
        None if permanence == Some(Permanence::Success) && ends_message => Kind::Delivered,
        Some(Outcome::Delivered | Outcome::Intermediate) | None => Kind::Intermediate,
    };
    let spoke = Spoke::Codes(codes_as_they_stand(evidence));
    Decision { spoke, text: evidence.text, ..Decision::without_evidence(kind, permanence) }
}

fn codes_as_they_stand(evidence: &Evidence<'_>) -> Box<[Piece]> {
    let piece = |source, place| Piece { source, place, category: None, weight: 1.0 };
    let enhanced = evidence.enhanced.map(|code| piece(EvidenceSource::EnhancedCode, Spot::Enhanced(code)));
    let reply = evidence.code.map(|code| piece(EvidenceSource::ReplyCode, Spot::Reply(code)));
    enhanced.into_iter().chain(reply).collect()
}

/// The blocklist that a refusal names, and what is listed on it.
fn blocking<'a>(list: &'a Blocklist, text: &'a str) -> Blocking<'a> {
    let ip = tokens(text).find(|token| token.parse::<IpAddr>().is_ok());
    let lists = |kind| list.lists.contains(&kind);
    let (listed, subject) = match ip {
        Some(ip) if lists(Listed::Ip) => (Some(Listed::Ip), Some(ip)),
        _ if lists(Listed::Domain) => (Some(Listed::Domain), listed_domain(list.words.as_slice(), text)),
        _ => (list.lists.first().copied(), None),
    };
    Blocking { list, listed, subject }
}

/// The domain in `… example.org … listed in dbl.spamhaus.org`: the first one that is not the list's own or part of a URL.
fn listed_domain<'a>(words: &[String], text: &'a str) -> Option<&'a str> {
    let operators: Vec<&str> = words.iter().filter_map(|word| word.rsplit('.').nth(1)).collect();
    tokens(text).find(|token| {
        let labels = token.split('.').count();
        labels >= 2
            && token
                .rsplit('.')
                .next()
                .is_some_and(|tld| tld.len() >= 2 && tld.bytes().all(|b| b.is_ascii_alphabetic()))
            && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
            && !operators.iter().any(|operator| token.contains(operator))
    })
}

fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| {
        c.is_whitespace() || matches!(c, '[' | ']' | '(' | ')' | '<' | '>' | '"' | '\'' | ',' | ';' | '=')
    })
    .filter(|token| !token.contains('@') && !token.contains('/'))
    .map(|token| token.trim_end_matches(['.', ':', '!']))
    .filter(|token| !token.is_empty())
}
