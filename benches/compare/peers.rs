//! The servers that are compared, each as those who know it would set it up for this work: one thread, answers kept in memory, a list of
//! names of which each blocks itself and all below it.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cordon::load::answer::{Expected, is_right};
use cordon::load::server::{free_address, start_on};
use cordon::load::work::query;
use cordon::load::{Cores, Echo, Names, Server, Target, calls, process};

/// How long a server may take to load its list.
const START_WITHIN: Duration = Duration::from_secs(120);

/// What every server stands on.
pub struct Ground<'a> {
    pub folder: &'a Path,
    pub list: &'a Path,
    pub names: &'a Names,
    pub upstream: SocketAddr,
    pub cores: &'a Cores,
}

/// A kind of server.
pub struct Peer {
    pub key: &'static str,
    pub about: &'static str,
    /// Which one is installed, or why it cannot be measured.
    pub version: fn() -> Result<String, String>,
    pub start: fn(&Ground<'_>) -> Result<Running, String>,
}

pub const ALL: &[Peer] = &[
    Peer {
        key: "echo",
        about: "the bare echo, which looks at nothing",
        version: || Ok("of the bench".into()),
        start: echo,
    },
    Peer {
        key: "cordon",
        about: "log on, records sealed, counted and signed",
        version: || Ok(env!("CARGO_PKG_VERSION").into()),
        start: cordon,
    },
    Peer {
        key: "dnsdist",
        about: "list as a CDB file, packet cache, no log",
        version: dnsdist_version,
        start: dnsdist,
    },
    Peer {
        key: "unbound",
        about: "list as local zones, no log",
        version: || first_line("unbound", "-V"),
        start: unbound,
    },
];

/// A server that runs.
pub struct Running {
    address: SocketAddr,
    pub ready: Duration,
    what: What,
}

enum What {
    Echo { _kept: Echo },
    Cordon(Box<Server>),
    Child(Child),
}

impl Running {
    pub fn target(&self) -> Target {
        let (process, only) = match &self.what {
            What::Echo { .. } => (std::process::id(), Some(Echo::THREADS)),
            What::Cordon(server) => (server.process(), None),
            What::Child(child) => (child.id(), None),
        };
        Target { address: self.address, processes: vec![process], only, echo: only.is_some() }
    }

    /// Octets resident; of the echo nothing, which is a thread of the bench.
    pub fn resident(&self) -> u64 {
        match &self.what {
            What::Echo { .. } => 0,
            What::Cordon(server) => server.resident().unwrap_or(0),
            What::Child(child) => process::resident(child.id()).unwrap_or(0),
        }
    }

    /// Ends it; what it cost to seal a record, for Cordon.
    pub fn stop(self) -> Option<f64> {
        match self.what {
            What::Echo { .. } => None,
            What::Cordon(server) => {
                assert_eq!(server.metric("cordon_log_lost_total"), Some(0.0), "records were lost");
                server.stop().expect("it ends").map(|sealing| sealing.cpu)
            }
            What::Child(mut child) => {
                calls::ask_to_end(&child);
                let begun = Instant::now();
                while matches!(child.try_wait(), Ok(None)) {
                    if begun.elapsed() > Duration::from_secs(15) {
                        let _ = child.kill();
                    }
                    std::thread::sleep(Duration::from_millis(20));
                }
                None
            }
        }
    }
}

fn first_line(program: &str, option: &str) -> Result<String, String> {
    let output =
        Command::new(program).arg(option).output().map_err(|error| format!("`{program}` does not run: {error}"))?;
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    let line = String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_owned();
    Ok(line.trim_start_matches("Version ").split(" (").next().unwrap_or_default().to_owned())
}

fn echo(ground: &Ground<'_>) -> Result<Running, String> {
    let echo = Echo::start(1, &ground.cores.server).map_err(|error| error.to_string())?;
    Ok(Running { address: echo.address(), ready: Duration::ZERO, what: What::Echo { _kept: echo } })
}

fn cordon(ground: &Ground<'_>) -> Result<Running, String> {
    let (program, folder) = (Path::new(env!("CARGO_BIN_EXE_cordon")), fresh(ground, "cordon")?);
    let server = Server::start(program, &folder, ground.list, ground.upstream, 1, ground.cores, "");
    let server = server.map_err(|error| error.to_string())?;
    Ok(Running { address: server.address, ready: server.started_in, what: What::Cordon(Box::new(server)) })
}

/// A folder of its own for a server, empty.
fn fresh(ground: &Ground<'_>, key: &str) -> Result<std::path::PathBuf, String> {
    let folder = ground.folder.join(key);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).map_err(|error| error.to_string())?;
    Ok(folder)
}

fn dnsdist_version() -> Result<String, String> {
    let version = first_line("dnsdist", "--version")?;
    match Command::new("cdb").arg("-h").output() {
        Ok(_) => Ok(version),
        Err(error) => Err(format!("`cdb` (tinycdb), which makes its list, does not run: {error}")),
    }
}

/// dnsdist answers nothing itself: a packet cache of which every ordinary name fits, the list as a CDB file that is mapped, asked for the
/// name and each parent of at least two labels, before the cache; up to 64 packets a system call.
fn dnsdist(ground: &Ground<'_>) -> Result<Running, String> {
    let folder = fresh(ground, "dnsdist")?;
    let cdb = ground.folder.join("list.cdb");
    if !cdb.exists() {
        let mut records = Vec::new();
        for name in &ground.names.listed {
            let key = name.as_wire();
            records.extend(format!("+{},1:", key.len()).bytes());
            records.extend(key);
            records.extend(b"->1\n");
        }
        records.push(b'\n');
        let input = ground.folder.join("list.records");
        fs::write(&input, records).map_err(|error| error.to_string())?;
        let made = Command::new("cdb").arg("-c").arg(&cdb).arg(&input).status().map_err(|error| error.to_string())?;
        let _ = fs::remove_file(&input);
        if !made.success() {
            return Err("cdb does not make the list".into());
        }
    }
    let address = free_address().map_err(|error| error.to_string())?;
    let config = format!(
        "setLocal('{address}')\nsetACL('127.0.0.0/8')\nsetSecurityPollSuffix('')\nsetUDPMultipleMessagesVectorSize(64)\n\
         setMaxUDPOutstanding(65535)\nsetVerboseHealthChecks(false)\n\
         newServer({{address='{}', sockets=4, checkInterval=5}})\n\
         cache = newPacketCache(200000, {{maxTTL=86400, numberOfShards=1}})\ngetPool(''):setCache(cache)\n\
         listed = newCDBKVStore('{}', 1)\n\
         addAction(KeyValueStoreLookupRule(listed, KeyValueLookupKeySuffix(2, true)), RCodeAction(DNSRCode.NXDOMAIN))\n",
        ground.upstream,
        cdb.display()
    );
    fs::write(folder.join("config"), config).map_err(|error| error.to_string())?;
    let mut command = Command::new("dnsdist");
    command.args(["--supervised", "--disable-syslog", "-C"]).arg(folder.join("config"));
    child(ground, &folder, address, &mut command)
}

/// Unbound: one thread, caches in which every ordinary name fits and that nobody else locks, answers as short as they may be, nothing
/// validated, everything else asked of the one upstream.
fn unbound(ground: &Ground<'_>) -> Result<Running, String> {
    let folder = fresh(ground, "unbound")?;
    let zones = ground.folder.join("list.unbound");
    if !zones.exists() {
        let mut text = String::from("server:\n");
        for name in &ground.names.listed {
            text += &format!("local-zone: \"{name}.\" always_nxdomain\n");
        }
        fs::write(&zones, text).map_err(|error| error.to_string())?;
    }
    let address = free_address().map_err(|error| error.to_string())?;
    let config = format!(
        "server:\n interface: {ip}@{port}\n do-ip6: no\n do-daemonize: no\n username: \"\"\n chroot: \"\"\n directory: \"{folder}\"\n \
         pidfile: \"\"\n use-syslog: no\n logfile: \"\"\n verbosity: 0\n num-threads: 1\n so-reuseport: yes\n so-rcvbuf: 4m\n \
         so-sndbuf: 4m\n msg-cache-size: 128m\n rrset-cache-size: 128m\n msg-cache-slabs: 1\n rrset-cache-slabs: 1\n \
         infra-cache-slabs: 1\n key-cache-slabs: 1\n outgoing-range: 4096\n num-queries-per-thread: 2048\n minimal-responses: yes\n \
         do-not-query-localhost: no\n qname-minimisation: no\n aggressive-nsec: no\n extended-statistics: no\n \
         module-config: \"iterator\"\n access-control: 127.0.0.0/8 allow\n\
         include: \"{zones}\"\nremote-control:\n control-enable: no\n\
         forward-zone:\n name: \".\"\n forward-addr: {up_ip}@{up_port}\n",
        ip = address.ip(),
        port = address.port(),
        folder = folder.display(),
        zones = zones.display(),
        up_ip = ground.upstream.ip(),
        up_port = ground.upstream.port(),
    );
    fs::write(folder.join("config"), config).map_err(|error| error.to_string())?;
    let mut command = Command::new("unbound");
    command.args(["-d", "-p", "-c"]).arg(folder.join("config"));
    child(ground, &folder, address, &mut command)
}

/// Starts a program and waits until names all over the list are blocked.
fn child(ground: &Ground<'_>, folder: &Path, address: SocketAddr, command: &mut Command) -> Result<Running, String> {
    let told = fs::File::create(folder.join("told")).map_err(|error| error.to_string())?;
    let other = told.try_clone().map_err(|error| error.to_string())?;
    command.stdin(Stdio::null()).stdout(told).stderr(other).current_dir(folder);
    let begun = Instant::now();
    let mut child = start_on(&ground.cores.server, command).map_err(|error| error.to_string())?;
    let names = &ground.names.listed;
    let sample: Vec<_> = names.iter().step_by((names.len() / 64).max(1)).map(query).collect();
    while !sample.iter().all(|query| blocked(address, query)) {
        if !matches!(child.try_wait(), Ok(None)) || begun.elapsed() > START_WITHIN {
            let _ = child.kill();
            let _ = child.wait();
            return Err(fs::read_to_string(folder.join("told")).unwrap_or_default());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(Running { address, ready: begun.elapsed(), what: What::Child(child) })
}

fn blocked(address: SocketAddr, query: &[u8]) -> bool {
    let mut answer = [0; 1500];
    let mut asked = || -> std::io::Result<usize> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(address)?;
        socket.set_read_timeout(Some(Duration::from_millis(300)))?;
        socket.send(query)?;
        socket.recv(&mut answer)
    };
    asked().is_ok_and(|length| is_right(query, &answer[..length], Expected::Block))
}
