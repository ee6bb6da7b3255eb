//! A list that somebody edits is in force within seconds, without a signal.

use std::net::IpAddr;
use std::thread::sleep;
use std::time::Duration;

use hickory_proto::rr::RecordType;

use crate::support::client::{Ask, addresses};
use crate::support::cordon::Cordon;
use crate::support::house::TableUpstream;

const LISTS: &[(&str, &str)] = &[("gambling.txt", "bet.example.net\n")];

fn start(more: &str) -> (TableUpstream, Cordon) {
    let upstream = TableUpstream::start();
    for name in ["bet.example.net.", "new.example.net.", "www.example.net."] {
        upstream.add(name, RecordType::A, "192.0.2.80", 300).unwrap();
    }
    let config = format!(
        "[upstream]\nservers = [\"udp://{}\"]\n\
         [[category]]\nname = \"gambling\"\nlists = [{{ path = \"gambling.txt\" }}]\n\
         [policy.standard]\nblock = [\"gambling\"]\n\
         [[network_zone]]\nname = \"here\"\nclients = [\"127.0.0.0/8\"]\npolicy = \"standard\"\n{more}",
        upstream.peer.addr
    );
    (upstream, Cordon::start(&config, LISTS))
}

fn is_blocked(cordon: &Cordon, name: &str) -> bool {
    addresses(&Ask::new(name, RecordType::A).at(cordon.addr)) == [IpAddr::from([0, 0, 0, 0])]
}

/// Asks again and again until it is so; fails after many tries.
#[track_caller]
pub(crate) fn until(cordon: &Cordon, what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..1_200 {
        if is_so() {
            return;
        }
        sleep(Duration::from_millis(25));
    }
    panic!("{what}: it never came; cordon says:\n{}", cordon.stderr());
}

fn generation(cordon: &Cordon) -> u64 {
    cordon.status()["generation"].as_u64().unwrap()
}

#[test]
fn an_edited_list_is_in_force_without_a_signal_and_one_edit_is_one_generation() {
    let (_upstream, cordon) = start("");
    let list = cordon.dir.join("gambling.txt");
    assert!(!is_blocked(&cordon, "new.example.net."));
    std::fs::write(&list, "bet.example.net\nnew.example.net\n").unwrap();
    until(&cordon, "edited in place", || is_blocked(&cordon, "new.example.net."));
    assert_eq!(generation(&cordon), 2);
    assert_eq!(cordon.status()["last_reload"]["result"], "ok");
    // As most editors and most ways of installing a file do it.
    let aside = cordon.dir.join(".gambling.txt.swp");
    std::fs::write(&aside, "bet.example.net\n").unwrap();
    std::fs::rename(&aside, &list).unwrap();
    until(&cordon, "renamed over", || !is_blocked(&cordon, "new.example.net."));
    assert_eq!(generation(&cordon), 3);
    assert_eq!(cordon.metric("cordon_reload_total{result=\"ok\"}"), 2.0);
    assert!(is_blocked(&cordon, "bet.example.net."));
}

#[test]
fn a_list_that_is_gone_stays_in_force_and_is_taken_again_when_it_is_back() {
    let (_upstream, cordon) = start("");
    let list = cordon.dir.join("gambling.txt");
    std::fs::remove_file(&list).unwrap();
    until(&cordon, "removed", || cordon.status()["last_reload"]["result"] == "failed");
    let status = cordon.status();
    assert!(status["last_reload"]["error"].as_str().unwrap().contains("gambling.txt"), "{status}");
    assert!(is_blocked(&cordon, "bet.example.net."), "the old snapshot stays in force");
    std::fs::write(&list, "bet.example.net\n").unwrap();
    until(&cordon, "back as it was", || cordon.status()["last_reload"]["result"] == "ok");
    assert_eq!(generation(&cordon), 1, "what holds the same names is no new generation");
    assert_eq!(cordon.metric("cordon_reload_last_successful"), 1.0);
    std::fs::remove_file(&list).unwrap();
    std::fs::write(&list, "new.example.net\n").unwrap();
    until(&cordon, "back with another name", || is_blocked(&cordon, "new.example.net."));
    assert_eq!(generation(&cordon), 2);
    assert!(!is_blocked(&cordon, "bet.example.net."));
}

#[test]
fn an_edit_that_a_probe_refuses_is_not_put_in_force() {
    let (_upstream, cordon) = start("[probe]\nmust_allow = [\"www.example.net\"]\n");
    let list = cordon.dir.join("gambling.txt");
    std::fs::write(&list, "bet.example.net\nexample.net\n").unwrap();
    until(&cordon, "refused", || cordon.status()["last_reload"]["result"] == "failed");
    let status = cordon.status();
    assert!(
        status["last_reload"]["error"].as_str().unwrap().contains("probe.must_allow[0]: www.example.net"),
        "{status}"
    );
    assert_eq!((generation(&cordon), cordon.metric("cordon_reload_total{result=\"failed\"}")), (1, 1.0));
    assert!(!is_blocked(&cordon, "www.example.net."));
    std::fs::write(&list, "bet.example.net\nnew.example.net\n").unwrap();
    until(&cordon, "put right", || is_blocked(&cordon, "new.example.net."));
    assert_eq!((generation(&cordon), &cordon.status()["last_reload"]["result"]), (2, &"ok".into()));
}

#[test]
fn a_changed_list_does_not_put_a_half_edited_configuration_in_force() {
    let (_upstream, cordon) = start("");
    let sound = std::fs::read_to_string(cordon.config()).unwrap();
    std::fs::write(cordon.config(), sound.replace("block = [\"gambling\"]", "")).unwrap();
    std::fs::write(cordon.dir.join("gambling.txt"), "bet.example.net\nnew.example.net\n").unwrap();
    until(&cordon, "edited", || is_blocked(&cordon, "new.example.net."));
    assert!(is_blocked(&cordon, "bet.example.net."));
    let status = cordon.reload();
    assert_eq!(status["generation"], 3, "{status}");
    assert!(!is_blocked(&cordon, "bet.example.net."), "a signal reads it");
    std::fs::write(cordon.config(), "this is no TOML").unwrap();
    std::fs::write(cordon.dir.join("gambling.txt"), "bet.example.net\n").unwrap();
    until(&cordon, "edited again", || generation(&cordon) == 4);
}

#[test]
fn a_list_put_in_force_does_not_hide_that_the_configuration_was_not() {
    let (_upstream, cordon) = start("");
    let sound = std::fs::read_to_string(cordon.config()).unwrap();
    let list = cordon.dir.join("gambling.txt");
    let failed = || {
        let status = cordon.status();
        let error = status["last_reload"]["error"].as_str().unwrap_or_default().to_owned();
        (error.contains("policy.standard.blok"), cordon.metric("cordon_reload_last_successful"))
    };
    std::fs::write(cordon.config(), sound.replace("block = [", "blok = [")).unwrap();
    cordon.reload();
    assert_eq!(failed(), (true, 0.0));
    std::fs::write(&list, "bet.example.net\nnew.example.net\n").unwrap();
    until(&cordon, "edited", || is_blocked(&cordon, "new.example.net."));
    assert_eq!(failed(), (true, 0.0), "after lists in force");
    std::fs::remove_file(&list).unwrap();
    until(&cordon, "removed", || cordon.metric("cordon_reload_total{result=\"failed\"}") == 2.0);
    std::fs::write(&list, "bet.example.net\nnew.example.net\n").unwrap();
    until(&cordon, "back", || cordon.stderr().contains("hold again what is in force"));
    assert_eq!(failed(), (true, 0.0), "after lists that are back");
    std::fs::write(cordon.config(), sound).unwrap();
    cordon.signal(libc::SIGHUP);
    until(&cordon, "put right", || failed() == (false, 1.0));
}
