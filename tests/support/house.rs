//! The engine in this process: a real snapshot, cache and log, a clock that stands where it is put, and an upstream of the test's own.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use cordon::access::Journal;
use cordon::attribution::Roster;
use cordon::cache::Cache;
use cordon::config::Config;
use cordon::engine::depart::{self, Home};
use cordon::engine::fast::{self, Packet, Slow, Way};
use cordon::engine::reload::{assemble, probe};
use cordon::engine::{Desk, Desks, Engine, Snapshot, pipeline};
use cordon::metrics::Metrics;
use cordon::moment::{Clock, Moment};
use cordon::shelf::Shelf;
use cordon::store::Store;
use cordon::subject::Known;
use cordon::verdict::Transport;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tempfile::TempDir;

use super::udp_peer::UdpPeer;

/// What an upstream says to (name, type); names in lower case with a dot at the end.
pub type Answers = Arc<Mutex<HashMap<(String, RecordType), Vec<Record>>>>;

/// An upstream that answers from a table: records where it has some, NODATA where it has other types of the name, NXDOMAIN otherwise.
pub struct TableUpstream {
    /// The table.
    pub answers: Answers,
    /// The door.
    pub peer: UdpPeer,
}

impl TableUpstream {
    /// Starts with an empty table.
    pub fn start() -> TableUpstream {
        let answers = Answers::default();
        let table = answers.clone();
        let peer = UdpPeer::start(move |datagram| answer(&table, datagram));
        TableUpstream { answers, peer }
    }

    /// Adds a record; `text` is its RDATA in presentation form.
    pub fn add(&self, name: &str, kind: RecordType, text: &str, ttl: u32) -> Result<(), String> {
        let owner = Name::from_ascii(name).map_err(|error| error.to_string())?;
        let words: Vec<&str> = text.split_whitespace().collect();
        let data = RData::try_from_str(kind, &words.join(" ")).map_err(|error| format!("{text}: {error}"))?;
        let key = (absolute(name), kind);
        self.answers.lock().unwrap().entry(key).or_default().push(Record::from_rdata(owner, ttl, data));
        Ok(())
    }
}

fn absolute(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.').to_ascii_lowercase())
}

fn answer(table: &Answers, datagram: &[u8]) -> Option<Vec<u8>> {
    let asked = Message::from_vec(datagram).ok()?;
    let query = asked.queries.first()?.clone();
    let mut message = Message::response(asked.metadata.id, asked.metadata.op_code);
    message.metadata.recursion_available = true;
    message.metadata.recursion_desired = asked.metadata.recursion_desired;
    message.add_query(query.clone());
    let table = table.lock().unwrap();
    let mut name = absolute(&query.name.to_string());
    for _ in 0..8 {
        if let Some(records) = table.get(&(name.clone(), query.query_type)) {
            message.answers.extend(records.iter().cloned());
            break;
        }
        match table.get(&(name.clone(), RecordType::CNAME)).and_then(|records| records.first()) {
            Some(alias) => {
                message.answers.push(alias.clone());
                let RData::CNAME(target) = &alias.data else { break };
                name = absolute(&target.0.to_string());
            }
            None => {
                if !table.keys().any(|(known, _)| *known == name) {
                    message.metadata.response_code = ResponseCode::NXDomain;
                }
                let soa = SOA::new(Name::root(), Name::root(), 1, 2, 3, 4, 60);
                message.authorities.push(Record::from_rdata(Name::root(), 60, RData::SOA(soa)));
                break;
            }
        }
    }
    message.to_vec().ok()
}

/// Where an answer comes home to.
pub struct Doorstep {
    /// Takes the answer.
    pub brings: SyncSender<Option<Vec<u8>>>,
    /// Whether the doors are closed.
    pub shut: bool,
}

impl Home for Doorstep {
    fn bring(self: Box<Self>, octets: Option<&[u8]>) {
        let _ = self.brings.send(octets.map(<[u8]>::to_vec));
    }

    fn is_shut(&self) -> bool {
        self.shut
    }
}

/// The engine with all it stands on.
pub struct House {
    /// The engine.
    pub engine: Arc<Engine>,
    /// Its clock.
    pub clock: Clock,
    /// A desk of a worker's own, for the fast way.
    desk: Mutex<Desk>,
    metrics: Arc<Metrics>,
    runtime: tokio::runtime::Runtime,
    dir: TempDir,
    _store: Store,
}

impl House {
    /// Builds it from a configuration, which leaves out `[node]`, and files beside it.
    pub fn new(config: &str, files: &[(String, String)], at: Moment) -> Result<House, String> {
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        let clock = Clock::scripted(at);
        let metrics = Metrics::new("0");
        write(&dir, config, files);
        let snapshot = snapshot(&dir, None, &metrics, at)?;
        let log = &snapshot.config.log;
        let store = Store::open(log, "story", clock.clone()).map_err(|error| error.to_string())?;
        let desk = || store.lane().map(|lane| Desk::new(lane, metrics.worker())).map_err(|error| error.to_string());
        let (own, slow) = (desk()?, [desk()?, desk()?]);
        let cache = Cache::new(snapshot.config.cache.size, snapshot.config.cache.serve_stale);
        let engine = Arc::new(Engine::new(snapshot, cache, Desks::new(slow), clock.clone()));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Ok(House { engine, clock, desk: Mutex::new(own), metrics, runtime, dir, _store: store })
    }

    /// Puts a changed configuration and changed files in force.
    pub fn reload(&self, config: &str, files: &[(String, String)]) -> Result<(), String> {
        write(&self.dir, config, files);
        let before = self.engine.snapshot();
        let candidate = snapshot(&self.dir, Some(&before), &self.metrics, self.clock.now())?;
        self.engine.put_in_force(Arc::new(candidate));
        Ok(())
    }

    /// The journal of grants and withdrawals.
    pub fn journal(&self) -> Journal {
        Journal::below(&self.dir.path().join("data"))
    }

    /// Puts in force what was written to the journal.
    pub fn take_journal(&self) -> Result<(), String> {
        let taken = self.journal().read().map_err(|error| error.to_string())?;
        self.change(|snapshot, now| snapshot.access = Arc::new(taken.access(&snapshot.model().categories, now)));
        Ok(())
    }

    /// Puts the next generation in force, made from the one that is, with a change.
    pub fn change(&self, change: impl FnOnce(&mut Snapshot, Moment)) {
        let (before, now) = (self.engine.snapshot(), self.clock.now());
        let mut next = before.with_access(Arc::clone(&before.access), now);
        change(&mut next, now);
        self.engine.put_in_force(Arc::new(next));
    }

    /// Puts in force who is behind some addresses, beside what static entries say.
    pub fn know(&self, known: &[(IpAddr, Known)]) {
        if known.is_empty() {
            return;
        }
        self.change(|snapshot, _| {
            let statics = snapshot.config.statics.iter().map(|entry| (entry.client, Arc::clone(&entry.known)));
            let known = known.iter().map(|(client, known)| (*client, Arc::new(known.clone())));
            snapshot.roster = Roster::of_statics(statics.chain(known));
        });
    }

    /// The slow way: the whole journey, as a door that can wait takes it.
    pub fn ask(&self, octets: &[u8], client: SocketAddr, transport: Transport) -> Option<Vec<u8>> {
        let packet = self.packet(octets, client, transport);
        self.runtime.block_on(pipeline::answer(&self.engine, packet))
    }

    /// The fast way, as a UDP worker takes it, and the rest of the journey where it hands over. Says whether it did.
    pub fn ask_fast(&self, octets: &[u8], client: SocketAddr, transport: Transport) -> (Option<Vec<u8>>, bool) {
        let mut out = vec![0; 65_535];
        match self.begin(octets, client, transport, &mut out) {
            Way::Done(octets) => (octets.map(|length| out[..length].to_vec()), false),
            Way::NotAQuery => (None, false),
            Way::Slow(slow) if depart::is_simple(&self.engine, &slow) => (self.depart(slow), true),
            Way::Slow(slow) => (self.finish(slow), true),
        }
    }

    /// The rest of the journey of a query that only has to be fetched, as a UDP worker sends it on its way.
    pub fn depart(&self, slow: Box<Slow>) -> Option<Vec<u8>> {
        let (brings, brought) = std::sync::mpsc::sync_channel(1);
        self.depart_to(slow, Box::new(Doorstep { brings, shut: false }));
        brought.recv().expect("every query comes home")
    }

    /// The same, home to somewhere.
    pub fn depart_to(&self, slow: Box<Slow>, home: Box<dyn Home>) {
        let upstreams = Arc::clone(&slow.ticket.snapshot().upstreams);
        depart::begin(&self.engine, slow, home, self.runtime.handle());
        upstreams.set_off();
    }

    /// The fast way alone; an answer stands at the front of `out`.
    pub fn begin(&self, octets: &[u8], client: SocketAddr, transport: Transport, out: &mut [u8]) -> Way {
        let packet = self.packet(octets, client, transport);
        let mut desk = self.desk.lock().unwrap();
        fast::answer(&self.engine, &self.engine.snapshot(), &mut desk, packet, out)
    }

    /// The rest of the journey of a query that was handed over.
    pub fn finish(&self, slow: Box<Slow>) -> Option<Vec<u8>> {
        self.runtime.block_on(pipeline::finish(&self.engine, slow))
    }

    fn packet<'a>(&self, octets: &'a [u8], client: SocketAddr, transport: Transport) -> Packet<'a> {
        Packet { octets, client, transport, at: self.clock.now(), since: Instant::now() }
    }

    /// Where its log is.
    pub fn log_dir(&self) -> PathBuf {
        self.dir.path().join("data/log")
    }
}

fn write(dir: &TempDir, config: &str, files: &[(String, String)]) {
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    std::fs::write(dir.path().join("cordon.toml"), format!("[node]\nname = \"story\"\n{config}")).unwrap();
}

fn snapshot(
    dir: &TempDir,
    before: Option<&cordon::engine::Snapshot>,
    metrics: &Metrics,
    at: Moment,
) -> Result<cordon::engine::Snapshot, String> {
    let config = Config::load(&dir.path().join("cordon.toml")).map_err(|error| error.to_string())?;
    std::fs::create_dir_all(&config.node.data_dir).map_err(|error| error.to_string())?;
    let lists =
        Shelf::new(&config.node.data_dir).compile(&config.lists, &config.model).map_err(|error| error.to_string())?;
    let candidate = assemble(config, lists, &[], before, metrics, at).map_err(|error| error.to_string())?;
    probe(&candidate, at).map_err(|error| error.to_string())?;
    Ok(candidate)
}
