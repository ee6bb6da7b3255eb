//! Clients of others: dig, kdig and dnspython read what Cordon says as it is meant.

use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::rr::RecordType;

use crate::support::client::Ask;
use crate::support::cordon::Cordon;
use crate::support::nsd::Nsd;
use crate::support::python;
use crate::support::rows;

const ZONE: &str = "$ORIGIN example.net.\n$TTL 300\n@ SOA ns hostmaster 1 7200 3600 86400 60\n@ NS ns\nns A 192.0.2.53\n\
                    www A 192.0.2.80\nwww AAAA 2001:db8::80\nbet A 192.0.2.66\n";

fn start() -> (Nsd, Cordon) {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let config = format!(
        "[upstream]\nservers = [\"udp://{}\"]\n\
         [[category]]\nname = \"gambling\"\ntitle = \"Gambling\"\nclause = \"Procedure 5.2\"\nlists = [{{ path = \"gambling.txt\" }}]\n\
         [policy.standard]\nblock = [\"gambling\"]\n\
         [[network_zone]]\nname = \"here\"\nclients = [\"127.0.0.0/8\", \"::1/128\"]\npolicy = \"standard\"\n\
         sinkhole = {{ ipv4 = \"10.1.1.1\", ipv6 = \"fd00::1\", ttl = 10 }}\n",
        nsd.addr
    );
    let cordon = Cordon::start(&config, &[("gambling.txt", "bet.example.net\n")]);
    (nsd, cordon)
}

/// Runs a program with the server's address and port and gives what it prints.
fn run(program: &str, cordon: &Cordon, six: bool, arguments: &[&str]) -> String {
    let door = if six { cordon.addr6 } else { cordon.addr };
    let output = Command::new(program)
        .arg(format!("@{}", door.ip()))
        .args(["-p", &door.port().to_string()])
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program} is needed for this test: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// Queries of a client that are there together.
const AT_ONCE: u16 = 50;

#[test]
fn who_asks_for_much_at_once_gets_every_answer() {
    let (_nsd, cordon) = start();
    let questions = [
        ("www.example.net", RecordType::A, "192.0.2.80"),
        ("bet.example.net", RecordType::AAAA, "fd00::1"),
        ("www.example.net", RecordType::AAAA, "2001:db8::80"),
        ("bet.example.net", RecordType::A, "10.1.1.1"),
    ];
    for door in [cordon.addr, cordon.addr6] {
        let clients: Vec<UdpSocket> = (0..3)
            .map(|_| {
                let client = UdpSocket::bind((door.ip(), 0)).unwrap();
                client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                client.connect(door).unwrap();
                client
            })
            .collect();
        // The first time by way of the upstream, and then from the cache. Stopped, so that all of it is there when it looks.
        for _ in 0..2 {
            cordon.signal(libc::SIGSTOP);
            for id in 0..AT_ONCE {
                let (name, kind, _) = questions[usize::from(id) % questions.len()];
                let query = Ask::new(name, kind).wire(id);
                clients.iter().for_each(|client| assert_eq!(client.send(&query).unwrap(), query.len()));
            }
            cordon.signal(libc::SIGCONT);
            for client in &clients {
                let mut awaited: BTreeSet<u16> = (0..AT_ONCE).collect();
                while !awaited.is_empty() {
                    let mut octets = [0; 4096];
                    let length =
                        client.recv(&mut octets).unwrap_or_else(|error| panic!("{error}: {awaited:?} from {door}"));
                    let message = Message::from_vec(&octets[..length]).unwrap();
                    let id = message.metadata.id;
                    assert!(awaited.remove(&id), "{id} came twice");
                    let (name, kind, address) = questions[usize::from(id) % questions.len()];
                    assert_eq!(message.queries[0].name().to_ascii(), format!("{name}."));
                    assert_eq!((message.queries[0].query_type(), message.answers.len()), (kind, 1));
                    assert_eq!(message.answers[0].data.to_string(), address);
                }
            }
        }
    }
}

const TOLD: &str = "Gambling; Procedure 5.2; ref 1/gambling/gambling.txt:1";

#[test]
fn dig_sees_answers_blocks_and_why() {
    let (_nsd, cordon) = start();
    for six in [false, true] {
        for how in ["+notcp", "+tcp"] {
            let allowed = run("dig", &cordon, six, &[how, "www.example.net", "A"]);
            assert!(allowed.contains("status: NOERROR") && allowed.contains("192.0.2.80"), "{allowed}");
            assert!(!allowed.contains("WARNING") && !allowed.contains("EDE"), "{allowed}");
            let blocked = run("dig", &cordon, six, &[how, "bet.example.net", "A"]);
            assert!(blocked.contains("EDE: 15 (Blocked)") && blocked.contains(TOLD), "{blocked}");
            assert!(blocked.contains("10\tIN\tA\t10.1.1.1"), "{blocked}");
            assert!(!blocked.contains("WARNING"), "{blocked}");
            let nodata = run("dig", &cordon, six, &[how, "+dnssec", "+cdflag", "bet.example.net", "HTTPS"]);
            assert!(nodata.contains("ANSWER: 0, AUTHORITY: 1") && nodata.contains("flags: do;"), "{nodata}");
        }
    }
    let plain = run("dig", &cordon, false, &["+noedns", "bet.example.net", "AAAA"]);
    assert!(plain.contains("fd00::1") && !plain.contains("OPT PSEUDOSECTION"), "{plain}");
    let badvers = run("dig", &cordon, false, &["+edns=1", "+noednsneg", "www.example.net"]);
    assert!(badvers.contains("status: BADVERS"), "{badvers}");
    // A cookie and unknown options are no reason not to answer (RFC 6891 section 6.1.2).
    let options = run(
        "dig",
        &cordon,
        false,
        &["+cookie", "+nsid", "+ednsopt=65001:abcd", "+subnet=10.0.0.0/8", "www.example.net"],
    );
    assert!(options.contains("status: NOERROR") && options.contains("192.0.2.80"), "{options}");
    let row = rows::last(&cordon.log_dir(), "bet.example.net");
    assert_eq!((&row["qtype"], &row["answer"]), (&"AAAA".into(), &"fd00::1".into()), "{row}");
}

#[test]
fn kdig_keeps_a_connection_open_for_several_questions() {
    let (_nsd, cordon) = start();
    for six in [false, true] {
        let before = rows::every(&cordon.log_dir()).len();
        let text = run(
            "kdig",
            &cordon,
            six,
            &[
                "+tcp",
                "+keepopen",
                "+edns",
                "www.example.net",
                "A",
                "bet.example.net",
                "A",
                "www.example.net",
                "AAAA",
                "nothing.example.net",
            ],
        );
        for expected in ["192.0.2.80", "10.1.1.1", "2001:db8::80", "status: NXDOMAIN", TOLD] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        let rows = rows::every(&cordon.log_dir());
        let rows = &rows[..rows.len() - before];
        assert_eq!(rows.len(), 4);
        assert!(rows.iter().all(|row| row["transport"] == "tcp"));
        assert!(rows.iter().all(|row| row["client_port"] == rows[0]["client_port"]), "one connection: {rows:?}");
    }
    let udp = run("kdig", &cordon, false, &["+edns", "bet.example.net", "A"]);
    assert!(udp.contains("15 (Blocked)") || udp.contains("Code 15"), "{udp}");
    assert!(udp.contains(TOLD), "{udp}");
}

/// Asks over UDP and TCP with dnspython and prints what came as one JSON object.
const PYTHON: &str = r#"
import json, sys
import dns.edns, dns.flags, dns.message, dns.query, dns.rcode
host, port = sys.argv[1], int(sys.argv[2])
told = []
for ask in (dns.query.udp, dns.query.tcp):
    for name, kind in (("wWw.example.NET.", "A"), ("BET.example.net.", "A"), ("bet.example.net.", "MX")):
        query = dns.message.make_query(name, kind, use_edns=0, payload=1232, want_dnssec=True)
        answer = ask(query, host, port=port, timeout=5)
        assert query.is_response(answer)
        told.append({
            "rcode": dns.rcode.to_text(answer.rcode()),
            "answers": [item.to_text() for rrset in answer.answer for item in rrset],
            "soa": [rrset.name.to_text() for rrset in answer.authority],
            "ede": [[option.code, option.text] for option in answer.options if isinstance(option, dns.edns.EDEOption)],
            "payload": answer.payload,
        })
print(json.dumps(told))
"#;

#[test]
fn dnspython_reads_what_is_meant() {
    let (_nsd, cordon) = start();
    for door in [cordon.addr, cordon.addr6] {
        let output = Command::new(python::interpreter())
            .args(["-c", PYTHON, &door.ip().to_string(), &door.port().to_string()])
            .output()
            .expect("the interpreter runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let ede = serde_json::json!([[15, TOLD]]);
        for n in [0, 3] {
            let [allowed, blocked, nodata] = [&told[n], &told[n + 1], &told[n + 2]];
            assert_eq!(
                (&allowed["answers"], &allowed["ede"]),
                (&serde_json::json!(["192.0.2.80"]), &serde_json::json!([]))
            );
            assert_eq!((&blocked["answers"], &blocked["ede"]), (&serde_json::json!(["10.1.1.1"]), &ede));
            assert_eq!((&nodata["answers"], &nodata["ede"]), (&serde_json::json!([]), &ede));
            assert_eq!(nodata["soa"], serde_json::json!(["bet.example.net."]));
            assert!(told.as_array().unwrap().iter().all(|one| one["rcode"] == "NOERROR" && one["payload"] == 1232));
        }
    }
}
