//! `cordon schema`: the JSON Schema of the configuration.

use std::io::Write;

use super::{Failure, Out};
use crate::config::file::schema::schema_text;

/// Prints the schema.
///
/// # Errors
/// The output cannot be written.
pub fn run(out: &mut Out) -> Result<(), Failure> {
    out.write_all(schema_text().as_bytes())?;
    Ok(out.flush()?)
}
