//! What a filter that nothing matches may owe to a slip: a network zone, category, list, upstream or node that neither the configuration
//! nor the log knows. Without a word such a slip looks like innocence.

use std::collections::BTreeSet;
use std::time::Duration;

use super::look::Look;
use crate::config::checked::{Config, Server};
use crate::config::errors::advise;
use crate::query::aggregate::{Counting, count};
use crate::query::cell::Cell;
use crate::query::filter::{Test, Want};
use crate::query::{Budget, Filter};
use crate::record::columns::COLUMNS;
use crate::store::reader::Reader;

/// What looking for the values that the log knows may cost.
const MEMORY: usize = 64 << 20;
const TIME: Duration = Duration::from_secs(3);

/// A sentence for each value of the filter that is known nowhere; a value that has only no rows among those that were asked for has none.
pub(super) fn values(look: &Look<'_>, config: &Config) -> Vec<String> {
    let wants = look.filter.terms.iter().flat_map(|term| &term.any);
    wants.filter_map(|want| sentence(want, config)).collect()
}

fn sentence(want: &Want, config: &Config) -> Option<String> {
    let Test::Text(given) = &want.test else { return None };
    let column = COLUMNS.get(want.column)?.name;
    if column == "qname" {
        let below = given.strip_prefix("*.")?;
        return Some(format!(
            "--{0} {given} asks for a label `*`; all names below {below} are --under {below}",
            want.flag
        ));
    }
    let mut known = configured(column, config)?;
    if known.contains(given) {
        return None;
    }
    // A name of an earlier configuration has its rows still.
    let whole = in_log(want.column, config, &mut known);
    if known.contains(given) {
        return None;
    }
    let log = if whole { "the log" } else { "what could be looked at of the log" };
    let advice = advice(given, &known).map_or(String::new(), |advice| format!("; {advice}"));
    Some(format!("--{} {given}: neither the configuration nor {log} knows it{advice}", want.flag))
}

/// What the configuration has for a column; none for a column whose values it does not tell.
fn configured(column: &str, config: &Config) -> Option<BTreeSet<String>> {
    let model = &config.model;
    let names: Vec<&str> = match column {
        "node" => vec![&config.node.name],
        "network_zone" => model.network_zones.iter().map(|zone| &*zone.name).chain(["unmatched"]).collect(),
        "category" => model.categories.iter().map(|category| &*category.name).collect(),
        "list" => config.lists.iter().map(|list| &*list.name).collect(),
        "upstream" => {
            let forwarded = config.forward_zones.iter().flat_map(|zone| &zone.servers);
            let servers = config.upstream.servers.iter().chain(forwarded);
            let text = |server: &'_ Server| match server {
                Server::At { text, .. } => Some(text.clone()),
                Server::System => None,
            };
            return Some(servers.filter_map(text).collect());
        }
        _ => return None,
    };
    Some(names.into_iter().map(str::to_owned).collect())
}

/// Adds what the log has for a column; tells whether all of it was looked at.
fn in_log(column: usize, config: &Config, known: &mut BTreeSet<String>) -> bool {
    let budget = Budget::new(MEMORY, Some(TIME));
    let counting = Counting { by: vec![column], ..Counting::default() };
    let counted = Reader::open(&config.log.dir)
        .ok()
        .and_then(|reader| count(&reader, &Filter::default(), &counting, &budget, &mut |_, _| {}).ok());
    let Some(counted) = counted else { return false };
    known.extend(counted.each().filter_map(|(cells, _)| match cells.first() {
        Some(Some(Cell::Text(text))) => Some((*text).to_owned()),
        _ => None,
    }));
    counted.coverage.is_whole()
}

/// The value that may have been meant: one that the given one is a piece of, such as `gambling` of `gambling/main.txt`, else the nearest.
fn advice(given: &str, known: &BTreeSet<String>) -> Option<String> {
    let lower = given.to_lowercase();
    let pieces: Vec<String> =
        known.iter().filter(|known| known.to_lowercase().contains(&lower)).map(|known| format!("`{known}`")).collect();
    match pieces.len() {
        1..=5 => Some(format!("did you mean {}?", pieces.join(" or "))),
        _ => advise(given, known.iter().map(String::as_str)),
    }
}
