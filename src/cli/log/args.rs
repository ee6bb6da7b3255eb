//! The filter as arguments, made from the table of columns, so that a new column cannot be forgotten.

use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};
use jiff::tz::TimeZone;

use crate::cli::Failure;
use crate::moment::Moment;
use crate::query::filter::{Filter, Flag, flags};
use crate::query::when::{self, End};
use crate::record::columns::COLUMNS;

/// Which rows: the same arguments for every command that reads rows.
#[derive(Clone, Debug, Default)]
pub struct FilterArgs {
    asks: Vec<(Flag, String)>,
    unknown: Vec<String>,
    from: Option<String>,
    to: Option<String>,
    utc: bool,
}

impl FilterArgs {
    /// The filter as meant, ages and local times taken at `now`.
    pub fn filter(&self, now: Moment) -> Result<Filter, Failure> {
        let zone = if self.utc { TimeZone::UTC } else { TimeZone::system() };
        let mut filter = Filter::default();
        for (flag, value) in &self.asks {
            filter.ask(flag, value).map_err(Failure::usage)?;
        }
        for column in &self.unknown {
            filter.ask_unknown(column).map_err(Failure::usage)?;
        }
        let read = |name: &str, text: &Option<String>, end| match text {
            Some(text) => when::parse(text, end, now, &zone)
                .map(Some)
                .map_err(|why| Failure::usage(format!("--{name} {text:?}: {why}"))),
            None => Ok(None),
        };
        filter.span.from = read("from", &self.from, End::From)?;
        filter.span.to = read("to", &self.to, End::To)?;
        match (filter.span.from, filter.span.to) {
            (Some(from), Some(to)) if from >= to => {
                Err(Failure::usage(format!("--from is {from} and --to is {to}: nothing lies between")))
            }
            _ => Ok(filter),
        }
    }
}

impl clap::Args for FilterArgs {
    fn augment_args(command: Command) -> Command {
        let heading = "Which rows (a flag given twice means either; different flags must all hold)";
        let mut command = command;
        for flag in flags() {
            let arg = Arg::new(flag.name).long(flag.name).value_name(flag.value).help(flag.help);
            command = command.arg(arg.action(ArgAction::Append).help_heading(heading));
        }
        let times = format!(
            "{}; without an offset in the machine's time zone",
            when::FORMS.replace(", today, yesterday or now", ", today, yesterday, now")
        );
        let unknown = "rows where this column is not known or not there; more than one: all of them";
        command
            .arg(
                Arg::new("unknown")
                    .long("unknown")
                    .value_name("COLUMN")
                    .action(ArgAction::Append)
                    .help(unknown)
                    .help_heading(heading),
            )
            .arg(
                Arg::new("from")
                    .long("from")
                    .value_name("TIME")
                    .help(format!("arrived at this time or later: {times}"))
                    .help_heading(heading),
            )
            .arg(
                Arg::new("to")
                    .long("to")
                    .value_name("TIME")
                    .help("arrived before this time; a day alone is meant as a whole")
                    .help_heading(heading),
            )
            .arg(
                Arg::new("utc")
                    .long("utc")
                    .action(ArgAction::SetTrue)
                    .help("read times without an offset as UTC (times are always shown in UTC)")
                    .help_heading(heading),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for FilterArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<FilterArgs, clap::Error> {
        let mut args = FilterArgs::default();
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let broken = |why: clap::parser::MatchesError| clap::Error::raw(ErrorKind::InvalidValue, why.to_string());
        for flag in flags() {
            let values = matches.try_get_many::<String>(flag.name).map_err(broken)?;
            self.asks.extend(values.into_iter().flatten().map(|value| (flag, value.clone())));
        }
        let unknown = matches.try_get_many::<String>("unknown").map_err(broken)?;
        self.unknown.extend(unknown.into_iter().flatten().cloned());
        self.from = matches.try_get_one::<String>("from").map_err(broken)?.cloned();
        self.to = matches.try_get_one::<String>("to").map_err(broken)?.cloned();
        self.utc = matches.try_get_one::<bool>("utc").map_err(broken)?.copied().unwrap_or(false);
        Ok(())
    }
}

/// A length of time that is not nought.
pub fn some_time(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time.is_zero() => Err("is no time at all; give 10s, 15m or 1h for instance".into()),
        Ok(time) => Ok(time),
        Err(why) => Err(why.to_string()),
    }
}

/// The table of columns for the end of a help text.
pub fn columns_help() -> String {
    let width = COLUMNS.iter().map(|column| column.name.len()).max().unwrap_or(0);
    let lines = COLUMNS.iter().map(|column| format!("\n  {:width$}  {}", column.name, column.meaning));
    format!("Columns:{}", lines.collect::<String>())
}
