//! SIGKILL under load: whatever was answered is in the log, once, and the evidence holds.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use hickory_proto::rr::RecordType;

use crate::support::client::Ask;
use crate::support::cordon::Cordon;
use crate::support::exported::{all, assert_no_holes_but, assert_verified};
use crate::support::figures::tell;
use crate::support::nsd::Nsd;
use crate::support::wire;

/// Queries a second.
const PACE: u64 = if cfg!(debug_assertions) { 2_000 } else { 20_000 };
/// Sockets they come from: as many source ports, so that every worker gets its share.
const SOCKETS: usize = 8;
/// How often the process is killed.
const KILLS: usize = 9;
/// Names on the list.
const LISTED: u64 = 300;
/// Where names of the list begin in their file.
const HEAD: &str = "# names that are blocked for desks and watched in labs\n";

const LOCAL_ZONE: &str =
    "$TTL 3600\n@ IN SOA ns hostmaster 1 7200 3600 1209600 300\n  IN NS ns\nns IN A 192.0.2.53\n* IN A 192.0.2.7\n";
const ABROAD_ZONE: &str =
    "$TTL 3600\n@ IN SOA ns hostmaster 1 7200 3600 1209600 300\n  IN NS ns\nns IN A 192.0.2.53\n* IN A 192.0.2.9\n";

/// Two network zones with policies of their own, a category with a list, and an upstream at `dark` that is not there.
fn config(nsd: &Nsd, dark: SocketAddr) -> String {
    format!(
        "[upstream]\nservers = [\"udp://{}\"]\ntimeout = \"5s\"\n[log]\nseal_every = \"1s\"\n\
         [[local_zone]]\nname = \"home.example\"\nfile = \"home.zone\"\n\
         [[forward_zone]]\nname = \"dark.example\"\nservers = [\"udp://{dark}\"]\n\
         [[category]]\nname = \"betting\"\nlists = [{{ path = \"bets.txt\" }}]\n\
         [policy.standard]\nblock = [\"betting\"]\ndeny = [\"never.example\", \"blocked.example\"]\n\
         [policy.open]\nmonitor = [\"betting\"]\ndeny = [\"blocked.example\"]\n\
         [[network_zone]]\nname = \"desks\"\nclients = [\"127.0.0.0/8\", \"::1\"]\npolicy = \"standard\"\n\
         [[network_zone]]\nname = \"labs\"\nclients = [\"127.0.78.0/24\"]\npolicy = \"open\"\n\
         sinkhole = {{ ipv4 = \"192.0.2.66\" }}\n",
        nsd.addr
    )
}

/// A Cordon with it, running.
fn start(nsd: &Nsd) -> Cordon {
    let bets: String = (0..LISTED).map(|n| format!("bet{n}.abroad.example\n")).collect();
    // Nobody listens there: what is asked is refused at once.
    let dark = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    Cordon::start(&config(nsd, dark), &[("home.zone", LOCAL_ZONE), ("bets.txt", &format!("{HEAD}{bets}"))])
}

/// When the process is killed.
#[derive(Clone, Copy, Debug)]
enum When {
    /// So long after its start, ready or not.
    Starting(Duration),
    /// With its first answer.
    FirstAnswer,
    /// So long after its first answer.
    Answering(Duration),
    /// While a part is being written.
    Sealing,
}

/// One query of the load: its number stands in its name.
struct Sent {
    number: u64,
    /// The response code of its answer, where one came.
    answered: Option<u8>,
}

/// What is right for a query: its answer and its row.
#[derive(Debug, PartialEq, Eq)]
struct Right {
    name: String,
    client: IpAddr,
    network_zone: &'static str,
    rcode: u8,
    address: Option<[u8; 4]>,
    action: &'static str,
    category: Option<&'static str>,
    list: Option<&'static str>,
    rule: Option<String>,
}

/// From where query `number` is asked: four addresses of each network zone.
fn client(number: u64) -> Ipv4Addr {
    let place = (number % SOCKETS as u64) as u8;
    Ipv4Addr::new(127, 0, if place < 4 { 77 } else { 78 }, 1 + place)
}

/// What query `number` asks, and what is right for it.
fn right(number: u64, round: usize) -> Right {
    let client = client(number);
    let labs = client.octets()[2] == 78;
    let plain = |zone: &str, address: [u8; 4]| Right {
        name: format!("q{number}.run{round}.{zone}"),
        client: client.into(),
        network_zone: if labs { "labs" } else { "desks" },
        rcode: 0,
        address: Some(address),
        action: "allowed",
        category: None,
        list: None,
        rule: None,
    };
    let by = |zone: &str| Some(zone.to_owned());
    match number % 20 {
        0 => plain("abroad.example", [192, 0, 2, 9]),
        10 if number % 100 == 10 => Right {
            rcode: 2,
            address: None,
            action: "failed",
            rule: by("forward_zone dark.example"),
            ..plain("dark.example", [0; 4])
        },
        // In labs fewer of them, since what is only watched has to be fetched.
        1 | 5 | 9 | 13 if !labs || number % 20 == 1 => {
            let listed = number / 4 % LISTED;
            let name = format!("bet{listed}.abroad.example");
            Right {
                action: if labs { "monitored" } else { "blocked" },
                category: Some("betting"),
                list: Some("betting/bets.txt"),
                rule: Some(format!("{}:{name}", listed + 2)),
                ..plain(&name, if labs { [192, 0, 2, 9] } else { [0; 4] })
            }
        }
        n if n % 2 == 1 => Right {
            action: "blocked",
            rule: by(if labs {
                "policy.open.deny[0] blocked.example"
            } else {
                "policy.standard.deny[1] blocked.example"
            }),
            ..plain("blocked.example", if labs { [192, 0, 2, 66] } else { [0; 4] })
        },
        _ => Right { rule: by("local_zone home.example"), ..plain("home.example", [192, 0, 2, 7]) },
    }
}

/// Sends queries at the pace until `stop`, then waits for what is still on its way. `answers` moves with every answer.
fn load(server: SocketAddr, round: usize, first: u64, stop: &AtomicBool, answers: &AtomicU64) -> Vec<Sent> {
    // From addresses the server does not listen on: its port stays free for it while it is down.
    let open = |i: usize| {
        let socket = UdpSocket::bind((client(i as u64), 0)).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket.connect(server).unwrap();
        socket
    };
    let sockets: Vec<UdpSocket> = (0..SOCKETS).map(open).collect();
    let mut sent: Vec<Sent> = Vec::new();
    let begun = Instant::now();
    let mut stopped_at = None;
    let mut packet = [0; 4_096];
    loop {
        if stopped_at.is_none() {
            let due = begun.elapsed().as_micros() as u64 * PACE / 1_000_000;
            // Refusals of a closed port come back as errors of the next call: that query was not sent.
            while (sent.len() as u64) < due {
                let number = first + sent.len() as u64;
                let query = wire::query(number as u16, &right(number, round).name, 1);
                let _ = sockets[number as usize % SOCKETS].send(&query);
                sent.push(Sent { number, answered: None });
            }
            stopped_at = stop.load(Ordering::Relaxed).then(Instant::now);
        }
        let mut got = 0;
        for socket in &sockets {
            while let Ok(length) = socket.recv(&mut packet) {
                got += 1;
                take(&packet[..length], round, first, &mut sent);
            }
        }
        answers.fetch_add(got, Ordering::Relaxed);
        match stopped_at {
            // The server is dead by now, and what it sent is in the sockets.
            Some(_) if got == 0 => return sent,
            _ => sleep(Duration::from_micros(500)),
        }
    }
}

/// Marks the query an answer belongs to; the answer must be right.
fn take(packet: &[u8], round: usize, first: u64, sent: &mut [Sent]) {
    let answer = wire::read(packet).unwrap();
    let label = &packet[13..13 + usize::from(packet[12])];
    let number: u64 = std::str::from_utf8(&label[1..]).unwrap().parse().unwrap();
    let query = &mut sent[(number - first) as usize];
    assert_eq!(answer.id, number as u16);
    assert_eq!(query.answered, None, "query {number} was answered twice");
    let right = right(number, round);
    assert_eq!((answer.rcode, answer.address), (right.rcode, right.address.map(IpAddr::from)), "{right:?}");
    query.answered = Some(answer.rcode);
}

/// One life of the server under load, from its start to SIGKILL.
fn live_and_die(cordon: &mut Cordon, round: usize, when: When, first: u64) -> Vec<Sent> {
    let (stop, answers) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let server = cordon.addr;
        let (stop, answers) = (&stop, &answers);
        let generator = scope.spawn(move || load(server, round, first, stop, answers));
        cordon.launch().unwrap();
        let sealing = cordon.log_dir().join("parts/sealing.tmp");
        let wait = |what: &str, done: &dyn Fn() -> bool| {
            for _ in 0..600_000 {
                if done() || generator.is_finished() {
                    return;
                }
                sleep(Duration::from_micros(100));
            }
            stop.store(true, Ordering::Relaxed);
            panic!("{what} does not come; cordon says:\n{}", cordon.stderr());
        };
        if let When::Starting(time) = when {
            sleep(time);
        } else {
            wait("an answer", &|| answers.load(Ordering::Relaxed) > 0);
        }
        match when {
            When::Answering(time) => sleep(time),
            // Files of the start's own recovery are past when the first answer is there.
            When::Sealing => wait("a part", &|| sealing.exists()),
            When::Starting(_) | When::FirstAnswer => {}
        }
        cordon.kill();
        stop.store(true, Ordering::Relaxed);
        generator.join().unwrap()
    })
}

#[test]
fn what_was_answered_before_sigkill_is_in_the_log_once() {
    let nsd = Nsd::start(&[("abroad.example", ABROAD_ZONE)]);
    // Started and stopped once, so that the ports are known to be free.
    let mut cordon = start(&nsd);
    assert_eq!(cordon.stop(), Some(0));
    let millis = Duration::from_millis;
    let moments: [When; KILLS] = [
        When::FirstAnswer,
        When::Answering(millis(700)),
        When::Sealing,
        When::Starting(millis(15)),
        When::Starting(millis(40)),
        When::Answering(millis(1_900)),
        When::Starting(millis(90)),
        When::Sealing,
        When::Answering(millis(20)),
    ];
    let mut all_sent: Vec<(usize, Sent)> = Vec::new();
    for (round, when) in moments.into_iter().enumerate() {
        let sent = live_and_die(&mut cordon, round, when, all_sent.len() as u64);
        tell(format!(
            "{when:?}: {} sent, {} answered",
            sent.len(),
            sent.iter().filter(|sent| sent.answered.is_some()).count()
        ));
        all_sent.extend(sent.into_iter().map(|sent| (round, sent)));
    }
    cordon.spawn().unwrap();
    check(&cordon, &all_sent);
    assert_eq!(cordon.stop(), Some(0));
    // The same once everything is sealed.
    check(&cordon, &all_sent);
}

/// The records that a kill came into the middle of, which is the one cause there may be, by lane and number.
fn torn_of(cordon: &Cordon) -> Vec<(u16, u64)> {
    let leaves = std::fs::read_to_string(cordon.log_dir().join("evidence/leaves.jsonl")).unwrap();
    let leaves = leaves.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let gap = |leaf: serde_json::Value| {
        assert_eq!((&leaf["cause"], &leaf["rows"]), (&"torn".into(), &1.into()), "{leaf}");
        (leaf["lane"].as_u64().unwrap() as u16, leaf["first"].as_u64().unwrap())
    };
    leaves.filter(|leaf| leaf["kind"] == "gap").map(gap).collect()
}

/// Every answered query has one row, and that is right in everything that is decided; no query has two; numbers have no holes; the evidence holds.
fn check(cordon: &Cordon, all_sent: &[(usize, Sent)]) {
    let rows = all(cordon);
    let torn = torn_of(cordon);
    assert_no_holes_but(&rows, &torn);
    // A kill takes at most the record that its worker was at, and that query has no answer: see below.
    assert!(torn.len() <= KILLS, "{torn:?}");
    let mut found: Vec<Option<&crate::support::exported::Row>> = vec![None; all_sent.len()];
    for row in &rows {
        let name = row.qname.as_deref().unwrap();
        let number: usize = name[1..name.find('.').unwrap()].parse().unwrap();
        let (round, sent) = &all_sent[number];
        assert_eq!(name, right(sent.number, *round).name);
        assert!(found[number].replace(row).is_none(), "{name} has two rows");
    }
    let mut answered = BTreeMap::new();
    for ((round, sent), row) in all_sent.iter().zip(found) {
        let Some(rcode) = sent.answered else { continue };
        let right = right(sent.number, *round);
        let row = row.unwrap_or_else(|| panic!("{} was answered and has no row", right.name));
        assert_eq!((row.client, &*row.network_zone), (right.client, right.network_zone), "{right:?}");
        assert_eq!((&*row.action, row.rcode), (right.action, Some(u16::from(rcode))), "{right:?}");
        let spoke = (row.category.as_deref(), row.list.as_deref(), row.rule.as_deref());
        assert_eq!(spoke, (right.category, right.list, right.rule.as_deref()), "{right:?}");
        *answered.entry((right.network_zone, right.action, right.category)).or_insert(0) += 1;
    }
    // Every kind of verdict of every network zone was among them.
    let kinds = ["desks", "labs"].map(|zone| answered.keys().filter(|(of, ..)| *of == zone).count());
    assert_eq!(kinds, [4, 4], "{answered:?}");
    let answered: u64 = answered.values().sum();
    let findings = assert_verified(cordon);
    let counted = |key: &str| findings[key].as_u64().unwrap();
    assert_eq!(counted("sealed_rows") + counted("live_rows"), rows.len() as u64);
    // The server that runs may have told of one more since.
    assert!((torn.len()..=KILLS).contains(&(counted("lost_rows") as usize)), "{torn:?}");
    tell(format!("{} sent, {answered} answered, {} rows in {} parts", all_sent.len(), rows.len(), counted("parts")));
    assert!(answered > PACE, "too few answers to mean anything");
}

#[test]
fn a_row_can_be_seen_by_another_process_when_its_answer_has_come() {
    let nsd = Nsd::start(&[("abroad.example", ABROAD_ZONE)]);
    let cordon = start(&nsd);
    for number in 0..8 {
        for zone in ["home", "blocked", "abroad"] {
            let name = format!("seen{number}.{zone}.example");
            let ask = Ask::new(&name, RecordType::A);
            let ask = if number % 2 == 0 { ask } else { ask.tcp() };
            ask.at(cordon.addr);
            // No pause: Q4 says that the record is in the lane before the answer leaves.
            let rows = cordon.rows(&["--name", &name]);
            assert_eq!(rows.len(), 1, "{name}: {rows:?}");
            assert_eq!(rows[0]["action"], if zone == "blocked" { "blocked" } else { "allowed" });
        }
    }
}
