//! `chatd schema`: the whole protocol as one JSON Schema document, from the registry.

use proto::Code;
use serde_json::{Map, Value, json};

/// Frames from the client under `request`, those from the server under `reply`, each
/// command's own under `commands`.
pub(crate) fn protocol() -> Value {
    let catalogue = commands::catalogue();
    let mut parts = Map::new();
    for command in &catalogue.commands {
        let described = json!({
            "description": command.spec.summary,
            "states": command.spec.states,
            "role": command.spec.role,
            "leads_to": command.spec.leads_to,
            "request": envelope(&command.spec.name, &command.request),
            "reply": reply(&command.spec.name, &command.reply),
        });
        parts.insert(command.spec.name.to_string(), described);
    }
    let any = |part: &str| -> Vec<Value> {
        let pointer = |name: &String| json!({ "$ref": format!("#/$defs/commands/{name}/{part}") });
        parts.keys().map(pointer).collect()
    };
    let described = |push: &proto::Push| {
        let mut frame = envelope(&push.name, &push.data);
        frame["description"] = json!(push.summary);
        frame["properties"]["status"] = json!({ "const": "ok" });
        (push.name.to_string(), frame)
    };
    let pushes: Map<_, _> = catalogue.pushes.iter().map(described).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The chat protocol",
        "version": catalogue.version,
        "$defs": {
            "request": { "anyOf": any("request") },
            "reply": { "anyOf": any("reply") },
            "code": { "enum": Code::ALL },
            "commands": parts,
            "pushes": pushes,
        },
    })
}

fn id() -> Value {
    serde_json::to_value(schemars::schema_for!(proto::Id)).expect("a schema is JSON")
}

fn envelope(name: &str, data: &Value) -> Value {
    json!({
        "type": "object",
        "properties": { "type": { "const": name }, "data": data, "id": id() },
        "required": ["type"],
    })
}

fn reply(name: &str, data: &Value) -> Value {
    json!({
        "type": "object",
        "properties": {
            "type": { "const": name },
            "status": { "enum": ["ok", "error"] },
            "data": data,
            "message": { "type": "string" },
            "id": id(),
            "code": { "$ref": "#/$defs/code" },
        },
        "required": ["type", "status"],
    })
}
