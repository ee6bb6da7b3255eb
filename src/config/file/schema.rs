//! The JSON Schema of the configuration: made from the types of [`super::v1`], printed by `cordon schema`, and what a file is held
//! against. One definition, so that the types, the errors and an editor's completion cannot differ.

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use super::v1::File;

/// The schema (JSON Schema, draft 2020-12).
pub fn schema() -> Value {
    schema_of::<File>()
}

/// The schema as it is kept in the repository: indented, with a newline at its end.
pub fn schema_text() -> String {
    // A `Value` has only text keys, so that writing it cannot fail; an empty text would be seen by the test of the kept schema.
    let mut text = serde_json::to_string_pretty(&schema()).unwrap_or_default();
    text.push('\n');
    text
}

/// The schema of any type as written.
pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with_transform(WithoutNull);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// TOML has no null: an optional key is one that may be missing.
#[derive(Clone, Debug)]
struct WithoutNull;

impl Transform for WithoutNull {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(object) = schema.as_object_mut() {
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|t| t != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    object.insert("type".into(), only);
                }
            }
            if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
                choices.retain(|choice| choice.get("type") != Some(&Value::from("null")));
                if let [Value::Object(only)] = choices.as_slice() {
                    let only = only.clone();
                    object.remove("anyOf");
                    for (key, value) in only {
                        object.entry(key).or_insert(value);
                    }
                }
            }
            // `uint8` and the like are formats of another language's types, not of a text.
            object.remove("format");
        }
        transform_subschemas(self, schema);
    }
}
