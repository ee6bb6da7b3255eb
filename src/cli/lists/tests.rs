//! The commands over real files.

use std::io::Write;
use std::sync::{Arc, Mutex};

use super::*;
use crate::cli::Exit;
use crate::list::Role;
use crate::list::journal::Journal;
use crate::policy::Category;
use crate::verdict::CategoryId;

/// Paper that can be read after it was given away.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Desk {
    dir: tempfile::TempDir,
    lists: Vec<ListSource>,
    model: Model,
}

impl Desk {
    fn new() -> Desk {
        let dir = tempfile::tempdir().unwrap();
        let mut model = Model::default();
        for word in ["betting", "webmail"] {
            model.categories.push(Category { name: word.into(), title: word.into(), clause: None });
        }
        let addresses: String = (0..2000).map(|n| format!("192.0.2.{}\n", n % 256)).collect();
        let bets = format!("bet.example\nwww.bet.example\nco.uk\n{addresses}");
        let files =
            [("bets", 0, false, &*bets), ("mail", 1, false, "bet.example\n"), ("not", 0, true, "help.bet.example\n")];
        let mut lists = Vec::new();
        for (name, category, except, content) in files {
            let path = dir.path().join(name);
            std::fs::write(&path, content).unwrap();
            lists.push(ListSource {
                name: name.into(),
                category: CategoryId(category),
                role: if except { Role::ExceptCategory } else { Role::Lists },
                path,
                format: None,
                added: None,
                download: None,
            });
        }
        Desk { dir, lists, model }
    }

    fn status(&self, json: bool) -> (String, Result<(), Failure>) {
        let paper = Paper::default();
        let shelf = Shelf::new(self.dir.path());
        let now = Clock::Real.now().plus(Duration::from_secs(2 * 86_400 + 3_700));
        let ended = status(&shelf, &self.lists, &self.model, now, &mut Out::to(json, paper.clone()));
        (String::from_utf8(paper.0.lock().unwrap().clone()).unwrap(), ended)
    }

    fn find(&self, name: &str, json: bool) -> (String, Result<(), Failure>) {
        let paper = Paper::default();
        let shelved = Shelf::new(self.dir.path()).look(&self.lists, &self.model).unwrap();
        let ended = find::find(&shelved, &self.model, &Journal::default(), name, &mut Out::to(json, paper.clone()));
        (String::from_utf8(paper.0.lock().unwrap().clone()).unwrap(), ended)
    }
}

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn status_tells_of_each_list_and_of_its_first_refused_lines() {
    let desk = Desk::new();
    let (text, ended) = desk.status(false);
    ended.unwrap();
    assert!(text.contains("2days 1h"), "{text}");
    assert!(text.contains("except betting"), "{text}");
    assert!(text.contains("bets: 2,001 lines refused (public-suffix 1, address 2,000)"), "{text}");
    assert!(text.contains(&format!("{}:4: `192.0.2.0` is an address, not a name", desk.lists[0].path.display())));
    assert!(text.contains("and 1,997 more"), "{text}");
    assert!(text.contains("3 distinct names"), "{text}");
}

#[test]
fn status_as_json_is_one_object_a_list() {
    let (text, ended) = Desk::new().status(true);
    ended.unwrap();
    let lists = objects(&text);
    assert_eq!(lists.len(), 3);
    assert_eq!(lists[0]["entries"], 2);
    assert_eq!(lists[0]["refused"]["address"], 2000);
    assert_eq!(lists[0]["examples"][0]["line"], 3);
    assert_eq!(lists[2]["except"], true);
    assert!(lists.iter().all(|list| list["result"] == "ok"));
}

#[test]
fn a_list_that_cannot_be_read_does_not_hide_the_others() {
    let mut desk = Desk::new();
    desk.lists[1].path = desk.dir.path().join("gone");
    let (text, ended) = desk.status(true);
    let failure = ended.unwrap_err();
    assert_eq!((failure.exit, failure.text.as_str()), (Exit::Failed, "1 of 3 lists cannot be used"));
    let lists = objects(&text);
    assert_eq!(lists.iter().map(|list| list["result"].as_str().unwrap()).collect::<Vec<_>>(), ["ok", "failed", "ok"]);
    assert!(lists[1]["error"].as_str().unwrap().contains("gone"));
    let (text, _) = desk.status(false);
    assert!(text.contains("failed") && text.contains("list `mail`: "), "{text}");
}

#[test]
fn find_tells_what_comes_of_every_rule() {
    let desk = Desk::new();
    let (text, ended) = desk.find("A.help.Bet.example", true);
    ended.unwrap();
    assert_eq!(objects(&text)[2]["categories"], json!(["webmail"]));
    assert_eq!(objects(&text)[1]["why"], "not line 1");
    assert_eq!(objects(&text)[1]["text"], "bet.example");
    let rules: Vec<(String, String, String, u64)> = objects(&text)
        .iter()
        .map(|rule| {
            let word = |key: &str| rule[key].as_str().unwrap().to_owned();
            (word("entry"), word("list"), word("effect"), rule["line"].as_u64().unwrap())
        })
        .collect();
    let row = |entry: &str, list: &str, effect: &str, line| (entry.into(), list.into(), effect.into(), line);
    assert_eq!(
        rules,
        [
            row("help.bet.example", "not", "exempts", 1),
            row("bet.example", "bets", "overruled", 1),
            row("bet.example", "mail", "holds", 1),
        ]
    );
    let (text, _) = desk.find("www.bet.example", false);
    assert!(text.ends_with("www.bet.example is in betting, webmail\n"), "{text}");
    assert!(text.contains(&format!("{}:2", desk.lists[0].path.display())), "{text}");
}

#[test]
fn find_fails_when_no_list_holds_the_name_and_when_it_is_none() {
    let desk = Desk::new();
    let (text, ended) = desk.find("example.org", false);
    let failure = ended.unwrap_err();
    assert_eq!((text.as_str(), failure.exit), ("", Exit::Failed));
    assert_eq!(failure.text, "no list holds `example.org` or a parent of it");
    assert_eq!(desk.find("a b", false).1.unwrap_err().exit, Exit::Usage);
    assert_eq!(desk.find("notbet.example", false).1.unwrap_err().exit, Exit::Failed);
}
