//! Snapshots: put together aside, probed, then put in force whole. A step that fails leaves what is in force as it is.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::attribution::Roster;
use crate::config::errors::Within;
use crate::config::{Config, ConfigError, ConfigErrors};
use crate::dns::Name;
use crate::dns::types::rtype;
use crate::engine::Snapshot;
use crate::engine::gate::Place;
use crate::engine::rooms::verdict_for_name;
use crate::local::{LocalZoneError, LocalZones};
use crate::metrics::Metrics;
use crate::moment::Moment;
use crate::policy::Access;
use crate::shelf::{ShelfError, Shelved};
use crate::subject::Subject;
use crate::upstream::{UpstreamError, Upstreams};
use crate::verdict::{Reason, Verdict};

/// Why a snapshot could not be put together or was not put in force.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The configuration is in error.
    #[error("{0}")]
    Config(#[from] ConfigErrors),
    /// A list could not be read or compiled.
    #[error("{0}")]
    Lists(ConfigErrors),
    /// What is made of lists could not be kept.
    #[error("{0}")]
    Shelf(ShelfError),
    /// A local zone could not be loaded.
    #[error("{0}")]
    LocalZone(ConfigErrors),
    /// The upstreams could not be set up.
    #[error("{errors}")]
    Upstream {
        /// What is wrong.
        errors: ConfigErrors,
        /// Whether it may pass without a change of the configuration.
        may_pass: bool,
    },
    /// The candidate answers a probe wrongly.
    #[error("{0}")]
    Probe(ConfigErrors),
    /// Something that only a restart can change was changed.
    #[error("{0} was changed, which takes a restart; everything else stays as it was")]
    NeedsRestart(&'static str),
}

impl ReloadError {
    /// That the lists of a configuration could not be made ready.
    pub fn of_lists(config: &Config, error: ShelfError) -> ReloadError {
        let (list, told) = match (error.list(), error.told()) {
            (Some(list), Some(told)) => (list, told),
            _ => return ReloadError::Shelf(error),
        };
        let source = config.lists.iter().find(|source| *source.name == *list && source.added.is_none());
        match source {
            Some(source) => {
                let key = config.original.key_of_list(source);
                ReloadError::Lists(config.original.error(&key, told.0, told.1).into())
            }
            // What was added by command has no place in the configuration.
            None => ReloadError::Shelf(error),
        }
    }

    fn of_zone(config: &Config, error: LocalZoneError) -> ReloadError {
        let advice = match error.place {
            Some(_) => "mend that line, or take the zone out",
            None => "mend the file, or take the zone out",
        };
        let told = config.original.error(&format!("local_zone[{}].file", error.zone), error.text, advice);
        let within = Within { file: error.file.display().to_string(), place: error.place };
        ReloadError::LocalZone(ConfigError { within: Some(within), ..told }.into())
    }

    fn of_upstream(config: &Config, error: &UpstreamError) -> ReloadError {
        let key = error.server().map_or("upstream".to_owned(), |server| config.original.key_of_server(server));
        let errors = config.original.error(&key, error.problem(), error.advice()).into();
        ReloadError::Upstream { errors, may_pass: error.may_pass() }
    }

    /// What is wrong, one for each place, where it has places.
    pub fn errors(&self) -> Option<&ConfigErrors> {
        match self {
            ReloadError::Config(errors)
            | ReloadError::Lists(errors)
            | ReloadError::LocalZone(errors)
            | ReloadError::Upstream { errors, .. }
            | ReloadError::Probe(errors) => Some(errors),
            ReloadError::Shelf(_) | ReloadError::NeedsRestart(_) => None,
        }
    }

    /// What is wrong, a line for each, as a log record has it.
    pub fn lines(&self) -> Vec<String> {
        match self.errors() {
            Some(errors) => errors.errors.iter().map(ConfigError::line).collect(),
            None => vec![self.to_string()],
        }
    }
}

/// Puts a snapshot together from a checked configuration and its lists. What did not change is taken over from `before`: a server's
/// connections and standing.
pub fn assemble(
    config: Config,
    lists: Shelved,
    own: &[SocketAddr],
    before: Option<&Snapshot>,
    metrics: &Metrics,
    now: Moment,
) -> Result<Snapshot, ReloadError> {
    let forwarded: Vec<Name> = config.forward_zones.iter().map(|zone| zone.name).collect();
    let local = LocalZones::load_beside(&config.local_zones, &forwarded)
        .map_err(|error| ReloadError::of_zone(&config, error))?;
    let upstreams = match before {
        Some(before) => before.upstreams.renewed(&config.upstream, &config.forward_zones, own),
        None => Upstreams::new(&config.upstream, &config.forward_zones, own),
    };
    let upstreams = upstreams.map_err(|error| ReloadError::of_upstream(&config, &error))?;
    let roster = Roster::of_statics(config.statics.iter().map(|entry| (entry.client, Arc::clone(&entry.known))));
    let zones: Vec<&str> = config.model.network_zones.iter().map(|zone| &*zone.name).collect();
    let categories: Vec<&str> = config.model.categories.iter().map(|category| &*category.name).collect();
    let labels = metrics.labels(&zones, &categories);
    if labels.crowded() > 0 {
        tracing::warn!(
            names = labels.crowded(),
            "more network zones and categories came and went than the metrics have places for; the newest count as `other` until a restart"
        );
    }
    // A grant names its category: the place of one may be another now.
    let access = before.map_or_else(Access::default, |before| before.access.renewed(&config.model.categories, now));
    Ok(Snapshot {
        access: Arc::new(access),
        generation: before.map_or(1, |before| before.generation + 1),
        routes: before.map_or(1, |before| before.routes + u64::from(!same_routes(&before.config, &config))),
        born: now,
        config: Arc::new(config),
        lists,
        roster,
        local: Arc::new(local),
        upstreams: Arc::new(upstreams),
        labels,
    })
}

/// Whether names are asked where they were asked before.
fn same_routes(before: &Config, after: &Config) -> bool {
    before.upstream.servers == after.upstream.servers
        && before
            .forward_zones
            .iter()
            .map(|zone| (&zone.name, &zone.servers))
            .eq(after.forward_zones.iter().map(|zone| (&zone.name, &zone.servers)))
}

/// What only a restart can change: the sockets, the log's place, the cache's bound.
pub fn needs_restart(before: &Config, after: &Config) -> Option<ReloadError> {
    let changed = |same: bool, what| (!same).then_some(ReloadError::NeedsRestart(what));
    changed(before.listen.dns == after.listen.dns, "listen.dns")
        .or_else(|| changed(before.listen.admin == after.listen.admin, "listen.admin"))
        .or_else(|| changed(before.listen.workers == after.listen.workers, "listen.workers"))
        .or_else(|| changed(before.listen.pin == after.listen.pin, "listen.pin"))
        .or_else(|| changed(before.listen.receive_buffer == after.listen.receive_buffer, "listen.receive_buffer"))
        .or_else(|| changed(before.listen.send_buffer == after.listen.send_buffer, "listen.send_buffer"))
        .or_else(|| changed(before.node.name == after.node.name, "node.name"))
        .or_else(|| changed(before.node.data_dir == after.node.data_dir, "node.data_dir"))
        .or_else(|| changed(before.log == after.log, "log"))
        .or_else(|| changed(before.cache == after.cache, "cache"))
}

/// Asks a candidate about the names of `[probe]`. Every network zone that allows by default must answer those of `must_allow`; at least
/// one network zone must block those of `must_block`.
pub fn probe(candidate: &Snapshot, now: Moment) -> Result<(), ReloadError> {
    let original = &candidate.config.original;
    let mut errors = Vec::new();
    for name in &candidate.config.probe.must_allow {
        for (place, zone) in candidate.model().network_zones.iter().enumerate() {
            let allows_by_default = !candidate.model().policies[zone.policy].default_block;
            if allows_by_default && let Some(verdict) = blocked(candidate, place, name, now) {
                let category = verdict.why().category.map_or("a name", |id| &candidate.model().category(id).name);
                let key = original.key_of_name("probe.must_allow", name);
                let problem = format!("{name} would be blocked in network zone `{}` ({category})", zone.name);
                let advice = "take out what blocks it, which `cordon explain` names, or except it; or take it out here";
                errors.push(original.error(&key, problem, advice));
            }
        }
    }
    for name in &candidate.config.probe.must_block {
        let zones = 0..candidate.model().network_zones.len();
        if zones.into_iter().all(|place| blocked(candidate, place, name, now).is_none()) {
            let key = original.key_of_name("probe.must_block", name);
            let problem = format!("{name} would be blocked in no network zone");
            let advice = "see that a list has it and a policy blocks that category, or write it under `deny`; or take it out here";
            errors.push(original.error(&key, problem, advice));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(ReloadError::Probe(ConfigErrors { errors })) }
}

/// The block of `name` for a client of which nothing but the network zone is known.
fn blocked(candidate: &Snapshot, zone: usize, name: &Name, now: Moment) -> Option<Verdict> {
    let model = candidate.model();
    let network_zone = model.network_zones.get(zone)?;
    let client = network_zone.clients.first()?.network();
    let place = Place { network_zone: Some(zone as u16), policy: Some(network_zone.policy) };
    let standing = candidate.standing(now);
    let subject = Subject::bare(client);
    let verdict =
        verdict_for_name(candidate, &candidate.rules(&standing), place, name, rtype::A, &subject, &mut ()).verdict;
    matches!(verdict, Verdict::Block(why) if why.reason != Reason::Internal).then_some(verdict)
}
