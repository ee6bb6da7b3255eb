//! `cordon log verify`

use std::path::{Path, PathBuf};

use crate::access::{self, Journal, JournalError, Mark};
use crate::cli::{Failure, Out};
use crate::config::checked::Config;
use crate::query::audit;
use crate::store::verify::{Findings, Problem, verify};

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

/// Holds the journal of grants and withdrawals against every leaf that was written over it.
fn journal(findings: &mut Findings, data_dir: &Path) -> Result<(), Failure> {
    let trails = findings.audits.get(access::FILE).cloned().unwrap_or_default();
    let marks: Vec<Mark> =
        trails.into_iter().map(|trail| Mark { bytes: trail.bytes, sha256: trail.sha256, rows: trail.rows }).collect();
    let unreadable = |why: &dyn std::fmt::Display| Failure::failed(format!("{}: {why}", access::FILE));
    let misfits = access::misfits(data_dir, &marks).map_err(|why| unreadable(&why))?;
    let problem = |line, what: String| Problem { file: access::FILE.to_owned(), line, what };
    for rows in &misfits {
        let what =
            format!("its first {rows} lines are not those a signed leaf was written over: it was changed or cut");
        findings.problems.push(problem(None, what));
    }
    match Journal::below(data_dir).read() {
        Ok(taken) => {
            let (signed, lines) = (marks.last().map_or(0, |mark| mark.rows), taken.ledger.lines);
            if lines > 0 && misfits.is_empty() {
                findings.proven.push(format!(
                    "the journal of grants and withdrawals: {lines} lines, each continues the one before; the first {signed} are under signed leaves"
                ));
            }
            if lines > signed {
                let more = lines - signed;
                findings.not_proven.push(format!(
                    "the last {more} lines of the journal of grants and withdrawals: a server takes them over when it runs"
                ));
            }
        }
        Err(JournalError::Torn { line, .. }) => {
            findings.problems.push(problem(Some(line), "has no end: its writer died, or it was changed".into()));
        }
        Err(JournalError::Broken { line, what, .. }) => findings.problems.push(problem(Some(line), what)),
        Err(other) => return Err(unreadable(&other)),
    }
    findings.ok &= findings.problems.is_empty();
    Ok(())
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
    journal(&mut findings, &config.node.data_dir)?;
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
