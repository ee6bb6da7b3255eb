//! `cordon log stats`

use std::time::Duration;

use serde_json::json;

use super::args::{columns_help, some_time};
use super::look::{Look, LookArgs, progress, tell_coverage, tell_unknown};
use crate::cli::{Failure, Out};
use crate::config::checked::Config;
use crate::moment::Clock;
use crate::query::aggregate::{Counting, count};
use crate::query::filter::column_named;
use crate::record::columns::COLUMNS;

const EXAMPLES: &str = "\
Examples:
  cordon log stats --from today --by action
  cordon log stats --by category,network_zone --action blocked --from 7d --top 20
  cordon log stats --bucket 1h --from 1d --by action
  cordon log stats --by site --distinct user --top 50 --from '2026-11-01' --to '2026-11-30'
  cordon log stats --client 10.20.0.9 --json

Exit code: 0, also when the count is nought; 1 when a part of the log could not be read; 2 wrong usage.";

/// Count rows by columns and by spans of time
///
/// Without --by and --bucket it counts all rows that match. Groups come with the most rows first; with --bucket, bucket by bucket.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", columns_help()))]
pub struct StatsArgs {
    #[command(flatten)]
    look: LookArgs,
    /// Count rows alike in these columns together
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',')]
    by: Vec<String>,
    /// Count spans of this length apart: 15m, 1h, 1d, in UTC
    #[arg(long, value_name = "TIME", value_parser = some_time)]
    bucket: Option<Duration>,
    /// Count the different values of this column in each group too
    #[arg(long, value_name = "COLUMN")]
    distinct: Option<String>,
    /// Only the groups with most rows; with --bucket, of each bucket
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    top: Option<u32>,
    /// Give up after this long, and say how far it came
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = some_time)]
    timeout: Duration,
}

pub(super) fn run(args: StatsArgs, config: &Config, clock: &Clock, out: &mut Out) -> Result<(), Failure> {
    let column = |flag: &str, name: &str| {
        column_named(name.trim()).map_err(|why| Failure::usage(format!("--{flag} {name:?}: {why}")))
    };
    let mut by = Vec::new();
    for name in &args.by {
        let place = column("by", name)?;
        if !by.contains(&place) {
            by.push(place);
        }
    }
    let distinct = args.distinct.as_deref().map(|name| column("distinct", name)).transpose()?;
    let counting =
        Counting { by, bucket: args.bucket, distinct, top: args.top.map(|top| top as usize), ..Counting::default() };
    let look = Look::begin("stats", &args.look, config, clock)?;
    let bar = progress(out.is_json());
    let counted = look.ask(
        Some(args.timeout),
        |reader, filter, budget| {
            count(reader, filter, &counting, budget, &mut |behind, total| {
                bar.set_length(total);
                bar.set_position(behind);
            })
        },
        |counted| &counted.coverage,
    )?;
    bar.finish_and_clear();
    let names = |places: &[usize]| -> Vec<&str> {
        places.iter().filter_map(|&place| COLUMNS.get(place)).map(|c| c.name).collect()
    };
    let asked = json!({
        "by": names(&counting.by),
        "bucket": counting.bucket.map(|bucket| humantime::format_duration(bucket).to_string()),
        "distinct": counting.distinct.and_then(|place| COLUMNS.get(place)).map(|c| c.name),
        "top": counting.top,
    });
    look.record(asked, Some(counted.rows()))?;
    if out.is_json() {
        for group in counted.objects() {
            out.object(&group)?;
        }
    } else {
        let heading: Vec<String> = counted.heading().iter().map(|name| name.to_uppercase()).collect();
        let heading: Vec<&str> = heading.iter().map(String::as_str).collect();
        out.table(&heading, &counted.table())?;
    }
    if counted.shown() < counted.groups() {
        out.note(format!("{} of {} groups; {} rows in all.", counted.shown(), counted.groups(), counted.rows()))?;
    }
    if counted.rows() == 0 {
        tell_unknown(&look, config, out)?;
    }
    tell_coverage(&counted.coverage, out)
}
