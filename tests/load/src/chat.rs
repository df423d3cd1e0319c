//! The language of chatd: frames of JSON.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use proto::HEADER_BYTES;
use serde_json::{Value, json};

use crate::tongue::Heard;

/// How a message begins. The generator has to be quick, so it knows the order in which
/// chatd writes the fields; were it another, every message would be missed and the check
/// would say so.
const MESSAGE: &[u8] = br#"{"type":"msg","status":"ok""#;

static TEXT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(r#""text":""#));

/// See [`Tongue::hear`](crate::tongue::Tongue::hear).
pub fn hear(bytes: &[u8]) -> Option<(Heard<'_>, usize)> {
    let header: [u8; HEADER_BYTES] = bytes.get(..HEADER_BYTES)?.try_into().ok()?;
    let end = HEADER_BYTES + u32::from_be_bytes(header) as usize;
    let body = bytes.get(HEADER_BYTES..end)?;
    Some((meaning(body), end))
}

fn meaning(body: &[u8]) -> Heard<'_> {
    if body.starts_with(MESSAGE)
        && let Some(at) = TEXT.find(body)
    {
        return Heard::Said(&body[at + TEXT.needle().len()..]);
    }
    let Ok(reply) = serde_json::from_slice::<Value>(body) else { return Heard::Refused(body) };
    match (reply["type"].as_str(), reply["status"].as_str()) {
        (Some("resume"), Some("ok")) => Heard::Welcome,
        (Some("enter"), Some("ok")) => Heard::Entered,
        // It may be there already.
        (Some("create"), _) => Heard::Other,
        (_, Some("ok")) => Heard::Reply(body),
        _ => Heard::Refused(body),
    }
}

/// A request.
pub fn request(kind: &str, data: &Value) -> Vec<u8> {
    proto::frame(&json!({ "type": kind, "data": data })).to_vec()
}

/// Makes an account.
pub fn register(name: &str) -> Vec<u8> {
    request("register", &json!({ "username": name, "password": "1234" }))
}

/// Makes an account and logs in for a token, in one go.
pub fn sign_up(name: &str) -> Vec<u8> {
    let who = json!({ "username": name, "password": "1234" });
    [request("hello", &json!({ "caps": ["resume"] })), register(name), request("login", &who)]
        .concat()
}

/// Logs in with a token.
pub fn resume(token: &str) -> Vec<u8> {
    request("resume", &json!({ "token": token }))
}

/// The name of a room.
pub fn room(room: usize) -> String {
    format!("room{room}")
}

/// Makes the room and goes there.
pub fn enter(number: usize) -> Vec<u8> {
    let data = json!({ "room": room(number) });
    [request("create", &data), request("enter", &data)].concat()
}

/// Says something.
pub fn say(text: &str) -> Vec<u8> {
    request("msg", &json!({ "to": "public", "text": text }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(body: &str) -> Vec<u8> {
        let mut bytes = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
        bytes.extend_from_slice(body.as_bytes());
        bytes
    }

    #[test]
    fn a_message_is_heard_once_it_is_whole() {
        let body =
            r#"{"type":"msg","status":"ok","data":{"to":"public","from":"ann","text":"hi"}}"#;
        let bytes = framed(body);
        assert_eq!(hear(&bytes), Some((Heard::Said(br#"hi"}}"#), bytes.len())));
        assert_eq!(hear(&bytes[..bytes.len() - 1]), None);
        assert_eq!(hear(&bytes[..3]), None);
    }

    #[test]
    fn replies_are_told_apart() {
        for (body, heard) in [
            (r#"{"type":"resume","status":"ok"}"#, Heard::Welcome),
            (r#"{"type":"enter","status":"ok"}"#, Heard::Entered),
            (r#"{"type":"create","status":"error"}"#, Heard::Other),
        ] {
            assert_eq!(hear(&framed(body)).unwrap().0, heard);
        }
        let refusal = r#"{"type":"msg","status":"error","code":"server_busy"}"#;
        assert_eq!(hear(&framed(refusal)).unwrap().0, Heard::Refused(refusal.as_bytes()));
    }
}
