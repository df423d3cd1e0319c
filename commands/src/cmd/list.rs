//! `list`: who is where.

use proto::{Cap, Refusal, Spec, State, States};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Cx, Handler, Listing, Outcome, Reply};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct List {
    /// From a room, too, all rooms, as in the lobby.
    all: Option<bool>,
}

impl Handler for List {
    const SPEC: Spec = Spec::new(
        "list",
        States::of(&[State::Lobby, State::Chat]),
        "List the rooms and who is in them; in a room, who is there (all: everywhere)",
        "/list",
    );

    type Reply = Listing;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Listing>, Refusal> {
        if self.all == Some(true) {
            let account = cx.account()?.id;
            return Ok(Outcome::data(cx.world.hall.all_rooms(account)));
        }
        // A client that is pushed lists tells by the type which place one is of.
        let is_marked = cx.session.state() == State::Chat && cx.peer().takes(Cap::ListPush);
        let kind = is_marked.then_some("list_room");
        Ok(Outcome::look(move |view| Reply { kind, ..Reply::data(view.listing()) }))
    }
}

crate::register!(List);
