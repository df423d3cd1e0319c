//! `quit`: ends the connection; tokens stay good.

use proto::{Refusal, Spec, State, States};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Cx, Handler, Move, Outcome, Reply};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Quit {}

impl Handler for Quit {
    const SPEC: Spec =
        Spec::new("quit", States::ANY, "End the connection", "/quit").leads_to(&[State::Ended]);

    type Reply = ();

    async fn handle(self, _: Cx<'_>) -> Result<Outcome<()>, Refusal> {
        Ok(Outcome::go(Move::End, |_| Reply::message("Goodbye")))
    }
}

crate::register!(Quit);
