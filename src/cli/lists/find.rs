//! `cordon lists find`: everything lists say of a name and its parents, what comes of it, and who put it there.

use serde_json::{Value, json};

use super::add::who;
use crate::cli::{Failure, Out};
use crate::config::checked::ListSource;
use crate::dns::Name;
use crate::dns::types::rtype;
use crate::list::journal::{Entry, Journal};
use crate::list::{Found, Hits, Kind, Scope, asked_name};
use crate::policy::Model;
use crate::shelf::{Shelf, Shelved};

/// Most characters shown of a line of a list.
const TEXT: usize = 100;

/// Prints every rule for `text` and its parents.
///
/// # Errors
/// When it is no name, or no list speaks of it.
pub fn find(shelved: &Shelved, model: &Model, journal: &Journal, text: &str, out: &mut Out) -> Result<(), Failure> {
    let name = asked_name(text).map_err(|flaw| Failure::usage(format_args!("`{text}` {flaw}")))?;
    let found = shelved.matcher.every_rule(&name, rtype::A);
    if found.is_empty() {
        let text = format!("no list holds `{name}` or a parent of it");
        if !out.is_json() {
            return Err(Failure::failed(text));
        }
        // An object a rule: for none there is none, and it is no error.
        out.note(text)?;
        return Err(Failure::nothing());
    }
    let mut hits = Hits::new();
    shelved.matcher.look_up(&name, rtype::A, &mut hits);
    let categories: Vec<&str> = hits.iter().map(|hit| &*model.category(hit.category).name).collect();
    let mut rows = Vec::new();
    for rule in &found {
        let Some(list) = source(shelved, rule.list) else { continue };
        let (effect, why) = effect(rule, &found, &hits, shelved);
        let told = Told { name: &name, rule, list, effect, why, entry: entry(list, rule, journal), shelved, model };
        match out.is_json() {
            true => out.object(&told.object(&categories))?,
            false => rows.push(told.row()),
        }
    }
    if !out.is_json() {
        out.table(&["ENTRY", "CATEGORY", "LIST", "SAYS", "EFFECT", "WRITTEN AT", "RULE"], &rows)?;
        match categories.is_empty() {
            true => out.line(format_args!("\n{name} is in no category"))?,
            false => out.line(format_args!("\n{name} is in {}", categories.join(", ")))?,
        }
    }
    Ok(out.flush()?)
}

/// A rule with what comes of it.
struct Told<'a> {
    name: &'a Name,
    rule: &'a Found,
    list: &'a ListSource,
    effect: &'static str,
    why: Option<String>,
    entry: Option<&'a Entry>,
    shelved: &'a Shelved,
    model: &'a Model,
}

impl Told<'_> {
    fn row(&self) -> Vec<String> {
        let effect = match &self.why {
            Some(why) => format!("{}: {why}", self.effect),
            None => self.effect.to_owned(),
        };
        let says = match self.of() {
            Some(of) => format!("{} of {of}", self.says()),
            None => self.says().to_owned(),
        };
        let rule = match self.entry {
            Some(entry) => format!("{}, {}: {}", who(&entry.line), entry.line.at, entry.line.reason),
            None => written(self.list, self.rule.line).unwrap_or_default(),
        };
        let place = format!("{}:{}", self.list.path.display(), self.rule.line);
        vec![self.held(), self.category().to_owned(), self.list.name.to_string(), says, effect, place, rule]
    }

    fn object(&self, categories: &[&str]) -> Value {
        let added = self
            .entry
            .map(|Entry { line, .. }| json!({ "who": line.who, "by": line.by, "at": line.at, "reason": line.reason }));
        let text = match self.entry {
            Some(entry) => serde_json::to_string(&entry.line).ok(),
            None => written(self.list, self.rule.line),
        };
        json!({
            "name": self.name.to_string(),
            "entry": self.held(),
            "category": self.category(),
            "list": self.list.name,
            "path": self.list.path.to_string_lossy(),
            "line": self.rule.line,
            "text": text,
            "says": self.says(),
            "of": self.of(),
            "except": self.rule.except,
            "effect": self.effect,
            "why": self.why,
            "added": added,
            "categories": categories,
        })
    }

    fn held(&self) -> String {
        let held = self.name.last_labels(usize::from(self.rule.labels));
        match self.rule.scope {
            Scope::Tree => held.to_string(),
            Scope::Alone => format!("={held}"),
            Scope::Below => format!("*.{held}"),
        }
    }

    fn category(&self) -> &str {
        &self.model.category(self.rule.category).name
    }

    /// What the rule says, in a word or two.
    fn says(&self) -> &'static str {
        match self.rule.kind {
            Kind::Lists => "listed",
            Kind::ListsImportant => "listed as important",
            Kind::Except => "exception",
            Kind::ExceptAlways => "exception at any length",
            Kind::ExceptImportant => "important exception",
            Kind::Hole => "hole",
            Kind::ExceptCategory => "exception of the category",
        }
    }

    /// For which other list it speaks.
    fn of(&self) -> Option<&str> {
        let of = (self.rule.of != self.rule.list).then(|| source(self.shelved, self.rule.of))?;
        of.map(|list| &*list.name)
    }
}

fn source(shelved: &Shelved, list: crate::verdict::ListId) -> Option<&ListSource> {
    shelved.lists.get(usize::from(list.0)).map(|report| &report.source)
}

fn entry<'j>(list: &ListSource, rule: &Found, journal: &'j Journal) -> Option<&'j Entry> {
    list.added.as_ref()?;
    journal.entries.iter().find(|entry| entry.number == rule.line)
}

/// What comes of a rule, and by what: `holds` puts the name into the category, `agrees` would if another did not, `exempts` takes a listing
/// out, `overruled` counts for nothing against another, `idle` has nothing to take out, and `silent` does not speak for this name or for
/// addresses.
fn effect(rule: &Found, all: &[Found], hits: &Hits, shelved: &Shelved) -> (&'static str, Option<String>) {
    let place = |other: &Found| {
        let list = source(shelved, other.list).map_or("", |list| &list.name);
        Some(format!("{list} line {}", other.line))
    };
    if !rule.applies {
        return ("silent", None);
    }
    if rule.except {
        let listings = || all.iter().filter(|other| !other.except && other.applies && other.category == rule.category);
        return match (listings().find(|other| takes_out(rule, other)), listings().next()) {
            (Some(out), _) => ("exempts", place(out)),
            (None, Some(against)) => ("overruled", place(against)),
            (None, None) => ("idle", None),
        };
    }
    if let Some(by) = all.iter().find(|other| other.applies && takes_out(other, rule)) {
        return ("overruled", place(by));
    }
    match hits.get(rule.category) {
        Some(hit) if (hit.list, hit.line, hit.labels) == (rule.list, rule.line, rule.labels) => ("holds", None),
        Some(hit) => {
            let speaks = all.iter().find(|other| (other.list, other.line) == (hit.list, hit.line));
            ("agrees", speaks.and_then(place))
        }
        None => ("overruled", None),
    }
}

/// Whether an exception takes a listing out, as the matcher has it.
fn takes_out(exception: &Found, listing: &Found) -> bool {
    let important = listing.kind == Kind::ListsImportant;
    let of_its_list = exception.of == listing.list;
    let (mine, its) = (exception.labels, listing.labels);
    exception.category == listing.category
        && match exception.kind {
            Kind::Lists | Kind::ListsImportant => false,
            Kind::ExceptCategory => mine >= its,
            Kind::ExceptImportant => of_its_list,
            Kind::ExceptAlways => of_its_list && !important,
            Kind::Except => of_its_list && mine >= its && (!important || exception.list != listing.list),
            Kind::Hole => of_its_list && !important && mine > its,
        }
}

/// The text of a line of a list, fit for a terminal and bounded; none when the file cannot be read or does not have the line any more.
fn written(list: &ListSource, line: u32) -> Option<String> {
    let octets = Shelf::written(list, line)?;
    let text = String::from_utf8_lossy(octets.get(..4 * TEXT + 4).unwrap_or(&octets));
    let mut shown: String = text.trim().chars().take(TEXT).flat_map(printable).collect();
    if text.trim().chars().nth(TEXT).is_some() {
        shown.push('…');
    }
    Some(shown)
}

fn printable(c: char) -> Box<dyn Iterator<Item = char>> {
    match c {
        ' ' | '!'..='~' => Box::new(std::iter::once(c)),
        c if c.is_alphanumeric() => Box::new(std::iter::once(c)),
        '\t' => Box::new(std::iter::once(' ')),
        c => Box::new(c.escape_unicode()),
    }
}
