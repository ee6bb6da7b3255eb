//! `cordon lists update`: fetches lists now. A server that runs takes note of new content by itself; none is needed.

use std::io::IsTerminal;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{grouped, size};
use crate::cli::{Failure, Out};
use crate::collect::lists::{Folder, Progress, Renewal, Renewed, State, renew};
use crate::config::checked::{Download, ListSource};
use crate::config::errors::advise;
use crate::list::Refused;
use crate::list::renewal::due;
use crate::moment::Clock;

/// Which lists, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct UpdateArgs {
    /// Lists by name, as `cordon lists status` shows them [default: all that have a `url`]
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Fetch even what has not changed, and take it however much it shrank or grew
    #[arg(long)]
    pub force: bool,
    /// Only those whose time has come, as the server itself would; for a timer
    #[arg(long, conflicts_with = "force")]
    pub due: bool,
}

/// Fetches one list after the other; fails when any of them could not be renewed.
pub(super) fn run(args: &UpdateArgs, lists: &[ListSource], clock: &Clock, out: &mut Out) -> Result<(), Failure> {
    let (mut asked, mut failed) = (0, 0);
    for (list, download) in chosen(args, lists)? {
        if args.due {
            let now = clock.now();
            let folder = Folder::of(list);
            let state = folder.state();
            let taken_away = state.failures == 0 && !folder.has_content();
            if !taken_away && due(state.next_try, now, download.refresh) > now {
                continue;
            }
        }
        asked += 1;
        let before = Folder::of(list).state();
        let bar = bar(list, out);
        let renewal = Renewal { list, download, clock, force: args.force, wait: true };
        let renewed = renew(&renewal, &mut |progress| {
            show(&bar, progress);
            true
        });
        bar.finish_and_clear();
        let (refused, state) = match renewed {
            Renewed::Updated(state) | Renewed::Unchanged(state) => (None, state),
            Renewed::Refused(refused, state) => (Some(refused), state),
            // Neither comes of a run that waits for the lock and is never told to stop.
            Renewed::Busy | Renewed::Stopped => continue,
        };
        failed += usize::from(refused.is_some());
        told(out, list, download, refused, &state, &before)?;
        out.flush()?;
    }
    if asked == 0 && !out.is_json() {
        out.line(if args.due { "no list is due" } else { "no list has a `url`" })?;
    }
    match failed {
        0 => Ok(out.flush()?),
        _ => Err(Failure::failed(format_args!(
            "{failed} of {asked} lists could not be renewed; what was in force stays in force"
        ))),
    }
}

/// What to do about the word of a failed attempt.
pub(super) fn advice(word: &str) -> Option<&'static str> {
    Refused::ALL.iter().find(|refused| refused.word() == word).map(|refused| refused.advice())
}

fn chosen<'a>(args: &UpdateArgs, lists: &'a [ListSource]) -> Result<Vec<(&'a ListSource, &'a Download)>, Failure> {
    let fetched = |list: &'a ListSource| Some((list, list.download.as_ref()?));
    if args.names.is_empty() {
        return Ok(lists.iter().filter_map(fetched).collect());
    }
    let named = |name: &String| {
        let list = lists.iter().find(|list| *list.name == **name).ok_or_else(|| {
            let known = lists.iter().filter(|list| list.download.is_some()).map(|list| &*list.name);
            let advice = advise(name, known).unwrap_or_else(|| "no list has a `url`".to_owned());
            Failure::usage(format_args!("there is no list `{name}`; {advice}"))
        })?;
        let is_file = || Failure::usage(format_args!("list `{name}` is a file; only one with a `url` is fetched"));
        fetched(list).ok_or_else(is_file)
    };
    args.names.iter().map(named).collect()
}

fn told(
    out: &mut Out,
    list: &ListSource,
    download: &Download,
    refused: Option<Refused>,
    state: &State,
    before: &State,
) -> std::io::Result<()> {
    let text = state.last.as_ref().map_or("", |last| &last.text);
    if out.is_json() {
        return out.object(&json!({
            "list": list.name,
            "url": download.shown(),
            "result": state.word(),
            "text": text,
            "advice": refused.map(Refused::advice),
            "entries": state.entries,
            "bytes": state.octets,
            "sha256": state.sha256,
            "failures": state.failures,
            "next_try": state.next_try.map(|next| next.to_string()),
            "etag_known": state.etag.is_some(),
        }));
    }
    let (name, word) = (&list.name, state.word());
    match refused {
        Some(refused) => out.line(format_args!("{name}: {word}: {text}; {}", refused.advice())),
        None if word == "updated" => {
            let was = if before.fetched_at.is_some() { grouped(before.entries) } else { "none".to_owned() };
            let (entries, octets) = (grouped(state.entries), size(state.octets));
            out.line(format_args!("{name}: {word}: {entries} entries ({was} before), {octets}"))
        }
        None => out.line(format_args!("{name}: {word}: {text}")),
    }
}

/// A bar on a terminal; else one that is not drawn.
fn bar(list: &ListSource, out: &Out) -> ProgressBar {
    if out.is_json() || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::no_length().with_message(list.name.to_string());
    bar.enable_steady_tick(Duration::from_millis(100));
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {binary_bytes} {binary_bytes_per_sec}") {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, progress: Progress) {
    if let Some(of) = progress.of.filter(|of| bar.length() != Some(*of)) {
        bar.set_length(of);
        let template = "{spinner} {msg} [{bar:30}] {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
    }
    bar.set_position(progress.octets);
}
