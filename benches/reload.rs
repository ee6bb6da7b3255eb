//! A reload of five million names under load: whether a query is lost, how much longer the longest answer is than in the same run without a
//! reload, and what memory it takes.
//!
//! ```sh
//! cargo bench --bench reload                       # 20,000 questions a second
//! cargo bench --bench reload -- --qps 20000 --seconds 20 --list FILE
//! ```
//!
//! The server runs with one UDP worker, its log on; the questions come from this process, each at its own moment (Poisson), and what is
//! late counts from the moment it should have been sent. Runs without and with a reload take turns. A reload puts a list with one name more
//! in the place of the other by renaming it and sends SIGHUP; it is over when that name is blocked.

use std::io::Write as _;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Questions under way at most, as many as there are identifiers.
const IDS: usize = 1 << 16;

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let mut option = |name: &str, usual: &str| match arguments.iter().position(|argument| argument == name) {
        Some(at) => {
            arguments.remove(at);
            arguments.remove(at)
        }
        None => usual.to_owned(),
    };
    let qps: f64 = option("--qps", "20000").parse().expect("a number");
    let seconds: u64 = option("--seconds", "20").parse().expect("a number");
    let rounds: usize = option("--rounds", "3").parse().expect("a number");
    let given = option("--list", "");
    let dir = std::env::temp_dir().join(format!("cordon-bench-reload-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder can be made");
    let list = dir.join("names.txt");
    match given.is_empty() {
        true => std::fs::write(&list, synthetic(5_000_000)).expect("a list can be written"),
        false => drop(std::fs::copy(given, &list).expect("the list can be copied")),
    }
    let house = House::start(&dir, &list);
    figure("resident, lists loaded", format_args!("{} MB", house.memory("VmRSS:") >> 20));
    for round in 0..rounds {
        let before = house.memory("VmRSS:");
        let quiet = load(&house, qps, Duration::from_secs(seconds), || {});
        figure(&format!("round {round}, no reload"), format_args!("{quiet}"));
        // The log's open segments are mapped, and grow under load: what the next run would have come to without a reload.
        let steady = house.memory("VmRSS:");
        let steady = steady + steady.saturating_sub(before);
        house.forget_peak();
        let name = format!("added-{round}.bench.example");
        // Made beforehand: writing it takes the processor from the generator.
        let next = longer_by(&list, &name);
        let busy = load(&house, qps, Duration::from_secs(seconds), || house.reload(&next, &list, &name));
        figure(&format!("round {round}, a reload"), format_args!("{busy}"));
        let peak = house.memory("VmHWM:");
        let ratio = peak as f64 / steady as f64;
        figure("memory", format_args!("{} MB steady, {} MB at most, ratio {ratio:.2}", steady >> 20, peak >> 20));
        let longer = busy.longest.saturating_sub(quiet.longest);
        figure("the longest answer", format_args!("{:.1} ms longer than without", longer.as_secs_f64() * 1e3));
    }
    drop(house);
    std::fs::remove_dir_all(&dir).expect("our own folder can be removed");
}

fn figure(what: &str, value: std::fmt::Arguments<'_>) {
    writeln!(std::io::stdout(), "{what:<24} {value}").expect("standard output is there");
}

/// A running server.
struct House {
    child: Child,
    address: std::net::SocketAddr,
}

impl House {
    fn start(dir: &Path, list: &Path) -> House {
        let (dns, admin) = (free_port(), free_port());
        let config = format!(
            "[node]\nname = \"bench\"\ndata_dir = \"data\"\n[listen]\ndns = [\"127.0.0.1:{dns}\"]\nadmin = \"127.0.0.1:{admin}\"\nworkers = 1\n\
             [upstream]\nservers = [\"udp://127.0.0.1:9\"]\n[[category]]\nname = \"many\"\nlists = [{{ path = {list:?} }}]\n\
             [policy.bench]\nblock = [\"many\"]\n[[network_zone]]\nname = \"bench\"\nclients = [\"127.0.0.0/8\"]\npolicy = \"bench\"\n\
             [[local_zone]]\nname = \"local.example\"\nfile = \"local.zone\"\n"
        );
        let zone =
            "$TTL 60\n@ IN SOA ns hostmaster 1 1h 15m 1w 5m\n@ IN NS ns\nns IN A 192.0.2.53\nwww IN A 192.0.2.80\n";
        std::fs::write(dir.join("local.zone"), zone).expect("a zone can be written");
        let path = dir.join("cordon.toml");
        std::fs::write(&path, config).expect("a configuration can be written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_cordon"));
        command.arg("--config").arg(&path).arg("serve").stderr(Stdio::null());
        let child = command.spawn().expect("the server starts");
        let house = House { child, address: ([127, 0, 0, 1], dns).into() };
        assert!(house.until_answered("www.local.example"), "the server answers");
        house
    }

    /// Puts a list that has `name` in force; waits until it is.
    fn reload(&self, next: &Path, list: &Path, name: &str) {
        std::fs::rename(next, list).expect("it can be renamed");
        let status = Command::new("kill").arg("-HUP").arg(self.child.id().to_string()).status().expect("kill is there");
        assert!(status.success());
        assert!(self.until_answered(name), "the reload comes to an end");
    }

    /// Waits until `name` has an address, be it that of the sinkhole; for a minute at most.
    fn until_answered(&self, name: &str) -> bool {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.set_read_timeout(Some(Duration::from_millis(50))).expect("it takes a time-out");
        let question = question(name, 1);
        let mut answer = [0; 512];
        (0..6_000).any(|_| {
            let sent = socket.send_to(&question, self.address).is_ok();
            let got = socket.recv(&mut answer).ok();
            let answered = sent && got.is_some_and(|got| got > 12 && answer[3] & 15 == 0 && answer[7] > 0);
            if !answered {
                std::thread::sleep(Duration::from_millis(10));
            }
            answered
        })
    }

    fn memory(&self, key: &str) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = text.lines().find_map(|line| line.strip_prefix(key)).expect("the kernel tells it");
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number") << 10
    }

    /// Begins the count of the most memory anew (proc(5), `clear_refs`).
    fn forget_peak(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").expect("our own child may be asked");
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// A list with one name more, beside the list.
fn longer_by(list: &Path, name: &str) -> PathBuf {
    let next = list.with_extension("next");
    let mut text = std::fs::read(list).expect("the list is there");
    text.extend_from_slice(format!("{name}\n").as_bytes());
    let mut file = std::fs::File::create(&next).expect("it can be made");
    file.write_all(&text).and_then(|()| file.sync_all()).expect("it can be written");
    next
}

/// What came of a run.
struct Outcome {
    sent: u64,
    answered: u64,
    lost: u64,
    p50: Duration,
    p99: Duration,
    longest: Duration,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Outcome { sent, answered, lost, p50, p99, longest } = self;
        let ms = |span: &Duration| span.as_secs_f64() * 1e3;
        let (p50, p99, longest) = (ms(p50), ms(p99), ms(longest));
        write!(
            f,
            "{sent} sent, {answered} answered, {lost} lost; p50 {p50:.2} ms, p99 {p99:.2} ms, longest {longest:.1} ms"
        )
    }
}

/// Asks at `qps` for `span`, while `meanwhile` does what it does on a thread of its own from a quarter of it on.
fn load(house: &House, qps: f64, span: Duration, meanwhile: impl FnOnce() + Send) -> Outcome {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.connect(house.address).expect("loopback is there");
    socket.set_read_timeout(Some(Duration::from_millis(100))).expect("it takes a time-out");
    let due: Arc<Vec<AtomicU64>> = Arc::new((0..IDS).map(|_| AtomicU64::new(0)).collect());
    let (done, over) = (AtomicBool::new(false), AtomicBool::new(false));
    let started = Instant::now();
    let names = ["www.local.example", "ns.local.example"];
    let mut times: Vec<u32> = Vec::new();
    let mut sent = 0u64;
    std::thread::scope(|scope| {
        let receiver = scope.spawn(|| {
            let mut times = Vec::with_capacity((qps * span.as_secs_f64()) as usize);
            let mut answer = [0; 512];
            while !done.load(Ordering::Acquire) {
                let Ok(got) = socket.recv(&mut answer) else { continue };
                let id = usize::from(u16::from_be_bytes([answer[0], answer[1]]));
                let at = due[id].swap(0, Ordering::AcqRel);
                if got > 12 && at > 0 {
                    times.push((started.elapsed().as_micros() as u64).saturating_sub(at) as u32);
                }
            }
            times
        });
        scope.spawn(|| {
            std::thread::sleep(span / 4);
            meanwhile();
            over.store(true, Ordering::Release);
        });
        let mut dice = 0x2545_f491_4f6c_dd1du64;
        let mut next = 0.0f64;
        // A reload that takes longer than the run prolongs it.
        while started.elapsed() < span || !over.load(Ordering::Acquire) {
            let now = started.elapsed().as_secs_f64();
            if next > now {
                std::thread::sleep(Duration::from_secs_f64((next - now).min(0.001)));
                continue;
            }
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            let id = (sent % IDS as u64) as u16;
            due[usize::from(id)].store((next * 1e6) as u64 + 1, Ordering::Release);
            if socket.send(&question(names[(dice & 1) as usize], id)).is_ok() {
                sent += 1;
            }
            next += -((dice >> 11) as f64 / (1u64 << 53) as f64).max(1e-12).ln() / qps;
        }
        std::thread::sleep(Duration::from_secs(1));
        done.store(true, Ordering::Release);
        times = receiver.join().expect("the receiver ends");
    });
    // Identifiers are used again, so what is lost is told by the numbers.
    let lost = sent.saturating_sub(times.len() as u64);
    times.sort_unstable();
    let at = |share: f64| Duration::from_micros(times[((times.len() - 1) as f64 * share) as usize].into());
    Outcome { sent, answered: times.len() as u64, lost, p50: at(0.5), p99: at(0.99), longest: at(1.0) }
}

fn question(name: &str, id: u16) -> Vec<u8> {
    let mut question = id.to_be_bytes().to_vec();
    question.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        question.push(label.len() as u8);
        question.extend_from_slice(label.as_bytes());
    }
    question.extend([0, 0, 1, 0, 1]);
    question
}

fn free_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("it has one").port()
}

/// Distinct names, half of them hosts.
fn synthetic(count: u64) -> Vec<u8> {
    let mut list = Vec::new();
    for n in 0..count {
        let host = if n % 2 == 0 { "" } else { "track." };
        let top = ["com", "net", "org", "info", "xyz"][(n % 5) as usize];
        writeln!(list, "{host}casino{:x}.{top}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24).expect("memory");
    }
    list
}
