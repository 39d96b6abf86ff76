//! What a batch comes to in numbers.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::Outcome;
use crate::{
    catalog::{BounceType, Group, Kind},
    classify::Verdict,
};

/// What a batch comes to. A report counts one verdict for each recipient it tells about; one without recipients (an automatic
/// answer, mail that is no report) counts by its kind alone.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Summary {
    /// Items that were given, those with a problem included.
    #[schema(example = 1000)]
    pub items: u64,
    /// Verdicts that were reached.
    #[schema(example = 1010)]
    pub verdicts: u64,
    /// Items that could not be read.
    #[schema(example = 2)]
    pub problems: u64,
    /// The share of items with a hard verdict among all items; null where there were none.
    #[schema(minimum = 0, maximum = 1, example = 0.021)]
    pub hard_bounce_rate: Option<f64>,
    /// How many of each kind.
    pub kind: BTreeMap<Kind, u64>,
    /// How many of each type.
    #[serde(rename = "type")]
    pub bounce_type: BTreeMap<BounceType, u64>,
    /// How many of each group that occurred.
    pub group: BTreeMap<Group, u64>,
    /// How many of each category that occurred.
    pub category: BTreeMap<String, u64>,
    /// How many of each provider that was recognised.
    pub provider: BTreeMap<String, u64>,
    /// Items with a hard verdict.
    #[serde(skip)]
    hard_items: u64,
}

impl Default for Summary {
    /// Of nothing. Every kind and type is there from the start: who asks for `type.hard` should find 0, not nothing.
    fn default() -> Self {
        let kinds = [
            Kind::Bounce,
            Kind::Delay,
            Kind::Delivered,
            Kind::Intermediate,
            Kind::Complaint,
            Kind::AutoReply,
            Kind::Other,
        ];
        Self {
            items: 0,
            verdicts: 0,
            problems: 0,
            hard_bounce_rate: None,
            kind: kinds.into_iter().map(|kind| (kind, 0)).collect(),
            bounce_type: [BounceType::Hard, BounceType::Soft, BounceType::None].into_iter().map(|t| (t, 0)).collect(),
            group: BTreeMap::new(),
            category: BTreeMap::new(),
            provider: BTreeMap::new(),
            hard_items: 0,
        }
    }
}

impl Summary {
    /// Counts one result; the rate is found once all are counted.
    pub(super) fn count(&mut self, outcome: &Outcome<'_>) {
        self.items += 1;
        let is_hard = match outcome {
            Outcome::Verdict(verdict) => self.count_verdict(verdict),
            Outcome::Report(report) => {
                if report.recipients.is_empty() {
                    *self.kind.entry(report.kind).or_default() += 1;
                }
                report.recipients.iter().filter(|one| self.count_verdict(&one.verdict)).count() > 0
            }
            Outcome::Problem(_) => {
                self.problems += 1;
                false
            }
        };
        self.hard_items += u64::from(is_hard);
    }

    /// Counts a verdict, and tells whether it is hard.
    fn count_verdict(&mut self, verdict: &Verdict<'_>) -> bool {
        self.verdicts += 1;
        *self.kind.entry(verdict.kind).or_default() += 1;
        *self.bounce_type.entry(verdict.bounce_type).or_default() += 1;
        if let Some(group) = verdict.group {
            *self.group.entry(group).or_default() += 1;
        }
        add(&mut self.category, verdict.category, 1);
        add(&mut self.provider, verdict.provider.as_ref().map(|provider| provider.id), 1);
        verdict.bounce_type == BounceType::Hard
    }

    /// Adds what another part of the batch comes to.
    pub fn add(&mut self, other: &Self) {
        self.items += other.items;
        self.verdicts += other.verdicts;
        self.problems += other.problems;
        self.hard_items += other.hard_items;
        other.kind.iter().for_each(|(kind, count)| *self.kind.entry(*kind).or_default() += count);
        other.bounce_type.iter().for_each(|(one, count)| *self.bounce_type.entry(*one).or_default() += count);
        other.group.iter().for_each(|(group, count)| *self.group.entry(*group).or_default() += count);
        other.category.iter().for_each(|(id, count)| add(&mut self.category, Some(id), *count));
        other.provider.iter().for_each(|(id, count)| add(&mut self.provider, Some(id), *count));
        self.find_rate();
    }

    pub(super) fn find_rate(&mut self) {
        // Four digits: one in ten thousand is more than anyone decides on.
        let rate = self.hard_items as f64 / self.items as f64;
        self.hard_bounce_rate = (self.items > 0).then(|| (rate * 10_000.0).round() / 10_000.0);
    }
}

/// The name is copied only when it is new.
fn add(counts: &mut BTreeMap<String, u64>, name: Option<&str>, count: u64) {
    let Some(name) = name else { return };
    match counts.get_mut(name) {
        Some(known) => *known += count,
        None => {
            counts.insert(name.to_owned(), count);
        }
    }
}
