//! The floor plan holds: no module reaches up a floor, no outside crate is used but behind its door. The floors are read from the table
//! in `src/lib.rs`, so that the plan people read is the one that is kept.

mod paths;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use paths::{Used, read};

/// An outside crate (or a part of the standard library) and the modules it may be used in, each with the reason.
struct Door {
    outside: &'static [&'static str],
    within: &'static [(&'static str, &'static str)],
}

/// The doors. A module stands for all below it. What is compiled for tests only may go through any door.
const DOORS: &[Door] = &[
    Door {
        outside: &["hickory_proto"],
        within: &[
            ("dns::convert", "the bridge from its messages to ours"),
            ("upstream", "questions to upstreams are its messages"),
            ("local", "answers of local zones are its messages"),
        ],
    },
    Door { outside: &["hickory_resolver", "hickory_net"], within: &[("upstream", "connections to upstreams")] },
    // Its UDP and TCP loops are unbounded and its zones answer wrongly in places: doors and local zones are our own.
    Door { outside: &["hickory_server"], within: &[] },
    Door {
        outside: &["arrow", "parquet"],
        within: &[
            ("record::columns", "the schema of a row is an Arrow schema"),
            ("store", "rows become batches, batches become parts"),
            ("query", "reads batches and parts"),
            ("cli::log", "prints and exports what a question gave"),
        ],
    },
    Door { outside: &["axum", "hyper", "hyper_util"], within: &[("web", "HTTP")] },
    Door {
        outside: &["ureq", "httpdate"],
        within: &[("collect::lists::fetch", "the one client of HTTP: what its errors and dates mean is said there")],
    },
    Door {
        outside: &["flate2", "zstd", "tar"],
        within: &[
            ("collect::lists::unpack", "what comes from outside is unpacked in one place, within a bound"),
            ("shelf::source", "a list that an admin put there as it came, packed"),
            ("store::part::chunk", "pages of a part are compressed"),
        ],
    },
    Door { outside: &["prometheus"], within: &[("metrics", "the exposition format")] },
    Door {
        outside: &["clap", "clap_complete", "anstream", "indicatif"],
        within: &[("cli", "speaks to a person"), ("main", "runs it")],
    },
    Door {
        outside: &["libc"],
        within: &[
            ("serve::udp", "recvmmsg and sendmmsg: one module reads and writes control messages"),
            ("upstream::exchange::poll", "waiting for many sockets at once, and recvmmsg"),
            ("serve::bind", "socket options the standard library does not have"),
            ("serve::counters", "what the kernel dropped is asked of the socket"),
            ("metrics::process", "the system's page size and ticks, to read /proc"),
            ("app::limits", "how many files may be open"),
            ("behind", "a low priority, and memory that goes back to the system"),
            ("load::calls", "measuring: many packets a call, cores, a signal to a child"),
            ("store", "space reserved beforehand, free space"),
        ],
    },
    Door { outside: &["notify"], within: &[("app::watch", "tells that a folder changed")] },
    Door {
        outside: &["uzers"],
        within: &[("query::audit", "who runs the process that looks at the log, or changes something")],
    },
];

/// What floors 0 and 1 do without: they are values in, values out.
const NOT_BELOW_FLOOR_2: &[(&[&str], &str)] = &[
    (&["tokio"], "no async"),
    (&["std", "fs"], "no I/O"),
    (&["std", "env"], "no I/O"),
    (&["std", "process"], "no I/O"),
    (&["std", "thread"], "no threads"),
    (&["std", "time", "Instant"], "no clock: take a Moment"),
    (&["std", "time", "SystemTime"], "no clock: take a Moment"),
    (&["std", "net", "UdpSocket"], "no I/O"),
    (&["std", "net", "TcpStream"], "no I/O"),
    (&["std", "net", "TcpListener"], "no I/O"),
    (&["tracing"], "no log line (Q5)"),
];

/// Arrows that are against the plan, with what speaks for each. One that is no longer there has to go from here too.
const AGAINST_THE_PLAN: &[(&str, &str, &str)] = &[];

/// Files over 500 lines, with what speaks for each. One that has become shorter has to go from here too.
const LONG_FILES: &[(&str, &str)] = &[];

const MOST_LINES: usize = 500;

#[derive(Debug, Default)]
struct Plan {
    floors: BTreeMap<String, u8>,
    arrows: BTreeSet<(String, String)>,
}

impl Plan {
    /// Reads the table and the arrows out of the documentation of `lib.rs`.
    fn read(lib: &str) -> Plan {
        let mut plan = Plan::default();
        let docs: Vec<&str> = lib.lines().filter_map(|line| line.strip_prefix("//!")).collect();
        for row in docs.iter().filter(|line| line.starts_with(" |")) {
            let mut cells = row.split('|').map(str::trim).skip(1);
            let (Some(floor), Some(modules)) = (cells.next().and_then(|cell| cell.parse().ok()), cells.next()) else {
                continue;
            };
            plan.floors.extend(modules.split('`').skip(1).step_by(2).map(|module| (module.to_owned(), floor)));
        }
        let docs = docs.join(" ");
        for arrow in docs.split('`').skip(1).step_by(2) {
            let Some((from, to)) = arrow.split_once(" -> ") else { continue };
            plan.arrows.extend(from.split('|').map(|from| (from.trim().to_owned(), to.trim().to_owned())));
        }
        if docs.contains("from every keeper to `config`") {
            let keepers = plan.floors.iter().filter(|(module, floor)| **floor == 2 && *module != "config");
            plan.arrows.extend(keepers.map(|(module, _)| (module.clone(), "config".to_owned())));
        }
        plan
    }

    /// What is wrong with a module of one name using another; nothing: it may.
    fn against(&self, from: &str, to: &str) -> Option<String> {
        if from == to || AGAINST_THE_PLAN.iter().any(|(a, b, _)| (*a, *b) == (from, to)) {
            return None;
        }
        let Some(there) = self.floors.get(to) else {
            return Some(format!("`{to}` is not in the floor plan of src/lib.rs"));
        };
        // The program itself stands above the house.
        let here = if from == "main" { 6 } else { *self.floors.get(from)? };
        if there < &here || (*there == here && self.arrows.contains(&(from.to_owned(), to.to_owned()))) {
            return None;
        }
        Some(format!("`{from}` is on floor {here} and may not use `{to}` on floor {there}"))
    }
}

/// One file of `src/`.
struct File {
    path: PathBuf,
    shown: String,
    module: Vec<String>,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of Rust under `folder`, in order.
fn files(folder: &str) -> Vec<File> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let shown = path.strip_prefix(root()).unwrap().display().to_string();
                let module = shown.trim_end_matches(".rs").split('/').skip(1).map(str::to_owned);
                let module = module.filter(|part| part != "lib").collect();
                let text = std::fs::read_to_string(&path).unwrap();
                files.push(File { path, shown, module, text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// Every path every file of `src/` uses, with the file; what only tests compile is marked.
fn all_used() -> Vec<(File, Vec<Used>)> {
    let mut all = Vec::new();
    let mut test_modules: Vec<Vec<String>> = Vec::new();
    for file in files("src") {
        let module: Vec<&str> = file.module.iter().map(String::as_str).collect();
        let reading = read(&file.text, &module);
        let children = reading.test_modules.into_iter();
        test_modules.extend(children.map(|child| file.module.iter().cloned().chain([child]).collect()));
        all.push((file, reading.used));
    }
    for (file, used) in &mut all {
        if test_modules.iter().any(|test| file.module.starts_with(test)) {
            used.iter_mut().for_each(|used| used.in_test = true);
        }
    }
    assert!(all.len() > 50, "only {} files were found", all.len());
    all
}

fn none_wrong(wrong: &[String], rule: &str) {
    assert!(wrong.is_empty(), "{rule}\n  {}", wrong.join("\n  "));
}

#[test]
fn no_module_reaches_up_a_floor() {
    let plan = Plan::read(&std::fs::read_to_string(root().join("src/lib.rs")).unwrap());
    assert!(plan.floors.len() > 15 && plan.arrows.len() > 10, "the plan was not read: {plan:?}");
    let (mut wrong, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for (file, used) in all_used() {
        let Some(from) = file.module.first() else { continue };
        for used in used.iter().filter(|used| used.path.first().is_some_and(|first| first == "crate")) {
            let Some(to) = used.path.get(1).filter(|to| *to != "*") else { continue };
            seen.insert((from.clone(), to.clone()));
            wrong.extend(plan.against(from, to).map(|why| format!("{}:{}: {why}", file.shown, used.line)));
        }
    }
    for (from, to, _) in AGAINST_THE_PLAN {
        if !seen.contains(&((*from).to_owned(), (*to).to_owned())) {
            wrong.insert(format!("`{from} -> {to}` is in AGAINST_THE_PLAN and no longer there: take it out"));
        }
    }
    none_wrong(
        &wrong.into_iter().collect::<Vec<_>>(),
        "A module may use lower floors and its own children (src/lib.rs):",
    );
}

#[test]
fn every_module_stands_on_a_floor() {
    let lib = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let plan = Plan::read(&lib);
    let modules = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let modules: BTreeSet<String> = modules.map(str::to_owned).collect();
    let planned: BTreeSet<String> = plan.floors.keys().cloned().collect();
    assert_eq!(modules, planned, "left: what src/lib.rs declares; right: what its floor plan names");
}

#[test]
fn outside_crates_stay_behind_their_doors() {
    let mut wrong = Vec::new();
    for (file, used) in all_used() {
        for used in used.iter().filter(|used| !used.in_test) {
            wrong.extend(
                behind_the_door(&file.module, &used.path).map(|why| format!("{}:{}: {why}", file.shown, used.line)),
            );
        }
    }
    none_wrong(&wrong, "An outside crate is used in few places, so that it can be replaced there:");
}

/// What is wrong with a module using a path of an outside crate; nothing: it may.
fn behind_the_door(module: &[String], path: &[String]) -> Option<String> {
    let outside = path.first()?;
    let door = DOORS.iter().find(|door| door.outside.contains(&outside.as_str()))?;
    let module = module.join("::");
    let is_within =
        |within: &str| module.strip_prefix(within).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    if door.within.iter().any(|(within, _)| is_within(within)) {
        return None;
    }
    let within: Vec<String> = door.within.iter().map(|(within, why)| format!("{within} ({why})")).collect();
    let within = if within.is_empty() { "no module of ours".to_owned() } else { within.join(", ") };
    Some(format!("`{outside}` belongs in {within}"))
}

#[test]
fn floors_0_and_1_touch_nothing() {
    let plan = Plan::read(&std::fs::read_to_string(root().join("src/lib.rs")).unwrap());
    let mut wrong = Vec::new();
    for (file, used) in all_used() {
        let low = file.module.first().and_then(|module| plan.floors.get(module)).is_some_and(|floor| *floor < 2);
        // moment.rs is where the clock is.
        if !low || file.module == ["moment"] {
            continue;
        }
        for used in used.iter().filter(|used| !used.in_test) {
            let path: Vec<&str> = used.path.iter().map(String::as_str).collect();
            let ban = NOT_BELOW_FLOOR_2.iter().find(|(ban, _)| path.starts_with(ban));
            wrong.extend(ban.map(|(ban, why)| format!("{}:{}: {}: {why}", file.shown, used.line, ban.join("::"))));
        }
    }
    none_wrong(&wrong, "Floors 0 and 1 are values in, values out:");
}

#[test]
fn every_file_can_be_held_by_a_reader() {
    let mut wrong = Vec::new();
    let marks = [["TO", "DO"].concat(), ["FIX", "ME"].concat()];
    for file in files("src").into_iter().chain(files("tests")) {
        let lines = file.text.lines().count();
        let excused = LONG_FILES.iter().any(|(path, _)| *path == file.shown);
        match (lines > MOST_LINES, excused) {
            (true, false) => wrong.push(format!("{}: {lines} lines; at most {MOST_LINES}", file.shown)),
            (false, true) => wrong.push(format!("{}: {lines} lines: take it out of LONG_FILES", file.shown)),
            _ => {}
        }
        if !file.text.starts_with("//!") {
            wrong.push(format!("{}: does not begin by saying what it is (`//!`)", file.shown));
        }
        for (line, text) in file.text.lines().enumerate() {
            if marks.iter().any(|mark| text.contains(mark)) {
                wrong.push(format!("{}:{}: what is to be done is an issue, not a mark", file.shown, line + 1));
            }
        }
    }
    none_wrong(&wrong, "Files a reader can hold:");
}

mod the_reader_itself {
    use super::*;

    fn paths(source: &str, module: &[&str]) -> Vec<String> {
        let used = read(source, module).used;
        used.iter()
            .map(|used| format!("{}{}", used.path.join("::"), if used.in_test { " (test)" } else { "" }))
            .collect()
    }

    #[test]
    fn finds_uses_with_braces_renames_and_stars() {
        let source = "use crate::a::{self, b::{C, D as E}, f as g};\npub use std::fs;\nuse hickory_proto as dns;\nuse ::libc::iovec;\nuse crate::x::*;";
        let found = [
            "crate::a::self",
            "crate::a::b::C",
            "crate::a::b::D",
            "crate::a::f",
            "std::fs",
            "hickory_proto",
            "libc::iovec",
            "crate::x",
        ];
        assert_eq!(paths(source, &["m"]), found);
    }

    #[test]
    fn finds_paths_in_the_middle_of_code() {
        let source = "fn f(x: &crate::a::B) -> tokio::io::Result<()> { if y { std::fs::read(crate::c::D::<u8>::e(x))?; } x.await }";
        assert_eq!(paths(source, &["m"]), ["crate::a::B", "tokio::io::Result", "std::fs::read", "crate::c::D",]);
    }

    #[test]
    fn walks_self_and_super_from_where_they_stand() {
        assert_eq!(paths("use super::c::D; use self::e::F;", &["a", "b"]), ["crate::a::c::D", "crate::a::b::e::F"]);
        assert_eq!(
            paths("mod inner { use super::super::c; } use super::d;", &["a", "b"]),
            ["crate::a::c", "crate::a::d"]
        );
        assert_eq!(paths("use super::engine::Engine;", &["web"]), ["crate::engine::Engine"]);
        assert_eq!(paths("use cordon::cli::Cli;", &["main"]), ["crate::cli::Cli"]);
    }

    #[test]
    fn passes_over_comments_texts_and_characters() {
        let source = r##"
            //! crate::no
            /* use crate::no; /* crate::no */ */
            const A: &str = "use crate::no; \" crate::no";
            const B: &str = r#"crate::no " "#;
            const C: (char, u8) = ('"', b'\'');
            fn f<'a>(x: &'a str) -> crate::yes::X<'a> {}
        "##;
        assert_eq!(paths(source, &["m"]), ["crate::yes::X"]);
    }

    #[test]
    fn knows_what_only_tests_compile() {
        let source = "use a::b; #[cfg(test)] mod tests { use crate::t::T; fn f() {} } use crate::c::C;
            #[cfg(test)] use crate::d::D; use crate::e::E; #[cfg(test)] mod beside; #[cfg(not(test))] use crate::f::F; mod real;";
        let found = ["a::b", "crate::t::T (test)", "crate::c::C", "crate::d::D (test)", "crate::e::E", "crate::f::F"];
        assert_eq!(paths(source, &["m"]), found);
        assert_eq!(read(source, &["m"]).test_modules, ["beside"]);
    }

    #[test]
    fn a_broken_floor_is_told() {
        let lib = "//! | 0 | [`dns`] | words |\n//! | 1 | [`list`], [`policy`] | pure |\n//! | 2 | [`config`], [`cache`] | keepers |\n\
                   //! Arrows: `policy -> list`, and from every keeper to `config`, of which\n";
        let plan = Plan::read(lib);
        assert_eq!(plan.against("policy", "dns"), None);
        assert_eq!(plan.against("policy", "list"), None);
        assert_eq!(plan.against("cache", "config"), None);
        assert!(plan.against("list", "policy").unwrap().contains("floor 1"));
        assert!(plan.against("config", "cache").unwrap().contains("floor 2"));
        assert!(plan.against("dns", "config").unwrap().contains("floor 2"));
        assert!(plan.against("dns", "nowhere").unwrap().contains("not in the floor plan"));
    }

    #[test]
    fn a_crate_outside_its_door_is_told() {
        let module = |path: &str| path.split("::").map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(behind_the_door(&module("dns::convert"), &module("hickory_proto::rr")), None);
        assert_eq!(behind_the_door(&module("upstream::pool"), &module("hickory_proto::rr")), None);
        assert_eq!(behind_the_door(&module("engine::fast"), &module("std::sync")), None);
        for (from, path) in [("dns::converted", "hickory_proto"), ("engine", "axum::Router"), ("policy", "libc::c_int")]
        {
            assert!(behind_the_door(&module(from), &module(path)).is_some(), "{from} {path}");
        }
    }
}
