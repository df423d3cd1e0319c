//! `enter`: goes into a room.

use std::sync::Arc;

use proto::{Refusal, RoomName, Spec, State, States, UserName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AccountId, Cx, Handler, Move, Outcome, Reply, Room, Seq, World, no_such_room};

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
        let account = cx.account()?;
        let room = room_to_enter(cx.world, &self.room, account.id)?;
        let username = account.name.clone();
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

/// The room of that name, if the account may go there.
pub(crate) fn room_to_enter(
    world: &World,
    name: &RoomName,
    account: AccountId,
) -> Result<Arc<Room>, Refusal> {
    let room = known_room(world, name, account)?;
    room.check_entry(account)?;
    Ok(room)
}

/// The room of that name, if the account may know of it.
pub(crate) fn known_room(
    world: &World,
    name: &RoomName,
    account: AccountId,
) -> Result<Arc<Room>, Refusal> {
    if let Some(room) = world.hall.find(name).filter(|room| room.is_known_to(account)) {
        return Ok(room);
    }
    let refusal = no_such_room(name);
    Err(match world.hall.nearest(name, account) {
        Some(near) => {
            let message = format!("{} (did you mean \"{near}\"?)", refusal.message);
            Refusal { message: message.into(), ..refusal }
        }
        None => refusal,
    })
}

crate::register!(Enter);
