//! What `cordon lists status` says of lists that are fetched.

use std::io;

use serde_json::{Map, Value, json};

use super::age;
use crate::cli::Out;
use crate::collect::lists::{Folder, State};
use crate::config::checked::ListSource;
use crate::moment::Moment;

/// Whether a list is fetched, and never was.
pub(super) fn is_missing(list: &ListSource) -> bool {
    list.download.is_some() && !Folder::of(list).has_content()
}

/// The fetched ones among `lists`: how the last attempt ended, and when the next is due. Nothing where there are none.
pub(super) fn table<'a>(out: &mut Out, lists: impl Iterator<Item = &'a ListSource>, now: Moment) -> io::Result<()> {
    let fetched: Vec<(&ListSource, State)> =
        lists.filter(|list| list.download.is_some()).map(|list| (list, Folder::of(list).state())).collect();
    if fetched.is_empty() {
        return Ok(());
    }
    out.line("")?;
    let rows: Vec<Vec<String>> = fetched.iter().map(|(list, state)| cells(list, state, now)).collect();
    out.table(&["FETCHED LIST", "LAST RESULT", "CHECKED", "NEXT TRY", "FAILURES", "ETAG", "FROM"], &rows)?;
    for (list, state) in fetched.iter().filter(|(_, state)| state.failures > 0) {
        let text = state.last.as_ref().map_or("", |last| &last.text);
        let advice = super::update::advice(state.word()).unwrap_or_default();
        out.line(format_args!("\n{}: {}: {text}; {advice}", list.name, state.word()))?;
    }
    Ok(())
}

fn cells(list: &ListSource, state: &State, now: Moment) -> Vec<String> {
    let ago = |at: Option<Moment>| at.map_or("never".to_owned(), |at| format!("{} ago", age(now.since(at))));
    let next = match state.next_try {
        Some(next) if next > now => format!("in {}", age(next.since(now))),
        _ => "now".to_owned(),
    };
    let url = list.download.as_ref().map_or("", |download| download.shown());
    let known = if state.etag.is_some() { "known" } else { "-" };
    let word = state.word().replace("not-fetched-yet", "not fetched yet");
    vec![list.name.to_string(), word, ago(state.checked_at), next, state.failures.to_string(), known.into(), url.into()]
}

/// The same for programs: `url` and `update`; nothing for a list that is a file.
pub(super) fn facts(list: &ListSource) -> Map<String, Value> {
    let Some(download) = &list.download else { return Map::new() };
    let state = Folder::of(list).state();
    let time = |at: Option<Moment>| at.map(|at| at.to_string());
    let update = json!({
        "result": state.word(),
        "text": state.last.as_ref().map(|last| &last.text),
        "at": time(state.last.as_ref().map(|last| last.at)),
        "fetched_at": time(state.fetched_at),
        "checked_at": time(state.checked_at),
        "next_try": time(state.next_try),
        "failures": state.failures,
        "etag_known": state.etag.is_some(),
    });
    Map::from_iter([("url".to_owned(), json!(download.shown())), ("update".to_owned(), update)])
}
