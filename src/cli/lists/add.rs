//! `cordon lists add`, `remove` and `added`: names of a category by command, with who, when and why beside each.

use std::io;
use std::path::Path;

use serde_json::{Value, json};

use crate::cli::check::probed;
use crate::cli::{Failure, Out, person};
use crate::config::checked::Probe;
use crate::config::errors::advise;
use crate::config::{Config, added};
use crate::dns::Name;
use crate::dns::types::rtype;
use crate::engine::reload::ReloadError;
use crate::list::journal::{Action, Entry, Journal, LineV1, VERSION};
use crate::list::{Found, Kind, asked_name, listed_name};
use crate::moment::Clock;
use crate::shelf::added::Held;
use crate::shelf::{Shelf, Shelved};

/// Names, and what has to be said with them.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub struct ChangeArgs {
    /// The names; each stands for itself and all below it
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
    /// The category
    #[arg(long, value_name = "CATEGORY")]
    pub category: String,
    /// Why; kept beside the name
    #[arg(long, value_name = "REASON")]
    pub reason: String,
    /// For whom; kept beside the account that runs the command
    #[arg(long, value_name = "PERSON")]
    pub by: Option<String>,
}

/// Longest reason and longest `--by`, in octets.
const LONGEST: usize = 1_000;

/// Puts names into a category, or makes them exceptions of it.
///
/// # Errors
/// When a name, the category or the reason cannot be meant, or a name of `[probe]` would come out otherwise than it must; then nothing is
/// written.
pub fn add(args: &ChangeArgs, except: bool, config: &Config, out: &mut Out) -> Result<(), Failure> {
    let change = Change::checked(args, config)?;
    let names = each(&args.names, |text| listed_name(text).map_err(|flaw| format!("`{text}` {flaw}")))?;
    let action = if except { Action::Except } else { Action::Add };
    let held = held(config)?;
    let mut new = Vec::new();
    for name in names {
        match held.journal.of(&args.category, &name).filter(|entry| entry.line.action == action) {
            Some(entry) => out.note(format_args!("{name}: {} already", told(entry)))?,
            None if new.contains(&name) => {}
            None => new.push(name),
        }
    }
    let written = change.write(held, action, &new, config, out)?;
    for name in &new {
        if let Some(note) = beside(config, &args.category, name, except) {
            out.note(note)?;
        }
    }
    ended(written, out)
}

/// Ends what was done to names by command.
///
/// # Errors
/// As [`add`], and when a name was not added by command: then it says which lists hold it.
pub fn remove(args: &ChangeArgs, config: &Config, out: &mut Out) -> Result<(), Failure> {
    let change = Change::checked(args, config)?;
    let mut names = each(&args.names, |text| asked_name(text).map_err(|flaw| format!("`{text}` {flaw}")))?;
    names.dedup();
    let held = held(config)?;
    let strangers: Vec<String> = names
        .iter()
        .filter(|name| held.journal.of(&args.category, name).is_none())
        .map(|name| elsewhere(config, &args.category, name))
        .collect();
    if !strangers.is_empty() {
        return Err(Failure::failed(strangers.join("\n")));
    }
    let written = change.write(held, Action::Remove, &names, config, out)?;
    ended(written, out)
}

/// Prints what is added and excepted at present: of one category, or of all.
///
/// # Errors
/// When the category is unknown, or the journal cannot be read.
pub fn added(category: Option<&str>, config: &Config, out: &mut Out) -> Result<(), Failure> {
    if let Some(category) = category {
        known(config, category)?;
    }
    let path = crate::list::journal::path(&config.node.data_dir);
    let journal = added::read(&config.node.data_dir).map_err(|error| at(&path, "cannot be read", &error))?;
    let is_wanted = |entry: &&Entry| category.is_none_or(|category| entry.line.category == category);
    let present: Vec<&Entry> = journal.present().into_iter().filter(is_wanted).collect();
    if out.is_json() {
        for entry in &present {
            out.object(&object(entry, &path))?;
        }
    } else if present.is_empty() {
        out.line("nothing is added by command")?;
    } else {
        let rows: Vec<Vec<String>> = present
            .iter()
            .map(|entry| {
                let line = &entry.line;
                let what = if line.action == Action::Except { "except" } else { "added" };
                let category = match knows(config, &line.category) {
                    true => line.category.clone(),
                    false => format!("{} (not configured)", line.category),
                };
                let number = entry.number.to_string();
                vec![
                    line.name.clone(),
                    category,
                    what.to_owned(),
                    line.at.clone(),
                    who(line),
                    number,
                    line.reason.clone(),
                ]
            })
            .collect();
        out.table(&["NAME", "CATEGORY", "WHAT", "SINCE", "BY", "LINE", "REASON"], &rows)?;
    }
    for (number, _) in &journal.broken {
        out.note(format_args!("{}:{number} is not a line of the journal and counts for nothing", path.display()))?;
    }
    Ok(out.flush()?)
}

/// `a.smith`, or `a.smith for the head of unit`.
pub(super) fn who(line: &LineV1) -> String {
    match &line.by {
        Some(by) => format!("{} for {by}", line.who),
        None => line.who.clone(),
    }
}

/// What every line of one command has in common.
struct Change<'a> {
    args: &'a ChangeArgs,
}

impl<'a> Change<'a> {
    fn checked(args: &'a ChangeArgs, config: &Config) -> Result<Change<'a>, Failure> {
        known(config, &args.category)?;
        for (flag, text) in [("--reason", Some(&args.reason)), ("--by", args.by.as_ref())] {
            let Some(text) = text else { continue };
            if text.trim().is_empty() {
                return Err(Failure::usage(format_args!("{flag} is empty; say what will be understood in a year")));
            }
            if text.len() > LONGEST || text.chars().any(char::is_control) {
                return Err(Failure::usage(format_args!("{flag} must be one line of at most {LONGEST} octets")));
            }
        }
        Ok(Change { args })
    }

    /// Appends a line for each name and tells of it; whether there was one.
    fn write(
        &self,
        held: Held,
        action: Action,
        names: &[Name],
        config: &Config,
        out: &mut Out,
    ) -> Result<bool, Failure> {
        if names.is_empty() {
            return Ok(false);
        }
        if held.journal.is_torn {
            let path = held.path.display();
            out.note(format_args!(
                "{path}: the last line was not written to its end; it is kept and counts for nothing"
            ))?;
        }
        let (at, who) = (Clock::Real.now().to_string(), person::acting());
        let line = |name: &Name| LineV1 {
            v: VERSION,
            at: at.clone(),
            who: who.clone(),
            by: self.args.by.clone(),
            action,
            category: self.args.category.clone(),
            name: name.to_string(),
            reason: self.args.reason.trim().to_owned(),
        };
        let lines: Vec<LineV1> = names.iter().map(line).collect();
        let path = held.path.clone();
        would_be_refused(config, &held, names, &lines)?;
        let first = held.append(&lines).map_err(|error| self::at(&path, "cannot be written", &error))?;
        for ((name, line), number) in names.iter().zip(lines).zip(first..) {
            let entry = Entry { number, name: *name, line };
            if out.is_json() {
                out.object(&object(&entry, &path))?;
            } else {
                out.line(format_args!("{name}: {} ({}:{number})", told(&entry), path.display()))?;
            }
        }
        Ok(true)
    }
}

/// Refuses lines that a running server would not put in force, since a name of `[probe]` comes out of them otherwise than it must: it would
/// refuse every change of a list after them, too. Lists are compiled only where the names changed are those of a probe or above them.
fn would_be_refused(config: &Config, held: &Held, names: &[Name], lines: &[LineV1]) -> Result<(), Failure> {
    let concerned = |probes: &[Name]| -> Vec<Name> {
        probes.iter().filter(|probe| names.iter().any(|name| probe.is_at_or_below(name))).copied().collect()
    };
    let must_allow = concerned(&config.probe.must_allow);
    let must_block = concerned(&config.probe.must_block);
    if must_allow.is_empty() && must_block.is_empty() {
        return Ok(());
    }
    let journal = held.with(lines).map_err(|error| at(&held.path, "cannot be read", &error))?;
    let mut candidate = config.clone();
    candidate.probe = Probe { must_allow, must_block };
    candidate.take_added_of(&Journal::read(&journal));
    let shelf = Shelf::new(&candidate.node.data_dir);
    let lists = shelf.look_with(&journal, &candidate.lists, &candidate.model).map_err(|error| {
        Failure::failed(format_args!("nothing was written, since no probe could be asked: {error}"))
    })?;
    match probed(candidate, lists, &[], Clock::Real.now()) {
        Ok(_) => Ok(()),
        Err(ReloadError::Probe(wrong)) => Err(Failure::failed(format_args!(
            "nothing was written: with it, {}; a server would not put that in force, nor any change of a list after it. If it is meant, change [probe] first",
            wrong.errors.iter().map(|error| format!("{}: {}", error.key, error.problem)).collect::<Vec<_>>().join("; ")
        ))),
        Err(other) => Err(Failure::failed(format_args!("nothing was written, since no probe could be asked: {other}"))),
    }
}

fn ended(written: bool, out: &mut Out) -> Result<(), Failure> {
    if written {
        out.note("a running server has it in force within seconds, unless a probe speaks against it: see its status")?;
    }
    Ok(out.flush()?)
}

/// All names, or everything that is wrong with them.
fn each<T>(texts: &[String], read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, Failure> {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for text in texts {
        match read(text) {
            Ok(name) => good.push(name),
            Err(why) => bad.push(why),
        }
    }
    if bad.is_empty() { Ok(good) } else { Err(Failure::usage(bad.join("\n"))) }
}

fn knows(config: &Config, category: &str) -> bool {
    config.model.categories.iter().any(|known| *known.name == *category)
}

fn known(config: &Config, category: &str) -> Result<(), Failure> {
    if knows(config, category) {
        return Ok(());
    }
    let all = config.model.categories.iter().map(|category| &*category.name);
    let advice = advise(category, all).unwrap_or_else(|| "none is configured".to_owned());
    Err(Failure::usage(format_args!("unknown category `{category}`; {advice}")))
}

fn held(config: &Config) -> Result<Held, Failure> {
    let path = crate::list::journal::path(&config.node.data_dir);
    Held::take(&config.node.data_dir).map_err(|error| at(&path, "cannot be written", &error))
}

fn at(path: &Path, what: &str, error: &io::Error) -> Failure {
    let advice = match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "; run it as the account that owns the data directory: who logged in is kept"
        }
        _ => "",
    };
    Failure::failed(format_args!("{} {what}: {error}{advice}", path.display()))
}

/// What a line does, with its people and times.
fn told(entry: &Entry) -> String {
    let LineV1 { at, action, category, .. } = &entry.line;
    let what = match action {
        Action::Add => format!("added to {category}"),
        Action::Except => format!("an exception of {category}"),
        Action::Remove => format!("what was done by command for {category} is over"),
    };
    format!("{what}, by {}, {at}", who(&entry.line))
}

fn object(entry: &Entry, path: &Path) -> Value {
    let mut object = serde_json::to_value(&entry.line).unwrap_or_default();
    if let Value::Object(object) = &mut object {
        object.insert("path".into(), json!(path.to_string_lossy()));
        object.insert("line".into(), json!(entry.number));
    }
    object
}

/// What a person may not expect of a name just added: that an exception keeps it out, or that there was nothing to except. Looked up in
/// the lists as they were compiled last; when they are not, nothing is said.
fn beside(config: &Config, category: &str, name: &Name, except: bool) -> Option<String> {
    let shelved = Shelf::new(&config.node.data_dir).ready(&config.lists, &config.model).ok()??;
    let found = rules_of(&shelved, config, category, name);
    if except {
        let is_held = found.iter().any(|rule| !rule.except);
        return (!is_held).then(|| format!("{name}: no list of {category} holds it at present"));
    }
    found.iter().find_map(|rule| {
        let list = config.lists.get(usize::from(rule.list.0))?;
        let keeps_out = rule.kind == Kind::ExceptCategory && usize::from(rule.labels) == name.label_count();
        // What was excepted by command is over with the new line.
        let is_file = list.added.is_none();
        (keeps_out && is_file).then(|| {
            let place = format!("{}:{}", list.path.display(), rule.line);
            format!("{name}: {place} excepts it, so it is not in {category}; take that line out")
        })
    })
}

/// What the lists of a category say of a name and its parents.
fn rules_of(shelved: &Shelved, config: &Config, category: &str, name: &Name) -> Vec<Found> {
    let mut found = shelved.matcher.every_rule(name, rtype::A);
    found.retain(|rule| &*config.model.category(rule.category).name == category);
    found
}

/// Why a name cannot be removed: where it is written instead.
fn elsewhere(config: &Config, category: &str, name: &Name) -> String {
    let shelved = match Shelf::new(&config.node.data_dir).look(&config.lists, &config.model) {
        Ok(shelved) => shelved,
        Err(error) => {
            return format!("{name} was not added to {category} by command; its lists cannot be looked at: {error}");
        }
    };
    let found = rules_of(&shelved, config, category, name);
    let places: Vec<String> = found
        .iter()
        .filter(|rule| !rule.except)
        .filter_map(|rule| {
            let list = config.lists.get(usize::from(rule.list.0))?;
            let held = name.last_labels(usize::from(rule.labels));
            Some(format!("{} line {} ({held})", list.name, rule.line))
        })
        .collect();
    if places.is_empty() {
        return format!("{name} was not added to {category} by command, and no list of it holds the name");
    }
    format!(
        "{name} was not added to {category} by command; it is there by {}; keep it out with `cordon lists add {name} --category {category} --except --reason ...`",
        places.join(", ")
    )
}
