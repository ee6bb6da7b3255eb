//! Every real list of the shared test data: what it is taken for, what it yields and what is refused, kept in `tests/golden/lists.txt`.
//! `UPDATE_GOLDEN=1 cargo test --test main` writes it anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use cordon::list::{Format, Reading, read};

use crate::support::shared;

fn names(bytes: &[u8], format: Option<Format>) -> (BTreeSet<String>, Reading) {
    let mut names = BTreeSet::new();
    let reading = read(bytes, format, |_, rule| {
        names.insert(rule.name.to_string());
    });
    (names, reading)
}

/// The format a list of the table has; none for what is no list of names.
fn format_of(word: &str) -> Option<Format> {
    match word {
        "urls" => Some(Format::Ut1),
        word => Format::from_word(word),
    }
}

#[test]
fn every_real_list_is_taken_for_what_it_is_and_yields_what_it_did() {
    let mut text = String::new();
    let (mut read_lists, mut mistaken) = (0, Vec::new());
    for listed in shared::table().iter().filter(|listed| listed.file.starts_with("lists/")) {
        let Some(format) = format_of(&listed.format) else { continue };
        let bytes = shared::read(&listed.file);
        let given = (format == Format::Ut1).then_some(format);
        let (names, reading) = names(&bytes, given);
        if reading.format != format {
            mistaken.push((listed.file.clone(), reading.format));
        }
        read_lists += 1;
        let Reading { lines, names: rules, furniture, not_for_dns, refused_lines, .. } = reading;
        let mut flaws = reading.flaws.clone();
        flaws.sort_unstable();
        let distinct = names.len();
        let _ = write!(
            text,
            "{} {} lines={lines} rules={rules} names={distinct} passed_over={furniture} not_for_dns={not_for_dns} refused_lines={refused_lines}",
            listed.file,
            format.word()
        );
        for (word, count) in flaws {
            let _ = write!(text, " {word}={count}");
        }
        text.push('\n');
    }
    assert!(mistaken.is_empty(), "taken for something else: {mistaken:?}");
    assert!(read_lists > 100, "only {read_lists} lists");
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/lists.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&kept, &text).unwrap();
    }
    let was = std::fs::read_to_string(&kept).unwrap_or_default();
    let different: Vec<&str> = text.lines().filter(|line| !was.lines().any(|old| old == *line)).collect();
    assert!(was == text, "these differ from what is kept:\n{}", different.join("\n"));
}

#[test]
fn the_same_names_come_out_of_every_format_they_are_published_in() {
    for list in ["tiktok", "torrent"] {
        let of = |format: &str| names(&shared::read(&format!("lists/blocklistproject/{list}.{format}.gz")), None).0;
        let domains = of("domains");
        assert!(domains.len() > 2_000);
        for format in ["hosts", "adblock", "dnsmasq"] {
            assert!(of(format) == domains, "{list}.{format}");
        }
    }
    for (list, unbound) in
        [("doh-vpn-proxy-bypass", "doh-vpn-proxy-bypass.blacklist.conf.gz"), ("fake", "fake.blacklist.conf.gz")]
    {
        let of = |folder: &str, file: &str| names(&shared::read(&format!("lists/hagezi-2022/{folder}/{file}")), None).0;
        let file = format!("{list}.txt.gz");
        let wildcard = of("wildcard", &file);
        assert!(wildcard.len() > 700);
        assert!(of("adblock", &file) == wildcard && of("unbound", unbound) == wildcard, "{list}");
        if list == "doh-vpn-proxy-bypass" {
            assert!(of("dnsmasq", &file) == wildcard && of("domains", &file) == of("hosts", &file));
        }
        // Hosts files name the known subdomains of what the others mean as a whole.
        let held = |name: &String| {
            let mut rest = name.as_str();
            loop {
                if wildcard.contains(rest) {
                    return true;
                }
                let Some((_, above)) = rest.split_once('.') else { return false };
                rest = above;
            }
        };
        assert!(of("hosts", &file).iter().all(held), "{list}");
    }
    let zone = names(&shared::read("lists/rpz/mullvad-social.zone.gz"), None).0;
    let domains = names(&shared::read("lists/rpz/mullvad-social.domains.gz"), None).0;
    let apart: Vec<&String> = zone.symmetric_difference(&domains).take(5).collect();
    assert!(apart.is_empty(), "{apart:?}");
}

#[test]
fn no_suffix_of_a_public_registry_comes_out_of_a_list() {
    let table = shared::table();
    let file = table.iter().find(|row| row.format == "psl").unwrap();
    let text = String::from_utf8(shared::read(&file.file)).unwrap();
    let icann = text.split("===END ICANN DOMAINS===").next().unwrap();
    let lines = icann.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    let suffixes: Vec<String> =
        lines.filter(|line| !line.starts_with('!')).map(|line| line.replace("*.", "anything.")).collect();
    assert!(suffixes.len() > 5_000);
    // The list inside the program is of another day than that of the data: a few may be new or gone.
    let listed = names(suffixes.join("\n").as_bytes(), Some(Format::Domains)).0;
    assert!(
        listed.len() < 50,
        "{} suffixes were listed, as {:?}",
        listed.len(),
        listed.iter().take(10).collect::<Vec<_>>()
    );
    let rules: Vec<String> = suffixes.iter().map(|suffix| format!("||{suffix}^")).collect();
    let by_rules = names(rules.join("\n").as_bytes(), Some(Format::Adblock)).0;
    assert!(by_rules.len() < 100, "{:?}", by_rules.iter().take(10).collect::<Vec<_>>());
}
