//! Floor 2: to whom a file belongs that a command makes in the house of a server. Whoever runs the command, an administrator as root above
//! all, it belongs to the owner of the folder it is made in: else one command as root would lock the server out of its own files.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, fchown, lchown};
use std::path::Path;

/// Makes a folder and those above it that are missing, each with this mode and the owner and group of the one it is made in.
///
/// # Errors
/// What the system says.
pub fn make_folder(path: &Path, mode: u32) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let Some(above) = folder_of(path) else { return Ok(()) };
    make_folder(above, mode)?;
    match std::fs::DirBuilder::new().mode(mode).create(path) {
        Ok(()) => {
            if let (Ok(above), Ok(own)) = (std::fs::metadata(above), std::fs::symlink_metadata(path))
                && is_anothers(&above, &own)
            {
                // Only root may, and only root has to. Never through a link that the folder's owner put in its place.
                let _ = lchown(path, Some(above.uid()), Some(above.gid()));
            }
            Ok(())
        }
        Err(_) if path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Opens a file as `options` say, and makes it when it is missing; then it has the owner and group of its folder.
///
/// # Errors
/// What the system says.
pub fn open(options: &OpenOptions, path: &Path) -> io::Result<File> {
    match options.clone().create_new(true).open(path) {
        Ok(file) => {
            let above = folder_of(path).map(std::fs::metadata);
            if let (Some(Ok(above)), Ok(own)) = (above, file.metadata())
                && is_anothers(&above, &own)
            {
                // The file that was made just now, whatever stands under its name by then.
                let _ = fchown(&file, Some(above.uid()), Some(above.gid()));
            }
            Ok(file)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => options.clone().create(true).open(path),
        Err(error) => Err(error),
    }
}

fn folder_of(path: &Path) -> Option<&Path> {
    path.parent().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
}

fn is_anothers(folder: &Metadata, own: &Metadata) -> bool {
    (folder.uid(), folder.gid()) != (own.uid(), own.gid())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn owner(path: &Path) -> (u32, u32) {
        let found = std::fs::symlink_metadata(path).unwrap();
        (found.uid(), found.gid())
    }

    #[test]
    fn what_is_made_belongs_to_the_owner_of_its_folder_and_what_is_there_stays_whose_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let whose = match owner(dir.path()) {
            (0, _) => (4_711, 4_712),
            own => own,
        };
        let _ = std::os::unix::fs::chown(dir.path(), Some(whose.0), Some(whose.1));
        assert_eq!(owner(dir.path()), whose);
        let (before, folder) = (dir.path().join("before"), dir.path().join("a/b"));
        std::fs::write(&before, "one\n").unwrap();
        let was = owner(&before);
        make_folder(&folder, 0o750).unwrap();
        make_folder(&folder, 0o750).unwrap();
        assert_eq!((owner(&dir.path().join("a")), owner(&folder)), (whose, whose));
        let file = folder.join("file");
        for text in ["one\n", "two\n"] {
            for path in [&file, &before] {
                let mut file = open(OpenOptions::new().append(true), path).unwrap();
                file.write_all(text.as_bytes()).unwrap();
            }
        }
        assert_eq!((owner(&file), owner(&before)), (whose, was));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "one\ntwo\n");
        assert!(make_folder(&file, 0o750).is_err());
    }
}
