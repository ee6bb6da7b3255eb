//! What is known of a download, as it lies on disk: version 1 of `state.json`.

use serde::{Deserialize, Serialize};

use crate::moment::Moment;

const VERSION: u32 = 1;

/// What is known of a download.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The validator the server gave with the content in force (RFC 9110 section 8.8.3).
    pub etag: Option<String>,
    /// The date the server gave with it (RFC 9110 section 8.8.2), as it was written.
    pub last_modified: Option<String>,
    /// When the content in force was fetched; none: there is none yet.
    pub fetched_at: Option<Moment>,
    /// When the server last said that it is the present one.
    pub checked_at: Option<Moment>,
    /// SHA-256 of the content in force, in hex.
    pub sha256: String,
    /// Its octets.
    pub octets: u64,
    /// Its distinct entries.
    pub entries: u64,
    /// How the last attempt ended; none: there was none.
    pub last: Option<Last>,
    /// Attempts in a row that failed.
    pub failures: u32,
    /// When it is due.
    pub next_try: Option<Moment>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Last {
    /// `updated`, `unchanged`, or the word of a refusal.
    pub result: String,
    /// The same in a sentence.
    pub text: String,
    /// When.
    pub at: Moment,
}

#[derive(Serialize, Deserialize)]
struct StateV1 {
    version: u32,
    url: String,
    etag: Option<String>,
    last_modified: Option<String>,
    fetched_at: Option<String>,
    checked_at: Option<String>,
    sha256: String,
    octets: u64,
    entries: u64,
    last: Option<LastV1>,
    failures: u32,
    next_try: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct LastV1 {
    result: String,
    text: String,
    at: String,
}

impl State {
    /// As it is kept; `url` for whoever looks into the folder.
    pub(super) fn to_json(&self, url: &str) -> Result<Vec<u8>, serde_json::Error> {
        let State { etag, last_modified, fetched_at, checked_at, sha256, octets, entries, last, failures, next_try } =
            self.clone();
        let time = |moment: Option<Moment>| moment.map(|moment| moment.to_string());
        let kept = StateV1 {
            version: VERSION,
            url: url.to_owned(),
            etag,
            last_modified,
            fetched_at: time(fetched_at),
            checked_at: time(checked_at),
            sha256,
            octets,
            entries,
            last: last.map(|Last { result, text, at }| LastV1 { result, text, at: at.to_string() }),
            failures,
            next_try: time(next_try),
        };
        let mut json = serde_json::to_vec_pretty(&kept)?;
        json.push(b'\n');
        Ok(json)
    }

    /// What was kept; none when it is not of this version. A time that cannot be read is one that is not known.
    pub(super) fn from_json(bytes: &[u8]) -> Option<State> {
        let kept: StateV1 = serde_json::from_slice(bytes).ok()?;
        if kept.version != VERSION {
            return None;
        }
        let StateV1 { etag, last_modified, fetched_at, checked_at, sha256, octets, entries, last, failures, .. } = kept;
        Some(State {
            etag,
            last_modified,
            fetched_at: time(fetched_at),
            checked_at: time(checked_at),
            sha256,
            octets,
            entries,
            last: last.and_then(|LastV1 { result, text, at }| Some(Last { result, text, at: time(Some(at))? })),
            failures,
            next_try: time(kept.next_try),
        })
    }

    /// The word of the last attempt.
    pub fn word(&self) -> &str {
        self.last.as_ref().map_or("not-fetched-yet", |last| &last.result)
    }
}

fn time(text: Option<String>) -> Option<Moment> {
    text?.parse::<jiff::Timestamp>().ok().map(Moment::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_goes_there_and_back_and_another_version_is_not_read() {
        let state = State {
            etag: Some("\"a\"".into()),
            last_modified: Some("Wed, 25 Nov 2026 10:00:00 GMT".into()),
            fetched_at: Some(Moment(1)),
            checked_at: Some(Moment(2)),
            sha256: "ab".into(),
            octets: 3,
            entries: 4,
            last: Some(Last { result: "html".into(), text: "a page".into(), at: Moment(5) }),
            failures: 6,
            next_try: Some(Moment(7)),
        };
        let json = state.to_json("https://lists.example/a").unwrap();
        assert_eq!(State::from_json(&json), Some(state));
        let other = String::from_utf8(json).unwrap().replace("\"version\": 1", "\"version\": 2");
        assert_eq!(State::from_json(other.as_bytes()), None);
        assert_eq!(State::from_json(b"{}"), None);
        assert_eq!(State::default().word(), "not-fetched-yet");
    }
}
