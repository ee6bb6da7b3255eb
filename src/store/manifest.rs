//! The manifest: a transparency log of everything that ever happened to the parts. Appending a leaf is the commit point of a seal.

pub mod book;
pub mod leaf;
pub mod note;
pub mod tree;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::hex::hex;
use crate::moment::Moment;
use crate::store::disk::Disk;
use crate::store::error::StoreError;
use crate::store::paths::Paths;
use book::Book;
use leaf::{Fact, Leaf, Stamp};
use note::{Checkpoint, NoteKey};
use tree::Edge;

/// The manifest, opened to be continued.
#[derive(Debug)]
pub(crate) struct Manifest {
    disk: Disk,
    paths: Paths,
    node: String,
    key: NoteKey,
    leaves: File,
    /// Octets of whole lines.
    length: u64,
    /// SHA-256 of the last line, hex.
    last: Option<String>,
    edge: Edge,
    book: Book,
    /// Size of the newest checkpoint that is on the medium.
    checkpointed: u64,
    /// A failed write may have left octets behind `length`.
    dirty: bool,
}

/// The whole lines of `leaves.jsonl`, and how many octets a torn last line has. A file that is not there has none.
pub(crate) fn whole_lines(path: &Path) -> Result<(String, usize), StoreError> {
    let mut octets = Vec::new();
    match File::open(path) {
        Ok(mut file) => {
            file.read_to_end(&mut octets).map_err(StoreError::file(path, "read the file"))?;
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(StoreError::file(path, "open the file")(error)),
    }
    let whole = octets.iter().rposition(|&octet| octet == b'\n').map_or(0, |at| at + 1);
    let torn = octets.len() - whole;
    octets.truncate(whole);
    let text = String::from_utf8(octets).map_err(|_| StoreError::broken(path, "is not UTF-8"))?;
    Ok((text, torn))
}

impl Manifest {
    /// Opens the manifest of `node`, or begins one. A torn last line is cut off and a missing checkpoint made; both are told in `notes`.
    pub(crate) fn open(
        disk: &Disk,
        paths: &Paths,
        node: &str,
        signing_key: &Path,
        notes: &mut Vec<String>,
    ) -> Result<Manifest, StoreError> {
        disk.folder(&paths.checkpoints)?;
        let key = NoteKey::load_or_make(disk, signing_key, &note::origin(node))?;
        let (text, torn) = whole_lines(&paths.leaves)?;
        let leaves = disk.open_append(&paths.leaves)?;
        if torn > 0 {
            disk.cut(&leaves, &paths.leaves, text.len() as u64)?;
            disk.sync(&leaves, &paths.leaves)?;
            notes.push(format!("{}: cut off a torn last line of {torn} octets", paths.leaves.display()));
        }
        let newest = newest_checkpoint(paths, &key)?;
        let mut manifest = Manifest {
            disk: disk.clone(),
            paths: paths.clone(),
            node: node.to_owned(),
            key,
            leaves,
            length: text.len() as u64,
            last: None,
            edge: Edge::default(),
            book: Book::default(),
            checkpointed: newest.as_ref().map_or(0, |checkpoint| checkpoint.size),
            dirty: false,
        };
        for (n, line) in text.lines().enumerate() {
            manifest.replay(n + 1, line)?;
            if let Some(newest) = &newest
                && newest.size == manifest.edge.size()
                && newest.root != manifest.edge.root()
            {
                return Err(manifest.cannot_continue("its leaves are not those the checkpoint was made over"));
            }
        }
        if manifest.checkpointed > manifest.edge.size() {
            return Err(manifest.cannot_continue("it has fewer leaves than its checkpoint says"));
        }
        manifest.publish_key()?;
        if manifest.checkpointed < manifest.edge.size() {
            notes.push(format!(
                "{}: made the checkpoint that was missing for {} leaves",
                paths.checkpoint.display(),
                manifest.edge.size()
            ));
            manifest.settle()?;
        }
        Ok(manifest)
    }

    fn replay(&mut self, number: usize, line: &str) -> Result<(), StoreError> {
        let at = || self.paths.leaves.with_file_name(format!("leaves.jsonl:{number}"));
        let leaf = Leaf::read(line).map_err(|error| StoreError::broken(&at(), error.to_string()))?;
        if leaf.node != self.node {
            return Err(StoreError::OtherNode { path: at(), begun: leaf.node, now: self.node.clone() });
        }
        if leaf.prev != self.last {
            return Err(self.cannot_continue(&format!("line {number} does not follow the line before it")));
        }
        if let Some(misfit) = self.book.add(&leaf).into_iter().next() {
            return Err(self.cannot_continue(&format!("line {number} {misfit}")));
        }
        self.edge.push(tree::leaf_hash(line.as_bytes()));
        self.last = Some(hex(&tree::sha256(line.as_bytes())));
        Ok(())
    }

    fn cannot_continue(&self, why: &str) -> StoreError {
        let advice = "look with `cordon log verify`, and move the log folder aside to begin a new one";
        StoreError::broken(&self.paths.leaves, format!("the manifest cannot be continued: {why}; {advice}"))
    }

    fn publish_key(&self) -> Result<(), StoreError> {
        let ours = format!("{}\n", self.key.verifier().text());
        match std::fs::read_to_string(&self.paths.key_pub) {
            Ok(text) if text == ours => Ok(()),
            Ok(_) => Err(StoreError::broken(
                &self.paths.key_pub,
                "is not the public half of log.signing_key; put the key back that this log was begun with",
            )),
            Err(_) => self.disk.replace(&self.paths.key_pub, ours.as_bytes()),
        }
    }

    /// What the leaves add up to.
    pub(crate) fn book(&self) -> &Book {
        &self.book
    }

    /// Appends a leaf, and leaves its checkpoint to the next [`Manifest::settle`].
    pub(crate) fn append_leaf(&mut self, time: Moment, fact: Fact) -> Result<(), StoreError> {
        self.settle()?;
        let leaf = Leaf { v: leaf::VERSION, node: self.node.clone(), time: Stamp(time), prev: self.last.clone(), fact };
        let line = leaf.line().map_err(|error| StoreError::broken(&self.paths.leaves, error.to_string()))?;
        self.dirty = true;
        self.disk.write(&mut self.leaves, &self.paths.leaves, format!("{line}\n").as_bytes())?;
        self.disk.sync(&self.leaves, &self.paths.leaves)?;
        self.dirty = false;
        self.length += line.len() as u64 + 1;
        self.edge.push(tree::leaf_hash(line.as_bytes()));
        self.last = Some(hex(&tree::sha256(line.as_bytes())));
        self.book.add(&leaf);
        Ok(())
    }

    /// Appends a leaf and makes its checkpoint. An error may come after the leaf was committed (its checkpoint is then made by the next
    /// [`Manifest::settle`]); [`Manifest::size`] tells.
    pub(crate) fn append(&mut self, time: Moment, fact: Fact) -> Result<(), StoreError> {
        self.append_leaf(time, fact)?;
        self.settle()
    }

    /// How many leaves are committed.
    pub(crate) fn size(&self) -> u64 {
        self.edge.size()
    }

    /// Puts right what a failed write left: octets of a leaf that was not committed, a checkpoint that is missing.
    pub(crate) fn settle(&mut self) -> Result<(), StoreError> {
        if self.dirty {
            self.disk.cut(&self.leaves, &self.paths.leaves, self.length)?;
            self.disk.sync(&self.leaves, &self.paths.leaves)?;
            self.dirty = false;
        }
        if self.checkpointed == self.edge.size() {
            return Ok(());
        }
        let checkpoint =
            Checkpoint { origin: note::origin(&self.node), size: self.edge.size(), root: self.edge.root() };
        let note = self.key.sign(&checkpoint);
        self.disk.replace(&self.paths.checkpoints.join(checkpoint.size.to_string()), note.as_bytes())?;
        self.disk.replace(&self.paths.checkpoint, note.as_bytes())?;
        self.checkpointed = checkpoint.size;
        Ok(())
    }
}

/// The checkpoint the manifest must agree with to be continued.
fn newest_checkpoint(paths: &Paths, key: &NoteKey) -> Result<Option<Checkpoint>, StoreError> {
    let note = match std::fs::read_to_string(&paths.checkpoint) {
        Ok(note) => note,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::file(&paths.checkpoint, "read the checkpoint")(error)),
    };
    let checkpoint = key.verifier().open(&note).map_err(|what| {
        StoreError::broken(
            &paths.checkpoint,
            format!("{what}; put the key back that this log was begun with (log.signing_key), or look with `cordon log verify`"),
        )
    })?;
    Ok(Some(checkpoint))
}

#[cfg(test)]
mod tests;
