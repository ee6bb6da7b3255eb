//! Cordon itself, as its users run it: the real binary on a configuration of the test's own, in a folder of its own.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

use super::peer::{free_address, with_free_ports};

/// What it says where a port was taken since it was found to be free.
const TAKEN: [&str; 2] = ["in use by ", "cannot be listened on"];

/// A running Cordon. Dropping it ends it by SIGTERM.
pub struct Cordon {
    /// Where it answers over UDP and TCP, IPv4.
    pub addr: SocketAddr,
    /// Where it answers over UDP and TCP, IPv6.
    pub addr6: SocketAddr,
    /// Its admin door.
    pub admin: SocketAddr,
    /// Its folder: `cordon.toml`, `data/`, `stderr.log` and the files of the test.
    pub dir: PathBuf,
    /// Descriptors of sockets that are handed over when it is launched, as a service manager does it (sd_listen_fds(3)).
    pub handed: Vec<i32>,
    child: Option<Child>,
    _kept: Option<TempDir>,
}

impl Cordon {
    /// Starts Cordon on `config`, which leaves out `[listen]` and `[node]`: those are written here. `files` are laid beside it first.
    pub fn start(config: &str, files: &[(&str, &str)]) -> Cordon {
        with_free_ports(|| {
            let kept = tempfile::tempdir().map_err(|error| error.to_string())?;
            let mut cordon = Cordon::prepare(kept.path(), config, files)?;
            cordon._kept = Some(kept);
            cordon.spawn()?;
            Ok(cordon)
        })
    }

    /// Lays configuration and files into `dir` without starting anything.
    pub fn prepare(dir: &Path, config: &str, files: &[(&str, &str)]) -> Result<Cordon, String> {
        let addr = free_address();
        let addr6 = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), addr.port());
        let admin = free_address();
        for (name, text) in files {
            let path = dir.join(name);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(|error| error.to_string())?;
            }
            std::fs::write(path, text).map_err(|error| error.to_string())?;
        }
        let cordon = Cordon::on(dir, addr, addr6, admin);
        cordon.write_config(config);
        Ok(cordon)
    }

    /// For the configuration `dir/cordon.toml` as it stands there, whose doors are at these addresses.
    pub fn on(dir: &Path, addr: SocketAddr, addr6: SocketAddr, admin: SocketAddr) -> Cordon {
        Cordon { addr, addr6, admin, dir: dir.to_owned(), handed: Vec::new(), child: None, _kept: None }
    }

    /// Writes the configuration anew; a running Cordon takes it at the next reload.
    pub fn write_config(&self, config: &str) {
        let text = format!(
            "[node]\nname = \"test-node\"\ndata_dir = \"data\"\n[listen]\ndns = [\"{}\", \"{}\"]\nadmin = \"{}\"\n{config}",
            self.addr, self.addr6, self.admin
        );
        std::fs::write(self.config(), text).unwrap();
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.dir.join("cordon.toml")
    }

    /// The log's folder.
    pub fn log_dir(&self) -> PathBuf {
        self.dir.join("data/log")
    }

    /// Starts the binary and waits until it is ready; elsewhere, when somebody took a port since it was found to be free.
    pub fn spawn(&mut self) -> Result<(), String> {
        for _ in 0..5 {
            match self.ready() {
                Err(error) if TAKEN.iter().any(|taken| error.contains(taken)) => self.move_elsewhere(),
                outcome => return outcome,
            }
        }
        self.ready()
    }

    /// Other ports in place of those that are written.
    fn move_elsewhere(&mut self) {
        let _ = self.wait();
        let mut text = std::fs::read_to_string(self.config()).unwrap();
        let addr = free_address();
        let addr6 = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), addr.port());
        for (place, free) in [(&mut self.addr, addr), (&mut self.addr6, addr6), (&mut self.admin, free_address())] {
            text = text.replace(&format!("\"{place}\""), &format!("\"{free}\""));
            *place = free;
        }
        std::fs::write(self.config(), text).unwrap();
        // What was said of the first ports is not what a test looks for.
        std::fs::remove_file(self.dir.join("stderr.log")).unwrap();
    }

    fn ready(&mut self) -> Result<(), String> {
        self.launch()?;
        for _ in 0..1_200 {
            if self.get("/readyz").is_some_and(|(code, _)| code == 200) {
                return Ok(());
            }
            if self.child.as_mut().is_some_and(|child| child.try_wait().is_ok_and(|status| status.is_some())) {
                break;
            }
            sleep(Duration::from_millis(25));
        }
        Err(format!("cordon does not get ready; it says:\n{}", self.stderr()))
    }

    /// Starts the binary and waits for nothing.
    pub fn launch(&mut self) -> Result<(), String> {
        let stderr = std::fs::OpenOptions::new().create(true).append(true).open(self.dir.join("stderr.log"));
        let mut command = match self.handed.len() {
            0 => Command::new(env!("CARGO_BIN_EXE_cordon")),
            count => {
                // The process that will be Cordon has to be named, so the shell says its own and becomes it. Not any shell has descriptors above 9.
                let put: String =
                    self.handed.iter().zip(3..).map(|(from, to)| format!("exec {to}<&{from}; ")).collect();
                let mut shell = Command::new("bash");
                shell.args(["-c", &format!("{put}LISTEN_FDS={count} LISTEN_PID=$$ exec \"$0\" \"$@\"")]);
                shell.arg(env!("CARGO_BIN_EXE_cordon"));
                shell
            }
        };
        let child = command
            .arg("--config")
            .arg(self.config())
            .arg("serve")
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr.map_err(|error| error.to_string())?)
            .spawn()
            .map_err(|error| error.to_string())?;
        self.child = Some(child);
        Ok(())
    }

    /// What it has written to standard error so far.
    pub fn stderr(&self) -> String {
        std::fs::read_to_string(self.dir.join("stderr.log")).unwrap_or_default()
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.child.as_ref().map_or(0, |child| child.id() as i32)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: i32) {
        let pid = self.pid();
        assert!(pid > 0, "cordon is not running");
        // SAFETY: kill(2) takes no pointers; the child is ours and not yet waited for, so its id is still its own.
        assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
    }

    /// SIGKILL, and waits for the end.
    pub fn kill(&mut self) {
        self.signal(libc::SIGKILL);
        self.wait();
    }

    /// SIGTERM, and waits for the end; gives the exit code.
    pub fn stop(&mut self) -> Option<i32> {
        self.signal(libc::SIGTERM);
        self.wait()
    }

    /// Waits for the end without asking for it; gives the exit code.
    pub fn wait_for_end(&mut self) -> Option<i32> {
        self.wait()
    }

    fn wait(&mut self) -> Option<i32> {
        self.child.take()?.wait().ok()?.code()
    }

    /// SIGHUP, and waits until that reload has ended; gives what `/api/v1/status` says then. The generation rises a little before: who went by
    /// it would take the end of one reload for that of the next.
    pub fn reload(&self) -> serde_json::Value {
        let before = self.status();
        self.signal(libc::SIGHUP);
        for _ in 0..800 {
            let now = self.status();
            if now["last_reload"] != before["last_reload"] {
                return now;
            }
            sleep(Duration::from_millis(25));
        }
        panic!("no reload happened; cordon says:\n{}", self.stderr());
    }

    /// What `/api/v1/status` says.
    pub fn status(&self) -> serde_json::Value {
        let (_, body) = self.get("/api/v1/status").expect("the admin door answers");
        serde_json::from_str(&body).expect("the status is JSON")
    }

    /// The metrics, as text.
    pub fn metrics(&self) -> String {
        self.get("/metrics").expect("the admin door answers").1
    }

    /// The value of one series, named as in the exposition, labels included.
    pub fn metric(&self, series: &str) -> f64 {
        let text = self.metrics();
        let line = text.lines().find(|line| line.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')));
        line.and_then(|line| line.rsplit(' ').next()).and_then(|value| value.parse().ok()).unwrap_or(0.0)
    }

    /// GET at the admin door: status code and body.
    pub fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect_timeout(&self.admin, Duration::from_secs(1)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: cordon\r\nConnection: close\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let code = text.split(' ').nth(1)?.parse().ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        Some((code, if chunked { unchunked(body) } else { body.to_owned() }))
    }

    /// Runs a command of the binary on this configuration.
    pub fn command(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_cordon"))
            .arg("--config")
            .arg(self.config())
            .args(arguments)
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .output()
            .expect("the binary runs")
    }

    /// Runs a command with `--json` and gives its objects; fails unless it ends with 0, or with 1 and nothing found.
    pub fn json(&self, arguments: &[&str]) -> Vec<serde_json::Value> {
        let output = self.command(&[&["--json"], arguments].concat());
        let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(matches!(output.status.code(), Some(0 | 1)), "{arguments:?}: {:?}\n{text}{errors}", output.status);
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"))).collect()
    }

    /// The rows of the log that a search with these filters finds, newest first.
    pub fn rows(&self, filters: &[&str]) -> Vec<serde_json::Value> {
        self.json(&[&["log", "search", "--limit", "1000000"], filters].concat())
    }
}

impl Drop for Cordon {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // SAFETY: as in `signal`.
            unsafe { libc::kill(child.id() as i32, libc::SIGTERM) };
            for _ in 0..1_000 {
                if child.try_wait().is_ok_and(|status| status.is_some()) {
                    return;
                }
                sleep(Duration::from_millis(10));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let Ok(size) = usize::from_str_radix(size.trim(), 16) else { break };
        if size == 0 {
            break;
        }
        whole.push_str(rest.get(..size).unwrap_or(rest));
        body = rest.get(size + 2..).unwrap_or("");
    }
    whole
}
