//! A private authority and a server certificate of it, made by `openssl`.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A server certificate and who signed it.
pub struct Certificate {
    /// The authority's certificate.
    pub authority: PathBuf,
    /// The server's certificate.
    pub chain: PathBuf,
    /// The server's key.
    pub key: PathBuf,
    _dir: TempDir,
}

impl Certificate {
    /// For names as `openssl` writes them: `DNS:dns.example,IP:127.0.0.1`.
    pub fn make(names: &str) -> Certificate {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| dir.path().join(name);
        let (authority, authority_key) = (file("authority.pem"), file("authority.key"));
        let (chain, key, request, extensions) =
            (file("server.pem"), file("server.key"), file("server.csr"), file("server.ext"));
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        let mut make = Command::new("openssl");
        make.args(["req", "-x509"]).args(curve).args(["-days", "2", "-subj", "/CN=authority of a test"]);
        run(make.arg("-keyout").arg(&authority_key).arg("-out").arg(&authority));
        let mut ask = Command::new("openssl");
        ask.arg("req").args(curve).args(["-subj", "/CN=server of a test"]);
        run(ask.arg("-keyout").arg(&key).arg("-out").arg(&request));
        write(
            &extensions,
            &format!("subjectAltName={names}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n"),
        );
        let mut sign = Command::new("openssl");
        sign.args(["x509", "-req", "-days", "1", "-CAcreateserial"]).arg("-in").arg(&request).arg("-out").arg(&chain);
        run(sign.arg("-CA").arg(&authority).arg("-CAkey").arg(&authority_key).arg("-extfile").arg(&extensions));
        Certificate { authority, chain, key, _dir: dir }
    }
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

fn run(command: &mut Command) {
    let output = command.output().expect("openssl is needed for this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
