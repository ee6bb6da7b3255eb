//! `cordon log search`

use std::time::Duration;

use arrow::array::RecordBatch;
use serde_json::json;

use super::args::some_time;
use super::look::{Look, LookArgs, tell_coverage, tell_unknown};
use crate::cli::{Failure, Out};
use crate::config::checked::Config;
use crate::moment::Clock;
use crate::query::cell::{Cell, object, shown};
use crate::query::rows::newest;

const EXAMPLES: &str = "\
Examples:
  cordon log search --user u4711 --from yesterday
  cordon log search --client 10.20.0.0/16 --under example.com --action blocked --limit 1000
  cordon log search --device 00:11:22:33:44:55 --from '2026-11-22 09:00' --to '2026-11-22 10:30' --reason 'case 17/26'
  cordon log search --category gambling --unknown user --json

Exit code: 0 with rows; 1 when no row matches or a part of the log could not be read; 2 wrong usage.";

/// Show rows, newest first
///
/// Times are shown in UTC. A row is: time, client, user/host, network zone, action, name, type, category, and the list and line that spoke.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct SearchArgs {
    #[command(flatten)]
    look: LookArgs,
    /// At most this many rows, the newest
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
    /// Give up after this long, and say how far it came
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = some_time)]
    timeout: Duration,
}

/// Headings of [`line`].
pub(super) const HEADING: [&str; 9] =
    ["TIME", "CLIENT", "USER/HOST", "ZONE", "ACTION", "NAME", "TYPE", "CATEGORY", "RULE"];

pub(super) fn run(args: SearchArgs, config: &Config, clock: &Clock, out: &mut Out) -> Result<(), Failure> {
    let look = Look::begin("search", &args.look, config, clock)?;
    let limit = args.limit as usize;
    let found = look.ask(Some(args.timeout), |r, f, b| newest(r, f, limit, b), |found| &found.coverage)?;
    let rows = found.rows.num_rows();
    look.record(json!({ "limit": limit }), Some(rows as u64))?;
    if out.is_json() {
        for row in 0..rows {
            out.object(&object(&found.rows, row))?;
        }
    } else if rows > 0 {
        let lines: Vec<Vec<String>> = (0..rows).map(|row| line(&found.rows, row)).collect();
        out.table(&HEADING, &lines)?;
    }
    if found.more {
        out.note(format!("The newest {rows} rows. There are more: raise --limit, or narrow with --from and --to."))?;
    }
    if rows == 0 && !out.is_json() {
        out.line("no rows match")?;
    }
    if rows == 0 {
        tell_unknown(&look, config, out)?;
    }
    tell_coverage(&found.coverage, out)?;
    match rows {
        0 => Err(Failure::nothing()),
        _ => Ok(()),
    }
}

/// A row for people.
pub(super) fn line(batch: &RecordBatch, row: usize) -> Vec<String> {
    let cell = |name: &str| batch.column_by_name(name).and_then(|array| Cell::of(array, row));
    let who = match (cell("user"), cell("host")) {
        (None, None) => "-".to_string(),
        (user, host) => format!("{}/{}", shown(user), shown(host)),
    };
    let rule = match (cell("list"), cell("rule")) {
        (Some(list), Some(Cell::Text(rule))) => {
            let line = rule.split(':').next().filter(|line| line.bytes().all(|b| b.is_ascii_digit()));
            format!("{}:{}", shown(Some(list)), shown(Some(Cell::Text(line.unwrap_or(rule)))))
        }
        (None, rule) => shown(rule),
        (list, None) => shown(list),
        (Some(list), Some(rule)) => format!("{}:{}", shown(Some(list)), shown(Some(rule))),
    };
    let plain = |name: &str| shown(cell(name));
    vec![
        plain("time"),
        plain("client"),
        who,
        plain("network_zone"),
        plain("action"),
        plain("qname"),
        plain("qtype"),
        plain("category"),
        rule,
    ]
}
