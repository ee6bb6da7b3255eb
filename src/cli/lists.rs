//! `cordon lists`: what the lists yielded, which of them hold a name, and names added by command. Answers from the files; no server is
//! needed.

pub mod add;
pub mod find;

mod downloads;
mod update;

use std::io;
use std::time::Duration;

use bytesize::ByteSize;
use serde_json::{Map, Value, json};

use crate::cli::{Failure, Out};
use crate::config::checked::ListSource;
use crate::config::{Config, added};
use crate::list::Role;
use crate::moment::{Clock, Moment};
use crate::policy::Model;
use crate::shelf::{Example, ListReport, Shelf, ShelfError, Shelved};
use crate::verdict::ListId;

use add::ChangeArgs;

/// What to do with the lists.
#[derive(Clone, Debug, PartialEq, Eq, clap::Subcommand)]
pub enum ListsCommand {
    /// Age, size and entries of each list, and the lines that were refused
    Status,
    /// Every list, line and exception that speaks for a name or a parent of it, who added it, and what comes of it
    Find {
        /// The name; internationalised names may be written as they are
        name: String,
    },
    /// Put names into a category; who, when and why is kept beside them
    Add {
        /// The names and what has to be said with them.
        #[command(flatten)]
        change: ChangeArgs,
        /// Make them exceptions of the category: not in it, whichever list holds them
        #[arg(long)]
        except: bool,
    },
    /// End what `add` did to names; who, when and why is kept, too
    Remove(ChangeArgs),
    /// What is added and excepted by command at present, by whom, when and why
    Added {
        /// Of this category only
        #[arg(long, value_name = "CATEGORY")]
        category: Option<String>,
    },
    /// Fetch lists that have a `url` now; with or without a running server
    Update(update::UpdateArgs),
}

/// Runs the command.
pub fn run(command: &ListsCommand, config: &Config, out: &mut Out) -> Result<(), Failure> {
    let shelf = Shelf::new(&config.node.data_dir);
    match command {
        ListsCommand::Status => status(&shelf, &config.lists, &config.model, Clock::Real.now(), out),
        ListsCommand::Find { name } => {
            let shelved = shelf.look(&config.lists, &config.model).map_err(Failure::failed)?;
            let journal = added::read(&config.node.data_dir).map_err(Failure::failed)?;
            find::find(&shelved, &config.model, &journal, name, out)
        }
        ListsCommand::Add { change, except } => add::add(change, *except, config, out),
        ListsCommand::Remove(change) => add::remove(change, config, out),
        ListsCommand::Added { category } => add::added(category.as_deref(), config, out),
        ListsCommand::Update(args) => update::run(args, &config.lists, &Clock::Real, out),
    }
}

/// Prints what each list yielded: rows and the refused lines for people, or one object a list. `now` is what ages are counted from.
pub fn report(out: &mut Out, shelved: &Shelved, model: &Model, now: Moment) -> io::Result<()> {
    let lists: Vec<Row> = shelved.lists.iter().map(|list| Row { report: Ok(list), list: &list.source }).collect();
    print(out, &lists, model, now)?;
    if !out.is_json() {
        let (names, octets) = (shelved.matcher.names(), shelved.matcher.octets());
        out.line(format_args!("{} distinct names, compiled to {}", grouped(names), size(octets)))?;
    }
    Ok(())
}

/// What each list yielded, an object each.
pub fn objects(shelved: &Shelved, model: &Model, now: Moment) -> Vec<Value> {
    let rows = shelved.lists.iter().map(|list| Row { report: Ok(list), list: &list.source });
    rows.map(|row| object(&row, model, now)).collect()
}

/// All lists at once; where one cannot be read, each for itself, so that the others are shown.
fn status(shelf: &Shelf, lists: &[ListSource], model: &Model, now: Moment, out: &mut Out) -> Result<(), Failure> {
    if let Ok(shelved) = shelf.look(lists, model) {
        return Ok(report(out, &shelved, model, now)?);
    }
    let mut each = Vec::with_capacity(lists.len());
    for (source, place) in lists.iter().zip(0u16..) {
        match shelf.look(std::slice::from_ref(source), model) {
            Ok(alone) => {
                each.extend(alone.lists.into_iter().map(|report| Ok(ListReport { list: ListId(place), ..report })));
            }
            Err(error) => each.push(Err(error)),
        }
    }
    let rows: Vec<Row> = each.iter().zip(lists).map(|(report, list)| Row { report: report.as_ref(), list }).collect();
    print(out, &rows, model, now)?;
    let failed = each.iter().filter(|report| report.is_err()).count();
    Err(Failure::failed(format_args!("{failed} of {} lists cannot be used", each.len())))
}

struct Row<'a> {
    list: &'a ListSource,
    report: Result<&'a ListReport, &'a ShelfError>,
}

fn print(out: &mut Out, rows: &[Row], model: &Model, now: Moment) -> io::Result<()> {
    if out.is_json() {
        return rows.iter().try_for_each(|row| out.object(&object(row, model, now)));
    }
    const HEADING: [&str; 9] =
        ["LIST", "CATEGORY", "FORMAT", "ENTRIES", "REPEATED", "REFUSED", "SIZE", "AGE", "RESULT"];
    let cells: Vec<Vec<String>> = rows.iter().map(|row| cells(row, model, now)).collect();
    out.table(&HEADING, &cells)?;
    for row in rows {
        if let Ok(ListReport { source, yielded, .. }) = row.report
            && yielded.not_for_dns > 0
        {
            let entries = grouped(yielded.not_for_dns);
            out.line(format_args!("\n{}: {entries} not for DNS (cosmetic rules, paths), passed over", source.name))?;
        }
        match row.report {
            Ok(report) if report.yielded.refused_lines > 0 => refusals(out, report)?,
            Ok(_) => {}
            Err(error) => out.line(format_args!("\n{error}"))?,
        }
    }
    downloads::table(out, rows.iter().map(|row| row.list), now)?;
    out.line("")
}

fn cells(row: &Row, model: &Model, now: Moment) -> Vec<String> {
    let except = if row.list.role != Role::Lists { "except " } else { "" };
    let mut cells = vec![row.list.name.to_string(), format!("{except}{}", model.category(row.list.category).name)];
    match row.report {
        Ok(report) => {
            let yielded = &report.yielded;
            cells.push(yielded.format.word().to_owned());
            cells.extend([yielded.entries, yielded.duplicates, yielded.refused_lines].map(grouped));
            cells.push(size(report.octets));
            cells.push(if downloads::is_missing(row.list) { "-".to_owned() } else { age(now.since(report.modified)) });
            cells.push(result(row).to_owned());
        }
        Err(_) => {
            cells.extend(std::iter::repeat_n("-".to_owned(), 6));
            cells.push(result(row).to_owned());
        }
    }
    cells
}

fn result(row: &Row) -> &'static str {
    match row.report {
        Ok(_) if downloads::is_missing(row.list) => "not fetched yet",
        Ok(report) if report.yielded.entries == 0 => "no names",
        Ok(_) => "ok",
        Err(_) => "failed",
    }
}

fn refusals(out: &mut Out, report: &ListReport) -> io::Result<()> {
    let yielded = &report.yielded;
    let kinds: Vec<String> = yielded.flaws.iter().map(|(kind, count)| format!("{kind} {}", grouped(*count))).collect();
    let lines = if yielded.refused_lines == 1 { "line" } else { "lines" };
    let refused = grouped(yielded.refused_lines);
    out.line(format_args!("\n{}: {refused} {lines} refused ({})", report.source.name, kinds.join(", ")))?;
    for example in &yielded.examples {
        let path = report.source.path.display();
        out.line(format_args!("  {path}:{}: `{}` {}", example.line, example.text, example.why))?;
    }
    let shown = yielded.examples.len() as u64;
    let all: u64 = yielded.flaws.iter().map(|(_, count)| count).sum();
    if all > shown {
        out.line(format_args!("  and {} more", grouped(all - shown)))?;
    }
    Ok(())
}

fn object(row: &Row, model: &Model, now: Moment) -> Value {
    let mut object = json!({
        "list": row.list.name,
        "category": model.category(row.list.category).name,
        "except": row.list.role != Role::Lists,
        "path": row.list.path.to_string_lossy(),
        "result": result(row),
    });
    let facts = match row.report {
        Err(error) => json!({ "error": error.to_string() }),
        Ok(report) => {
            let yielded = &report.yielded;
            let refused: Map<String, Value> =
                yielded.flaws.iter().map(|(kind, count)| (kind.to_string(), json!(count))).collect();
            let example = |example: &Example| json!({ "line": example.line, "text": example.text, "why": example.why });
            json!({
                "format": yielded.format.word(),
                "modified": report.modified.to_string(),
                "age_seconds": now.since(report.modified).as_secs(),
                "bytes": report.octets,
                "sha256": yielded.sha256,
                "lines": yielded.lines,
                "entries": yielded.entries,
                "repeated": yielded.duplicates,
                "passed_over": yielded.furniture,
                "not_for_dns": yielded.not_for_dns,
                "refused_lines": yielded.refused_lines,
                "refused": refused,
                "examples": yielded.examples.iter().map(example).collect::<Vec<_>>(),
            })
        }
    };
    if let (Value::Object(object), Value::Object(facts)) = (&mut object, facts) {
        object.extend(facts);
        object.extend(downloads::facts(row.list));
    }
    object
}

/// An age in its two largest units.
fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    let unit = match seconds {
        86_400.. => 3600,
        3600.. => 60,
        _ => 1,
    };
    humantime::format_duration(Duration::from_secs(seconds - seconds % unit)).to_string()
}

fn size(octets: u64) -> String {
    ByteSize(octets).display().iec().to_string()
}

/// A number with its thousands set apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
