//! Every look at the log is itself recorded: who, what, why, and how many rows they saw.
//!
//! `<log.dir>/audit/audit.jsonl`, one JSON object a line. `prev` is the SHA-256 of the line before without its line feed, in hex, null for
//! the first; so a line cannot be changed or taken out of the middle without a trace.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::moment::Moment;
use crate::ownership;

/// Version of the line's form.
const VERSION: u32 = 1;

/// One look, as recorded.
#[derive(Debug, Serialize)]
pub struct Look<'a> {
    /// Which command: search, tail, stats, export, explain --diff.
    pub command: &'a str,
    /// The filter, flag to values.
    pub filter: Value,
    /// What else was asked: limit, columns counted by, format, file.
    pub asked: Value,
    /// The reason given.
    pub reason: Option<&'a str>,
    /// Rows seen; none when it is recorded before they are.
    pub rows: Option<u64>,
}

/// Who runs this process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Person {
    /// User id.
    pub uid: u32,
    /// User name; none when the machine does not know it.
    pub user: Option<String>,
    /// User id at log-in, which `su` and `sudo` keep; none when there was no log-in.
    pub login_uid: Option<u32>,
    /// Its user name.
    pub login_user: Option<String>,
}

/// Where a chain of lines breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// Line number, from 1.
    pub line: u64,
    /// What is wrong.
    pub why: String,
}

#[derive(Serialize)]
struct Line<'a> {
    v: u32,
    time: String,
    #[serde(flatten)]
    person: &'a Person,
    #[serde(flatten)]
    look: &'a Look<'a>,
    prev: Option<String>,
}

/// The file of a log's looks.
pub fn path(log_dir: &Path) -> PathBuf {
    log_dir.join("audit").join("audit.jsonl")
}

/// Appends a look and waits until the disk has it. Several processes may do so at once; the file is locked meanwhile.
pub fn record(log_dir: &Path, time: Moment, person: &Person, look: &Look<'_>) -> io::Result<()> {
    let path = path(log_dir);
    if let Some(folder) = path.parent() {
        ownership::make_folder(folder, 0o750)?;
    }
    let mut file = ownership::open(OpenOptions::new().read(true).append(true).mode(0o640), &path)?;
    file.lock()?;
    let last = last_line(&mut file)?;
    let prev = last.as_ref().map(|last| hex(Sha256::digest(&last.octets).as_slice()));
    let line = Line { v: VERSION, time: time.to_string(), person, look, prev };
    let mut octets = Vec::new();
    if last.is_some_and(|last| last.torn) {
        // A writer died within its line: it stays as it is, as a line of its own, and the chain goes on over it.
        octets.push(b'\n');
    }
    serde_json::to_writer(&mut octets, &line)?;
    octets.push(b'\n');
    file.write_all(&octets)?;
    file.sync_data()
}

/// What to do where a look could not be recorded.
pub fn remedy(log_dir: &Path, why: &io::Error) -> String {
    let owner = std::fs::metadata(log_dir).map(|found| found.uid()).unwrap_or_default();
    let name = user_name(owner).unwrap_or_else(|| format!("'#{owner}'"));
    let folder = path(log_dir).parent().unwrap_or(log_dir).display().to_string();
    match why.kind() {
        io::ErrorKind::PermissionDenied if owner == uzers::get_effective_uid() => {
            format!("another user made it: as root, `chown -R --reference={} {folder}`", log_dir.display())
        }
        io::ErrorKind::PermissionDenied => {
            format!("the log belongs to another user: `sudo -u {name} cordon log ...` (you are recorded all the same)")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("make room in {folder}: a look takes less than a kilobyte")
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "mount it writable, or copy the log and give the copy as log.dir; looks are recorded there".into()
        }
        _ => format!("look at the disk and the owner of {folder}"),
    }
}

/// Follows the chain from the first line and tells how many lines there are and where it breaks. A file that is not there has none.
pub fn verify(log_dir: &Path) -> io::Result<(u64, Vec<Break>)> {
    let file = match File::open(path(log_dir)) {
        Ok(file) => file,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok((0, Vec::new())),
        Err(why) => return Err(why),
    };
    let mut before: Option<String> = None;
    let mut breaks = Vec::new();
    let mut count = 0;
    for line in BufReader::new(file).split(b'\n') {
        let octets = line?;
        count += 1;
        let why = match serde_json::from_slice::<Value>(&octets) {
            Err(_) => Some("is not whole: a writer died within it, or it was changed".to_string()),
            Ok(value) => match value.get("prev") {
                Some(prev) if prev.as_str() == before.as_deref() => None,
                _ => Some("does not continue the line before: one of them was changed, or lines were taken out".into()),
            },
        };
        breaks.extend(why.map(|why| Break { line: count, why }));
        before = Some(hex(Sha256::digest(&octets).as_slice()));
    }
    Ok((count, breaks))
}

impl Person {
    /// Whoever runs this process.
    pub fn here() -> Person {
        let uid = uzers::get_current_uid();
        let login_uid = std::fs::read_to_string("/proc/self/loginuid")
            .ok()
            .and_then(|text| text.trim().parse::<u32>().ok())
            .filter(|uid| *uid != u32::MAX);
        Person { uid, user: user_name(uid), login_uid, login_user: login_uid.and_then(user_name) }
    }
}

fn user_name(uid: u32) -> Option<String> {
    Some(uzers::get_user_by_uid(uid)?.name().to_string_lossy().into_owned())
}

struct Last {
    octets: Vec<u8>,
    /// It has no line feed.
    torn: bool,
}

fn last_line(file: &mut File) -> io::Result<Option<Last>> {
    const STEP: u64 = 4096;
    let end = file.seek(SeekFrom::End(0))?;
    if end == 0 {
        return Ok(None);
    }
    let mut tail = Vec::new();
    let mut from = end;
    loop {
        let step = from.min(STEP);
        from -= step;
        file.seek(SeekFrom::Start(from))?;
        let mut piece = Vec::new();
        Read::take(&mut *file, step).read_to_end(&mut piece)?;
        piece.append(&mut tail);
        tail = piece;
        let torn = tail.last() != Some(&b'\n');
        let body = tail.strip_suffix(b"\n").unwrap_or(&tail);
        let begins = body.iter().rposition(|&octet| octet == b'\n').map(|at| at + 1);
        if let Some(begins) = begins.or((from == 0).then_some(0)) {
            return Ok(Some(Last { octets: body.get(begins..).unwrap_or_default().to_vec(), torn }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(rows: u64) -> Look<'static> {
        Look {
            command: "search",
            filter: serde_json::json!({"user": ["u1"]}),
            asked: Value::Null,
            reason: None,
            rows: Some(rows),
        }
    }

    fn person() -> Person {
        Person { uid: 7, user: Some("inspector".into()), login_uid: None, login_user: None }
    }

    #[test]
    fn looks_are_chained_and_a_change_in_the_middle_is_found() {
        let dir = tempfile::tempdir().unwrap();
        for rows in 0..5 {
            record(dir.path(), Moment(0), &person(), &look(rows)).unwrap();
        }
        assert_eq!(verify(dir.path()).unwrap(), (5, vec![]));
        let text = std::fs::read_to_string(path(dir.path())).unwrap();
        let second = text.lines().nth(1).unwrap().to_string();
        assert!(second.contains(r#""user":"inspector""#) && second.contains(r#""filter":{"user":["u1"]}"#), "{second}");
        std::fs::write(path(dir.path()), text.replace(r#""rows":2"#, r#""rows":9"#)).unwrap();
        let breaks: Vec<u64> = verify(dir.path()).unwrap().1.iter().map(|b| b.line).collect();
        assert_eq!(breaks, [4]);
        std::fs::write(path(dir.path()), text.replace(&format!("{second}\n"), "")).unwrap();
        let breaks: Vec<u64> = verify(dir.path()).unwrap().1.iter().map(|b| b.line).collect();
        assert_eq!(breaks, [2]);
    }

    #[test]
    fn a_torn_last_line_stays_and_is_found() {
        let dir = tempfile::tempdir().unwrap();
        record(dir.path(), Moment(0), &person(), &look(1)).unwrap();
        let mut file = OpenOptions::new().append(true).open(path(dir.path())).unwrap();
        file.write_all(br#"{"v":1,"ti"#).unwrap();
        record(dir.path(), Moment(0), &person(), &look(2)).unwrap();
        let (count, breaks) = verify(dir.path()).unwrap();
        assert_eq!((count, breaks.len(), breaks[0].line), (3, 1, 2));
    }

    #[test]
    fn a_line_longer_than_a_step_is_found_whole() {
        let dir = tempfile::tempdir().unwrap();
        let long = "x".repeat(20_000);
        for _ in 0..3 {
            let look = Look { reason: Some(&long), ..look(1) };
            record(dir.path(), Moment(0), &person(), &look).unwrap();
        }
        assert_eq!(verify(dir.path()).unwrap(), (3, vec![]));
    }

    #[test]
    fn looks_of_several_threads_make_one_chain() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..25).for_each(|n| record(dir.path(), Moment(0), &person(), &look(n)).unwrap()));
            }
        });
        assert_eq!(verify(dir.path()).unwrap(), (100, vec![]));
    }
}
