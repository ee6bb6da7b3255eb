//! Paths in the configuration: relative to its file, absolute afterwards.

use std::path::{Component, Path, PathBuf};

use super::{Check, plain};
use crate::config::file::key::Key;
use crate::config::file::v1::Text;

impl Check<'_> {
    /// A path as meant.
    pub(super) fn path(&self, text: &str) -> PathBuf {
        absolute(&self.folder.join(text))
    }

    /// A file that must be there and readable; as meant in any case.
    pub(super) fn file(&mut self, text: &Text, key: &Key) -> PathBuf {
        let path = self.path(text);
        if text.is_empty() {
            self.error(text.span(), key, "is empty", "name a file; paths are relative to the configuration file");
            return path;
        }
        let shown = format!("`{}`", text.as_str());
        // Where it was looked for, when that is not what is written.
        let place = match path.as_os_str() == text.as_str() {
            true => String::new(),
            false => format!("; it was looked for at {}", path.display()),
        };
        match std::fs::metadata(&path) {
            Ok(found) if found.is_dir() => {
                self.error(text.span(), key, format!("{shown} is a folder"), format!("name a file{place}"));
            }
            Ok(_) => {
                if let Err(error) = std::fs::File::open(&path) {
                    let problem = format!("{shown} cannot be read: {}", plain(&error));
                    self.error(text.span(), key, problem, format!("let the user that runs cordon read it{place}"));
                }
            }
            Err(error) => {
                let problem = match error.kind() {
                    std::io::ErrorKind::NotFound => format!("{shown} is not there"),
                    _ => format!("{shown} cannot be reached: {}", plain(&error)),
                };
                let advice = format!("paths are relative to the configuration file{place}");
                self.error(text.span(), key, problem, advice);
            }
        }
        path
    }
}

/// The path from the root, tidied.
pub(in crate::config) fn absolute(path: &Path) -> PathBuf {
    tidy(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

/// The path without `.` and, where it is no symbolic link that `..` leaves, without `..`.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir && !tidy.is_symlink() && tidy.file_name().is_some() {
            tidy.pop();
        } else {
            tidy.push(part);
        }
    }
    tidy
}

/// The part of `path` that is there and is not a folder, if there is one.
pub(super) fn file_in_the_way(path: &Path) -> Option<&Path> {
    path.ancestors().find(|part| part.exists()).filter(|part| !part.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_go_unless_a_link_gives_them_meaning() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::os::unix::fs::symlink(root.join("a/b"), root.join("link")).unwrap();
        assert_eq!(absolute(&root.join("a/../lists/./x")), root.join("lists/x"));
        assert_eq!(absolute(&root.join("link/../x")), root.join("link/../x"));
        assert!(absolute(Path::new("x")).is_absolute());
        assert_eq!(tidy(Path::new("config/../lists/x")), Path::new("lists/x"));
        assert_eq!(tidy(Path::new("../../x")), Path::new("../../x"));
    }
}
