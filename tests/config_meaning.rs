//! What a configuration comes to mean.

use std::path::Path;
use std::time::Duration;

use cordon::config::Config;
use cordon::config::checked::{Protocol, Server};
use cordon::dns::Name;
use cordon::list::Role;
use cordon::policy::model::{Act, Rewrite, Unmatched};
use cordon::policy::names::NameAct;
use cordon::subject::Via;
use cordon::verdict::{CategoryId, ListId};

/// A configuration in a folder of its own, with the lists it names.
fn load(text: &str) -> (tempfile::TempDir, Config) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("etc/lists")).unwrap();
    for list in ["a.txt", "b.txt", "b-except.txt"] {
        std::fs::write(folder.path().join("etc/lists").join(list), "").unwrap();
    }
    let path = folder.path().join("etc/cordon.toml");
    std::fs::write(&path, text).unwrap();
    let config = Config::load(&path).unwrap_or_else(|errors| panic!("{errors}"));
    (folder, config)
}

const WHOLE: &str = r#"
[node]
name = "dns1"
data_dir = "../var"

[upstream]
servers = ["system", "tls://9.9.9.9#dns.quad9.net"]

[[forward_zone]]
name = "example"
servers = ["udp://192.0.2.1"]
[[forward_zone]]
name = "deep.force.example"
servers = ["udp://192.0.2.2:5300"]
filter = true

[[category]]
name = "first"
lists = [{ path = "lists/a.txt" }]
[[category]]
name = "second"
title = "The second"
clause = "5.2"
lists = [{ path = "lists/b.txt", format = "hosts" }, { path = "lists/a.txt", name = "again", except = ["lists/b-except.txt"] }]
except = ["lists/b-except.txt"]

[policy.standard]
block = ["second"]
deny = ["Example-Casino.test", "=alone.test"]
allow = ["mail.force.example"]
response = "nxdomain"
rewrite = { "www.google.com" = "ForceSafeSearch.google.com", "x.test" = ["192.0.2.1", "2001:db8::1"], "y.test" = "192.0.2.2" }
[[policy.standard.timed]]
categories = ["first"]
during = "own-time"
action = "monitor"
[[policy.standard.timed]]
categories = ["second", "first"]
during = "own-time"
action = "allow"
[[policy.standard.exception]]
group = "press-office"
categories = ["second"]
names = ["=only.test"]
action = "monitor"

[policy.closed]
default = "block"
permit = ["first"]

[schedule.own-time]
timezone = "Europe/London"
windows = ["mon-fri 17:30-08:30"]
except_dates = ["2026-12-25"]

[group.press-office]
users = [" U4711 "]
devices = ["00-11-22-33-44-55"]
clients = ["10.9.0.0/16"]
directory = "CN=Press"

[[network_zone]]
name = "hq"
clients = ["10.0.0.0/8", "2001:db8::/32"]
policy = "closed"
sinkhole = { ipv4 = "10.1.1.1", ttl = 30 }
[[network_zone]]
name = "lab"
clients = ["10.20.0.0/16"]
policy = "standard"

[unmatched]
action = "standard"

[log]
retain = "30d"

[[attribution.static]]
client = "::ffff:10.20.0.9"
device = "00:11:22:33:44:55"
user = "Reception"
shared = true
"#;

#[test]
fn paths_and_defaults_are_as_documented() {
    let (folder, config) = load(WHOLE);
    let root = folder.path();
    assert_eq!(config.path, root.join("etc/cordon.toml"));
    assert_eq!(config.node.data_dir, root.join("var"));
    assert_eq!(config.log.dir, root.join("var/log"));
    assert_eq!(config.log.signing_key, root.join("var/keys/log.key"));
    assert_eq!(config.log.retain, Duration::from_secs(30 * 86_400));
    assert_eq!(config.log.sync_interval, Duration::from_millis(200));
    assert_eq!(config.listen.dns, ["127.0.0.1:5300".parse().unwrap(), "[::1]:5300".parse().unwrap()]);
    assert_eq!(config.cache.size, 128 << 20);
    assert!(!root.join("var").exists(), "a check makes nothing");
    assert_eq!(config.sha256.len(), 64);
}

#[test]
fn servers_and_zones_are_in_the_order_they_are_asked() {
    let (_folder, config) = load(WHOLE);
    assert_eq!(config.upstream.servers[0], Server::System);
    let Server::At { protocol, address, tls_name, .. } = &config.upstream.servers[1] else { panic!() };
    assert_eq!(
        (*protocol, address.to_string().as_str(), tls_name.as_deref()),
        (Protocol::Tls, "9.9.9.9:853", Some("dns.quad9.net"))
    );
    let names: Vec<String> = config.forward_zones.iter().map(|zone| zone.name.to_string()).collect();
    assert_eq!(names, ["deep.force.example", "example"]);
    assert!(config.forward_zones[0].filter && !config.forward_zones[1].filter);
}

#[test]
fn lists_have_names_and_know_their_category() {
    let (folder, config) = load(WHOLE);
    let lists: Vec<_> = config.lists.iter().map(|list| (&*list.name, list.category.0, list.role)).collect();
    let expected = [
        ("first/a.txt", 0, Role::Lists),
        ("second/b.txt", 1, Role::Lists),
        ("again", 1, Role::Lists),
        ("again/except/b-except.txt", 1, Role::ExceptList(ListId(2))),
        ("second/b-except.txt", 1, Role::ExceptCategory),
    ];
    assert_eq!(lists, expected);
    assert_eq!(config.lists[0].path, folder.path().join("etc/lists/a.txt"));
    let second = config.model.category(CategoryId(1));
    assert_eq!((&*second.title, second.clause.as_deref()), ("The second", Some("5.2")));
    assert_eq!(&*config.model.category(CategoryId(0)).title, "first");
}

#[test]
fn every_entry_of_a_policy_can_be_named() {
    let (_folder, config) = load(WHOLE);
    let entries: Vec<&str> = config.model.entries.iter().map(|entry| &**entry).collect();
    let expected = [
        "policy.standard.block second",
        "policy.standard.allow[0] mail.force.example",
        "policy.standard.deny[0] example-casino.test",
        "policy.standard.deny[1] =alone.test",
        "policy.standard.rewrite www.google.com",
        "policy.standard.rewrite x.test",
        "policy.standard.rewrite y.test",
        "policy.standard.timed[0] own-time",
        "policy.standard.timed[1] own-time",
        "policy.standard.exception[0] press-office",
        "policy.closed.permit first",
        "policy.closed.default block",
    ];
    assert_eq!(entries, expected);
}

#[test]
fn a_policy_means_what_it_says() {
    let (_folder, config) = load(WHOLE);
    let model = &config.model;
    let [standard, closed] = model.policies.as_slice() else { panic!() };
    let name = |text: &str| Name::parse(text).unwrap();
    let act = |text: &str| standard.names.find(&name(text)).map(|hit| hit.act);
    assert_eq!(act("www.example-casino.test"), Some(NameAct::Block));
    assert_eq!((act("alone.test"), act("www.alone.test")), (Some(NameAct::Block), None));
    assert_eq!(act("mail.force.example"), Some(NameAct::Allow));
    assert_eq!((act("www.google.com"), act("x.www.google.com")), (Some(NameAct::Rewrite), None));
    let rewrites: Vec<_> = standard.rewrites.iter().map(|(_, rewrite)| rewrite.clone()).collect();
    let addresses = |texts: &[&str]| Rewrite::Addresses(texts.iter().map(|text| text.parse().unwrap()).collect());
    assert_eq!(rewrites[0], Rewrite::Name(Box::new(name("forcesafesearch.google.com"))));
    assert_eq!(rewrites[1..], [addresses(&["192.0.2.1", "2001:db8::1"]), addresses(&["192.0.2.2"])]);
    assert_eq!(standard.actions[0], None);
    assert_eq!(standard.actions[1].map(|(act, _)| act), Some(Act::Block));
    assert_eq!(standard.timed[1].categories.iter().collect::<Vec<_>>(), [CategoryId(0), CategoryId(1)]);
    assert_eq!((standard.timed[0].action, standard.timed[0].schedule), (Act::Monitor, 0));
    let exception = &standard.exceptions[0];
    assert_eq!(exception.names.find(&name("only.test")).map(|hit| hit.act), Some(NameAct::Monitor));
    assert!(!standard.default_block && standard.default_entry.is_none());
    assert!(closed.default_block && closed.default_entry.is_some());
    assert_eq!(closed.actions[0].map(|(act, _)| act), Some(Act::Allow));
}

#[test]
fn clients_are_known_by_network_zone_group_and_static_entry() {
    let (_folder, config) = load(WHOLE);
    let model = &config.model;
    let zone = |client: &str| model.networks.find(client.parse().unwrap());
    assert_eq!((zone("10.20.0.9"), zone("10.21.0.9"), zone("192.0.2.1")), (Some(1), Some(0), None));
    assert_eq!((model.network_zones[0].policy, model.network_zones[1].policy), (1, 0));
    let sinkhole = &model.network_zones[0].sinkhole;
    assert_eq!(
        (sinkhole.ipv4.to_string().as_str(), sinkhole.ipv6.to_string().as_str(), sinkhole.ttl),
        ("10.1.1.1", "::", 30)
    );
    assert_eq!(model.unmatched, Unmatched::Policy(0));
    let group = &model.groups[0];
    assert!(group.users.contains("u4711") && group.devices.len() == 1 && group.clients.len() == 1);
    let entry = &config.statics[0];
    assert_eq!(entry.client.to_string(), "10.20.0.9");
    assert_eq!(
        (entry.known.user.as_deref(), entry.known.via, entry.known.shared),
        (Some("reception"), Via::Static, true)
    );
}

#[test]
fn the_least_that_can_be_written_is_enough() {
    let (folder, config) = load("[policy.p]\n[unmatched]\naction = \"p\"\n");
    assert_eq!(config.upstream.servers, [Server::System]);
    assert_eq!(config.node.data_dir, folder.path().join("etc/data"));
    assert!(!config.node.name.is_empty());
    assert!(Path::new(&config.path).is_absolute());
}
