//! Where everything lies below `log.dir`.

use std::path::{Path, PathBuf};

/// The places of the log's files.
#[derive(Clone, Debug)]
pub struct Paths {
    /// `log.dir` itself.
    pub dir: PathBuf,
    /// Held locked by the server that writes.
    pub lock: PathBuf,
    /// Segments of lanes.
    pub segments: PathBuf,
    /// Sealed parts, a folder for each UTC date.
    pub parts: PathBuf,
    /// The manifest's folder.
    pub evidence: PathBuf,
    /// Its leaves, one a line.
    pub leaves: PathBuf,
    /// The newest checkpoint.
    pub checkpoint: PathBuf,
    /// Every checkpoint, by size of the tree.
    pub checkpoints: PathBuf,
    /// The verifier key.
    pub key_pub: PathBuf,
}

impl Paths {
    /// The places below `dir`.
    pub fn below(dir: &Path) -> Paths {
        let evidence = dir.join("evidence");
        Paths {
            dir: dir.to_path_buf(),
            lock: dir.join("lock"),
            segments: dir.join("segments"),
            parts: dir.join("parts"),
            leaves: evidence.join("leaves.jsonl"),
            checkpoint: evidence.join("checkpoint"),
            checkpoints: evidence.join("checkpoints"),
            key_pub: evidence.join("key.pub"),
            evidence,
        }
    }

    /// The file a leaf names; none when the name leads out of `log.dir`.
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        let relative = Path::new(name);
        let plain = relative.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        (plain && !name.is_empty()).then(|| self.dir.join(relative))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_cannot_name_a_file_elsewhere() {
        let paths = Paths::below(Path::new("/log"));
        assert_eq!(paths.file("parts/date=2026-01-01/a.parquet"), Some("/log/parts/date=2026-01-01/a.parquet".into()));
        for name in ["../x", "/etc/passwd", "parts/../../x", "", "."] {
            assert_eq!(paths.file(name), None, "{name}");
        }
    }
}
