//! From numbers to the exposition format, through the `prometheus` crate's own types and encoder.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use prometheus::TextEncoder;
use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};

use super::histogram::{BOUNDS_SECONDS, Durations};
use super::table::{Declared, Kind, TABLE};

/// One scrape in the making. Each series is in it once, whatever was handed in: a server that is shown one series twice throws
/// away the whole scrape.
#[derive(Debug, Default)]
pub(super) struct Families {
    by_name: BTreeMap<&'static str, BTreeMap<Vec<String>, Value>>,
}

#[derive(Debug)]
enum Value {
    Count(u64),
    Number(f64),
    Durations(Durations),
}

impl Families {
    /// Adds to a counter.
    pub(super) fn add(&mut self, declared: &'static Declared, labels: &[&str], count: u64) {
        match self.series(declared, labels) {
            Entry::Vacant(place) => {
                place.insert(Value::Count(count));
            }
            Entry::Occupied(mut present) => {
                if let Value::Count(sum) = present.get_mut() {
                    *sum = sum.wrapping_add(count);
                }
            }
        }
    }

    /// Sets a gauge, or a counter that is not whole; the last one counts.
    pub(super) fn set(&mut self, declared: &'static Declared, labels: &[&str], number: f64) {
        match self.series(declared, labels) {
            Entry::Vacant(place) => {
                place.insert(Value::Number(number));
            }
            Entry::Occupied(mut present) => {
                present.insert(Value::Number(number));
            }
        }
    }

    /// Sets a histogram.
    pub(super) fn histogram(&mut self, declared: &'static Declared, labels: &[&str], counts: &Durations) {
        match self.series(declared, labels) {
            Entry::Vacant(place) => {
                place.insert(Value::Durations(counts.clone()));
            }
            Entry::Occupied(mut present) => {
                present.insert(Value::Durations(counts.clone()));
            }
        }
    }

    /// The exposition text, families in the order of the table, series in the order of their labels.
    ///
    /// # Errors
    /// What the encoder says.
    pub(super) fn encode(mut self) -> Result<String, prometheus::Error> {
        let families: Vec<MetricFamily> = TABLE
            .iter()
            .filter_map(|declared| {
                let series = self.by_name.remove(declared.name).filter(|series| !series.is_empty())?;
                let mut family = MetricFamily::default();
                family.set_name(declared.name.to_owned());
                family.set_help(declared.help.to_owned());
                family.set_field_type(match declared.kind {
                    Kind::Counter => MetricType::COUNTER,
                    Kind::Gauge => MetricType::GAUGE,
                    Kind::Histogram => MetricType::HISTOGRAM,
                });
                family.set_metric(series.into_iter().map(|(labels, value)| metric(declared, labels, value)).collect());
                Some(family)
            })
            .collect();
        TextEncoder::new().encode_to_string(&families)
    }

    fn series(&mut self, declared: &'static Declared, labels: &[&str]) -> Entry<'_, Vec<String>, Value> {
        debug_assert_eq!(declared.labels.len(), labels.len(), "{} wants its labels", declared.name);
        let labels = labels.iter().map(|&label| label.to_owned()).collect();
        self.by_name.entry(declared.name).or_default().entry(labels)
    }
}

fn metric(declared: &Declared, labels: Vec<String>, value: Value) -> Metric {
    let pairs = declared.labels.iter().zip(labels).map(|(name, value)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value(value);
        pair
    });
    let mut metric = Metric::from_label(pairs.collect());
    match (declared.kind, value) {
        (_, Value::Durations(counts)) => metric.set_histogram(histogram(&counts)),
        (Kind::Counter, Value::Count(count)) => metric.set_counter(counter(count as f64)),
        (Kind::Counter, Value::Number(number)) => metric.set_counter(counter(number)),
        (_, Value::Count(count)) => metric.set_gauge(gauge(count as f64)),
        (_, Value::Number(number)) => metric.set_gauge(gauge(number)),
    }
    metric
}

fn counter(value: f64) -> Counter {
    let mut counter = Counter::default();
    counter.set_value(value);
    counter
}

fn gauge(value: f64) -> Gauge {
    let mut gauge = Gauge::default();
    gauge.set_value(value);
    gauge
}

fn histogram(counts: &Durations) -> Histogram {
    let mut sum = 0;
    let buckets = BOUNDS_SECONDS.iter().zip(&counts.buckets).map(|(bound, count)| {
        sum += count;
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(*bound);
        bucket.set_cumulative_count(sum);
        bucket
    });
    let buckets = buckets.collect();
    let mut histogram = Histogram::default();
    histogram.set_bucket(buckets);
    histogram.set_sample_count(counts.buckets.iter().sum());
    histogram.set_sample_sum(counts.sum_us as f64 / 1e6);
    histogram
}
