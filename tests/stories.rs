//! Stories: settings, questions, passing time and what is expected, as plain text that an operator can read. `tests/stories/README.md`
//! says how they are written.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use cordon::access::{Entry, Whose};
use cordon::moment::Moment;
use cordon::policy::decide::{ORDER, Tier};
use cordon::subject::{Known, Via};
use cordon::verdict::{AccessId, Transport};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;

use crate::support::client::{Ask, addresses, extended_error};
use crate::support::house::{House, TableUpstream};
use crate::support::{rows, shipped};

#[test]
fn every_story_comes_true() {
    let mut told = 0;
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("story") => {
                told += 1;
                if let Err((line, error)) = Story::tell(&std::fs::read_to_string(&path).unwrap()) {
                    wrong.push(format!("{name}:{line}: {error}"));
                }
            }
            _ => assert_eq!(name, "README.md", "only stories belong here"),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(told >= 124, "{told} stories");
}

#[test]
fn a_story_that_does_not_come_true_is_told_with_its_line() {
    let setting =
        "config\n[policy.open]\n[[network_zone]]\nname = \"hq\"\nclients = [\"10.0.0.0/8\"]\npolicy = \"open\"\nend\n";
    let tell = |rest: &str| Story::tell(&format!("{setting}{rest}"));
    assert!(tell("ask 10.0.0.1 x.invalid A\nexpect NXDOMAIN\n").is_ok());
    assert_eq!(tell("ask 10.0.0.1 x.invalid A\nexpect NODATA\n").unwrap_err().0, 9);
    assert_eq!(tell("ask 10.0.0.1 x.invalid A\nexpect NXDOMAIN\nrow action=blocked\n").unwrap_err().0, 10);
    assert_eq!(tell("ask 10.0.0.1 x.invalid A\n").unwrap_err().1, "nothing is expected of the last question");
    assert_eq!(tell("aks 10.0.0.1 x.invalid A\n").unwrap_err().1, "`aks` is no word of a story");
}

/// Internal names come before every policy; a category is one tier of the order, with three of its own.
const INTERNAL: &str = "internal names";
const CATEGORIES: [&str; 3] = ["categories by group", "categories by schedule", "categories"];

/// How the table of pairs names what speaks, first to last.
fn tiers() -> Vec<&'static str> {
    let words = ORDER.into_iter().flat_map(|tier| match tier {
        Tier::Withdrawn => vec!["withdrawn access"],
        Tier::Grant => vec!["grants"],
        Tier::GroupNames => vec!["names for a group"],
        Tier::PolicyNames => vec!["names of the policy"],
        Tier::Categories => CATEGORIES.to_vec(),
        Tier::Default => vec!["the default"],
    });
    std::iter::once(INTERNAL).chain(words).collect()
}

/// The rows of the tables of the folder's README: their cells without the ticks.
fn table_rows() -> Vec<Vec<String>> {
    let readme = std::fs::read_to_string(folder().join("README.md")).unwrap();
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    rows.map(|row| row.split(" | ").map(|cell| cell.trim().trim_matches('`').to_owned()).collect()).collect()
}

#[test]
fn every_pair_of_tiers_has_a_story() {
    let (rows, tiers) = (table_rows(), tiers());
    let mut wrong = Vec::new();
    for (place, first) in tiers.iter().enumerate() {
        for then in &tiers[place + 1..] {
            let stories: Vec<&str> =
                rows.iter().filter(|row| row[0] == *first && row[1] == *then).map(|row| row[2].as_str()).collect();
            match stories.as_slice() {
                [] => wrong.push(format!("{first} before {then}: no line in the table")),
                [story] if folder().join(story).is_file() => {}
                [story] => wrong.push(format!("{first} before {then}: there is no {story}")),
                more => wrong.push(format!("{first} before {then}: {} lines in the table", more.len())),
            }
        }
    }
    let pairs = rows.iter().filter(|row| tiers.contains(&row[0].as_str())).count();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(pairs, tiers.len() * (tiers.len() - 1) / 2, "a line of the table is no pair");
}

#[test]
fn every_clause_of_the_shipped_procedures_has_its_stories() {
    let rows = table_rows();
    let tests = std::fs::read_to_string(repository().join("tests/clauses.rs")).unwrap();
    let mut pointed_at = 0;
    for policy in ["permitted", "restricted"] {
        let example = std::fs::read_dir(repository().join("config/examples")).unwrap();
        let path = example
            .map(|entry| entry.unwrap().path())
            .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(policy)))
            .unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        // The header: `#   4.1  Personal web-based e-mail ...`.
        let header = text.lines().take_while(|line| line.starts_with('#'));
        let clauses: BTreeSet<&str> = header
            .filter_map(|line| line.strip_prefix("#   ")?.split_whitespace().next())
            .filter(|word| word.starts_with(|first: char| first.is_ascii_digit()))
            .collect();
        assert!(clauses.len() >= 11, "{clauses:?}");
        for clause in clauses {
            let beginning = format!("{policy}-{clause}-");
            let told = std::fs::read_dir(folder()).unwrap().any(|entry| {
                let name = entry.unwrap().file_name().to_string_lossy().into_owned();
                name.starts_with(&beginning)
            });
            let named = rows.iter().find(|row| row[0] == format!("{policy} {clause}")).map(|row| row[2].as_str());
            assert!(
                told != named.is_some(),
                "clause {clause} of {policy}: a story, or a line in the README with its test"
            );
            let Some(test) = named else { continue };
            let of_clause = test.starts_with(&format!("{policy}_{}_", clause.replace('.', "_")));
            assert!(
                of_clause && tests.contains(&format!("#[test]\nfn {test}() {{\n")),
                "{policy} {clause}: no test `{test}`"
            );
            pointed_at += 1;
        }
    }
    assert_eq!(
        pointed_at,
        tests.matches("#[test]").count(),
        "a test of tests/clauses.rs that no line of the README names"
    );
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn folder() -> PathBuf {
    repository().join("tests/stories")
}

/// A story on its way.
struct Story {
    config: String,
    files: Vec<(String, String)>,
    at: Moment,
    upstream: TableUpstream,
    house: Option<House>,
    /// Who is behind an address, by static entries: the address and the lines of its entry.
    statics: Vec<(String, String)>,
    /// Who is behind an address, as a source that knows directory groups tells it.
    known: Vec<(IpAddr, Known)>,
    /// The answer to the last question; none for silence.
    answer: Option<Message>,
    /// The name of the last question, and whether something was expected of its answer.
    asked: Option<(String, bool)>,
}

impl Story {
    fn tell(text: &str) -> Result<(), (usize, String)> {
        let mut story = Story {
            config: String::new(),
            files: Vec::new(),
            // Tuesday, 24 November 2026, 10:15 in London.
            at: Moment::from_seconds(1_795_515_300),
            upstream: TableUpstream::start(),
            house: None,
            statics: Vec::new(),
            known: Vec::new(),
            answer: None,
            asked: None,
        };
        let mut lines = text.lines().enumerate();
        let mut last = 0;
        while let Some((n, line)) = lines.next() {
            last = n + 1;
            let line = line.split('#').next().unwrap_or("").trim();
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let mut block = || {
                lines
                    .by_ref()
                    .map(|(_, line)| line)
                    .take_while(|line| *line != "end")
                    .fold(String::new(), |text, line| text + line + "\n")
            };
            let done = match word {
                "" => Ok(()),
                "config" => {
                    let block = block();
                    story.config += &block;
                    Ok(())
                }
                "file" => {
                    let text = block();
                    story.file(rest.trim(), text)
                }
                _ => story.step(word, rest.trim()),
            };
            done.map_err(|error| (last, error))?;
        }
        match story.asked {
            Some((_, true)) => Ok(()),
            Some((_, false)) => Err((last, "nothing is expected of the last question".to_owned())),
            None => Err((last, "nothing is asked".to_owned())),
        }
    }

    fn file(&mut self, name: &str, text: String) -> Result<(), String> {
        self.files.retain(|(known, _)| known != name);
        self.files.push((name.to_owned(), text));
        Ok(())
    }

    fn step(&mut self, word: &str, rest: &str) -> Result<(), String> {
        match word {
            "configuration" => self.shipped(rest),
            "clock" => self.clock(rest),
            "static" => self.attribute(rest),
            "directory" => self.directory(rest),
            "grant" | "withdraw" => self.write(word, rest),
            "revoke" | "restore" => self.end(word, rest),
            "upstream" => self.upstream(rest),
            "ask" => self.ask(rest),
            "reload" => self.reload(rest),
            "expect" => self.expect(rest),
            "reason" => self.reason(rest),
            "row" => self.row(rest),
            "heard" => {
                let heard = self.upstream.peer.heard();
                if heard.to_string() == rest { Ok(()) } else { Err(format!("the upstream heard {heard} questions")) }
            }
            _ => Err(format!("`{word}` is no word of a story")),
        }
    }

    fn whole_config(&self) -> String {
        let statics: String = self.statics.iter().map(|(_, entry)| entry.as_str()).collect();
        format!(
            "{}\n{statics}[upstream]\nservers = [\"udp://{}\"]\ntimeout = \"1s\"\n",
            self.config, self.upstream.peer.addr
        )
    }

    fn house(&mut self) -> Result<&House, String> {
        if self.house.is_none() {
            self.house = Some(House::new(&self.whole_config(), &self.files, self.at)?);
        }
        self.house.as_ref().ok_or_else(|| "there is no house".to_owned())
    }

    /// `PATH`: a configuration of this repository; `[node]`, `[listen]` and `[upstream]` are the runner's, and forward zones are asked at the
    /// story's upstream.
    fn shipped(&mut self, path: &str) -> Result<(), String> {
        self.config += &shipped::configuration(path, self.upstream.peer.addr)?;
        Ok(())
    }

    /// Nothing, or `refused TEXT` where it must not come into force, and the error says TEXT.
    fn reload(&mut self, text: &str) -> Result<(), String> {
        let (config, files, known) = (self.whole_config(), self.files.clone(), self.known.clone());
        let house = self.house()?;
        match (house.reload(&config, &files), text.strip_prefix("refused ")) {
            (Ok(()), None) => {
                house.know(&known);
                Ok(())
            }
            (Err(error), Some(expected)) if error.contains(expected) => Ok(()),
            (Err(error), _) => Err(error),
            (Ok(()), Some(_)) => Err("it came into force".to_owned()),
        }
    }

    /// `CLIENT user=U group=G ...`: who is behind an address and their directory groups, `_` for a blank, at once and until told otherwise.
    fn directory(&mut self, text: &str) -> Result<(), String> {
        let (client, pairs) = text.split_once(' ').ok_or("write `directory CLIENT user=U group=G ...`")?;
        let client: IpAddr = client.parse().map_err(|_| format!("{client} is no address"))?;
        let (mut user, mut groups) = (None, Vec::new());
        for (key, value) in pairs_of(pairs)? {
            match key {
                "user" => user = Some(value.into()),
                "group" => groups.push(value.replace('_', " ").into_boxed_str()),
                _ => return Err(format!("`{key}` is not known to `directory`")),
            }
        }
        let known = Known { user, groups: groups.into(), via: Via::Signon, ..Known::default() };
        self.known.retain(|(other, _)| *other != client);
        self.known.push((client, known));
        let known = self.known.clone();
        self.house()?.know(&known);
        Ok(())
    }

    /// `CLIENT KEY=VALUE ...` or `CLIENT nobody`: a static entry, in the place of the one before; it takes a reload.
    fn attribute(&mut self, text: &str) -> Result<(), String> {
        let (client, pairs) = text.split_once(' ').ok_or("write `static CLIENT KEY=VALUE ...`")?;
        self.statics.retain(|(known, _)| known != client);
        if pairs.trim() == "nobody" {
            return Ok(());
        }
        let mut entry = format!("[[attribution.static]]\nclient = \"{client}\"\n");
        for (key, value) in pairs_of(pairs)? {
            match value {
                "true" | "false" => entry += &format!("{key} = {value}\n"),
                _ => entry += &format!("{key} = \"{value}\"\n"),
            }
        }
        self.statics.push((client.to_owned(), entry));
        Ok(())
    }

    /// `grant WHO=X name=N|category=C minutes=M` or `withdraw WHO=X [start=SPAN] expires=SPAN`, spans counted from now.
    fn write(&mut self, word: &str, text: &str) -> Result<(), String> {
        let at = self.at;
        let (mut subject, mut name, mut category, mut minutes) = (None, None, None, 0);
        let (mut start, mut expires) = (at, at);
        let later = |span: &str| humantime::parse_duration(span).map(|span| at.plus(span)).map_err(|e| e.to_string());
        for (key, value) in pairs_of(text)? {
            match key {
                "user" => subject = Some(Whose::User(value.into())),
                "device" => subject = Some(Whose::Device(value.into())),
                "client" => subject = Some(Whose::Client(value.into())),
                "name" => name = Some(value.to_owned()),
                "category" => category = Some(value.to_owned()),
                "minutes" => minutes = value.parse().map_err(|_| "minutes are a number")?,
                "start" => start = later(value)?,
                "expires" => expires = later(value)?,
                _ => return Err(format!("`{key}` is not known to `{word}`")),
            }
        }
        let (subject, reason) = (subject.ok_or("name a user, a device or a client")?, "a story".to_owned());
        let entry = if word == "grant" {
            expires = at.plus(std::time::Duration::from_secs(u64::from(minutes) * 60));
            Entry::Grant { subject, name, category, minutes, expires, reason, approver: "the author".into() }
        } else {
            Entry::Withdraw { subject, authoriser: "the author".into(), reason, start, review: expires, expires }
        };
        let house = self.house()?;
        house.journal().append("story", at, |_| Ok((None, entry))).map_err(|error| error.to_string())?;
        house.take_journal()
    }

    /// `revoke ID` or `restore ID`.
    fn end(&mut self, word: &str, text: &str) -> Result<(), String> {
        let id = AccessId::parse(text).ok_or_else(|| format!("`{text}` is no id"))?;
        let (authoriser, reason) = ("the author".to_owned(), "a story".to_owned());
        let entry = if word == "revoke" { Entry::Revoke { reason } } else { Entry::Restore { authoriser, reason } };
        let at = self.at;
        let house = self.house()?;
        house.journal().append("story", at, |_| Ok((Some(id), entry))).map_err(|error| error.to_string())?;
        house.take_journal()
    }

    /// `2026-11-24 10:15 Europe/London`, or `+ 90s`.
    fn clock(&mut self, text: &str) -> Result<(), String> {
        self.at = match text.strip_prefix('+') {
            Some(span) => self.at.plus(humantime::parse_duration(span.trim()).map_err(|error| error.to_string())?),
            None => {
                let words: Vec<&str> = text.split_whitespace().collect();
                let [date, time, zone] = words.as_slice() else {
                    return Err("write `clock DATE TIME ZONE`".to_owned());
                };
                let zoned: jiff::Zoned =
                    format!("{date}T{time}[{zone}]").parse().map_err(|error: jiff::Error| error.to_string())?;
                zoned.timestamp().into()
            }
        };
        if let Some(house) = &self.house {
            house.clock.set(self.at);
        }
        Ok(())
    }

    /// `NAME TYPE RDATA ttl N`
    fn upstream(&mut self, text: &str) -> Result<(), String> {
        let (text, ttl) = text.split_once(" ttl ").ok_or("write `upstream NAME TYPE RDATA ttl N`")?;
        let mut words = text.splitn(3, ' ');
        let (Some(name), Some(kind), Some(data)) = (words.next(), words.next(), words.next()) else {
            return Err("write `upstream NAME TYPE RDATA ttl N`".to_owned());
        };
        let ttl = ttl.trim().parse().map_err(|_| "the TTL is a number")?;
        self.upstream.add(name, kind_of(kind)?, data, ttl)
    }

    /// `CLIENT NAME TYPE [tcp]`
    fn ask(&mut self, text: &str) -> Result<(), String> {
        if matches!(self.asked, Some((_, false))) {
            return Err("nothing was expected of the question before".to_owned());
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let (client, name, kind, tcp) = match words.as_slice() {
            [client, name, kind] => (client, name, kind, false),
            [client, name, kind, "tcp"] => (client, name, kind, true),
            _ => return Err("write `ask CLIENT NAME TYPE [tcp]`".to_owned()),
        };
        let client: IpAddr = client.parse().map_err(|_| format!("{client} is no address"))?;
        let wire = Ask::new(&format!("{name}."), kind_of(kind)?).wire(4711);
        let transport = if tcp { Transport::Tcp } else { Transport::Udp };
        let answer = self.house()?.ask(&wire, SocketAddr::new(client, 40_000), transport);
        self.answer = answer.map(|octets| Message::from_vec(&octets).expect("the answer is a message"));
        self.asked = Some((name.to_ascii_lowercase(), false));
        Ok(())
    }

    /// `WHAT [ede N] [ttl N]`, where WHAT is `silence`, a response code, `NODATA` or addresses.
    fn expect(&mut self, text: &str) -> Result<(), String> {
        let Some((_, expected)) = &mut self.asked else { return Err("nothing was asked".to_owned()) };
        *expected = true;
        let found = told(self.answer.as_ref());
        let mut words: Vec<&str> = text.split_whitespace().collect();
        while let Some(at) = words.iter().position(|word| matches!(*word, "ede" | "ttl")) {
            let (what, value) = (words[at], words.get(at + 1).copied().unwrap_or(""));
            let has = self.answer.as_ref().and_then(|answer| match what {
                "ede" => extended_error(answer).map(|(code, _)| u32::from(code)),
                _ => answer.answers.iter().chain(&answer.authorities).map(|record| record.ttl).min(),
            });
            if has.map_or("none".to_owned(), |has| has.to_string()) != value {
                return Err(format!("{what} is {has:?}, not {value}"));
            }
            words.drain(at..words.len().min(at + 2));
        }
        if found == words.join(" ") { Ok(()) } else { Err(format!("the answer is {found}")) }
    }

    /// What the extended error of the last answer says, from its beginning.
    fn reason(&self, text: &str) -> Result<(), String> {
        let (_, says) = self.answer.as_ref().and_then(extended_error).ok_or("there is no extended error")?;
        if says.starts_with(text) { Ok(()) } else { Err(format!("the extended error says `{says}`")) }
    }

    /// `COLUMN=VALUE ...` of the newest row for the name asked last; `-` for null, `_` for a blank.
    fn row(&mut self, text: &str) -> Result<(), String> {
        let (Some((name, _)), Some(house)) = (&self.asked, &self.house) else {
            return Err("nothing was asked".to_owned());
        };
        let row = rows::of(&house.log_dir(), name).into_iter().next().ok_or("there is no row")?;
        for pair in text.split_whitespace() {
            let (column, value) = pair.split_once('=').ok_or("write `row COLUMN=VALUE ...`")?;
            let has = match row.get(column).ok_or_else(|| format!("there is no column {column}"))? {
                serde_json::Value::Null => "-".to_owned(),
                serde_json::Value::String(text) => text.replace(' ', "_"),
                other => other.to_string(),
            };
            if has != value {
                return Err(format!("{column} is {has}: {row}"));
            }
        }
        Ok(())
    }
}

/// `KEY=VALUE ...`
fn pairs_of(text: &str) -> Result<Vec<(&str, &str)>, String> {
    let pairs = text.split_whitespace().map(|pair| pair.split_once('='));
    pairs.map(|pair| pair.ok_or_else(|| format!("write KEY=VALUE, not `{text}`"))).collect()
}

fn kind_of(text: &str) -> Result<RecordType, String> {
    text.parse().map_err(|_| format!("{text} is no type"))
}

/// An answer in a word or its addresses.
fn told(answer: Option<&Message>) -> String {
    let Some(answer) = answer else { return "silence".to_owned() };
    let found: Vec<String> = addresses(answer).iter().map(IpAddr::to_string).collect();
    match answer.metadata.response_code {
        ResponseCode::NoError if !found.is_empty() => found.join(" "),
        ResponseCode::NoError if answer.answers.is_empty() => "NODATA".to_owned(),
        ResponseCode::NoError => {
            let kinds: Vec<String> = answer.answers.iter().map(|record| record.record_type().to_string()).collect();
            kinds.join(" ")
        }
        ResponseCode::NXDomain => "NXDOMAIN".to_owned(),
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        other => other.to_string(),
    }
}
