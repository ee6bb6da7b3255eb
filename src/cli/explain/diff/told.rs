//! What differs, for people and for programs.

use serde_json::json;

use super::compared::{Compared, Line, Whom};
use crate::cli::{Failure, Out};
use crate::query::cell::{Cell, shown};
use crate::record::rtype::Rtype;

const HEADING: [&str; 6] = ["CHANGE", "NAME", "CLIENTS", "USERS", "QUERIES", "RULE NOW -> RULE THEN"];
/// How many clients and users are named on a line.
const NAMED: usize = 3;

/// What the log cannot tell, whatever it holds.
const UNKNOWN: &str = "\
What a log cannot tell: a machine that still holds an answer has not asked, so a change may show later and a name may be used more than it
was asked for. Each name is decided as such: a block by where an answer leads (CNAME, SVCB, HTTPS) shows only for the target asked for
itself. Leases and sessions are as the log knew them; static entries, directory groups and shared devices as each configuration has them.";

/// Tells what was compared.
pub fn tell(compared: Compared<'_>, limit: usize, out: &mut Out) -> Result<(), Failure> {
    let lines = compared.worst_first();
    let shown = lines.len().min(limit);
    let queries: u64 = lines.iter().map(|(_, whom)| whom.queries).sum();
    let unchanged = compared.decided - compared.changed;
    if out.is_json() {
        for (line, whom) in lines.iter().take(limit) {
            out.object(&object(line, whom))?;
        }
        out.object(&json!({
            "kind": "summary",
            "rows": compared.rows,
            "rows_without_question": compared.unreadable,
            "decided": compared.decided,
            "unchanged": unchanged,
            "unchanged_by_another_rule": compared.other_rule,
            "changed": compared.changed,
            "changed_queries": queries,
            "lines": lines.len(),
            "lines_shown": shown,
        }))?;
        return Ok(());
    }
    if !lines.is_empty() {
        let table: Vec<Vec<String>> = lines.iter().take(limit).map(|(line, whom)| row(line, whom)).collect();
        out.table(&HEADING, &table)?;
        out.line("")?;
    }
    if shown < lines.len() {
        out.note(format!("The worst {shown} of {} lines; --limit {} shows all.", lines.len(), lines.len()))?;
    }
    let mut summary = format!(
        "{} rows read, {} different questions decided by both configurations: {unchanged} unchanged",
        compared.rows, compared.decided
    );
    if compared.other_rule > 0 {
        summary.push_str(&format!(" ({} of them by another rule)", compared.other_rule));
    }
    summary.push_str(&format!(", {} changed ({queries} queries).", compared.changed));
    if compared.unreadable > 0 {
        summary.push_str(&format!(" {} rows have no readable question.", compared.unreadable));
    }
    out.line(summary)?;
    out.line(UNKNOWN)?;
    Ok(())
}

fn row(line: &Line, whom: &Whom) -> Vec<String> {
    let mut clients: Vec<(String, u64)> =
        whom.clients.iter().map(|(client, queries)| (client.to_string(), *queries)).collect();
    // A stable sort: of clients with as many queries the lower address comes first.
    clients.sort_by_key(|(_, queries)| std::cmp::Reverse(*queries));
    let users: Vec<String> = whom.users.iter().map(|user| shown(Some(Cell::Text(user)))).collect();
    let (old, new) = (&line.old, &line.new);
    let answers = if old.1 == new.1 || line.differs != super::compared::Differs::OtherAnswer {
        String::new()
    } else {
        format!("; {} -> {}", old.1, new.1)
    };
    vec![
        line.differs.word().to_owned(),
        shown(Some(Cell::Text(&line.name))),
        few(clients.into_iter().map(|(client, _)| client).collect()),
        few(users),
        whom.queries.to_string(),
        format!("{} -> {}{answers}", old.0.brief(), new.0.brief()),
    ]
}

/// How many, and the first few.
fn few(all: Vec<String>) -> String {
    match all.len() {
        0 => "-".to_owned(),
        1..=NAMED => all.join(", "),
        more => format!("{more}: {}, ...", all.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ")),
    }
}

fn object(line: &Line, whom: &Whom) -> serde_json::Value {
    let side = |(spoken, answer): &(_, String)| json!({ "spoken": spoken, "answer": answer });
    json!({
        "kind": "change",
        "change": line.differs.word(),
        "name": line.name,
        "types": whom.types.iter().map(|qtype| Rtype(*qtype).to_string()).collect::<Vec<_>>(),
        "network_zones": whom.network_zones,
        "queries": whom.queries,
        "clients": whom.clients.iter().map(|(client, queries)| json!({ "client": client, "queries": queries })).collect::<Vec<_>>(),
        "users": whom.users,
        "old": side(&line.old),
        "new": side(&line.new),
    })
}
