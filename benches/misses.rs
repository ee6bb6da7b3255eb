//! Names that nobody asked for before, through one upstream: how many a second, at how much processor time each, beside Unbound.
//!
//! ```sh
//! cargo bench --bench misses                       # three rounds of four seconds, 1,000 questions outstanding
//! cargo bench --bench misses -- --rounds 5 --seconds 10 --outstanding 500
//! ```
//!
//! NSD answers every name. Cordon (log on) and Unbound as a forwarder have one worker each and take turns, started anew for each run, with
//! the same names in the same order. Where there are two processors, the server has the first for itself, and NSD and this generator share
//! the second. The last lines say what NSD does when it is asked directly: more than that nothing behind it can do.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Sockets of the generator.
const SOCKETS: usize = 16;
/// Questions that were not answered by then are asked anew.
const PATIENCE: Duration = Duration::from_secs(2);

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let mut option = |name: &str, usual: usize| match arguments.iter().position(|argument| argument == name) {
        Some(at) => {
            arguments.remove(at);
            arguments.remove(at).parse().expect("a number")
        }
        None => usual,
    };
    let (rounds, seconds) = (option("--rounds", 3), option("--seconds", 4) as u64);
    let outstanding = option("--outstanding", 1_000);
    let dir = std::env::temp_dir().join(format!("cordon-bench-misses-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder can be made");
    pin(std::process::id(), 1);
    let nsd = Server::nsd(&dir);
    figure("", "a second", "us each", "p50 ms", "p99 ms", "lost");
    for round in 0..rounds {
        let servers: [fn(&Path, SocketAddr) -> Server; 2] = [Server::cordon, Server::unbound];
        for start in servers {
            let server = start(&dir, nsd.address);
            let outcome = load(&server, outstanding, Duration::from_secs(seconds));
            outcome.tell(&format!("round {round}, {}", server.name));
        }
    }
    load(&nsd, outstanding, Duration::from_secs(seconds)).tell("NSD alone");
    drop(nsd);
    let _ = std::fs::remove_dir_all(&dir);
}

fn figure(what: &str, qps: &str, each: &str, p50: &str, p99: &str, lost: &str) {
    #[expect(clippy::print_stdout, reason = "a measurement is for a person")]
    {
        println!("{what:20} {qps:>10} {each:>10} {p50:>8} {p99:>8} {lost:>6}");
    }
}

/// What came of a run.
struct Outcome {
    answered: u64,
    lost: u64,
    elapsed: Duration,
    spent: Duration,
    latencies: Vec<u32>,
}

impl Outcome {
    fn tell(mut self, what: &str) {
        self.latencies.sort_unstable();
        let at = |share: f64| {
            let place = (self.latencies.len() as f64 * share) as usize;
            format!("{:.1}", f64::from(self.latencies.get(place).copied().unwrap_or(0)) / 1e3)
        };
        let qps = self.answered as f64 / self.elapsed.as_secs_f64();
        let each = self.spent.as_secs_f64() * 1e6 / self.answered.max(1) as f64;
        figure(what, &format!("{qps:.0}"), &format!("{each:.1}"), &at(0.5), &at(0.99), &self.lost.to_string());
    }
}

/// Asks `server` for one name after the other, so many outstanding, after a tenth of the time to warm up.
fn load(server: &Server, outstanding: usize, time: Duration) -> Outcome {
    let sockets: Vec<UdpSocket> = (0..SOCKETS).map(|_| connected(server.address)).collect();
    let slots = outstanding.div_ceil(SOCKETS);
    // Sent when, for each socket and id.
    let mut sent = vec![vec![None::<Instant>; slots]; SOCKETS];
    let (mut number, mut lost, mut answered) = (0_u64, 0, 0);
    let mut latencies = Vec::new();
    let mut buffer = [0; 2_048];
    let warm = Instant::now() + time / 10;
    let mut begun = None;
    loop {
        let now = Instant::now();
        if begun.is_none() && now >= warm {
            (answered, lost) = (0, 0);
            latencies.clear();
            begun = Some((now, server.spent()));
        }
        if let Some((begun, before)) = begun
            && now >= begun + time
        {
            let spent = server.spent().saturating_sub(before);
            return Outcome { answered, lost, elapsed: now - begun, spent, latencies };
        }
        for (socket, sent) in sockets.iter().zip(&mut sent) {
            while let Ok(got) = socket.recv(&mut buffer) {
                assert!(got > 12 && buffer[3] & 15 == 0 && buffer[7] > 0, "every name has an address");
                let id = usize::from(u16::from_be_bytes([buffer[0], buffer[1]]));
                if let Some(since) = sent.get_mut(id).and_then(Option::take) {
                    answered += 1;
                    latencies.push(u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX));
                }
            }
            for (id, since) in sent.iter_mut().enumerate() {
                if since.is_some_and(|since| now.saturating_duration_since(since) < PATIENCE) {
                    continue;
                }
                lost += u64::from(since.is_some());
                number += 1;
                if socket.send(&question(number, id as u16)).is_err() {
                    break;
                }
                *since = Some(now);
            }
        }
    }
}

/// A question for a name that was not asked before, the same for every server.
fn question(number: u64, id: u16) -> Vec<u8> {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let name = format!("h{number:x}.{:x}.d{}.example", mixed >> 44, mixed % 10_000);
    let mut octets = vec![0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    octets[..2].copy_from_slice(&id.to_be_bytes());
    for label in name.split('.') {
        octets.push(label.len() as u8);
        octets.extend_from_slice(label.as_bytes());
    }
    octets.extend_from_slice(&[0, 0, 1, 0, 1]);
    octets
}

fn connected(to: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.connect(to).expect("it connects");
    socket.set_nonblocking(true).expect("it does not block");
    socket
}

/// A server of this measurement.
struct Server {
    name: &'static str,
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn cordon(dir: &Path, upstream: SocketAddr) -> Server {
        let (address, admin) = (free_address(), free_address());
        let config = format!(
            "[node]\nname = \"bench\"\ndata_dir = \"data\"\n[listen]\ndns = [\"{address}\"]\nadmin = \"{admin}\"\nworkers = 1\n\
             [upstream]\nservers = [\"udp://{upstream}\"]\n[policy.bench]\n[[network_zone]]\nname = \"bench\"\n\
             clients = [\"127.0.0.0/8\"]\npolicy = \"bench\"\n"
        );
        let _ = std::fs::remove_dir_all(dir.join("data"));
        let path = dir.join("cordon.toml");
        std::fs::write(&path, config).expect("a configuration can be written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_cordon"));
        command.arg("--config").arg(&path).arg("serve");
        Server::start("Cordon", command, 0, address)
    }

    fn unbound(dir: &Path, upstream: SocketAddr) -> Server {
        let address = free_address();
        let (ip, port) = (address.ip(), address.port());
        let config = format!(
            "server:\n interface: {ip}@{port}\n do-ip6: no\n do-daemonize: no\n username: \"\"\n chroot: \"\"\n directory: \"{dir}\"\n \
             pidfile: \"\"\n use-syslog: no\n logfile: \"\"\n verbosity: 0\n num-threads: 1\n so-rcvbuf: 4m\n so-sndbuf: 4m\n \
             msg-cache-size: 256m\n rrset-cache-size: 256m\n msg-cache-slabs: 1\n rrset-cache-slabs: 1\n infra-cache-slabs: 1\n \
             key-cache-slabs: 1\n outgoing-range: 4096\n num-queries-per-thread: 2048\n minimal-responses: yes\n \
             do-not-query-localhost: no\n qname-minimisation: no\n aggressive-nsec: no\n extended-statistics: no\n \
             module-config: \"iterator\"\n access-control: 127.0.0.0/8 allow\nremote-control:\n control-enable: no\n\
             forward-zone:\n name: \".\"\n forward-addr: {up}@{up_port}\n",
            dir = dir.display(),
            up = upstream.ip(),
            up_port = upstream.port(),
        );
        let path = dir.join("unbound.conf");
        std::fs::write(&path, config).expect("a configuration can be written");
        let mut command = Command::new("unbound");
        command.args(["-d", "-c"]).arg(&path);
        Server::start("Unbound", command, 0, address)
    }

    fn nsd(dir: &Path) -> Server {
        let address = free_address();
        let at = dir.display();
        let config = format!(
            "server:\n ip-address: {ip}@{port}\n server-count: 1\n username: \"\"\n zonesdir: \"{at}\"\n database: \"\"\n \
             pidfile: \"{at}/nsd.pid\"\n xfrdfile: \"\"\n zonelistfile: \"{at}/nsd.list\"\n logfile: \"{at}/nsd.log\"\n do-ip6: no\n \
             minimal-responses: yes\n rrl-ratelimit: 0\nremote-control:\n control-enable: no\nzone:\n name: \".\"\n \
             zonefile: \"{at}/root.zone\"\n",
            ip = address.ip(),
            port = address.port(),
        );
        let zone = "$ORIGIN .\n$TTL 86400\n@ SOA ns.root. h.root. 1 86400 7200 604800 86400\n@ NS ns.root.\nns.root. A 127.0.0.1\n\
                    *. A 192.0.2.1\n";
        std::fs::write(dir.join("root.zone"), zone).expect("a zone can be written");
        let path = dir.join("nsd.conf");
        std::fs::write(&path, config).expect("a configuration can be written");
        let mut command = Command::new("nsd");
        command.args(["-d", "-c"]).arg(&path);
        Server::start("NSD", command, 1, address)
    }

    fn start(name: &'static str, mut command: Command, processor: usize, address: SocketAddr) -> Server {
        let mut pinned = Command::new("taskset");
        pinned.arg("-c").arg(processor_of(processor).to_string()).arg(command.get_program()).args(command.get_args());
        command = pinned;
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the server starts");
        let server = Server { name, child, address };
        let socket = connected(address);
        let mut answer = [0; 512];
        let answered = (0..1_000).any(|_| {
            let _ = socket.send(&question(0, 0));
            std::thread::sleep(Duration::from_millis(20));
            socket.recv(&mut answer).is_ok_and(|got| got > 12 && answer[7] > 0)
        });
        assert!(answered, "{name} answers");
        server
    }

    /// The processor time of all its threads and children (schedstat, first number, ns).
    fn spent(&self) -> Duration {
        let tasks = |pid: u32| -> u64 {
            let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
            let run = |task: std::fs::DirEntry| {
                let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
                text.split_whitespace().next()?.parse::<u64>().ok()
            };
            tasks.filter_map(run).sum()
        };
        let pid = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        let children = children.split_whitespace().filter_map(|child| child.parse().ok());
        Duration::from_nanos(tasks(pid) + children.map(tasks).sum::<u64>())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

fn free_address() -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    socket.local_addr().expect("it is bound")
}

/// The processor for a part, as far as there are as many.
fn processor_of(part: usize) -> usize {
    // Once, before this process has only one of them for itself.
    static COUNT: OnceLock<usize> = OnceLock::new();
    part % COUNT.get_or_init(|| std::thread::available_parallelism().map_or(1, |count| count.get()))
}

fn pin(pid: u32, part: usize) {
    let status = Command::new("taskset").args(["-cp", &processor_of(part).to_string(), &pid.to_string()]).output();
    assert!(status.is_ok_and(|output| output.status.success()), "taskset is there");
}
