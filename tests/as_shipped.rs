//! The shipped configuration as it is, to the last octet, with the shipped lists and an empty data folder, through the real binary. Its
//! addresses and ports are free in a network of the test's own, and its upstreams cannot be reached from there.

use std::path::Path;

use hickory_proto::rr::RecordType;
use tempfile::TempDir;

use crate::support::client::{Ask, addresses};
use crate::support::cordon::Cordon;
use crate::support::network::apart;

/// What the shipped configuration says in `[listen]`.
const DNS: [&str; 2] = ["127.0.0.1:5300", "[::1]:5300"];
const ADMIN: &str = "127.0.0.1:8053";

/// The configuration and the lists beside it, laid out as in the repository, and the data folder not there yet.
fn laid() -> (TempDir, Cordon) {
    let (root, kept) = (Path::new(env!("CARGO_MANIFEST_DIR")), tempfile::tempdir().unwrap());
    let dir = kept.path().join("config");
    std::fs::create_dir(&dir).unwrap();
    std::fs::copy(root.join("config/cordon.toml"), dir.join("cordon.toml")).unwrap();
    std::os::unix::fs::symlink(root.join("blocklists"), kept.path().join("blocklists")).unwrap();
    let [addr, addr6] = DNS.map(|address| address.parse().unwrap());
    (kept, Cordon::on(&dir, addr, addr6, ADMIN.parse().unwrap()))
}

#[test]
fn where_there_is_no_ipv6_the_shipped_configuration_answers_over_ipv4_and_says_so() {
    apart(false, || {
        let (_kept, mut cordon) = laid();
        cordon.spawn().unwrap();
        for ask in [Ask::new("www.bet365.com", RecordType::A), Ask::new("www.bet365.com", RecordType::A).tcp()] {
            assert_eq!(addresses(&ask.at(cordon.addr)), ["0.0.0.0".parse::<std::net::IpAddr>().unwrap()]);
        }
        let said = cordon.stderr();
        let warning = said.lines().find(|line| line.contains("[::1]:5300")).unwrap_or_else(|| panic!("{said}"));
        for part in ["WARN", "this machine has no IPv6", "the other addresses are listened on"] {
            assert!(warning.contains(part), "{warning}");
        }
        assert_eq!(cordon.status()["listen"]["dns"], serde_json::json!([DNS[0]]));
        assert_eq!(cordon.stop(), Some(0));

        // Nothing else to listen on: it does not start, and the error names what is missing.
        let alone = cordon.command(&["serve", "--listen", "[::1]:5300"]);
        let error = String::from_utf8_lossy(&alone.stderr);
        assert_eq!(alone.status.code(), Some(4), "{error}");
        assert!(
            error.contains("cannot listen on [::1]:5300 (udp): this machine has no IPv6; leave the address out"),
            "{error}"
        );
        // An address that is missing for another reason is no matter of the family.
        let foreign = cordon.command(&["serve", "--listen", "127.0.0.1:5300", "--listen", "192.0.2.1:5300"]);
        let error = String::from_utf8_lossy(&foreign.stderr);
        assert_eq!(foreign.status.code(), Some(4), "{error}");
        assert!(error.contains("192.0.2.1:5300 (udp): no interface of this machine has the address"), "{error}");
    });
}
