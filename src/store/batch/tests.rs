//! Batches hold what the table of columns promises.

use super::*;
use crate::moment::Moment;
use crate::subject::{Mac, Via};
use crate::verdict::{Action, Source, Transport};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};

fn shown(batch: &RecordBatch, row: usize) -> Vec<(String, String)> {
    let options = FormatOptions::default().with_null("NULL");
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
        // Without a table of time zones the formatter shows no time in one: the bare microseconds are looked at.
        let column = match field.data_type() {
            DataType::Timestamp(..) => &arrow::compute::cast(column, &DataType::Int64).unwrap(),
            _ => column,
        };
        (field.name().clone(), ArrayFormatter::try_new(column, &options).unwrap().value(row).to_string())
    });
    columns.collect()
}

fn value(batch: &RecordBatch, row: usize, name: &str) -> String {
    shown(batch, row).into_iter().find(|(column, _)| column == name).unwrap().1
}

fn row<'a>() -> Row<'a> {
    Row {
        time: Moment(1_500_000),
        client: "2001:db8::1".parse().unwrap(),
        client_port: 4000,
        transport: Transport::Doh,
        network_zone: "hq",
        generation: 3,
        device: Some(Mac([0, 17, 34, 51, 68, 85])),
        host: Some("KIOSK-1"),
        user: None,
        via: Some(Via::Static),
        as_of: Some(Moment(1_000_000)),
        qname: Some(b"\x03www\x03bet\x07example\x02co\x02uk\0"),
        qtype: 65280,
        action: Action::Blocked,
        category: Some("gambling"),
        list: Some("gambling/list.txt"),
        rule: Rule::Line { line: 12, labels: 4 },
        rcode: Some(0),
        ede: Some(15),
        answer: "0.0.0.0",
        source: Some(Source::Policy),
        upstream: None,
        duration_us: 9,
    }
}

#[test]
fn every_column_says_what_the_table_promises() {
    let mut batch = Batch::new();
    batch.push("dns1", 2, 77, &row());
    let batch = batch.finish().unwrap();
    let expected = [
        ("time", "1500000"),
        ("node", "dns1"),
        ("lane", "2"),
        ("seq", "77"),
        ("client", "2001:db8::1"),
        ("client_port", "4000"),
        ("transport", "doh"),
        ("network_zone", "hq"),
        ("policy_generation", "3"),
        ("device", "00:11:22:33:44:55"),
        ("host", "KIOSK-1"),
        ("user", "NULL"),
        ("via", "static"),
        ("as_of", "1000000"),
        ("qname", "www.bet.example.co.uk"),
        ("qtype", "TYPE65280"),
        ("site", "example.co.uk"),
        ("action", "blocked"),
        ("category", "gambling"),
        ("list", "gambling/list.txt"),
        ("rule", "12:bet.example.co.uk"),
        ("rcode", "0"),
        ("ede", "15"),
        ("answer", "0.0.0.0"),
        ("source", "policy"),
        ("upstream", "NULL"),
        ("duration_us", "9"),
    ];
    assert_eq!(shown(&batch, 0), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn without_a_question_its_columns_are_null() {
    let mut batch = Batch::new();
    let bare = Row { qname: None, qtype: 0, rule: Rule::Text("unmatched.action"), rcode: None, answer: "", ..row() };
    batch.push("dns1", 0, 1, &bare);
    let batch = batch.finish().unwrap();
    for name in ["qname", "qtype", "site", "rcode", "answer"] {
        assert_eq!(value(&batch, 0, name), "NULL", "{name}");
    }
    assert_eq!(value(&batch, 0, "rule"), "unmatched.action");
}

#[test]
fn a_site_is_the_registrable_domain_and_escapes_do_not_fool_it() {
    let of = |text: &str| site(&Name::parse(text).unwrap()).map(|name| name.to_string());
    assert_eq!(of("a.b.example.com").as_deref(), Some("example.com"));
    assert_eq!(of("example.com").as_deref(), Some("example.com"));
    assert_eq!(of("www.police.uk").as_deref(), Some("www.police.uk"));
    assert_eq!(of("a.b.example.co.uk").as_deref(), Some("example.co.uk"));
    assert_eq!(of("x.y.intranet").as_deref(), Some("y.intranet"));
    assert_eq!(of(r"x.a\.b.com").as_deref(), Some(r"a\.b.com"));
    assert_eq!(of("com"), None);
    assert_eq!(of("co.uk"), None);
    assert_eq!(of("."), None);
}
