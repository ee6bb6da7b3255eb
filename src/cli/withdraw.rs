//! `cordon withdraw`: withdraws somebody's access to the internet, and restores it. With or without a running server; one that runs puts it
//! in force at once.

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::access::{Entry, Journal, JournalError, Ledger, Withdrawing};
use crate::cli::grant::whose::{WhoseArgs, short};
use crate::cli::grant::{ended, failure, known, said};
use crate::cli::{Failure, Out, person};
use crate::config::Config;
use crate::moment::{Clock, Moment};
use crate::query::when::{self, End};
use crate::verdict::AccessId;

const ADD: &str = "\
Examples:
  cordon withdraw add --user u4711 --authoriser 'Supt Example' --reason 'conduct 12/26' --review 2026-12-09 --expires 2026-12-23
  cordon withdraw add --device 00:11:22:33:44:55 --authoriser 'Supt Example' --reason 'lost' --start '2026-11-26 08:00' --review 2026-12-01 --expires 2026-12-31

Times without an offset are in the machine's time zone; a day alone begins at its midnight for --start and --review, and is over at the next one for --expires. A running
server puts it in force within a second. What `[withdrawal] essential` names stays answered, and internal names do.";

const RESTORE: &str = "\
Example:
  cordon withdraw restore w-20261125-0001 --authoriser 'Supt Example' --reason 'review of 9 December'";

/// What to do with withdrawals.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum WithdrawCommand {
    /// Withdraw somebody's access to the internet
    Add(AddArgs),
    /// The withdrawals in force and to come; with --all those that ended, too
    List {
        /// Those that expired or were restored as well
        #[arg(long)]
        all: bool,
    },
    /// Give access back before its time
    #[command(after_help = RESTORE)]
    Restore {
        /// The withdrawal's id
        id: String,
        /// By whose authority
        #[arg(long, value_name = "WHO")]
        authoriser: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// A withdrawal to be made.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = ADD)]
pub struct AddArgs {
    #[command(flatten)]
    whose: WhoseArgs,
    /// By whose authority
    #[arg(long, value_name = "WHO")]
    authoriser: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// From when [default: now]
    #[arg(long, value_name = "TIME")]
    start: Option<String>,
    /// When it is to be looked at again
    #[arg(long, value_name = "DATE")]
    review: String,
    /// Until when
    #[arg(long, value_name = "TIME")]
    expires: String,
}

/// Does it.
pub fn run(command: &WithdrawCommand, config: &Config, clock: &Clock, out: &mut Out) -> Result<(), Failure> {
    let journal = Journal::below(&config.node.data_dir);
    let now = clock.now();
    match command {
        WithdrawCommand::Add(args) => {
            let entry = entry(args, now)?;
            let (id, taken) = journal.append(&person::acting(), now, |_| Ok((None, entry))).map_err(failure)?;
            match taken.ledger.withdrawal(id) {
                Some(one) if out.is_json() => out.object(&object(one, now))?,
                Some(one) => {
                    let (from, review) = (one.withdrawal.from, short(one.review));
                    let from = if from <= now { "now".to_owned() } else { short(from) };
                    let (whose, until) = (one.whose(), short(one.expires));
                    out.line(format_args!(
                        "{id}: access of {whose} is withdrawn from {from} until {until}; review {review}"
                    ))?;
                }
                None => {}
            }
        }
        WithdrawCommand::Restore { id, authoriser, reason } => {
            let id = known(id, true)?;
            let (authoriser, reason) = (said("authoriser", authoriser)?, said("reason", reason)?);
            let restored = journal.append(&person::acting(), now, |ledger| {
                may_end(ledger, id, now)?;
                Ok((Some(id), Entry::Restore { authoriser, reason }))
            });
            let (_, taken) = restored.map_err(failure)?;
            match taken.ledger.withdrawal(id) {
                Some(one) if out.is_json() => out.object(&object(one, now))?,
                _ => out.line(format_args!("{id}: access is restored"))?,
            }
        }
        WithdrawCommand::List { all } => list(&journal.read().map_err(failure)?.ledger, *all, now, out)?,
    }
    Ok(())
}

fn entry(args: &AddArgs, now: Moment) -> Result<Entry, Failure> {
    let zone = TimeZone::system();
    let read = |flag: &str, text: &str, end| {
        when::parse(text, end, now, &zone).map_err(|why| Failure::usage(format!("--{flag} {text:?}: {why}")))
    };
    let start = args.start.as_deref().map_or(Ok(now), |text| read("start", text, End::From))?;
    let review = read("review", &args.review, End::From)?;
    let expires = read("expires", &args.expires, End::To)?;
    let wrong = |text: String| Err(Failure::usage(text));
    if expires <= now {
        return wrong(format!("--expires is {expires}, which is past; it would withdraw nothing"));
    }
    if expires <= start {
        return wrong(format!("--expires is {expires} and --start is {start}: nothing lies between"));
    }
    if review <= start {
        return wrong(format!("--review is {review}, which is not after the start, {start}"));
    }
    if review > expires {
        return wrong(format!("--review is {review}, after it expired at {expires}; review it before"));
    }
    Ok(Entry::Withdraw {
        subject: args.whose.whose()?,
        authoriser: said("authoriser", &args.authoriser)?,
        reason: said("reason", &args.reason)?,
        start,
        review,
        expires,
    })
}

fn may_end(ledger: &Ledger, id: AccessId, now: Moment) -> Result<(), JournalError> {
    match ledger.withdrawal(id) {
        None => Err(JournalError::Refused(format!(
            "there is no withdrawal {id}; `cordon withdraw list` shows those in force"
        ))),
        Some(one) if now < one.withdrawal.until => Ok(()),
        Some(one) => {
            Err(JournalError::Refused(format!("{id} ended at {}: it is {}", one.withdrawal.until, one.state(now))))
        }
    }
}

fn list(ledger: &Ledger, all: bool, now: Moment, out: &mut Out) -> Result<(), Failure> {
    let shown = ledger.withdrawals.iter().filter(|one| all || now < one.withdrawal.until);
    let shown: Vec<&Withdrawing> = shown.collect();
    if out.is_json() {
        return Ok(shown.into_iter().try_for_each(|one| out.object(&object(one, now)))?);
    }
    if shown.is_empty() {
        return Ok(out.line(if all {
            "nobody's access was ever withdrawn"
        } else {
            "nobody's access is withdrawn"
        })?);
    }
    let rows: Vec<Vec<String>> = shown
        .into_iter()
        .map(|one| {
            let times = [one.withdrawal.from, one.review, one.withdrawal.until].map(short);
            let mut row = vec![one.withdrawal.id.to_string(), one.state(now).to_owned(), one.whose().to_string()];
            row.extend(times);
            row.extend([one.authoriser.clone(), one.reason.clone()]);
            row
        })
        .collect();
    Ok(out.table(&["ID", "STATE", "WHO", "FROM", "REVIEW", "UNTIL", "AUTHORISER", "REASON"], &rows)?)
}

fn object(one: &Withdrawing, now: Moment) -> Value {
    let mut object = Map::new();
    object.insert("id".into(), json!(one.withdrawal.id.to_string()));
    object.insert("state".into(), json!(one.state(now)));
    object.insert("subject".into(), json!(one.whose()));
    object.insert("start".into(), json!(one.withdrawal.from.to_string()));
    object.insert("review".into(), json!(one.review.to_string()));
    object.insert("until".into(), json!(one.withdrawal.until.to_string()));
    object.insert("reason".into(), json!(one.reason));
    object.insert("authoriser".into(), json!(one.authoriser));
    object.insert("who".into(), json!(one.who));
    object.insert("restored".into(), json!(one.restored.as_ref().map(ended)));
    object.into()
}
