//! `kick`: puts somebody out of the room, who may come back.

use proto::{Refusal, Role, Spec, State, States, Text, UserName};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::act::Request;
use crate::telling::Notice;
use crate::{Act, Cx, Handler, Outcome};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Kick {
    /// Who has to leave.
    username: UserName,
    /// Why; everyone in the room may know.
    reason: Option<Text>,
}

impl Handler for Kick {
    const SPEC: Spec = Spec::new(
        "kick",
        States::of(&[State::Chat]),
        "Put somebody out of the room; they may come back",
        "/kick harper --reason 'too loud'",
    )
    .needs(Role::Operator);

    type Reply = Notice<'static>;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Self::Reply>, Refusal> {
        Request { reason: self.reason, ..Request::of(Act::Kick, self.username) }.judge(cx).await
    }
}

crate::register!(Kick);
