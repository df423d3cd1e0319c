//! `exit`: leaves the room for the lobby.

use proto::{Refusal, Spec, State, States};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Cx, Handler, Move, Outcome, Reply};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Exit {}

impl Handler for Exit {
    const SPEC: Spec =
        Spec::new("exit", States::of(&[State::Chat]), "Leave the room for the lobby", "/exit")
            .leads_to(&[State::Lobby]);

    type Reply = ();

    async fn handle(self, _: Cx<'_>) -> Result<Outcome<()>, Refusal> {
        Ok(Outcome::go(Move::Exit, |_| Reply::message("Exited chatroom, returned to lobby")))
    }
}

crate::register!(Exit);
