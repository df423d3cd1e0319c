//! What is true of every frame that a client receives.

use proto::{Code, Incoming, Status};
use serde_json::Value;

use super::{CATALOGUE, violation};

/// Reads a frame as a client does, and checks what is true of every frame.
pub(crate) fn read(frame: &[u8]) -> Incoming {
    let (header, body) = frame.split_at(proto::HEADER_BYTES);
    assert_eq!(
        header,
        u32::try_from(body.len()).unwrap().to_be_bytes(),
        "the header is the length"
    );
    let json: Value = serde_json::from_slice(body).expect("a frame is JSON");
    let incoming: Incoming =
        serde_json::from_value(json.clone()).expect("a frame has its envelope");
    match incoming.status {
        Status::Error => {
            let code = incoming.code.as_deref().expect("an error has a code");
            assert!(Code::ALL.iter().any(|known| known.name() == code), "{code} is no code");
            assert!(incoming.message.is_some(), "an error has a message");
            let detail = match code {
                "bad_request" => Some("field"),
                "wrong_state" => Some("states"),
                "throttled" => Some("retry_after_ms"),
                _ => None,
            };
            assert!(detail.is_none_or(|key| incoming.data.contains_key(key)), "{json}");
        }
        Status::Ok => {
            assert!(incoming.code.is_none(), "{json}");
            let name = if incoming.kind == "list_room" { "list" } else { &incoming.kind };
            let data = json.get("data").unwrap_or(&Value::Null);
            let reply = CATALOGUE.find(name).map(|command| &command.reply);
            let push = CATALOGUE.pushes.iter().find(|push| push.name == incoming.kind);
            // Only a push may be what no reply is.
            let push = push.filter(|_| incoming.id.is_none()).map(|push| &push.data);
            let wrong: Vec<_> =
                reply.into_iter().chain(push).map(|schema| violation(schema, data)).collect();
            assert!(wrong.contains(&None), "{json}: {wrong:?}");
        }
    }
    incoming
}
