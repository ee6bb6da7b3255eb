//! The text of each configuration error is kept beside a file that has it: `tests/golden/config-errors/<kind>.toml` and `<kind>.txt`.
//! `UPDATE_GOLDEN=1 cargo test --test main` writes the texts anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cordon::config::Config;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/config-errors")
}

fn kinds(ending: &str) -> BTreeSet<String> {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let wanted = files.filter(|path| path.extension().is_some_and(|e| e == ending));
    wanted.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn every_kind_of_error_says_where_what_and_what_to_do() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let here = format!("{}/", folder().display());
    let mut different = Vec::new();
    for kind in kinds("toml") {
        let path = folder().join(format!("{kind}.toml"));
        let errors = Config::load(&path).expect_err(&kind);
        for error in &errors.errors {
            assert!(error.place.is_some(), "{kind}: no place: {error}");
            assert!(error.advice.as_ref().is_some_and(|advice| !advice.is_empty()), "{kind}: no advice: {error}");
        }
        let text = format!("{errors}\n").replace(&here, "");
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
    let (files, texts) = (kinds("toml"), kinds("txt"));
    let orphans: Vec<_> = texts.difference(&files).collect();
    assert!(orphans.is_empty(), "texts without a file: {orphans:?}");
    assert!(files.len() >= 30, "only {} kinds", files.len());
}
