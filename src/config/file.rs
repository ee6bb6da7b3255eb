//! The configuration as written: text, tree, shape, types.
//!
//! A text becomes a tree of values with places, the tree is held against the schema (which reports every key and type that is wrong and
//! takes those out), and what is left becomes the types of [`v1`].

pub mod key;
pub mod schema;
pub mod shape;
pub mod v1;
pub mod written;

use serde::Deserialize;
use toml::de::{DeTable, Deserializer};

use super::errors::{ConfigError, SourceText};
use key::Key;

/// A file as written, and what was wrong with its shape.
#[derive(Debug)]
pub struct Reading {
    /// What could be understood; none after a syntax error.
    pub file: Option<v1::File>,
    /// What could not.
    pub errors: Vec<ConfigError>,
    /// Keys whose value was taken out because it could not be understood.
    pub lost: Vec<Key>,
}

/// Reads a text. Errors are in the answer, in no order.
pub fn read(source: SourceText<'_>) -> Reading {
    let (mut tree, syntax) = DeTable::parse_recoverable(source.text);
    if !syntax.is_empty() {
        // One slip makes the parser stumble over what follows; the first few errors are those that can be trusted.
        let mut errors: Vec<ConfigError> = syntax.iter().take(3).map(|error| syntax_error(source, error)).collect();
        let line = |error: &ConfigError| error.place.as_ref().map(|place| place.line);
        // What a table has that is written twice is a duplicate only because the table is.
        let is_below =
            |key: &str, of: &str| !of.is_empty() && key.strip_prefix(of).is_some_and(|rest| rest.starts_with('.'));
        errors.dedup_by(|later, earlier| line(later) == line(earlier) || is_below(&later.key, &earlier.key));
        return Reading { file: None, errors, lost: Vec::new() };
    }
    let schema = schema::schema();
    let shape::Found { mut errors, lost } = shape::hold_against(&schema, source, tree.get_mut());
    let file = match v1::File::deserialize(Deserializer::from(tree)) {
        Ok(file) => Some(file),
        Err(error) => {
            errors.push(syntax_error(source, &error));
            None
        }
    };
    Reading { file, errors, lost }
}

fn syntax_error(source: SourceText<'_>, error: &toml::de::Error) -> ConfigError {
    let end = source.text.trim_end().len();
    let span = error.span().unwrap_or(end..end);
    let message = error.message();
    let advice = match message {
        m if m.contains("duplicate key") => "a key or table may be written once; join the two",
        m if m.contains("string") || m.contains("quote") => "a text stands between two quotation marks on one line",
        m if m.contains("array") || m.contains("inline table") => {
            "see that every bracket is closed and commas stand between"
        }
        _ => "this is not TOML; see https://toml.io",
    };
    let key = if message.contains("duplicate key") { key_at(source.text, span.start) } else { String::new() };
    source.error(span, &key, format!("syntax error: {message}"), Some(advice.to_owned()))
}

/// The key whose name stands at an octet, below the table whose heading stands last before it.
fn key_at(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let heading = |line: &str| {
        let inner = line.trim().strip_prefix('[')?.split(']').next()?;
        Some(inner.trim_start_matches('[').trim().to_owned())
    };
    if let Some(itself) = heading(line) {
        return itself;
    }
    let name = line.split('=').next().unwrap_or_default().trim();
    match before.lines().rev().find_map(heading) {
        Some(table) => format!("{table}.{name}"),
        None => name.to_owned(),
    }
}
