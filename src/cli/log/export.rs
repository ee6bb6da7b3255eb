//! `cordon log export`

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::args::{columns_help, some_time};
use super::look::{Look, LookArgs, progress, tell_coverage, tell_unknown};
use crate::cli::{Failure, Out};
use crate::config::checked::Config;
use crate::moment::Clock;
use crate::query::export::{Format, export};

const EXAMPLES: &str = "\
Examples:
  cordon log export --format parquet -o november.parquet --from 2026-11-01 --to 2026-11-30
  cordon log export --format csv -o case17.csv --user u4711 --reason 'case 17/26'
  duckdb -c \"select site, count(*) from 'november.parquet' group by 1 order by 2 desc\"

Exit code: 0; 1 when the file could not be written or a part of the log could not be read; 2 wrong usage.";

/// Write rows to a file for other programs
///
/// All columns, rows not yet sealed included. Rows come part by part, so they are in the order of time but for parts that overlap. The
/// file gets its name when it is complete, and its SHA-256 is recorded with the look. In CSV a text that begins with = + - @ or a control
/// character has an apostrophe before it, so that no spreadsheet runs a name somebody asked for; Parquet and JSON lines have every text as it is.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", columns_help()))]
pub struct ExportArgs {
    #[command(flatten)]
    look: LookArgs,
    /// The form of the file
    #[arg(long, value_enum)]
    format: FormatArg,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Replace the file when there is one
    #[arg(long)]
    force: bool,
    /// Give up after this long
    #[arg(long, value_name = "TIME", value_parser = some_time)]
    timeout: Option<Duration>,
}

/// `--format`
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum FormatArg {
    /// Apache Parquet, as the log's own parts are
    Parquet,
    /// Comma-separated with a heading; what is not known is empty; an apostrophe marks what a spreadsheet would run
    Csv,
    /// One JSON object a line; what is not known is null
    Jsonl,
}

pub(super) fn run(args: ExportArgs, config: &Config, clock: &Clock, out: &mut Out) -> Result<(), Failure> {
    let look = Look::begin("export", &args.look, config, clock)?;
    let to = &args.output;
    if to.exists() && !args.force {
        return Err(Failure::failed(format!("{} is there already: choose another name, or add --force", to.display())));
    }
    let format = match args.format {
        FormatArg::Parquet => Format::Parquet,
        FormatArg::Csv => Format::Csv,
        FormatArg::Jsonl => Format::Jsonl,
    };
    let bar = progress(out.is_json());
    let draft = look.ask(
        args.timeout,
        |reader, filter, budget| {
            export(reader, filter, format, to, budget, &mut |behind, total| {
                bar.set_length(total);
                bar.set_position(behind);
            })
        },
        |draft| &draft.coverage,
    )?;
    bar.finish_and_clear();
    let (rows, sha256, coverage) = (draft.rows, draft.sha256.clone(), draft.coverage.clone());
    let file = std::path::absolute(to).unwrap_or_else(|_| to.clone()).display().to_string();
    let unlisted: Vec<&str> = coverage.unlisted.iter().map(|unlisted| &*unlisted.file).collect();
    let whole = coverage.is_whole() && unlisted.is_empty();
    let facts =
        json!({ "format": format.word(), "file": file, "sha256": sha256, "whole": whole, "not_in_manifest": unlisted });
    look.record(facts.clone(), Some(rows))?;
    draft.keep().map_err(Failure::failed)?;
    if out.is_json() {
        let mut facts = facts;
        facts["rows"] = rows.into();
        out.object(&facts)?;
    } else {
        out.line(format!("{rows} rows in {}, SHA-256 {sha256}", to.display()))?;
    }
    if rows == 0 {
        tell_unknown(&look, config, out)?;
    }
    tell_coverage(&coverage, out)
}
