//! The journal of `cordon lists add` and `remove`: who put which name into which category, when and why.
//!
//! One JSON object a line, appended and never changed. The last line for a name of a category counts. Each category that has names here
//! has a list of its own, whose content is made of the journal with every line in its place, so that a rule's line number is the line that
//! tells who, when and why.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::dns::Name;
use crate::list::{Role, asked_name};

/// Version of a line's form.
pub const VERSION: u32 = 1;

/// What a line does to a name of its category.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// The name is in the category.
    Add,
    /// The name is not in the category, whichever list holds it.
    Except,
    /// What an earlier line did is over.
    Remove,
}

/// A line as written, version 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineV1 {
    /// [`VERSION`].
    pub v: u32,
    /// When it was written: RFC 3339 in UTC.
    pub at: String,
    /// The account behind the terminal.
    pub who: String,
    /// For whom they did it, if they said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What it does.
    pub action: Action,
    /// The category's name.
    pub category: String,
    /// The name, lower-case, with A-labels.
    pub name: String,
    /// Why.
    pub reason: String,
}

impl LineV1 {
    /// Whether its texts are fit for a terminal; those that are written are.
    fn is_plain(&self) -> bool {
        let texts = [&self.at, &self.who, &self.category, &self.reason].into_iter().chain(&self.by);
        !texts.flat_map(|text| text.chars()).any(char::is_control)
    }
}

/// A line that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number, from 1.
    pub number: u32,
    /// Its name, read.
    pub name: Name,
    /// The line.
    pub line: LineV1,
}

/// A journal that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    /// Its lines in their order.
    pub entries: Vec<Entry>,
    /// Lines that are none, with their numbers and what is written there: a writer died within it, it was changed by hand, or a later
    /// version wrote it. Empty lines are not among them.
    pub broken: Vec<(u32, String)>,
    /// Whether the last line has no end: what is appended next must begin a new one.
    pub is_torn: bool,
}

/// Where the journal of a data directory is.
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("lists-added").join("journal.jsonl")
}

impl Journal {
    /// Reads a journal.
    pub fn read(octets: &[u8]) -> Journal {
        let mut journal = Journal { is_torn: octets.last().is_some_and(|last| *last != b'\n'), ..Journal::default() };
        for (written, number) in octets.split(|octet| *octet == b'\n').zip(1u32..) {
            if written.trim_ascii().is_empty() {
                continue;
            }
            let line =
                serde_json::from_slice::<LineV1>(written).ok().filter(|line| line.v == VERSION && line.is_plain());
            match line.and_then(|line| Some((asked_name(&line.name).ok()?, line))) {
                Some((name, line)) => journal.entries.push(Entry { number, name, line }),
                None => journal.broken.push((number, String::from_utf8_lossy(written).into_owned())),
            }
        }
        journal
    }

    /// The lines that count: for each name of each category the last one, unless that removes it. In their order.
    pub fn present(&self) -> Vec<&Entry> {
        let mut last: HashMap<(&str, &Name), u32> = HashMap::new();
        for entry in &self.entries {
            last.insert((&entry.line.category, &entry.name), entry.number);
        }
        let counts = |entry: &&Entry| {
            entry.line.action != Action::Remove
                && last.get(&(&*entry.line.category, &entry.name)) == Some(&entry.number)
        };
        self.entries.iter().filter(counts).collect()
    }

    /// The line that counts for a name of a category, if one does.
    pub fn of(&self, category: &str, name: &Name) -> Option<&Entry> {
        let last = self.entries.iter().rev().find(|entry| entry.name == *name && entry.line.category == category);
        last.filter(|entry| entry.line.action != Action::Remove)
    }

    /// What a category's list for `role` says, as a list of names of which each stands on its line of the journal. Lines of other
    /// categories are empty; a broken line is there to be refused, and so to be told of.
    pub fn as_list(&self, category: &str, role: Role) -> Vec<u8> {
        let wanted = if role == Role::Lists { Action::Add } else { Action::Except };
        let counts = |entry: &&Entry| entry.line.category == category && entry.line.action == wanted;
        let names = self.present().into_iter().filter(counts).map(|entry| (entry.number, entry.name.to_string()));
        let mut lines: Vec<(u32, String)> = names.collect();
        // No name begins so, whatever is written there.
        lines.extend(self.broken.iter().map(|(number, written)| (*number, format!("? {}", written.replace('#', "")))));
        lines.sort();
        let mut text = Vec::new();
        let mut at = 1;
        for (number, line) in lines {
            text.resize(text.len() + (number - at) as usize, b'\n');
            text.extend_from_slice(line.as_bytes());
            at = number;
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::{Format, read};

    fn line(action: &str, category: &str, name: &str) -> String {
        format!(
            r#"{{"v":1,"at":"2026-01-02T03:04:05Z","who":"a","action":"{action}","category":"{category}","name":"{name}","reason":"r"}}"#
        )
    }

    fn names(journal: &Journal, category: &str, role: Role) -> Vec<(u32, String)> {
        let mut names = Vec::new();
        read(&journal.as_list(category, role), Some(Format::Domains), |line, rule| {
            names.push((line, rule.name.to_string()));
        });
        names
    }

    #[test]
    fn the_last_line_for_a_name_of_a_category_counts_and_keeps_its_number() {
        let lines = [
            line("add", "betting", "bet.example"),
            line("add", "webmail", "bet.example"),
            line("add", "betting", "win.example"),
            line("remove", "betting", "bet.example"),
            line("except", "betting", "win.example"),
            line("add", "betting", "bet.example"),
        ];
        let journal = Journal::read((lines.join("\n") + "\n").as_bytes());
        assert!(journal.broken.is_empty() && !journal.is_torn);
        assert_eq!(names(&journal, "betting", Role::Lists), [(6, "bet.example".to_owned())]);
        assert_eq!(names(&journal, "betting", Role::ExceptCategory), [(5, "win.example".to_owned())]);
        assert_eq!(names(&journal, "webmail", Role::Lists), [(2, "bet.example".to_owned())]);
        assert_eq!(journal.present().iter().map(|entry| entry.number).collect::<Vec<_>>(), [2, 5, 6]);
        assert_eq!(journal.of("betting", &asked_name("bet.example").unwrap()).unwrap().number, 6);
    }

    #[test]
    fn a_torn_or_strange_line_is_kept_in_sight_and_names_nothing() {
        let later = line("add", "betting", "x.example").replace("\"v\":1", "\"v\":2");
        let whole = [line("add", "betting", "bet.example"), "stray.example".to_owned(), String::new(), later];
        let mut text = whole.join("\n") + "\n";
        text.push_str(&line("add", "betting", "win.example")[..40]);
        let journal = Journal::read(text.as_bytes());
        assert!(journal.is_torn);
        assert_eq!(journal.broken.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2, 4, 5]);
        let reading = read(&journal.as_list("betting", Role::Lists), Some(Format::Domains), |_, _| {});
        assert_eq!((reading.names, reading.refused_lines, reading.examples[0].line), (1, 3, 2));
    }

    #[test]
    fn a_line_for_one_category_changes_no_list_of_another() {
        let before = Journal::read(line("add", "betting", "bet.example").as_bytes());
        let text = [line("add", "betting", "bet.example"), line("add", "webmail", "mail.example")].join("\n");
        let after = Journal::read(text.as_bytes());
        assert_eq!(before.as_list("betting", Role::Lists), after.as_list("betting", Role::Lists));
    }
}
