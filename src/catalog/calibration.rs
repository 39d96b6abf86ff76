//! From what weighing comes to, to a confidence that can be checked: a table of knots, measured by `retoure calibrate`.

use serde::Deserialize;

use super::{error::Fault, files::Located, source::Citation};

/// How often verdicts of a score were right.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CalibrationTable {
    pub(super) id: String,
    /// Pairs of a score and the share of verdicts with it that were right, both growing.
    knots: Vec<(f32, f32)>,
    pub(super) source: Citation,
}

/// A map from score to confidence that never lets a higher score mean less.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration {
    knots: Vec<(f32, f32)>,
}

impl Calibration {
    /// Knots as they are measured, in the order of the scores.
    pub fn new(knots: Vec<(f32, f32)>) -> Self {
        Self { knots }
    }

    /// The one table `confidence`; without it, scores are told as they are.
    pub(super) fn of_tables(tables: &[Located<CalibrationTable>], faults: &mut Vec<Fault>) -> Self {
        let Some(located) = tables.first() else { return Self::default() };
        for other in tables.iter().filter(|other| other.table.id != "confidence") {
            faults.push(other.fault(format!("unknown calibration `{}`; expected `confidence`", other.table.id)));
        }
        let knots = &located.table.knots;
        let in_range = knots.iter().all(|(score, share)| (0.0..=1.0).contains(score) && (0.0..=1.0).contains(share));
        let grows = knots.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        if knots.is_empty() || !in_range || !grows {
            faults.push(
                located.fault("`knots` are pairs [score, share of right verdicts], between 0 and 1, both growing"),
            );
        }
        Self { knots: knots.clone() }
    }

    /// The confidence for a score: on the straight line between its two knots, from nothing up to the first, level behind the last.
    pub fn apply(&self, score: f32) -> f32 {
        let above = self.knots.partition_point(|knot| knot.0 <= score);
        let below = above.checked_sub(1).and_then(|at| self.knots.get(at));
        match (below, self.knots.get(above)) {
            (_, Some(high)) => {
                let low = below.unwrap_or(&(0.0, 0.0));
                low.1 + (high.1 - low.1) * (score - low.0) / (high.0 - low.0)
            }
            (Some(last), None) => last.1,
            (None, None) => score,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_between_two_knots_is_told_between_their_shares() {
        let calibration = Calibration::new(vec![(0.2, 0.4), (0.6, 0.6), (1.0, 0.9)]);
        for (score, confidence) in [(0.0, 0.0), (0.1, 0.2), (0.2, 0.4), (0.4, 0.5), (0.6, 0.6), (0.8, 0.75), (1.0, 0.9)]
        {
            let told = calibration.apply(score);
            assert!((told - confidence).abs() < 1e-6, "{score}: {told}, expected {confidence}");
        }
        assert!((Calibration::default().apply(0.7) - 0.7).abs() < f32::EPSILON);
    }
}
