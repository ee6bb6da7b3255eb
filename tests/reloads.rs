//! What changes while Cordon runs, what refuses to, how it ends, and what keeps it from starting.

use std::net::{IpAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use crate::support::client::{Ask, addresses};
use crate::support::cordon::Cordon;
use crate::support::nsd::Nsd;
use crate::support::rows;
use crate::support::udp_peer::{UdpPeer, relay};

const ZONE: &str = "$ORIGIN example.net.\n$TTL 300\n@ SOA ns hostmaster 1 7200 3600 86400 60\n@ NS ns\nns A 192.0.2.53\n\
                    www A 192.0.2.80\nbet A 192.0.2.66\nnew A 192.0.2.67\n";

fn config(upstream: std::net::SocketAddr, more: &str) -> String {
    format!(
        "[upstream]\nservers = [\"udp://{upstream}\"]\n\
         [[category]]\nname = \"gambling\"\nlists = [{{ path = \"gambling.txt\" }}]\n\
         [policy.standard]\nblock = [\"gambling\"]\n\
         [[network_zone]]\nname = \"here\"\nclients = [\"127.0.0.0/8\"]\npolicy = \"standard\"\n{more}"
    )
}

const LISTS: &[(&str, &str)] = &[("gambling.txt", "bet.example.net\n")];

fn start(more: &str) -> (Nsd, Cordon) {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let cordon = Cordon::start(&config(nsd.addr, more), LISTS);
    (nsd, cordon)
}

fn is_blocked(cordon: &Cordon, name: &str) -> bool {
    let found = addresses(&Ask::new(name, RecordType::A).at(cordon.addr));
    assert_eq!(found.len(), 1, "{name}");
    found == [IpAddr::from([0, 0, 0, 0])]
}

#[test]
fn a_new_line_of_a_list_is_in_force_after_sighup() {
    let (_nsd, cordon) = start("");
    assert!(!is_blocked(&cordon, "new.example.net."));
    std::fs::write(cordon.dir.join("gambling.txt"), "bet.example.net\nnew.example.net\n").unwrap();
    let status = cordon.reload();
    assert_eq!((&status["generation"], &status["last_reload"]["result"]), (&2.into(), &"ok".into()), "{status}");
    assert!(is_blocked(&cordon, "new.example.net."), "though its answer is kept");
    let written = rows::of(&cordon.log_dir(), "new.example.net");
    assert_eq!((&written[0]["policy_generation"], &written[0]["rule"]), (&2.into(), &"2:new.example.net".into()));
    assert_eq!(written[1]["policy_generation"], 1);
    assert_eq!(cordon.metric("cordon_snapshot_generation"), 2.0);
    assert_eq!(cordon.metric("cordon_reload_total{result=\"ok\"}"), 1.0);
    std::fs::write(cordon.dir.join("gambling.txt"), "bet.example.net\n").unwrap();
    cordon.reload();
    assert!(!is_blocked(&cordon, "new.example.net."), "what is no longer listed is answered again");
}

#[test]
fn what_is_wrong_at_a_reload_is_said_and_changes_nothing() {
    let (nsd, cordon) = start("");
    let sound = config(nsd.addr, "");
    let probe_allow = format!("{sound}[probe]\nmust_allow = [\"bet.example.net\"]\n");
    let probe_block = format!("{sound}[probe]\nmust_block = [\"www.example.net\"]\n");
    let zone = format!("{sound}[[local_zone]]\nname = \"intranet.example\"\nfile = \"broken.zone\"\n");
    std::fs::write(cordon.dir.join("broken.zone"), "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nwww A x\n").unwrap();
    let moved = std::fs::read_to_string(cordon.config()).unwrap().replace("127.0.0.1:", "127.0.0.2:");
    let mut failed = 0.0;
    for (text, said) in [
        (sound.replace("block = [\"gambling\"]", "blok = [\"gambling\"]"), "policy.standard.blok: unknown key"),
        ("this is no TOML".to_owned(), "cordon.toml:"),
        (sound.replace("gambling.txt", "missing.txt"), "missing.txt"),
        (zone, "broken.zone:4:7: `x` is not an IPv4 address; mend that line"),
        (probe_allow, "probe.must_allow[0]: bet.example.net would be blocked in network zone `here` (gambling)"),
        (probe_block, "probe.must_block[0]: www.example.net would be blocked in no network zone"),
        (format!("{sound}[cache]\nsize = \"2MiB\"\n"), "cache was changed, which takes a restart"),
        (format!("{sound}[log]\ndir = \"elsewhere\"\n"), "log was changed, which takes a restart"),
    ] {
        cordon.write_config(&text);
        let status = cordon.reload();
        failed += 1.0;
        let error = status["last_reload"]["error"].as_str().unwrap_or_else(|| panic!("{said}: {status}"));
        assert!(error.contains(said), "{said}: {error}");
        assert_eq!((&status["generation"], &status["last_reload"]["result"]), (&1.into(), &"failed".into()));
        assert!(cordon.stderr().contains(said), "{said}: {}", cordon.stderr());
        assert_eq!(cordon.metric("cordon_reload_total{result=\"failed\"}"), failed);
        assert_eq!(cordon.get("/readyz").unwrap().0, 200, "it still answers and records");
        assert!(is_blocked(&cordon, "bet.example.net.") && !is_blocked(&cordon, "www.example.net."));
    }
    assert!(!cordon.stderr().contains("^^"), "a record of the log is one line: {}", cordon.stderr());
    std::fs::write(cordon.config(), moved).unwrap();
    let status = cordon.reload();
    let error = status["last_reload"]["error"].as_str().unwrap();
    assert!(error.contains("listen.dns was changed, which takes a restart"), "{error}");
    cordon.write_config(&sound);
    let status = cordon.reload();
    assert_eq!((&status["generation"], &status["last_reload"]["error"]), (&2.into(), &serde_json::Value::Null));
}

#[test]
fn no_query_is_lost_or_decided_by_two_generations_during_reloads() {
    let (nsd, cordon) = start("");
    let is_over = Arc::new(AtomicBool::new(false));
    let asked: usize = std::thread::scope(|scope| {
        let clients: Vec<_> = [false, true, false]
            .into_iter()
            .enumerate()
            .map(|(n, tcp)| {
                let (cordon, is_over) = (&cordon, is_over.clone());
                scope.spawn(move || {
                    let mut asked = 0;
                    while !is_over.load(Ordering::Relaxed) && asked < 20_000 {
                        let name = if asked % 2 == 0 { "new.example.net." } else { "bet.example.net." };
                        let ask = Ask { tcp, ..Ask::new(name, RecordType::A).from(&format!("127.0.0.{}", n + 1)) };
                        let answer = ask.at(cordon.addr);
                        assert_eq!((answer.metadata.response_code, answer.answers.len()), (ResponseCode::NoError, 1));
                        asked += 1;
                    }
                    asked
                })
            })
            .collect();
        for generation in 2..22 {
            // In even generations the new name is listed.
            let list = if generation % 2 == 0 { "bet.example.net\nnew.example.net\n" } else { "bet.example.net\n" };
            // A file of its own each time: one that changed would be read without the signal, too, and count as a generation.
            let file = format!("list-{generation}.txt");
            std::fs::write(cordon.dir.join(&file), list).unwrap();
            cordon.write_config(&config(nsd.addr, "").replace("gambling.txt", &file));
            let status = cordon.reload();
            assert_eq!(status["generation"], generation, "{status}");
        }
        is_over.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    let every = rows::every(&cordon.log_dir());
    assert_eq!(every.len(), asked, "each has its row");
    for row in every.iter().filter(|row| row["qname"] == "new.example.net") {
        let is_listed = row["policy_generation"].as_u64().unwrap() % 2 == 0;
        let (action, answer) = if is_listed { ("blocked", "0.0.0.0") } else { ("allowed", "192.0.2.67") };
        assert_eq!((&row["action"], &row["answer"]), (&action.into(), &answer.into()), "{row}");
    }
    let mut lanes: Vec<(u64, u64)> =
        every.iter().map(|row| (row["lane"].as_u64().unwrap(), row["seq"].as_u64().unwrap())).collect();
    lanes.sort_unstable();
    assert!(
        lanes.windows(2).all(|pair| pair[0].0 != pair[1].0 || pair[0].1 + 1 == pair[1].1),
        "sequence numbers of a lane have no holes"
    );
}

#[test]
fn sigterm_closes_the_doors_and_lets_what_is_under_way_finish() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let (addr, is_held) = (nsd.addr, Arc::new(AtomicBool::new(true)));
    let held = is_held.clone();
    let peer = UdpPeer::start(move |datagram| {
        while held.load(Ordering::SeqCst) {
            sleep(Duration::from_millis(5));
        }
        relay(addr, datagram)
    });
    let mut cordon = Cordon::start(&config(peer.addr, ""), LISTS);
    let door = cordon.addr;
    let under_way: Vec<_> = [false, true]
        .into_iter()
        .map(|tcp| {
            let ask = Ask { tcp, ..Ask::new(if tcp { "www.example.net." } else { "new.example.net." }, RecordType::A) };
            std::thread::spawn(move || ask.try_at(door))
        })
        .collect();
    // Both have a row only when they are closed, so that they are under way is seen at the upstream.
    while peer.heard() == 0 {
        sleep(Duration::from_millis(5));
    }
    sleep(Duration::from_millis(300));
    cordon.signal(libc::SIGTERM);
    while TcpStream::connect(door).is_ok() {
        sleep(Duration::from_millis(5));
    }
    is_held.store(false, Ordering::SeqCst);
    for (asked, expected) in under_way.into_iter().zip(["192.0.2.67", "192.0.2.80"]) {
        let answer = asked.join().unwrap().expect("what was under way is answered");
        assert_eq!(addresses(&answer), [expected.parse::<IpAddr>().unwrap()]);
    }
    assert_eq!(cordon.wait_for_end(), Some(0), "{}", cordon.stderr());
    assert!(cordon.stderr().contains("the log is sealed; closed"), "{}", cordon.stderr());
    assert!(cordon.get("/healthz").is_none());
    let every = rows::every(&cordon.log_dir());
    assert_eq!(every.len(), 2);
    assert!(every.iter().all(|row| row["action"] == "allowed"), "{every:?}");
    assert!(std::fs::read_dir(cordon.log_dir().join("parts")).unwrap().count() > 0, "the rows are sealed");
}

/// Runs `cordon serve` on a configuration, which must end by itself, and gives its exit code and what it says.
fn fails(config: &Path) -> (Option<i32>, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_cordon"))
        .arg("--config")
        .arg(config)
        .arg("serve")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_second_server_does_not_start_and_says_why() {
    let (_nsd, cordon) = start("");
    // On the same log.
    let (code, said) = fails(&cordon.config());
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("log"), "{said}");
    // On the same door, with a log of its own.
    let text = std::fs::read_to_string(cordon.config()).unwrap();
    let other = cordon.dir.join("other.toml");
    std::fs::write(&other, text.replace("data_dir = \"data\"", "data_dir = \"other\"")).unwrap();
    let (code, said) = fails(&other);
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains(&cordon.addr.to_string()) && said.contains("in use"), "{said}");
    // On the same admin door only.
    let text = std::fs::read_to_string(&other).unwrap();
    let free = crate::support::peer::free_address();
    let text =
        text.replace(&format!("dns = [\"{}\", \"{}\"]", cordon.addr, cordon.addr6), &format!("dns = [\"{free}\"]"));
    std::fs::write(&other, text).unwrap();
    let (code, said) = fails(&other);
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("listen.admin") && said.contains(&cordon.admin.to_string()), "{said}");
    assert!(is_blocked(&cordon, "bet.example.net."), "the first one is not disturbed");
}

#[test]
fn a_wrong_configuration_list_zone_or_probe_at_start_ends_with_3() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let kept = tempfile::tempdir().unwrap();
    let sound = config(nsd.addr, "");
    let cordon = Cordon::prepare(kept.path(), &sound, LISTS).unwrap();
    std::fs::write(kept.path().join("broken.zone"), "www A 10.0.0.1\n").unwrap();
    for (text, said) in [
        (sound.replace("policy = \"standard\"", "policy = \"standart\""), "did you mean `standard`?"),
        (sound.replace("gambling.txt", "missing.txt"), "missing.txt"),
        (format!("{sound}[[local_zone]]\nname = \"x.example\"\nfile = \"broken.zone\"\n"), "broken.zone"),
        (format!("{sound}[probe]\nmust_allow = [\"bet.example.net\"]\n"), "probe.must_allow"),
    ] {
        cordon.write_config(&text);
        let (code, errors) = fails(&cordon.config());
        assert_eq!(code, Some(3), "{errors}");
        assert!(errors.contains(said), "{said}: {errors}");
    }
    let (code, errors) = fails(&kept.path().join("nowhere.toml"));
    assert_eq!(code, Some(3), "{errors}");
    assert!(errors.contains("nowhere.toml") && errors.contains("--config"), "{errors}");
}
