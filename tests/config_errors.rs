//! The text of each configuration error is kept beside a file that has it: `tests/golden/config-errors/<kind>.toml` and `<kind>.txt`.
//! `UPDATE_GOLDEN=1 cargo test --test main` writes the texts anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cordon::config::Config;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/config-errors")
}

/// The files of a folder of goldens with one ending, without it.
pub(crate) fn kinds(folder: &Path, ending: &str) -> BTreeSet<String> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let wanted = files.filter(|path| path.extension().is_some_and(|e| e == ending));
    wanted.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn every_kind_of_error_says_where_what_and_what_to_do() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let here = format!("{}/", folder().display());
    let mut different = Vec::new();
    for kind in kinds(&folder(), "toml") {
        let path = folder().join(format!("{kind}.toml"));
        let errors = Config::load(&path).expect_err(&kind);
        for error in &errors.errors {
            assert!(error.place.is_some(), "{kind}: no place: {error}");
            assert!(error.advice.as_ref().is_some_and(|advice| !advice.is_empty()), "{kind}: no advice: {error}");
        }
        let text = format!("{errors}\n").replace(&here, "");
        assert!(!text.contains(env!("CARGO_MANIFEST_DIR")), "{kind}: a path of this machine: {text}");
        let kept = folder().join(format!("{kind}.txt"));
        if update {
            std::fs::write(&kept, &text).unwrap();
        } else if std::fs::read_to_string(&kept).ok().as_deref() != Some(text.as_str()) {
            different.push(format!("--- {kind}\n{text}"));
        }
    }
    assert!(different.is_empty(), "these differ from what is kept:\n{}", different.join("\n"));
}

#[test]
fn there_are_many_kinds_and_no_text_without_its_file() {
    let (files, texts) = (kinds(&folder(), "toml"), kinds(&folder(), "txt"));
    let orphans: Vec<_> = texts.difference(&files).collect();
    assert!(orphans.is_empty(), "texts without a file: {orphans:?}");
    assert!(files.len() >= 30, "only {} kinds", files.len());
}

#[test]
fn a_file_that_cannot_be_read_is_said_to_be_so() {
    let folder = tempfile::tempdir().unwrap();
    let error =
        |path: &Path| Config::load(path).unwrap_err().to_string().replace(&folder.path().display().to_string(), "");
    assert_eq!(
        error(&folder.path().join("x.toml")),
        "/x.toml: cannot be read: no such file or directory; name another with `--config PATH`"
    );
    assert_eq!(error(folder.path()), ": cannot be read: is a directory; name a file");
    let latin = folder.path().join("latin.toml");
    std::fs::write(&latin, b"# one\n# caf\xe9\n").unwrap();
    assert_eq!(error(&latin), "/latin.toml: line 2 is not UTF-8; save the file as UTF-8");
}

proptest::proptest! {
    #[test]
    fn no_damage_to_a_file_makes_the_check_panic(at in 0usize..12_000, len in 0usize..80, put in "[ -~\n]{0,12}|é|\\[\\[|\"") {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/cordon.toml");
        let mut text: Vec<char> = std::fs::read_to_string(&path).unwrap().chars().collect();
        let at = at.min(text.len());
        let end = (at + len).min(text.len());
        text.splice(at..end, put.chars());
        let text: String = text.into_iter().collect();
        if let Err(errors) = Config::from_text(&path, &text) {
            proptest::prop_assert!(!errors.errors.is_empty() && !errors.to_string().is_empty());
        }
    }
}
