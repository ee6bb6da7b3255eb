//! Holds a tree of values against the schema: unknown keys, missing keys, wrong types, words that are none of the choices, numbers out
//! of range. Reports all of them with their places and takes out what cannot be used, so that the rest can be checked for meaning.

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::key::Key;
use crate::config::errors::{ConfigError, SourceText, advise, nearest};

/// Keys of the full configuration that this version does not know yet, and what to do instead.
const LATER: &[(&str, &str)] = &[
    ("tls", "remove it; `listen.dns` is served over UDP and TCP"),
    ("attribution.lease_file", "name fixed clients with `[[attribution.static]]`"),
    ("attribution.radius", "name fixed clients with `[[attribution.static]]`"),
    ("attribution.signon", "name fixed clients with `[[attribution.static]]`"),
    ("log.retain_allowed", "use `retain`, which holds for every row"),
    ("log.retain_blocked", "use `retain`, which holds for every row"),
    ("log.retain_monitored", "use `retain`, which holds for every row"),
];

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// What is wrong.
    pub errors: Vec<ConfigError>,
    /// Keys whose value was taken out.
    pub lost: Vec<Key>,
}

/// Holds `table` against `schema` and takes out what does not fit.
pub fn hold_against(schema: &Value, source: SourceText<'_>, table: &mut DeTable<'_>) -> Found {
    let mut walk = Walk { schema, source, found: Found::default() };
    walk.table(schema, table, 0..0, &Key::default());
    walk.found
}

struct Walk<'a> {
    schema: &'a Value,
    source: SourceText<'a>,
    found: Found,
}

impl<'a> Walk<'a> {
    fn error(&mut self, span: std::ops::Range<usize>, key: &Key, problem: String, advice: Option<String>) {
        self.found.errors.push(self.source.error(span, key.as_str(), problem, advice));
    }

    /// Follows a reference to a definition.
    fn meant(&self, schema: &'a Value) -> &'a Value {
        let pointer = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix('#'));
        pointer.and_then(|pointer| self.schema.pointer(pointer)).unwrap_or(schema)
    }

    /// Whether the value can be used.
    fn value(&mut self, schema: &'a Value, value: &mut Spanned<DeValue<'_>>, key: &Key) -> bool {
        let schema = self.meant(schema);
        let span = value.span();
        let fits = match &schema["type"] {
            Value::String(one) => is_of(one, value.get_ref()),
            Value::Array(several) => several.iter().filter_map(Value::as_str).any(|one| is_of(one, value.get_ref())),
            _ => true,
        };
        if !fits {
            let (problem, advice) = self.misfit(schema, value.get_ref(), key);
            self.error(span, key, problem, advice);
            return false;
        }
        match value.get_mut() {
            DeValue::Table(table) => {
                self.table(schema, table, span, key);
                true
            }
            DeValue::Array(array) => match schema.get("items") {
                // An array with an element that cannot be used is lost whole, so that the places of the others stay true.
                Some(items) => {
                    let results: Vec<bool> = array
                        .iter_mut()
                        .enumerate()
                        .map(|(n, element)| self.value(items, element, &key.nth(n)))
                        .collect();
                    results.into_iter().all(|usable| usable)
                }
                None => true,
            },
            DeValue::String(text) => self.choice(schema, text, span, key),
            DeValue::Integer(number) => self.range(schema, number, span, key),
            _ => true,
        }
    }

    fn table(&mut self, schema: &'a Value, table: &mut DeTable<'_>, span: std::ops::Range<usize>, key: &Key) {
        let known = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties").filter(|others| others.is_object());
        let mut lost = Vec::new();
        for (name, value) in table.iter_mut() {
            let here = key.of(name.get_ref());
            let usable = match known.and_then(|known| known.get(name.get_ref().as_ref())).or(others) {
                Some(schema) => self.value(schema, value, &here),
                None => {
                    let words = known.into_iter().flatten().map(|(word, _)| word.as_str());
                    let (problem, advice) = unknown(&here, name.get_ref(), words.clone());
                    self.error(name.span(), &here, problem, advice);
                    // What was meant is lost too, so that nobody is told it is missing.
                    self.found.lost.extend(nearest(name.get_ref(), words).map(|meant| key.of(meant)));
                    false
                }
            };
            if !usable {
                lost.push(name.get_ref().to_string());
                self.found.lost.push(here);
            }
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        for name in required {
            if !table.iter().any(|(present, _)| present.get_ref() == name) {
                let here = key.of(name);
                // One that is nearly there already got its advice.
                if !self.found.lost.contains(&here) {
                    let word = self.example(known.and_then(|known| known.get(name)));
                    self.error(span.clone(), &here, "is missing".to_owned(), Some(format!("write `{name} = {word}`")));
                    self.found.lost.push(here);
                }
            }
        }
        for gone in &lost {
            table.remove(gone.as_str());
        }
    }

    /// A text that must be one of a few.
    fn choice(&mut self, schema: &'a Value, text: &str, span: std::ops::Range<usize>, key: &Key) -> bool {
        let words = choices(schema);
        if words.is_empty() || words.contains(&text) {
            return true;
        }
        let listed: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        let near = nearest(text, words.iter().copied()).map(|near| format!("did you mean `{near}`? "));
        let advice = format!("{}it is one of {}", near.unwrap_or_default(), listed.join(", "));
        self.error(span, key, format!("`{text}` is not known here"), Some(advice));
        false
    }

    fn range(&mut self, schema: &'a Value, number: &DeInteger<'_>, span: std::ops::Range<usize>, key: &Key) -> bool {
        let (least, most) = (schema["minimum"].as_i64(), schema["maximum"].as_i64());
        let Ok(value) = i64::from_str_radix(number.as_str(), number.radix()) else {
            self.error(span, key, "is a number too large to use".to_owned(), Some("write a smaller one".to_owned()));
            return false;
        };
        let fits = least.is_none_or(|least| value >= least) && most.is_none_or(|most| value <= most);
        if !fits {
            let advice = match (least, most) {
                (Some(least), Some(most)) => format!("write a number from {least} to {most}"),
                (Some(least), None) => format!("write a number of at least {least}"),
                (None, most) => format!("write a number of at most {}", most.unwrap_or_default()),
            };
            self.error(span, key, format!("{value} is out of range"), Some(advice));
        }
        fits
    }

    /// What to say of a value of the wrong type.
    fn misfit(&self, schema: &'a Value, value: &DeValue<'_>, key: &Key) -> (String, Option<String>) {
        let wanted = match &schema["type"] {
            Value::String(one) => word_of(one).to_owned(),
            Value::Array(several) => {
                several.iter().filter_map(Value::as_str).map(word_of).collect::<Vec<_>>().join(" or ")
            }
            _ => "something else".to_owned(),
        };
        let advice = match (schema["type"].as_str(), value) {
            (Some("string"), DeValue::Integer(number)) => {
                Some(format!("put it in quotation marks: `\"{}\"`", number.as_str()))
            }
            (Some("string"), DeValue::Datetime(date)) => Some(format!("put it in quotation marks: `\"{date}\"`")),
            (Some("string"), DeValue::Boolean(_) | DeValue::Float(_)) => Some("put it in quotation marks".to_owned()),
            (Some("array"), DeValue::String(_)) if self.holds_tables(schema) => {
                Some(format!("begin each with double brackets: `[[{}]]`", key.without_places()))
            }
            (Some("array"), DeValue::String(text)) => Some(format!("put it in brackets: `[{text:?}]`")),
            (Some("array"), DeValue::Table(_)) => {
                Some(format!("begin each with double brackets: `[[{}]]`", key.without_places()))
            }
            (Some("boolean"), DeValue::String(_)) => Some("write `true` or `false` without quotation marks".to_owned()),
            (Some("integer"), DeValue::String(text)) if text.parse::<i64>().is_ok() => {
                Some(format!("write it without quotation marks: `{text}`"))
            }
            (Some("integer"), DeValue::String(text)) if seconds_meant(schema, text).is_some() => {
                seconds_meant(schema, text).map(|seconds| format!("write the seconds as a number: `{seconds}`"))
            }
            (Some("object"), DeValue::String(text)) => match only_key(schema) {
                Some(only) => Some(format!("write `{{ {only} = {text:?} }}`")),
                None => Some(format!("write it as a table: `[{}]`", key.without_places())),
            },
            (Some("object"), DeValue::Array(_)) => {
                Some(format!("write `[{}]` with single brackets", key.without_places()))
            }
            (None, _) => Some("put it in quotation marks, or several of them in brackets".to_owned()),
            _ => Some(format!("write it as `{}`", self.example(Some(schema)))),
        };
        (format!("is {} where {wanted} is expected", word_of_value(value)), advice)
    }

    fn holds_tables(&self, schema: &'a Value) -> bool {
        schema.get("items").is_some_and(|items| self.meant(items)["type"] == "object")
    }

    /// A value of the shape, for advice.
    fn example(&self, schema: Option<&'a Value>) -> String {
        let Some(schema) = schema.map(|schema| self.meant(schema)) else { return "...".to_owned() };
        if let Some(first) = choices(schema).first() {
            return format!("\"{first}\"");
        }
        match schema["type"].as_str() {
            Some("string") => "\"...\"".to_owned(),
            Some("array") => format!("[{}]", self.example(schema.get("items"))),
            Some("integer") => usual(schema).or(schema["minimum"].as_i64()).unwrap_or(0).to_string(),
            Some("boolean") => "true".to_owned(),
            Some("object") => match only_key(schema) {
                Some(only) => format!("{{ {only} = \"...\" }}"),
                None => "{ ... }".to_owned(),
            },
            _ => "...".to_owned(),
        }
    }
}

fn unknown<'w>(key: &Key, name: &str, words: impl Iterator<Item = &'w str> + Clone) -> (String, Option<String>) {
    let plain = key.without_places();
    match LATER.iter().find(|(later, _)| *later == plain) {
        Some((_, instead)) => ("is not supported by this version yet".to_owned(), Some((*instead).to_owned())),
        None => ("unknown key".to_owned(), advise(name, words)),
    }
}

/// The number its description gives as the default.
fn usual(schema: &Value) -> Option<i64> {
    let (_, after) = schema["description"].as_str()?.split_once("Default: ")?;
    after.trim_start_matches('`').split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The seconds of a length of time that is written where a number of them is expected.
fn seconds_meant(schema: &Value, text: &str) -> Option<u64> {
    let in_seconds = schema["description"].as_str().is_some_and(|text| text.contains("in seconds"));
    let seconds = humantime::parse_duration(text).ok().filter(|_| in_seconds)?.as_secs();
    let bound = |key: &str, otherwise: u64| schema[key].as_u64().unwrap_or(otherwise);
    (bound("minimum", 0)..=bound("maximum", u64::MAX)).contains(&seconds).then_some(seconds)
}

/// The texts a schema allows, when it allows only some.
fn choices(schema: &Value) -> Vec<&str> {
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().filter_map(Value::as_str).collect();
    }
    let each = schema["oneOf"].as_array().into_iter().flatten();
    each.filter_map(|choice| choice["const"].as_str()).collect()
}

/// The one key a table must have; the first, where it must have one of several.
fn only_key(schema: &Value) -> Option<&str> {
    let required = schema.get("required").unwrap_or(&schema["oneOf"][0]["required"]);
    match required.as_array()?.as_slice() {
        [Value::String(only)] => Some(only),
        _ => None,
    }
}

fn is_of(wanted: &str, value: &DeValue<'_>) -> bool {
    match wanted {
        "string" => value.is_str(),
        "integer" => value.is_integer(),
        "boolean" => value.is_bool(),
        "array" => value.is_array(),
        "object" => value.is_table(),
        _ => false,
    }
}

fn word_of(wanted: &str) -> &'static str {
    match wanted {
        "string" => "a text",
        "integer" => "a whole number",
        "boolean" => "true or false",
        "array" => "an array",
        "object" => "a table",
        _ => "something else",
    }
}

fn word_of_value(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
