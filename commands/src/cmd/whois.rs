//! `whois`: what one may know of somebody.

use jiff::Timestamp;
use proto::{Refusal, RoomName, Spec, State, States, UserName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entry::rfc3339_ms;
use crate::{Cx, Handler, Outcome};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Whois {
    /// Who.
    username: UserName,
}

#[derive(Serialize, JsonSchema)]
struct Known {
    /// As it was registered.
    username: UserName,
    /// When it was registered.
    #[serde(serialize_with = "rfc3339_ms")]
    #[schemars(with = "String")]
    registered: Timestamp,
    /// Is anybody logged in with it?
    online: bool,
    /// In which rooms, of those that you may know.
    rooms: Vec<RoomName>,
}

impl Handler for Whois {
    const SPEC: Spec = Spec::new(
        "whois",
        States::of(&[State::Lobby, State::Chat]),
        "Ask who somebody is, and in which rooms",
        "/whois harper",
    );

    type Reply = Known;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Known>, Refusal> {
        let asker = cx.account()?.id;
        let profile = cx.world.accounts.find(self.username).await?;
        let online = cx.world.hall.online(profile.account.id);
        let rooms = online.iter().filter_map(|online| online.room.as_ref());
        let known = rooms.filter(|room| room.is_known_to(asker));
        let mut rooms: Vec<RoomName> = known.map(|room| room.name.clone()).collect();
        rooms.sort_unstable();
        rooms.dedup();
        Ok(Outcome::data(Known {
            username: profile.account.name.clone(),
            registered: profile.registered,
            online: !online.is_empty(),
            rooms,
        }))
    }
}

crate::register!(Whois);
