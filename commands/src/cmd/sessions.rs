//! `sessions`: the connections of one's own account.

use jiff::Timestamp;
use proto::{Refusal, RoomName, Spec, State, States};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entry::rfc3339_ms;
use crate::{Cx, Handler, Online, Outcome, PeerId};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Sessions {}

#[derive(Serialize, JsonSchema)]
struct Yours {
    /// The oldest first.
    sessions: Vec<Row>,
}

#[derive(Serialize, JsonSchema)]
struct Row {
    /// Whence it comes.
    from: String,
    /// Since when it is logged in.
    #[serde(serialize_with = "rfc3339_ms")]
    #[schemars(with = "String")]
    since: Timestamp,
    /// Where it is, if not in the lobby.
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<RoomName>,
    /// Is it this one?
    this: bool,
}

impl Row {
    fn of(online: &Online, own: PeerId) -> Row {
        Row {
            from: online.from.to_canonical().to_string(),
            since: online.since,
            room: online.room.as_ref().map(|room| room.name.clone()),
            this: online.peer.id() == own,
        }
    }
}

impl Handler for Sessions {
    const SPEC: Spec = Spec::new(
        "sessions",
        States::of(&[State::Lobby, State::Chat]),
        "List where you are logged in",
        "/sessions",
    );

    type Reply = Yours;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Yours>, Refusal> {
        let online = cx.world.hall.online(cx.account()?.id);
        let sessions = online.iter().map(|online| Row::of(online, cx.peer().id())).collect();
        Ok(Outcome::data(Yours { sessions }))
    }
}

crate::register!(Sessions);
