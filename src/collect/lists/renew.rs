//! One run of renewing a list: asked for, unpacked, judged, and only then put in the place of what is there.

use std::io::{self, Read};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::fetch::{Coming, Failure, Request, Transfer, Validators, fetch};
use super::folder::Folder;
use super::state::{Last, State};
use super::unpack::unpack;
use crate::config::checked::{Download, ListSource};
use crate::hex::hex;
use crate::list::renewal::{after_failure, after_success, pause};
use crate::list::{Refused, judge};
use crate::moment::Clock;

/// How a run is to be done.
pub struct Renewal<'a> {
    /// The list.
    pub list: &'a ListSource,
    /// Where it is fetched.
    pub download: &'a Download,
    /// What time it is.
    pub clock: &'a Clock,
    /// Fetch it even when nothing has changed, and take it however many entries it has, from `min_entries` on.
    pub force: bool,
    /// Wait for another process that is fetching it, rather than leave it to that one.
    pub wait: bool,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub enum Renewed {
    /// New content is in its place.
    Updated(State),
    /// What is there is the present content.
    Unchanged(State),
    /// Nothing in force changed.
    Refused(Refused, State),
    /// Another process is fetching it.
    Busy,
    /// Told to stop in the middle.
    Stopped,
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Octets that have come, packed as they are.
    pub octets: u64,
    /// How many there will be, where the server says it.
    pub of: Option<u64>,
}

/// Renews a list. `go_on` is told how far it is, several times a second while something comes; the run stops when it says no.
pub fn renew(renewal: &Renewal, go_on: &mut dyn FnMut(Progress) -> bool) -> Renewed {
    let folder = Folder::of(renewal.list);
    let refused = |failure: Failure, before: State| {
        let state = told_of(renewal, &failure, before);
        // Where even this cannot be written, the caller knows it all the same.
        let _ = folder.keep_state(&state, renewal.download.shown());
        Renewed::Refused(failure.refused, state)
    };
    let _lock = match folder.lock(renewal.wait) {
        Ok(Some(lock)) => lock,
        Ok(None) => return Renewed::Busy,
        Err(error) => return refused(on_disk(&error), folder.state()),
    };
    let before = folder.state();
    let known = match folder.agrees_with(&before) && !renewal.force {
        true => Validators { etag: before.etag.clone(), last_modified: before.last_modified.clone() },
        false => Validators::default(),
    };
    let fetched = match in_attempts(renewal, &known, go_on) {
        Ok(fetched) => fetched,
        Err(Broken::Failed(failure)) => return refused(failure, before),
        Err(Broken::Stopped) => return Renewed::Stopped,
    };
    let now = renewal.clock.now();
    let good = |state: State, result: &str, text: String| State {
        checked_at: Some(now),
        last: Some(Last { result: result.to_owned(), text, at: now }),
        failures: 0,
        next_try: Some(after_success(now, renewal.download.refresh, chance())),
        ..state
    };
    let Some((bytes, validators)) = fetched else {
        let state = good(before.clone(), "unchanged", "the server has nothing newer".to_owned());
        return match folder.keep_state(&state, renewal.download.shown()) {
            Ok(()) => Renewed::Unchanged(state),
            Err(error) => refused(on_disk(&error), before),
        };
    };
    let in_force = (folder.has_content() && !renewal.force).then_some(before.entries);
    let entries = match judge(&bytes, renewal.list.format, &renewal.download.limits, in_force) {
        Ok(entries) => entries,
        Err(unfit) => return refused(Failure::new(unfit.into(), unfit.to_string()), before),
    };
    let sha256 = hex(&Sha256::digest(&bytes));
    let same = sha256 == before.sha256 && folder.agrees_with(&before);
    let Validators { etag, last_modified } = validators;
    let fetched_at = if same { before.fetched_at } else { Some(now) };
    let known =
        State { etag, last_modified, fetched_at, sha256, octets: bytes.len() as u64, entries, ..before.clone() };
    let (state, kept) = match same {
        true => (good(known, "unchanged", "the server sent the same content again".to_owned()), Ok(())),
        false => (good(known, "updated", format!("{entries} entries")), folder.keep_content(&bytes)),
    };
    // The content first: a state that is older than its content only costs a transfer.
    match kept.and_then(|()| folder.keep_state(&state, renewal.download.shown())) {
        Ok(()) if same => Renewed::Unchanged(state),
        Ok(()) => Renewed::Updated(state),
        Err(error) => refused(on_disk(&error), before),
    }
}

enum Broken {
    Failed(Failure),
    Stopped,
}

/// Content with what to know it by; none: it is unchanged. Tries again what may pass within seconds.
fn in_attempts(
    renewal: &Renewal,
    known: &Validators,
    go_on: &mut dyn FnMut(Progress) -> bool,
) -> Result<Option<(Vec<u8>, Validators)>, Broken> {
    let mut attempt = 1;
    loop {
        let failure = match attempted(renewal, known, go_on) {
            Err(Broken::Failed(failure)) => failure,
            ended => return ended,
        };
        let Some(mut left) = pause(attempt, failure.refused, failure.asked, chance()) else {
            return Err(Broken::Failed(failure));
        };
        while !left.is_zero() {
            let step = left.min(Duration::from_millis(100));
            std::thread::sleep(step);
            left -= step;
            if !go_on(Progress { octets: 0, of: None }) {
                return Err(Broken::Stopped);
            }
        }
        attempt += 1;
    }
}

fn attempted(
    renewal: &Renewal,
    known: &Validators,
    go_on: &mut dyn FnMut(Progress) -> bool,
) -> Result<Option<(Vec<u8>, Validators)>, Broken> {
    let Download { url, timeout, limits, .. } = renewal.download;
    if !go_on(Progress { octets: 0, of: None }) {
        return Err(Broken::Stopped);
    }
    let request = Request { url, timeout: *timeout, known: known.clone(), now: renewal.clock.now() };
    let Some(Coming { body, octets, validators }) = fetch(&request).map_err(Broken::Failed)? else { return Ok(None) };
    let mut watched = Watched { body, octets: 0, of: octets, go_on, stopped: false };
    let unpacked = unpack(&mut watched, limits.max_octets);
    let Watched { body, stopped, .. } = watched;
    match (unpacked, body.failure) {
        _ if stopped => Err(Broken::Stopped),
        // Too large is too large, however the transfer went on from there.
        (Err((Refused::TooLarge, text)), _) => Err(Broken::Failed(Failure::new(Refused::TooLarge, text))),
        (_, Some(failure)) => Err(Broken::Failed(failure)),
        (Err((refused, text)), None) => Err(Broken::Failed(Failure::new(refused, text))),
        (Ok(bytes), None) => Ok(Some((bytes, validators))),
    }
}

/// A transfer that somebody watches.
struct Watched<'w> {
    body: Transfer,
    octets: u64,
    of: Option<u64>,
    go_on: &'w mut dyn FnMut(Progress) -> bool,
    stopped: bool,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.body.read(buffer)?;
        self.octets += got as u64;
        if !(self.go_on)(Progress { octets: self.octets, of: self.of }) {
            self.stopped = true;
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(got)
    }
}

/// The state after a run that changed nothing.
fn told_of(renewal: &Renewal, failure: &Failure, before: State) -> State {
    let now = renewal.clock.now();
    let failures = before.failures.saturating_add(1);
    let Failure { refused, text, asked } = failure;
    let refresh = renewal.download.refresh;
    State {
        last: Some(Last { result: refused.word().to_owned(), text: text.clone(), at: now }),
        failures,
        next_try: Some(after_failure(now, refresh, *refused, failures, *asked, chance())),
        ..before
    }
}

fn on_disk(error: &io::Error) -> Failure {
    Failure::new(Refused::Disk, format!("the download cannot be kept: {error}"))
}

/// A number from 0 to 1. Without random octets from the system it is always the same: only the spread is lost.
pub(super) fn chance() -> f64 {
    let mut octets = [0; 4];
    let _ = getrandom::fill(&mut octets);
    f64::from(u32::from_le_bytes(octets)) / f64::from(u32::MAX)
}
