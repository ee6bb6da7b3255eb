//! What holds of every policy: one that inherits is the same as one written out, and what is changed of one network zone is changed of no
//! other.

mod written;

use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use clap::Parser;
use cordon::cli::{Cli, Command, Out, explain};
use cordon::config::Config;
use cordon::dns::Name;
use cordon::dns::types::rtype;
use cordon::engine::Snapshot;
use cordon::engine::gate;
use cordon::engine::outcome::spoken;
use cordon::engine::reload::assemble;
use cordon::engine::rooms::verdict_for_name;
use cordon::engine::text::ShortText;
use cordon::metrics::Metrics;
use cordon::moment::{Clock, Moment};
use cordon::record::Rule;
use cordon::shelf::Shelf;
use cordon::subject::{Known, Subject, Via};
use cordon::verdict::{Reason, Verdict};
use proptest::prelude::*;

use written::{CATEGORIES, NAMES, Written, any_policy};

/// A folder with a list for each category.
struct Lists(tempfile::TempDir);

impl Lists {
    fn laid() -> Lists {
        let dir = tempfile::tempdir().unwrap();
        for (name, list) in CATEGORIES.iter().chain(&[("extra", "other.example\nlone.test-names.net\nb.a.example\n")]) {
            std::fs::write(dir.path().join(format!("{name}.txt")), list).unwrap();
        }
        Lists(dir)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("cordon.toml")
    }

    /// What a server would decide by.
    fn snapshot(&self, text: &str) -> Snapshot {
        let config = Config::from_text(&self.path(), text).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
        let lists = Shelf::new(Path::new("/nonexistent")).look(&config.lists, &config.model).unwrap();
        assemble(config, lists, &[], None, &Metrics::new("0"), Moment(0)).unwrap()
    }
}

/// Everything but policies and network zones. What is `extra` comes first, so that every place in the model moves.
fn house(extra: bool) -> String {
    let mut text = "[upstream]\nservers = [\"udp://127.0.0.1:9\"]\n".to_owned();
    let first = extra.then_some("extra");
    for name in first.into_iter().chain(CATEGORIES.map(|(name, _)| name)) {
        writeln!(text, "[[category]]\nname = {name:?}\nlists = [{{ path = \"{name}.txt\" }}]").unwrap();
    }
    if extra {
        text.push_str("[schedule.extra]\ntimezone = \"Asia/Tokyo\"\nwindows = [\"daily 00:00-24:00\"]\n");
        text.push_str("[group.extra]\nclients = [\"127.0.0.0/8\"]\n");
    }
    text.push_str(
        "[schedule.nights]\ntimezone = \"Europe/London\"\nwindows = [\"daily 17:30-08:30\"]\n\
         [schedule.weekends]\ntimezone = \"Europe/London\"\nwindows = [\"sat-sun 00:00-24:00\"]\n\
         [group.one]\nclients = [\"127.1.7.0/24\", \"127.2.7.0/24\"]\n[group.two]\nusers = [\"u1\"]\n",
    );
    text
}

fn zone(name: &str, prefixes: &str, policy: &str, ttl: u32) -> String {
    format!(
        "[[network_zone]]\nname = \"{name}\"\nclients = [{prefixes}]\npolicy = \"{policy}\"\n\
         sinkhole = {{ ipv4 = \"10.0.0.{ttl}\", ttl = {ttl} }}\n"
    )
}

/// Every name there is anything to say of, and one below each.
fn names() -> Vec<Name> {
    let below = NAMES.iter().map(|name| format!("w.{name}"));
    NAMES.iter().map(|name| (*name).to_owned()).chain(below).map(|name| Name::parse(&name).unwrap()).collect()
}

/// A Monday at eleven, that night, and the Saturday after.
const MOMENTS: [&str; 3] = ["2026-11-23T11:00:00Z", "2026-11-23T23:00:00Z", "2026-11-28T11:00:00Z"];

fn subjects(net: u8) -> Vec<Subject> {
    let at = |third: u8| IpAddr::from([127, net, third, 9]);
    let known = Known { user: Some("u1".into()), via: Via::Signon, ..Known::default() };
    let signed_on = |third| Subject { client: at(third), known: Some(Arc::new(known.clone())) };
    vec![Subject::bare(at(0)), Subject::bare(at(7)), signed_on(0), signed_on(7)]
}

/// How every question of a network is decided: verdict, what spoke, and how it is answered. `entries` is whether lines of the configuration are
/// told as they are written.
fn told(snapshot: &Snapshot, net: u8, entries: bool) -> Vec<String> {
    let model = snapshot.model();
    let mut all = Vec::new();
    for moment in MOMENTS {
        let at: Moment = moment.parse::<jiff::Timestamp>().unwrap().into();
        let standing = snapshot.standing(at);
        for subject in subjects(net) {
            for name in names() {
                let question = format!("{name} for {} {:?} at {moment}", subject.client, subject.user());
                let place = match gate::admit(model, subject.client) {
                    Ok(place) => place,
                    Err(verdict) => {
                        all.push(format!("{question}: {verdict:?}"));
                        continue;
                    }
                };
                let rules = snapshot.rules(&standing);
                let verdict = verdict_for_name(snapshot, &rules, place, &name, rtype::A, &subject, &mut ()).verdict;
                let why = *verdict.why();
                let mut text = ShortText::new();
                let (category, list, rule) = spoken(snapshot, &verdict, None, &mut text);
                let rule = match rule {
                    Rule::Line { line, labels } => format!("line {line}/{labels}"),
                    Rule::Text(text) if entries => text.to_owned(),
                    _ => String::new(),
                };
                let policy = place.policy(model).unwrap();
                let stands_in = policy
                    .rewrites
                    .iter()
                    .find(|(at, _)| matches!(verdict, Verdict::Rewrite(entry, _) if entry == *at));
                // Written out, a policy that allows by default has no `permit`: of several categories that allow another may then be the one
                // that is named, or none, and it comes to the same.
                let tier_of_names = matches!(why.reason, Reason::Name | Reason::SpecialUse | Reason::Internal)
                    || why.reason == Reason::Group && why.category.is_none();
                let permitted = !entries && matches!(verdict, Verdict::Allow(_)) && !tier_of_names;
                let spoke = match permitted {
                    true => String::new(),
                    false => format!("{:?} {category:?} {list:?} {rule}", why.reason),
                };
                let (response, sinkhole) = (policy.response, place.sinkhole(model));
                all.push(format!(
                    "{question}: {} {spoke} {:?} {response:?} {sinkhole:?}",
                    verdict.action().word(),
                    stands_in.map(|(_, rewrite)| rewrite)
                ));
            }
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn an_inherited_policy_decides_as_the_same_policy_written_out(
        base in any_policy(1), middle in any_policy(2), child in any_policy(3), child_first in any::<bool>(),
    ) {
        let lists = Lists::laid();
        let base = base.plain();
        let mut middle = middle.plain_over(&base);
        let middle_whole = middle.over(&base);
        let mut child = child.plain_over(&middle_whole);
        let whole = child.over(&middle_whole);
        (middle.inherits, child.inherits) = (Some("base".to_owned()), Some("middle".to_owned()));
        let mut policies = [("base", &base), ("middle", &middle), ("child", &child)];
        if child_first {
            policies.reverse();
        }
        let inherited: String = policies.iter().map(|(name, policy)| policy.text(name)).collect();
        let zone = zone("here", "\"127.1.0.0/16\"", "child", 10);
        let one = lists.snapshot(&format!("{}{inherited}{zone}", house(false)));
        let other = lists.snapshot(&format!("{}{}{zone}", house(false), whole.text("child")));
        for (one, other) in told(&one, 1, false).iter().zip(told(&other, 1, false)) {
            prop_assert_eq!(one, &other, "{}\nwritten out:\n{}", &inherited, whole.text("child"));
        }
    }

    #[test]
    fn what_is_changed_of_one_network_zone_alters_no_verdict_in_another(
        base in any_policy(1), b in any_policy(2), a in any_policy(3), changed in any_policy(4),
        inherits in any::<[bool; 3]>(), prefixes in prop::sample::select(&[
            "\"127.1.0.0/16\"", "\"127.1.0.0/24\", \"127.3.0.0/16\"", "\"127.0.0.0/8\"", "\"127.2.0.0/15\"",
        ][..]),
        ttl in 11u32..200, extra in any::<bool>(), gone in any::<bool>(),
    ) {
        let lists = Lists::laid();
        let with = |policy: &Written, inherits: bool, name: &str| {
            Written { inherits: inherits.then(|| "base".to_owned()), ..policy.clone() }.text(name)
        };
        let zone_b = zone("b", "\"127.2.0.0/16\"", "b", 10);
        let policies = format!("{}{}", base.text("base"), with(&b, inherits[0], "b"));
        let before = format!(
            "{}{policies}{}{}{zone_b}", house(false), with(&a, inherits[1], "a"), zone("a", "\"127.1.0.0/16\"", "a", 10)
        );
        // Zone a gets other prefixes (some around those of b, whose longer prefix still decides), another policy, another sinkhole, and what that
        // policy needs: a category, a schedule and a group that were not there. Or it goes.
        let mut changed = with(&changed, inherits[2], "a");
        if extra {
            changed.push_str(
                "[[policy.a.timed]]\ncategories = [\"extra\", \"social\"]\nduring = \"extra\"\naction = \"block\"\n\
                 [[policy.a.exception]]\ngroup = \"extra\"\nnames = [\"example\"]\naction = \"block\"\n",
            );
        }
        let zone_a = if gone { String::new() } else { zone("a", prefixes, "a", ttl) };
        let after = format!("{}{changed}{policies}{zone_a}{zone_b}", house(extra));
        let (before_b, after_b) = (told(&lists.snapshot(&before), 2, true), told(&lists.snapshot(&after), 2, true));
        for (one, other) in before_b.iter().zip(&after_b) {
            prop_assert_eq!(one, other, "before:\n{}\nafter:\n{}", &before, &after);
        }
        prop_assert_eq!(before_b.len(), after_b.len());
    }
}

/// What is written to it can be read while it is held elsewhere.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Page {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(octets)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What `cordon explain` says of a name for a client at a moment.
fn explained(lists: &Lists, text: &str, name: &Name, client: IpAddr, at: Moment) -> serde_json::Value {
    let (name, client, at) = (name.to_string(), client.to_string(), at.to_string());
    let cli = Cli::try_parse_from(["cordon", "explain", &name, "--client", &client, "--at", &at]).unwrap();
    let Command::Explain(arguments) = cli.command else { panic!("not an explanation") };
    let page = Page::default();
    let config = Config::from_text(&lists.path(), text).unwrap();
    explain::run(&arguments, config, &Clock::scripted(Moment(0)), &mut Out::to(true, page.clone())).unwrap();
    let octets = page.0.lock().unwrap();
    serde_json::from_slice(&octets).unwrap()
}

/// Action, tier, category and list, as the engine decides.
fn decided(snapshot: &Snapshot, name: &Name, client: IpAddr, at: Moment) -> [String; 4] {
    let subject = Subject::bare(client);
    let place = gate::admit(snapshot.model(), client).unwrap();
    let standing = snapshot.standing(at);
    let rules = snapshot.rules(&standing);
    let verdict = verdict_for_name(snapshot, &rules, place, name, rtype::A, &subject, &mut ()).verdict;
    let mut text = ShortText::new();
    let (category, list, _) = spoken(snapshot, &verdict, None, &mut text);
    let words = [Some(verdict.action().word()), Some(verdict.why().reason.word()), category, list];
    words.map(|word| word.unwrap_or_default().to_owned())
}

fn words(of: &serde_json::Value) -> [String; 4] {
    ["action", "reason", "category", "list"].map(|key| of[key].as_str().unwrap_or_default().to_owned())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_explanation_names_the_one_thing_that_spoke_and_foretells_the_next_change(
        parent in any_policy(1), policy in any_policy(2), third in prop::sample::select(vec![0u8, 7]),
        which in 0..12usize, moment in 0..MOMENTS.len(),
    ) {
        let lists = Lists::laid();
        let policy = Written { inherits: Some("base".to_owned()), ..policy };
        let zone = zone("here", "\"127.1.0.0/16\"", "child", 10);
        let text = format!("{}{}{}{zone}", house(false), parent.text("base"), policy.text("child"));
        let (name, client) = (names()[which], IpAddr::from([127, 1, third, 9]));
        let at: Moment = MOMENTS[moment].parse::<jiff::Timestamp>().unwrap().into();
        let snapshot = lists.snapshot(&text);
        let walk = explained(&lists, &text, &name, client, at);
        let now = decided(&snapshot, &name, client, at);
        prop_assert_eq!(words(&walk), now.clone());

        let spoke: Vec<_> = walk["looked_at"].as_array().unwrap().iter().filter(|looked| looked["spoke"] == true).collect();
        prop_assert_eq!(spoke.len(), 1, "{:#}", walk);
        let parts = spoke[0]["within"].as_array().map_or(0, |parts| parts.iter().filter(|p| p["counts"] == true).count());
        // A category has the line that holds the name and the entry that says what is done with it; names have the one that is nearest.
        let expected = match (now[2].is_empty(), now[1].as_str()) {
            (false, _) => 2,
            (true, "default") => 0,
            (true, _) => 1,
        };
        prop_assert_eq!(parts, expected, "{:#}", walk);

        // Every schedule of these turns at a half hour; three days hold every turn of the week that is near.
        let half_hours = (1..=3 * 48).map(|n| Moment(at.micros() + n * 1_800_000_000));
        let turn = half_hours.map(|then| (then, decided(&snapshot, &name, client, then))).find(|(_, then)| *then != now);
        let foretold = walk["changes"]["next"].get(0);
        match turn {
            Some((when, then)) => {
                let foretold = foretold.unwrap_or_else(|| panic!("{when} is not foretold: {walk:#}"));
                prop_assert_eq!(foretold["at_utc"].as_str().unwrap(), when.to_string());
                prop_assert_eq!(words(foretold), then);
            }
            None => {
                let soon = Moment(at.micros() + 3 * 48 * 1_800_000_000).to_string();
                prop_assert!(foretold.is_none_or(|change| change["at_utc"].as_str().unwrap() > soon.as_str()), "{:#}", walk);
            }
        }
    }
}
