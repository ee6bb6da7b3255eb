//! `cordon log tail`

use std::io;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use serde_json::json;

use super::look::{Look, LookArgs, tell_coverage, tell_unknown};
use super::search::line;
use crate::cli::{Failure, Out};
use crate::config::checked::Config;
use crate::moment::{Clock, Moment};
use crate::query::cell::{Cell, object};
use crate::query::evaluate::keep;
use crate::query::rows::{Found, newest};
use crate::query::{Budget, QueryError};
use crate::store::reader::Reader;

/// How often the log is looked at: rows show well within a second.
const EVERY: Duration = Duration::from_millis(200);

const EXAMPLES: &str = "\
Examples:
  cordon log tail --client 10.20.0.9
  cordon log tail --action blocked --json | jq .qname
  cordon log tail --zone hq-desktops --last 50 --for 10m

Ends with Ctrl-C, exit code 0.";

/// Follow rows as they come
///
/// Begins with the last rows of the past hour, then shows each new row within a second. The look is recorded when it begins and when it ends.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct TailArgs {
    #[command(flatten)]
    look: LookArgs,
    /// Begin with this many rows of the past hour
    #[arg(long, value_name = "N", default_value_t = 10)]
    last: usize,
    /// End after this many rows
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// End after this long
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
    long: Option<Duration>,
}

pub(super) fn run(args: TailArgs, config: &Config, clock: &Clock, out: &mut Out) -> Result<(), Failure> {
    let look = Look::begin("tail", &args.look, config, clock)?;
    let asked = json!({ "last": args.last, "limit": args.limit });
    look.record(asked.clone(), None)?;
    // Before the waiting: with such a slip nothing would ever come.
    tell_unknown(&look, config, out)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut shown = 0;
    let ended = runtime.block_on(follow(&args, &look, config, &mut shown, clock.now(), out));
    look.record(asked, Some(shown))?;
    match ended {
        // Whoever read along has seen enough.
        Err(Ending::Io(why)) if why.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(Ending::Io(why)) => Err(why.into()),
        Err(Ending::Failed(why)) => Err(why),
        Ok(()) => Ok(()),
    }
}

enum Ending {
    Io(io::Error),
    Failed(Failure),
}

async fn follow(
    args: &TailArgs,
    look: &Look<'_>,
    config: &Config,
    shown: &mut u64,
    now: Moment,
    out: &mut Out,
) -> Result<(), Ending> {
    let failed = |why: &dyn std::fmt::Display| Ending::Failed(Failure::failed(why));
    let began = Instant::now();
    let reader = Reader::open(&config.log.dir).map_err(|why| failed(&why))?;
    let mut cursor = reader.tail_end();
    if args.last > 0 {
        let found = recent(args, look, &reader, now).map_err(|why| failed(&why))?;
        for row in (0..found.rows.num_rows()).rev() {
            show(&found.rows, row, out).map_err(Ending::Io)?;
            *shown += 1;
        }
        tell_coverage(&found.coverage, out).map_err(Ending::Failed)?;
    }
    let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        out.flush().map_err(Ending::Io)?;
        if args.limit.is_some_and(|limit| *shown >= limit) || args.long.is_some_and(|long| began.elapsed() >= long) {
            return Ok(());
        }
        tokio::select! {
            _ = &mut interrupt => return Ok(()),
            () = tokio::time::sleep(EVERY) => {}
        }
        let batches = reader.live_since(&mut cursor).map_err(|why| failed(&why))?;
        let mut rows: Vec<(RecordBatch, usize)> = Vec::new();
        for batch in &batches {
            let kept = keep(&look.filter, batch).map_err(|why| failed(&why))?;
            rows.extend((0..kept.num_rows()).map(|row| (kept.clone(), row)));
        }
        // Lanes are read one after the other; within one look at them rows come in the order of time.
        rows.sort_by_key(|(batch, row)| time_of(batch, *row));
        for (batch, row) in &rows {
            if args.limit.is_some_and(|limit| *shown >= limit) {
                break;
            }
            show(batch, *row, out).map_err(Ending::Io)?;
            *shown += 1;
        }
    }
}

/// The last rows of the past hour: further back a search is the better question.
fn recent(args: &TailArgs, look: &Look<'_>, reader: &Reader, now: Moment) -> Result<Found, QueryError> {
    let hour = now.minus(Duration::from_secs(3600));
    let mut filter = look.filter.clone();
    filter.span.from = Some(filter.span.from.map_or(hour, |from| from.max(hour)));
    let last = args.limit.map_or(args.last, |limit| args.last.min(usize::try_from(limit).unwrap_or(usize::MAX)));
    let mut found = newest(reader, &filter, last, &Budget::new(64 << 20, None))?;
    found.coverage.asked = look.filter.span;
    Ok(found)
}

fn show(batch: &RecordBatch, row: usize, out: &mut Out) -> io::Result<()> {
    if out.is_json() {
        return out.object(&object(batch, row));
    }
    // Rows yet to come are not known, so columns have widths of their own.
    const WIDTHS: [usize; 9] = [27, 15, 20, 14, 9, 40, 5, 14, 0];
    let cells = line(batch, row);
    let padded = cells.iter().zip(WIDTHS).map(|(cell, width)| format!("{cell:width$}"));
    out.line(padded.collect::<Vec<_>>().join("  ").trim_end())
}

fn time_of(batch: &RecordBatch, row: usize) -> Option<Moment> {
    match Cell::of(batch.column_by_name("time")?, row)? {
        Cell::Time(moment) => Some(moment),
        _ => None,
    }
}
