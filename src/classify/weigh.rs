//! The weighing itself; the rules are told in the module above.

use std::{cell::RefCell, net::IpAddr, sync::Arc};

use super::{
    decision::{Blocking, Decision, EvidenceSource, Piece, Spoke, Spot},
    memo::{Key, Remembered},
};
use crate::{
    catalog::{
        Action, Blocklist, BounceType, Catalog, CategoryId, Effect, Found, Group, Kind, Known, Listed, Outcome, Prior,
        ProviderId, RecognisedBy, Says, Scope, Wait, fold_into,
    },
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

/// Where the server's own words give no time, a transient refusal is tried again after this: RFC 5321 §4.5.4.1 asks for at
/// least 30 minutes.
const RETRY_AFTER_SECONDS: u32 = 1800;

/// From this weight on a provider's own rule decides alone.
pub(super) const CLEAR: f32 = 0.9;

/// Nothing was recognised; whatever else is said would be a guess.
const UNKNOWN_CONFIDENCE: f32 = 0.1;

/// What weighing comes to, whoever it is about: it depends on a [`Key`] and the catalogue alone.
#[derive(Debug)]
pub(super) struct Settled {
    bounce_type: BounceType,
    /// None where nothing was recognised.
    category: Option<CategoryId>,
    scope: Scope,
    action: Action,
    confidence: f32,
    /// Whether another try can help, and after how many seconds where the server names no time.
    retry: (bool, Option<u32>),
    /// Whether the server may name one.
    speaks_of_waiting: bool,
    provider: Option<(ProviderId, RecognisedBy)>,
    /// The blocklist that is named, by its place in the catalogue.
    blocklist: Option<usize>,
    /// The phrase that decided, by its place in the catalogue.
    wording: Option<usize>,
    pub(super) pieces: Vec<Piece>,
}

#[cfg(test)]
impl Settled {
    /// For tests of what keeps them.
    pub(super) fn of_nothing() -> Self {
        Self {
            bounce_type: BounceType::Soft,
            category: None,
            scope: Scope::None,
            action: Action::None,
            confidence: 0.0,
            retry: (false, None),
            speaks_of_waiting: false,
            provider: None,
            blocklist: None,
            wording: None,
            pieces: Vec::new(),
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

fn settle(catalog: &Catalog, key: &Key<'_>, permanence: Option<Permanence>) -> Settled {
    let scan = catalog.scan(key.gist);
    let recognised = catalog.recognise_provider(key.host_of, &scan);
    let known = Known {
        code: key.code,
        enhanced: key.enhanced,
        command: key.command,
        provider: recognised.map(|(provider, _)| provider),
    };
    let mut found = catalog.find_phrases(key.gist, &scan, &known);
    let phrase = |found: &Found| &catalog.phrases()[found.phrase as usize];
    // The strongest first; the sort is stable, so equally strong ones stay in the order of the files.
    found.sort_by(|a, b| phrase(b).weight.total_cmp(&phrase(a).weight));
    let mut pieces: Vec<Piece> = Vec::with_capacity(found.len() + 2);
    pieces.extend(found.iter().map(|one| {
        let phrase = phrase(one);
        let category = match phrase.says {
            Says::Cause(category) => Some(category),
            Says::Effect(_) => None,
        };
        let place = Spot::Gist { phrase: one.phrase, start: one.start, end: one.end };
        let source = if phrase.provider.is_some() { EvidenceSource::Provider } else { EvidenceSource::Phrase };
        Piece { source, place, category, weight: phrase.weight }
    }));
    pieces.extend(weigh_codes(catalog, key));

    let scores = Scores::new(catalog, pieces.split_at(found.len()));
    let calls_itself_temporary = found.iter().any(|one| phrase(one).says == Says::Effect(Effect::Transient));
    let revealed = || found.iter().map(phrase).find(|phrase| phrase.reveals).and_then(|phrase| phrase.provider);
    let provider = recognised.or_else(|| Some((revealed()?, RecognisedBy::Rule)));
    let speaks_of_waiting = scan.speaks_of_waiting();
    let Some(winner) = scores.winner() else {
        let category = catalog.category(catalog.unknown());
        let advised = permanence == Some(Permanence::Transient);
        return Settled {
            bounce_type: BounceType::Soft,
            category: None,
            scope: category.scope,
            action: category.action,
            confidence: UNKNOWN_CONFIDENCE,
            retry: (advised, advised.then_some(RETRY_AFTER_SECONDS)),
            speaks_of_waiting,
            provider,
            blocklist: None,
            wording: None,
            pieces,
        };
    };
    let category = catalog.category(winner.category);
    // The wording that decided may differ from its category.
    let decisive = found.iter().find(|one| phrase(one).says == Says::Cause(winner.category));
    let wording = decisive.map(phrase);
    let is_transient = permanence == Some(Permanence::Transient)
        || key.enhanced.is_some_and(|code| code.permanence() == Permanence::Transient);
    let said = wording.and_then(|phrase| phrase.bounce_type).unwrap_or(category.bounce_type);
    let bounce_type = match said {
        BounceType::Hard if is_transient || calls_itself_temporary || winner.score < Prior::SPECIFIC => {
            BounceType::Soft
        }
        BounceType::None => BounceType::Soft,
        other => other,
    };
    let action = match wording.and_then(|phrase| phrase.action) {
        Some(action) => action,
        // Soft though the category is hard: do not delete; what to do instead depends on who may change.
        None if category.bounce_type == BounceType::Hard && bounce_type == BounceType::Soft => {
            if is_transient || calls_itself_temporary { Action::Retry } else { Action::Review }
        }
        None => category.action,
    };
    let own = wording.and_then(|phrase| phrase.retry);
    let advised = bounce_type == BounceType::Soft
        && own.map_or(category.retry.advised || is_transient || action == Action::Retry, |own| own.advised);
    let usual = own.and_then(|own| own.after_seconds).or(category.retry.after_seconds).unwrap_or(RETRY_AFTER_SECONDS);
    Settled {
        bounce_type,
        category: Some(winner.category),
        scope: wording.and_then(|phrase| phrase.scope).unwrap_or(category.scope),
        action,
        confidence: scores.confidence(&winner),
        retry: (advised, advised.then_some(usual)),
        speaks_of_waiting,
        provider,
        blocklist: matches!(category.action, Action::RequestDelisting).then(|| scan.blocklist()).flatten(),
        wording: decisive.map(|one| one.phrase as usize),
        pieces,
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

/// What the two codes say, each with its own weight.
fn weigh_codes(catalog: &Catalog, key: &Key<'_>) -> impl Iterator<Item = Piece> {
    let piece = |source, place, prior: Prior| Piece {
        source: if prior.by_command { EvidenceSource::Command } else { source },
        place,
        category: Some(prior.category),
        weight: prior.weight,
    };
    let enhanced = key.enhanced.and_then(|code| {
        let prior = catalog.enhanced_prior(code, key.command)?;
        Some(piece(EvidenceSource::EnhancedCode, Spot::Enhanced(code), prior))
    });
    let reply = key.code.and_then(|code| {
        let prior = catalog.reply_prior(code, key.command)?;
        Some(piece(EvidenceSource::ReplyCode, Spot::Reply(code), prior))
    });
    enhanced.into_iter().chain(reply)
}

fn codes_as_they_stand(evidence: &Evidence<'_>) -> Box<[Piece]> {
    let piece = |source, place| Piece { source, place, category: None, weight: 1.0 };
    let enhanced = evidence.enhanced.map(|code| piece(EvidenceSource::EnhancedCode, Spot::Enhanced(code)));
    let reply = evidence.code.map(|code| piece(EvidenceSource::ReplyCode, Spot::Reply(code)));
    enhanced.into_iter().chain(reply).collect()
}

/// What all evidence comes to for one category.
#[derive(Clone, Copy, Debug)]
struct Score {
    category: CategoryId,
    /// The strongest rule of the provider's own.
    provider: f32,
    /// Phrases and codes together.
    score: f32,
    /// Phrases alone.
    words: f32,
}

struct Scores(Vec<Score>);

impl Scores {
    fn new(catalog: &Catalog, (phrases, codes): (&[Piece], &[Piece])) -> Self {
        let mut scores: Vec<Score> = Vec::new();
        let mut add = |piece: &Piece, is_phrase: bool| {
            let Some(category) = piece.category else { return };
            let at = scores.iter().position(|score| score.category == category).unwrap_or_else(|| {
                scores.push(Score { category, provider: 0.0, score: 0.0, words: 0.0 });
                scores.len() - 1
            });
            let score = &mut scores[at];
            score.score = together(score.score, piece.weight);
            if piece.source == EvidenceSource::Provider {
                score.provider = score.provider.max(piece.weight);
            }
            if is_phrase {
                score.words = together(score.words, piece.weight);
            }
        };
        phrases.iter().for_each(|piece| add(piece, true));
        codes.iter().for_each(|piece| add(piece, false));

        // Words beat codes: a block answered with `550 5.1.1` is a block.
        let is_dead_address = |score: &Score| catalog.category(score.category).group == Group::InvalidAddress;
        let words_for = |dead: bool| scores.iter().any(|score| score.words > 0.0 && is_dead_address(score) == dead);
        if words_for(false) && !words_for(true) {
            scores.retain(|score| !is_dead_address(score));
        }
        Self(scores)
    }

    /// The category with the most; of equals the one that spoke first, which is words before codes.
    fn winner(&self) -> Option<Score> {
        let most = |of: fn(&Score) -> f32| {
            let best = self.0.iter().map(of).max_by(f32::total_cmp)?;
            self.0.iter().find(|score| of(score) >= best).copied().filter(|score| of(score) > 0.0)
        };
        // What a provider is known to mean goes before what its words would mean elsewhere.
        most(|score| score.provider).filter(|score| score.provider >= CLEAR).or_else(|| most(|score| score.score))
    }

    /// The winner's score, less for words that say something else, and a little less for codes that do.
    /// A clear rule of the provider's own lets nobody contradict.
    fn confidence(&self, winner: &Score) -> f32 {
        if winner.provider >= CLEAR {
            return winner.provider.min(0.99);
        }
        let others = || self.0.iter().filter(|score| score.category != winner.category);
        let words = others().map(|score| score.words).fold(0.0, f32::max);
        let codes = others().filter(|score| score.words == 0.0).map(|score| score.score).fold(0.0, f32::max);
        (winner.score * (1.0 - 0.4 * words) * (1.0 - 0.1 * codes)).clamp(0.01, 0.99)
    }
}

/// Two independent pieces of evidence for the same.
pub(super) fn together(a: f32, b: f32) -> f32 {
    1.0 - (1.0 - a) * (1.0 - b)
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
