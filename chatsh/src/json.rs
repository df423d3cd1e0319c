//! A frame as a line of JSON: as it came, but for the token, which is a secret.

use serde_json::Value;

use crate::safe;

/// The frame in `body`, which is JSON, on one line.
pub(crate) fn line(body: &[u8]) -> String {
    let mut frame: Value = serde_json::from_slice(body).unwrap_or_default();
    blot(&mut frame);
    safe::json(&frame.to_string())
}

/// Blots out every token in `value`.
fn blot(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(token) if key == "token" => *token = "…".into(),
                    value => blot(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(blot),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_shown_as_it_came_without_its_token() {
        assert_eq!(
            line(br#"{ "type": "login", "status": "ok", "data": {"token":"t0p", "b":[{"token":"t"}]}, "id": 2 }"#),
            r#"{"type":"login","status":"ok","data":{"token":"…","b":[{"token":"…"}]},"id":2}"#
        );
        assert_eq!(
            line("{\"type\":\"msg\",\n\"text\":\"a\u{202e}b\\u001b\"}".as_bytes()),
            r#"{"type":"msg","text":"a\u202eb\u001b"}"#
        );
    }
}
