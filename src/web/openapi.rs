//! The API's description, made from the types that are served.

use schemars::JsonSchema;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Value, json};

use super::problem::Problem;
use super::status::StatusV1;

/// The description of the API, in OpenAPI 3.1.
pub fn document(version: &str) -> Value {
    let mut schemas = SchemaSettings::draft2020_12()
        .for_serialize()
        .with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
        .into_generator();
    let status = schema::<StatusV1>(&mut schemas);
    let problem = schema::<Problem>(&mut schemas);
    let text =
        |about: &str| json!({ "description": about, "content": { "text/plain": { "schema": { "type": "string" } } } });
    let problem =
        |about: &str| json!({ "description": about, "content": { "application/problem+json": { "schema": problem } } });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Cordon",
            "version": version,
            "description": "What a Cordon node tells of itself. Every path is read only; errors are RFC 9457 problems.",
        },
        "paths": {
            "/api/v1/status": { "get": {
                "operationId": "status",
                "summary": "What is in force",
                "responses": {
                    "200": {
                        "description": "The state of this node.",
                        "content": { "application/json": { "schema": status } },
                    },
                    "default": problem("Anything else."),
                },
            } },
            "/api/v1/openapi.json": { "get": {
                "operationId": "openapi",
                "summary": "This description",
                "responses": { "200": {
                    "description": "OpenAPI 3.1.",
                    "content": { "application/json": { "schema": { "type": "object" } } },
                } },
            } },
            "/healthz": { "get": {
                "operationId": "healthz",
                "summary": "Whether the process lives",
                "responses": { "200": text("It does.") },
            } },
            "/readyz": { "get": {
                "operationId": "readyz",
                "summary": "Whether queries are answered by a loaded snapshot and logged",
                "responses": { "200": text("They are."), "503": problem("They are not; `missing` says why.") },
            } },
            "/metrics": { "get": {
                "operationId": "metrics",
                "summary": "Numbers for Prometheus",
                "responses": {
                    "200": text("The text format of Prometheus, version 0.0.4."),
                    "500": problem("The numbers could not be written."),
                },
            } },
        },
        "components": { "schemas": schemas.take_definitions(true) },
    })
}

fn schema<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Value {
    schemas.subschema_for::<T>().to_value()
}
