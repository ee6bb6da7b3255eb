//! Lists that are fetched: a real server does all that goes wrong, the real binary fetches from it, and the last good content stays.

mod packed;
mod served;
mod trust;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::cordon::Cordon;
use crate::support::http::{Answer, Http};

/// The name of the one list.
const LIST: &str = "bets";

/// A server of lists and a Cordon that is to fetch one of them; nothing runs yet.
struct Desk {
    http: Http,
    cordon: Cordon,
    _dir: TempDir,
}

impl Desk {
    fn new() -> Desk {
        let http = Http::start();
        let url = http.url("/list");
        Desk::of(http, &url)
    }

    fn of(http: Http, url: &str) -> Desk {
        Desk::with(http, &config(&[(LIST, url)]))
    }

    fn with(http: Http, config: &str) -> Desk {
        let dir = tempfile::tempdir().unwrap();
        let cordon = Cordon::prepare(dir.path(), config, &[]).unwrap();
        Desk { http, cordon, _dir: dir }
    }

    /// Fetches; gives the exit code and the object of the list.
    fn update(&self, options: &[&str]) -> (Option<i32>, Value) {
        let output = self.run(&[&["--json", "lists", "update"], options].concat(), &[]);
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        let line = text.lines().next().unwrap_or_else(|| panic!("nothing was said: {errors}"));
        (output.status.code(), serde_json::from_str(line).unwrap())
    }

    fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let mut command = self.command(arguments);
        command.envs(environment.iter().copied()).output().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cordon"));
        command.arg("--config").arg(self.cordon.config()).args(arguments).current_dir(&self.cordon.dir);
        for proxy in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env_remove(proxy);
        }
        command
    }

    /// What `lists status` says of the list.
    fn status(&self) -> Value {
        self.cordon.json(&["lists", "status"]).remove(0)
    }

    /// The folder of a download.
    fn folder_of(&self, list: &str) -> PathBuf {
        let folders = std::fs::read_dir(self.cordon.dir.join("data/downloads")).unwrap();
        let mut folders = folders.map(|entry| entry.unwrap().path());
        let is_its = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(&format!("{list}-"));
        folders.find(is_its).unwrap()
    }

    fn folder(&self) -> PathBuf {
        self.folder_of(LIST)
    }

    /// The content in force, and what tells whether it was written anew.
    fn content_of(&self, list: &str) -> (Vec<u8>, std::time::SystemTime, u64) {
        use std::os::unix::fs::MetadataExt as _;
        let path = self.folder_of(list).join("content");
        let what = std::fs::metadata(&path).unwrap();
        (std::fs::read(&path).unwrap(), what.modified().unwrap(), what.ino())
    }

    fn content(&self) -> (Vec<u8>, std::time::SystemTime, u64) {
        self.content_of(LIST)
    }

    /// As after a time in which nothing ran: the list is overdue.
    fn make_overdue(&self, list: &str) {
        let path = self.folder_of(list).join("state.json");
        let mut state: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        state["next_try"] = "2026-01-01T00:00:00Z".into();
        std::fs::write(path, state.to_string()).unwrap();
    }
}

/// A configuration that fetches these lists, names and addresses.
fn config(lists: &[(&str, &str)]) -> String {
    let list = |(name, url): &(&str, &str)| {
        format!(
            "{{ url = \"{url}\", name = \"{name}\", format = \"domains\", refresh = \"1m\", min_entries = 3, \
             max_size = \"64KiB\", timeout = \"2s\" }}"
        )
    };
    let lists: Vec<String> = lists.iter().map(list).collect();
    format!(
        "[upstream]\nservers = [\"udp://127.0.0.1:9\"]\n[[category]]\nname = \"betting\"\nlists = [{}]\n\
         [policy.standard]\nblock = [\"betting\"]\n\
         [[network_zone]]\nname = \"here\"\nclients = [\"127.0.0.0/8\"]\npolicy = \"standard\"\n",
        lists.join(", ")
    )
}

/// A list of so many names.
fn names(count: usize) -> Vec<u8> {
    (0..count).flat_map(|n| format!("bet{n}.example\n").into_bytes()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// Waits until it holds; there is no time within which it must.
fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..2_400 {
        if holds() {
            return;
        }
        sleep(Duration::from_millis(25));
    }
    panic!("it does not come about that {what}");
}

/// Everything that can be wrong with what comes, each with its word.
fn refusals() -> Vec<(&'static str, Answer)> {
    let page = b"<!DOCTYPE html>\n<html><body>Sign in to the network</body></html>\n".to_vec();
    let bomb = zstd::stream::encode_all(&vec![b'\n'; 64 << 20][..], 3).unwrap();
    assert!(bomb.len() < 64 << 10, "it must be small until it is unpacked");
    let half = gzip(&names(200));
    vec![
        ("empty", Answer::Content(Vec::new())),
        ("empty", Answer::Content(b"\n\n \r\n".to_vec())),
        ("html", Answer::Typed(page, "text/plain", "identity")),
        ("binary", Answer::Content(b"\x7fELF\x02\x01\x01\0\0\0\0\0".to_vec())),
        ("binary", Answer::Content(b"bet0.example\nbet1.example\0\nbet2.example\n".to_vec())),
        ("too-few", Answer::Content(b"bet0.example\nBET0.example\n192.0.2.1\nbet1.example\n".to_vec())),
        ("shrunk", Answer::Content(names(49))),
        ("grown", Answer::Content(names(501))),
        ("too-large", Answer::Content(names(6_000))),
        ("too-large", Answer::Content(gzip(&vec![b'a'; 10 << 20]))),
        ("too-large", Answer::Content(bomb)),
        ("damaged", Answer::Content(half[..half.len() / 2].to_vec())),
        ("not-found", Answer::Status(404, "")),
        ("not-found", Answer::Status(410, "")),
        ("status", Answer::Status(403, "")),
        ("status", Answer::Status(206, "")),
        ("status", Answer::Status(304, "")),
        ("redirect", Answer::Status(302, "Location: /circle\r\n")),
        ("server-error", Answer::Status(500, "")),
        ("server-error", Answer::Status(429, "Retry-After: 3600\r\n")),
        ("cut", Answer::CutShort(names(100), 1_000)),
        ("cut", Answer::CutShort(gzip(&names(100)), 1_000)),
        ("cut", Answer::CutChunks(names(100))),
        ("unreachable", Answer::Silence),
        ("slow", Answer::Slow),
    ]
}

#[test]
fn whatever_is_wrong_with_new_content_the_last_good_one_stays() {
    let desk = Desk::new();
    desk.http.answers("/list", Answer::Content(names(100)));
    assert_eq!(desk.update(&[]).0, Some(0));
    let (good, fetched_at) = (desk.content(), desk.status()["update"]["fetched_at"].clone());
    let mut failures = 0;
    for (word, answer) in refusals() {
        desk.http.answers("/list", answer);
        let (code, told) = desk.update(&[]);
        failures += 1;
        assert_eq!((code, &told["result"]), (Some(1), &word.into()), "{failures}: {told}");
        assert!(told["advice"].as_str().is_some_and(|advice| !advice.is_empty()), "{told}");
        assert_eq!(desk.content(), good, "{word} changed what is in force");
        let status = desk.status();
        assert_eq!((&status["result"], &status["entries"]), (&"ok".into(), &100.into()), "{status}");
        let update = &status["update"];
        assert_eq!((&update["result"], &update["failures"]), (&word.into(), &failures.into()), "{status}");
        assert_eq!(update["fetched_at"], fetched_at, "{word}");
        assert!(update["next_try"].as_str() > update["at"].as_str(), "{status}");
    }
    let people = String::from_utf8(desk.run(&["lists", "status"], &[]).stdout).unwrap();
    assert!(people.contains("bets: slow: the transfer took too long; raise timeout"), "{people}");
    desk.http.answers("/list", Answer::Content(names(101)));
    let (code, told) = desk.update(&[]);
    assert_eq!(
        (code, &told["result"], &told["entries"], &told["failures"]),
        (Some(0), &"updated".into(), &101.into(), &0.into())
    );
    assert_eq!(desk.content().0, names(101));
    let left: Vec<_> = std::fs::read_dir(desk.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "content, state and lock, and nothing half written: {left:?}");
}

#[test]
fn what_has_not_changed_is_not_sent_again_even_to_another_process() {
    let desk = Desk::new();
    desk.http.answers("/list", Answer::Tagged(names(100), "\"one\""));
    assert_eq!(desk.update(&[]).1["result"], "updated");
    let good = desk.content();
    desk.http.take_requests();
    let (code, told) = desk.update(&[]);
    assert_eq!((code, &told["result"], &told["etag_known"]), (Some(0), &"unchanged".into(), &true.into()));
    let asked = desk.http.take_requests();
    assert!(asked[0].1.contains(&"if-none-match: \"one\"".to_owned()), "{asked:?}");
    assert_eq!(desk.content(), good);
    // Without a tag the same content again is no new one either.
    desk.http.answers("/list", Answer::Content(names(100)));
    assert_eq!(desk.update(&[]).1["result"], "unchanged");
    assert_eq!(desk.content(), good);
    // Content that somebody has changed or taken away is not what the server knows: it is asked for whole.
    desk.http.answers("/list", Answer::Tagged(names(100), "\"one\""));
    desk.update(&[]);
    std::fs::remove_file(desk.folder().join("content")).unwrap();
    desk.http.take_requests();
    assert_eq!(desk.update(&["--due"]).1["result"], "updated");
    assert!(!desk.http.take_requests()[0].1.iter().any(|line| line.starts_with("if-none-match")));
    assert_eq!(desk.content().0, good.0);
}

#[test]
fn what_passes_by_itself_is_tried_again_in_the_same_run() {
    let desk = Desk::new();
    let broken = [Answer::Status(500, ""), Answer::Status(503, "Retry-After: 1\r\n"), Answer::Content(names(100))];
    desk.http.answers("/list", Answer::InTurn(broken.into()));
    assert_eq!(desk.update(&[]).1["result"], "updated");
    assert_eq!(desk.http.take_requests().len(), 3);
    for (answer, attempts) in [(Answer::Status(500, ""), 3), (Answer::Status(404, ""), 1), (Answer::Slow, 1)] {
        desk.http.answers("/list", answer);
        assert_eq!(desk.update(&[]).0, Some(1));
        assert_eq!(desk.http.take_requests().len(), attempts);
    }
    desk.http.answers("/list", Answer::Status(503, "Retry-After: 7200\r\n"));
    let (_, told) = desk.update(&[]);
    assert_eq!(
        desk.http.take_requests().len(),
        1,
        "who asks to be left alone for hours is not asked again within seconds"
    );
    let time = |text: &Value| text.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let wait = time(&told["next_try"]).as_second() - time(&desk.status()["update"]["at"]).as_second();
    assert!((7_199..=7_201).contains(&wait), "{wait} s");
    // The same by a date, of the server's own clock.
    let date = "Date: Tue, 15 Nov 1994 08:00:00 GMT\r\nRetry-After: Tue, 15 Nov 1994 11:00:00 GMT\r\n";
    desk.http.answers("/list", Answer::Status(503, date));
    let (_, told) = desk.update(&[]);
    let wait = time(&told["next_try"]).as_second() - time(&desk.status()["update"]["at"]).as_second();
    assert!((10_799..=10_801).contains(&wait), "{wait} s");
}

#[test]
fn a_person_can_take_a_list_that_shrank_but_not_one_that_is_none() {
    let desk = Desk::new();
    desk.http.answers("/list", Answer::Content(names(100)));
    desk.update(&[]);
    desk.http.answers("/list", Answer::Content(names(10)));
    assert_eq!(desk.update(&[]).1["result"], "shrunk");
    assert_eq!(desk.update(&["--force"]).1["result"], "updated");
    assert_eq!(desk.content().0, names(10));
    for (answer, word) in [(names(2), "too-few"), (b"<html>".to_vec(), "html")] {
        desk.http.answers("/list", Answer::Content(answer));
        assert_eq!(desk.update(&["--force"]).1["result"], word);
        assert_eq!(desk.content().0, names(10));
    }
}

#[test]
fn lists_are_named_and_only_those_due_are_fetched_when_that_is_asked() {
    let desk = Desk::new();
    desk.http.answers("/list", Answer::Content(names(100)));
    assert_eq!(desk.update(&["--due"]).1["result"], "updated", "what was never fetched is due");
    let output = desk.run(&["lists", "update", "--due"], &[]);
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"no list is due\n"[..]));
    desk.make_overdue(LIST);
    assert_eq!(desk.update(&["--due", LIST]).1["result"], "unchanged");
    let output = desk.run(&["lists", "update", LIST], &[]);
    assert_eq!(output.stdout, b"bets: unchanged: the server sent the same content again\n");
    assert!(output.stderr.is_empty(), "a bar is for a terminal: {}", String::from_utf8_lossy(&output.stderr));
    let output = desk.run(&["lists", "update", "bts"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(output.stderr, b"there is no list `bts`; did you mean `bets`?\n");
}

#[test]
fn a_terminal_sees_a_bar_while_something_comes() {
    let desk = Desk::new();
    let go = Arc::new(AtomicBool::new(false));
    desk.http.answers("/list", Answer::Held(names(100), Arc::clone(&go)));
    let seen = desk.cordon.dir.join("terminal");
    let config = desk.cordon.config();
    let line = format!("{} --config {} lists update", env!("CARGO_BIN_EXE_cordon"), config.display());
    let mut terminal = Command::new("script");
    terminal.args(["-qefc", &line]).arg(&seen).stdin(Stdio::null()).stdout(Stdio::null());
    let mut terminal = terminal.spawn().expect("script (util-linux) is needed for this test");
    let shown = || String::from_utf8_lossy(&std::fs::read(&seen).unwrap_or_default()).into_owned();
    until("the bar names the list", || shown().contains("bets 0 B"));
    go.store(true, Ordering::Relaxed);
    assert!(terminal.wait().unwrap().success());
    assert!(shown().contains("bets: updated: 100 entries (none before)"), "{}", shown());
}

#[test]
fn two_processes_do_not_fetch_a_list_at_once() {
    let desk = Desk::new();
    let go = Arc::new(AtomicBool::new(false));
    let turns = vec![Answer::Held(names(100), Arc::clone(&go)), Answer::Tagged(names(100), "\"held\"")];
    desk.http.answers("/list", Answer::InTurn(turns));
    let first = desk.command(&["lists", "update"]).stdout(Stdio::null()).spawn().unwrap();
    until("the first asks", || desk.http.requests() == 1);
    let second = desk.command(&["lists", "update"]).stdout(Stdio::null()).spawn().unwrap();
    sleep(Duration::from_millis(500));
    assert_eq!(desk.http.requests(), 1, "the second waits for the first");
    go.store(true, Ordering::Relaxed);
    for mut child in [first, second] {
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    let asked = desk.http.take_requests();
    assert!(asked[1].1.contains(&"if-none-match: \"held\"".to_owned()), "the second has what the first got: {asked:?}");
}

#[test]
fn a_key_in_the_query_of_an_address_is_shown_nowhere() {
    let http = Http::start();
    let url = http.url("/list?key=topsecret");
    let desk = Desk::of(http, &url);
    let mut seen = String::new();
    for answer in [Answer::Content(names(100)), Answer::Status(404, ""), Answer::Silence] {
        desk.http.answers("/list", answer);
        for arguments in [&["lists", "update"][..], &["--json", "lists", "update"], &["lists", "status"], &["check"]] {
            let output = desk.run(arguments, &[]);
            seen.push_str(&String::from_utf8_lossy(&output.stdout));
            seen.push_str(&String::from_utf8_lossy(&output.stderr));
        }
    }
    assert!(desk.http.take_requests().iter().all(|(path, _)| path == "/list?key=topsecret"));
    seen.push_str(&std::fs::read_to_string(desk.folder().join("state.json")).unwrap());
    assert!(seen.contains("not-found") && seen.contains("/list"), "{seen}");
    assert!(!seen.contains("topsecret"), "{seen}");
}
