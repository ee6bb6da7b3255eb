//! The commands that need no server, run as a person runs them.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::network;
use crate::support::peer::free_address;

/// Runs `cordon` in the root of the repository.
fn cordon(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordon"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("CORDON_CONFIG").args(arguments);
    command.output().unwrap()
}

fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).unwrap()
}

/// A configuration with nothing wrong in it, and as little as can be.
const SOUND: &str = "[policy.open]\n[[network_zone]]\nname = \"hq\"\nclients = [\"10.0.0.0/8\"]\npolicy = \"open\"\n";

const BAD: &str = "tests/golden/config-errors/many-at-once.toml";

#[test]
fn a_configuration_in_error_ends_with_its_own_code() {
    let output = cordon(&["check", "--config", BAD]);
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stdout.is_empty());
    let errors = text(&output.stderr);
    assert!(errors.starts_with("tests/golden/config-errors/many-at-once.toml:2:1: node.nme: unknown key"), "{errors}");
    assert!(errors.ends_with("configuration: 7 errors\n"), "{errors}");
}

#[test]
fn errors_for_programs_are_one_object() {
    let output = cordon(&["--json", "check", "--config", BAD]);
    assert_eq!(output.status.code(), Some(3));
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let errors = object["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 7);
    assert_eq!((&errors[0]["key"], &errors[0]["place"]["line"]), (&"node.nme".into(), &2.into()));
}

#[test]
fn every_command_fails_with_the_same_object() {
    let object = |code: i32, arguments: &[&str]| -> serde_json::Value {
        let output = cordon(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stderr));
        assert!(!output.stderr.is_empty(), "{arguments:?}: a person is told as well");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|why| panic!("{arguments:?}: {why}"))
    };
    let expected = object(3, &["check", "--json", "--config", BAD]);
    let commands: [&[&str]; 9] = [
        &["serve"],
        &["explain", "www.example.com"],
        &["lists", "status"],
        &["lists", "update"],
        &["grant", "list"],
        &["withdraw", "list"],
        &["log", "search"],
        &["log", "stats"],
        &["log", "verify"],
    ];
    for command in commands {
        assert_eq!(object(3, &[command, &["--json", "--config", BAD]].concat()), expected, "{command:?}");
        let output = cordon(&[command, &["--config", BAD]].concat());
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{command:?}");
    }
    // What is not about the configuration has the same form.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cordon.toml");
    std::fs::write(&path, SOUND).unwrap();
    let keys =
        |object: &serde_json::Value| object["errors"][0].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let path = path.to_str().unwrap();
    for (code, command, said) in [
        (1, &["log", "search"][..], "there is no log at"),
        (2, &["explain", "a..b"], "is not a name"),
        (2, &["log", "search", "--timeout", "0s"], "--timeout"),
        (2, &["log", "serch"], "serch"),
    ] {
        let object = object(code, &[command, &["--json", "--config", path]].concat());
        assert_eq!(keys(&object), keys(&expected), "{command:?}");
        assert!(object["errors"][0]["problem"].as_str().unwrap().contains(said), "{command:?}: {object}");
    }
}

#[test]
fn a_sound_configuration_is_summed_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cordon.toml");
    std::fs::write(&path, SOUND).unwrap();
    let path = path.to_str().unwrap();
    let output = cordon(&["check", "--config", path]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("\nhq            open    10.0.0.0/8\n"), "{}", text(&output.stdout));
    let output = cordon(&["check", "--json", "--config", path]);
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["network_zones"][0]["policy"], "open");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "a check makes nothing");
}

#[test]
fn a_check_says_what_would_keep_a_server_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cordon.toml");
    std::fs::write(folder.path().join("broken.zone"), "www A x\n").unwrap();
    for (more, said) in [
        (
            "[probe]\nmust_block = [\"bet.example\"]\n",
            "probe.must_block[0]: bet.example would be blocked in no network zone",
        ),
        ("[[local_zone]]\nname = \"in.example\"\nfile = \"broken.zone\"\n", "broken.zone:1:1: has no TTL"),
    ] {
        std::fs::write(&path, format!("{SOUND}{more}")).unwrap();
        let output = cordon(&["check", "--config", path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(3), "{}", text(&output.stdout));
        assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
        let output = cordon(&["check", "--json", "--config", path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(3));
        let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let problem = object["errors"][0]["problem"].as_str().unwrap();
        assert!(!problem.is_empty() && said.ends_with(problem.split(": write").next().unwrap()), "{object}");
    }
}

#[test]
fn a_check_warns_of_what_this_machine_lacks_and_touches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cordon.toml");
    let more = "[node]\ndata_dir = \"/proc/nope\"\n\
                [listen]\ndns = [\"127.0.0.1:5300\", \"192.0.2.1:53\"]\nadmin = \"203.0.113.7:8053\"\n";
    std::fs::write(&path, format!("{SOUND}{more}")).unwrap();
    let expected = [
        "node.data_dir: /proc/nope: /proc belongs to the kernel (proc, sysfs, cgroup) and takes no files; name one",
        "listen.dns: 192.0.2.1:53: no interface of this machine has the address",
        "listen.admin: 203.0.113.7:8053: no interface of this machine has the address",
    ];
    let output = cordon(&["check", "--config", path.to_str().unwrap()]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(said.starts_with(&format!("{}: no errors, 3 warnings\nwarning: ", path.display())), "{said}");
    assert!(expected.iter().all(|warning| said.contains(&format!("\nwarning: {warning}"))), "{said}");
    let output = cordon(&["check", "--json", "--config", path.to_str().unwrap()]);
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let warnings = object["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), expected.len(), "{object}");
    for (warning, expected) in warnings.iter().zip(expected) {
        assert!(warning.as_str().unwrap().starts_with(expected), "{object}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "a check makes nothing");
    // And so it comes.
    let output = cordon(&["serve", "--config", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
}

#[test]
fn a_check_warns_of_a_log_that_another_version_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let (path, data) = (folder.path().join("cordon.toml"), folder.path().join("data"));
    let more = format!(
        "[node]\ndata_dir = \"{}\"\n[listen]\ndns = [\"{}\"]\nadmin = \"{}\"\n",
        data.display(),
        free_address(),
        free_address()
    );
    std::fs::write(&path, format!("{SOUND}{more}")).unwrap();
    let segments = data.join("log/segments");
    std::fs::create_dir_all(&segments).unwrap();
    let mut head = [0; 512];
    head[..12].copy_from_slice(b"CORDSEG\0\x01\0\0\0");
    std::fs::write(segments.join("lane-00000-0000000000000001.seg"), head).unwrap();
    let told = "lane-00000-0000000000000001.seg: is not a segment of version 2; have the version of cordon that wrote it seal it";
    let output = cordon(&["check", "--config", path.to_str().unwrap()]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(said.contains("\nwarning: log.dir: ") && said.contains(told), "{said}");
    // And so it comes.
    let output = cordon(&["serve", "--config", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains(told), "{}", text(&output.stderr));
}

#[test]
fn a_check_ends_with_the_code_that_a_start_would_end_with() {
    if network::is_left_out() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let [path, empty] = ["cordon.toml", "empty"].map(|name| folder.path().join(name));
    std::fs::write(&path, format!("{SOUND}[upstream]\nservers = [\"system\"]\n")).unwrap();
    std::fs::write(&empty, "").unwrap();
    for command in ["check", "serve"] {
        // For this one process the system names no server to ask.
        let mounted = "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"";
        let mut apart = Command::new("unshare");
        apart.args(["--mount", "sh", "-c", mounted]).arg(&empty).arg(env!("CARGO_BIN_EXE_cordon"));
        let output = apart.args([command, "--config"]).arg(&path).output().unwrap();
        let said = text(&output.stderr);
        assert!(said.contains("upstream.servers[0]: ") && said.contains("/etc/resolv.conf"), "{command}: {said}");
        assert_eq!(output.status.code(), Some(4), "{command}: {said}");
    }
}

#[test]
fn wrong_usage_ends_with_its_own_code() {
    assert_eq!(cordon(&["chek"]).status.code(), Some(2));
    assert_eq!(cordon(&[]).status.code(), Some(2));
    assert_eq!(cordon(&["check", "--config", "nowhere.toml"]).status.code(), Some(3));
}

#[test]
fn the_schema_is_printed_as_it_is_kept() {
    let kept = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/schema.json")).unwrap();
    assert!(cordon(&["schema"]).stdout == kept);
}

#[test]
fn a_bench_checks_every_answer_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let within = folder.path().to_str().unwrap();
    let list = folder.path().join("own.txt");
    std::fs::write(&list, (0..500).map(|n| format!("listed{n}.example\n")).collect::<String>()).unwrap();
    let output = cordon(&[
        "bench",
        "--json",
        "--folder",
        within,
        "--list",
        list.to_str().unwrap(),
        "--seconds",
        "0.3",
        "--rate",
        "2000",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let workloads = object["workloads"].as_array().unwrap();
    let keys: Vec<&str> = workloads.iter().map(|workload| workload["workload"].as_str().unwrap()).collect();
    assert_eq!(keys, ["cached", "blocked", "mixed", "rate"]);
    for workload in workloads {
        for server in ["cordon", "echo"] {
            let found = &workload[server];
            assert!(found["answered"].as_u64().unwrap() > 0 && found["cpu_us"].as_f64().unwrap() > 0.0, "{workload}");
            assert_eq!(found["wrong"], 0, "{workload}");
        }
        assert!(
            workload["threads"].as_array().unwrap().iter().any(|threads| threads["does"] == "workers"),
            "{workload}"
        );
    }
    assert_eq!((&object["listed"], &object["records_lost"]), (&500.into(), &0.0.into()));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "its folder is gone, the list is not");
}

#[test]
fn what_a_bench_cannot_do_is_said_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (empty, within) = (folder.path().join("empty.txt"), folder.path().to_str().unwrap());
    std::fs::write(&empty, "# nothing\n").unwrap();
    let empty = empty.to_str().unwrap();
    for (arguments, code, said) in [
        (&["--seconds", "0"][..], 2, "a number of seconds from 0.2 to 600 is wanted"),
        (&["--names", "5"], 2, "5 is not in 1000..=20000000"),
        (&["--workers", "0"], 2, "0 is not in 1..=256"),
        (&["--list", "x", "--names", "5000"], 2, "cannot be used with"),
        (&["--list", "nowhere.txt"], 1, "or leave --list out for names that are made up"),
        (&["--list", empty], 1, "there is no name in it that is blocked beyond doubt"),
        (&["--folder", "/nowhere"], 1, "choose another with --folder"),
    ] {
        let within = if arguments.contains(&"--folder") { vec![] } else { vec!["--folder", within] };
        let output = cordon(&[&["bench"], &within[..], arguments].concat());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(said), "{arguments:?}: {}", text(&output.stderr));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
