//! The shelf on a real disk.

use std::fs;
use std::io::Write as _;

use super::*;
use crate::dns::Name;
use crate::dns::types::rtype;
use crate::list::{Hits, Role};
use crate::policy::Category;
use crate::verdict::CategoryId;

struct Bench {
    dir: tempfile::TempDir,
    lists: Vec<ListSource>,
    model: Model,
}

impl Bench {
    fn new(lists: &[(&str, u8, bool, &str)]) -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let mut bench = Bench { dir, lists: Vec::new(), model: Model::default() };
        for word in ["betting", "webmail"] {
            bench.model.categories.push(Category { name: word.into(), title: word.into(), clause: None });
        }
        for (file, category, except, content) in lists {
            let path = bench.dir.path().join(file);
            fs::write(&path, content).unwrap();
            bench.lists.push(ListSource {
                name: (*file).into(),
                category: CategoryId(*category),
                role: if *except { Role::ExceptCategory } else { Role::Lists },
                path,
                format: None,
                added: None,
                download: None,
            });
        }
        bench
    }

    fn shelf(&self) -> Shelf {
        Shelf::new(&self.dir.path().join("state"))
    }

    fn compile(&self) -> Shelved {
        self.shelf().compile(&self.lists, &self.model).unwrap()
    }

    fn files(&self, extension: &str) -> usize {
        let Ok(files) = fs::read_dir(self.shelf().dir()) else { return 0 };
        files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|e| e == extension)).count()
    }
}

fn categories(shelved: &Shelved, text: &str) -> Vec<u8> {
    let mut hits = Hits::new();
    shelved.matcher.look_up(&Name::parse(text).unwrap(), rtype::A, &mut hits);
    hits.iter().map(|hit| hit.category.0).collect()
}

fn two_lists() -> Bench {
    Bench::new(&[
        ("bets", 0, false, "bet.example\nwin.example\nBET.example\n192.0.2.1\nco.uk\n"),
        ("mail", 1, false, "127.0.0.1 localhost\n0.0.0.0 mail.example\n"),
        ("not-bets", 0, true, "help.bet.example\n"),
    ])
}

#[test]
fn lists_are_compiled_once_and_found_again() {
    let bench = two_lists();
    let first = bench.compile();
    assert!(!first.reused && first.file.as_ref().unwrap().is_file());
    let second = bench.compile();
    assert!(second.reused);
    assert_eq!(first.file, second.file);
    for shelved in [&first, &second] {
        assert_eq!(categories(shelved, "www.bet.example"), [0]);
        assert_eq!(categories(shelved, "help.bet.example"), Vec::<u8>::new());
        assert_eq!(categories(shelved, "mail.example"), [1]);
        let bets = &shelved.lists[0].yielded;
        assert_eq!((bets.lines, bets.entries, bets.duplicates, bets.refused_lines), (5, 2, 1, 2));
        assert_eq!(bets.flaws, [("address".into(), 1), ("public-suffix".into(), 1)]);
        assert_eq!((bets.examples[0].line, &*bets.examples[0].text), (4, "192.0.2.1"));
        assert_eq!(shelved.lists[1].yielded.format, Format::Hosts);
        assert_eq!(shelved.lists[1].yielded.furniture, 1);
        assert_eq!(shelved.lists[0].octets, 52);
        assert!(shelved.lists[0].modified > Moment(0));
    }
    assert_eq!(first.lists[0].yielded, second.lists[0].yielded);
    assert_eq!((bench.files("cordon"), bench.files("json"), bench.files("part")), (1, 1, 0));
}

#[test]
fn another_content_order_category_or_format_is_another_file() {
    let mut bench = two_lists();
    let mut seen = vec![bench.compile().fingerprint];
    fs::write(&bench.lists[0].path, "bet.example\n").unwrap();
    seen.push(bench.compile().fingerprint);
    bench.lists.swap(0, 1);
    seen.push(bench.compile().fingerprint);
    bench.lists[0].category = CategoryId(0);
    seen.push(bench.compile().fingerprint);
    bench.lists[0].role = Role::ExceptCategory;
    seen.push(bench.compile().fingerprint);
    bench.lists[1].format = Some(Format::Domains);
    seen.push(bench.compile().fingerprint);
    let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len());
    assert_eq!((bench.files("cordon"), bench.files("json")), (2, 2), "the one in use and the one before");
}

#[test]
fn a_file_removed_while_in_use_still_answers() {
    let bench = two_lists();
    let old = bench.compile();
    for n in 0..3 {
        fs::write(&bench.lists[0].path, format!("n{n}.example\n")).unwrap();
        bench.compile();
    }
    assert!(!old.file.as_ref().unwrap().exists());
    assert_eq!(categories(&old, "bet.example"), [0]);
}

#[test]
fn a_damaged_file_or_receipt_is_made_anew() {
    let bench = two_lists();
    let file = bench.compile().file.unwrap();
    for damaged in [&file, &file.with_extension("json")] {
        let mut bytes = fs::read(damaged).unwrap();
        let middle = bytes.len() / 2;
        bytes.truncate(middle);
        // Not in place: a mapping of the file may still be read.
        fs::remove_file(damaged).unwrap();
        fs::write(damaged, bytes).unwrap();
        let shelved = bench.compile();
        assert!(!shelved.reused, "{}", damaged.display());
        assert_eq!(categories(&shelved, "bet.example"), [0]);
        assert!(bench.compile().reused);
    }
}

#[test]
fn looking_touches_nothing() {
    let bench = two_lists();
    let shelved = bench.shelf().look(&bench.lists, &bench.model).unwrap();
    assert!(!shelved.reused && shelved.file.is_none());
    assert_eq!(categories(&shelved, "bet.example"), [0]);
    assert_eq!(shelved.lists[0].yielded.entries, 2);
    assert!(!bench.shelf().dir().exists());
    let kept = bench.compile();
    let again = bench.shelf().look(&bench.lists, &bench.model).unwrap();
    assert!(again.reused && again.fingerprint == kept.fingerprint);
}

#[test]
fn what_cannot_be_read_is_named_with_its_list() {
    let mut bench = two_lists();
    let there = std::mem::replace(&mut bench.lists[1].path, bench.dir.path().join("gone.txt"));
    let error = bench.shelf().compile(&bench.lists, &bench.model).unwrap_err().to_string();
    assert!(error.starts_with("list `mail`: ") && error.contains("gone.txt"), "{error}");
    bench.lists[1].path = bench.dir.path().to_owned();
    let error = bench.shelf().compile(&bench.lists, &bench.model).unwrap_err().to_string();
    assert!(error.contains("is not a file"), "{error}");
    let packed = bench.dir.path().join("mail.gz");
    fs::write(&packed, b"\x1f\x8b\x08\0rest").unwrap();
    bench.lists[1].path = packed;
    let error = bench.shelf().compile(&bench.lists, &bench.model).unwrap_err().to_string();
    assert!(error.starts_with("list `mail`: ") && error.contains("mail.gz"), "{error}");
    bench.lists[1].path = there;
    assert_eq!(bench.files("part"), 0, "what was begun is removed again");
    let blocked = Shelf::new(&bench.lists[0].path);
    let error = blocked.compile(&bench.lists, &bench.model).unwrap_err().to_string();
    assert!(error.contains("must be writable"), "{error}");
}

fn packed(text: &str) -> Vec<u8> {
    let mut packing = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packing.write_all(text.as_bytes()).unwrap();
    packing.finish().unwrap()
}

#[test]
fn a_packed_list_is_read_as_what_is_in_it() {
    let mut bench = two_lists();
    let plain = bench.compile();
    let path = bench.dir.path().join("bets.txt.gz");
    let two_members = [packed("bet.example\nwin.example\nBET.example\n"), packed("192.0.2.1\nco.uk\n")].concat();
    fs::write(&path, &two_members).unwrap();
    bench.lists[0].path = path;
    let shelved = bench.compile();
    assert_eq!(categories(&shelved, "win.example"), [0]);
    let (was, is) = (&plain.lists[0].yielded, &shelved.lists[0].yielded);
    assert_eq!((is.lines, is.entries, is.refused_lines), (was.lines, was.entries, was.refused_lines));
    assert_eq!(shelved.lists[0].octets, two_members.len() as u64);
    assert!(bench.compile().reused);
}

#[test]
fn a_folder_of_the_toulouse_lists_is_one_list() {
    let mut bench = two_lists();
    let folder = bench.dir.path().join("gambling");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("usage"), "black\n").unwrap();
    fs::write(folder.join("domains"), "bet.example\nwin.example").unwrap();
    bench.lists[0].path = folder.clone();
    let names_only = bench.compile();
    assert_eq!(names_only.lists[0].yielded.format, Format::Ut1);
    fs::write(folder.join("urls.gz"), packed("site.example/bets\nwhole.example/\n192.0.2.1\n")).unwrap();
    let shelved = bench.compile();
    assert_ne!(names_only.fingerprint, shelved.fingerprint);
    for (name, held) in [("x.win.example", true), ("whole.example", true), ("site.example", false)] {
        assert_eq!(!categories(&shelved, name).is_empty(), held, "{name}");
    }
    let yielded = &shelved.lists[0].yielded;
    assert_eq!((yielded.lines, yielded.entries, yielded.not_for_dns), (5, 3, 1));
    assert_eq!(yielded.examples[0].line, 5, "the lines of `urls` are counted on from those of `domains`");
    assert!(bench.compile().reused);
    // The same octets as a file of their own are another list: what is in them is found out.
    let folder_again = bench.dir.path().join("again");
    fs::create_dir(&folder_again).unwrap();
    fs::write(folder_again.join("domains"), "bet.example\n").unwrap();
    bench.lists[0].path = folder_again.clone();
    let as_folder = bench.compile();
    bench.lists[0].path = folder_again.join("domains");
    assert_ne!(bench.compile().fingerprint, as_folder.fingerprint);
}

#[test]
fn no_list_and_an_empty_list_are_ready_too() {
    let bench = Bench::new(&[]);
    assert_eq!(categories(&bench.compile(), "bet.example"), Vec::<u8>::new());
    let bench = Bench::new(&[("empty", 0, false, "")]);
    let shelved = bench.compile();
    assert_eq!((shelved.lists[0].yielded.entries, shelved.lists[0].yielded.lines), (0, 0));
    assert!(bench.compile().reused);
}

/// Puts the times of a file's content into the past, as for a file that has rested.
fn age(path: &Path) {
    let past = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(path).unwrap().set_modified(past).unwrap();
}

#[test]
fn a_file_that_rests_is_not_read_again_and_one_that_changed_is() {
    let bench = Bench::new(&[("a", 0, false, "bet.example\n")]);
    let path = bench.lists[0].path.clone();
    let seen_file = bench.shelf().dir().join("seen");
    // Written a moment ago: its hash is not noted, whatever its own times say, since those of the inode cannot be set.
    age(&path);
    bench.compile();
    assert!(!seen_file.exists());
    // Once it has rested it is. The wait is for the clock of the file system to go on.
    std::thread::sleep(std::time::Duration::from_millis(3_100));
    assert!(bench.compile().reused);
    let seen = fs::read_to_string(&seen_file).unwrap();
    // From now on the note is believed: one that tells another hash leads to another compiled file.
    let sha256 = &bench.compile().lists[0].yielded.sha256;
    assert!(seen.contains(sha256));
    fs::write(&seen_file, seen.replace(sha256.as_str(), &"0".repeat(64))).unwrap();
    assert!(!bench.compile().reused);
    // A change of the content, its length and times of content kept, is seen by the time of the inode.
    fs::write(&path, "win.example\n").unwrap();
    age(&path);
    let changed = bench.compile();
    assert!(!changed.reused);
    assert_eq!((categories(&changed, "win.example"), categories(&changed, "bet.example")), (vec![0], vec![]));
}

#[test]
fn what_is_compiled_beside_a_file_in_force_is_keyed_as_that_is() {
    let bench = two_lists();
    let first = bench.compile();
    fs::write(&bench.lists[0].path, "bet.example\nnew.example\n").unwrap();
    let second = bench.shelf().beside(&first.matcher).compile(&bench.lists, &bench.model).unwrap();
    assert!(!second.reused);
    assert_eq!(second.matcher.keyed(), first.matcher.keyed());
    assert_eq!(categories(&second, "new.example"), [0]);
    let again = bench.shelf().beside(&second.matcher).compile(&bench.lists, &bench.model).unwrap();
    assert!(again.reused && Arc::ptr_eq(&again.matcher, &second.matcher), "what is in force is not loaded twice");
    fs::write(&bench.lists[0].path, "bet.example\nnewer.example\n").unwrap();
    assert_ne!(bench.compile().matcher.keyed(), first.matcher.keyed(), "another process draws its own");
}

#[test]
fn a_large_list_is_read_from_a_copy_and_comes_to_what_it_does_in_memory() {
    let lines: String = (0..600_000).map(|n| format!("name{n}.example\n")).collect();
    assert!(lines.len() > 8 << 20, "large enough to be copied");
    let bench = Bench::new(&[("large", 0, false, &lines)]);
    let held = bench.shelf().look(&bench.lists, &bench.model).unwrap();
    let copied = bench.compile();
    assert_eq!(copied.lists[0].yielded, held.lists[0].yielded);
    assert_eq!((copied.lists[0].yielded.lines, copied.matcher.names()), (600_000, 600_000));
    assert_eq!(copied.fingerprint, held.fingerprint);
    assert_eq!(categories(&copied, "www.name599999.example"), [0]);
    assert_eq!(bench.files("part"), 0, "the copy has no name");
}
