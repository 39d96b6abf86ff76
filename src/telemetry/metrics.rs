//! All numbers of the service, and the text in which `/metrics` tells them.

use std::{sync::Arc, time::SystemTime};

use super::{
    access::{AccessLog, access_log},
    admission::Admission,
    classified::Classified,
    count::Counter,
    exposition::{Exposition, Kind as MetricKind},
    process,
    requests::Requests,
    unmatched::Unmatched,
};
use crate::{
    catalog::Catalog,
    classify::{Decision, Fields, ReportView},
    report::Report,
    smtp::Reply,
};

/// The numbers of one service.
#[derive(Debug)]
pub struct Metrics {
    started: SystemTime,
    pub(crate) requests: Requests,
    /// Requests whose handler panicked (500).
    pub panics: Counter,
    classified: Classified,
    unknown: Counter,
    /// The replies that no rule knows.
    pub unmatched: Unmatched,
    reloads_ok: Counter,
    reloads_refused: Counter,
    last_reload_ok: Counter,
    last_reload_seconds: Counter,
}

/// How a reload ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reload {
    /// A new catalogue is in force.
    Taken,
    /// What is there is what is in force.
    Unchanged,
    /// The new one has faults; the old one is in force.
    Refused,
    /// It changed while it was read, and says nothing yet.
    Torn,
}

impl Metrics {
    pub(crate) fn new(catalog: Arc<Catalog>) -> Self {
        let metrics = Self {
            started: SystemTime::now(),
            requests: Requests::default(),
            panics: Counter::default(),
            classified: Classified::new(catalog),
            unknown: Counter::default(),
            unmatched: Unmatched::default(),
            reloads_ok: Counter::default(),
            reloads_refused: Counter::default(),
            last_reload_ok: Counter::default(),
            last_reload_seconds: Counter::default(),
        };
        metrics.note_success();
        metrics
    }

    /// Counts a verdict on `reply`, weighed with `catalog`, and the rules that spoke; keeps the reply's template where nothing
    /// was recognised. Takes some 80 ns and no lock, so it belongs to every verdict.
    pub fn observe(&self, catalog: &Catalog, decision: &Decision<'_>, reply: &Reply<'_>, recipient: Option<&str>) {
        self.classified.count(catalog, decision);
        if decision.category == Some(catalog.unknown()) {
            self.unknown.increment();
            self.unmatched.note(catalog, reply, recipient);
        }
    }

    /// What a report mail means, with each of its verdicts counted; a mail that says nothing about any recipient counts as one.
    pub fn view_report<'a>(
        &self,
        catalog: &'a Catalog,
        report: &'a Report,
        language: &str,
        fields: Fields,
    ) -> ReportView<'a> {
        if report.recipients.is_empty() {
            self.classified.count_kind(report.kind);
        }
        ReportView::observed(catalog, report, language, fields, &mut |decision, recipient| {
            self.observe(catalog, decision, &recipient.reply, recipient.address.as_deref());
        })
    }

    /// Another catalogue is in force.
    pub(crate) fn take(&self, catalog: Arc<Catalog>) {
        self.classified.take(catalog);
        self.unmatched.take();
    }

    pub(crate) fn reloaded(&self, result: Reload) {
        match result {
            Reload::Taken => self.reloads_ok.increment(),
            Reload::Refused => self.reloads_refused.increment(),
            Reload::Unchanged | Reload::Torn => {}
        }
        match result {
            Reload::Taken | Reload::Unchanged => self.note_success(),
            Reload::Refused => self.last_reload_ok.set(0),
            Reload::Torn => {}
        }
    }

    fn note_success(&self) {
        self.last_reload_ok.set(1);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.last_reload_seconds.set(now.as_secs());
    }

    /// All of it as text for Prometheus, with what happened at the gate; `version` is that of the catalogue in force.
    pub(crate) fn text(&self, version: &str, admission: &Admission) -> String {
        use MetricKind::{Counter, Gauge};
        let mut text = Exposition::default();
        self.requests.write(&mut text);
        admission.write(&mut text);
        let lost = access_log().map_or(0, AccessLog::lost);
        for (name, help, count) in [
            ("retoure_panics_total", "Requests whose handler panicked (500).", self.panics.get()),
            ("retoure_access_log_lost_total", "Lines of the access log that were lost for want of a reader.", lost),
            ("retoure_unknown_replies_total", "Replies in which nothing was recognised.", self.unknown.get()),
        ] {
            text.single(name, Counter, help, count);
        }
        self.classified.write(&mut text);
        text.single(
            "retoure_unmatched_templates",
            Gauge,
            "Templates of unknown replies that GET /v1/unmatched tells.",
            self.unmatched.len(),
        );
        text.metric("retoure_catalog_info", Gauge, "The catalogue in force, by its version.");
        text.sample(&[("version", version)], 1);
        text.metric("retoure_catalog_reloads_total", Counter, "Catalogues that were taken or refused since the start.");
        text.sample(&[("result", "ok")], self.reloads_ok.get());
        text.sample(&[("result", "refused")], self.reloads_refused.get());
        text.single(
            "retoure_catalog_last_reload_successful",
            Gauge,
            "1 unless the overlay as it is now was refused.",
            self.last_reload_ok.get(),
        );
        text.single(
            "retoure_catalog_last_reload_success_timestamp_seconds",
            Gauge,
            "When the catalogue was last found sound, in Unix time.",
            self.last_reload_seconds.get(),
        );
        text.metric("retoure_build_info", Gauge, "The program, by its version.");
        text.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
        process::write(&mut text, self.started);
        text.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::{Evidence, weigh};

    #[test]
    fn the_text_holds_every_number_once_and_no_word_of_a_reply() {
        let catalog = Arc::new(Catalog::built_in().unwrap());
        let metrics = Metrics::new(catalog.clone());
        let reply = Reply::parse("550 <anna@example.org> quuxified");
        metrics.observe(&catalog, &weigh(&catalog, &Evidence { code: None, ..Evidence::of(&reply) }), &reply, None);
        metrics.reloaded(Reload::Refused);
        let text = metrics.text(catalog.version(), &Admission::default());
        for line in [
            "retoure_unknown_replies_total 1",
            "retoure_unmatched_templates 1",
            "retoure_catalog_reloads_total{result=\"refused\"} 1",
            "retoure_catalog_reloads_total{result=\"ok\"} 0",
            "retoure_catalog_last_reload_successful 0",
            &format!("retoure_catalog_info{{version=\"{}\"}} 1", catalog.version()),
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        assert!(!text.contains("anna") && !text.contains("quuxified"));
        let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("# TYPE")).collect();
        let mut unique = heads.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(heads.len(), unique.len(), "{heads:?}");
        metrics.reloaded(Reload::Unchanged);
        assert!(metrics.text("x", &Admission::default()).contains("retoure_catalog_last_reload_successful 1\n"));
    }
}
