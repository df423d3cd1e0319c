//! `topic`: says what the room is about.

use proto::{Refusal, Role, Spec, State, States, Text};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::telling::Notice;
use crate::{Body, Cx, Draft, Handler, Outcome};

/// What takes the topic away: a text that goes to the end of the line cannot be an empty one.
const NOTHING: &str = "\"\"";

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Topic {
    /// What the room is about; two quotes, `""`, are nothing.
    text: Text,
}

impl Handler for Topic {
    const SPEC: Spec = Spec::new(
        "topic",
        States::of(&[State::Chat]),
        "Say what the room is about, or \"\" for nothing; room shows it",
        "/topic All about gears",
    )
    .needs(Role::Operator);

    type Reply = Notice<'static>;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Self::Reply>, Refusal> {
        cx.world.policy.limits.check_text("text", &self.text)?;
        let text = Some(self.text.into_string()).filter(|text| text.trim() != NOTHING);
        Ok(Outcome::Append(Draft {
            room: Some(cx.room()?.id),
            author: Some(cx.account()?.clone()),
            body: Body::Topic { text: text.unwrap_or_default() },
            again: None,
        }))
    }
}

crate::register!(Topic);
