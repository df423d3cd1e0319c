//! `unban`: lets somebody come back who was banned.

use proto::{Refusal, Role, Spec, State, States, UserName};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::act::Request;
use crate::telling::Notice;
use crate::{Act, Cx, Handler, Outcome};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Unban {
    /// Who may come back.
    username: UserName,
}

impl Handler for Unban {
    const SPEC: Spec = Spec::new(
        "unban",
        States::of(&[State::Chat]),
        "Let somebody come back who was banned",
        "/unban harper",
    )
    .needs(Role::Operator);

    type Reply = Notice<'static>;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Self::Reply>, Refusal> {
        Request::of(Act::Unban, self.username).judge(cx).await
    }
}

crate::register!(Unban);
