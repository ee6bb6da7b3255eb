//! The seeds of `fuzz/` are run as they are: what once was found, and what each target begins with, stays true without a fuzzer.

use std::path::Path;

#[path = "../fuzz/src/lib.rs"]
mod targets;

/// What a target does with octets.
type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 5] = [
    ("packet", targets::packet),
    ("control", targets::control),
    ("list", targets::list),
    ("upstream", targets::upstream),
    ("frame", targets::frame),
];

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz"))
}

#[test]
fn every_seed_of_the_fuzz_targets_holds() {
    for (name, target) in TARGETS {
        let seeds = std::fs::read_dir(folder().join("seeds").join(name)).unwrap();
        let mut count = 0;
        for seed in seeds.map(|entry| entry.unwrap().path()) {
            let octets = std::fs::read(&seed).unwrap();
            // Cut anywhere, and with any octet another, it must hold as well.
            for end in 0..=octets.len() {
                target(&octets[..end]);
            }
            for at in 0..octets.len() {
                let mut other = octets.clone();
                other[at] ^= 0x81;
                target(&other);
            }
            count += 1;
        }
        assert!(count >= 3, "{name} has {count} seeds");
    }
}

#[test]
fn every_fuzz_target_is_built_and_has_its_seeds_run() {
    let manifest = std::fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    let mut files: Vec<String> = std::fs::read_dir(folder().join("fuzz_targets"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort();
    let mut run: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    run.sort_unstable();
    assert_eq!(files, run);
    for name in files {
        assert!(manifest.contains(&format!("[[bin]]\nname = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"")), "{name}");
    }
}

#[test]
fn a_seed_of_each_kind_means_what_it_should() {
    let seed = |path: &str| std::fs::read(folder().join("seeds").join(path)).unwrap();
    assert!(cordon::store::reads_as_row(&seed("frame/row")), "a frame that a server wrote is a row");
    assert!(!cordon::store::reads_as_row(&seed("frame/empty")));
}
