//! `unregister`: ends one's account.

use proto::{Password, Refusal, Spec, State, States};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Cx, Handler, Move, Outcome, Reply};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Unregister {
    /// The password of the account.
    password: Password,
}

impl Handler for Unregister {
    const SPEC: Spec = Spec::new(
        "unregister",
        States::of(&[State::Lobby]),
        "Delete your account; what you said stays, and nobody gets your name",
        "/unregister 1234",
    )
    .leads_to(&[State::Auth])
    .irreversible();

    type Reply = ();

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<()>, Refusal> {
        let account = cx.account()?.clone();
        let id = account.id;
        cx.world.accounts.unregister(cx.session.from(), account, self.password).await?;
        cx.world.hall.end_account(id, cx.peer().id());
        Ok(Outcome::go(Move::SignOut, |_| {
            Reply::message(
                "Account deleted. Messages to rooms stay, under your name; those to users stay \
                 with them; your rooms stay without an owner; nobody can register the name again",
            )
        }))
    }
}

crate::register!(Unregister);
