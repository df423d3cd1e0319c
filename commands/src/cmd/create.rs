//! `create`: makes a room that lasts.

use proto::{Refusal, RoomName, Spec, State, States, Text};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    Body, Cx, Draft, Handler, Outcome, PastPolicy, RoomPolicy, room_exists, too_many_rooms,
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    /// Its name.
    room: RoomName,
    /// What it is about.
    topic: Option<Text>,
    /// Only those who are invited may enter; all others do not know of it.
    private: Option<bool>,
    /// What one may read: `all`, or what was said `since_join`, one's first entering.
    history: Option<PastPolicy>,
}

impl Handler for Create {
    const SPEC: Spec = Spec::new(
        "create",
        States::of(&[State::Lobby]),
        "Create a room; you own it and stay in the lobby",
        "/create tech_talk",
    );

    type Reply = ();

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<()>, Refusal> {
        let owner = cx.account()?;
        let limits = &cx.world.policy.limits;
        if let Some(topic) = &self.topic {
            limits.check_text("topic", topic)?;
        }
        // Asked for twice at once, only the ledger can tell; here it is told at once.
        let rooms_max = limits.rooms_per_user;
        if rooms_max > 0 && cx.world.hall.rooms_owned_by(owner.id) >= rooms_max as usize {
            return Err(too_many_rooms(rooms_max));
        }
        // After that: who can make no room cannot try out which private ones there are.
        if cx.world.hall.find(&self.room).is_some() {
            return Err(room_exists(&self.room));
        }
        Ok(Outcome::Append(Draft {
            room: None,
            author: Some(owner.clone()),
            body: Body::Created {
                name: self.room,
                topic: self.topic.map(Text::into_string),
                policy: RoomPolicy {
                    is_private: self.private.unwrap_or(false),
                    past: self.history.unwrap_or_default(),
                },
            },
            again: None,
        }))
    }
}

crate::register!(Create);
