//! Checkpoints of the manifest: the text of a C2SP tlog-checkpoint as a C2SP signed note, with an Ed25519 key.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::hex::hex;
use crate::store::disk::Disk;
use crate::store::error::StoreError;
use crate::store::manifest::tree::{Hash, sha256};

/// Number of Ed25519 among the signature types of signed notes.
const ED25519: u8 = 1;

/// The name a node's checkpoints are made under: origin of the tree and name of the key.
pub fn origin(node: &str) -> String {
    format!("{node}/cordon")
}

/// A tree's size and root, as a checkpoint says them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose tree.
    pub origin: String,
    /// How many leaves.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(self.root))
    }

    fn read(text: &str) -> Option<Checkpoint> {
        let mut lines = text.lines();
        let origin = lines.next().filter(|origin| !origin.is_empty())?.to_owned();
        let size_text = lines.next()?;
        let size: u64 = size_text.parse().ok()?;
        let root = BASE64.decode(lines.next()?).ok()?.try_into().ok()?;
        (size.to_string() == size_text).then_some(Checkpoint { origin, size, root })
    }
}

/// The public half of a node's key, with its name: what verifies its notes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    key: VerifyingKey,
}

impl Verifier {
    /// Reads a verifier key: `name+hash+base64`.
    pub fn parse(text: &str) -> Result<Verifier, &'static str> {
        // The name and the hash have no `+`; the base64 may.
        let pieces: Vec<&str> = text.trim_end_matches('\n').splitn(3, '+').collect();
        let [name, hash, encoded] = pieces[..] else { return Err("is not of the form name+hash+key") };
        let octets = BASE64.decode(encoded).map_err(|_| "has a key that is not base64")?;
        let Some((&ED25519, key)) = octets.split_first() else { return Err("is not an Ed25519 key") };
        let key: [u8; 32] = key.try_into().map_err(|_| "has a key that is not 32 octets long")?;
        let key = VerifyingKey::from_bytes(&key).map_err(|_| "has a key that is no point of the curve")?;
        let verifier = Verifier { name: name.to_owned(), key };
        if verifier.hash_text() != hash { Err("has a hash that is not the key's") } else { Ok(verifier) }
    }

    /// The name of the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key as text: `name+hash+base64`.
    pub fn text(&self) -> String {
        let mut octets = vec![ED25519];
        octets.extend_from_slice(self.key.as_bytes());
        format!("{}+{}+{}", self.name, self.hash_text(), BASE64.encode(octets))
    }

    fn hash(&self) -> [u8; 4] {
        let mut octets = self.name.clone().into_bytes();
        octets.extend_from_slice(&[b'\n', ED25519]);
        octets.extend_from_slice(self.key.as_bytes());
        let [a, b, c, d, ..] = sha256(&octets);
        [a, b, c, d]
    }

    fn hash_text(&self) -> String {
        hex(&self.hash())
    }

    /// The checkpoint in a signed note, when one of its signatures is by this key and holds.
    pub fn open(&self, note: &str) -> Result<Checkpoint, &'static str> {
        let (text, signatures) = split(note).ok_or("is not a signed note")?;
        for line in signatures.lines() {
            let Some((name, encoded)) = line.strip_prefix("— ").and_then(|line| line.rsplit_once(' ')) else {
                return Err("has a signature line that is none");
            };
            let octets = BASE64.decode(encoded).map_err(|_| "has a signature that is not base64")?;
            let Some((hash, signature)) = octets.split_first_chunk::<4>() else {
                return Err("has a signature that is too short");
            };
            if name != self.name || *hash != self.hash() {
                continue;
            }
            let signature = Signature::from_slice(signature).map_err(|_| "has a signature of the wrong length")?;
            self.key.verify_strict(text.as_bytes(), &signature).map_err(|_| "has a signature that does not hold")?;
            return Checkpoint::read(text).ok_or("is signed but is no checkpoint");
        }
        Err("has no signature by this key")
    }
}

/// The checkpoint of a note, its signature not looked at.
pub fn unverified(note: &str) -> Option<Checkpoint> {
    Checkpoint::read(split(note)?.0)
}

/// Text (with its last newline) and signature lines of a note.
fn split(note: &str) -> Option<(&str, &str)> {
    let at = note.rfind("\n\n")?;
    let (text, signatures) = (note.get(..at + 1)?, note.get(at + 2..)?);
    (signatures.ends_with('\n')).then_some((text, signatures))
}

/// A node's key.
#[derive(Debug)]
pub struct NoteKey {
    key: SigningKey,
    verifier: Verifier,
}

impl NoteKey {
    /// Reads the private key at `path` (64 hex digits and a newline), or makes one, readable by its owner alone.
    pub(crate) fn load_or_make(disk: &Disk, path: &Path, name: &str) -> Result<NoteKey, StoreError> {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let seed = unhex(text.trim_end()).ok_or_else(|| {
                    StoreError::broken(path, "is not a signing key (64 hex digits); put the node's key back, or move it away to make a new one")
                })?;
                Ok(NoteKey::of(seed, name))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut seed = [0; 32];
                getrandom::fill(&mut seed).map_err(|_| StoreError::Random("the signing key"))?;
                if let Some(folder) = path.parent() {
                    disk.folder(folder)?;
                }
                disk.replace(path, format!("{}\n", hex(&seed)).as_bytes())?;
                Ok(NoteKey::of(seed, name))
            }
            Err(error) => Err(StoreError::file(path, "read the signing key")(error)),
        }
    }

    fn of(seed: [u8; 32], name: &str) -> NoteKey {
        let key = SigningKey::from_bytes(&seed);
        let verifier = Verifier { name: name.to_owned(), key: key.verifying_key() };
        NoteKey { key, verifier }
    }

    /// Its public half.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// A checkpoint as a signed note.
    pub fn sign(&self, checkpoint: &Checkpoint) -> String {
        let text = checkpoint.text();
        let mut octets = self.verifier.hash().to_vec();
        octets.extend_from_slice(&self.key.sign(text.as_bytes()).to_bytes());
        format!("{text}\n— {} {}\n", self.verifier.name, BASE64.encode(octets))
    }
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut octets = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (i, octet) in octets.iter_mut().enumerate() {
        *octet = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        Checkpoint { origin: origin("dns1"), size: 7, root: [9; 32] }
    }

    #[test]
    fn a_note_opens_with_its_key_and_no_other() {
        for seed in 0..40u8 {
            let key = NoteKey::of([seed; 32], "dns1/cordon");
            let note = key.sign(&checkpoint());
            let verifier = Verifier::parse(&key.verifier().text()).unwrap();
            assert_eq!(verifier.open(&note), Ok(checkpoint()));
            assert_eq!(unverified(&note), Some(checkpoint()));
            let other = NoteKey::of([seed + 1; 32], "dns1/cordon");
            assert_eq!(other.verifier().open(&note), Err("has no signature by this key"));
        }
    }

    #[test]
    fn a_changed_octet_anywhere_is_noticed() {
        let key = NoteKey::of([3; 32], "dns1/cordon");
        let note = key.sign(&checkpoint());
        for at in 0..note.len() {
            let mut octets = note.clone().into_bytes();
            octets[at] ^= 1;
            if let Ok(text) = String::from_utf8(octets) {
                assert!(key.verifier().open(&text).is_err(), "octet {at}");
            }
        }
    }

    #[test]
    fn a_verifier_key_with_a_wrong_hash_is_refused() {
        let text = NoteKey::of([3; 32], "dns1/cordon").verifier().text();
        assert!(Verifier::parse(&text.replace("dns1", "dns2")).is_err());
        for wrong in ["", "a", "a+b", "a+00000000+AA=="] {
            assert!(Verifier::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_private_key_is_made_once_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/log.key");
        let made = NoteKey::load_or_make(&Disk::default(), &path, "n/cordon").unwrap();
        let again = NoteKey::load_or_make(&Disk::default(), &path, "n/cordon").unwrap();
        assert_eq!(made.verifier(), again.verifier());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "nonsense").unwrap();
        assert!(NoteKey::load_or_make(&Disk::default(), &path, "n/cordon").is_err());
    }
}
