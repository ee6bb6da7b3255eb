//! `cordon grant`: lets somebody reach a name or a category for a while. With or without a running server; one that runs puts it in force at
//! once.

pub mod whose;

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::access::{Ended, Entry, Granting, Journal, JournalError, Ledger};
use crate::cli::{Failure, Out, person};
use crate::config::Config;
use crate::config::errors::advise;
use crate::list::asked_name;
use crate::moment::{Clock, Moment};
use crate::verdict::AccessId;
use whose::WhoseArgs;

/// The longest grant, in minutes: thirty days. What is to last longer is a matter for the policy.
pub const MOST_MINUTES: u32 = 30 * 24 * 60;

const ADD: &str = "\
Examples:
  cordon grant add --user u4711 --name www.bet365.com --minutes 60 --reason 'inquiry 4711/26' --approver 'Sgt Example'
  cordon grant add --device 00:11:22:33:44:55 --category social-networking --minutes 480 --reason 'appeal for witnesses' --approver press-office
  cordon grant add --client 10.20.1.5 --name =login.example.com --minutes 15 --reason 'test' --approver 'Sgt Example'

A running server puts it in force within a second. Each query that is answered by it is marked `granted` in the log, with its id.";

const REVOKE: &str = "\
Example:
  cordon grant revoke g-20261125-0001 --reason 'inquiry closed'";

/// What to do with grants.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum GrantCommand {
    /// Let somebody reach a name or a category for a while
    Add(AddArgs),
    /// The grants in force; with --all those that ended, too
    List {
        /// Those that expired or were revoked as well
        #[arg(long)]
        all: bool,
    },
    /// End a grant before its time
    #[command(after_help = REVOKE)]
    Revoke {
        /// Its id
        id: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// A grant to be made.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = ADD)]
#[command(group = clap::ArgGroup::new("opens").required(true).args(["name", "category"]))]
pub struct AddArgs {
    #[command(flatten)]
    whose: WhoseArgs,
    /// The name, with all below it; `=NAME` for that name alone
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The category
    #[arg(long, value_name = "CATEGORY")]
    category: Option<String>,
    /// For how many minutes, from now
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_MINUTES)))]
    minutes: u32,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who approved it
    #[arg(long, value_name = "WHO")]
    approver: String,
}

/// Does it.
pub fn run(command: &GrantCommand, config: &Config, clock: &Clock, out: &mut Out) -> Result<(), Failure> {
    let journal = Journal::below(&config.node.data_dir);
    let now = clock.now();
    match command {
        GrantCommand::Add(args) => {
            let entry = entry(args, config, now)?;
            let (id, taken) = journal.append(&person::acting(), now, |_| Ok((None, entry))).map_err(failure)?;
            match taken.ledger.grant(id) {
                Some(one) if out.is_json() => out.object(&object(one, now))?,
                Some(one) => {
                    let (whose, opened, until) = (one.whose(), opened(one), whose::short(one.expires));
                    out.line(format_args!("{id}: {whose} may reach {opened} until {until}"))?;
                }
                None => {}
            }
        }
        GrantCommand::Revoke { id, reason } => {
            let id = known(id, false)?;
            let reason = said("reason", reason)?;
            let revoked = journal.append(&person::acting(), now, |ledger| {
                may_end(ledger, id, now)?;
                Ok((Some(id), Entry::Revoke { reason }))
            });
            let (_, taken) = revoked.map_err(failure)?;
            match taken.ledger.grant(id) {
                Some(one) if out.is_json() => out.object(&object(one, now))?,
                _ => out.line(format_args!("{id}: revoked"))?,
            }
        }
        GrantCommand::List { all } => list(&journal.read().map_err(failure)?.ledger, *all, now, out)?,
    }
    Ok(())
}

fn entry(args: &AddArgs, config: &Config, now: Moment) -> Result<Entry, Failure> {
    let name = args.name.as_deref().map(name).transpose()?;
    if let Some(category) = &args.category {
        let known: Vec<&str> = config.model.categories.iter().map(|category| &*category.name).collect();
        if !known.contains(&category.as_str()) {
            let advice = advise(category, known).unwrap_or_else(|| "the configuration has none".to_owned());
            return Err(Failure::usage(format!("--category: unknown category `{category}`; {advice}")));
        }
    }
    Ok(Entry::Grant {
        subject: args.whose.whose()?,
        name,
        category: args.category.clone(),
        minutes: args.minutes,
        expires: now.plus(Duration::from_secs(u64::from(args.minutes) * 60)),
        reason: said("reason", &args.reason)?,
        approver: said("approver", &args.approver)?,
    })
}

/// A name as the journal keeps it.
fn name(text: &str) -> Result<String, Failure> {
    let (bare, alone) = text.strip_prefix('=').map_or((text, ""), |bare| (bare, "="));
    let name = asked_name(bare).map_err(|why| Failure::usage(format!("--name: `{bare}` is not a name: it {why}")))?;
    let of_a_host = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
    if !name.labels().flatten().copied().all(of_a_host) {
        let advice = "write the host's name alone, such as www.example.com";
        return Err(Failure::usage(format!("--name: `{bare}` has characters no host name has; {advice}")));
    }
    if name.is_root() {
        return Err(Failure::usage("--name: `.` is every name; grant a category, or change the policy"));
    }
    Ok(format!("{alone}{name}"))
}

fn may_end(ledger: &Ledger, id: AccessId, now: Moment) -> Result<(), JournalError> {
    match ledger.grant(id) {
        None => Err(JournalError::Refused(format!("there is no grant {id}; `cordon grant list` shows those in force"))),
        Some(one) if one.state(now) == "in force" => Ok(()),
        Some(one) => Err(JournalError::Refused(format!("{id} ended at {}: it is {}", one.grant.until, one.state(now)))),
    }
}

fn list(ledger: &Ledger, all: bool, now: Moment, out: &mut Out) -> Result<(), Failure> {
    let shown: Vec<&Granting> = ledger.grants.iter().filter(|one| all || one.state(now) == "in force").collect();
    if out.is_json() {
        return Ok(shown.into_iter().try_for_each(|one| out.object(&object(one, now)))?);
    }
    if shown.is_empty() {
        return Ok(out.line(if all { "there was never a grant" } else { "no grant is in force" })?);
    }
    let rows: Vec<Vec<String>> = shown
        .into_iter()
        .map(|one| {
            let state = one.state(now).to_owned();
            let until = whose::short(one.grant.until);
            let id = one.grant.id.to_string();
            vec![id, state, one.whose().to_string(), opened(one), until, one.approver.clone(), one.reason.clone()]
        })
        .collect();
    Ok(out.table(&["ID", "STATE", "WHO", "OPENS", "UNTIL", "APPROVER", "REASON"], &rows)?)
}

fn opened(one: &Granting) -> String {
    match one.opened() {
        (Some(name), _) => name,
        (_, Some(category)) => format!("category {category}"),
        _ => String::new(),
    }
}

fn object(one: &Granting, now: Moment) -> Value {
    let (name, category) = one.opened();
    let mut object = Map::new();
    object.insert("id".into(), json!(one.grant.id.to_string()));
    object.insert("state".into(), json!(one.state(now)));
    object.insert("subject".into(), json!(one.whose()));
    object.insert("name".into(), json!(name));
    object.insert("category".into(), json!(category));
    object.insert("minutes".into(), json!(one.minutes));
    object.insert("from".into(), json!(one.grant.from.to_string()));
    object.insert("until".into(), json!(one.grant.until.to_string()));
    object.insert("reason".into(), json!(one.reason));
    object.insert("approver".into(), json!(one.approver));
    object.insert("who".into(), json!(one.who));
    object.insert("revoked".into(), json!(one.revoked.as_ref().map(ended)));
    object.into()
}

/// How something ended, as an object.
pub(super) fn ended(ended: &Ended) -> Value {
    json!({ "at": ended.at.to_string(), "who": ended.who, "authoriser": ended.authoriser, "reason": ended.reason })
}

/// An id as it was written.
pub(super) fn known(text: &str, withdrawal: bool) -> Result<AccessId, Failure> {
    let (kind, example) = if withdrawal { ("withdrawal", "w-20261125-0001") } else { ("grant", "g-20261125-0001") };
    AccessId::parse(text.trim())
        .filter(|id| id.withdrawal == withdrawal)
        .ok_or_else(|| Failure::usage(format!("`{text}` is no id of a {kind}; it looks like {example}")))
}

/// A text that says something.
pub(super) fn said(what: &str, text: &str) -> Result<String, Failure> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Failure::usage(format!("--{what} is empty; it goes into the journal, for whoever asks later")));
    }
    if text.len() > 1_000 {
        return Err(Failure::usage(format!("--{what} is longer than 1000 octets; refer to a file instead")));
    }
    Ok(text.to_owned())
}

pub(super) fn failure(error: JournalError) -> Failure {
    Failure::failed(error)
}
