//! `delete`: ends a room, with all that was said there.

use proto::{Refusal, Role, RoomName, Spec, State, States};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::cmd::enter::known_room;
use crate::dispatch::needs_role;
use crate::telling::Notice;
use crate::{Body, Cx, Draft, Handler, Outcome};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Delete {
    /// Which room; it must be yours.
    room: RoomName,
}

impl Handler for Delete {
    const SPEC: Spec = Spec::new(
        "delete",
        States::of(&[State::Lobby]),
        "Delete a room of yours, with all that was said there",
        "/delete tech_talk",
    )
    .needs(Role::Owner)
    .irreversible();

    type Reply = Notice<'static>;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Self::Reply>, Refusal> {
        let account = cx.account()?;
        let room = known_room(cx.world, &self.room, account.id)?;
        if room.role_of(account.id) < Role::Owner {
            return Err(needs_role("delete", &room, Role::Owner));
        }
        Ok(Outcome::Append(Draft {
            room: Some(room.id),
            author: Some(account.clone()),
            body: Body::Deleted,
            again: None,
        }))
    }
}

crate::register!(Delete);
