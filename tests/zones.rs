//! Who is decided by what: network zones, groups and times; and zones that are answered here or elsewhere.

use std::net::IpAddr;

use cordon::moment::Clock;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;

use crate::support::client::{Ask, addresses};
use crate::support::cordon::Cordon;
use crate::support::nsd::Nsd;
use crate::support::rows;

const ZONE: &str = "$ORIGIN example.net.\n$TTL 300\n@ SOA ns hostmaster 1 7200 3600 86400 60\n@ NS ns\nns A 192.0.2.53\n\
                    www A 192.0.2.80\nbet A 192.0.2.66\nchat A 192.0.2.67\nfilm A 192.0.2.68\n";

const LISTS: &[(&str, &str)] = &[
    ("gambling.txt", "bet.example.net\nbets.intranet.example\nbets.force.example\n"),
    ("chat.txt", "chat.example.net\n"),
    ("film.txt", "film.example.net\n"),
];

fn categories(nsd: &Nsd) -> String {
    let mut config = format!("[upstream]\nservers = [\"udp://{}\"]\n", nsd.addr);
    for name in ["gambling", "chat", "film"] {
        config += &format!("[[category]]\nname = \"{name}\"\nlists = [{{ path = \"{name}.txt\" }}]\n");
    }
    config
}

fn ip(text: &str) -> Vec<IpAddr> {
    vec![text.parse().unwrap()]
}

fn at(cordon: &Cordon, from: &str, name: &str, kind: RecordType) -> Message {
    let door = if from.contains(':') { cordon.addr6 } else { cordon.addr };
    Ask::new(name, kind).from(from).at(door)
}

#[test]
fn the_longest_prefix_decides_policy_and_sinkhole() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let zone = |name: &str, clients: &str, policy: &str, n: u8| {
        format!(
            "[[network_zone]]\nname = \"{name}\"\nclients = [{clients}]\npolicy = \"{policy}\"\n\
             sinkhole = {{ ipv4 = \"10.1.1.{n}\", ipv6 = \"fd00::{n}\", ttl = {n} }}\n"
        )
    };
    let config = [
        categories(&nsd),
        "[policy.strict]\nblock = [\"gambling\", \"chat\"]\n[policy.mild]\nblock = [\"gambling\"]\nmonitor = [\"chat\"]\n\
         [policy.open]\n"
            .to_owned(),
        zone("all", "\"127.0.0.0/8\"", "strict", 1),
        zone("office", "\"127.0.1.0/24\", \"::1/128\"", "mild", 2),
        zone("lab", "\"127.0.1.128/25\", \"127.0.2.0/24\"", "open", 3),
        zone("desk", "\"127.0.1.200/32\"", "strict", 4),
    ]
    .concat();
    let cordon = Cordon::start(&config, LISTS);
    let (bet, chat) = ("192.0.2.66", "192.0.2.67");
    for (client, network_zone, on_bet, on_chat) in [
        ("127.0.0.1", "all", "10.1.1.1", "10.1.1.1"),
        ("127.3.2.1", "all", "10.1.1.1", "10.1.1.1"),
        ("127.0.1.1", "office", "10.1.1.2", chat),
        ("127.0.1.127", "office", "10.1.1.2", chat),
        ("::1", "office", "10.1.1.2", chat),
        ("127.0.1.128", "lab", bet, chat),
        ("127.0.2.9", "lab", bet, chat),
        ("127.0.1.200", "desk", "10.1.1.4", "10.1.1.4"),
    ] {
        for (name, expected) in [("bet.example.net", on_bet), ("chat.example.net", on_chat)] {
            let answer = at(&cordon, client, &format!("{name}."), RecordType::A);
            assert_eq!(addresses(&answer), ip(expected), "{client} {name}");
            let row = rows::last(&cordon.log_dir(), name);
            assert_eq!((&row["client"], &row["network_zone"]), (&client.into(), &network_zone.into()), "{row}");
            let action = match (network_zone, name, expected.starts_with("10.")) {
                (_, _, true) => "blocked",
                ("office", "chat.example.net", _) => "monitored",
                _ => "allowed",
            };
            assert_eq!(row["action"], action, "{row}");
        }
    }
    let answer = at(&cordon, "127.0.1.1", "bet.example.net.", RecordType::AAAA);
    assert_eq!((addresses(&answer), answer.answers[0].ttl), (ip("fd00::2"), 2));
    let blocked =
        |zone: &str| cordon.metric(&format!("cordon_blocked_total{{network_zone=\"{zone}\",category=\"gambling\"}}"));
    assert_eq!((blocked("desk"), blocked("office"), blocked("lab")), (1.0, 4.0, 0.0));
}

const INTRANET: &str = "$TTL 3600\n@ SOA ns hostmaster 1 7200 3600 1209600 300\n@ NS ns\nns A 10.0.0.1\n\
    www CNAME web\nweb 600 A 10.0.0.80\nbets A 10.0.0.66\nto-bets CNAME bets\n*.wild A 10.0.0.100\n\
    exists.wild TXT \"here\"\ncut NS ns.cut\nns.cut A 10.0.0.54\nto-cut CNAME www.cut\nfar CNAME bet.example.net.\n";

fn with_local_zones(nsd: &Nsd, more: &str) -> Cordon {
    let config = format!(
        "{}[policy.standard]\nblock = [\"gambling\"]\n\
         [[network_zone]]\nname = \"here\"\nclients = [\"127.0.0.0/8\"]\npolicy = \"standard\"\n\
         sinkhole = {{ ipv4 = \"10.1.1.1\" }}\n\
         [[local_zone]]\nname = \"intranet.example\"\nfile = \"intranet.zone\"\n{more}",
        categories(nsd)
    );
    let mut files = LISTS.to_vec();
    files.push(("intranet.zone", INTRANET));
    Cordon::start(&config, &files)
}

#[test]
fn a_local_zone_is_answered_with_authority() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let cordon = with_local_zones(&nsd, "");
    let ask = |name: &str, kind| at(&cordon, "127.0.0.1", &format!("{name}intranet.example."), kind);
    let web = ask("web.", RecordType::A);
    assert_eq!((addresses(&web), web.answers[0].ttl), (ip("10.0.0.80"), 600));
    assert!(web.metadata.authoritative && web.metadata.recursion_available);
    let alias = ask("www.", RecordType::A);
    assert_eq!((addresses(&alias), alias.answers.len()), (ip("10.0.0.80"), 2));
    assert_eq!(addresses(&ask("x.y.wild.", RecordType::A)), ip("10.0.0.100"));
    assert_eq!(ask("SOA.", RecordType::A).metadata.response_code, ResponseCode::NXDomain);
    for (name, kind, code) in [
        ("nothing.", RecordType::A, ResponseCode::NXDomain),
        ("web.", RecordType::AAAA, ResponseCode::NoError),
        ("exists.wild.", RecordType::A, ResponseCode::NoError),
        ("wild.", RecordType::A, ResponseCode::NoError),
        ("nothing.", RecordType::ANY, ResponseCode::NXDomain),
        ("wild.", RecordType::ANY, ResponseCode::NoError),
    ] {
        let answer = ask(name, kind);
        assert_eq!(answer.metadata.response_code, code, "{name}");
        assert!(answer.metadata.authoritative && answer.answers.is_empty(), "{name}: {answer:?}");
        let [soa] = answer.authorities.as_slice() else { panic!("{name}: {answer:?}") };
        assert_eq!((soa.name.to_string().as_str(), soa.ttl), ("intranet.example.", 300), "{name}");
    }
    // Of a name that is there ANY tells no more than that (RFC 8482).
    for name in ["", "web.", "www.", "x.y.wild.", "far."] {
        let any = ask(name, RecordType::ANY);
        assert!(any.metadata.authoritative && any.authorities.is_empty(), "{name}: {any:?}");
        let [hinfo] = any.answers.as_slice() else { panic!("{name}: {any:?}") };
        assert_eq!(hinfo.record_type(), RecordType::HINFO, "{name}");
    }
    let cut = ask("www.cut.", RecordType::ANY);
    assert!(!cut.metadata.authoritative && cut.answers.is_empty() && cut.authorities.len() == 1, "{cut:?}");
    let row = rows::last(&cordon.log_dir(), "web.intranet.example");
    assert_eq!((&row["source"], &row["rule"]), (&"local".into(), &"local_zone intranet.example".into()), "{row}");
}

#[test]
fn a_delegation_of_a_local_zone_is_a_referral_without_authority() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let cordon = with_local_zones(&nsd, "");
    let answer = at(&cordon, "127.0.0.1", "www.cut.intranet.example.", RecordType::A);
    assert_eq!((answer.metadata.response_code, answer.answers.len()), (ResponseCode::NoError, 0));
    assert_eq!(answer.authorities[0].data.to_string(), "ns.cut.intranet.example.", "{answer:?}");
    assert_eq!(answer.additionals.len(), 1, "{answer:?}");
    assert!(!answer.metadata.authoritative, "{answer:?}");
    let alias = at(&cordon, "127.0.0.1", "to-cut.intranet.example.", RecordType::A);
    assert!(alias.metadata.authoritative && alias.answers.len() == 1, "{alias:?}");
}

#[test]
fn a_forward_zone_below_a_local_zone_is_asked_there() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let below =
        "$ORIGIN cut.intranet.example.\n$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 10.0.0.54\nwww A 10.0.0.55\n";
    let second = Nsd::start(&[("cut.intranet.example", below)]);
    let forward = format!("[[forward_zone]]\nname = \"cut.intranet.example\"\nservers = [\"udp://{}\"]\n", second.addr);
    let cordon = with_local_zones(&nsd, &forward);
    let answer = at(&cordon, "127.0.0.1", "www.cut.intranet.example.", RecordType::A);
    assert_eq!(addresses(&answer), ip("10.0.0.55"), "{answer:?}");
    assert!(!answer.metadata.authoritative);
    assert_eq!(addresses(&at(&cordon, "127.0.0.1", "web.intranet.example.", RecordType::A)), ip("10.0.0.80"));
}

#[test]
fn a_local_zone_is_judged_only_with_filter() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let filtered = Cordon::start(
        &format!(
            "{}[policy.standard]\nblock = [\"gambling\"]\n\
             [[network_zone]]\nname = \"here\"\nclients = [\"127.0.0.0/8\"]\npolicy = \"standard\"\n\
             sinkhole = {{ ipv4 = \"10.1.1.1\" }}\n\
             [[local_zone]]\nname = \"intranet.example\"\nfile = \"intranet.zone\"\nfilter = true\n",
            categories(&nsd)
        ),
        &[LISTS[0], LISTS[1], LISTS[2], ("intranet.zone", INTRANET)],
    );
    let free = with_local_zones(&nsd, "");
    for (name, expected) in [("bets", "10.0.0.66"), ("to-bets", "10.0.0.66")] {
        let name = format!("{name}.intranet.example.");
        assert_eq!(addresses(&at(&free, "127.0.0.1", &name, RecordType::A)), ip(expected), "{name} without filter");
        assert_eq!(addresses(&at(&filtered, "127.0.0.1", &name, RecordType::A)), ip("10.1.1.1"), "{name} with filter");
    }
    for cordon in [&free, &filtered] {
        assert_eq!(addresses(&at(cordon, "127.0.0.1", "web.intranet.example.", RecordType::A)), ip("10.0.0.80"));
        // Leaving the zone is leaving what is ours: policy judges.
        assert_eq!(addresses(&at(cordon, "127.0.0.1", "far.intranet.example.", RecordType::A)), ip("10.1.1.1"));
    }
    assert_eq!(rows::last(&filtered.log_dir(), "web.intranet.example")["source"], "local");
}

#[test]
fn a_forward_zone_is_asked_elsewhere_and_judged_only_with_filter() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let inside = "$ORIGIN force.example.\n$TTL 300\n@ SOA ns hostmaster 1 7200 3600 86400 60\n@ NS ns\nns A 10.2.0.53\n\
                  www A 10.2.0.80\nbets A 10.2.0.66\nto-bets CNAME bets\nfar CNAME bet.example.net.\n";
    let second = Nsd::start(&[("force.example", inside)]);
    for filter in [false, true] {
        let forward = format!(
            "[[forward_zone]]\nname = \"force.example\"\nservers = [\"udp://{}\"]\nfilter = {filter}\n",
            second.addr
        );
        let cordon = with_local_zones(&nsd, &forward);
        let ask = |name: &str| addresses(&at(&cordon, "127.0.0.1", name, RecordType::A));
        assert_eq!(ask("www.force.example."), ip("10.2.0.80"));
        let row = rows::last(&cordon.log_dir(), "www.force.example");
        assert_eq!(row["upstream"], format!("udp://{}", second.addr), "{row}");
        let bets = if filter { ip("10.1.1.1") } else { ip("10.2.0.66") };
        for _ in ["fetched", "cached"] {
            assert_eq!(ask("bets.force.example."), bets, "filter = {filter}");
            assert_eq!(ask("to-bets.force.example."), bets, "filter = {filter}");
            assert_eq!(ask("far.force.example."), ip("10.1.1.1"), "filter = {filter}");
        }
        assert_eq!(ask("www.example.net."), ip("192.0.2.80"));
        let row = rows::last(&cordon.log_dir(), "www.example.net");
        assert_eq!(row["upstream"], format!("udp://{}", nsd.addr), "{row}");
    }
}

#[test]
fn timed_entries_hold_in_their_windows_only() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let today = Clock::Real.now().timestamp().to_zoned(jiff::tz::TimeZone::UTC).weekday();
    // Three days away from today on both sides, whatever the hour.
    let far = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][(today.to_monday_zero_offset() as usize + 3) % 7];
    let config = format!(
        "{}[policy.standard]\nblock = [\"gambling\", \"chat\"]\n\
         [[policy.standard.timed]]\ncategories = [\"chat\"]\nduring = \"always\"\naction = \"allow\"\n\
         [[policy.standard.timed]]\ncategories = [\"gambling\"]\nduring = \"another-day\"\naction = \"allow\"\n\
         [[policy.standard.timed]]\ncategories = [\"film\"]\nduring = \"always\"\naction = \"block\"\n\
         [schedule.always]\ntimezone = \"Europe/London\"\nwindows = [\"daily 00:00-24:00\"]\n\
         [schedule.another-day]\ntimezone = \"UTC\"\nwindows = [\"{far} 00:00-24:00\"]\n\
         [[network_zone]]\nname = \"here\"\nclients = [\"127.0.0.0/8\"]\npolicy = \"standard\"\n",
        categories(&nsd)
    );
    let cordon = Cordon::start(&config, LISTS);
    for (name, expected) in [("chat", "192.0.2.67"), ("bet", "0.0.0.0"), ("film", "0.0.0.0"), ("www", "192.0.2.80")] {
        let answer = at(&cordon, "127.0.0.1", &format!("{name}.example.net."), RecordType::A);
        assert_eq!(addresses(&answer), ip(expected), "{name}");
    }
    let row = rows::last(&cordon.log_dir(), "chat.example.net");
    assert_eq!((&row["action"], &row["category"]), (&"allowed".into(), &"chat".into()), "{row}");
    assert_eq!(row["rule"], "1:chat.example.net", "{row}");
}

#[test]
fn a_group_is_known_by_address_device_or_user_and_a_shared_host_asserts_nobody() {
    let nsd = Nsd::start(&[("example.net", ZONE)]);
    let person = |client: &str, rest: &str| format!("[[attribution.static]]\nclient = \"{client}\"\n{rest}\n");
    let config = [
        categories(&nsd),
        "[policy.standard]\nblock = [\"gambling\", \"chat\"]\n\
         [[policy.standard.exception]]\ngroup = \"press\"\ncategories = [\"chat\"]\naction = \"allow\"\n\
         [[policy.standard.exception]]\ngroup = \"press\"\nnames = [\"bet.example.net\"]\naction = \"monitor\"\n\
         [group.press]\nusers = [\"u4711\"]\ndevices = [\"00:11:22:33:44:55\"]\nclients = [\"127.0.3.0/24\"]\n\
         [[network_zone]]\nname = \"here\"\nclients = [\"127.0.0.0/8\"]\npolicy = \"standard\"\n"
            .to_owned(),
        person("127.0.0.2", "user = \"U4711\""),
        person("127.0.0.3", "device = \"00-11-22-33-44-55\"\nhost = \"KIOSK-1\""),
        person("127.0.0.4", "user = \"u4712\"\ndevice = \"00:11:22:33:44:66\""),
        person("127.0.0.5", "device = \"00:11:22:33:44:67\"\nhost = \"TS-1\"\nuser = \"u4711\"\nshared = true"),
    ]
    .concat();
    let cordon = Cordon::start(&config, LISTS);
    for (client, is_member) in [
        ("127.0.0.1", false),
        ("127.0.0.2", true),
        ("127.0.0.3", true),
        ("127.0.0.4", false),
        ("127.0.0.5", false),
        ("127.0.3.77", true),
    ] {
        let expected = if is_member { ip("192.0.2.67") } else { ip("0.0.0.0") };
        assert_eq!(addresses(&at(&cordon, client, "chat.example.net.", RecordType::A)), expected, "{client}");
        let row = rows::last(&cordon.log_dir(), "chat.example.net");
        assert_eq!(row["action"], if is_member { "allowed" } else { "blocked" }, "{row}");
        let expected = if is_member { ip("192.0.2.66") } else { ip("0.0.0.0") };
        assert_eq!(addresses(&at(&cordon, client, "bet.example.net.", RecordType::A)), expected, "{client}");
        let row = rows::last(&cordon.log_dir(), "bet.example.net");
        assert_eq!(row["action"], if is_member { "monitored" } else { "blocked" }, "{row}");
        let known = !matches!(client, "127.0.0.1" | "127.0.3.77");
        assert_eq!(row["via"].as_str(), known.then_some("static"), "{row}");
    }
    let shared = rows::every(&cordon.log_dir()).into_iter().find(|row| row["client"] == "127.0.0.5").unwrap();
    assert_eq!((&shared["user"], &shared["host"]), (&serde_json::Value::Null, &"TS-1".into()), "{shared}");
    let user = rows::every(&cordon.log_dir()).into_iter().find(|row| row["client"] == "127.0.0.4").unwrap();
    assert_eq!((&user["user"], &user["device"]), (&"u4712".into(), &"00:11:22:33:44:66".into()), "{user}");
}
