//! What is packed for Debian and for containers is there, and fits together.

use std::collections::BTreeSet;
use std::path::Path;

use cordon::config::Config;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What the package has: where it comes from and where it is put, a file each.
fn packed() -> Vec<(String, String)> {
    let mut packed = Vec::new();
    for asset in deb()["assets"].as_array().unwrap() {
        let [from, to, mode] = [0, 1, 2].map(|n| asset[n].as_str().unwrap().to_owned());
        assert!(["644", "755"].contains(&&*mode) && to.ends_with('/'), "{asset}");
        let (folder, last) = from.rsplit_once('/').unwrap_or((".", &from));
        let Some((begins, ends)) = last.split_once('*') else {
            packed.push((from.clone(), format!("/{to}{last}")));
            continue;
        };
        let before = packed.len();
        for entry in std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap()) {
            let name = entry.file_name().into_string().unwrap();
            if name.starts_with(begins) && name.ends_with(ends) && entry.path().is_file() {
                packed.push((format!("{folder}/{name}"), format!("/{to}{name}")));
            }
        }
        assert!(packed.len() > before, "nothing is {from}");
    }
    packed
}

fn deb() -> toml::Value {
    let manifest: toml::Value = toml::from_str(&std::fs::read_to_string(root().join("Cargo.toml")).unwrap()).unwrap();
    manifest["package"]["metadata"]["deb"].clone()
}

#[test]
fn everything_that_is_packed_is_there() {
    for (from, _) in packed().iter().filter(|(from, _)| from != "target/release/cordon") {
        assert!(root().join(from).is_file(), "{from}");
    }
    let deb = deb();
    assert!(root().join(deb["license-file"][0].as_str().unwrap()).is_file());
    for script in ["postinst", "prerm", "postrm"] {
        let path = root().join(deb["maintainer-scripts"].as_str().unwrap()).join(script);
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("#!/bin/sh\n"), "{}", path.display());
    }
}

#[test]
fn what_an_admin_edits_is_kept_at_an_upgrade_and_nothing_else_lies_in_etc() {
    let packed = packed();
    let in_etc: BTreeSet<&str> =
        packed.iter().map(|(_, to)| to.as_str()).filter(|to| to.starts_with("/etc/")).collect();
    let deb = deb();
    let kept: BTreeSet<&str> =
        deb["conf-files"].as_array().unwrap().iter().map(|path| path.as_str().unwrap()).collect();
    assert_eq!(in_etc, kept);
}

#[test]
fn the_units_find_what_they_name() {
    let packed = packed();
    let is_packed = |path: &str| packed.iter().any(|(_, to)| to == path);
    let mut named = 0;
    for (from, _) in packed.iter().filter(|(_, to)| to.starts_with("/usr/lib/systemd/system/")) {
        let unit = std::fs::read_to_string(root().join(from)).unwrap();
        for line in unit.lines() {
            let of_cordon = |word: &&str| word.starts_with("/usr/bin/cordon") || word.starts_with("/etc/cordon");
            let words = line.split([' ', '=']).filter(of_cordon);
            for path in words.chain(line.strip_prefix("Documentation=file://")) {
                assert!(line.starts_with('#') || is_packed(path), "{from}: {path}");
                named += 1;
            }
        }
    }
    assert!(named >= 6, "only {named} paths");
}

#[test]
fn the_packed_configuration_is_the_shipped_one_in_its_place() {
    let shipped = std::fs::read_to_string(root().join("config/cordon.toml")).unwrap();
    let moved = shipped.replace("\"../data\"", "\"/var/lib/cordon\"").replace("../blocklists/", "blocklists/");
    let path = root().join("packaging/debian/cordon.toml");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &moved).unwrap();
    }
    assert!(std::fs::read_to_string(&path).unwrap() == moved, "run with UPDATE_GOLDEN=1");
    let config = Config::from_text(&root().join("cordon.toml"), &moved).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(config.node.data_dir, Path::new("/var/lib/cordon"));
    assert!(config.lists.iter().all(|list| list.path.starts_with(root().join("blocklists"))));
}

#[test]
fn the_container_file_copies_what_is_there_and_what_it_builds() {
    let text = std::fs::read_to_string(root().join("packaging/Containerfile")).unwrap();
    let mut copied = 0;
    for line in text.lines().filter_map(|line| line.strip_prefix("COPY ")) {
        let words: Vec<&str> = line.split(' ').collect();
        let (_, from) = words.split_last().unwrap();
        if let Some(built) = from.iter().find(|word| word.starts_with("/build/")) {
            assert_eq!((from[0], *built), ("--from=build", "/build/target/release/cordon"));
            continue;
        }
        for path in from {
            assert!(root().join(path).exists(), "{path}");
            copied += 1;
        }
    }
    assert!(copied >= 8, "only {copied} are copied");
    let manifest: toml::Value = toml::from_str(&std::fs::read_to_string(root().join("Cargo.toml")).unwrap()).unwrap();
    let rust = manifest["package"]["rust-version"].as_str().unwrap();
    assert!(text.contains(&format!("/rust:{rust}-")), "it is built with {rust}");
}
