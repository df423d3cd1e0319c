//! `unmute`: lets somebody speak again.

use proto::{Refusal, Role, Spec, State, States, UserName};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::act::Request;
use crate::telling::Notice;
use crate::{Act, Cx, Handler, Outcome};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Unmute {
    /// Who may speak again.
    username: UserName,
}

impl Handler for Unmute {
    const SPEC: Spec = Spec::new(
        "unmute",
        States::of(&[State::Chat]),
        "Let somebody speak again who was muted",
        "/unmute harper",
    )
    .needs(Role::Operator);

    type Reply = Notice<'static>;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Self::Reply>, Refusal> {
        Request::of(Act::Unmute, self.username).judge(cx).await
    }
}

crate::register!(Unmute);
