//! `op`: makes somebody an operator of the room.

use proto::{Refusal, Role, Spec, State, States, UserName};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::act::Request;
use crate::telling::Notice;
use crate::{Act, Cx, Handler, Outcome};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Op {
    /// Who is to keep order.
    username: UserName,
}

impl Handler for Op {
    const SPEC: Spec = Spec::new(
        "op",
        States::of(&[State::Chat]),
        "Make somebody an operator of the room",
        "/op harper",
    )
    .needs(Role::Operator);

    type Reply = Notice<'static>;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Self::Reply>, Refusal> {
        Request::of(Act::Op, self.username).judge(cx).await
    }
}

crate::register!(Op);
