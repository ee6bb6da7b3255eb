//! Stand-in.
use super::StoreError;
use serde::Serialize;
use std::path::Path;
#[derive(Clone, Debug, Default, Serialize)]
pub struct Findings {
    pub ok: bool,
    pub proven: Vec<String>,
    pub not_proven: Vec<String>,
    pub problems: Vec<Problem>,
}
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    pub file: String,
    pub line: Option<u64>,
    pub what: String,
}
impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{:?}: {}", self.file, self.line, self.what)
    }
}
pub fn verify(_log_dir: &Path, _key: Option<&Path>) -> Result<Findings, StoreError> {
    Ok(Findings { ok: true, ..Findings::default() })
}
