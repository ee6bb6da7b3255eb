//! To whom files belong that a command makes: one look as root must not lock the service's user out of its own log.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cordon::query::audit::Person;

use crate::support::cordon::Cordon;
use crate::support::http::{Answer, Http};

/// Whose the house is, where the tests run as root; else it is of whoever runs them.
const OWNER: (u32, u32) = (4_711, 4_712);

struct House {
    cordon: Cordon,
    /// Owner and group of what is in `data`.
    whose: (u32, u32),
    /// The binary, where any user can reach it.
    binary: PathBuf,
    _http: Http,
    _kept: tempfile::TempDir,
}

impl House {
    /// With a folder for the log, and nothing in it: what is missing is made by the commands.
    fn new() -> House {
        let (http, kept) = (Http::start(), tempfile::tempdir().unwrap());
        http.answers("/list", Answer::Content(b"bet1.example\nbet2.example\n".to_vec()));
        let config = format!(
            "[[category]]\nname = \"betting\"\nlists = [{{ path = \"b.txt\" }}, {{ url = \"{}\", name = \"fetched\" }}]\n\
             [policy.standard]\nblock = [\"betting\"]\n\
             [[network_zone]]\nname = \"here\"\nclients = [\"127.0.0.0/8\"]\npolicy = \"standard\"\n",
            http.url("/list")
        );
        let cordon = Cordon::prepare(kept.path(), &config, &[("b.txt", "bet.example\n")]).unwrap();
        std::fs::create_dir_all(cordon.log_dir()).unwrap();
        let binary = kept.path().join("cordon");
        let built = Path::new(env!("CARGO_BIN_EXE_cordon"));
        std::fs::hard_link(built, &binary).or_else(|_| std::fs::copy(built, &binary).map(drop)).unwrap();
        let own = std::fs::metadata(kept.path()).unwrap();
        let whose = if own.uid() == 0 { OWNER } else { (own.uid(), own.gid()) };
        // The folder of the test is closed to others.
        std::fs::set_permissions(kept.path(), PermissionsExt::from_mode(0o755)).unwrap();
        for folder in [cordon.dir.join("data"), cordon.log_dir()] {
            chown(folder, Some(whose.0), Some(whose.1)).unwrap();
        }
        House { cordon, whose, binary, _http: http, _kept: kept }
    }

    fn as_user(&self, uid: u32, arguments: &[&str]) -> Output {
        let mut command = Command::new(&self.binary);
        command.arg("--config").arg(self.cordon.config()).args(arguments).current_dir(&self.cordon.dir);
        if uid != Person::here().uid {
            command.uid(uid).gid(uid);
        }
        command.output().unwrap()
    }

    fn audit(&self) -> PathBuf {
        self.cordon.log_dir().join("audit/audit.jsonl")
    }
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(below(&path));
        }
        all.push(path);
    }
    all
}

const COMMANDS: [&[&str]; 4] = [
    &["log", "stats"],
    &["lists", "add", "--category", "betting", "--reason", "ticket 4711", "more.example"],
    &["grant", "add", "--user", "u1", "--name", "bet.example", "--minutes", "5", "--reason", "r", "--approver", "a"],
    &["lists", "update"],
];

#[test]
fn what_a_command_makes_belongs_to_whom_the_folder_belongs_who_can_go_on_with_it() {
    let house = House::new();
    for command in COMMANDS {
        let output = house.cordon.command(command);
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let made = below(&house.cordon.dir.join("data"));
    for end in ["audit/audit.jsonl", "access/journal.jsonl", "lists-added/journal.jsonl", "/lock", "/content"] {
        assert!(made.iter().any(|path| path.ends_with(end.trim_start_matches('/'))), "{end}: {made:?}");
    }
    for path in made {
        let found = std::fs::metadata(&path).unwrap();
        assert_eq!((found.uid(), found.gid()), house.whose, "{}", path.display());
    }
    // And so the owner goes on with all of it.
    for command in COMMANDS {
        let output = house.as_user(house.whose.0, command);
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(std::fs::read_to_string(house.audit()).unwrap().lines().count(), 2);
}

#[test]
fn a_look_that_cannot_be_recorded_says_what_to_do() {
    let house = House::new();
    assert!(house.cordon.command(&["log", "stats"]).status.success());
    let refused = |uid: u32, advice: &str| {
        let output = house.as_user(uid, &["log", "stats"]);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{text}");
        assert!(text.contains("cannot be recorded, so nothing is shown") && text.contains(advice), "{text}");
    };
    if Person::here().uid == 0 {
        // Another user than the log's is sent to the log's.
        refused(4_713, "`sudo -u '#4711' cordon log ...`");
        chown(house.audit(), Some(0), Some(0)).unwrap();
    } else {
        std::fs::set_permissions(house.audit(), PermissionsExt::from_mode(0o400)).unwrap();
    }
    // The log's own user cannot give itself the file back.
    refused(house.whose.0, "as root, `chown -R --reference=");
}
