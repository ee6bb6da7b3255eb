//! Real lists and names of the field, kept outside the repository in `../shared/data` (its README says where they come from).

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder; without it these tests mean nothing.
pub fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let hint = "lay the folder `shared` with its `data` beside the repository";
    assert!(folder.join("FILES.tsv").is_file(), "this test needs the lists in {}: {hint}", folder.display());
    folder
}

/// A file of the folder, unpacked.
pub fn read(file: &str) -> Vec<u8> {
    let path = folder().join(file);
    if path.extension().is_none_or(|extension| extension != "gz") {
        return std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let output = Command::new("gzip").arg("-dc").arg(&path).output().expect("gzip is needed for this test");
    assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// One list of the table `FILES.tsv`.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its path in the folder.
    pub file: String,
    /// What it lists.
    pub category: String,
    /// In which form.
    pub format: String,
}

/// Every row of the table.
pub fn table() -> Vec<Listed> {
    let table = String::from_utf8(read("FILES.tsv")).unwrap();
    let rows = table.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    let listed = rows.filter_map(|row| match row[..] {
        [file, category, format, ..] => {
            Some(Listed { file: file.into(), category: category.into(), format: format.into() })
        }
        _ => None,
    });
    listed.collect()
}

/// Every list of plain names and of hosts lines, but those that are meant to be let through and those that are there in both forms.
pub fn lists() -> Vec<Listed> {
    let all: Vec<Listed> = table()
        .into_iter()
        .filter(|list| list.file.starts_with("lists/") && ["domains", "hosts"].contains(&list.format.as_str()))
        .filter(|list| list.category != "allow")
        .collect();
    let twice = |list: &Listed| {
        list.format == "hosts" && all.iter().any(|other| other.file == list.file.replace("hosts", "domains"))
    };
    all.iter().filter(|list| !twice(list)).cloned().collect()
}
