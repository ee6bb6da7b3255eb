//! What every look at the log has in common: filter, reason, budget, the record of it, and what is said about its coverage.

use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::args::FilterArgs;
use super::unknown;
use crate::cli::{Failure, Out};
use crate::config::checked::{Config, RequireReason};
use crate::moment::Clock;
use crate::query::audit::{self, Person};
use crate::query::run::aside;
use crate::query::{Budget, Coverage, Filter, QueryError};
use crate::store::reader::Reader;

/// Octets a question may hold.
const MEMORY: usize = 512 << 20;
/// How often a question is asked again when parts were merged or expired under it.
const TRIES: usize = 3;

/// What every look takes.
#[derive(Clone, Debug, clap::Args)]
pub struct LookArgs {
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Why you look: a case number, a ticket. It is recorded with the look; `log.require_reason` can make it a duty
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// One look, begun.
pub struct Look<'a> {
    command: &'static str,
    log_dir: &'a Path,
    clock: &'a Clock,
    reason: Option<String>,
    pub filter: Filter,
}

impl<'a> Look<'a> {
    /// Checks the arguments, before anything is read.
    pub fn begin(
        command: &'static str,
        args: &LookArgs,
        config: &'a Config,
        clock: &'a Clock,
    ) -> Result<Look<'a>, Failure> {
        let filter = args.filter.filter(clock.now())?;
        Look::begin_with(command, filter, args.reason.as_deref(), config, clock)
    }

    /// As [`Look::begin`], for a filter that was made otherwise.
    pub fn begin_with(
        command: &'static str,
        filter: Filter,
        reason: Option<&str>,
        config: &'a Config,
        clock: &'a Clock,
    ) -> Result<Look<'a>, Failure> {
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty()).map(str::to_string);
        if config.log.require_reason == RequireReason::Required && reason.is_none() {
            return Err(Failure::usage(
                "a look at the log needs a reason here (log.require_reason): add --reason TEXT, a case number for instance",
            ));
        }
        let log_dir = config.log.dir.as_path();
        if !log_dir.is_dir() {
            return Err(Failure::failed(format!(
                "there is no log at {}: no server has run with this configuration, or log.dir names another folder",
                log_dir.display()
            )));
        }
        Ok(Look { command, log_dir, clock, reason, filter })
    }

    /// Asks a question on a thread of its own; again with a fresh reader when parts were replaced under it.
    pub fn ask<T: Send>(
        &self,
        timeout: Option<Duration>,
        question: impl Fn(&Reader, &Filter, &Budget) -> Result<T, QueryError> + Sync,
        coverage: impl Fn(&T) -> &Coverage + Sync,
    ) -> Result<T, Failure> {
        let budget = Budget::new(MEMORY, timeout);
        let asked = aside(|| {
            for _ in 1..TRIES {
                let answer = question(&Reader::open(self.log_dir)?, &self.filter, &budget)?;
                if !coverage(&answer).is_overtaken() {
                    return Ok(answer);
                }
            }
            question(&Reader::open(self.log_dir)?, &self.filter, &budget)
        })?;
        asked.map_err(|why| match why {
            QueryError::Asked(why) => Failure::usage(why),
            other => Failure::failed(other),
        })
    }

    /// Records the look; without it nothing may be shown.
    pub fn record(&self, asked: Value, rows: Option<u64>) -> Result<(), Failure> {
        let look = audit::Look {
            command: self.command,
            filter: self.filter.to_json(),
            asked,
            reason: self.reason.as_deref(),
            rows,
        };
        audit::record(self.log_dir, self.clock.now(), &Person::here(), &look).map_err(|why| {
            Failure::failed(format!(
                "this look cannot be recorded, so nothing is shown: {}: {why}; {}",
                audit::path(self.log_dir).display(),
                audit::remedy(self.log_dir, &why)
            ))
        })
    }
}

/// Says what a reader of the answer must know of its coverage: that the log begins later than was asked, that there are files nobody speaks
/// for, and, as a failure, what is missing. With JSON the failure is the last object, whatever was given before.
pub fn tell_coverage(coverage: &Coverage, out: &mut Out) -> Result<(), Failure> {
    if let (Some(from), Some((first, _))) = (coverage.asked.from, coverage.held)
        && from < first
    {
        out.note(format!("The log begins at {first}: of what came before, nothing was kept or it has expired."))?;
    }
    for unlisted in &coverage.unlisted {
        out.warning(unlisted)?;
    }
    if coverage.is_whole() {
        return Ok(());
    }
    let failure = Failure::failed(format!("the answer is not whole\n{}", coverage.missing().join("\n")));
    if out.is_json() {
        out.object(&failure.object())?;
    }
    Err(failure)
}

/// Says which values of the filter are known nowhere: they may be slips.
pub(super) fn tell_unknown(look: &Look<'_>, config: &Config, out: &mut Out) -> Result<(), Failure> {
    for sentence in unknown::values(look, config) {
        out.note(sentence)?;
    }
    Ok(())
}

/// A bar of rows on a terminal; elsewhere nothing.
pub fn progress(json: bool) -> ProgressBar {
    if json {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} rows, {eta} left") {
        bar.set_style(style);
    }
    bar
}
