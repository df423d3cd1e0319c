//! `enter`: goes into a room.

use std::sync::Arc;

use proto::{Code, Refusal, RoomName, Spec, State, States, UserName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Cx, Handler, Move, Outcome, Reply, Room, Seq, World};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Enter {
    /// Which room.
    room: RoomName,
}

#[derive(Serialize, JsonSchema)]
struct Entered {
    username: UserName,
    /// As it was created.
    room: RoomName,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    /// The last entry before those that follow now.
    last_seq: Seq,
    /// The oldest entry that is kept.
    oldest: Seq,
    /// Which ledger it is: another one after a restored backup.
    epoch: String,
}

impl Handler for Enter {
    const SPEC: Spec =
        Spec::new("enter", States::of(&[State::Lobby]), "Enter a room", "/enter tech_talk")
            .leads_to(&[State::Chat]);

    type Reply = Entered;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Entered>, Refusal> {
        let room = room_to_enter(cx.world, &self.room)?;
        let username = cx.account()?.name.clone();
        let name = room.name.clone();
        Ok(Outcome::go(Move::Enter(room), move |view| {
            let entered = Entered {
                username,
                room: name,
                topic: view.topic(),
                last_seq: view.last_seq(),
                oldest: view.oldest(),
                epoch: view.epoch().to_owned(),
            };
            Reply::data(entered).saying("Welcome to the chatroom")
        }))
    }
}

/// The room of that name, if one may go there.
pub(crate) fn room_to_enter(world: &World, name: &RoomName) -> Result<Arc<Room>, Refusal> {
    world.hall.find(name).ok_or_else(|| no_such_room(world, name))
}

fn no_such_room(world: &World, name: &RoomName) -> Refusal {
    let near = world.hall.nearest(name);
    let hint = near.map_or(String::new(), |near| format!(" (did you mean \"{near}\"?)"));
    Refusal::new(Code::NoSuchRoom, format!("there is no room \"{name}\"{hint}"))
}

crate::register!(Enter);
