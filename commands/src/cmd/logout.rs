//! `logout`: becomes nobody again; the token of this login opens nothing any more.

use proto::{Refusal, Spec, State, States};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Cx, Handler, Move, Outcome, Reply};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Logout {}

impl Handler for Logout {
    const SPEC: Spec = Spec::new("logout", States::of(&[State::Lobby]), "Log out", "/logout")
        .leads_to(&[State::Auth]);

    type Reply = ();

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<()>, Refusal> {
        if let Some(token) = cx.session.token() {
            cx.world.accounts.revoke(token).await?;
        }
        Ok(Outcome::go(Move::SignOut, |_| Reply::message("Logged out")))
    }
}

crate::register!(Logout);
