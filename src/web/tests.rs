//! What the doors say, over real connections.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::connection::{Limits, serve_within};
use super::*;
use crate::metrics::ListNumbers;
use crate::moment::Moment;

/// Longer than anything here takes; only a test that hangs meets it.
const PATIENCE: Duration = Duration::from_secs(30);

struct Running {
    address: SocketAddr,
    ready: Arc<AtomicBool>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Running {
    async fn start(limits: Limits) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let ready = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&ready);
        let readiness = move || {
            let missing = [String::from("no snapshot is loaded"), String::from("the log cannot be written")];
            Readiness { missing: if asked.load(Ordering::Relaxed) { Vec::new() } else { missing.into() } }
        };
        let house = House::new(Metrics::new("1.2.3"), readiness, move || status(address));
        let (stop, stopped) = oneshot::channel();
        let stopped = async {
            let _ = stopped.await;
        };
        let served = tokio::spawn(serve_within(limits, listener, house, stopped));
        Running { address, ready, stop, served }
    }

    async fn ask(&self, method: &str, path: &str) -> Answer {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: cordon\r\nConnection: close\r\n\r\n");
        self.send(request.as_bytes()).await
    }

    async fn send(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut octets = Vec::new();
        // A server that refuses to read on resets the connection behind its answer; what came before is the answer.
        let _reset = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut octets)).await.unwrap();
        Answer::of(&String::from_utf8(octets).unwrap())
    }
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn of(text: &str) -> Answer {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Whether it is a problem, as RFC 9457 has it, of this status.
    fn is_problem(&self, status: u16) -> bool {
        let body = self.json();
        self.status == status
            && self.header("content-type") == Some("application/problem+json")
            && body["status"] == status
            && ["type", "title", "detail"].iter().all(|key| body[key].is_string())
    }
}

fn renewal(at: Moment) -> ListRenewal {
    ListRenewal {
        url: "https://lists.example/a.txt".into(),
        result: "shrunk".into(),
        text: Some("1 entry".into()),
        at: Some(at),
        checked_at: None,
        next_try: Some(at.plus(Duration::from_secs(60))),
        failures: 2,
        etag_known: true,
    }
}

fn status(admin: SocketAddr) -> Status {
    let start = Moment::from_seconds(1_000);
    Status {
        version: "1.2.3",
        node: String::from("dns1 <b>"),
        now: start.plus(Duration::from_secs(90)),
        started: start,
        in_force: Some(InForce {
            generation: 7,
            since: start.plus(Duration::from_secs(30)),
            config: ConfigInForce { path: "/etc/cordon/cordon.toml".into(), sha256: "ab".repeat(32) },
            network_zones: vec![ZoneInForce { name: "hq".into(), policy: "standard".into() }],
            lists: vec![ListNumbers { list: "webmail/a.txt".into(), entries: 5, refused_lines: 1, age_seconds: None }],
            renewals: [("webmail/a.txt".into(), renewal(start))].into(),
        }),
        last_reload: Some(Reload { at: start, error: Some(String::from("cordon.toml:3:1: <unknown key>")) }),
        listen: Listening { dns: vec!["127.0.0.1:5300".parse().unwrap()], admin },
    }
}

#[tokio::test]
async fn health_is_life_and_readiness_says_what_is_missing() {
    let running = Running::start(Limits::HOUSE).await;
    assert_eq!(running.ask("GET", "/readyz").await.status, 200);
    assert!(running.ask("GET", "/metrics").await.body.contains("\ncordon_ready 1\n"));
    running.ready.store(false, Ordering::Relaxed);
    assert_eq!(running.ask("GET", "/healthz").await.status, 200);
    let refused = running.ask("GET", "/readyz").await;
    assert!(refused.is_problem(503), "{}", refused.body);
    assert_eq!(refused.json()["missing"][1], "the log cannot be written");
    assert!(running.ask("GET", "/metrics").await.body.contains("\ncordon_ready 0\n"));
}

#[tokio::test]
async fn metrics_are_served_in_the_text_format() {
    let running = Running::start(Limits::HOUSE).await;
    let answer = running.ask("GET", "/metrics").await;
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(answer.body.contains("cordon_build_info{version=\"1.2.3\"} 1\n"), "{}", answer.body);
    let head = running.ask("HEAD", "/metrics").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

#[tokio::test]
async fn the_status_says_what_is_in_force() {
    let running = Running::start(Limits::HOUSE).await;
    let status = running.ask("GET", "/api/v1/status").await.json();
    assert_eq!(status["generation"], 7);
    assert_eq!(status["uptime_seconds"], 90.0);
    assert_eq!(status["snapshot_age_seconds"], 60.0);
    assert_eq!(status["started"], "1970-01-01T00:16:40.000000Z");
    assert_eq!(status["last_reload"]["result"], "failed");
    assert_eq!(status["listen"]["dns"][0], "127.0.0.1:5300");
    assert_eq!(status["lists"][0]["refused_lines"], 1);
    let update = &status["lists"][0]["update"];
    assert_eq!((&update["result"], &update["failures"]), (&"shrunk".into(), &2.into()));
    assert_eq!(update["next_try"], "1970-01-01T00:17:40.000000Z");
}

#[tokio::test]
async fn the_description_names_every_field_of_the_status() {
    let running = Running::start(Limits::HOUSE).await;
    let described = running.ask("GET", "/api/v1/openapi.json").await.json();
    let status = running.ask("GET", "/api/v1/status").await.json();
    let fields = described["components"]["schemas"]["Status"]["properties"].as_object().unwrap();
    let told = status.as_object().unwrap();
    assert!(told.keys().eq(fields.keys()), "{:?} {:?}", told.keys(), fields.keys());
    for path in described["paths"].as_object().unwrap().keys() {
        assert_eq!(running.ask("GET", path).await.status, 200, "{path}");
    }
}

#[test]
fn the_description_is_the_one_that_programs_rely_on() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/openapi.json");
    let text = format!("{:#}\n", openapi("0"));
    if std::env::var_os("CORDON_GOLDEN").is_some_and(|value| value == "write") {
        std::fs::write(path, &text).unwrap();
    }
    assert!(
        std::fs::read_to_string(path).unwrap() == text,
        "the API is not that of tests/golden/openapi.json; if that is meant, write the file anew with CORDON_GOLDEN=write \
         and show the difference in review"
    );
}

#[tokio::test]
async fn what_is_not_there_and_what_may_not_be_done_are_problems() {
    let running = Running::start(Limits::HOUSE).await;
    let missing = running.ask("GET", "/nowhere").await;
    assert!(missing.is_problem(404), "{}", missing.body);
    let refused = running.ask("POST", "/metrics").await;
    assert!(refused.is_problem(405), "{}", refused.body);
    assert_eq!(refused.header("allow"), Some("get,head"));
}

#[tokio::test]
async fn the_page_shows_what_is_in_force_and_obeys_no_markup_in_it() {
    let running = Running::start(Limits::HOUSE).await;
    let page = running.ask("GET", "/").await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none'; style-src 'sha256-"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    for shown in
        ["dns1 &lt;b&gt;", "&lt;unknown key&gt;", "webmail/a.txt", "standard", "href=\"/metrics\"", "1 min 30 s"]
    {
        assert!(page.body.contains(shown), "{shown} is missing in {}", page.body);
    }
    for absent in ["<b>", "<script", "http:", "https:", "src="] {
        assert!(!page.body.contains(absent), "{absent} is in {}", page.body);
    }
}

#[tokio::test]
async fn a_request_head_beyond_the_limits_is_refused() {
    let running = Running::start(Limits::HOUSE).await;
    let long = format!("GET /healthz HTTP/1.1\r\nHost: cordon\r\nX-Long: {}\r\n\r\n", "x".repeat(16_384));
    assert_eq!(running.send(long.as_bytes()).await.status, 431);
    let many = "X-More: 1\r\n".repeat(100);
    let many = format!("GET /healthz HTTP/1.1\r\nHost: cordon\r\n{many}\r\n");
    assert_eq!(running.send(many.as_bytes()).await.status, 431);
    assert_eq!(running.send(b"\x16\x03\x01\x00\r\n\r\n").await.status, 400);
}

#[tokio::test]
async fn a_client_that_says_nothing_is_put_out_and_frees_its_seat() {
    let limits = Limits { connections: 1, head: Duration::from_millis(50), ..Limits::HOUSE };
    let running = Running::start(limits).await;
    let mut silent = TcpStream::connect(running.address).await.unwrap();
    silent.write_all(b"GET /healthz HTTP/1.1\r\nHost:").await.unwrap();
    // With one seat, this is answered only after the silent one has lost it.
    assert_eq!(running.ask("GET", "/healthz").await.status, 200);
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(PATIENCE, silent.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the connection is still open");
}

#[tokio::test]
async fn stopping_ends_idle_connections_and_takes_no_more() {
    let running = Running::start(Limits::HOUSE).await;
    let mut idle = TcpStream::connect(running.address).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: cordon\r\n\r\n").await.unwrap();
    let mut answer = [0; 16];
    idle.read_exact(&mut answer).await.unwrap();
    running.stop.send(()).unwrap();
    tokio::time::timeout(PATIENCE, running.served).await.unwrap().unwrap();
    let mut rest = Vec::new();
    tokio::time::timeout(PATIENCE, idle.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert!(TcpStream::connect(running.address).await.is_err());
}
