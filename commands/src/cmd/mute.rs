//! `mute`: keeps somebody from speaking in the room.

use proto::{Refusal, Role, Spec, State, States, Text, UserName};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::act::Request;
use crate::telling::Notice;
use crate::{Act, Cx, Handler, Outcome};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Mute {
    /// Who has to be silent.
    username: UserName,
    /// For how long, in minutes; without it, until somebody undoes it.
    minutes: Option<u32>,
    /// Why; everyone in the room may know.
    reason: Option<Text>,
}

impl Handler for Mute {
    const SPEC: Spec = Spec::new(
        "mute",
        States::of(&[State::Chat]),
        "Keep somebody from speaking in the room",
        "/mute harper --minutes 5",
    )
    .needs(Role::Operator);

    type Reply = Notice<'static>;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Self::Reply>, Refusal> {
        Request {
            minutes: self.minutes,
            reason: self.reason,
            ..Request::of(Act::Mute, self.username)
        }
        .judge(cx)
        .await
    }
}

crate::register!(Mute);
