//! Stand-in.
use super::StoreError;
use std::path::Path;
#[derive(Debug, Default)]
pub struct Findings {
    pub proven: Vec<String>,
    pub unproven: Vec<String>,
    pub problems: Vec<String>,
}
pub fn verify(_log_dir: &Path, _key: Option<&Path>) -> Result<Findings, StoreError> {
    Ok(Findings::default())
}
