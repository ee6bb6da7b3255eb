//! What a PromQL expression names: enough of a reader to check metrics and labels against a table.

use std::collections::BTreeSet;

/// A selector: a metric with the labels its matchers name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// The metric.
    pub metric: String,
    /// Labels in its braces.
    pub labels: BTreeSet<String>,
}

/// What an expression names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Its selectors, in order.
    pub selectors: Vec<Selector>,
    /// Labels it groups or joins by.
    pub grouping: BTreeSet<String>,
}

const OPERATORS: &[&str] = &["and", "or", "unless", "offset", "bool", "atan2", "inf", "nan"];
const GROUPINGS: &[&str] = &["by", "without", "on", "ignoring", "group_left", "group_right"];

/// Reads an expression in which variables have been replaced.
pub fn read(expression: &str) -> Named {
    let mut named = Named::default();
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        if first == '"' || first == '\'' {
            rest = after_string(rest);
        } else if first == '[' {
            rest = rest.split_once(']').map_or("", |(_, rest)| rest);
        } else if first.is_ascii_digit() {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '.');
        } else if is_word(first) {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let (word, behind) = rest.split_at(end);
            rest = behind;
            let next = behind.trim_start();
            if GROUPINGS.contains(&word) && next.starts_with('(') {
                let (labels, behind) = next[1..].split_once(')').unwrap_or((&next[1..], ""));
                let labels = labels.split(',').map(str::trim).filter(|label| !label.is_empty());
                named.grouping.extend(labels.map(str::to_owned));
                rest = behind;
            } else if OPERATORS.contains(&word.to_lowercase().as_str()) || GROUPINGS.contains(&word) {
            } else if !next.starts_with('(') {
                let mut selector = Selector { metric: word.to_owned(), labels: BTreeSet::new() };
                // Behind an aggregation's name there may be its grouping before its bracket.
                if is_aggregation(word) && GROUPINGS.iter().any(|grouping| next.starts_with(grouping)) {
                    continue;
                }
                if let Some(inside) = next.strip_prefix('{') {
                    rest = matchers(inside, &mut selector.labels);
                }
                named.selectors.push(selector);
            }
        } else {
            rest = &rest[first.len_utf8()..];
        }
    }
    named
}

fn is_aggregation(word: &str) -> bool {
    ["sum", "min", "max", "avg", "count", "topk", "bottomk", "stddev", "quantile", "group"].contains(&word)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

/// Reads the matchers behind a brace into `labels`; gives what stands behind the closing one.
fn matchers<'a>(mut rest: &'a str, labels: &mut BTreeSet<String>) -> &'a str {
    while let Some(first) = rest.chars().next() {
        if first == '}' {
            return &rest[1..];
        } else if first == '"' || first == '\'' {
            rest = after_string(rest);
        } else if is_word(first) {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            labels.insert(rest[..end].to_owned());
            rest = &rest[end..];
        } else {
            rest = &rest[first.len_utf8()..];
        }
    }
    rest
}

/// What stands behind the string that `text` begins with.
fn after_string(text: &str) -> &str {
    let quote = text.chars().next();
    let mut escaped = false;
    for (place, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if Some(c) == quote {
            return &text[place + c.len_utf8()..];
        }
    }
    ""
}

#[test]
fn an_expression_gives_up_its_metrics_and_labels() {
    let named = read(
        "histogram_quantile(0.95, sum by (le, source) (rate(a_bucket{instance=~\"x}y\",source!='\\'z'}[5m] offset 1h)))\n\
         / on (instance) group_left () b > bool 1e3 and sum(time()) unless absent(c{})",
    );
    let selectors: Vec<(&str, Vec<&str>)> = named
        .selectors
        .iter()
        .map(|selector| (selector.metric.as_str(), selector.labels.iter().map(String::as_str).collect()))
        .collect();
    assert_eq!(selectors, [("a_bucket", vec!["instance", "source"]), ("b", vec![]), ("c", vec![])]);
    assert_eq!(named.grouping.iter().map(String::as_str).collect::<Vec<_>>(), ["instance", "le", "source"]);
}
