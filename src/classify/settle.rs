//! What weighing comes to for a gist and its codes; the rules are told in the module above.

use super::{
    decision::{EvidenceSource, Piece, Spot},
    memo::Key,
};
use crate::{
    catalog::{
        Action, BounceType, Catalog, CategoryId, Effect, Found, Group, Known, Prior, ProviderId, RecognisedBy, Says,
        Scope,
    },
    smtp::Permanence,
};

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
    pub(super) bounce_type: BounceType,
    /// None where nothing was recognised.
    pub(super) category: Option<CategoryId>,
    pub(super) scope: Scope,
    pub(super) action: Action,
    pub(super) confidence: f32,
    /// Whether another try can help, and after how many seconds where the server names no time.
    pub(super) retry: (bool, Option<u32>),
    /// Whether the server may name one.
    pub(super) speaks_of_waiting: bool,
    pub(super) provider: Option<(ProviderId, RecognisedBy)>,
    /// The blocklist that is named, by its place in the catalogue.
    pub(super) blocklist: Option<usize>,
    /// The phrase that decided, by its place in the catalogue.
    pub(super) wording: Option<usize>,
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

/// Weighs what `key` holds.
pub(super) fn settle(catalog: &Catalog, key: &Key<'_>, permanence: Option<Permanence>) -> Settled {
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
