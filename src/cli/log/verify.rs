//! `cordon log verify`

use std::path::PathBuf;

use crate::cli::{Failure, Out};
use crate::config::checked::Config;
use crate::query::audit;
use crate::store::verify::{Problem, verify};

const EXAMPLES: &str = "\
Examples:
  cordon log verify
  cordon log verify --key dns1.pub

Exit code: 0 when all that could be checked holds; 1 on any problem.";

/// Recompute hashes, chains, signatures and sequences, and say what is proven
///
/// The key in the log's own folder proves that the log is consistent with itself; a copy of the key kept elsewhere, given with --key, proves
/// that this node signed it.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct VerifyArgs {
    /// The node's public key, kept elsewhere
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

pub(super) fn run(args: VerifyArgs, config: &Config, out: &mut Out) -> Result<(), Failure> {
    let dir = &config.log.dir;
    if !dir.is_dir() {
        return Err(Failure::failed(format!("there is no log at {}", dir.display())));
    }
    let mut findings = verify(dir, args.key.as_deref()).map_err(Failure::failed)?;
    let (looks, breaks) =
        audit::verify(dir).map_err(|why| Failure::failed(format!("{}: {why}", audit::path(dir).display())))?;
    match breaks.is_empty() {
        true => findings.proven.push(format!("the record of looks: {looks} lines, each continues the one before")),
        false => findings.ok = false,
    }
    if looks > 0 {
        findings
            .not_proven
            .push("that no look at the end of the record was cut off: its last line is under no signature".into());
    }
    findings.problems.extend(breaks.into_iter().map(|one| Problem {
        file: "audit/audit.jsonl".into(),
        line: Some(one.line),
        what: one.why,
    }));
    if out.is_json() {
        out.object(&findings)?;
    } else {
        for text in &findings.proven {
            out.line(format!("proven      {text}"))?;
        }
        for text in &findings.not_proven {
            out.line(format!("not proven  {text}"))?;
        }
        for problem in &findings.problems {
            out.line(format!("PROBLEM     {problem}"))?;
        }
    }
    match findings.problems.len() {
        0 if findings.ok => Ok(()),
        0 | 1 => Err(Failure::failed("the log has a problem")),
        n => Err(Failure::failed(format!("the log has {n} problems"))),
    }
}
