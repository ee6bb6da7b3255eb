//! `cordon log verify`

use std::path::PathBuf;

use crate::cli::{Failure, Out};
use crate::config::checked::Config;
use crate::query::audit;
use crate::store::verify::verify;

const EXAMPLES: &str = "\
Examples:
  cordon log verify
  cordon log verify --key dns1.pub

Exit code: 0 when all that could be checked holds; 1 on any problem.";

/// Recompute hashes, chains, signatures and sequences, and say what is proven
///
/// The key in the log's own folder proves that the log is consistent with itself; a copy of the key kept elsewhere, given with --key, proves
/// that this node signed it.
#[derive(Debug, clap::Args)]
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
    if breaks.is_empty() {
        findings.proven.push(format!("the record of looks: {looks} lines, each continues the one before"));
    }
    let place = audit::path(dir);
    findings.problems.extend(breaks.iter().map(|b| format!("{}: line {} {}", place.display(), b.line, b.why)));
    let kinds = [("proven", &findings.proven), ("not proven", &findings.unproven), ("problem", &findings.problems)];
    for (kind, texts) in kinds {
        for text in texts {
            if out.is_json() {
                out.object(&serde_json::json!({ "finding": kind, "text": text }))?;
            } else {
                out.line(format!("{kind:10}  {text}"))?;
            }
        }
    }
    match findings.problems.len() {
        0 => Ok(()),
        1 => Err(Failure::failed("the log has a problem")),
        n => Err(Failure::failed(format!("the log has {n} problems"))),
    }
}
