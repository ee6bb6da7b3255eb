//! What becomes of a query that is handed over and does not reach its end (Q1), or reaches it under another generation (Q7).

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use cordon::engine::depart;
use cordon::engine::fast::{Slow, Way};
use cordon::engine::pipeline;
use cordon::moment::Moment;
use cordon::verdict::Transport;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;

use crate::support::client::Ask;
use crate::support::house::{Doorstep, House, TableUpstream};
use crate::support::rows;
use crate::support::udp_peer::UdpPeer;

const NAME: &str = "www.example.net";

fn config(upstream: &TableUpstream, more: &str) -> String {
    format!(
        "[upstream]\nservers = [\"udp://{}\"]\n[policy.open]\n{more}\n[[network_zone]]\nname = \"hq\"\nclients = \
         [\"10.0.0.0/8\"]\npolicy = \"open\"\n",
        upstream.peer.addr
    )
}

fn house(upstream: &TableUpstream) -> House {
    upstream.add(NAME, RecordType::A, "192.0.2.7", 60).unwrap();
    House::new(&config(upstream, ""), &[], Moment::from_seconds(1_800_000_000)).unwrap()
}

/// A query that is not in the cache, and so is handed over with its ticket open.
fn handed_over(house: &House) -> Box<Slow> {
    let client: SocketAddr = "10.1.2.3:4444".parse().unwrap();
    let mut out = vec![0; 4096];
    match house.begin(&Ask::new(NAME, RecordType::A).wire(7), client, Transport::Udp, &mut out) {
        Way::Slow(slow) => slow,
        _ => panic!("what is not kept has to be fetched"),
    }
}

#[test]
fn a_ticket_that_is_dropped_leaves_a_row_that_says_so() {
    let upstream = TableUpstream::start();
    let house = house(&upstream);
    drop(handed_over(&house));
    let row = rows::last(&house.log_dir(), NAME);
    assert_eq!((&row["action"], &row["rcode"]), (&"failed".into(), &serde_json::Value::Null), "{row}");
    assert_eq!(rows::every(&house.log_dir()).len(), 1);
}

#[test]
fn a_ticket_that_a_panic_takes_along_leaves_a_row_that_says_so() {
    let upstream = TableUpstream::start();
    let house = house(&upstream);
    let slow = handed_over(&house);
    let fault = catch_unwind(AssertUnwindSafe(move || {
        let _held = slow;
        panic!("a fault beside a query, made by this test");
    }));
    assert!(fault.is_err());
    assert_eq!(rows::last(&house.log_dir(), NAME)["action"], "failed");
    assert_eq!(rows::every(&house.log_dir()).len(), 1);
}

#[test]
fn a_query_there_is_no_room_for_is_answered_and_recorded_as_failed() {
    let upstream = TableUpstream::start();
    let house = house(&upstream);
    let mut out = vec![0; 4096];
    let octets = pipeline::too_busy(&house.engine, handed_over(&house), &mut out).expect("the client hears so");
    let message = Message::from_vec(&out[..octets]).unwrap();
    assert_eq!((message.metadata.id, message.metadata.response_code), (7, ResponseCode::ServFail));
    let row = rows::last(&house.log_dir(), NAME);
    assert_eq!((&row["action"], &row["rcode"], &row["ede"]), (&"failed".into(), &2.into(), &14.into()), "{row}");
    assert_eq!(rows::every(&house.log_dir()).len(), 1);
}

#[test]
fn a_query_without_a_task_is_answered_and_recorded_as_one_with_a_task() {
    let client: SocketAddr = "10.1.2.3:4444".parse().unwrap();
    for name in [NAME, "alias.example.net", "nothing.example.net"] {
        let answers = [true, false].map(|with_a_task| {
            let upstream = TableUpstream::start();
            upstream.add("alias.example.net", RecordType::CNAME, NAME, 60).unwrap();
            let house = house(&upstream);
            let mut out = vec![0; 4096];
            let wire = Ask::new(name, RecordType::A).wire(7);
            let Way::Slow(slow) = house.begin(&wire, client, Transport::Udp, &mut out) else {
                panic!("{name} is kept")
            };
            assert!(depart::is_simple(&house.engine, &slow));
            let answer = if with_a_task { house.finish(slow) } else { house.depart(slow) };
            let mut row = rows::last(&house.log_dir(), name);
            assert_eq!(row["upstream"], format!("udp://{}", upstream.peer.addr));
            for differs in ["duration_us", "lane", "upstream"] {
                row[differs] = 0.into();
            }
            assert_eq!(rows::every(&house.log_dir()).len(), 1);
            (answer.expect("an answer"), row.to_string())
        });
        assert_eq!(answers[0], answers[1]);
    }
}

#[test]
fn a_query_that_nobody_waits_for_any_more_is_closed_with_its_record() {
    let (upstream, silent) = (TableUpstream::start(), UdpPeer::silent());
    let house = house(&upstream);
    let servers = format!("servers = [\"udp://{}\"]\ntimeout = \"30s\"", silent.addr);
    let config = config(&upstream, "").replace(&format!("servers = [\"udp://{}\"]", upstream.peer.addr), &servers);
    house.reload(&config, &[]).unwrap();
    let (brings, brought) = sync_channel(1);
    house.depart_to(handed_over(&house), Box::new(Doorstep { brings, shut: true }));
    let told = brought.recv_timeout(Duration::from_secs(60)).expect("it is closed");
    assert_eq!(Message::from_vec(&told.unwrap()).unwrap().metadata.response_code, ResponseCode::ServFail);
    let row = rows::last(&house.log_dir(), NAME);
    // Not ready, since we stop: not silence (22), which comes when the upstream's time is up.
    assert_eq!((&row["action"], &row["rcode"], &row["ede"]), (&"failed".into(), &2.into(), &14.into()), "{row}");
    assert_eq!(rows::every(&house.log_dir()).len(), 1);
}

#[test]
fn a_query_without_a_task_keeps_the_generation_it_began_with() {
    let upstream = TableUpstream::start();
    let house = house(&upstream);
    let slow = handed_over(&house);
    house.reload(&config(&upstream, "deny = [\"example.net\"]"), &[]).unwrap();
    let answer = Message::from_vec(&house.depart(slow).unwrap()).unwrap();
    assert_eq!(answer.answers.len(), 1, "it began when the name was allowed");
    assert_eq!(rows::last(&house.log_dir(), NAME)["policy_generation"], 1);
}

#[test]
fn a_query_under_way_keeps_the_generation_it_began_with() {
    let upstream = TableUpstream::start();
    let house = house(&upstream);
    let slow = handed_over(&house);
    house.reload(&config(&upstream, "deny = [\"example.net\"]"), &[]).unwrap();
    let answer = Message::from_vec(&house.finish(slow).unwrap()).unwrap();
    assert_eq!(answer.answers.len(), 1, "it began when the name was allowed");
    let (late, _) =
        house.ask_fast(&Ask::new(NAME, RecordType::A).wire(8), "10.1.2.3:4444".parse().unwrap(), Transport::Udp);
    let late = Message::from_vec(&late.unwrap()).unwrap();
    assert_eq!(crate::support::client::addresses(&late), ["0.0.0.0".parse::<std::net::IpAddr>().unwrap()]);
    let written = rows::of(&house.log_dir(), NAME);
    let told: Vec<_> = written.iter().map(|row| (row["policy_generation"].clone(), row["action"].clone())).collect();
    assert!(told.contains(&(1.into(), "allowed".into())) && told.contains(&(2.into(), "blocked".into())), "{told:?}");
}
