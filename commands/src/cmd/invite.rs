//! `invite`: lets somebody come into a private room.

use proto::{Refusal, Role, Spec, State, States, UserName};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::act::Request;
use crate::telling::Notice;
use crate::{Act, Cx, Handler, Outcome};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Invite {
    /// Who may come.
    username: UserName,
}

impl Handler for Invite {
    const SPEC: Spec = Spec::new(
        "invite",
        States::of(&[State::Chat]),
        "Let somebody find and enter this private room, unless a ban keeps them out",
        "/invite harper",
    )
    .needs(Role::Operator);

    type Reply = Notice<'static>;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Self::Reply>, Refusal> {
        Request::of(Act::Invite, self.username).judge(cx).await
    }
}

crate::register!(Invite);
