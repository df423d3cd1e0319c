//! `deop`: makes an operator an ordinary member again.

use proto::{Refusal, Role, Spec, State, States, UserName};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::act::Request;
use crate::telling::Notice;
use crate::{Act, Cx, Handler, Outcome};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Deop {
    /// Who keeps order no more.
    username: UserName,
}

impl Handler for Deop {
    const SPEC: Spec = Spec::new(
        "deop",
        States::of(&[State::Chat]),
        "Make an operator an ordinary member again",
        "/deop harper",
    )
    .needs(Role::Operator);

    type Reply = Notice<'static>;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Self::Reply>, Refusal> {
        Request::of(Act::Deop, self.username).judge(cx).await
    }
}

crate::register!(Deop);
