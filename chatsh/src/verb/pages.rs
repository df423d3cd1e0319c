//! Messages of the past, as `history` tells them page by page, in the form of pushes.

use proto::{Incoming, Status};
use serde_json::{Map, Value, json};

use super::errand::Errand;
use crate::exit::Failure;
use crate::link::Received;

/// How many messages a server gives at once, at most.
pub(super) const PAGE_LEN_MAX: u64 = 200;

/// A page of the past.
pub(super) struct Page {
    /// Oldest first, each as it was pushed when it was said.
    pub(super) messages: Vec<Received>,
    /// Are there more in that direction?
    pub(super) more: bool,
}

/// The page that `data` asks for.
///
/// # Errors
/// It was refused, or no reply came.
pub(super) async fn page(errand: &mut Errand, data: &Map<String, Value>) -> Result<Page, Failure> {
    let history = errand.command("history")?.spec.name;
    let reply = errand.ask(&history, data).await?.message;
    let kind = errand.said_kind();
    let messages = reply.data.get("messages").and_then(Value::as_array).into_iter().flatten();
    Ok(Page {
        messages: messages.filter_map(Value::as_object).map(|said| push(&kind, said)).collect(),
        more: reply.data.get("more").and_then(Value::as_bool).unwrap_or_default(),
    })
}

fn push(kind: &str, said: &Map<String, Value>) -> Received {
    let frame = json!({ "type": kind, "status": "ok", "data": said });
    let message = Incoming {
        kind: kind.into(),
        status: Status::Ok,
        data: said.clone(),
        message: None,
        id: None,
        code: None,
    };
    Received { message, body: frame.to_string().into_bytes() }
}

/// The number of a message in its room.
pub(super) fn seq(push: &Received) -> Option<i64> {
    push.message.data.get("seq").and_then(Value::as_i64)
}
