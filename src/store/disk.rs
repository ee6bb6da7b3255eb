//! The file operations whose order carries the promises of the log (L2). One type for all of them, so that a test can let the power
//! fail at any one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::store::error::StoreError;

/// File operations; each one a step that either happens or fails.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    #[cfg(test)]
    fuse: Option<std::sync::Arc<std::sync::atomic::AtomicI64>>,
    /// As long as it is set, no octet is free.
    #[cfg(test)]
    pub(crate) full: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Disk {
    /// A disk that fails for good after `steps` steps; the step it fails at may be half done.
    #[cfg(test)]
    pub(crate) fn failing_after(steps: i64) -> Disk {
        Disk { fuse: Some(std::sync::Arc::new(steps.into())), ..Disk::default() }
    }

    /// Whether the fuse has blown.
    #[cfg(test)]
    pub(crate) fn has_failed(&self) -> bool {
        self.fuse.as_ref().is_some_and(|fuse| fuse.load(std::sync::atomic::Ordering::Relaxed) < 0)
    }

    #[cfg(test)]
    fn step(&self) -> io::Result<()> {
        match &self.fuse {
            Some(fuse) if fuse.fetch_sub(1, std::sync::atomic::Ordering::Relaxed) <= 0 => {
                Err(io::Error::other("the disk failed, as the test asked"))
            }
            _ => Ok(()),
        }
    }

    #[cfg(not(test))]
    #[inline(always)]
    fn step(&self) -> io::Result<()> {
        Ok(())
    }

    /// Makes a folder and those above it, for the owner alone; one that is there is fine.
    pub(crate) fn folder(&self, path: &Path) -> Result<(), StoreError> {
        let made = self.step().and_then(|()| fs::DirBuilder::new().recursive(true).mode(0o700).create(path));
        made.map_err(StoreError::file(path, "make the folder"))
    }

    /// Makes a new file for the owner alone, in place of one of the same name.
    pub(crate) fn create(&self, path: &Path) -> Result<File, StoreError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).mode(0o600);
        self.step().and_then(|()| options.open(path)).map_err(StoreError::file(path, "make the file"))
    }

    /// Opens a file to write behind its end; made when missing.
    pub(crate) fn open_append(&self, path: &Path) -> Result<File, StoreError> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        self.step().and_then(|()| options.open(path)).map_err(StoreError::file(path, "open the file"))
    }

    /// Writes all of `bytes`. A step that fails may have written a part of them.
    pub(crate) fn write(&self, file: &mut File, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let written = match self.step() {
            Ok(()) => file.write_all(bytes),
            Err(error) => file.write_all(&bytes[..bytes.len() / 2]).and(Err(error)),
        };
        written.map_err(StoreError::file(path, "write"))
    }

    /// Cuts a file to `length` octets.
    pub(crate) fn cut(&self, file: &File, path: &Path, length: u64) -> Result<(), StoreError> {
        self.step().and_then(|()| file.set_len(length)).map_err(StoreError::file(path, "cut the file"))
    }

    /// Waits until the file's content and length are on the medium.
    pub(crate) fn sync(&self, file: &File, path: &Path) -> Result<(), StoreError> {
        self.step().and_then(|()| file.sync_all()).map_err(StoreError::file(path, "sync the file"))
    }

    /// Waits until the names in a folder are on the medium.
    pub(crate) fn sync_folder(&self, path: &Path) -> Result<(), StoreError> {
        let synced = self.step().and_then(|()| File::open(path)).and_then(|folder| folder.sync_all());
        synced.map_err(StoreError::file(path, "sync the folder"))
    }

    /// Gives a file another name in one step, in place of one that has it.
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        self.step().and_then(|()| fs::rename(from, to)).map_err(StoreError::file(from, "rename"))
    }

    /// Removes a file; one that is not there is fine.
    pub(crate) fn remove(&self, path: &Path) -> Result<(), StoreError> {
        let removed = self.step().and_then(|()| match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        });
        removed.map_err(StoreError::file(path, "remove the file"))
    }

    /// Puts `bytes` at `path` in one step: written beside it, synced, renamed, folder synced.
    pub(crate) fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let beside = path.with_extension("tmp");
        let mut file = self.create(&beside)?;
        self.write(&mut file, &beside, bytes)?;
        self.sync(&file, &beside)?;
        self.rename(&beside, path)?;
        match path.parent() {
            Some(folder) => self.sync_folder(folder),
            None => Ok(()),
        }
    }

    /// Octets an unprivileged process may still write on the disk that holds `path`.
    pub(crate) fn free(&self, path: &Path) -> Result<u64, StoreError> {
        #[cfg(test)]
        if self.full.load(std::sync::atomic::Ordering::Relaxed) {
            return Ok(0);
        }
        Ok(self.space(path)?.0)
    }

    /// Free octets of the disk that holds `path`, and its size in octets.
    pub(crate) fn space(&self, path: &Path) -> Result<(u64, u64), StoreError> {
        use std::os::unix::ffi::OsStrExt;
        let text = std::ffi::CString::new(path.as_os_str().as_bytes())
            .map_err(|_| StoreError::broken(path, "a path cannot hold a zero octet"))?;
        let mut answer = std::mem::MaybeUninit::<libc::statvfs>::zeroed();
        // SAFETY: `text` is a C string that lives over the call, `answer` has room for one statvfs.
        let outcome = unsafe { libc::statvfs(text.as_ptr(), answer.as_mut_ptr()) };
        if outcome != 0 {
            return Err(StoreError::file(path, "ask for free space")(io::Error::last_os_error()));
        }
        // SAFETY: zeroed before and filled by the call; every bit pattern of its integers is a value.
        let answer = unsafe { answer.assume_init() };
        let octets = |blocks: u64| blocks.saturating_mul(answer.f_frsize);
        Ok((octets(answer.f_bavail), octets(answer.f_blocks)))
    }
}
