//! `cordon explain`: the walk of a decision in words, from the files alone.

mod access;
mod changes;
mod decided;
mod diff;
mod looked;
mod members;
mod walk;

use std::net::IpAddr;

use clap::Args;
use jiff::Zoned;

use crate::access::{Journal, Taken};
use crate::cli::{Failure, Out};
use crate::config::Config;
use crate::engine::Snapshot;
use crate::engine::reload::{ReloadError, assemble};
use crate::list::asked_name;
use crate::metrics::Metrics;
use crate::moment::{Clock, Moment};
use crate::record::rtype::Rtype;
use crate::shelf::Shelf;
use crate::subject::{Known, Subject, Via};

/// Why a name is answered or blocked: the network zone and subject of a client, every rule that was looked at, what spoke, by which list
/// and line. It reads the configuration and the lists; no server is needed, and nothing is changed.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  \
    cordon explain www.bet365.com\n  \
    cordon explain www.facebook.com --client 10.20.1.5 --at 12:30\n  \
    cordon explain www.facebook.com --client 10.20.1.5 --user u4711 --at '2026-11-23 09:00'\n  \
    cordon explain --diff candidate.toml --log 7d --reason 'change 4711'

Exit code: 0 when there was something to explain, whatever the verdict and whatever would change; 1 when a part of the log \
    could not be read; 2 wrong usage; 3 when a configuration is in error.")]
pub struct ExplainArgs {
    /// The name to be explained.
    #[arg(required_unless_present = "diff", conflicts_with = "diff")]
    pub name: Option<String>,
    #[command(flatten)]
    diff: diff::DiffArgs,
    /// Address of the client that asks; without it, the first address of each network zone is taken in turn.
    #[arg(long, value_name = "IP", conflicts_with = "diff")]
    pub client: Option<IpAddr>,
    /// As if this user were known to be behind the client.
    #[arg(long, value_name = "USER", conflicts_with = "diff")]
    pub user: Option<String>,
    /// At which time: `12:30` (today), `2026-11-23 09:00`, or RFC 3339; the machine's time zone unless one is given. Default: now.
    #[arg(long, value_name = "TIME", conflicts_with = "diff")]
    pub at: Option<String>,
    /// The type asked for.
    #[arg(long, value_name = "TYPE", default_value = "A")]
    pub r#type: String,
}

/// Explains. Ends with 0 whenever there was something to explain, whatever the verdict.
pub fn run(args: &ExplainArgs, config: Config, clock: &Clock, out: &mut Out) -> Result<(), Failure> {
    if let Some(other) = &args.diff.diff {
        return diff::run(&args.diff, other, config, clock, out);
    }
    args.diff.unused()?;
    let asked = args.name.as_deref().unwrap_or_default();
    let name = asked_name(asked).map_err(|why| Failure::usage(format!("`{asked}` is not a name: it {why}")))?;
    let Rtype(qtype) = Rtype::parse(&args.r#type).ok_or_else(|| {
        Failure::usage(format!("--type {}: not a record type; give a mnemonic such as AAAA or TYPE65", args.r#type))
    })?;
    let at = match &args.at {
        Some(text) => moment(text, clock.now())?,
        None => clock.now(),
    };
    let taken = taken(&config, out)?;
    let mut snapshot = candidate(config, at)?;
    snapshot.access = std::sync::Arc::new(taken.access(&snapshot.model().categories, at));
    let clients: Vec<IpAddr> = match args.client {
        Some(client) => vec![client],
        None => {
            let zones = &snapshot.model().network_zones;
            zones.iter().filter_map(|zone| zone.clients.first()).map(|prefix| prefix.network()).collect()
        }
    };
    for (number, client) in clients.into_iter().enumerate() {
        let subject = subject(snapshot.roster.subject(client), args.user.as_deref());
        let walk = walk::Walk::of(&snapshot, &name, qtype, &subject, at);
        if out.is_json() {
            out.object(&walk)?;
        } else {
            if number > 0 {
                out.line("")?;
            }
            walk.print(out)?;
        }
    }
    Ok(())
}

/// The journal of grants and withdrawals. Whoever may not read it has the rest explained, and is told so.
fn taken(config: &Config, out: &mut Out) -> Result<Taken, Failure> {
    match Journal::below(&config.node.data_dir).read() {
        Err(error) if error.is_for_others() => {
            out.note(format_args!("grants and withdrawals are left out: {error}"))?;
            Ok(Taken::default())
        }
        read => read.map_err(Failure::failed),
    }
}

/// What a server would decide by if it started with this configuration; nothing on the disk is touched.
fn candidate(config: Config, at: Moment) -> Result<Snapshot, Failure> {
    let lists = Shelf::new(&config.node.data_dir).look(&config.lists, &config.model).map_err(Failure::failed)?;
    assemble(config, lists, &[], None, &Metrics::new(env!("CARGO_PKG_VERSION")), at).map_err(|error| match error {
        ReloadError::Config(errors) => Failure::errors(&errors, &errors),
        other => Failure::failed(other),
    })
}

fn subject(mut subject: Subject, user: Option<&str>) -> Subject {
    if let Some(user) = user {
        let known = subject.known.as_deref().cloned().unwrap_or_default();
        let user = Some(user.to_lowercase().into());
        let via = if subject.known.is_some() { known.via } else { Via::Signon };
        subject.known = Some(Known { user, via, shared: false, ..known }.into());
    }
    subject
}

/// A moment for a person, by the clock of a time zone.
fn in_zone(at: Moment, zone: &jiff::tz::TimeZone) -> String {
    at.timestamp().to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M %Z").to_string()
}

/// A time as a person writes it.
fn moment(text: &str, now: Moment) -> Result<Moment, Failure> {
    if let Ok(timestamp) = text.parse::<jiff::Timestamp>() {
        return Ok(timestamp.into());
    }
    if let Ok(zoned) = text.parse::<Zoned>() {
        return Ok(zoned.timestamp().into());
    }
    let zone = jiff::tz::TimeZone::system();
    let civil = match text.parse::<jiff::civil::DateTime>() {
        Ok(civil) => Some(civil),
        Err(_) => text
            .parse::<jiff::civil::Time>()
            .ok()
            .map(|time| now.timestamp().to_zoned(zone.clone()).date().to_datetime(time)),
    };
    civil.and_then(|civil| civil.to_zoned(zone).ok()).map(|zoned| zoned.timestamp().into()).ok_or_else(|| {
        Failure::usage(format!("--at {text}: not a time; write 12:30, '2026-11-23 09:00' or 2026-11-23T09:00:00Z"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let now = Moment::from_seconds(1_795_341_600);
        assert_eq!(moment("2026-11-23T09:00:00Z", now).unwrap().to_string(), "2026-11-23T09:00:00.000000Z");
        assert!(moment("2026-11-23 09:00", now).is_ok());
        assert!(moment("09:00", now).is_ok());
        assert!(moment("soon", now).is_err());
    }
}
