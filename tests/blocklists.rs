//! The starter lists and the table of public feeds that are shipped.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cordon::dns::Name;
use cordon::list::{Format, read};

/// Names that a starter list must never take from anyone: public services, police, health, and what machines need to stay well.
const NEVER: &[&str] = &[
    "www.gov.uk",
    "www.police.uk",
    "www.nhs.uk",
    "www.bbc.co.uk",
    "www.google.com",
    "www.bing.com",
    "en.wikipedia.org",
    "www.microsoft.com",
    "login.microsoftonline.com",
    "outlook.office.com",
    "outlook.office365.com",
    "autodiscover-s.outlook.com",
    "login.live.com",
    "accounts.google.com",
    "github.com",
    "windowsupdate.com",
    "ctldl.windowsupdate.com",
    "ocsp.digicert.com",
    "crl3.digicert.com",
    "time.windows.com",
];

/// What each list must hold, by what people would try first.
const HELD: &[(&str, &str)] = &[
    ("webmail", "www.hotmail.com"),
    ("webmail", "mail.yahoo.com"),
    ("webmail", "mail.google.com"),
    ("webmail", "mail.proton.me"),
    ("gambling", "www.bet365.com"),
    ("gambling", "www.pokerstars.com"),
    ("proxy-bypass", "cloudflare-dns.com"),
    ("proxy-bypass", "www.nordvpn.com"),
    ("proxy-bypass", "use-application-dns.net"),
    ("adult", "www.pornhub.com"),
    ("social-networking", "www.facebook.com"),
    ("dating", "www.tinder.com"),
    ("messaging", "web.whatsapp.com"),
    ("streaming", "www.netflix.com"),
    ("file-sharing", "www.dropbox.com"),
    ("software-download", "www.softonic.com"),
    ("hate", "stormfront.org"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("blocklists")
}

/// Every shipped list by its category, with its text and its names.
fn lists() -> BTreeMap<String, (String, Vec<Name>)> {
    let mut lists = BTreeMap::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let text = std::fs::read_to_string(&path).unwrap();
            let mut names = Vec::new();
            let reading = read(text.as_bytes(), Some(Format::Domains), |_, rule| names.push(rule.name));
            assert_eq!(reading.refused_lines, 0, "{}: {:?}", path.display(), reading.examples);
            lists.insert(path.file_stem().unwrap().to_string_lossy().into_owned(), (text, names));
        }
    }
    lists
}

fn holds(names: &BTreeSet<Name>, name: &str) -> bool {
    Name::parse(name).unwrap().parents().any(|parent| names.contains(&parent))
}

#[test]
fn every_list_says_what_it_is_and_is_sorted_without_a_name_too_many() {
    let lists = lists();
    assert!(lists.len() >= 11, "{:?}", lists.keys());
    for (category, (text, names)) in &lists {
        for part in
            [&*format!("# Category: {category}"), "# Date: ", "# Licence: ", "# What belongs here:", "# What does not:"]
        {
            assert!(text.lines().any(|line| line.starts_with(part)), "{category}: the header has no `{part}`");
        }
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
            .map(|line| line.split('#').next().unwrap_or("").trim())
            .collect();
        assert_eq!(lines.len(), names.len(), "{category}");
        let unsorted = lines.windows(2).find(|pair| pair[0] >= pair[1]);
        assert_eq!(unsorted, None, "{category}: out of order, or twice");
        let all: BTreeSet<Name> = names.iter().copied().collect();
        let covered = names.iter().find(|name| name.parents().skip(1).any(|parent| all.contains(&parent)));
        assert_eq!(covered, None, "{category}: a parent is listed, too");
        let least = if category == "hate" { 40 } else { 120 };
        assert!(names.len() >= least, "{category} has {} names only", names.len());
    }
}

#[test]
fn the_lists_hold_what_people_try_first_and_nothing_that_everybody_needs() {
    let lists: BTreeMap<String, BTreeSet<Name>> =
        lists().into_iter().map(|(category, (_, names))| (category, names.into_iter().collect())).collect();
    for (category, name) in HELD {
        assert!(holds(&lists[*category], name), "{name} is not in {category}");
    }
    for name in NEVER {
        let in_list = lists.iter().find(|(_, names)| holds(names, name)).map(|(category, _)| category);
        assert_eq!(in_list, None, "{name} must not be listed");
    }
}

#[test]
fn every_feed_is_described_once_and_whole() {
    let text = std::fs::read_to_string(folder().join("sources.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    let sources = table["source"].as_array().unwrap();
    assert!(sources.len() >= 40);
    let (mut names, mut addresses) = (BTreeSet::new(), BTreeSet::new());
    for source in sources {
        let text = |key: &str| {
            let value = source.get(key).and_then(toml::Value::as_str).unwrap_or_default();
            assert!(!value.is_empty(), "no {key}: {source}");
            value
        };
        assert!(names.insert(text("name")), "twice: {}", text("name"));
        assert!(addresses.insert(text("url")) && text("url").starts_with("https://"), "{}", text("url"));
        let formats = ["domains", "hosts", "adblock", "dnsmasq", "wildcard", "rpz", "ut1"];
        assert!(formats.contains(&text("format")), "{}", text("format"));
        for key in ["title", "category", "licence", "homepage"] {
            text(key);
        }
        assert!(source.get("entries").and_then(toml::Value::as_integer).is_some_and(|entries| entries > 0), "{source}");
    }
}
