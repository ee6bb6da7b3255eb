//! Whatever is changed of one network zone, no verdict in another is altered: many models made at random, without a configuration. The same
//! through whole configurations is `what_is_changed_of_one_network_zone_alters_no_verdict_in_another`.

use std::net::IpAddr;
use std::sync::OnceLock;

use ipnet::IpNet;
use proptest::prelude::*;

use crate::dns::Name;
use crate::dns::types::rtype;
use crate::list::{Compiler, Matcher, Role, Rule};
use crate::policy::access::Access;
use crate::policy::decide::{Decided, Rules, decide};
use crate::policy::model::{Act, Category};
use crate::policy::names::NameAct;
use crate::policy::{
    Exception, Group, Model, NameRules, NetworkMap, NetworkZone, Policy, Response, Sinkhole, Standing, Timed,
};
use crate::subject::{Known, Subject};
use crate::verdict::{CategoryId, CategorySet, ListId, RuleRef};

const NAMES: [&str; 6] = ["test", "a.test", "b.a.test", "c.test", "d.c.test", "e.test"];
const ACTS: [Act; 3] = [Act::Allow, Act::Monitor, Act::Block];
const RESPONSES: [Response; 5] =
    [Response::Sinkhole, Response::Nxdomain, Response::Nodata, Response::Refused, Response::Drop];

/// A name, whether alone, and which of [`ACTS`].
type Spoken = Vec<(usize, bool, usize)>;

/// A policy, to be put into a model.
#[derive(Clone, Debug)]
struct Plan {
    response: usize,
    default_block: bool,
    actions: [Option<usize>; 3],
    names: Spoken,
    /// Categories by bit, schedule, action.
    timed: Vec<(u128, usize, usize)>,
    /// Group, categories by bit, names, action.
    exceptions: Vec<(usize, u128, Spoken, usize)>,
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let spoken = || prop::collection::vec((0..NAMES.len(), any::<bool>(), 0..3usize), 0..4);
    let timed = prop::collection::vec((0u128..8, 0usize..3, 0..3usize), 0..3);
    let exceptions = prop::collection::vec((0usize..3, 0u128..8, spoken(), 0..3usize), 0..3);
    let actions = [(); 3].map(|()| prop::option::of(0..3usize));
    (0..5usize, any::<bool>(), actions, spoken(), timed, exceptions).prop_map(
        |(response, default_block, actions, names, timed, exceptions)| Plan {
            response,
            default_block,
            actions,
            names,
            timed,
            exceptions,
        },
    )
}

/// What is a network zone's own: its prefixes, policy, sinkhole and group.
#[derive(Clone, Debug)]
struct Own {
    prefixes: Vec<&'static str>,
    plan: Plan,
    ttl: u32,
    members: Vec<&'static str>,
}

fn any_own() -> impl Strategy<Value = Own> {
    let prefixes = &["10.1.0.0/16", "10.1.7.0/24", "10.3.0.0/16", "10.0.0.0/8", "0.0.0.0/0", "10.2.0.0/15"][..];
    let prefixes = prop::sample::subsequence(prefixes, 0..=6);
    let members = prop::sample::subsequence(&["10.1.0.0/16", "10.2.0.0/16", "0.0.0.0/0"][..], 0..=3);
    (prefixes, any_plan(), 0u32..4, members).prop_map(|(prefixes, plan, ttl, members)| Own {
        prefixes,
        plan,
        ttl,
        members,
    })
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn rules_of(spoken: &Spoken, model: &mut Model, of: &str) -> NameRules {
    let mut rules = NameRules::default();
    for (n, (at, alone, act)) in spoken.iter().enumerate() {
        let act = [NameAct::Allow, NameAct::Monitor, NameAct::Block][*act];
        let entry = model.add_entry(format!("{of} name {n}"));
        rules.add(&name(NAMES[*at]), *alone, act, entry);
    }
    rules
}

fn policy(plan: &Plan, of: &str, model: &mut Model) -> Policy {
    let names = rules_of(&plan.names, model, of);
    let mut actions = Vec::new();
    for (n, act) in plan.actions.iter().enumerate() {
        actions.push(act.map(|act| (ACTS[act], model.add_entry(format!("{of} action {n}")))));
    }
    let mut timed = Vec::new();
    for (n, (bits, schedule, act)) in plan.timed.iter().enumerate() {
        let entry = model.add_entry(format!("{of} timed {n}"));
        timed.push(Timed { categories: CategorySet(*bits), schedule: *schedule, action: ACTS[*act], entry });
    }
    let mut exceptions = Vec::new();
    for (n, (group, bits, spoken, act)) in plan.exceptions.iter().enumerate() {
        // Group 0 is zone a's own, and no other policy names it.
        let group = if of == "a" { *group } else { 1 + group % 2 };
        let names = rules_of(spoken, model, &format!("{of} exception {n}"));
        let entry = model.add_entry(format!("{of} exception {n}"));
        exceptions.push(Exception { group, categories: CategorySet(*bits), names, action: ACTS[*act], entry });
    }
    let default_entry = Some(model.add_entry(format!("{of} default")));
    Policy {
        name: of.into(),
        inherits: None,
        response: Some(RESPONSES[plan.response]),
        names,
        rewrites: Vec::new(),
        actions,
        timed,
        exceptions,
        default_block: plan.default_block,
        default_entry,
    }
}

fn prefix(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn model(a: &Own, b: &Plan) -> Model {
    let mut model = Model::default();
    for category in ["first", "second", "third"] {
        model.categories.push(Category { name: category.into(), title: category.into(), clause: None });
    }
    let group = |members: &[&str], users: &[&str]| Group {
        clients: members.iter().map(|text| prefix(text)).collect(),
        users: users.iter().map(|user| (*user).into()).collect(),
        ..Group::default()
    };
    model.groups = vec![group(&a.members, &["u1"]), group(&["10.2.7.0/24"], &[]), group(&[], &["u1"])];
    for (of, plan) in [("a", &a.plan), ("b", b)] {
        let policy = policy(plan, of, &mut model);
        model.policies.push(policy);
    }
    let sinkhole = Sinkhole { ttl: a.ttl, ..Sinkhole::default() };
    let clients = a.prefixes.iter().map(|text| prefix(text)).collect();
    model.network_zones.push(NetworkZone { name: "a".into(), clients, policy: 0, sinkhole });
    let clients = vec![prefix("10.2.0.0/16")];
    model.network_zones.push(NetworkZone { name: "b".into(), clients, policy: 1, sinkhole: Sinkhole::default() });
    let zones = model.network_zones.iter().zip(0u16..);
    model.networks = NetworkMap::new(zones.flat_map(|(zone, at)| zone.clients.iter().map(move |prefix| (prefix, at))));
    model
}

fn matcher() -> &'static Matcher {
    static MATCHER: OnceLock<Matcher> = OnceLock::new();
    MATCHER.get_or_init(|| {
        let mut compiler = Compiler::new([3; 16]);
        for (line, (of, category, except)) in [
            ("a.test", 0, false),
            ("b.a.test", 1, false),
            ("c.test", 1, false),
            ("c.test", 2, false),
            ("d.c.test", 2, true),
        ]
        .into_iter()
        .enumerate()
        {
            let role = if except { Role::ExceptCategory } else { Role::Lists };
            let rule = Rule::listing(name(of));
            compiler.add(ListId(category.into()), CategoryId(category), role, line as u32 + 1, &rule).unwrap();
        }
        let mut file = Vec::new();
        compiler.finish([0; 32], &mut file).unwrap();
        Matcher::open(file).unwrap()
    })
}

/// How every question in zone b is decided and answered, entries by their text.
fn told(model: &Model, in_force: u64) -> Vec<String> {
    let standing = Standing { in_force, ..Standing::ALWAYS };
    let access = Access::default();
    let rules = Rules {
        model,
        matcher: matcher(),
        standing: &standing,
        access: &access,
        led_by_essential: false,
        over_stream: false,
        ahead: None,
    };
    let signed_on = Known { user: Some("u1".into()), ..Known::default() };
    let mut all = Vec::new();
    for third in [0, 7] {
        for known in [None, Some(signed_on.clone().into())] {
            let subject = Subject { client: IpAddr::from([10, 2, third, 9]), known };
            let zone = &model.network_zones[model.networks.find(subject.client).unwrap() as usize];
            let policy = &model.policies[zone.policy];
            for of in NAMES.iter().flat_map(|of| [name(of), name(&format!("w.{of}"))]) {
                let Decided { verdict, until } = decide(&rules, policy, &of, rtype::A, &subject, &mut ());
                let why = verdict.why();
                let rule = match why.rule {
                    Some(RuleRef::Config(entry)) => model.entries[entry.0 as usize].to_string(),
                    rule => format!("{rule:?}"),
                };
                all.push(format!(
                    "{of} {:?} {:?} {:?} {rule} {:?} {:?} {} {until:?}",
                    verdict.action(),
                    why.reason,
                    why.category,
                    policy.response,
                    zone.sinkhole,
                    zone.name
                ));
            }
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn nothing_of_one_network_zone_alters_a_verdict_in_another(
        a in any_own(), changed in any_own(), b in any_plan(), in_force in 0u64..8,
    ) {
        let (before, after) = (told(&model(&a, &b), in_force), told(&model(&changed, &b), in_force));
        prop_assert_eq!(before, after);
    }
}
