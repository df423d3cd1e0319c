//! `msg`: says something in the room, to all or to one.

use std::sync::Arc;

use proto::{Addressee, Code, Refusal, Spec, State, States, Text, UserName};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::entry::Message;
use crate::{Account, Body, Cx, Draft, Handler, Outcome, Room};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Msg {
    /// `public`, or one who is in the room.
    to: Addressee,
    /// What to say.
    text: Text,
    /// Your own name; any other is refused.
    from: Option<UserName>,
}

impl Handler for Msg {
    const SPEC: Spec = Spec::new(
        "msg",
        States::of(&[State::Chat]),
        "Say something in the room, to all (public) or to one who is there",
        "/msg public Hello everyone!",
    )
    .pipelined()
    .bare("public");

    type Reply = Message<'static>;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Self::Reply>, Refusal> {
        let author = cx.account()?;
        let room = cx.room()?;
        if self.from.is_some_and(|from| from.key() != author.key) {
            return Err(Refusal::bad_field("from", "it is not your name, and may be left out"));
        }
        cx.world.policy.limits.check_text("text", &self.text)?;
        Ok(Outcome::Append(Draft {
            room: Some(room.id),
            author: Some(author.clone()),
            body: Body::Said { to: addressee(room, self.to)?, text: self.text.into_string() },
        }))
    }
}

fn addressee(room: &Room, to: Addressee) -> Result<Option<Arc<Account>>, Refusal> {
    let Addressee::User(name) = to else { return Ok(None) };
    match room.find(&name) {
        Some(account) => Ok(Some(account)),
        None => Err(Refusal::new(Code::NotInRoom, format!("{name} is not in this room"))),
    }
}

crate::register!(Msg);
