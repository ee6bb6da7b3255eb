//! The parts together: real Parquet files with small row groups and pages, judged against a look at each row.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use proptest::prelude::*;
use serde_json::Value;

use super::aggregate::{Counting, Stretch, count};
use super::cell::{Cell, object};
use super::evaluate::keep;
use super::export::{Format, export};
use super::filter::{Filter, Span, flags};
use super::fixture::{Live, Row, any_row, batch, log, part};
use super::rows::newest;
use super::run::{Budget, QueryError};
use super::scan::OpenPart;
use crate::moment::Moment;
use crate::record::columns::{index_of, schema};
use crate::store::reader::Reader;

fn ample() -> Budget {
    Budget::new(64 << 20, None)
}

fn filter(asks: &[(&str, &str)], span: Span) -> Filter {
    let mut filter = Filter { span, ..Filter::default() };
    for (flag, value) in asks {
        filter.ask(flags().iter().find(|f| f.name == *flag).unwrap(), value).unwrap();
    }
    filter
}

fn objects(batch: &RecordBatch) -> Vec<Value> {
    (0..batch.num_rows()).map(|row| object(batch, row)).collect()
}

/// Rows as a log would seal them: by time, numbered.
fn sealed(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by_key(|row| row.time);
    rows.iter_mut().enumerate().for_each(|(seq, row)| row.seq = seq as u64);
    rows
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let asks = prop::sample::subsequence(
        vec![
            ("client", "10.20.0.0/16"),
            ("client", "192.0.2.7"),
            ("under", "example.com"),
            ("name", "a.test"),
            ("action", "blocked"),
            ("category", "webmail"),
            ("device", "kiosk-1"),
            ("rcode", "3"),
        ],
        0..3,
    );
    (asks, prop::option::of((0i64..100, 0i64..60))).prop_map(|(asks, span)| {
        let span = span
            .map_or(Span::default(), |(from, long)| Span { from: Some(Moment(from)), to: Some(Moment(from + long)) });
        filter(&asks, span)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_search_of_pruned_parts_finds_what_a_look_at_all_rows_finds(
        rows in prop::collection::vec(any_row(), 0..400), size in 20usize..200, filter in any_filter(), limit in 1usize..60,
    ) {
        let rows = sealed(rows);
        let dir = log(&rows, size);
        let found = newest(&Reader::open(dir.path()).unwrap(), &filter, limit, &ample()).unwrap();
        prop_assert!(found.coverage.is_whole());
        let mut expected = objects(&keep(&filter, &batch(&rows)).unwrap());
        expected.reverse();
        prop_assert_eq!(found.more, expected.len() > limit);
        expected.truncate(limit);
        // Rows of one microsecond may stand in for each other at the limit, so times are compared, and rows with all of theirs in.
        let found = objects(&found.rows);
        let times = |rows: &[Value]| rows.iter().map(|r| r["time"].to_string()).collect::<Vec<_>>();
        prop_assert_eq!(times(&found), times(&expected));
        let oldest = times(&expected).pop();
        let firm = |rows: &[Value]| rows.iter().filter(|r| Some(r["time"].to_string()) != oldest).cloned().collect::<Vec<_>>();
        prop_assert_eq!(firm(&found), firm(&expected));
    }

    #[test]
    fn counts_agree_with_counting_by_hand(
        rows in prop::collection::vec(any_row(), 0..300), filter in any_filter(), bucket in prop::option::of(1u64..40),
        by in prop::sample::subsequence(vec!["user", "action", "rcode", "category"], 0..3),
        distinct in prop::option::of(prop::sample::select(&["qname", "host"][..])),
    ) {
        let rows = sealed(rows);
        let dir = log(&rows, 100);
        let counting = Counting {
            by: by.iter().map(|name| index_of(name).unwrap()).collect(),
            bucket: bucket.map(Duration::from_micros),
            distinct: distinct.and_then(index_of),
            top: None,
            ..Counting::default()
        };
        let reader = Reader::open(dir.path()).unwrap();
        let counted = count(&reader, &filter, &counting, &ample(), &mut |_, _| {}).unwrap();

        let mut groups: BTreeMap<String, (u64, BTreeSet<String>)> = BTreeMap::new();
        if by.is_empty() && bucket.is_none() {
            groups.insert("[]".into(), Default::default());
        }
        for row in objects(&keep(&filter, &batch(&rows)).unwrap()) {
            let mut key = Vec::new();
            if let Some(bucket) = bucket {
                let time: jiff::Timestamp = row["time"].as_str().unwrap().parse().unwrap();
                let begins = time.as_microsecond() / bucket as i64 * bucket as i64;
                key.push(Value::from(Moment(begins).to_string()));
            }
            key.extend(by.iter().map(|name| row[*name].clone()));
            let group = groups.entry(Value::from(key).to_string()).or_default();
            group.0 += 1;
            if let Some(name) = distinct && !row[name].is_null() {
                group.1.insert(row[name].to_string());
            }
        }
        let expected: BTreeMap<String, (u64, Option<u64>)> = groups
            .into_iter()
            .map(|(key, (rows, values))| (key, (rows, distinct.map(|_| values.len() as u64))))
            .collect();
        let got: BTreeMap<String, (u64, Option<u64>)> = counted
            .objects()
            .map(|group| {
                let keys: Vec<Value> = ["bucket"].iter().chain(&by).filter_map(|k| group.get(*k)).cloned().collect();
                (Value::from(keys).to_string(), (group["rows"].as_u64().unwrap(), group.get("distinct").and_then(Value::as_u64)))
            })
            .collect();
        prop_assert_eq!(got, expected);
        prop_assert_eq!(counted.objects().count(), counted.groups());
    }
}

fn many(number: i64) -> Vec<Row> {
    let row = |time: i64| Row {
        time,
        seq: time as u64,
        client: format!("10.0.{}.{}", time / 250, time % 250),
        qname: Some(format!("n{time}.example")),
        ..Row::default()
    };
    (0..number).map(row).collect()
}

#[test]
fn groups_and_pages_that_cannot_matter_are_not_read() {
    let dir = log(&many(640), 640);
    let reader = Reader::open(dir.path()).unwrap();
    let open = OpenPart::open(&reader.parts()[0]).unwrap();
    let groups = |asks: &[(&str, &str)], span| open.groups(&filter(asks, span)).unwrap();
    assert_eq!(groups(&[], Span::default()).len(), 10);
    let by_time = groups(&[], Span { from: Some(Moment(100)), to: Some(Moment(120)) });
    assert_eq!(by_time.iter().map(|g| g.index).collect::<Vec<_>>(), [1]);
    assert_eq!(by_time[0].pages.as_ref().unwrap().row_count(), 32, "two pages of sixteen rows");
    // Every row group's names enclose this one as text: only the bloom filters tell that it is nowhere.
    assert_eq!(groups(&[("name", "n1x.example")], Span::default()).len(), 0);
    let by_name = groups(&[("name", "n77.example")], Span::default());
    assert!(by_name.iter().any(|g| g.index == 1) && by_name.len() < 4, "{by_name:?}");
    assert_eq!(groups(&[("client", "10.0.2.0/24")], Span::default()).iter().map(|g| g.index).min(), Some(7));
    assert_eq!(groups(&[("rcode", "5")], Span::default()).len(), 0);
}

#[test]
fn a_search_reads_no_further_back_than_it_must() {
    let dir = log(&many(300), 100);
    let reader = Reader::open(dir.path()).unwrap();
    // Were the two older parts opened, the search would say that they are not there.
    for part in &reader.parts()[..2] {
        std::fs::remove_file(&part.path).unwrap();
    }
    let found = newest(&reader, &Filter::default(), 50, &ample()).unwrap();
    assert!(found.coverage.is_whole() && found.more);
    assert_eq!(found.rows.num_rows(), 50);
    let found = newest(&reader, &Filter::default(), 150, &ample()).unwrap();
    assert!(found.coverage.is_overtaken());
    assert_eq!((found.rows.num_rows(), found.coverage.unreadable.len()), (100, 2));
}

/// Spoils octets in the middle of a part, where the columns are.
fn spoil(path: &Path) {
    let mut octets = std::fs::read(path).unwrap();
    let middle = octets.len() / 3;
    octets[middle..middle + 400].fill(0xa5);
    std::fs::write(path, octets).unwrap();
}

#[test]
fn a_damaged_part_is_named_and_the_others_are_read() {
    let dir = log(&many(300), 100);
    let reader = Reader::open(dir.path()).unwrap();
    let broken = reader.parts()[1].path.clone();
    spoil(&broken);
    let found = newest(&reader, &Filter::default(), 1000, &ample()).unwrap();
    assert!(found.rows.num_rows() >= 200);
    let missing = found.coverage.missing();
    assert!(missing.len() == 1 && missing[0].contains(broken.to_str().unwrap()), "{missing:?}");
    let counting = Counting { by: vec![index_of("qname").unwrap()], ..Counting::default() };
    let counted = count(&reader, &Filter::default(), &counting, &ample(), &mut |_, _| {}).unwrap();
    assert!(!counted.coverage.is_whole() && counted.rows() >= 200);
    std::fs::write(&broken, b"PAR1 nothing PAR1").unwrap();
    let found = newest(&reader, &Filter::default(), 1000, &ample()).unwrap();
    assert_eq!((found.rows.num_rows(), found.coverage.unreadable.len()), (200, 1));
}

#[test]
fn a_part_with_other_rows_than_the_log_says_is_not_trusted() {
    let dir = log(&many(100), 100);
    let reader = Reader::open(dir.path()).unwrap();
    part(dir.path(), "0000", &many(99));
    let found = newest(&reader, &Filter::default(), 10, &ample()).unwrap();
    assert!(found.coverage.missing()[0].contains("holds 99 rows where the log says 100"));
}

#[test]
fn a_question_that_grows_too_large_says_what_to_narrow() {
    let dir = log(&many(5000), 5000);
    let reader = Reader::open(dir.path()).unwrap();
    let small = Budget::new(100_000, None);
    let counting = Counting { by: vec![index_of("qname").unwrap()], ..Counting::default() };
    let said = count(&reader, &Filter::default(), &counting, &small, &mut |_, _| {}).unwrap_err();
    assert!(matches!(said, QueryError::Memory { .. }) && said.to_string().contains("narrow the filter"), "{said}");
    let said = newest(&reader, &Filter::default(), 5000, &small).unwrap_err();
    assert!(said.to_string().contains("lower --limit"), "{said}");
}

#[test]
fn a_question_out_of_time_says_how_far_it_came() {
    let dir = log(&many(100), 100);
    let reader = Reader::open(dir.path()).unwrap();
    let none = Budget::new(1 << 20, Some(Duration::ZERO));
    let found = newest(&reader, &Filter::default(), 10, &none).unwrap();
    assert!(!found.coverage.is_whole());
    assert!(found.coverage.missing()[0].contains("0 of 1 parts"), "{:?}", found.coverage.missing());
}

#[test]
fn the_largest_groups_are_kept_of_each_bucket() {
    let row = |time: i64, user: &str| Row { time, user: Some(user.into()), ..Row::default() };
    let rows = [row(0, "a"), row(1, "a"), row(2, "b"), row(3, "c"), row(10, "b"), row(11, "c"), row(12, "c")];
    let dir = log(&rows, 10);
    let counting = Counting {
        by: vec![index_of("user").unwrap()],
        bucket: Some(Duration::from_micros(10)),
        distinct: index_of("qname"),
        top: Some(1),
        ..Counting::default()
    };
    let reader = Reader::open(dir.path()).unwrap();
    let counted = count(&reader, &Filter::default(), &counting, &ample(), &mut |_, _| {}).unwrap();
    assert_eq!(counted.heading(), ["bucket", "user", "rows", "distinct"]);
    let table = counted.table();
    assert_eq!(table.iter().map(|line| line[1..].join(" ")).collect::<Vec<_>>(), ["a 2 1", "c 2 1"]);
    assert_eq!((counted.groups(), counted.shown(), counted.rows()), (5, 2, 7));
}

#[test]
fn stretches_that_stand_for_the_same_moment_are_counted_together() {
    let row = |time: i64, user: &str| Row { time, user: Some(user.into()), ..Row::default() };
    let rows = [row(0, "a"), row(9, "a"), row(10, "a"), row(19, "b"), row(20, "a"), row(25, "b"), row(31, "a")];
    let dir = log(&rows, 3);
    let stretch = |from, stands_for| Stretch { from: Moment(from), stands_for: Moment(stands_for) };
    let stretches = vec![stretch(5, 5), stretch(10, 10), stretch(20, 5), stretch(30, 10)];
    let counting = Counting { by: vec![index_of("user").unwrap()], stretches, ..Counting::default() };
    let reader = Reader::open(dir.path()).unwrap();
    let counted = count(&reader, &Filter::default(), &counting, &ample(), &mut |_, _| {}).unwrap();
    let mut told: Vec<String> = counted
        .each()
        .map(|(cells, rows)| match cells[..] {
            [Some(Cell::Time(at)), Some(Cell::Text(user))] => format!("{} {user} {rows}", at.micros()),
            _ => panic!("{cells:?}"),
        })
        .collect();
    told.sort();
    assert_eq!(told, ["10 a 2", "10 b 1", "5 a 3", "5 b 1"], "what is before the first counts with it");
}

#[test]
fn a_file_holds_every_row_live_ones_included() {
    let rows = many(250);
    let dir = log(&rows[..200], 100);
    let mut live = Live::open(dir.path());
    live.put(&rows[200..]);
    let reader = Reader::open(dir.path()).unwrap();
    let to = |name: &str| dir.path().join(name);
    for (format, name) in [(Format::Parquet, "o.parquet"), (Format::Csv, "o.csv"), (Format::Jsonl, "o.jsonl")] {
        let draft = export(&reader, &Filter::default(), format, &to(name), &ample(), &mut |_, _| {}).unwrap();
        assert_eq!((draft.rows, to(name).exists()), (250, false));
        let hash = draft.sha256.clone();
        draft.keep().unwrap();
        use sha2::Digest;
        assert_eq!(hash, crate::hex::hex(sha2::Sha256::digest(std::fs::read(to(name)).unwrap()).as_slice()));
    }
    let read = ParquetRecordBatchReader::try_new(std::fs::File::open(to("o.parquet")).unwrap(), 1000).unwrap();
    let read = concat_batches(&schema(), &read.collect::<Result<Vec<_>, _>>().unwrap()).unwrap();
    assert_eq!(read.slice(0, 200), batch(&rows[..200]));
    let names = |all: &RecordBatch| objects(all).iter().map(|row| row["qname"].clone()).collect::<Vec<_>>();
    assert_eq!(names(&read), names(&batch(&rows)));
    let lines = std::fs::read_to_string(to("o.jsonl")).unwrap();
    let parsed: Vec<Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(parsed, objects(&read));
    let mut csv = csv::Reader::from_path(to("o.csv")).unwrap();
    assert_eq!(csv.records().map(|r| r.unwrap()[14].to_string()).last().unwrap(), "n249.example");
    drop(export(&reader, &Filter::default(), Format::Csv, &to("gone.csv"), &ample(), &mut |_, _| {}).unwrap());
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("gone")), "{left:?}");
}
