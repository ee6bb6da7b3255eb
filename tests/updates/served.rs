//! Lists that a running server renews by itself.

use std::net::IpAddr;

use hickory_proto::rr::RecordType;

use super::*;
use crate::support::client::{Ask, addresses};

fn updates(cordon: &Cordon, list: &str, result: &str) -> f64 {
    cordon.metric(&format!("cordon_list_update_total{{list=\"{list}\",result=\"{result}\"}}"))
}

/// What the API says of renewing a list.
fn update(cordon: &Cordon, list: &str) -> Value {
    let status = cordon.status();
    let lists = status["lists"].as_array().unwrap();
    lists.iter().find(|found| found["name"] == list).unwrap()["update"].clone()
}

#[test]
fn a_server_starts_without_its_list_says_so_and_fetches_it_by_itself() {
    let mut desk = Desk::new();
    desk.http.answers("/list", Answer::Status(404, ""));
    assert_eq!(desk.cordon.json(&["check"])[0]["lists"][0]["result"], "not fetched yet");
    desk.cordon.spawn().unwrap();
    until("the failure is counted", || updates(&desk.cordon, LIST, "not-found") >= 1.0);
    assert_eq!(update(&desk.cordon, LIST)["result"], "not-found");
    assert_eq!(desk.cordon.metric("cordon_list_entries{list=\"bets\"}"), 0.0);
    assert!(!desk.cordon.metrics().contains("cordon_list_age_seconds{list=\"bets\"}"), "of nothing there is no age");
    desk.cordon.stop();
    desk.http.answers("/list", Answer::Tagged(names(100), "\"one\""));
    desk.make_overdue(LIST);
    desk.cordon.spawn().unwrap();
    until("the list is there", || updates(&desk.cordon, LIST, "updated") >= 1.0);
    assert_eq!(desk.content().0, names(100));
    desk.cordon.reload();
    assert_eq!(desk.cordon.metric("cordon_list_entries{list=\"bets\"}"), 100.0);
    assert!(desk.cordon.metrics().contains("cordon_list_age_seconds{list=\"bets\"}"));
    assert_eq!(update(&desk.cordon, LIST)["etag_known"], true);
    let (_, page) = desk.cordon.get("/").unwrap();
    assert!(page.contains("<td>updated</td>"), "{page}");
}

#[test]
fn what_a_command_comes_to_is_counted_by_the_server_that_runs_and_once() {
    let mut desk = Desk::new();
    desk.http.answers("/list", Answer::Tagged(names(100), "\"one\""));
    assert_eq!(desk.update(&[]).0, Some(0));
    desk.cordon.spawn().unwrap();
    // What was over before the server started is not its to count.
    assert_eq!(updates(&desk.cordon, LIST, "updated"), 0.0);
    desk.http.answers("/list", Answer::Content(b"<!DOCTYPE html>\n<html>Sign in</html>\n".to_vec()));
    let (code, told) = desk.update(&["--force"]);
    assert_eq!((code, &told["result"]), (Some(1), &"html".into()));
    until("the command's failure is counted", || updates(&desk.cordon, LIST, "html") >= 1.0);
    desk.http.answers("/list", Answer::Tagged(names(101), "\"two\""));
    assert_eq!(desk.update(&["--force"]).0, Some(0));
    until("the command's success is counted", || updates(&desk.cordon, LIST, "updated") >= 1.0);
    // It has looked again meanwhile, and counted nothing twice.
    assert_eq!((updates(&desk.cordon, LIST, "html"), updates(&desk.cordon, LIST, "updated")), (1.0, 1.0));
}

#[test]
fn a_running_server_tells_of_each_refusal_once_and_goes_on_by_the_last_good_content() {
    let http = Http::start();
    // To a server that was asked for changes only, "not modified" is an answer.
    let cases = refusals().into_iter().filter(|(_, answer)| !matches!(answer, Answer::Status(304, _)));
    let cases: Vec<(String, &str, Answer)> =
        cases.enumerate().map(|(n, (word, answer))| (format!("bets{n}"), word, answer)).collect();
    let urls: Vec<String> = cases.iter().map(|(list, ..)| http.url(&format!("/{list}"))).collect();
    let lists: Vec<(&str, &str)> = cases.iter().zip(&urls).map(|((list, ..), url)| (&**list, &**url)).collect();
    let mut desk = Desk::with(http, &config(&lists));
    for (list, ..) in &cases {
        desk.http.answers(&format!("/{list}"), Answer::Tagged(names(100), "\"one\""));
    }
    assert_eq!(desk.update(&[]).0, Some(0));
    let good: Vec<_> = cases.iter().map(|(list, ..)| desk.content_of(list)).collect();
    for (list, _, answer) in &cases {
        desk.http.answers(&format!("/{list}"), answer.clone());
        desk.make_overdue(list);
    }
    desk.http.take_requests();
    desk.cordon.spawn().unwrap();
    for (n, (list, word, _)) in cases.iter().enumerate() {
        until(&format!("{list} is refused as {word}"), || updates(&desk.cordon, list, word) >= 1.0);
        assert_eq!(update(&desk.cordon, list)["result"], *word, "{list}");
        assert_eq!(desk.cordon.metric(&format!("cordon_list_entries{{list=\"{list}\"}}")), 100.0, "{list}: {word}");
        assert_eq!(desk.content_of(list), good[n], "{list}: {word}");
    }
    let blocked = addresses(&Ask::new("www.bet99.example.", RecordType::A).at(desk.cordon.addr));
    assert_eq!(blocked, ["0.0.0.0".parse::<IpAddr>().unwrap()]);
    let asked = desk.http.take_requests();
    for (list, word, _) in &cases {
        let (_, headers) = asked.iter().find(|(path, _)| *path == format!("/{list}")).unwrap();
        assert!(
            headers.contains(&"if-none-match: \"one\"".to_owned()),
            "{word}: the tag survives a restart: {headers:?}"
        );
    }
    desk.cordon.stop();
    let log = plain(&desk.cordon.stderr());
    for (list, word, _) in &cases {
        let about = format!("list=\"{list}\" result=\"{word}\" failures=1");
        let told: Vec<&str> = log.lines().filter(|line| line.contains(&about)).collect();
        assert_eq!(told.len(), 1, "{list}: {word}: once, not for each attempt:\n{log}");
        assert!(told[0].contains("the last good content stays in force"), "{}", told[0]);
    }
}

#[test]
fn a_stop_does_not_wait_for_a_transfer_and_leaves_nothing_half() {
    let mut desk = Desk::new();
    let go = Arc::new(AtomicBool::new(false));
    desk.http.answers("/list", Answer::Held(names(100), Arc::clone(&go)));
    desk.cordon.spawn().unwrap();
    until("it is asked for", || desk.http.requests() == 1);
    assert_eq!(desk.cordon.stop(), Some(0));
    go.store(true, Ordering::Relaxed);
    assert!(!desk.folder().join("content").exists() && !desk.folder().join("content.part").exists());
    // The lock went with its holder.
    desk.http.answers("/list", Answer::Content(names(100)));
    assert_eq!(desk.update(&[]).1["result"], "updated");
}

#[test]
fn the_folder_of_a_list_that_was_taken_out_goes_a_day_after_its_last_attempt_and_nothing_else_does() {
    let http = Http::start();
    let names_of = ["kept", "old", "recent", "strange", "unknown"];
    let urls: Vec<String> = names_of.iter().map(|list| http.url(&format!("/{list}"))).collect();
    let lists: Vec<(&str, &str)> = names_of.iter().zip(&urls).map(|(list, url)| (*list, &**url)).collect();
    let mut desk = Desk::with(http, &config(&lists));
    for list in names_of {
        desk.http.answers(&format!("/{list}"), Answer::Content(names(100)));
    }
    assert_eq!(desk.update(&[]).0, Some(0));
    let folders: Vec<PathBuf> = names_of.iter().map(|list| desk.folder_of(list)).collect();
    for (list, folder) in names_of.iter().zip(&folders).filter(|(list, _)| **list != "recent") {
        let path = folder.join("state.json");
        let mut state: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        state["last"]["at"] = "2026-01-01T00:00:00Z".into();
        std::fs::write(path, state.to_string()).unwrap();
        match *list {
            "strange" => std::fs::write(folder.join("notes.txt"), "an admin's").unwrap(),
            "unknown" => std::fs::write(folder.join("state.json"), "{}").unwrap(),
            _ => {}
        }
    }
    // None of ours, and a way out of the folder.
    let elsewhere = desk.cordon.dir.join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::copy(folders[1].join("state.json"), elsewhere.join("state.json")).unwrap();
    std::os::unix::fs::symlink(&elsewhere, desk.cordon.dir.join("data/downloads/link")).unwrap();
    desk.cordon.write_config(&config(&lists[..1]));
    desk.cordon.spawn().unwrap();
    until("the old folder is removed", || !folders[1].exists());
    for (list, folder) in names_of.iter().zip(&folders).filter(|(list, _)| **list != "old") {
        assert!(folder.join("content").is_file() && folder.join("state.json").is_file(), "{list}");
    }
    assert!(elsewhere.join("state.json").is_file());
    desk.cordon.stop();
    let log = plain(&desk.cordon.stderr());
    let told: Vec<&str> = log.lines().filter(|line| line.contains("no list has any more was removed")).collect();
    assert!(told.len() == 1 && told[0].contains(folders[1].to_str().unwrap()), "{log}");
}

/// A log without colours.
fn plain(log: &str) -> String {
    let mut inside = false;
    log.chars()
        .filter(|c| {
            inside |= *c == '\u{1b}';
            let shown = !inside;
            inside &= *c != 'm';
            shown
        })
        .collect()
}
