//! What a child takes over, tier by tier. That it comes to the same as the policy written out is a property test on whole
//! configurations, `an_inherited_policy_decides_as_the_same_policy_written_out`.

use super::*;
use crate::dns::Name;
use crate::policy::model::{Act, Response, Rewrite};
use crate::policy::names::{NameAct, NameRules};
use crate::verdict::{CategoryId, EntryId};

const GAMBLING: CategoryId = CategoryId(0);
const SOCIAL: CategoryId = CategoryId(1);

fn policy() -> Policy {
    Policy {
        name: "test".into(),
        inherits: None,
        response: None,
        names: NameRules::default(),
        rewrites: Vec::new(),
        actions: vec![None; 2],
        timed: Vec::new(),
        exceptions: Vec::new(),
        default_block: false,
        default_entry: None,
    }
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn timed(schedule: usize, categories: &[CategoryId], action: Act, entry: u32) -> Timed {
    Timed { categories: categories.iter().copied().collect(), schedule, action, entry: EntryId(entry) }
}

#[test]
fn a_child_that_says_nothing_is_its_parent() {
    let mut parent = policy();
    parent.response = Some(Response::Refused);
    parent.default_block = true;
    parent.default_entry = Some(EntryId(1));
    parent.actions[0] = Some((Act::Block, EntryId(2)));
    let mut child = policy();
    child.inherit(&parent);
    assert_eq!(
        (child.response, child.default_block, child.default_entry),
        (Some(Response::Refused), true, Some(EntryId(1)))
    );
    assert_eq!(child.actions, parent.actions);
}

#[test]
fn what_the_child_says_stands_in_the_place_of_what_the_parent_says() {
    let mut parent = policy();
    parent.response = Some(Response::Refused);
    parent.default_block = true;
    parent.default_entry = Some(EntryId(1));
    parent.actions = vec![Some((Act::Block, EntryId(2))), Some((Act::Monitor, EntryId(3)))];
    let mut child = policy();
    child.response = Some(Response::Sinkhole);
    child.default_entry = Some(EntryId(9));
    child.actions[0] = Some((Act::Allow, EntryId(8)));
    child.inherit(&parent);
    assert_eq!(
        (child.response, child.default_block, child.default_entry),
        (Some(Response::Sinkhole), false, Some(EntryId(9)))
    );
    assert_eq!(child.actions, [Some((Act::Allow, EntryId(8))), Some((Act::Monitor, EntryId(3)))]);
}

#[test]
fn an_entry_gives_way_for_the_same_schedule_and_category_alone() {
    let mut parent = policy();
    parent.timed = vec![timed(0, &[GAMBLING, SOCIAL], Act::Allow, 1), timed(1, &[SOCIAL], Act::Allow, 2)];
    let mut child = policy();
    child.timed = vec![timed(0, &[SOCIAL], Act::Block, 9)];
    child.inherit(&parent);
    let told: Vec<_> = child.timed.iter().map(|t| (t.schedule, t.categories, t.action, t.entry.0)).collect();
    let set = |categories: &[CategoryId]| categories.iter().copied().collect::<CategorySet>();
    assert_eq!(
        told,
        [(0, set(&[SOCIAL]), Act::Block, 9), (0, set(&[GAMBLING]), Act::Allow, 1), (1, set(&[SOCIAL]), Act::Allow, 2)]
    );
}

#[test]
fn an_exception_gives_way_for_the_same_group_and_category_or_name_alone() {
    let exception = |group, category: Option<CategoryId>, names: &[&str], act: NameAct, action, entry| {
        let mut rules = NameRules::default();
        names.iter().for_each(|text| rules.add(&name(text), false, act, EntryId(entry)));
        Exception { group, categories: category.into_iter().collect(), names: rules, action, entry: EntryId(entry) }
    };
    let mut parent = policy();
    parent.exceptions = vec![
        exception(0, Some(SOCIAL), &["a.test", "b.test"], NameAct::Allow, Act::Allow, 1),
        exception(0, None, &["a.test"], NameAct::Allow, Act::Allow, 2),
        exception(1, Some(SOCIAL), &[], NameAct::Allow, Act::Allow, 3),
    ];
    let mut child = policy();
    child.exceptions = vec![exception(0, Some(SOCIAL), &["a.test"], NameAct::Block, Act::Block, 9)];
    child.inherit(&parent);
    let entries: Vec<u32> = child.exceptions.iter().map(|e| e.entry.0).collect();
    assert_eq!(entries, [9, 1, 3], "the second has nothing left to say");
    assert!(child.exceptions[1].categories.is_empty());
    assert_eq!(child.exceptions[1].names.find(&name("a.test")), None);
    assert!(child.exceptions[1].names.find(&name("b.test")).is_some());
}

#[test]
fn a_rewrite_goes_with_its_name() {
    let mut parent = policy();
    for (text, entry) in [("a.test", 1), ("b.test", 2)] {
        parent.names.add(&name(text), true, NameAct::Rewrite, EntryId(entry));
        parent.rewrites.push((EntryId(entry), Rewrite::Addresses(vec!["192.0.2.1".parse().unwrap()])));
    }
    let mut child = policy();
    child.names.add(&name("a.test"), false, NameAct::Block, EntryId(9));
    child.inherit(&parent);
    assert_eq!(child.names.find(&name("a.test")).unwrap().entry, EntryId(9));
    assert_eq!(child.rewrites.iter().map(|(entry, _)| entry.0).collect::<Vec<_>>(), [2]);
}
