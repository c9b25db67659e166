//! The text format of Prometheus, written by hand: the libraries for it keep every number as a
//! binary float, and money is none.

use std::fmt::{Display, Write};
use std::time::Duration;

/// A page of metrics, as it grows.
#[derive(Default)]
pub(super) struct Text(String);

/// Upper bounds of the buckets of a histogram: as written, and in microseconds.
const BUCKETS: [(&str, u128); 12] = [
    ("0.005", 5_000),
    ("0.01", 10_000),
    ("0.025", 25_000),
    ("0.05", 50_000),
    ("0.1", 100_000),
    ("0.25", 250_000),
    ("0.5", 500_000),
    ("1", 1_000_000),
    ("2.5", 2_500_000),
    ("5", 5_000_000),
    ("15", 15_000_000),
    ("60", 60_000_000),
];

/// How often something took how long.
#[derive(Debug, Clone, Default)]
pub(super) struct Histogram {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    sum: Duration,
}

impl Histogram {
    pub(super) fn observe(&mut self, took: Duration) {
        let micros = took.as_micros();
        for (bucket, (_, bound)) in self.buckets.iter_mut().zip(BUCKETS) {
            *bucket += u64::from(micros <= bound);
        }
        self.count += 1;
        self.sum = self.sum.saturating_add(took);
    }
}

type Labels<'a> = &'a [(&'a str, &'a str)];

impl Text {
    /// Begins a metric: what it is, and what kind of number.
    pub(super) fn metric(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// A number of the metric that was begun last.
    pub(super) fn sample(&mut self, name: &str, labels: Labels<'_>, value: impl Display) {
        self.0.push_str(name);
        let mut before = '{';
        for (label, value) in labels {
            let _ = write!(self.0, "{before}{label}=\"{}\"", escaped(value));
            before = ',';
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{end} {value}");
    }

    /// A metric with one number and no labels.
    pub(super) fn single(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.metric(name, kind, help);
        self.sample(name, &[], value);
    }

    /// All numbers of a histogram.
    pub(super) fn histogram(&mut self, name: &str, labels: Labels<'_>, histogram: &Histogram) {
        let bucket = format!("{name}_bucket");
        let ends = BUCKETS.iter().map(|(bound, _)| *bound).zip(histogram.buckets);
        for (bound, count) in ends.chain([("+Inf", histogram.count)]) {
            let labels: Vec<_> = labels.iter().copied().chain([("le", bound)]).collect();
            self.sample(&bucket, &labels, count);
        }
        self.sample(&format!("{name}_sum"), labels, seconds(histogram.sum));
        self.sample(&format!("{name}_count"), labels, histogram.count);
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// A time in seconds, to the microsecond.
pub(super) fn seconds(time: Duration) -> String {
    format!("{}.{:06}", time.as_secs(), time.subsec_micros())
}

/// A label's value may come from a file's name.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_written_as_prometheus_reads_them() {
        let mut text = Text::default();
        text.metric("calls", "counter", "Calls.");
        text.sample("calls", &[("batch", "a \"b\"\\\nc"), ("x", "")], 3);
        text.single("money", "gauge", "Sum.", "1234567890123456789.01");
        let expected = "# HELP calls Calls.\n# TYPE calls counter\n\
             calls{batch=\"a \\\"b\\\"\\\\\\nc\",x=\"\"} 3\n\
             # HELP money Sum.\n# TYPE money gauge\nmoney 1234567890123456789.01\n";
        assert_eq!(text.finish(), expected);
    }

    #[test]
    fn buckets_add_up() {
        let mut histogram = Histogram::default();
        for millis in [1, 5, 6, 70_000] {
            histogram.observe(Duration::from_millis(millis));
        }
        let mut text = Text::default();
        text.histogram("t", &[], &histogram);
        let text = text.finish();
        for line in ["le=\"0.005\"} 2", "le=\"0.01\"} 3", "le=\"60\"} 3", "le=\"+Inf\"} 4"] {
            assert!(text.contains(line), "{line}: {text}");
        }
        assert!(text.ends_with("t_sum 70.012000\nt_count 4\n"), "{text}");
    }
}
