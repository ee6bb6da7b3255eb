//! The lists that come of the journal of `cordon lists add`: one for the names of each category that has some, one for its exceptions.

use std::io;
use std::path::Path;

use super::checked::{Config, ListSource};
use crate::list::journal::{self, Action, Journal};
use crate::list::{Format, Role};
use crate::verdict::CategoryId;

/// The end of the name of a list of names added by command; no list of the configuration may have a name that ends so.
pub const ADDED: &str = "/added";
/// The same for exceptions.
pub const ADDED_EXCEPT: &str = "/added-except";

impl Config {
    /// Takes the lists of the journal as it is now, in the place of those that were taken before. They come last, so that the places of the
    /// others stay. A journal that is not there holds nothing.
    ///
    /// # Errors
    /// When the journal is there and cannot be read.
    pub fn take_added(&mut self) -> io::Result<()> {
        self.take_added_of(&read(&self.node.data_dir)?);
        Ok(())
    }

    /// As [`Config::take_added`], of a journal that was read.
    pub fn take_added_of(&mut self, journal: &Journal) {
        self.lists.retain(|list| list.added.is_none());
        let path = journal::path(&self.node.data_dir);
        let present = journal.present();
        for (category, id) in self.model.categories.iter().zip(0u8..) {
            for (action, role, end) in
                [(Action::Add, Role::Lists, ADDED), (Action::Except, Role::ExceptCategory, ADDED_EXCEPT)]
            {
                let is_of =
                    |entry: &&&journal::Entry| entry.line.action == action && *entry.line.category == *category.name;
                if !present.iter().any(|entry| is_of(&entry)) {
                    continue;
                }
                self.lists.push(ListSource {
                    name: format!("{}{end}", category.name).into(),
                    category: CategoryId(id),
                    role,
                    path: path.clone(),
                    format: Some(Format::Domains),
                    added: Some(category.name.clone()),
                    download: None,
                });
            }
        }
    }
}

/// The journal of a data directory.
///
/// # Errors
/// When it is there and cannot be read.
pub fn read(data_dir: &Path) -> io::Result<Journal> {
    match std::fs::read(journal::path(data_dir)) {
        Ok(octets) => Ok(Journal::read(&octets)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Journal::default()),
        Err(error) => Err(error),
    }
}
