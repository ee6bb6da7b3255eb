//! Files, how they looked when they were last read, and a change that waits to be told.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long files must be left alone before a change is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Since the last change seen.
    pub(super) quiet: Duration,
    /// Since the first change seen, whatever goes on.
    pub(super) longest: Duration,
}

/// How each of some files looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::app) struct Stamps(Vec<(PathBuf, Stamp)>);

/// How a file looks from outside: equal while nobody wrote to it, replaced it, removed it or changed who may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stamp {
    /// It cannot be seen.
    Missing(io::ErrorKind),
    /// Device, inode, length, and the seconds and nanoseconds of its last writing and of its last change of any kind.
    There([u64; 3], [i64; 4]),
}

impl Stamps {
    /// How these files look now.
    pub(in crate::app) fn of(paths: impl IntoIterator<Item = PathBuf>) -> Stamps {
        let mut paths: Vec<PathBuf> = paths.into_iter().collect();
        paths.sort();
        paths.dedup();
        let mut stamps =
            Stamps(paths.into_iter().map(|path| (path, Stamp::Missing(io::ErrorKind::NotFound))).collect());
        stamps.take();
        stamps
    }

    /// Looks again.
    fn take(&mut self) {
        for (path, stamp) in &mut self.0 {
            *stamp = match std::fs::metadata(path) {
                Err(error) => Stamp::Missing(error.kind()),
                Ok(is) => Stamp::There(
                    [is.dev(), is.ino(), is.len()],
                    [is.mtime(), is.mtime_nsec(), is.ctime(), is.ctime_nsec()],
                ),
            };
        }
    }
}

/// Files that are watched for one purpose.
#[derive(Debug)]
pub(super) struct Files {
    pace: Pace,
    /// As they were when last read or told.
    known: Stamps,
    pending: Option<Pending>,
    /// Whether the next poll tells, changed or not.
    again: bool,
}

/// A change that was seen and not yet told.
#[derive(Debug)]
struct Pending {
    first: Instant,
    last: Instant,
    seen: Stamps,
}

impl Files {
    pub(super) fn new(pace: Pace) -> Files {
        Files { pace, known: Stamps::default(), pending: None, again: false }
    }

    /// These are the files, and they were read when they looked like this. A change that waited is forgotten: the next look tells whether
    /// it still is one.
    pub(super) fn renew(&mut self, known: Stamps) {
        (self.known, self.pending, self.again) = (known, None, false);
    }

    pub(super) fn try_again(&mut self) {
        self.again = true;
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.known.0.iter().map(|(path, _)| &**path)
    }

    /// When the waiting change is to be told, if none is seen until then.
    pub(super) fn due(&self) -> Option<Instant> {
        let pending = self.pending.as_ref()?;
        Some((pending.last + self.pace.quiet).min(pending.first + self.pace.longest))
    }

    /// Looks at every file; whether a change is to be told now.
    pub(super) fn look(&mut self, now: Instant, polled: bool) -> bool {
        let mut seen = self.known.clone();
        seen.take();
        match &mut self.pending {
            Some(pending) if pending.seen != seen => (pending.last, pending.seen) = (now, seen),
            Some(_) => {}
            None if seen == self.known => {
                let again = self.again && polled;
                self.again &= !again;
                return again;
            }
            None => self.pending = Some(Pending { first: now, last: now, seen }),
        }
        let told = self.due().is_some_and(|due| now >= due);
        if told && let Some(pending) = self.pending.take() {
            let changed = pending.seen != self.known;
            (self.known, self.again) = (pending.seen, false);
            return changed;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { quiet: Duration::from_millis(500), longest: Duration::from_secs(3) };

    struct Bench {
        _dir: tempfile::TempDir,
        path: PathBuf,
        files: Files,
        start: Instant,
        lines: String,
    }

    impl Bench {
        fn new() -> Bench {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("list");
            std::fs::write(&path, "").unwrap();
            let mut files = Files::new(PACE);
            files.renew(Stamps::of([path.clone()]));
            Bench { _dir: dir, path, files, start: Instant::now(), lines: String::new() }
        }

        fn edit(&mut self) {
            self.lines.push_str("bet.example\n");
            std::fs::write(&self.path, &self.lines).unwrap();
        }

        fn look(&mut self, millis: u64) -> bool {
            self.files.look(self.start + Duration::from_millis(millis), false)
        }
    }

    #[test]
    fn a_change_is_told_once_when_it_has_been_quiet() {
        let mut bench = Bench::new();
        assert!(!bench.look(0) && bench.files.due().is_none());
        bench.edit();
        assert!(!bench.look(100));
        bench.edit();
        assert!(!bench.look(500));
        assert_eq!(bench.files.due(), Some(bench.start + Duration::from_millis(1000)));
        assert!(!bench.look(999) && bench.look(1000) && !bench.look(5000));
    }

    #[test]
    fn what_never_is_quiet_is_told_all_the_same() {
        let mut bench = Bench::new();
        let told: Vec<u64> = (0..40).map(|n| n * 100).filter(|&millis| (bench.edit(), bench.look(millis)).1).collect();
        assert_eq!(told, [3000]);
    }

    #[test]
    fn what_was_read_meanwhile_is_not_told() {
        let mut bench = Bench::new();
        bench.edit();
        assert!(!bench.look(100));
        bench.files.renew(Stamps::of([bench.path.clone()]));
        assert!(!bench.look(700));
        // Removed and put back as another file.
        std::fs::remove_file(&bench.path).unwrap();
        assert!(!bench.look(800) && bench.look(1400));
        bench.edit();
        assert!(!bench.look(1500) && bench.look(2100));
    }

    #[test]
    fn what_came_to_nothing_is_told_again_at_the_next_poll_only() {
        let mut bench = Bench::new();
        bench.files.try_again();
        assert!(!bench.look(100));
        let at = bench.start + Duration::from_secs(30);
        assert!(bench.files.look(at, true));
        assert!(!bench.files.look(at, true));
    }
}
