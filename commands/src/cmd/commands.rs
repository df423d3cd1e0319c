//! `commands`: what the server can be asked.

use proto::{Catalogue, Refusal, Spec, States};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Cx, Handler, Outcome};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Commands {}

impl Handler for Commands {
    const SPEC: Spec = Spec::new(
        "commands",
        States::ANY,
        "Describe every command: states, arguments, schemas",
        "/commands",
    );

    type Reply = &'static Catalogue;

    async fn handle(self, _: Cx<'_>) -> Result<Outcome<Self::Reply>, Refusal> {
        Ok(Outcome::data(crate::catalogue()))
    }
}

crate::register!(Commands);
