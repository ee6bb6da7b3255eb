//! The configuration files that are shipped, and their schema.

use std::path::{Path, PathBuf};

use cordon::config::Config;
use cordon::config::file::schema::schema_text;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every shipped configuration, relative to the root.
fn shipped() -> Vec<PathBuf> {
    let folders = ["config", "config/examples"];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(root().join(folder)).unwrap());
    let paths = files.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "toml"));
    paths.map(|path| path.strip_prefix(root()).unwrap().to_owned()).collect()
}

#[test]
fn every_shipped_configuration_is_sound() {
    // In a folder of their own with a list for every category, so that this says nothing of the lists that are shipped.
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("blocklists")).unwrap();
    let shipped = shipped();
    assert!(shipped.len() >= 3, "only {shipped:?}");
    for path in shipped {
        let text = std::fs::read_to_string(root().join(&path)).unwrap();
        for list in text.split('"').filter_map(|part| part.rsplit_once("blocklists/")) {
            std::fs::write(folder.path().join("blocklists").join(list.1), "example.test\n").unwrap();
        }
        let copy = folder.path().join(&path);
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        std::fs::write(&copy, text).unwrap();
        let config = Config::load(&copy).unwrap_or_else(|errors| panic!("{errors}"));
        let folders_made: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(folders_made.len(), 2, "a check made something: {folders_made:?}");
        for list in &config.lists {
            assert!(list.path.starts_with(folder.path().join("blocklists")), "{}", list.path.display());
        }
    }
}

#[test]
fn the_kept_schema_is_that_of_the_types() {
    let path = root().join("config/schema.json");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, schema_text()).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(kept == schema_text(), "config/schema.json is not what `cordon schema` prints: run with UPDATE_GOLDEN=1");
}
