//! Over TLS, from a server that is none of ours.

use std::path::Path;

use super::*;
use crate::support::certificate::Certificate;
use crate::support::peer::{Peer, accepts, free_address, with_free_ports};

/// Files of a folder over HTTPS; it sends dates and no tags.
const SERVER: &str = "
import functools, http.server, ssl, sys
address, port, folder, chain, key = sys.argv[1:]
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
server = http.server.ThreadingHTTPServer((address, int(port)), handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(chain, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
";

fn serve(folder: &Path, certificate: &Certificate) -> (Peer, String) {
    with_free_ports(|| {
        let at = free_address();
        let mut command = Command::new("python3");
        command.args(["-c", SERVER, &at.ip().to_string(), &at.port().to_string()]).arg(folder);
        command.arg(&certificate.chain).arg(&certificate.key);
        Ok((Peer::start(&mut command, Path::new("/dev/null"), || accepts(at))?, format!("https://{at}/list")))
    })
}

#[test]
fn a_certificate_that_the_system_does_not_trust_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("list"), names(100)).unwrap();
    let certificate = Certificate::make("IP:127.0.0.1");
    let (_server, url) = serve(folder.path(), &certificate);
    let desk = Desk::of(Http::start(), &url);
    let trusting = [("SSL_CERT_FILE", certificate.authority.to_str().unwrap())];
    let update = |environment: &[(&str, &str)]| {
        let output = desk.run(&["--json", "lists", "update"], environment);
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), told["result"].as_str().unwrap().to_owned(), told)
    };
    let (code, word, told) = update(&[]);
    assert_eq!((code, &*word), (Some(1), "certificate"), "{told}");
    assert_eq!(desk.status()["result"], "not fetched yet");
    let (code, word, told) = update(&trusting);
    assert_eq!((code, &*word), (Some(0), "updated"), "only the certificate was wrong: {told}");
    let good = desk.content();
    // This server knows dates only.
    let (code, word, told) = update(&trusting);
    assert_eq!((code, &*word), (Some(0), "unchanged"), "{told}");
    assert_eq!(told["text"], "the server has nothing newer", "it was asked by the date");
    std::fs::write(folder.path().join("list"), names(120)).unwrap();
    let (_, word, _) = update(&[]);
    assert_eq!((&*word, desk.content()), ("certificate", good));
    let other = Certificate::make("IP:127.0.0.1");
    let (_, word, _) = update(&[("SSL_CERT_FILE", other.authority.to_str().unwrap())]);
    assert_eq!(word, "certificate", "another authority does not do");
}

#[test]
fn a_certificate_for_another_name_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("list"), names(100)).unwrap();
    let certificate = Certificate::make("DNS:lists.example");
    let (_server, url) = serve(folder.path(), &certificate);
    let desk = Desk::of(Http::start(), &url);
    let trusting = [("SSL_CERT_FILE", certificate.authority.to_str().unwrap())];
    let output = desk.run(&["--json", "lists", "update"], &trusting);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &told["result"]), (Some(1), &"certificate".into()), "{told}");
}
