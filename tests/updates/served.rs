//! Lists that a running server renews by itself.

use std::net::IpAddr;

use hickory_proto::rr::RecordType;

use super::*;
use crate::support::client::{Ask, addresses};

fn updates(cordon: &Cordon, result: &str) -> f64 {
    cordon.metric(&format!("cordon_list_update_total{{list=\"{LIST}\",result=\"{result}\"}}"))
}

/// What the API says of renewing the list.
fn update(cordon: &Cordon) -> Value {
    cordon.status()["lists"][0]["update"].clone()
}

#[test]
fn a_server_starts_without_its_list_says_so_and_fetches_it_by_itself() {
    let mut desk = Desk::new();
    desk.http.answers("/list", Answer::Status(404, ""));
    assert_eq!(desk.cordon.json(&["check"])[0]["lists"][0]["result"], "not fetched yet");
    desk.cordon.spawn().unwrap();
    until("the failure is counted", || updates(&desk.cordon, "not-found") == 1.0);
    assert_eq!(update(&desk.cordon)["result"], "not-found");
    assert_eq!(desk.cordon.metric("cordon_list_entries{list=\"bets\"}"), 0.0);
    assert!(!desk.cordon.metrics().contains("cordon_list_age_seconds{list=\"bets\"}"), "of nothing there is no age");
    desk.cordon.stop();
    desk.http.answers("/list", Answer::Tagged(names(100), "\"one\""));
    desk.make_overdue();
    desk.cordon.spawn().unwrap();
    until("the list is there", || updates(&desk.cordon, "updated") == 1.0);
    assert_eq!(desk.content().0, names(100));
    desk.cordon.reload();
    assert_eq!(desk.cordon.metric("cordon_list_entries{list=\"bets\"}"), 100.0);
    assert!(desk.cordon.metrics().contains("cordon_list_age_seconds{list=\"bets\"}"));
    assert_eq!(update(&desk.cordon)["etag_known"], true);
    let (_, page) = desk.cordon.get("/").unwrap();
    assert!(page.contains("<td>updated</td>"), "{page}");
}

#[test]
fn a_running_server_tells_of_each_refusal_once_and_goes_on_by_the_last_good_content() {
    let mut desk = Desk::new();
    desk.http.answers("/list", Answer::Tagged(names(100), "\"one\""));
    desk.update(&[]);
    let good = desk.content();
    // One of each step on the way of new content; the command goes through all.
    let mut left = vec!["html", "shrunk", "too-large", "not-found", "cut", "slow"];
    for (word, answer) in refusals() {
        let Some(place) = left.iter().position(|wanted| *wanted == word) else { continue };
        left.remove(place);
        desk.http.answers("/list", answer);
        desk.make_overdue();
        let before = desk.cordon.stderr().len();
        desk.http.take_requests();
        desk.cordon.spawn().unwrap();
        until(word, || updates(&desk.cordon, word) == 1.0);
        let asked = desk.http.take_requests();
        assert!(asked[0].1.contains(&"if-none-match: \"one\"".to_owned()), "the tag survives a restart: {asked:?}");
        assert_eq!(update(&desk.cordon)["result"], word);
        assert_eq!(desk.cordon.metric("cordon_list_entries{list=\"bets\"}"), 100.0);
        assert_eq!(desk.content(), good, "{word}");
        let blocked = addresses(&Ask::new("www.bet99.example.", RecordType::A).at(desk.cordon.addr));
        assert_eq!(blocked, ["0.0.0.0".parse::<IpAddr>().unwrap()], "{word}");
        desk.cordon.stop();
        let log = desk.cordon.stderr().split_off(before);
        let told: Vec<&str> = log.lines().filter(|line| line.contains("was not renewed")).collect();
        assert_eq!(told.len(), 1, "{word}: once, not for each attempt:\n{log}");
        let plain: String = strip(told[0]);
        assert!(plain.contains("list=\"bets\"") && plain.contains(&format!("result=\"{word}\"")), "{plain}");
        assert!(plain.contains("the last good content stays in force"), "{plain}");
    }
    assert!(left.is_empty(), "{left:?}");
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

/// A line of the log without colours.
fn strip(line: &str) -> String {
    let mut inside = false;
    line.chars()
        .filter(|c| {
            inside |= *c == '\u{1b}';
            let shown = !inside;
            inside &= *c != 'm';
            shown
        })
        .collect()
}
