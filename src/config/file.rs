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
        let errors = syntax.iter().take(3).map(|error| syntax_error(source, error)).collect();
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
    source.error(span, "", format!("syntax error: {message}"), Some(advice.to_owned()))
}
