//! What settled a decision, and what each category came to: told from its evidence, so that weighing need not keep it.

use std::borrow::Cow;

use super::{
    decision::{Decision, EvidenceSource, Piece},
    settle::{CLEAR, together},
};
use crate::catalog::{Catalog, CategoryId, Kind, Reason};

/// What evidence came to for one category.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CategoryScore {
    /// The category.
    pub category: CategoryId,
    /// Words and codes together.
    pub score: f32,
    /// Words alone.
    pub words: f32,
}

impl<'a> Decision<'a> {
    /// What settled it, and the strongest rule or code of that kind.
    pub fn settled_by(&self, catalog: &'a Catalog) -> (Reason, Option<Cow<'a, str>>) {
        let (reason, speaker) = self.speaker(catalog);
        (reason, speaker.map(|piece| piece.rule(catalog)))
    }

    fn speaker(&self, catalog: &Catalog) -> (Reason, Option<&Piece>) {
        if self.category.is_none() {
            let reason = match self.kind {
                Kind::Delivered | Kind::Intermediate if !self.pieces().is_empty() => Reason::PositiveCode,
                _ => Reason::Report,
            };
            return (reason, self.pieces().first());
        }
        // The strongest words come first, and words before codes.
        let mut speakers = self.pieces().iter().filter(|piece| piece.category == self.category).peekable();
        let Some(&first) = speakers.peek() else {
            let is_unknown = self.category == Some(catalog.unknown());
            debug_assert!(is_unknown, "a category comes from evidence");
            return (Reason::Nothing, None);
        };
        let own = speakers.find(|piece| piece.source == EvidenceSource::Provider && piece.weight >= CLEAR);
        if let Some(own) = own {
            return (Reason::ProviderRule, Some(own));
        }
        let is_code = |piece: &&Piece| {
            matches!(piece.source, EvidenceSource::EnhancedCode | EvidenceSource::ReplyCode | EvidenceSource::Command)
        };
        let reason = match first.source {
            EvidenceSource::Phrase | EvidenceSource::Provider => {
                let mut codes = self.pieces().iter().filter(is_code).peekable();
                let against = codes.peek().is_some() && codes.all(|code| code.category != self.category);
                if against { Reason::WordsOverCodes } else { Reason::Words }
            }
            EvidenceSource::Command => Reason::Command,
            EvidenceSource::EnhancedCode | EvidenceSource::ReplyCode | EvidenceSource::RetryTime => Reason::Codes,
        };
        (reason, Some(first))
    }

    /// What the evidence came to for each category, the strongest first.
    pub fn scores(&self) -> Vec<CategoryScore> {
        let mut scores: Vec<CategoryScore> = Vec::new();
        for piece in self.pieces() {
            let Some(category) = piece.category else { continue };
            let at = scores.iter().position(|score| score.category == category).unwrap_or_else(|| {
                scores.push(CategoryScore { category, score: 0.0, words: 0.0 });
                scores.len() - 1
            });
            let score = &mut scores[at];
            score.score = together(score.score, piece.weight);
            if matches!(piece.source, EvidenceSource::Phrase | EvidenceSource::Provider) {
                score.words = together(score.words, piece.weight);
            }
        }
        scores.sort_by(|a, b| b.score.total_cmp(&a.score));
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        classify::{Evidence, weigh},
        smtp::Reply,
    };

    #[test]
    fn the_reason_names_what_settled_it() {
        let catalog = Catalog::built_in().unwrap();
        for (text, expected) in [
            ("550 5.1.1 User unknown", Reason::Words),
            ("550 5.1.1 Blocked by our spam policy", Reason::WordsOverCodes),
            ("550 5.1.1", Reason::Codes),
            ("553 (in reply to MAIL FROM command)", Reason::Command),
            ("421 4.7.1 [TS03] All messages will be permanently deferred", Reason::ProviderRule),
            ("250 2.0.0 OK", Reason::PositiveCode),
            ("Glorp", Reason::Nothing),
        ] {
            let reply = Reply::parse(text);
            let decision = weigh(&catalog, &Evidence::of(&reply));
            let (reason, speaker) = decision.settled_by(&catalog);
            assert_eq!(reason, expected, "{text:?}: {speaker:?}");
            assert_eq!(speaker.is_none(), reason == Reason::Nothing, "{text:?}");
        }
    }

    #[test]
    fn scores_add_up_what_spoke_for_a_category() {
        let catalog = Catalog::built_in().unwrap();
        let reply = Reply::parse("550 5.1.1 User unknown");
        let scores = weigh(&catalog, &Evidence::of(&reply)).scores();
        assert_eq!(catalog.category(scores[0].category).id, "mailbox_not_found");
        assert!(scores[0].score > scores[0].words && scores[0].words > 0.9, "{scores:?}");
    }
}
