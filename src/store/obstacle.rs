//! What would keep a folder from being made or written to, as far as can be seen without trying: nothing on the disk is touched.

use std::ffi::CString;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::disk::Disk;

/// What stands in the way of making `folder`, or of writing into it when it is there; none: nothing that can be seen.
pub fn to_folder(folder: &Path) -> Option<String> {
    let (there, about) = match nearest(folder) {
        Ok(found) => found,
        Err(error) => return Some(format!("{} cannot be looked at: {error}", folder.display())),
    };
    let shown = there.display();
    if !about.is_dir() {
        return Some(format!("{shown} is no folder"));
    }
    let Ok(path) = CString::new(there.as_os_str().as_bytes()) else {
        return Some(format!("{} has a zero octet in it", folder.display()));
    };
    if of_the_kernel(&path) {
        return Some(format!("{shown} belongs to the kernel (proc, sysfs, cgroup) and takes no files"));
    }
    let needed = if there == folder { "written to" } else { "made" };
    // By the effective user, as files are made.
    // SAFETY: `path` is a C string that lives over the call.
    let outcome = unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), libc::W_OK | libc::X_OK, libc::AT_EACCESS) };
    if outcome == 0 {
        return None;
    }
    let error = io::Error::last_os_error();
    Some(match error.kind() {
        ErrorKind::ReadOnlyFilesystem => {
            format!("it cannot be {needed}: {shown} is on a file system that is read only")
        }
        ErrorKind::PermissionDenied => {
            format!("it cannot be {needed}: the user this runs as may not write to {shown}")
        }
        _ => format!("it cannot be {needed}: {shown}: {error}"),
    })
}

/// Octets that are free where `folder` is, or would be made; none where that cannot be told.
pub fn free_octets(folder: &Path) -> Option<u64> {
    let (there, _) = nearest(folder).ok()?;
    Disk::default().free(there).ok()
}

/// The path itself, or the nearest above it that is there.
fn nearest(path: &Path) -> io::Result<(&Path, std::fs::Metadata)> {
    for above in path.ancestors() {
        // Above a relative path is the folder one is in.
        let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
        match std::fs::metadata(above) {
            Ok(about) => return Ok((above, about)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::NotFound.into())
}

/// Whether a path is on a file system in which the kernel shows itself: permission there does not tell whether a folder can be made.
fn of_the_kernel(path: &CString) -> bool {
    let mut answer = std::mem::MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: `path` is a C string that lives over the call, `answer` has room for one statfs.
    if unsafe { libc::statfs(path.as_ptr(), answer.as_mut_ptr()) } != 0 {
        return false;
    }
    // SAFETY: zeroed before and filled by the call; every bit pattern of its integers is a value.
    let kind = unsafe { answer.assume_init() }.f_type;
    let kinds = [libc::PROC_SUPER_MAGIC, libc::SYSFS_MAGIC, libc::CGROUP_SUPER_MAGIC, libc::CGROUP2_SUPER_MAGIC];
    kinds.contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_folder_is_told_and_nothing_is_made() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |path: &str| dir.path().join(path);
        std::fs::write(at("file"), "").expect("a file");
        assert_eq!(to_folder(dir.path()), None);
        assert_eq!(to_folder(&at("a/b/c")), None);
        for (path, said) in [
            (at("file"), format!("{} is no folder", at("file").display())),
            (at("file/below"), format!("{} is no folder", at("file").display())),
            ("/proc/nope".into(), "/proc belongs to the kernel (proc, sysfs, cgroup) and takes no files".to_owned()),
            ("/sys/a/b".into(), "/sys belongs to the kernel (proc, sysfs, cgroup) and takes no files".to_owned()),
        ] {
            assert_eq!(to_folder(&path), Some(said), "{}", path.display());
        }
        assert_eq!(std::fs::read_dir(dir.path()).expect("a folder").count(), 1);
        assert!(free_octets(&at("a/b")).is_some_and(|free| free > 0));
    }

    #[test]
    fn a_relative_path_is_looked_for_from_the_folder_one_is_in() {
        assert_eq!(to_folder(Path::new("not-there-yet/data")), None);
    }
}
