//! A real Prometheus for a test (Debian package `prometheus`), and enough HTTP to ask it.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How long anything here may take before the test fails: only something that hangs meets it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(250);

/// A running Prometheus that scrapes one target each second as the job `cordon`. It ends when this is dropped.
pub struct Prometheus {
    process: Child,
    address: SocketAddr,
    home: TempDir,
}

impl Prometheus {
    /// Starts one and waits until it answers. `rules` is a file of alert rules to load.
    pub fn start(target: SocketAddr, rules: Option<&Path>) -> Prometheus {
        // A free port can be lost to another test between its choice and its use: then with another.
        (0..3).find_map(|_| Prometheus::try_start(target, rules)).expect("Prometheus does not start on any port")
    }

    fn try_start(target: SocketAddr, rules: Option<&Path>) -> Option<Prometheus> {
        let home = tempfile::tempdir().expect("a temporary folder");
        let rules = rules.map(|rules| format!("rule_files: [{:?}]\n", rules.display().to_string())).unwrap_or_default();
        let config = format!(
            "global: {{ scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }}\n{rules}\
             scrape_configs:\n  - job_name: cordon\n    static_configs: [{{ targets: [{:?}] }}]\n",
            target.to_string()
        );
        let config_path = home.path().join("prometheus.yml");
        fs::write(&config_path, config).expect("the configuration of Prometheus");
        let said = File::create(home.path().join("said")).expect("a file for what Prometheus says");
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr()).expect("a free port");
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", config_path.display()))
            .arg(format!("--storage.tsdb.path={}", home.path().join("series").display()))
            .arg(format!("--web.listen-address={port}"))
            .arg("--log.level=warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .expect("prometheus cannot be run: install the package prometheus, or set CORDON_WITHOUT_PROMETHEUS=1");
        let mut started = Prometheus { process, address: port, home };
        let deadline = Instant::now() + PATIENCE;
        loop {
            if matches!(get(port, "/-/ready"), Ok((200, _))) {
                return Some(started);
            }
            if started.process.try_wait().expect("the state of Prometheus").is_some() {
                let said = started.said();
                assert!(said.contains("address already in use"), "Prometheus ended at once:\n{said}");
                return None;
            }
            assert!(Instant::now() < deadline, "Prometheus is not ready:\n{}", started.said());
            thread::sleep(PAUSE);
        }
    }

    /// The result of a PromQL expression now: a series each.
    ///
    /// # Errors
    /// What Prometheus says against the expression.
    pub fn query(&self, expression: &str) -> Result<Vec<Value>, String> {
        let path = format!("/api/v1/query?query={}", percent_encoded(expression));
        let (status, body) = get(self.address, &path).map_err(|error| error.to_string())?;
        let answer: Value = serde_json::from_str(&body).map_err(|error| format!("{status}: {error}: {body}"))?;
        if answer["status"] != "success" {
            return Err(format!("{status}: {}", answer["error"]));
        }
        match &answer["data"]["result"] {
            Value::Array(series) => Ok(series.clone()),
            other => Err(format!("no series: {other}")),
        }
    }

    /// The values of a label on a series, as a dashboard's variable asks for them.
    ///
    /// # Errors
    /// What Prometheus says against the selector.
    pub fn label_values(&self, label: &str, selector: &str) -> Result<Vec<Value>, String> {
        let path = format!("/api/v1/label/{label}/values?match[]={}", percent_encoded(selector));
        let (status, body) = get(self.address, &path).map_err(|error| error.to_string())?;
        let answer: Value = serde_json::from_str(&body).map_err(|error| format!("{status}: {error}: {body}"))?;
        answer["data"].as_array().cloned().ok_or_else(|| format!("{status}: {body}"))
    }

    /// Asks again and again until `done` says so, or for too long: then what `done` last complained of.
    ///
    /// # Errors
    /// The last complaint.
    pub fn wait_until(&self, mut done: impl FnMut(&Prometheus) -> Result<(), String>) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let complaint = match done(self) {
                Ok(()) => return Ok(()),
                Err(complaint) => complaint,
            };
            if Instant::now() >= deadline {
                return Err(format!("{complaint}\nPrometheus says:\n{}", self.said()));
            }
            thread::sleep(PAUSE);
        }
    }

    fn said(&self) -> String {
        fs::read_to_string(self.home.path().join("said")).unwrap_or_default()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether the tests with Prometheus are left out, because somebody said so.
pub fn is_left_out() -> bool {
    std::env::var_os("CORDON_WITHOUT_PROMETHEUS").is_some()
}

/// By HTTP 1.0, so that the answer comes in one piece and ends with the connection.
fn get(address: SocketAddr, path: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Ok((status, body.to_owned()))
}

/// For a query string (RFC 3986 section 2.1): everything but unreserved characters.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 2);
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            encoded.push(char::from(octet));
        } else {
            encoded.push_str(&format!("%{octet:02X}"));
        }
    }
    encoded
}
