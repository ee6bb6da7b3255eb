//! A server of lists over plain HTTP/1.1, on a free port of loopback, that does what real ones do on bad days.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

/// How a path is answered.
#[derive(Clone)]
pub enum Answer {
    /// 200 with these octets.
    Content(Vec<u8>),
    /// 200 with these octets and an entity tag; 304 for who has that already.
    Tagged(Vec<u8>, &'static str),
    /// 200 with these octets, a `Content-Type` and a `Content-Encoding`.
    Typed(Vec<u8>, &'static str, &'static str),
    /// This status and these header lines, with a page for people.
    Status(u16, &'static str),
    /// 200 with a `Content-Length` of this many octets more than come.
    CutShort(Vec<u8>, usize),
    /// 200 in chunks, without the last one.
    CutChunks(Vec<u8>),
    /// 200 of which an octet comes now and then, for ever.
    Slow,
    /// The connection is closed without a word.
    Silence,
    /// 200 with these octets once the test lets it go.
    Held(Vec<u8>, Arc<AtomicBool>),
    /// One after the other; the last one stays.
    InTurn(Vec<Answer>),
}

/// One request: path and header lines, in small letters.
pub type Request = (String, Vec<String>);

/// A running server. Dropping it ends it.
pub struct Http {
    /// Where it listens.
    pub addr: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    answers: Mutex<HashMap<String, Answer>>,
    requests: Mutex<Vec<Request>>,
    ended: AtomicBool,
}

impl Http {
    /// Starts one that knows `/circle`, which leads to itself, and no other path yet.
    pub fn start() -> Http {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let circle = Answer::Status(302, "Location: /circle\r\n");
        shared.answers.lock().unwrap().insert("/circle".to_owned(), circle);
        let served = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if served.ended.load(Ordering::Relaxed) {
                    return;
                }
                let served = Arc::clone(&served);
                // A client that goes away early is nothing to fail for.
                std::thread::spawn(move || drop(serve(&served, stream)));
            }
        });
        Http { addr, shared }
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// From now on `path` is answered so.
    pub fn answers(&self, path: &str, answer: Answer) {
        self.shared.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    /// The requests so far, the oldest first; forgets them.
    pub fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut *self.shared.requests.lock().unwrap())
    }

    /// How many requests there are that were not taken yet.
    pub fn requests(&self) -> usize {
        self.shared.requests.lock().unwrap().len()
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        // So that it looks.
        let _ = TcpStream::connect(self.addr);
    }
}

fn serve(shared: &Shared, stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_lowercase());
    }
    let Some(path) = lines.first().and_then(|line| line.split(' ').nth(1)).map(str::to_owned) else { return Ok(()) };
    let headers = lines.split_off(1);
    let asks_for = headers.iter().find_map(|line| line.strip_prefix("if-none-match: ")).map(str::to_owned);
    shared.requests.lock().unwrap().push((path.clone(), headers));
    let answer = {
        let mut answers = shared.answers.lock().unwrap();
        let path = path.split('?').next().unwrap_or_default();
        match answers.get_mut(path) {
            Some(Answer::InTurn(several)) if several.len() > 1 => several.remove(0),
            Some(Answer::InTurn(several)) => several[0].clone(),
            Some(one) => one.clone(),
            None => Answer::Status(404, ""),
        }
    };
    answered(&answer, asks_for.as_deref(), stream)
}

fn answered(answer: &Answer, asks_for: Option<&str>, mut to: TcpStream) -> std::io::Result<()> {
    let head = |status: u16, length: usize, lines: &str| {
        format!("HTTP/1.1 {status} so\r\nConnection: close\r\nContent-Length: {length}\r\n{lines}\r\n")
    };
    match answer {
        Answer::Content(bytes) => {
            to.write_all(head(200, bytes.len(), "").as_bytes())?;
            to.write_all(bytes)?;
        }
        Answer::Tagged(bytes, tag) => {
            let known = asks_for == Some(tag);
            let (status, bytes) = if known { (304, &[][..]) } else { (200, &bytes[..]) };
            to.write_all(head(status, bytes.len(), &format!("ETag: {tag}\r\n")).as_bytes())?;
            to.write_all(bytes)?;
        }
        Answer::Typed(bytes, kind, encoding) => {
            let lines = format!("Content-Type: {kind}\r\nContent-Encoding: {encoding}\r\n");
            to.write_all(head(200, bytes.len(), &lines).as_bytes())?;
            to.write_all(bytes)?;
        }
        Answer::Status(status, lines) => {
            let page = format!("<html><body>{status}</body></html>\n");
            to.write_all(head(*status, page.len(), lines).as_bytes())?;
            to.write_all(page.as_bytes())?;
        }
        Answer::CutShort(bytes, more) => {
            to.write_all(head(200, bytes.len() + more, "").as_bytes())?;
            to.write_all(bytes)?;
        }
        Answer::CutChunks(bytes) => {
            to.write_all(b"HTTP/1.1 200 so\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            write!(to, "{:x}\r\n", bytes.len())?;
            to.write_all(bytes)?;
            to.write_all(b"\r\n")?;
        }
        Answer::Slow => {
            to.write_all(head(200, 1_000_000, "").as_bytes())?;
            loop {
                to.write_all(b"a")?;
                sleep(Duration::from_millis(50));
            }
        }
        Answer::Silence => {}
        Answer::Held(bytes, go) => {
            while !go.load(Ordering::Relaxed) {
                sleep(Duration::from_millis(10));
            }
            to.write_all(head(200, bytes.len(), "ETag: \"held\"\r\n").as_bytes())?;
            to.write_all(bytes)?;
        }
        Answer::InTurn(_) => {}
    }
    to.shutdown(std::net::Shutdown::Write)?;
    // What the client still sends is read, so that closing does not reset what it has not read yet.
    to.set_read_timeout(Some(Duration::from_secs(5)))?;
    let _ = to.take(4096).read_to_end(&mut Vec::new());
    Ok(())
}
