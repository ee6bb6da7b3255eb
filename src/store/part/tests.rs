//! A part read back by the library says what a batch of the same rows says.

use super::*;
use crate::dns::Name;
use crate::record::Rule;
use crate::store::batch::Batch;
use crate::store::frame::Row;
use crate::store::frame::pieces::{Manner, Own, Subject};
use crate::subject::{Mac, Via};
use crate::verdict::{Action, Source, Transport};
use arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::reader::{FileReader, SerializedFileReader};
use proptest::prelude::*;
use proptest::sample::select;

/// A row by number: what repeats repeats, what does not does not.
fn row<'a>(n: u64, wire: &'a Option<Vec<u8>>, text: &'a str, pick: usize) -> Row<'a> {
    let some = |one: usize| (pick >> one) & 1 == 1;
    Row {
        time: Moment(n as i64 * 50 - 5_000 + (pick % 7) as i64),
        client: if some(0) { "2001:db8::1".parse().unwrap() } else { [10, 0, (n / 250) as u8, n as u8].into() },
        client_port: (n.wrapping_mul(0x9e37_79b9) >> 7) as u16,
        transport: Transport::ALL[pick % Transport::ALL.len()],
        network_zone: if some(1) { "hq" } else { text },
        generation: if some(2) { u64::MAX } else { 3 },
        device: some(3).then_some(Mac([0, 17, 34, 51, 68, n as u8])),
        host: some(4).then_some(text),
        user: some(5).then_some("u4711"),
        via: some(5).then_some(Via::Static),
        as_of: some(5).then_some(Moment(-(n as i64))),
        qname: wire.as_deref(),
        qtype: (pick * 3) as u16,
        action: Action::ALL[pick % Action::ALL.len()],
        category: some(6).then_some(text),
        list: some(6).then_some(""),
        rule: match pick % 3 {
            0 => Rule::None,
            1 => Rule::Line { line: n as u32, labels: (pick % 5) as u8 },
            _ => Rule::Text(text),
        },
        rcode: some(7).then_some(pick as u16),
        ede: some(8).then_some(u16::MAX),
        answer: if some(9) { "192.0.2.1,192.0.2.2" } else { text },
        source: some(9).then_some(Source::Cache),
        upstream: some(10).then_some(text),
        duration_us: if some(11) { u32::MAX - n as u32 } else { n as u32 },
    }
}

/// Adds a row to a group by its pieces.
fn push(group: &mut Group, seq: u64, row: &Row<'_>) {
    let (line, labels) = match row.rule {
        Rule::Line { line, labels } => (line, labels),
        Rule::None | Rule::Text(_) => (0, 0),
    };
    let Row { time, client_port, duration_us, client, device, host, user, via, as_of, qtype, .. } = *row;
    let Row { transport, network_zone, generation, action, category, list, rule, .. } = *row;
    let Row { rcode, ede, source, upstream, .. } = *row;
    let (qname, answer, named) = (row.qname.unwrap_or_default(), row.answer.as_bytes(), row.qname.is_some());
    let own = Own { time, seq, client_port, duration_us, qname, line, labels, answer };
    let subject = Subject { client, device, host, user, via, as_of };
    let mut manner = Manner {
        named,
        transport,
        network_zone,
        generation,
        qtype,
        action,
        category,
        list,
        rule,
        rcode,
        ede,
        source,
        upstream,
    };
    if let Rule::Line { line, .. } = &mut manner.rule {
        *line = 0;
    }
    group.push_whole(("dns1", 3), &own, &subject, &manner).unwrap();
}

/// The rows as the store's own writer and as a batch has them.
fn both_ways(rows: &[Row<'_>], cut_after: usize) -> (Vec<u8>, RecordBatch) {
    let schema = columns::schema();
    let mut properties = properties("dns1", "[]".to_owned());
    add_encoded_arrow_schema_to_metadata(&schema, &mut properties);
    let descriptor = ArrowSchemaConverter::new().convert(&schema).unwrap();
    let mut file = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut file, descriptor.root_schema_ptr(), Arc::new(properties)).unwrap();
    let (mut group, mut batch) = (Group::new().unwrap(), Batch::new());
    for (n, row) in rows.iter().enumerate() {
        push(&mut group, n as u64 + 1, row);
        batch.push("dns1", 3, n as u64 + 1, row);
        if group.rows() == cut_after {
            group.write(&mut writer).unwrap();
        }
    }
    if group.rows() > 0 {
        group.write(&mut writer).unwrap();
    }
    writer.close().unwrap();
    (file, batch.finish().unwrap())
}

fn read(file: &[u8]) -> RecordBatch {
    let octets = bytes::Bytes::copy_from_slice(file);
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(octets, options).unwrap();
    assert_eq!(reader.schema().fields(), columns::schema().fields());
    let reader = reader.with_batch_size(8192).build().unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    let whole = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
    whole.with_schema(columns::schema()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn a_part_says_what_a_batch_says(
        kinds in prop::collection::vec((0usize..4096, 0usize..40, select(vec!["", "a", "ü…", "x\"y\\z", "long long long text"])), 1..600),
        runs in 1usize..30,
        cut_after in 1usize..700,
    ) {
        let names: Vec<Option<Vec<u8>>> = (0..40usize).map(|n| match n % 8 {
            0 => None,
            1 => Some(Name::ROOT.as_wire().to_vec()),
            2 => Some(Name::parse(r"a\.b\000.co.uk").unwrap().as_wire().to_vec()),
            _ => Some(Name::parse(&format!("h{n}.d{}.example.co.uk", n / 3)).unwrap().as_wire().to_vec()),
        }).collect();
        let rows: Vec<Row<'_>> = (0..kinds.len()).map(|n| {
            // Runs of the same: lengths of all kinds.
            let (pick, name, text) = kinds[n - n % runs];
            row(n as u64, &names[name], text, pick)
        }).collect();
        let (file, batch) = both_ways(&rows, cut_after);
        prop_assert_eq!(read(&file), batch);
    }
}

#[test]
fn pages_have_the_ends_and_places_their_index_says() {
    let names: Vec<Option<Vec<u8>>> = (0..40_000)
        .map(|n| Some(Name::parse(&format!("n{}.example", n * 7919 % 4001)).unwrap().as_wire().to_vec()))
        .collect();
    let rows: Vec<Row<'_>> = names.iter().enumerate().map(|(n, name)| row(n as u64, name, "text", n % 4096)).collect();
    let schema = columns::schema();
    let descriptor = ArrowSchemaConverter::new().convert(&schema).unwrap();
    let mut file = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut file, descriptor.root_schema_ptr(), Arc::new(properties("dns1", "[]".into())))
            .unwrap();
    let mut group = Group::new().unwrap();
    rows.iter().enumerate().for_each(|(n, row)| push(&mut group, n as u64, row));
    group.write(&mut writer).unwrap();
    writer.close().unwrap();
    let octets = bytes::Bytes::from(file);
    let reader = SerializedFileReader::new(octets.clone()).unwrap();
    let chunk = reader.metadata().row_group(0).column(columns::index_of("qname").unwrap());
    let words = chunk.statistics().unwrap();
    assert_eq!((words.min_bytes_opt(), words.max_bytes_opt()), (Some(&b"n0.example"[..]), Some(&b"n999.example"[..])));
    // A row asked for by its number is found by the indexes alone.
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let selection = vec![
        parquet::arrow::arrow_reader::RowSelector::skip(33_333),
        parquet::arrow::arrow_reader::RowSelector::select(1),
    ];
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(octets, options).unwrap();
    let picked = reader.with_row_selection(selection.into()).build().unwrap().next().unwrap().unwrap();
    let mut batch = Batch::new();
    batch.push("dns1", 3, 33_333, &rows[33_333]);
    let picked = picked.with_schema(columns::schema()).unwrap();
    assert_eq!(picked, batch.finish().unwrap());
}

#[test]
fn words_of_which_most_are_new_are_spelt_out_and_found_again() {
    use parquet::file::properties::ReaderProperties;
    use parquet::file::serialized_reader::ReadOptionsBuilder;
    // Unlike names for three pages, none now and then; at last the same few again.
    let name = |n: u64| format!("h{}.d{n}.example", n % 7 + if n < 30_000 { 0 } else { 9 });
    let names: Vec<Option<Vec<u8>>> = (0..40_000u64)
        .map(|n| {
            let text = if n < 30_000 { name(n) } else { name(n % 11 + 30_000) };
            (n % 13 != 5).then(|| Name::parse(&text).unwrap().as_wire().to_vec())
        })
        .collect();
    let rows: Vec<Row<'_>> =
        names.iter().enumerate().map(|(n, name)| row(n as u64, name, "a\"text", n % 4096)).collect();
    for cut_after in [0, 12_345] {
        let (file, batch) = both_ways(&rows, cut_after);
        assert_eq!(read(&file), batch);
        let options = ReadOptionsBuilder::new()
            .with_reader_properties(ReaderProperties::builder().set_read_bloom_filter(true).build())
            .build();
        let reader = SerializedFileReader::new_with_options(bytes::Bytes::from(file), options).unwrap();
        let place = columns::index_of("qname").unwrap();
        let group = reader.get_row_group(0).unwrap();
        let encodings: Vec<_> = group.metadata().column(place).encodings().collect();
        assert!(encodings.contains(&parquet::basic::Encoding::DELTA_LENGTH_BYTE_ARRAY), "{encodings:?}");
        let filter = group.get_column_bloom_filter(place).unwrap();
        let rows_of_it = if cut_after == 0 { 30_000 } else { cut_after as u64 };
        for n in (0..rows_of_it).filter(|n| n % 13 != 5) {
            assert!(filter.check(&name(n).as_str()), "{}", name(n));
        }
        let falsely = (0..10_000).filter(|n| filter.check(&format!("other{n}.example").as_str())).count();
        assert!(falsely < 300, "{falsely}");
    }
}
