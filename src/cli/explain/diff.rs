//! `cordon explain --diff`: what another configuration would decide otherwise, of the questions people asked in the last days. The check
//! before a change goes in.
//!
//! ```text
//! rows of the log -> counted by who, name, type and what was in force by schedule or grant [asked]
//! each of them    -> decided by both configurations -> what differs                      [compared]
//! what differs    -> a line for each name, the worst first                               [told]
//! ```

mod asked;
mod compared;
mod told;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use self::compared::Compared;
use super::{candidate, taken};
use crate::cli::log::look::{Look, progress, tell_coverage};
use crate::cli::{Failure, Out, check};
use crate::config::Config;
use crate::config::errors::advise;
use crate::moment::Clock;
use crate::query::Filter;
use crate::query::aggregate::count;
use crate::query::filter::flags;
use crate::query::when::{self, End};

/// How far back the log is read unless it is said.
const LOG: &str = "7d";
/// How many lines are shown unless it is said.
const LIMIT: usize = 50;

/// How two configurations are held against each other.
#[derive(Clone, Debug, Args)]
pub struct DiffArgs {
    /// In place of a name: which names and clients of the log would be decided otherwise by this configuration, the worst first
    #[arg(long, value_name = "OTHER.toml", help_heading = "Before a change")]
    pub diff: Option<PathBuf>,
    /// How far back the log is read: `7d` (default), `12h`, `2026-11-01`
    #[arg(long, value_name = "TIME", help_heading = "Before a change")]
    log: Option<String>,
    /// Only queries that were decided in this network zone
    #[arg(long, value_name = "ZONE", help_heading = "Before a change")]
    zone: Option<String>,
    /// How many lines are shown at most [default: 50]; how many there are is always said
    #[arg(long, value_name = "N", help_heading = "Before a change", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Why you look: a case number, a ticket. It is recorded with the look; `log.require_reason` can make it a duty
    #[arg(long, value_name = "TEXT", help_heading = "Before a change")]
    reason: Option<String>,
}

impl DiffArgs {
    /// Refuses what is said of a comparison where none is asked for; clap does not, since a name and `--diff` exclude each other.
    pub fn unused(&self) -> Result<(), Failure> {
        let given = [
            ("log", self.log.is_some()),
            ("zone", self.zone.is_some()),
            ("limit", self.limit.is_some()),
            ("reason", self.reason.is_some()),
        ];
        match given.iter().find(|(_, given)| *given) {
            Some((flag, _)) => Err(Failure::usage(format!("--{flag} goes with --diff OTHER.toml, not with a name"))),
            None => Ok(()),
        }
    }
}

/// Compares. Ends with 0 whatever would change.
pub fn run(args: &DiffArgs, other: &Path, config: Config, clock: &Clock, out: &mut Out) -> Result<(), Failure> {
    let now = clock.now();
    let filter = filter(args, clock)?;
    let other = Config::load(other).map_err(|errors| check::failure(&errors))?;
    let path = other.path.display().to_string();
    let taken = taken(&config, out)?;
    let (mut new, mut old) = (candidate(other, now)?, candidate(config, now)?);
    for snapshot in [&mut old, &mut new] {
        // Those in force at any time since the log is read.
        let access = taken.access(&snapshot.model().categories, filter.span.from.unwrap_or(now));
        snapshot.access = Arc::new(access);
    }
    if let Some(zone) = &args.zone {
        known(zone, &old.config, &new.config)?;
    }
    let look = Look::begin_with("explain --diff", filter, args.reason.as_deref(), &old.config, clock)?;
    let counting = asked::counting(look.filter.span, &old, &new);
    let bar = progress(out.is_json());
    let counted = look.ask(
        None,
        |reader, filter, budget| {
            count(reader, filter, &counting, budget, &mut |behind, total| {
                bar.set_length(total);
                bar.set_position(behind);
            })
        },
        |counted| &counted.coverage,
    )?;
    let mut compared = Compared::new(&old, &new);
    bar.set_length(counted.rows());
    bar.set_position(0);
    for (cells, rows) in counted.each() {
        compared.add(asked::read(&cells, rows));
        bar.inc(rows);
    }
    bar.finish_and_clear();
    let limit = args.limit.map_or(LIMIT, |limit| limit as usize);
    let asked = json!({ "diff": path, "sha256": new.config.sha256, "limit": limit });
    look.record(asked, Some(counted.rows()))?;
    told::tell(compared, limit, out)?;
    tell_coverage(&counted.coverage, out)
}

/// A network zone that neither configuration has would compare nothing, and look as if nothing changed.
fn known(zone: &str, old: &Config, new: &Config) -> Result<(), Failure> {
    let zones = old.model.network_zones.iter().chain(&new.model.network_zones).map(|zone| &*zone.name);
    if zones.clone().any(|known| known == zone) {
        return Ok(());
    }
    let zones: std::collections::BTreeSet<&str> = zones.collect();
    let advice = advise(zone, zones).unwrap_or_else(|| "there is none".to_owned());
    Err(Failure::usage(format!("--zone: neither configuration has a network zone `{zone}`; {advice}")))
}

fn filter(args: &DiffArgs, clock: &Clock) -> Result<Filter, Failure> {
    let now = clock.now();
    let mut filter = Filter::default();
    let log = args.log.as_deref().unwrap_or(LOG);
    let from = when::parse(log, End::From, now, &jiff::tz::TimeZone::system())
        .map_err(|why| Failure::usage(format!("--log {log:?}: {why}")))?;
    if from >= now {
        return Err(Failure::usage(format!("--log {log:?} is not in the past: nothing lies between")));
    }
    filter.span.from = Some(from);
    filter.span.to = Some(now);
    if let Some(zone) = &args.zone
        && let Some(flag) = flags().iter().find(|flag| flag.name == "zone")
    {
        filter.ask(flag, zone).map_err(Failure::usage)?;
    }
    Ok(filter)
}
