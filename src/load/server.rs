//! Cordon itself under test: the real program as a child, on a configuration of the bench's own, in a folder of its own.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::process::{self, cpu_so_far};
use super::{calls, machine::Cores};

/// How long it may take to compile the list and answer.
const START_WITHIN: Duration = Duration::from_secs(300);
/// How long it may take to seal its log and end.
const END_WITHIN: Duration = Duration::from_secs(60);

/// A running Cordon. Dropped, it is ended.
pub struct Server {
    child: Child,
    /// Where it answers.
    pub address: SocketAddr,
    /// Its admin door.
    pub admin: SocketAddr,
    /// How long it took from the start of the program until it was ready, the list compiled.
    pub started_in: Duration,
    folder: PathBuf,
}

/// What sealing the records cost that were not sealed when the load ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sealing {
    /// Records.
    pub rows: u64,
    /// Microseconds of CPU a record.
    pub cpu: f64,
}

impl Server {
    /// Starts `program` on a list, with an upstream and `more` tables of configuration, in a folder that is there; waits until it is ready.
    ///
    /// # Errors
    /// It does not start: the text says what it said.
    pub fn start(
        program: &Path,
        folder: &Path,
        list: &Path,
        upstream: SocketAddr,
        workers: usize,
        cores: &Cores,
        more: &str,
    ) -> io::Result<Server> {
        let (address, admin) = (free_address()?, free_address()?);
        let list = toml::Value::String(list.display().to_string());
        let config = format!(
            "[node]\nname = \"bench\"\ndata_dir = \"data\"\n[listen]\ndns = [\"{address}\"]\nadmin = \"{admin}\"\n\
             workers = {workers}\n[upstream]\nservers = [\"udp://{upstream}\"]\n[[category]]\nname = \"listed\"\n\
             lists = [{{ path = {list} }}]\n[policy.bench]\nblock = [\"listed\"]\n[[network_zone]]\nname = \"bench\"\n\
             clients = [\"127.0.0.0/8\"]\npolicy = \"bench\"\n{more}"
        );
        let path = folder.join("cordon.toml");
        fs::write(&path, config)?;
        let told = fs::File::create(folder.join("cordon.log"))?;
        let mut command = Command::new(program);
        command.arg("--config").arg(&path).arg("serve").stdin(Stdio::null()).stdout(Stdio::null()).stderr(told);
        let begun = Instant::now();
        let (child, folder) = (start_on(&cores.server, &mut command)?, folder.to_owned());
        let mut server = Server { child, address, admin, started_in: Duration::ZERO, folder };
        loop {
            if server.get("/readyz").is_some_and(|text| text.starts_with("HTTP/1.1 200")) {
                server.started_in = begun.elapsed();
                return Ok(server);
            }
            if server.child.try_wait()?.is_some() || begun.elapsed() > START_WITHIN {
                let told = fs::read_to_string(server.folder.join("cordon.log")).unwrap_or_default();
                return Err(io::Error::other(format!("the server does not get ready; it says:\n{}", told.trim_end())));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Octets that are resident.
    pub fn resident(&self) -> Option<u64> {
        process::resident(self.process())
    }

    /// The value of a metric without labels.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let text = self.get("/metrics")?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        line.trim().parse().ok()
    }

    /// Ends it as a service manager does, and tells what it cost to seal what it had recorded; none where that cannot be told.
    ///
    /// # Errors
    /// It does not end by itself; it is ended then.
    pub fn stop(mut self) -> io::Result<Option<Sealing>> {
        let rows = self.metric("cordon_log_live_rows");
        let gone = || io::Error::other("the server is not there any more");
        let (before, _) = cpu_so_far(self.process()).ok_or_else(gone)?;
        calls::ask_to_end(&self.child);
        let begun = Instant::now();
        // As long as nobody has waited for it, the kernel still knows what it cost.
        let whole = loop {
            match cpu_so_far(self.process()).ok_or_else(gone)? {
                (seconds, true) => break seconds,
                _ if begun.elapsed() > END_WITHIN => return Err(io::Error::other("the server does not end")),
                _ => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        let status = self.child.wait()?;
        if !status.success() {
            return Err(io::Error::other(format!("the server ended with {status}")));
        }
        let rows = rows.unwrap_or(0.0);
        // Told in ticks: below some thousand records it is not told at all.
        Ok((rows >= 10_000.0).then(|| Sealing { rows: rows as u64, cpu: (whole - before).max(0.0) * 1e6 / rows }))
    }

    /// GET at the admin door: head and body as they come.
    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect_timeout(&self.admin, Duration::from_secs(1)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: cordon\r\nConnection: close\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        Some(text)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Starts a program on some cores; a child is kept where the thread that starts it is.
///
/// # Errors
/// There is no such program, or it may not be kept there.
pub fn start_on(cores: &[usize], command: &mut Command) -> io::Result<Child> {
    let before = calls::allowed_cores()?;
    calls::pin(cores)?;
    let child = command.spawn();
    calls::pin(&before)?;
    child
}

/// An address on loopback where nothing is now, neither over UDP nor over TCP.
///
/// # Errors
/// There is none.
pub fn free_address() -> io::Result<SocketAddr> {
    for _ in 0..64 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        if address.port() != 5353 && std::net::UdpSocket::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err(io::Error::other("no port is free on 127.0.0.1"))
}
