//! The text that Prometheus reads, format 0.0.4: the one that every collector understands.

use std::fmt::{Display, Write};

use super::count::{BOUNDS_MICROSECONDS, Histogram};

/// The media type of the text.
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A text in the making. All samples of one metric stand together behind its head.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    text: String,
    name: &'static str,
}

impl Exposition {
    /// Begins a metric.
    pub(super) fn metric(&mut self, name: &'static str, kind: Kind, help: &str) {
        self.name = name;
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        self.write(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    /// A metric of one sample without labels.
    pub(super) fn single(&mut self, name: &'static str, kind: Kind, help: &str, value: impl Display) {
        self.metric(name, kind, help);
        self.sample(&[], value);
    }

    /// A sample of the metric that was begun last.
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.line("", labels, None, value);
    }

    /// A histogram's samples.
    pub(super) fn histogram(&mut self, labels: &[(&str, &str)], histogram: &Histogram) {
        let (below, total) = histogram.cumulative();
        for (bound, count) in BOUNDS_MICROSECONDS.iter().zip(below) {
            self.line("_bucket", labels, Some(&format!("{}", *bound as f64 / 1e6)), count);
        }
        self.line("_bucket", labels, Some("+Inf"), total);
        self.line("_sum", labels, None, histogram.sum_seconds());
        self.line("_count", labels, None, total);
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], bound: Option<&str>, value: impl Display) {
        self.text.push_str(self.name);
        self.text.push_str(suffix);
        let mut sign = '{';
        for (name, value) in labels.iter().copied().chain(bound.map(|bound| ("le", bound))) {
            self.text.push(sign);
            self.text.push_str(name);
            self.text.push_str("=\"");
            for c in value.chars() {
                match c {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    other => self.text.push(other),
                }
            }
            self.text.push('"');
            sign = ',';
        }
        if sign == ',' {
            self.text.push('}');
        }
        self.write(format_args!(" {value}\n"));
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.text.write_fmt(text);
    }
}

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn samples_are_written_in_the_text_format() {
        let mut text = Exposition::default();
        text.single("a_total", Kind::Counter, "What it is.", 7);
        text.metric("b", Kind::Gauge, "Another.");
        text.sample(&[("x", "one"), ("y", "a \"quoted\\\nword\"")], 0.5);
        assert_eq!(
            text.finish(),
            "# HELP a_total What it is.\n# TYPE a_total counter\na_total 7\n# HELP b Another.\n# TYPE b gauge\n\
             b{x=\"one\",y=\"a \\\"quoted\\\\\\nword\\\"\"} 0.5\n"
        );
    }

    #[test]
    fn a_histogram_has_cumulative_buckets_a_sum_and_a_count() {
        let histogram = Histogram::default();
        histogram.record(Duration::from_micros(200));
        histogram.record(Duration::from_secs(20));
        let mut text = Exposition::default();
        text.metric("d_seconds", Kind::Histogram, "How long.");
        text.histogram(&[("route", "/x")], &histogram);
        let text = text.finish();
        for line in [
            "d_seconds_bucket{route=\"/x\",le=\"0.0001\"} 0\n",
            "d_seconds_bucket{route=\"/x\",le=\"0.00025\"} 1\n",
            "d_seconds_bucket{route=\"/x\",le=\"10\"} 1\n",
            "d_seconds_bucket{route=\"/x\",le=\"+Inf\"} 2\n",
            "d_seconds_sum{route=\"/x\"} 20.0002\n",
            "d_seconds_count{route=\"/x\"} 2\n",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }
}
