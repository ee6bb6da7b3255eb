//! One test for every pair of tiers that can meet.

use std::sync::Arc;

use super::*;
use crate::dns::types::rtype;
use crate::list::{Compiler, Role, Rule};
use crate::moment::Moment;
use crate::policy::access::{Grant, Holder, Opens, Withdrawal};
use crate::policy::model::{Category, Exception, Group, Timed};
use crate::policy::names::NameRules;
use crate::subject::{Device, Known, Mac};
use crate::verdict::{CategoryId, CategorySet, Given, ListId};

const GAMBLING: CategoryId = CategoryId(0);
const SOCIAL: CategoryId = CategoryId(1);
const PRESS: CategoryId = CategoryId(2);
const MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);

/// A house of three categories, one policy and one group; each test writes the rest.
struct House {
    model: Model,
    policy: Policy,
    matcher: Matcher,
    in_force: u64,
    access: Access,
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn house() -> House {
    let mut compiler = Compiler::new([7; 16]);
    for (line, (text, category, except)) in [
        ("bet.test", GAMBLING, false),
        ("games.social.test", GAMBLING, false),
        ("social.test", SOCIAL, false),
        ("news.social.test", PRESS, false),
        ("charity.bet.test", GAMBLING, true),
        ("win.charity.bet.test", GAMBLING, false),
    ]
    .into_iter()
    .enumerate()
    {
        let role = if except { Role::ExceptCategory } else { Role::Lists };
        compiler.add(ListId(except as u16), category, role, line as u32 + 1, &Rule::listing(name(text))).unwrap();
    }
    let mut file = Vec::new();
    compiler.finish([0; 32], &mut file).unwrap();
    let categories = ["gambling", "social", "press"]
        .map(|name| Category { name: name.into(), title: name.into(), clause: None })
        .to_vec();
    let group = Group { name: "press-office".into(), devices: [MAC].into(), ..Group::default() };
    let policy = Policy {
        name: "standard".into(),
        inherits: None,
        response: None,
        names: NameRules::default(),
        rewrites: Vec::new(),
        actions: vec![None; 3],
        timed: Vec::new(),
        exceptions: Vec::new(),
        default_block: false,
        default_entry: None,
    };
    let model = Model { categories, groups: vec![group], ..Model::default() };
    House { model, policy, matcher: Matcher::open(file).unwrap(), in_force: 0, access: Access::default() }
}

impl House {
    fn act(mut self, category: CategoryId, act: Act) -> House {
        let entry = self.model.add_entry(format!("{act:?} {category:?}"));
        self.policy.actions[category.0 as usize] = Some((act, entry));
        self
    }

    fn name(mut self, text: &str, act: NameAct) -> House {
        let entry = self.model.add_entry(format!("{act:?} {text}"));
        self.policy.names.add(&name(text), false, act, entry);
        self
    }

    fn timed(mut self, category: CategoryId, action: Act, in_force: bool) -> House {
        let schedule = self.policy.timed.len();
        let entry = self.model.add_entry(format!("timed {action:?} {category:?}"));
        let categories = CategorySet::EMPTY.with(category);
        self.policy.timed.push(Timed { categories, schedule, action, entry });
        self.in_force |= (in_force as u64) << schedule;
        self
    }

    fn group(mut self, category: Option<CategoryId>, names: &[(&str, NameAct)], action: Act) -> House {
        let entry = self.model.add_entry(format!("group {action:?}"));
        let mut rules = NameRules::default();
        for (text, act) in names {
            rules.add(&name(text), false, *act, entry);
        }
        let categories = category.into_iter().collect();
        self.policy.exceptions.push(Exception { group: 0, categories, names: rules, action, entry });
        self
    }

    fn default_block(mut self) -> House {
        self.policy.default_block = true;
        self.policy.default_entry = Some(self.model.add_entry("default block"));
        self
    }

    fn ask(&self, text: &str) -> Verdict {
        self.ask_as(text, &Subject::bare("10.0.0.1".parse().unwrap()))
    }

    fn ask_press(&self, text: &str) -> Verdict {
        let known = Known { device: Device { mac: Some(MAC), host: None }, ..Known::default() };
        self.ask_as(text, &Subject { client: "10.0.0.2".parse().unwrap(), known: Some(Arc::new(known)) })
    }

    fn ask_as(&self, text: &str, subject: &Subject) -> Verdict {
        self.decide(text, subject, false).verdict
    }

    fn rules<'a>(&'a self, standing: &'a Standing) -> Rules<'a> {
        let (model, matcher, access) = (&self.model, &self.matcher, &self.access);
        Rules { model, matcher, standing, access, led_by_essential: false, over_stream: false, ahead: None }
    }

    /// The schedule at place n changes at the moment 100 + n.
    fn standing(&self) -> Standing {
        let changes = std::array::from_fn(|place| Moment(100 + place as i64));
        Standing { in_force: self.in_force, at: Moment(10), changes, ..Standing::ALWAYS }
    }

    fn decide(&self, text: &str, subject: &Subject, over_stream: bool) -> Decided {
        let standing = self.standing();
        let rules = Rules { over_stream, ..self.rules(&standing) };
        let mut steps = Vec::new();
        let decided = decide(&rules, &self.policy, &name(text), rtype::A, subject, &mut steps);
        assert!(!steps.is_empty(), "a decision tells what it looked at");
        let why = decided.verdict.why();
        assert!(
            why.rule.is_some() || why.reason == Reason::Default,
            "Q3: every verdict but the default names its rule"
        );
        decided
    }
}

#[track_caller]
fn blocked(verdict: Verdict, reason: Reason) {
    assert!(matches!(verdict, Verdict::Block(why) if why.reason == reason), "{verdict:?}");
}

#[track_caller]
fn allowed(verdict: Verdict, reason: Reason) {
    assert!(matches!(verdict, Verdict::Allow(why) if why.reason == reason), "{verdict:?}");
}

#[test]
fn who_is_a_member_is_so_through_something() {
    use crate::policy::model::Through;
    let prefix = "10.0.0.0/24".parse().unwrap();
    let group = Group {
        name: "any".into(),
        users: ["u1".into()].into(),
        devices: [MAC].into(),
        clients: vec![prefix],
        directory: Some("CN=Any".into()),
    };
    let subject = |client: &str, known: Known| Subject { client: client.parse().unwrap(), known: Some(known.into()) };
    let device = Device { mac: Some(MAC), host: None };
    let (user, groups) = (Some("u1".into()), ["CN=Any".into()]);
    for (subject, through) in [
        (Subject::bare("10.0.0.9".parse().unwrap()), Some(Through::Client(prefix))),
        (subject("10.0.1.9", Known { device: device.clone(), ..Known::default() }), Some(Through::Device(MAC))),
        (subject("10.0.1.9", Known { user: user.clone(), ..Known::default() }), Some(Through::User)),
        (subject("10.0.1.9", Known { groups: groups.clone().into(), ..Known::default() }), Some(Through::Directory)),
        (subject("10.0.1.9", Known { user, groups: groups.into(), shared: true, ..Known::default() }), None),
        (subject("10.0.1.9", Known::default()), None),
    ] {
        assert_eq!(group.through(&subject), through);
        assert_eq!(group.has(&subject), through.is_some());
    }
}

#[test]
fn nothing_speaks_and_the_default_decides() {
    allowed(house().ask("plain.test"), Reason::Default);
    blocked(house().default_block().ask("plain.test"), Reason::Default);
}

#[test]
fn a_category_is_blocked_with_its_list_and_line() {
    let verdict = house().act(GAMBLING, Act::Block).ask("www.bet.test");
    let Verdict::Block(why) = verdict else { panic!("{verdict:?}") };
    assert_eq!(why.category, Some(GAMBLING));
    assert_eq!(why.rule, Some(RuleRef::List { list: ListId(0), line: 1, labels: 2, given: Given::Policy }));
}

#[test]
fn a_category_the_policy_does_not_mention_says_nothing() {
    allowed(house().ask("www.bet.test"), Reason::Default);
    blocked(house().default_block().ask("www.bet.test"), Reason::Default);
}

#[test]
fn a_permitted_category_speaks_before_a_blocking_default() {
    allowed(house().default_block().act(PRESS, Act::Allow).ask("news.social.test"), Reason::Category);
}

#[test]
fn an_exception_of_the_list_takes_a_name_out_and_a_longer_rule_puts_it_back() {
    let house = house().act(GAMBLING, Act::Block);
    allowed(house.ask("charity.bet.test"), Reason::Default);
    allowed(house.ask("www.charity.bet.test"), Reason::Default);
    blocked(house.ask("win.charity.bet.test"), Reason::Category);
}

#[test]
fn of_several_categories_the_strictest_wins() {
    let house = house().act(GAMBLING, Act::Block).act(SOCIAL, Act::Allow).act(PRESS, Act::Monitor);
    blocked(house.ask("games.social.test"), Reason::Category);
    assert!(matches!(house.ask("news.social.test"), Verdict::Monitor(why) if why.category == Some(PRESS)));
    allowed(house.ask("www.social.test"), Reason::Category);
}

#[test]
fn a_schedule_in_force_speaks_before_the_plain_action() {
    allowed(house().act(SOCIAL, Act::Block).timed(SOCIAL, Act::Allow, true).ask("social.test"), Reason::Schedule);
    blocked(house().act(SOCIAL, Act::Block).timed(SOCIAL, Act::Allow, false).ask("social.test"), Reason::Category);
    blocked(house().timed(SOCIAL, Act::Block, true).ask("social.test"), Reason::Schedule);
}

#[test]
fn of_several_schedules_in_force_the_strictest_wins() {
    let house = house().timed(SOCIAL, Act::Allow, true).timed(SOCIAL, Act::Block, true);
    blocked(house.ask("social.test"), Reason::Schedule);
}

#[test]
fn a_group_speaks_before_schedule_and_category_and_for_its_members_only() {
    let house = house().act(SOCIAL, Act::Block).timed(SOCIAL, Act::Block, true).group(Some(SOCIAL), &[], Act::Allow);
    allowed(house.ask_press("social.test"), Reason::Group);
    blocked(house.ask("social.test"), Reason::Schedule);
}

#[test]
fn a_group_exception_for_one_category_leaves_the_others_strict() {
    let house = house().act(GAMBLING, Act::Block).act(SOCIAL, Act::Block).group(Some(SOCIAL), &[], Act::Allow);
    blocked(house.ask_press("games.social.test"), Reason::Category);
}

#[test]
fn of_several_exceptions_for_groups_the_strictest_wins() {
    let house = house().group(Some(SOCIAL), &[], Act::Allow).group(Some(SOCIAL), &[], Act::Block);
    blocked(house.ask_press("social.test"), Reason::Group);
}

#[test]
fn a_name_of_the_policy_speaks_before_every_category() {
    let house =
        house().act(GAMBLING, Act::Block).name("www.bet.test", NameAct::Allow).name("plain.test", NameAct::Block);
    allowed(house.ask("www.bet.test"), Reason::Name);
    blocked(house.ask("other.bet.test"), Reason::Category);
    blocked(house.ask("a.plain.test"), Reason::Name);
}

#[test]
fn a_name_of_the_policy_speaks_before_group_category_and_schedule() {
    let house = house()
        .timed(SOCIAL, Act::Allow, true)
        .group(Some(SOCIAL), &[], Act::Allow)
        .name("social.test", NameAct::Block);
    blocked(house.ask_press("social.test"), Reason::Name);
}

#[test]
fn a_groups_name_speaks_before_a_name_of_the_policy_even_a_longer_one() {
    let house = house().name("www.bet.test", NameAct::Block).group(None, &[("bet.test", NameAct::Allow)], Act::Allow);
    allowed(house.ask_press("www.bet.test"), Reason::Group);
    blocked(house.ask("www.bet.test"), Reason::Name);
}

#[test]
fn of_names_for_several_groups_the_longest_wins_then_an_allow() {
    let house = house()
        .group(None, &[("bet.test", NameAct::Block)], Act::Block)
        .group(None, &[("www.bet.test", NameAct::Block)], Act::Block)
        .group(None, &[("www.bet.test", NameAct::Allow)], Act::Allow);
    allowed(house.ask_press("www.bet.test"), Reason::Group);
    blocked(house.ask_press("bet.test"), Reason::Group);
}

#[test]
fn an_answer_is_judged_by_where_it_leads() {
    let house = house().act(GAMBLING, Act::Block).act(PRESS, Act::Monitor).name("trusted.test", NameAct::Allow);
    let standing = house.standing();
    let rules = house.rules(&standing);
    let subject = Subject::bare("10.0.0.1".parse().unwrap());
    let judged = |asked: &str, targets: &[&str]| {
        let targets: Vec<Name> = targets.iter().map(|target| name(target)).collect();
        judge(&rules, &house.policy, &house.ask(asked), &targets, rtype::A, &subject)
            .found
            .map(|(name, _)| name.to_string())
    };
    assert_eq!(judged("plain.test", &["cdn.test", "a.bet.test"]), Some("a.bet.test".to_owned()));
    assert_eq!(judged("plain.test", &["cdn.test"]), None);
    assert_eq!(judged("trusted.test", &["news.social.test"]), None);
    assert_eq!(
        judged("plain.test", &["news.social.test", "a.bet.test"]),
        Some("a.bet.test".to_owned()),
        "a block before a mark"
    );
    assert_eq!(judged("plain.test", &["cdn.test", "news.social.test"]), Some("news.social.test".to_owned()), "a mark");
    assert_eq!(
        judged("trusted.test", &["a.bet.test"]),
        None,
        "a name the policy itself allows is trusted where it leads"
    );
    let by_default = house_that_blocks_by_default();
    let verdict = by_default.ask("news.social.test");
    let rules = by_default.rules(&standing);
    assert!(judge(&rules, &by_default.policy, &verdict, [name("cdn.test")], rtype::A, &subject).found.is_none());
}

fn house_that_blocks_by_default() -> House {
    house().default_block().act(PRESS, Act::Allow)
}

const USER: &str = "u1";

fn person() -> Subject {
    let known = Known { user: Some(USER.into()), device: Device { mac: Some(MAC), host: None }, ..Known::default() };
    Subject { client: "10.0.0.2".parse().unwrap(), known: Some(Arc::new(known)) }
}

impl House {
    /// Grants to the user until the moment 50.
    fn grants(self, opens: &[Opens]) -> House {
        let grant = |(number, opens): (usize, &Opens)| Grant {
            id: AccessId { withdrawal: false, day: 20_261_125, number: number as u32 + 1 },
            holder: Holder::User(USER.into()),
            opens: opens.clone(),
            from: Moment(0),
            until: Moment(50),
        };
        let grants = opens.iter().enumerate().map(grant).collect();
        House { access: Access::new(grants, Vec::new(), &self.model.categories, Moment(0)), ..self }
    }

    /// The user's access withdrawn between two moments, and a grant for `bet.test`.
    fn withdrawn(self, from: i64, until: i64) -> House {
        let id = AccessId { withdrawal: true, day: 20_261_125, number: 1 };
        let holder = Holder::User(USER.into());
        let withdrawal = Withdrawal { id, holder: holder.clone(), from: Moment(from), until: Moment(until) };
        let id = AccessId { withdrawal: false, ..id };
        let grant = Grant { id, holder, opens: granted_name("bet.test"), from: Moment(0), until: Moment(50) };
        House { access: Access::new(vec![grant], vec![withdrawal], &self.model.categories, Moment(0)), ..self }
    }

    fn essential(mut self, text: &str) -> House {
        let entry = self.model.add_entry(format!("essential {text}"));
        self.model.essential.add(&name(text), false, NameAct::Allow, entry);
        self
    }
}

fn granted_name(text: &str) -> Opens {
    Opens::Name { name: Box::new(name(text)), exact: false }
}

fn granted(verdict: Verdict, category: Option<CategoryId>) {
    assert!(
        matches!(verdict, Verdict::Grant(why) if why.category == category && why.reason == Reason::Grant),
        "{verdict:?}"
    );
}

#[test]
fn a_withdrawal_speaks_before_every_other_tier() {
    let house = house()
        .withdrawn(0, 50)
        .group(None, &[("bet.test", NameAct::Allow)], Act::Allow)
        .name("www.test", NameAct::Allow)
        .act(PRESS, Act::Allow);
    for text in ["bet.test", "www.test", "news.social.test", "plain.test"] {
        let decided = house.decide(text, &person(), false);
        blocked(decided.verdict, Reason::Withdrawn);
        assert!(matches!(decided.verdict.why().rule, Some(RuleRef::Withdrawal(id, By::User)) if id.number == 1));
        assert_eq!(decided.until, Moment(50), "until it ends");
        assert!(!matches!(house.ask(text), Verdict::Block(_)), "nobody else's");
    }
}

#[test]
fn an_essential_name_is_decided_as_if_nothing_were_withdrawn() {
    let house = house().withdrawn(0, 50).essential("force.test").name("casino.force.test", NameAct::Block);
    allowed(house.ask_as("www.force.test", &person()), Reason::Default);
    blocked(house.ask_as("casino.force.test", &person()), Reason::Name);
    assert_eq!(house.decide("www.force.test", &person(), false).until, Moment(i64::MAX));
}

#[test]
fn a_withdrawal_to_come_bounds_how_long_a_verdict_holds() {
    let house = house().withdrawn(30, 50);
    let decided = house.decide("plain.test", &person(), false);
    allowed(decided.verdict, Reason::Default);
    assert_eq!(decided.until, Moment(30));
    assert_eq!(house.decide("plain.test", &Subject::bare("10.0.0.1".parse().unwrap()), false).until, Moment(i64::MAX));
}

#[test]
fn a_granted_name_speaks_before_names_categories_and_the_default() {
    let house = house()
        .grants(&[granted_name("bet.test"), granted_name("denied.test"), granted_name("plain.test")])
        .group(None, &[("www.bet.test", NameAct::Block)], Act::Block)
        .name("denied.test", NameAct::Block)
        .act(GAMBLING, Act::Block)
        .default_block();
    for text in ["bet.test", "www.bet.test", "denied.test", "plain.test"] {
        let decided = house.decide(text, &person(), false);
        granted(decided.verdict, None);
        assert_eq!(decided.until, Moment(50));
        assert!(vouches(&decided.verdict));
    }
    blocked(house.ask("bet.test"), Reason::Category);
}

#[test]
fn a_granted_category_opens_a_name_only_where_no_other_category_keeps_it_shut() {
    let social = Opens::Category("social".into());
    let house = |grants: &[Opens]| house().act(SOCIAL, Act::Block).act(GAMBLING, Act::Block).grants(grants);
    let one = house(std::slice::from_ref(&social));
    granted(one.ask_as("www.social.test", &person()), Some(SOCIAL));
    assert!(!vouches(&one.ask_as("www.social.test", &person())), "where it leads is judged");
    blocked(one.ask_as("games.social.test", &person()), Reason::Category);
    let both = house(&[social, Opens::Category("gambling".into())]);
    granted(both.ask_as("games.social.test", &person()), Some(GAMBLING));
    blocked(both.ask("www.social.test"), Reason::Category);
}

#[test]
fn a_granted_category_speaks_before_names_and_schedules() {
    let house = house()
        .timed(SOCIAL, Act::Block, true)
        .name("social.test", NameAct::Block)
        .grants(&[Opens::Category("social".into())]);
    granted(house.ask_as("social.test", &person()), Some(SOCIAL));
    blocked(house.ask("social.test"), Reason::Name);
}

#[test]
fn an_answer_that_leads_to_a_granted_name_is_marked_as_granted() {
    let house = house().act(SOCIAL, Act::Block).act(PRESS, Act::Monitor).grants(&[Opens::Category("social".into())]);
    let standing = house.standing();
    let judged = |asked: &str, targets: &[&str]| {
        let targets: Vec<Name> = targets.iter().map(|target| name(target)).collect();
        let asked = house.ask_as(asked, &person());
        judge(&house.rules(&standing), &house.policy, &asked, &targets, rtype::A, &person())
    };
    let found = judged("plain.test", &["www.social.test"]);
    assert!(matches!(found.found, Some((_, Verdict::Grant(why))) if why.category == Some(SOCIAL)), "{found:?}");
    assert_eq!(found.until, Moment(50));
    assert_eq!(judged("www.social.test", &["cdn.test"]).found, None, "it is marked already");
}

#[test]
fn a_verdict_holds_until_a_schedule_that_was_looked_at_changes() {
    // Places 0 and 1: the schedules of the two timed entries.
    let house = house().timed(SOCIAL, Act::Allow, true).timed(GAMBLING, Act::Block, false);
    let until = |text: &str| house.decide(text, &Subject::bare("10.0.0.1".parse().unwrap()), false).until;
    assert_eq!(until("social.test"), Moment(100));
    assert_eq!(until("bet.test"), Moment(101), "not in force, and it may come to be");
    assert_eq!(until("games.social.test"), Moment(100), "the first of both");
    assert_eq!(until("plain.test"), Moment(i64::MAX));
    let named = house.name("social.test", NameAct::Allow);
    assert_eq!(named.decide("social.test", &person(), false).until, Moment(i64::MAX), "no schedule was looked at");
    let exempt = named.group(Some(GAMBLING), &[], Act::Allow);
    assert_eq!(exempt.decide("bet.test", &person(), false).until, Moment(i64::MAX), "the group speaks at any time");
}
