//! `ping`: is the connection alive?

use jiff::Timestamp;
use proto::{Frame, Outgoing, Refusal, Spec, States, frame};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entry::rfc3339_ms;
use crate::{Cx, Handler, Outcome};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ping {}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Pong {
    /// The server's time, in UTC with milliseconds (RFC 3339).
    #[serde(serialize_with = "rfc3339_ms")]
    #[schemars(with = "String")]
    ts: Timestamp,
}

impl Handler for Ping {
    const SPEC: Spec = Spec::new("ping", States::ANY, "Ask whether the server is there", "/ping");

    type Reply = Pong;

    async fn handle(self, _: Cx<'_>) -> Result<Outcome<Pong>, Refusal> {
        Ok(Outcome::data(Pong { ts: Timestamp::now() }))
    }
}

crate::register!(Ping);

/// The question whether a silent client is there: any frame is an answer.
pub fn ping_push() -> Frame {
    frame(&Outgoing::ok("ping", Pong { ts: Timestamp::now() }))
}
