//! `list`: who is where.

use proto::{Cap, Refusal, Spec, State, States};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Cx, Handler, Listing, Outcome, Reply};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct List {}

impl Handler for List {
    const SPEC: Spec = Spec::new(
        "list",
        States::of(&[State::Lobby, State::Chat]),
        "List the rooms and who is in them; in a room, who is there",
        "/list",
    );

    type Reply = Listing;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Listing>, Refusal> {
        // A client that is pushed lists tells by the type which place one is of.
        let is_marked = cx.session.state() == State::Chat && cx.peer().takes(Cap::ListPush);
        let kind = is_marked.then_some("list_room");
        Ok(Outcome::look(move |view| Reply { kind, ..Reply::data(view.listing()) }))
    }
}

crate::register!(List);
