//! What holds of every policy: one that inherits is the same as one written out, and what is changed of one network zone is changed of no
//! other.

mod written;

use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
use cordon::moment::Moment;
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
                // Written out, a policy that allows by default has no `permit`: nothing speaks there, and it comes to the same.
                let permitted = !entries
                    && matches!(verdict, Verdict::Allow(_))
                    && matches!(why.reason, Reason::Category | Reason::Default);
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
