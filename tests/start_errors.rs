//! What is wrong beyond the configuration itself (a zone file, a list that is damaged, a probe, a server that is ourselves) is told as what is
//! wrong in it is. `tests/golden/start-errors/<kind>.toml` has it, `<kind>.txt` is what `cordon check` and `cordon serve` say.
//! `UPDATE_GOLDEN=1 cargo test --test main` writes the texts anew.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::config_errors::kinds;

/// Runs `cordon` in a folder that the goldens were laid in.
fn cordon(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordon"));
    command.current_dir(folder).env_remove("CORDON_CONFIG").args(arguments);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > until {
            // It started, which it must not.
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

fn text(octets: &[u8], folder: &Path) -> String {
    String::from_utf8_lossy(octets).replace(&format!("{}/", folder.display()), "")
}

#[test]
fn what_would_keep_a_server_from_starting_is_said_alike_by_check_and_serve() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/start-errors");
    let laid = tempfile::tempdir().unwrap();
    let folder = laid.path().canonicalize().unwrap();
    std::fs::create_dir(folder.join("files")).unwrap();
    for from in [kept.clone(), kept.join("files")] {
        for entry in std::fs::read_dir(&from).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file())
        {
            std::fs::copy(&entry, folder.join(entry.strip_prefix(&kept).unwrap())).unwrap();
        }
    }
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut different = Vec::new();
    for kind in kinds(&kept, "toml") {
        let config = format!("{kind}.toml");
        let checked = cordon(&folder, &["check", "--config", &config]);
        let said = text(&checked.stderr, &folder);
        assert_eq!(checked.status.code(), Some(3), "{kind}: {said}");
        let served = cordon(&folder, &["serve", "--config", &config]);
        assert_eq!(served.status.code(), Some(3), "{kind}");
        let (errors, _) = said.rsplit_once("\n\nconfiguration: ").unwrap();
        assert!(text(&served.stderr, &folder).contains(errors), "{kind}: {}", text(&served.stderr, &folder));

        let object = cordon(&folder, &["check", "--json", "--config", &config]).stdout;
        let object: serde_json::Value = serde_json::from_slice(&object).unwrap();
        for error in object["errors"].as_array().unwrap() {
            assert!(error["place"]["line"].as_u64().is_some_and(|line| line > 0), "{kind}: {error}");
            for word in ["key", "problem", "advice"] {
                assert!(error[word].as_str().is_some_and(|text| !text.is_empty()), "{kind}: no {word}: {error}");
            }
            assert_eq!(error["within"].is_object(), kind.starts_with("zone-"), "{kind}: {error}");
        }
        let golden = kept.join(format!("{kind}.txt"));
        if update {
            std::fs::write(&golden, &said).unwrap();
        } else if std::fs::read_to_string(&golden).ok().as_deref() != Some(said.as_str()) {
            different.push(format!("--- {kind}\n{said}"));
        }
    }
    assert!(different.is_empty(), "these differ from what is kept:\n{}", different.join("\n"));
}

#[test]
fn a_log_that_cannot_be_made_and_an_admin_door_that_is_taken_are_told_by_key_with_advice() {
    let laid = tempfile::tempdir().unwrap();
    let folder = laid.path();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let sound = "[upstream]\nservers = [\"udp://192.0.2.53\"]\n[policy.p]\n[[network_zone]]\nname = \"n\"\nclients = [\"10.0.0.0/8\"]\npolicy = \"p\"\n";
    let listen = format!("[listen]\ndns = [\"127.0.0.1:0\"]\nadmin = \"{}\"\n", taken.local_addr().unwrap());
    // A folder under /proc cannot be made by anybody.
    let log = "[log]\ndir = \"/proc/cordon-log\"\n";
    let in_use = format!("(process {})", std::process::id());
    for (text, said) in [
        (
            format!("{listen}{sound}"),
            vec!["listen.admin: 127.0.0.1:", &in_use, "or choose another address or port in listen.admin"],
        ),
        (
            format!("{listen}{sound}{log}"),
            vec!["cordon.toml:12:7: log.dir: /proc/cordon-log", "or name another folder"],
        ),
    ] {
        std::fs::write(folder.join("cordon.toml"), text).unwrap();
        let output = cordon(folder, &["serve", "--config", "cordon.toml"]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{stderr}");
        assert!(said.iter().all(|said| stderr.contains(said)), "{said:?}: {stderr}");
    }
}
