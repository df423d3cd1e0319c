//! `ban`: puts somebody out of the room, and keeps them out.

use proto::{Refusal, Role, Spec, State, States, Text, UserName};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::act::Request;
use crate::telling::Notice;
use crate::{Act, Cx, Handler, Outcome};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ban {
    /// Who has to leave.
    username: UserName,
    /// For how long, in minutes; without it, until somebody undoes it.
    minutes: Option<u32>,
    /// Why; everyone in the room may know.
    reason: Option<Text>,
}

impl Handler for Ban {
    const SPEC: Spec = Spec::new(
        "ban",
        States::of(&[State::Chat]),
        "Put somebody out of the room and keep them out; an operator is none then",
        "/ban harper --minutes 60 --reason spam",
    )
    .needs(Role::Operator);

    type Reply = Notice<'static>;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Self::Reply>, Refusal> {
        Request {
            minutes: self.minutes,
            reason: self.reason,
            ..Request::of(Act::Ban, self.username)
        }
        .judge(cx)
        .await
    }
}

crate::register!(Ban);
