//! The weighing itself; the rules are told in the module above.

use std::net::IpAddr;

use super::decision::{Blocking, Decision, EvidenceSource, Place, Weighed};
use crate::{
    catalog::{
        Action, BounceType, Catalog, CategoryId, Effect, Group, Kind, Known, Listed, Outcome, Phrase, Prior,
        RecognisedBy, Says, Scan, Scope, fold,
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

/// Weighs `evidence`.
pub fn weigh<'a>(catalog: &'a Catalog, evidence: &Evidence<'a>) -> Decision<'a> {
    let permanence = match evidence.code {
        Some(code) => code.permanence(),
        None => evidence.enhanced.map(EnhancedCode::permanence),
    };
    let folded = fold(evidence.text);
    if let Some(Permanence::Success | Permanence::Intermediate) = permanence {
        return Decision { folded, ..positive(catalog, evidence, permanence) };
    }

    let scan = catalog.scan(&folded);
    let recognised = catalog.recognise_provider(evidence.remote_host, &scan);
    let known = Known {
        code: evidence.code,
        enhanced: evidence.enhanced,
        command: evidence.command,
        provider: recognised.map(|(provider, _)| provider),
    };
    let found = catalog.find_phrases(&folded, &scan, &known);
    let mut phrases: Vec<(&Phrase, Weighed<'a>)> = found
        .iter()
        .map(|found| {
            let phrase = &catalog.phrases()[found.phrase as usize];
            let category = match phrase.says {
                Says::Cause(category) => Some(category),
                Says::Effect(_) => None,
            };
            let place = Place::Text { rule: &phrase.id, start: found.start as usize, end: found.end as usize };
            let source = if phrase.provider.is_some() { EvidenceSource::Provider } else { EvidenceSource::Phrase };
            (phrase, Weighed { source, place, category, weight: phrase.weight })
        })
        .collect();
    // The strongest first; the sort is stable, so equally strong ones stay in the order of the files.
    phrases.sort_by(|(_, a), (_, b)| b.weight.total_cmp(&a.weight));
    let codes = weigh_codes(catalog, evidence);

    let scores = Scores::new(catalog, &phrases, &codes);
    let calls_itself_temporary = phrases.iter().any(|(phrase, _)| phrase.says == Says::Effect(Effect::Transient));
    let mut all: Vec<Weighed<'a>> = phrases.iter().map(|(_, weighed)| *weighed).chain(codes.iter().copied()).collect();
    let revealed = || phrases.iter().find(|(phrase, _)| phrase.reveals).and_then(|(phrase, _)| phrase.provider);
    let provider = recognised.or_else(|| Some((revealed()?, RecognisedBy::Rule)));
    let Some(winner) = scores.winner() else {
        let nothing = unknown(catalog, permanence);
        let retry = retry_time(catalog, (&folded, &scan), nothing.retry, &mut all);
        return Decision { evidence: all, provider, retry, folded, ..nothing };
    };
    let category = catalog.category(winner.category);
    // The wording that decided may differ from its category.
    let wording = phrases.iter().map(|(phrase, _)| *phrase).find(|phrase| phrase.says == Says::Cause(winner.category));
    let is_transient = permanence == Some(Permanence::Transient)
        || evidence.enhanced.is_some_and(|code| code.permanence() == Permanence::Transient);
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
    let blocklist =
        matches!(category.action, Action::RequestDelisting).then(|| blocking(catalog, &scan, evidence.text)).flatten();
    let own = wording.and_then(|phrase| phrase.retry);
    let advised = bounce_type == BounceType::Soft
        && own.map_or(category.retry.advised || is_transient || action == Action::Retry, |own| own.advised);
    let usual = own.and_then(|own| own.after_seconds).or(category.retry.after_seconds).unwrap_or(RETRY_AFTER_SECONDS);
    let retry = retry_time(catalog, (&folded, &scan), (advised, advised.then_some(usual)), &mut all);
    Decision {
        kind: Kind::Bounce,
        permanence,
        bounce_type,
        category: Some(winner.category),
        scope: wording.and_then(|phrase| phrase.scope).unwrap_or(category.scope),
        action,
        confidence: scores.confidence(&winner),
        retry,
        blocklist,
        provider,
        wording,
        evidence: all,
        folded,
    }
}

/// The advice, with the time that the server itself gives, where it gives one; that is evidence then.
fn retry_time<'a>(
    catalog: &'a Catalog,
    (folded, scan): (&str, &Scan),
    (advised, usual): (bool, Option<u32>),
    evidence: &mut Vec<Weighed<'a>>,
) -> (bool, Option<u32>) {
    let Some(wait) = advised.then(|| catalog.find_wait(folded, scan)).flatten() else { return (advised, usual) };
    let place = Place::Text { rule: wait.rule, start: wait.start, end: wait.end };
    evidence.push(Weighed { source: EvidenceSource::RetryTime, place, category: None, weight: 1.0 });
    (true, Some(wait.seconds))
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
    Decision {
        kind,
        permanence,
        bounce_type: BounceType::None,
        category: None,
        scope: Scope::None,
        action: Action::None,
        confidence: 0.99,
        retry: (false, None),
        blocklist: None,
        provider: None,
        wording: None,
        evidence: codes_as_they_stand(evidence),
        folded: "".into(),
    }
}

fn unknown<'a>(catalog: &Catalog, permanence: Option<Permanence>) -> Decision<'a> {
    let category = catalog.category(catalog.unknown());
    let advised = permanence == Some(Permanence::Transient);
    Decision {
        kind: Kind::Bounce,
        permanence,
        bounce_type: BounceType::Soft,
        category: Some(catalog.unknown()),
        scope: category.scope,
        action: category.action,
        confidence: UNKNOWN_CONFIDENCE,
        retry: (advised, advised.then_some(RETRY_AFTER_SECONDS)),
        blocklist: None,
        provider: None,
        wording: None,
        evidence: Vec::new(),
        folded: "".into(),
    }
}

/// What the two codes say, each with its own weight.
fn weigh_codes<'a>(catalog: &Catalog, evidence: &Evidence<'a>) -> Vec<Weighed<'a>> {
    let weighed = |source, place, prior: Prior| Weighed {
        source: if prior.by_command { EvidenceSource::Command } else { source },
        place,
        category: Some(prior.category),
        weight: prior.weight,
    };
    let enhanced = evidence.enhanced.and_then(|code| {
        let prior = catalog.enhanced_prior(code, evidence.command)?;
        Some(weighed(EvidenceSource::EnhancedCode, Place::Enhanced(code), prior))
    });
    let reply = evidence.code.and_then(|code| {
        let prior = catalog.reply_prior(code, evidence.command)?;
        Some(weighed(EvidenceSource::ReplyCode, Place::Reply(code), prior))
    });
    enhanced.into_iter().chain(reply).collect()
}

fn codes_as_they_stand<'a>(evidence: &Evidence<'a>) -> Vec<Weighed<'a>> {
    let weighed = |source, place| Weighed { source, place, category: None, weight: 1.0 };
    let enhanced = evidence.enhanced.map(|code| weighed(EvidenceSource::EnhancedCode, Place::Enhanced(code)));
    let reply = evidence.code.map(|code| weighed(EvidenceSource::ReplyCode, Place::Reply(code)));
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
    fn new(catalog: &Catalog, phrases: &[(&Phrase, Weighed<'_>)], codes: &[Weighed<'_>]) -> Self {
        let mut scores: Vec<Score> = Vec::new();
        let mut add = |weighed: &Weighed<'_>, is_phrase: bool| {
            let Some(category) = weighed.category else { return };
            let at = scores.iter().position(|score| score.category == category).unwrap_or_else(|| {
                scores.push(Score { category, provider: 0.0, score: 0.0, words: 0.0 });
                scores.len() - 1
            });
            let score = &mut scores[at];
            score.score = together(score.score, weighed.weight);
            if weighed.source == EvidenceSource::Provider {
                score.provider = score.provider.max(weighed.weight);
            }
            if is_phrase {
                score.words = together(score.words, weighed.weight);
            }
        };
        phrases.iter().for_each(|(_, weighed)| add(weighed, true));
        codes.iter().for_each(|weighed| add(weighed, false));

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
fn blocking<'a>(catalog: &'a Catalog, scan: &Scan, text: &'a str) -> Option<Blocking<'a>> {
    let list = catalog.find_blocklist(scan)?;
    let ip = tokens(text).find(|token| token.parse::<IpAddr>().is_ok());
    let lists = |kind| list.lists.contains(&kind);
    let (listed, subject) = match ip {
        Some(ip) if lists(Listed::Ip) => (Some(Listed::Ip), Some(ip)),
        _ if lists(Listed::Domain) => (Some(Listed::Domain), listed_domain(list.words.as_slice(), text)),
        _ => (list.lists.first().copied(), None),
    };
    Some(Blocking { list, listed, subject })
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
