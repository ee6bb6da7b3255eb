//! The journal: numbered, chained, locked; what is wrong with it is told and never continued.

use super::*;
use crate::policy::access::Holder;

const NOW: Moment = Moment(1_795_608_000_000_000);

fn grant(user: &str) -> Entry {
    Entry::Grant {
        subject: Whose::User(user.into()),
        name: Some("bet.test".into()),
        category: None,
        minutes: 60,
        expires: Moment(NOW.0 + 3_600_000_000),
        reason: "inquiry 7".into(),
        approver: "sergeant".into(),
    }
}

fn withdraw(user: &str) -> Entry {
    Entry::Withdraw {
        subject: Whose::User(user.into()),
        authoriser: "superintendent".into(),
        reason: "conduct".into(),
        start: NOW,
        review: Moment(NOW.0 + 1),
        expires: Moment(NOW.0 + 2),
    }
}

fn add(journal: &Journal, entry: Entry) -> AccessId {
    journal.append("root", NOW, |_| Ok((None, entry))).unwrap().0
}

#[test]
fn lines_are_numbered_by_day_and_kind_and_chained() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::below(dir.path());
    assert_eq!(journal.read().unwrap().ledger.lines, 0);
    let ids: Vec<String> =
        [grant("U1"), withdraw("u2"), grant("u3")].map(|entry| add(&journal, entry).to_string()).into();
    assert_eq!(ids, ["g-20261125-0001", "w-20261125-0001", "g-20261125-0002"]);
    let (_, taken) = journal
        .append("root", Moment(NOW.0 + 5), |ledger| {
            let id = ledger.grants[0].grant.id;
            Ok((Some(id), Entry::Revoke { reason: "done".into() }))
        })
        .unwrap();
    let first = &taken.ledger.grants[0];
    assert_eq!((first.state(Moment(NOW.0 + 6)), first.grant.until), ("revoked", Moment(NOW.0 + 5)));
    assert_eq!(first.grant.holder, Holder::User("u1".into()), "users are lower-cased");
    let again = journal.read().unwrap();
    assert_eq!((again.mark(), again.ledger.lines), (taken.mark(), 4));
    let text = std::fs::read_to_string(journal.path()).unwrap();
    assert!(text.starts_with(r#"{"v":1,"id":"g-20261125-0001","at":"2026-11-25T"#), "{text}");
    assert!(text.lines().next().unwrap().ends_with(r#""prev":null}"#), "{text}");
}

#[test]
fn a_change_a_missing_line_and_a_torn_line_are_told_with_their_line_and_never_continued() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::below(dir.path());
    for user in ["u1", "u2", "u3"] {
        add(&journal, grant(user));
    }
    let whole = std::fs::read_to_string(journal.path()).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let refused = |text: &str, line: &str| {
        std::fs::write(journal.path(), text).unwrap();
        let told = journal.read().unwrap_err().to_string();
        assert!(told.contains(&format!("journal.jsonl:{line}: ")), "{told}");
        assert_eq!(journal.append("root", NOW, |_| Ok((None, grant("u4")))).unwrap_err().to_string(), told);
        assert_eq!(std::fs::read_to_string(journal.path()).unwrap(), text, "nothing is written behind it");
        told
    };
    refused(&whole.replace("u2", "u9"), "3");
    refused(&format!("{}\n{}\n", lines[0], lines[2]), "2");
    refused(&format!("{}\n{}\n", lines[1], lines[2]), "1");
    refused(&whole.replace("\"v\":1", "\"v\":2"), "1");
    let torn = refused(&whole[..whole.len() - 10], "3");
    let kept = lines[0].len() + lines[1].len() + 2;
    assert!(torn.contains(&format!("truncate -s {kept} ")), "{torn}");
    std::fs::write(journal.path(), &whole[..kept]).unwrap();
    assert_eq!(add(&journal, grant("u3")).to_string(), "g-20261125-0003", "after the advice it goes on");
}

#[test]
fn a_journal_that_does_not_begin_with_what_was_taken_over_is_told_from_one_that_grew() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::below(dir.path());
    add(&journal, grant("u1"));
    add(&journal, grant("u2"));
    let before = journal.read().unwrap();
    let mark = before.mark();
    add(&journal, grant("u3"));
    let grown = journal.read().unwrap();
    assert!(grown.continues(&mark) && !before.continues(&grown.mark()));
    assert_eq!(misfits(dir.path(), &[grown.mark(), mark.clone()]).unwrap(), Vec::<u64>::new());
    // A last line that is cut off whole breaks no chain; the mark tells.
    let text = std::fs::read_to_string(journal.path()).unwrap();
    let cut = text.lines().next().unwrap().len() + 1;
    std::fs::write(journal.path(), &text[..cut]).unwrap();
    assert!(!journal.read().unwrap().continues(&mark));
    assert_eq!(misfits(dir.path(), &[mark, grown.mark()]).unwrap(), [2, 3]);
}

#[test]
fn writers_of_several_processes_make_one_chain() {
    let dir = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    add(&Journal::below(dir.path()), grant("u1"));
                }
            });
        }
    });
    let taken = Journal::below(dir.path()).read().unwrap();
    assert_eq!((taken.ledger.lines, taken.ledger.grants[39].grant.id.number), (40, 40));
}

#[test]
fn who_is_named_is_read_as_it_is_meant() {
    let client = |text: &str| Whose::Client(text.into()).holder();
    assert_eq!(client("::ffff:10.0.0.1"), Ok(Holder::Client("10.0.0.1/32".parse().unwrap())));
    assert!(client("10.0.0.1/24").unwrap_err().contains("write 10.0.0.0/24"));
    assert!(client("0.0.0.0/0").is_err() && client("somewhere").is_err());
    assert!(Whose::Device("00:11".into()).holder().is_err() && Whose::User(" ".into()).holder().is_err());
    let whole = Whose::Client("10.0.0.7".into());
    assert_eq!(Whose::from(&whole.holder().unwrap()), whole);
}
