//! Sealed rows say what the live ones said, whatever recurs in them and whatever does not.

use std::sync::Arc;

use arrow::compute::concat_batches;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::record::columns;
use crate::subject::{Device, Known, Mac, Via};

/// One record by a few numbers: what is alike in them is alike in it.
#[derive(Clone, Debug)]
struct Made {
    pick: usize,
    name: Option<usize>,
    text: &'static str,
    step: i64,
}

fn append_made(lane: &mut Lane, n: usize, made: &Made) {
    let some = |bit: usize| made.pick >> bit & 1 == 1;
    let known = Known {
        device: Device {
            mac: some(3).then_some(Mac([0, 17, 34, 51, 68, made.pick as u8])),
            host: some(4).then_some(made.text.into()),
        },
        user: some(5).then_some("u4711".into()),
        via: Via::Static,
        as_of: some(2).then_some(Moment(-(made.pick as i64))),
        shared: some(9),
        ..Known::default()
    };
    let client = if some(0) { "2001:db8::1" } else { "10.1.2.3" }.parse().unwrap();
    let subject = Subject { client, known: some(1).then(|| Arc::new(known)) };
    let name = made.name.map(|name| Name::parse(&format!("h{name}.d{}.example.co.uk", name / 3)).unwrap());
    let record = Record {
        // Answers that took long come late: times step back now and then, and over midnight.
        time: NOON.plus(Duration::from_micros((43_200_000_000 + n as i64 * 50 + made.step) as u64)),
        client: (client, 1024 + (n * 7919 % 60_000) as u16).into(),
        transport: Transport::ALL[made.pick % Transport::ALL.len()],
        network_zone: if some(6) { "hq" } else { made.text },
        generation: if some(7) { u64::MAX } else { 3 },
        subject: &subject,
        qname: name.as_ref(),
        qtype: (made.pick % 300) as u16,
        action: Action::ALL[made.pick % Action::ALL.len()],
        category: some(6).then_some(made.text),
        list: some(8).then_some(""),
        rule: match made.pick % 3 {
            0 => Rule::None,
            1 => Rule::Line { line: made.pick as u32, labels: (made.pick % 5) as u8 },
            _ => Rule::Text(made.text),
        },
        rcode: some(7).then_some(made.pick as u16),
        ede: some(8).then_some(u16::MAX),
        answer: if some(9) { "192.0.2.1,192.0.2.2" } else { "" },
        source: some(9).then_some(Source::Cache),
        upstream: some(10).then_some(made.text),
        duration_us: if some(11) { u32::MAX - n as u32 } else { n as u32 },
    };
    lane.append(&record).unwrap();
}

/// All rows of some batches, in the order of lane and number.
fn sorted(batches: Vec<RecordBatch>) -> RecordBatch {
    let schema = columns::schema();
    let batches: Vec<_> = batches.into_iter().map(|batch| batch.with_schema(schema.clone()).unwrap()).collect();
    let whole = concat_batches(&schema, &batches).unwrap();
    let (lanes, seqs) = (column::<UInt16Array>(&whole, "lane").unwrap(), column::<UInt64Array>(&whole, "seq").unwrap());
    let mut order: Vec<u32> = (0..whole.num_rows() as u32).collect();
    order.sort_by_key(|at| (lanes.value(*at as usize), seqs.value(*at as usize)));
    arrow::compute::take_record_batch(&whole, &arrow::array::UInt32Array::from(order)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn what_was_live_is_sealed_as_it_was(
        kinds in prop::collection::vec(
            (0usize..4096, prop::option::of(0usize..40), select(vec!["", "a", "ü…", "x\"y\\z", "long long long text"]), -900i64..900),
            1..120,
        ),
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..900),
    ) {
        let made: Vec<Made> =
            kinds.into_iter().map(|(pick, name, text, step)| Made { pick, name, text, step }).collect();
        let ground = Ground::new();
        let store = ground.open();
        let mut lanes = [store.lane().unwrap(), store.lane().unwrap()];
        for (n, (pick, second)) in picks.iter().enumerate() {
            append_made(&mut lanes[usize::from(*second)], n, pick.get(&made));
        }
        let live = Reader::open(&ground.dir()).unwrap().live().unwrap();
        store.flush().unwrap();
        let reader = Reader::open(&ground.dir()).unwrap();
        prop_assert_eq!(reader.live().unwrap().iter().map(RecordBatch::num_rows).sum::<usize>(), 0);
        let mut parts = Vec::new();
        for part in reader.parts() {
            let batches = part_batches(&part.path);
            for batch in &batches {
                let times = column::<TimestampMicrosecondArray>(batch, "time").unwrap();
                prop_assert!(times.values().is_sorted());
            }
            parts.extend(batches);
        }
        prop_assert_eq!(sorted(parts), sorted(live));
    }
}
