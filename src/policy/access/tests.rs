//! Who is meant, and from when until when.

use std::net::IpAddr;
use std::sync::Arc;

use super::*;
use crate::subject::{Device, Known};

const MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);

fn id(withdrawal: bool, number: u32) -> AccessId {
    AccessId { withdrawal, day: 20_261_125, number }
}

fn withdrawal(number: u32, holder: Holder, from: i64, until: i64) -> Withdrawal {
    Withdrawal { id: id(true, number), holder, from: Moment(from), until: Moment(until) }
}

fn access(withdrawals: Vec<Withdrawal>) -> Access {
    Access::new(Vec::new(), withdrawals, &[], Moment(0))
}

fn subject(client: &str, user: Option<&str>, mac: Option<Mac>, shared: bool) -> Subject {
    let client: IpAddr = client.parse().unwrap();
    let known = Known { user: user.map(Into::into), device: Device { mac, host: None }, shared, ..Known::default() };
    Subject { client, known: Some(Arc::new(known)) }
}

fn by(access: &Access, subject: &Subject, at: i64) -> Option<(u32, By)> {
    access.withdrawn(subject, Moment(at)).by.map(|(id, by)| (id.number, by))
}

#[test]
fn a_withdrawal_finds_the_user_the_device_and_the_address_and_says_which() {
    let access = access(vec![
        withdrawal(1, Holder::User("u1".into()), 10, 20),
        withdrawal(2, Holder::Device(MAC), 10, 20),
        withdrawal(3, Holder::Client("10.0.0.0/24".parse().unwrap()), 10, 20),
    ]);
    assert_eq!(by(&access, &subject("192.0.2.1", Some("u1"), None, false), 10), Some((1, By::User)));
    assert_eq!(by(&access, &subject("192.0.2.1", Some("u2"), Some(MAC), false), 10), Some((2, By::Device)));
    assert_eq!(by(&access, &subject("10.0.0.7", Some("u2"), None, false), 10), Some((3, By::Client)));
    assert_eq!(
        by(&access, &subject("10.0.0.7", Some("u1"), Some(MAC), false), 10),
        Some((1, By::User)),
        "the person first"
    );
    assert_eq!(by(&access, &Subject::bare("192.0.2.1".parse().unwrap()), 10), None);
}

#[test]
fn a_shared_host_is_nobodys_but_it_is_still_a_device_and_an_address() {
    let person = access(vec![withdrawal(1, Holder::User("u1".into()), 0, 20)]);
    assert_eq!(by(&person, &subject("10.0.0.7", Some("u1"), Some(MAC), true), 10), None);
    let device = access(vec![withdrawal(2, Holder::Device(MAC), 0, 20)]);
    assert_eq!(by(&device, &subject("10.0.0.7", Some("u1"), Some(MAC), true), 10), Some((2, By::Device)));
}

#[test]
fn a_withdrawal_begins_and_ends_by_itself_and_tells_when() {
    let access = access(vec![
        withdrawal(1, Holder::User("u1".into()), 10, 20),
        withdrawal(2, Holder::User("u1".into()), 15, 30),
    ]);
    let u1 = subject("10.0.0.7", Some("u1"), None, false);
    let stands = |at| {
        let found = access.withdrawn(&u1, Moment(at));
        (found.by.map(|(id, _)| id.number), found.until)
    };
    assert_eq!(stands(9), (None, Moment(10)));
    assert_eq!(stands(10), (Some(1), Moment(20)));
    assert_eq!(stands(15), (Some(2), Moment(30)), "the one that lasts longer");
    assert_eq!(stands(29), (Some(2), Moment(30)));
    assert_eq!(stands(30), (None, Moment(i64::MAX)));
}

#[test]
fn grants_open_a_name_with_all_below_it_or_alone_and_categories_by_name() {
    let name = |text: &str| Name::parse(text).unwrap();
    let grant = |number, opens, until| Grant {
        id: id(false, number),
        holder: Holder::User("u1".into()),
        opens,
        from: Moment(0),
        until: Moment(until),
    };
    let opens = |text: &str, exact| Opens::Name { name: Box::new(name(text)), exact };
    let category = |name: &str| Category { name: name.into(), title: name.into(), clause: None };
    let access = Access::new(
        vec![
            grant(1, opens("below.test", false), 20),
            grant(2, opens("alone.test", true), 20),
            grant(3, Opens::Category("social".into()), 20),
            grant(4, Opens::Category("gone".into()), 20),
            grant(5, opens("www.below.test", false), 30),
            grant(6, opens("ended.test", false), 0),
        ],
        Vec::new(),
        &[category("adult"), category("social")],
        Moment(0),
    );
    let u1 = subject("10.0.0.7", Some("u1"), None, false);
    let opened = |text: &str| access.grants_name(&u1, &name(text), Moment(5)).map(|granted| granted.id.number);
    assert_eq!(opened("below.test"), Some(1));
    assert_eq!(opened("a.below.test"), Some(1));
    assert_eq!(opened("www.below.test"), Some(5), "the one that lasts longer");
    assert_eq!(opened("alone.test"), Some(2));
    assert_eq!(opened("a.alone.test"), None);
    assert_eq!(opened("ended.test"), None);
    assert_eq!(access.granted_categories(&u1, Moment(5)), CategorySet::EMPTY.with(CategoryId(1)));
    assert_eq!(access.grants_category(&u1, CategoryId(1), Moment(5)).unwrap().id.number, 3);
    assert_eq!(access.in_force(Moment(25)), (1, 0));
    let other = access.renewed(&[category("social")], Moment(5));
    assert_eq!(other.granted_categories(&u1, Moment(5)), CategorySet::EMPTY.with(CategoryId(0)), "places may change");
    assert!(access.grants_name(&u1, &name("below.test"), Moment(20)).is_none(), "it ends by itself");
}
