//! What stands behind an alias of ours: its age, its source, and whose zone it is. And what a reload that changes routes does to what is
//! kept.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use cordon::moment::Moment;
use cordon::verdict::Transport;
use hickory_proto::op::Message;
use hickory_proto::rr::RecordType;

use crate::support::client::{Ask, addresses, extended_error};
use crate::support::house::{House, TableUpstream};
use crate::support::rows;

const START: Moment = Moment::from_seconds(1_800_000_000);

fn config(upstream: &TableUpstream, more: &str) -> String {
    format!(
        "[upstream]\nservers = [\"udp://{}\"]\ntimeout = \"500ms\"\n{more}\n[[network_zone]]\nname = \"hq\"\nclients = \
         [\"10.0.0.0/8\"]\npolicy = \"p\"\n",
        upstream.peer.addr
    )
}

fn ask(house: &House, name: &str) -> Message {
    let client: SocketAddr = "10.1.2.3:4444".parse().unwrap();
    let (answer, _) = house.ask_fast(&Ask::new(name, RecordType::A).wire(9), client, Transport::Udp);
    Message::from_vec(&answer.unwrap()).unwrap()
}

fn ip(text: &str) -> Vec<IpAddr> {
    vec![text.parse().unwrap()]
}

#[test]
fn what_a_rewrite_leads_to_ages_and_goes_stale_as_if_it_had_been_asked_for_itself() {
    let upstream = TableUpstream::start();
    upstream.add("safe.example.net", RecordType::A, "192.0.2.9", 3_600).unwrap();
    let policy = "[policy.p]\nrewrite = { \"www.example.net\" = \"safe.example.net\" }";
    let house = House::new(&config(&upstream, policy), &[], START).unwrap();
    let ttls = |message: &Message| message.answers.iter().map(|record| record.ttl).collect::<Vec<_>>();
    assert_eq!(ttls(&ask(&house, "www.example.net")), [300, 3_600]);
    house.clock.set(START.plus(Duration::from_secs(1_000)));
    assert_eq!(ttls(&ask(&house, "www.example.net")), [300, 2_600], "the alias is new, what it leads to is not");
    drop(upstream);
    house.clock.set(START.plus(Duration::from_secs(4_000)));
    let stale = ask(&house, "www.example.net");
    assert_eq!(addresses(&stale), ip("192.0.2.9"));
    assert_eq!(ttls(&stale), [30, 30]);
    assert_eq!(extended_error(&stale).unwrap().0, 3);
    assert_eq!(rows::last(&house.log_dir(), "www.example.net")["source"], "stale");
}

#[test]
fn an_alias_of_a_local_zone_into_a_zone_below_it_that_others_answer_leads_there() {
    let (upstream, directory) = (TableUpstream::start(), TableUpstream::start());
    directory.add("mail.ad.intranet.example", RecordType::A, "10.9.9.9", 60).unwrap();
    let zone = "$TTL 300\n@ SOA ns root 1 2 3 4 60\n@ NS ns\nns A 10.0.0.1\nwww CNAME mail.ad\nother CNAME host.lab\n";
    let lab = "$TTL 300\n@ SOA ns root 1 2 3 4 60\n@ NS ns\nns A 10.0.0.1\nhost A 10.7.7.7\n";
    let more = format!(
        "[policy.p]\n[[local_zone]]\nname = \"intranet.example\"\nfile = \"intranet.zone\"\n[[local_zone]]\nname = \
         \"lab.intranet.example\"\nfile = \"lab.zone\"\n[[forward_zone]]\nname = \"ad.intranet.example\"\nservers = [\"udp://{}\"]\n",
        directory.peer.addr
    );
    let files = [("intranet.zone".to_owned(), zone.to_owned()), ("lab.zone".to_owned(), lab.to_owned())];
    let house = House::new(&config(&upstream, &more), &files, START).unwrap();
    assert_eq!(addresses(&ask(&house, "www.intranet.example")), ip("10.9.9.9"));
    assert_eq!(addresses(&ask(&house, "other.intranet.example")), ip("10.7.7.7"));
}

#[test]
fn what_came_by_other_routes_is_not_given_after_a_reload_that_changes_them() {
    let (outside, inside) = (TableUpstream::start(), TableUpstream::start());
    outside.add("app.force.example", RecordType::A, "192.0.2.1", 3_600).unwrap();
    inside.add("app.force.example", RecordType::A, "10.3.3.3", 3_600).unwrap();
    let house = House::new(&config(&outside, "[policy.p]"), &[], START).unwrap();
    assert_eq!(addresses(&ask(&house, "app.force.example")), ip("192.0.2.1"));
    house.reload(&config(&outside, "[policy.p]\ndeny = [\"x.test\"]"), &[]).unwrap();
    assert_eq!(addresses(&ask(&house, "app.force.example")), ip("192.0.2.1"));
    assert_eq!(rows::last(&house.log_dir(), "app.force.example")["source"], "cache", "policy alone changes no route");
    let forward =
        format!("[policy.p]\n[[forward_zone]]\nname = \"force.example\"\nservers = [\"udp://{}\"]\n", inside.peer.addr);
    house.reload(&config(&outside, &forward), &[]).unwrap();
    assert_eq!(addresses(&ask(&house, "app.force.example")), ip("10.3.3.3"));
}

#[test]
fn an_alias_to_a_monitored_name_is_answered_and_marked() {
    let upstream = TableUpstream::start();
    upstream.add("short.example.net", RecordType::CNAME, "www.social.example.net.", 60).unwrap();
    upstream.add("www.social.example.net", RecordType::A, "192.0.2.4", 60).unwrap();
    let more = "[[category]]\nname = \"social\"\ntitle = \"Social\"\nlists = [{ path = \"social.txt\" }]\n[policy.p]\nmonitor = [\"social\"]";
    let files = [("social.txt".to_owned(), "social.example.net\n".to_owned())];
    let house = House::new(&config(&upstream, more), &files, START).unwrap();
    assert_eq!(addresses(&ask(&house, "short.example.net")), ip("192.0.2.4"));
    let row = rows::last(&house.log_dir(), "short.example.net");
    assert_eq!((&row["action"], &row["category"]), (&"monitored".into(), &"social".into()), "{row}");
    assert_eq!(row["rule"], "1:social.example.net");
}
