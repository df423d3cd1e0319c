//! `redact`: takes back what was said; its text is gone from the disk.

use proto::{Code, Refusal, Role, Spec, State, States};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::cmd::edit::message;
use crate::telling::Change;
use crate::{Body, Cx, Draft, Handler, Outcome, Seq};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Redact {
    /// Which message of this room: its number, as `history` tells it.
    seq: Seq,
}

impl Handler for Redact {
    const SPEC: Spec = Spec::new(
        "redact",
        States::of(&[State::Chat]),
        "Take back what you have said; operators may take back what others said to all",
        "/redact 42",
    );

    type Reply = Change<'static>;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Self::Reply>, Refusal> {
        let (account, room) = (cx.account()?, cx.room()?);
        let message = message(cx, self.seq).await?;
        let is_keeper = room.role_of(account.id) >= Role::Operator && message.to.is_none();
        if message.author.id != account.id && !is_keeper {
            return Err(Refusal::new(
                Code::Forbidden,
                "only who said it may take it back, or for a public one a keeper of the room",
            ));
        }
        Ok(Outcome::Append(Draft {
            room: Some(room.id),
            author: Some(account.clone()),
            body: Body::Redacted { target: self.seq, to: message.to },
            again: None,
        }))
    }
}

crate::register!(Redact);
