//! Writing the journal of `cordon lists add`: whole lines, one writer at a time, on disk before it is said that they are.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::list::journal::{self, Journal, LineV1};
use crate::ownership;

/// The journal, held by this process alone until it is dropped.
#[derive(Debug)]
pub struct Held {
    /// Its lines.
    pub journal: Journal,
    /// Its file.
    pub path: PathBuf,
    file: File,
    /// How many lines there are.
    lines: u32,
}

impl Held {
    /// Waits for the journal of a data directory, which is made when missing, and reads it.
    ///
    /// # Errors
    /// When it cannot be made, locked or read.
    pub fn take(data_dir: &Path) -> io::Result<Held> {
        let path = journal::path(data_dir);
        make_folder(data_dir)?;
        // Readable for the server's account, which could not start without it.
        let mut file = ownership::open(OpenOptions::new().read(true).append(true).mode(0o644), &path)?;
        file.lock()?;
        let mut octets = Vec::new();
        file.read_to_end(&mut octets)?;
        if octets.is_empty() {
            // Whatever the mask of the person who writes the first line. Where it is another's file, its mode is theirs to set.
            let _ = file.set_permissions(Permissions::from_mode(0o644));
        }
        let journal = Journal::read(&octets);
        let ends = octets.iter().filter(|octet| **octet == b'\n').count();
        let lines = u32::try_from(ends + usize::from(journal.is_torn)).unwrap_or(u32::MAX);
        Ok(Held { journal, path, file, lines })
    }

    /// Appends lines and waits until the disk has them; gives the number of the first. A last line without an end, left by a writer that
    /// died, stays as it is, as a line of its own.
    ///
    /// # Errors
    /// When they could not be written. Some of them may then be there.
    pub fn append(mut self, lines: &[LineV1]) -> io::Result<u32> {
        self.file.write_all(&self.written(lines)?)?;
        self.file.sync_all()?;
        if let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(self.lines + 1)
    }

    /// The whole journal as it would be with these lines.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn with(&self, lines: &[LineV1]) -> io::Result<Vec<u8>> {
        let mut whole = std::fs::read(&self.path)?;
        whole.append(&mut self.written(lines)?);
        Ok(whole)
    }

    fn written(&self, lines: &[LineV1]) -> io::Result<Vec<u8>> {
        let mut octets = Vec::new();
        if self.journal.is_torn {
            octets.push(b'\n');
        }
        for line in lines {
            serde_json::to_writer(&mut octets, line)?;
            octets.push(b'\n');
        }
        Ok(octets)
    }
}

/// Makes the folder of the journal, so that it can be watched before the first line is written.
///
/// # Errors
/// When it cannot be made.
pub fn make_folder(data_dir: &Path) -> io::Result<()> {
    let path = journal::path(data_dir);
    let folder = path.parent().unwrap_or(data_dir);
    ownership::make_folder(folder, 0o755)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::journal::{Action, VERSION};

    fn line(name: &str) -> LineV1 {
        let [at, who, category, reason] = ["2026-01-02T03:04:05Z", "a", "betting", "r"].map(str::to_owned);
        LineV1 { v: VERSION, at, who, by: None, action: Action::Add, category, name: name.to_owned(), reason }
    }

    #[test]
    fn lines_of_several_writers_are_whole_and_each_has_its_number() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let dir = dir.path();
                scope.spawn(move || {
                    for n in 0..10 {
                        let name = format!("w{writer}-{n}.example");
                        let number = Held::take(dir).unwrap().append(&[line(&name)]).unwrap();
                        let held = Held::take(dir).unwrap();
                        let entry = held.journal.entries.iter().find(|entry| entry.number == number).unwrap();
                        assert_eq!(entry.line.name, name);
                    }
                });
            }
        });
        let held = Held::take(dir.path()).unwrap();
        assert_eq!((held.journal.entries.len(), held.journal.broken.len()), (40, 0));
    }

    #[test]
    fn what_is_written_after_a_torn_line_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        Held::take(dir.path()).unwrap().append(&[line("one.example")]).unwrap();
        let mut file = OpenOptions::new().append(true).open(journal::path(dir.path())).unwrap();
        file.write_all(br#"{"v":1,"at"#).unwrap();
        assert_eq!(Held::take(dir.path()).unwrap().append(&[line("two.example"), line("three.example")]).unwrap(), 3);
        let journal = Held::take(dir.path()).unwrap().journal;
        assert_eq!(journal.entries.iter().map(|entry| entry.number).collect::<Vec<_>>(), [1, 3, 4]);
        assert_eq!(journal.broken, [(2, r#"{"v":1,"at"#.to_owned())]);
    }
}
