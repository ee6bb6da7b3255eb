//! Ways round a block: flags, transports, names below, letters, aliases. None of them is one.

use std::net::IpAddr;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;
use serde_json::Value;

use crate::support::client::{Ask, addresses, extended_error};
use crate::support::cordon::Cordon;
use crate::support::nsd::Nsd;
use crate::support::rows;

/// Blocked names, and aliases and services that lead to them, all answered by the upstream as if nothing were wrong.
const ZONE: &str = "$ORIGIN example.net.\n$TTL 300\n@ SOA ns hostmaster 1 7200 3600 86400 60\n@ NS ns\nns A 192.0.2.53\n\
    www A 192.0.2.80\nwww AAAA 2001:db8::80\nbet A 192.0.2.66\nbet AAAA 2001:db8::66\n*.bet A 192.0.2.66\n\
    direct CNAME bet\nfirst CNAME second\nsecond CNAME third\nthird CNAME cdn.bet\nharmless CNAME www\n\
    service HTTPS 1 cdn.bet alpn=h2\nservice SVCB 1 bet\nalias-mode HTTPS 0 bet\nown HTTPS 1 . alpn=h2\n\
    both HTTPS 1 www alpn=h2\nboth HTTPS 2 bet alpn=h2\nmail MX 10 bet\npermitted CNAME bet\n\
    search A 192.0.2.10\nsafe A 192.0.2.11\nsafe AAAA 2001:db8::11\n";

const LISTS: &[(&str, &str)] = &[("gambling.txt", "bet.example.net\n")];

fn config(nsd: &Nsd, more: &str) -> String {
    format!(
        "[upstream]\nservers = [\"udp://{}\"]\n\
         [[category]]\nname = \"gambling\"\ntitle = \"Gambling\"\nlists = [{{ path = \"gambling.txt\" }}]\n\
         [policy.sink]\nblock = [\"gambling\"]\nallow = [\"permitted.example.net\"]\n\
         [policy.nx]\nblock = [\"gambling\"]\nresponse = \"nxdomain\"\n\
         [[network_zone]]\nname = \"sink\"\nclients = [\"127.0.0.0/24\", \"::1/128\"]\npolicy = \"sink\"\n\
         sinkhole = {{ ipv4 = \"10.1.1.1\", ipv6 = \"fd00::1\", ttl = 10 }}\n\
         [[network_zone]]\nname = \"nx\"\nclients = [\"127.0.1.0/24\"]\npolicy = \"nx\"\n{more}",
        nsd.addr
    )
}

fn ip(text: &str) -> Vec<IpAddr> {
    vec![text.parse().unwrap()]
}

fn is_sinkholed(message: &Message) -> bool {
    message.metadata.response_code == ResponseCode::NoError && addresses(message) == ip("10.1.1.1")
}

#[test]
fn a_block_holds_under_every_flag_and_transport() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let cordon = Cordon::start(&config(&nsd, ""), LISTS);
    let mut asked = 0;
    for name in ["bet.example.net.", "a.b.c.bet.example.net.", "bEt.ExAmPlE.NeT.", "X.BET.example.net."] {
        for bits in 0..16 {
            let (rd, ad, cd, dnssec_ok) = (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0, bits & 8 != 0);
            for (from, tcp) in [("127.0.0.1", false), ("127.0.0.1", true), ("::1", false), ("::1", true)] {
                let ask = Ask { rd, ad, cd, dnssec_ok, tcp, ..Ask::new(name, RecordType::A).from(from) };
                let answer = ask.at(if from == "::1" { cordon.addr6 } else { cordon.addr });
                let case = format!("{ask:?}: {answer:?}");
                assert!(is_sinkholed(&answer), "{case}");
                assert_eq!(extended_error(&answer).map(|(code, _)| code), Some(15), "{case}");
                assert_eq!((answer.metadata.recursion_desired, answer.metadata.checking_disabled), (rd, cd), "{case}");
                assert!(!answer.metadata.authentic_data, "{case}");
                assert_eq!(answer.edns.as_ref().unwrap().flags().dnssec_ok, dnssec_ok, "{case}");
                asked += 1;
            }
            for tcp in [false, true] {
                let ask = Ask { rd, ad, cd, dnssec_ok, tcp, ..Ask::new(name, RecordType::AAAA).from("127.0.1.1") };
                let answer = ask.at(cordon.addr);
                assert_eq!(answer.metadata.response_code, ResponseCode::NXDomain, "{ask:?}: {answer:?}");
                assert!(answer.answers.is_empty() && answer.authorities.len() == 1, "{ask:?}: {answer:?}");
                asked += 1;
            }
        }
    }
    let every = rows::every(&cordon.log_dir());
    assert_eq!(every.len(), asked, "each query has its row");
    for row in &every {
        assert_eq!((&row["action"], &row["rule"]), (&"blocked".into(), &"1:bet.example.net".into()), "{row}");
    }
    for (transport, clients) in [("udp", ["127.0.0.1", "::1"]), ("tcp", ["127.0.0.1", "::1"])] {
        for client in clients {
            let count = every.iter().filter(|row| row["transport"] == transport && row["client"] == client).count();
            assert_eq!(count, 4 * 16, "{transport} {client}");
        }
    }
}

/// What a row says of an answer that led to a blocked name.
fn led(row: &Value, by: &str) {
    assert_eq!(row["action"], "blocked", "{row}");
    assert_eq!((&row["category"], &row["list"]), (&"gambling".into(), &"gambling/gambling.txt".into()), "{row}");
    assert_eq!(row["rule"], by, "{row}");
    assert_eq!(row["ede"], 15, "{row}");
}

#[test]
fn an_upstreams_alias_or_service_that_leads_to_a_blocked_name_is_blocked_whole() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let cordon = Cordon::start(&config(&nsd, ""), LISTS);
    for round in ["fetched", "cached"] {
        for name in ["direct", "first", "second", "third"] {
            for kind in [RecordType::A, RecordType::CNAME, RecordType::AAAA, RecordType::TXT] {
                if kind == RecordType::CNAME && matches!(name, "first" | "second") {
                    continue; // leads to another alias, which is judged when it is asked for
                }
                for (cd, dnssec_ok) in [(false, false), (true, true)] {
                    let answer =
                        Ask { cd, dnssec_ok, ..Ask::new(&format!("{name}.example.net."), kind) }.at(cordon.addr);
                    let case = format!("{round} {name} {kind}: {answer:?}");
                    let sinkhole = match kind {
                        RecordType::A => ip("10.1.1.1"),
                        RecordType::AAAA => ip("fd00::1"),
                        _ => vec![],
                    };
                    assert_eq!(
                        (addresses(&answer), answer.answers.len()),
                        (sinkhole.clone(), sinkhole.len()),
                        "{case}"
                    );
                    assert_eq!(answer.authorities.len(), sinkhole.is_empty() as usize, "{case}");
                    assert_eq!(extended_error(&answer).unwrap().0, 15, "{case}");
                    led(&rows::last(&cordon.log_dir(), &format!("{name}.example.net")), "1:bet.example.net");
                }
            }
        }
        for (name, kind) in [
            ("service", RecordType::HTTPS),
            ("service", RecordType::SVCB),
            ("alias-mode", RecordType::HTTPS),
            ("both", RecordType::HTTPS),
        ] {
            let answer = Ask::new(&format!("{name}.example.net."), kind).at(cordon.addr);
            assert!(answer.answers.is_empty() && answer.additionals.is_empty(), "{round} {name} {kind}: {answer:?}");
            led(&rows::last(&cordon.log_dir(), &format!("{name}.example.net")), "1:bet.example.net");
        }
    }
    // The same answers, for a client whose policy answers otherwise: the cache holds no verdict.
    let answer = Ask::new("first.example.net.", RecordType::A).from("127.0.1.1").at(cordon.addr);
    assert_eq!(answer.metadata.response_code, ResponseCode::NXDomain);
}

#[test]
fn an_alias_or_service_that_leads_to_an_allowed_name_is_answered() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let cordon = Cordon::start(&config(&nsd, ""), LISTS);
    for _ in ["fetched", "cached"] {
        let answer = Ask::new("harmless.example.net.", RecordType::A).at(cordon.addr);
        assert_eq!((answer.answers.len(), addresses(&answer)), (2, ip("192.0.2.80")));
        assert_eq!(Ask::new("own.example.net.", RecordType::HTTPS).at(cordon.addr).answers.len(), 1);
        // Where mail goes is no place a browser is led to.
        assert_eq!(Ask::new("mail.example.net.", RecordType::MX).at(cordon.addr).answers.len(), 1);
        // A name that the policy itself allows speaks for where it leads, too.
        let answer = Ask::new("permitted.example.net.", RecordType::A).at(cordon.addr);
        assert_eq!(addresses(&answer), ip("192.0.2.66"), "{answer:?}");
    }
    assert_eq!(rows::last(&cordon.log_dir(), "permitted.example.net")["action"], "allowed");
}

/// Rewrites of every kind, and local zones that lead into one another, out, and to blocked names.
const REWRITES: &str = "[policy.rewriting]\nblock = [\"gambling\"]\n\
    [policy.rewriting.rewrite]\n\"search.example.net\" = \"safe.example.net\"\n\"luck.example.net\" = \"cdn.bet.example.net\"\n\
    \"alias.example.net\" = \"direct.example.net\"\n\"one.example.net\" = \"two.example.net\"\n\"two.example.net\" = \"safe.example.net\"\n\
    \"fixed.example.net\" = [\"192.0.2.7\", \"2001:db8::7\"]\n\"to-fixed.example.net\" = \"fixed.example.net\"\n\
    \"home.example.net\" = \"www.intranet.example\"\n\"away.example.net\" = \"printer.local\"\n\"gone.example.net\" = \"nothing.example.net\"\n\
    [[network_zone]]\nname = \"rewriting\"\nclients = [\"127.0.2.0/24\"]\npolicy = \"rewriting\"\n\
    sinkhole = { ipv4 = \"10.1.1.1\" }\n\
    [[local_zone]]\nname = \"intranet.example\"\nfile = \"intranet.zone\"\n\
    [[local_zone]]\nname = \"filtered.example\"\nfile = \"filtered.zone\"\nfilter = true\n\
    [[local_zone]]\nname = \"other.example\"\nfile = \"other.zone\"\n";

const INTRANET: &str = "$TTL 60\n@ SOA ns hostmaster 1 2 3 4 5\n@ NS ns\nns A 10.0.0.1\nwww A 10.0.0.2\n\
    partner CNAME www.example.net.\nluck CNAME bet.example.net.\nhidden CNAME first.example.net.\ncross CNAME www.other.example.\n\
    hop CNAME there.other.example.\nround CNAME round.other.example.\nsearch CNAME search.example.net.\n";
const OTHER: &str = "$TTL 60\n@ SOA ns hostmaster 1 2 3 4 5\n@ NS ns\nns A 10.0.0.1\nwww A 10.0.0.3\n\
    there CNAME www.example.net.\nround CNAME round.intranet.example.\n";

fn rewriting(nsd: &Nsd) -> Cordon {
    let files = [LISTS[0], ("intranet.zone", INTRANET), ("filtered.zone", INTRANET), ("other.zone", OTHER)];
    Cordon::start(&config(nsd, REWRITES), &files)
}

fn at(cordon: &Cordon, name: &str, kind: RecordType) -> Message {
    Ask::new(name, kind).from("127.0.2.1").at(cordon.addr)
}

#[test]
fn a_rewritten_name_is_resolved_and_judged_at_its_target() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let cordon = rewriting(&nsd);
    for _ in ["fetched", "cached"] {
        let answer = at(&cordon, "search.example.net.", RecordType::A);
        assert_eq!(addresses(&answer), ip("192.0.2.11"), "{answer:?}");
        assert_eq!(answer.answers[0].data.to_string(), "safe.example.net.");
        assert_eq!(addresses(&at(&cordon, "search.example.net.", RecordType::AAAA)), ip("2001:db8::11"));
        let row = rows::last(&cordon.log_dir(), "search.example.net");
        assert_eq!(
            (&row["action"], &row["rule"]),
            (&"allowed".into(), &"policy.rewriting.rewrite search.example.net".into()),
            "{row}"
        );
        for name in ["luck.example.net.", "alias.example.net."] {
            let answer = at(&cordon, name, RecordType::A);
            assert!(is_sinkholed(&answer), "{name}: {answer:?}");
            led(&rows::last(&cordon.log_dir(), name.trim_end_matches('.')), "1:bet.example.net");
        }
        let fixed = at(&cordon, "fixed.example.net.", RecordType::A);
        assert_eq!(addresses(&fixed), ip("192.0.2.7"));
        assert_eq!(addresses(&at(&cordon, "fixed.example.net.", RecordType::AAAA)), ip("2001:db8::7"));
        let none = at(&cordon, "fixed.example.net.", RecordType::TXT);
        assert_eq!(
            (none.metadata.response_code, none.answers.len(), none.authorities.len()),
            (ResponseCode::NoError, 0, 1)
        );
        assert_eq!(addresses(&at(&cordon, "home.example.net.", RecordType::A)), ip("10.0.0.2"));
        let gone = at(&cordon, "gone.example.net.", RecordType::A);
        assert_eq!((gone.metadata.response_code, gone.answers.len()), (ResponseCode::NXDomain, 1), "{gone:?}");
    }
}

#[test]
fn a_rewrite_that_leads_to_a_rewritten_name_goes_on() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let cordon = rewriting(&nsd);
    let answer = at(&cordon, "one.example.net.", RecordType::A);
    assert_eq!(addresses(&answer), ip("192.0.2.11"), "{answer:?}");
    assert_eq!(answer.answers.len(), 3, "{answer:?}");
    let answer = at(&cordon, "to-fixed.example.net.", RecordType::A);
    assert_eq!(addresses(&answer), ip("192.0.2.7"), "{answer:?}");
    let answer = at(&cordon, "one.example.net.", RecordType::CNAME);
    assert_eq!((answer.answers.len(), answer.authorities.len()), (1, 0), "the alias itself: {answer:?}");
    // SafeSearch cannot be gone round by an alias of a local zone.
    assert_eq!(addresses(&at(&cordon, "search.intranet.example.", RecordType::A)), ip("192.0.2.11"));
}

#[test]
fn any_for_a_rewritten_name_is_answered_with_hinfo() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let cordon = rewriting(&nsd);
    for name in ["search.example.net.", "fixed.example.net.", "www.intranet.example."] {
        let answer = at(&cordon, name, RecordType::ANY);
        assert_eq!(answer.answers.len(), 1, "{name}: {answer:?}");
        assert_eq!(answer.answers[0].record_type(), RecordType::HINFO, "{name}: {answer:?}");
    }
}

#[test]
fn rewrites_in_a_circle_are_refused_before_they_are_in_force() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let cordon = rewriting(&nsd);
    let round =
        "[policy.round.rewrite]\n\"a.example.net\" = \"b.example.net\"\n\"b.example.net\" = \"a.example.net\"\n";
    cordon.write_config(&format!("{}{round}", config(&nsd, REWRITES)));
    let status = cordon.reload();
    assert_eq!((&status["generation"], &status["last_reload"]["result"]), (&1.into(), &"failed".into()));
    assert!(status["last_reload"]["error"].as_str().unwrap().contains("leads back to itself"), "{status}");
}

#[test]
fn a_local_zones_alias_is_judged_where_it_leads() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let cordon = rewriting(&nsd);
    for zone in ["intranet.example", "filtered.example"] {
        for _ in ["fetched", "cached"] {
            let answer = at(&cordon, &format!("partner.{zone}."), RecordType::A);
            assert_eq!((addresses(&answer), answer.answers.len()), (ip("192.0.2.80"), 2), "{answer:?}");
            assert!(answer.metadata.authoritative, "of the first name we are the authority (RFC 1035 section 4.1.1)");
            for name in ["luck", "hidden"] {
                let answer = at(&cordon, &format!("{name}.{zone}."), RecordType::A);
                assert!(is_sinkholed(&answer), "{name}.{zone}: {answer:?}");
                led(&rows::last(&cordon.log_dir(), &format!("{name}.{zone}")), "1:bet.example.net");
            }
            assert_eq!(addresses(&at(&cordon, &format!("cross.{zone}."), RecordType::A)), ip("10.0.0.3"));
            let answer = at(&cordon, &format!("hop.{zone}."), RecordType::A);
            assert_eq!((addresses(&answer), answer.answers.len()), (ip("192.0.2.80"), 3), "{answer:?}");
        }
    }
    let answer = at(&cordon, "round.intranet.example.", RecordType::A);
    assert_eq!(answer.metadata.response_code, ResponseCode::ServFail);
    assert!(extended_error(&answer).unwrap().1.contains("too many aliases"), "{answer:?}");
    assert_eq!(rows::last(&cordon.log_dir(), "round.intranet.example")["action"], "failed");
}

#[test]
fn an_alias_to_a_special_name_does_not_go_upstream() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let cordon = rewriting(&nsd);
    let answer = at(&cordon, "away.example.net.", RecordType::A);
    assert_eq!(answer.metadata.response_code, ResponseCode::ServFail, "{answer:?}");
    assert!(extended_error(&answer).unwrap().1.contains("RFC 6762"), "{answer:?}");
}
