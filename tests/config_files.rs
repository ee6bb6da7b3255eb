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

/// The whole configuration as it was agreed, kept under `tests/contract`.
fn agreed() -> (PathBuf, String) {
    let path = root().join("tests/contract/config/cordon.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    (path, text)
}

#[test]
fn the_configuration_as_agreed_is_refused_only_for_what_is_not_supported_yet() {
    let (path, text) = agreed();
    let errors = Config::from_text(&path, &text).unwrap_err().errors;
    let keys: Vec<&str> = errors.iter().map(|error| error.key.as_str()).collect();
    assert_eq!(keys, ["tls", "attribution.lease_file", "attribution.radius"], "{errors:?}");
    assert!(errors.iter().all(|error| error.problem == "is not supported by this version yet"), "{errors:?}");
}

#[test]
fn the_configuration_as_agreed_loads_without_what_is_not_supported_yet() {
    let (path, text) = agreed();
    let mut skipped = false;
    let kept = text.lines().filter(|line| {
        if line.starts_with('[') {
            skipped = ["[tls]", "[[attribution.lease_file]]", "[attribution.radius]"].contains(line);
        }
        !skipped
    });
    let text = kept.collect::<Vec<_>>().join("\n");
    let config = Config::from_text(&path, &text).unwrap_or_else(|errors| panic!("{errors}"));
    let names: Vec<&str> = config.lists.iter().map(|list| &*list.name).take(3).collect();
    assert_eq!(names, ["webmail/webmail.txt", "webmail/lists.example/webmail.txt", "webmail/webmail-except.txt"]);
    assert_eq!((config.local_zones.len(), config.forward_zones.len(), config.statics.len()), (1, 1, 1));
}

#[test]
fn a_list_that_is_fetched_is_told_by_its_host_where_a_file_has_its_name_in_whatever_order() {
    let (path, _) = agreed();
    let text = |lists: &str| {
        format!(
            "[[category]]\nname = \"webmail\"\nlists = [{lists}]\n[policy.p]\n[[network_zone]]\nname = \"n\"\n\
             clients = [\"10.0.0.0/8\"]\npolicy = \"p\"\n"
        )
    };
    let names = |lists: &str| -> Vec<String> {
        let config = Config::from_text(&path, &text(lists)).unwrap_or_else(|errors| panic!("{errors}"));
        config.lists.iter().map(|list| list.name.to_string()).collect()
    };
    let file = "{ path = \"../blocklists/webmail.txt\" }";
    let [one, two] =
        ["One.example:8443", "two.example"].map(|host| format!("{{ url = \"https://{host}/webmail.txt\" }}"));
    assert_eq!(names(&one), ["webmail/webmail.txt"], "alone it needs no host");
    assert_eq!(names(&format!("{one}, {file}")), ["webmail/one.example:8443/webmail.txt", "webmail/webmail.txt"]);
    assert_eq!(names(&format!("{one}, {two}")), ["webmail/webmail.txt", "webmail/two.example/webmail.txt"]);
}
