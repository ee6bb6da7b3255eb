//! `cordon check`: what is wrong with the configuration, or what it amounts to.

mod machine;

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use super::{Exit, Failure, Out, lists};
use crate::config::checked::Server;
use crate::config::errors::duration_text;
use crate::config::{Config, ConfigErrors, locate};
use crate::engine::Snapshot;
use crate::engine::reload::{ReloadError, assemble, probe};
use crate::metrics::Metrics;
use crate::moment::{Clock, Moment};
use crate::policy::model::{Act, Model, Policy, Response, Unmatched};
use crate::shelf::{Shelf, Shelved};

/// Reads the configuration and prints what it amounts to.
///
/// # Errors
/// Everything that is wrong with it.
pub fn run(config: Option<&Path>, out: &mut Out) -> Result<(), Failure> {
    let config = locate(config).and_then(|path| Config::load(&path)).map_err(|errors| failure(&errors))?;
    let (path, now) = (config.path.clone(), Clock::Real.now());
    let candidate = candidate(config, now).map_err(|error| {
        let (errors, exit) = would_not_start(&path, error);
        Failure { exit, ..failure(&errors) }
    })?;
    let (config, shelved) = (&candidate.config, &candidate.lists);
    let warnings = machine::warnings(config);
    if out.is_json() {
        let mut whole = object(config);
        whole["warnings"] = warnings.into();
        whole["lists"] = Value::Array(lists::objects(shelved, &config.model, now));
        out.object(&whole)?;
    } else {
        summary(config, &warnings, out)?;
        out.line("")?;
        lists::report(out, shelved, &config.model, now)?;
    }
    Ok(out.flush()?)
}

/// What a server would start with: lists compiled, local zones read, the names of `[probe]` asked about. Nothing on the disk is touched.
fn candidate(config: Config, now: Moment) -> Result<Snapshot, ReloadError> {
    let lists = Shelf::new(&config.node.data_dir).look(&config.lists, &config.model);
    let lists = lists.map_err(|error| ReloadError::of_lists(&config, error))?;
    let own = config.listen.dns.clone();
    probed(config, lists, &own, now)
}

/// What a server that listens on `own` would put in force of a configuration and its lists: the names of `[probe]` are asked about.
pub(super) fn probed(config: Config, lists: Shelved, own: &[SocketAddr], now: Moment) -> Result<Snapshot, ReloadError> {
    let candidate = assemble(config, lists, own, None, &Metrics::new(env!("CARGO_PKG_VERSION")), now)?;
    probe(&candidate, now)?;
    Ok(candidate)
}

/// Why a server would not start with it, in the form of the errors of a configuration, and the code it would end with.
fn would_not_start(path: &Path, error: ReloadError) -> (ConfigErrors, Exit) {
    let told =
        || ConfigErrors::of_file(path.display(), error.to_string(), "see that it can be read and has space left");
    let errors = error.errors().cloned().unwrap_or_else(told);
    (errors, Failure::at_start(error).exit)
}

/// What a command says that cannot go on without a sound configuration.
pub fn failure(errors: &ConfigErrors) -> Failure {
    let count = errors.errors.len();
    let noun = if count == 1 { "error" } else { "errors" };
    Failure::errors(format!("{errors}\n\nconfiguration: {count} {noun}"), errors)
}

/// The summary for people.
fn summary(config: &Config, warnings: &[String], out: &mut Out) -> Result<(), Failure> {
    let listen: Vec<String> = config.listen.dns.iter().map(ToString::to_string).collect();
    let servers: Vec<String> = config.upstream.servers.iter().map(server).collect();
    let and_warnings = match warnings.len() {
        0 => String::new(),
        1 => ", 1 warning".to_owned(),
        count => format!(", {count} warnings"),
    };
    out.line(format_args!("{}: no errors{and_warnings}", config.path.display()))?;
    for warning in warnings {
        out.line(format_args!("warning: {warning}"))?;
    }
    out.line("")?;
    let rows = vec![
        vec!["node".to_owned(), config.node.name.clone()],
        vec!["data".to_owned(), config.node.data_dir.display().to_string()],
        vec!["listens on".to_owned(), listen.join(", ")],
        vec!["admin on".to_owned(), config.listen.admin.to_string()],
        vec!["asks".to_owned(), servers.join(", ")],
        vec!["keeps its log".to_owned(), duration_text(config.log.retain)],
        vec!["other clients".to_owned(), unmatched(&config.model)],
    ];
    let width = rows.iter().filter_map(|row| row.first()).map(String::len).max().unwrap_or(0);
    for row in &rows {
        if let [what, value] = row.as_slice() {
            out.line(format_args!("{what:width$}  {value}"))?;
        }
    }
    let model = &config.model;
    table(out, &["NETWORK ZONE", "POLICY", "CLIENTS"], network_zones(model))?;
    let heading = ["POLICY", "RESPONSE", "NAMES", "TIMED", "EXCEPTIONS", "DEFAULT"];
    table(out, &heading, model.policies.iter().map(|policy| policy_row(model, policy)).collect())?;
    let mut heading = vec!["CATEGORY", "LISTS"];
    heading.extend(model.policies.iter().map(|policy| &*policy.name));
    heading.push("CLAUSE");
    table(out, &heading, categories(config))
}

fn table(out: &mut Out, heading: &[&str], rows: Vec<Vec<String>>) -> Result<(), Failure> {
    if rows.is_empty() {
        return Ok(());
    }
    out.line("")?;
    Ok(out.table(heading, &rows)?)
}

fn network_zones(model: &Model) -> Vec<Vec<String>> {
    let row = |zone: &crate::policy::NetworkZone| {
        let clients: Vec<String> = zone.clients.iter().map(ToString::to_string).collect();
        vec![zone.name.to_string(), policy_name(model, zone.policy), clients.join(", ")]
    };
    model.network_zones.iter().map(row).collect()
}

fn policy_row(model: &Model, policy: &Policy) -> Vec<String> {
    let counts = [named_entries(model, policy), policy.timed.len(), policy.exceptions.len()].map(|n| n.to_string());
    let mut row = vec![policy.name.to_string(), response(policy.response.unwrap_or_default()).to_owned()];
    row.extend(counts);
    row.push(default(policy).to_owned());
    row
}

/// Each category with what each policy does with it, times and groups aside.
fn categories(config: &Config) -> Vec<Vec<String>> {
    let model = &config.model;
    let row = |(n, category): (usize, &crate::policy::Category)| {
        let lists = config.lists.iter().filter(|list| usize::from(list.category.0) == n).count();
        let mut row = vec![category.name.to_string(), lists.to_string()];
        row.extend(model.policies.iter().map(|policy| {
            let action = policy.actions.get(n).copied().flatten();
            action.map_or("-", |(act, _)| act.word()).to_owned()
        }));
        row.push(category.clause.as_deref().unwrap_or("-").to_owned());
        row
    };
    model.categories.iter().enumerate().map(row).collect()
}

/// The same for programs.
fn object(config: &Config) -> Value {
    let model = &config.model;
    let zones = model.network_zones.iter().map(|zone| {
        let clients: Vec<String> = zone.clients.iter().map(ToString::to_string).collect();
        json!({ "name": zone.name, "policy": policy_name(model, zone.policy), "clients": clients })
    });
    let policies = model.policies.iter().map(|policy| {
        json!({
            "name": policy.name,
            "block": of_act(model, policy, Act::Block),
            "monitor": of_act(model, policy, Act::Monitor),
            "permit": of_act(model, policy, Act::Allow),
            "names": named_entries(model, policy),
            "timed": policy.timed.len(),
            "exceptions": policy.exceptions.len(),
            "response": response(policy.response.unwrap_or_default()),
            "default": default(policy),
        })
    });
    json!({
        "config": config.path,
        "sha256": config.sha256,
        "errors": [],
        "node": config.node.name,
        "data_dir": config.node.data_dir,
        "listen": { "dns": config.listen.dns, "admin": config.listen.admin },
        "upstream": config.upstream.servers.iter().map(server).collect::<Vec<_>>(),
        "unmatched": unmatched(model),
        "network_zones": zones.collect::<Vec<_>>(),
        "policies": policies.collect::<Vec<_>>(),
        "categories": model.categories.iter().map(|category| &category.name).collect::<Vec<_>>(),
    })
}

fn of_act<'m>(model: &'m Model, policy: &Policy, act: Act) -> Vec<&'m str> {
    let with_actions = model.categories.iter().zip(&policy.actions);
    with_actions
        .filter(|(_, action)| action.is_some_and(|(a, _)| a == act))
        .map(|(category, _)| &*category.name)
        .collect()
}

/// How many names the policy itself writes: `allow`, `deny` and `rewrite`.
fn named_entries(model: &Model, policy: &Policy) -> usize {
    let prefixes = ["allow[", "deny[", "rewrite "].map(|word| format!("policy.{}.{word}", policy.name));
    model.entries.iter().filter(|entry| prefixes.iter().any(|prefix| entry.starts_with(prefix))).count()
}

fn response(response: Response) -> &'static str {
    match response {
        Response::Sinkhole => "sinkhole",
        Response::Nxdomain => "nxdomain",
        Response::Nodata => "nodata",
        Response::Refused => "refused",
        Response::Drop => "drop",
    }
}

fn default(policy: &Policy) -> &'static str {
    if policy.default_block { "block" } else { "allow" }
}

fn policy_name(model: &Model, place: usize) -> String {
    model.policies.get(place).map(|policy| policy.name.to_string()).unwrap_or_default()
}

fn unmatched(model: &Model) -> String {
    match model.unmatched {
        Unmatched::Refuse => "refuse".to_owned(),
        Unmatched::Drop => "drop".to_owned(),
        Unmatched::Policy(place) => policy_name(model, place),
    }
}

fn server(server: &Server) -> String {
    match server {
        Server::System => "system".to_owned(),
        Server::At { text, .. } => text.clone(),
    }
}
