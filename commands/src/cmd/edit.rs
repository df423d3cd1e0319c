//! `edit`: changes what one has said.

use proto::{Code, Refusal, Spec, State, States, Text};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::cmd::msg::check_may_speak;
use crate::telling::Change;
use crate::{Account, Body, Cx, Draft, Handler, Outcome, Seq};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Edit {
    /// Which message of this room: its number, as `history` tells it.
    seq: Seq,
    /// What it says from now on.
    text: Text,
}

impl Handler for Edit {
    const SPEC: Spec = Spec::new(
        "edit",
        States::of(&[State::Chat]),
        "Change what you have said in this room",
        "/edit 42 Hello, everyone!",
    );

    type Reply = Change<'static>;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Self::Reply>, Refusal> {
        let account = cx.account()?;
        cx.world.policy.limits.check_text("text", &self.text)?;
        check_may_speak(cx.room()?, account.id)?;
        let message = message(cx, self.seq).await?;
        if message.author.id != account.id {
            return Err(Refusal::new(Code::Forbidden, "only who said it may change it"));
        }
        let text = self.text.into_string();
        Ok(Outcome::Append(Draft {
            room: Some(cx.room()?.id),
            author: Some(account.clone()),
            body: Body::Edited { target: self.seq, to: message.to, text },
            again: None,
        }))
    }
}

/// A message that can be changed still.
pub(crate) struct Editable {
    pub(crate) author: std::sync::Arc<Account>,
    pub(crate) to: Option<std::sync::Arc<Account>>,
}

/// The message of this room with that number, if one may see it and it was not taken back.
pub(crate) async fn message(cx: Cx<'_>, seq: Seq) -> Result<Editable, Refusal> {
    let (account, room) = (cx.account()?, cx.room()?);
    let none = || Refusal::bad_field("seq", "there is no such message here");
    let sight = room.sight_of(account.id).ok_or_else(none)?;
    let entry = cx.world.archive.entry(room.id, seq).await?;
    let entry = entry.filter(|entry| entry.is_for(sight) && entry.seq <= room.last_seq());
    let entry = entry.ok_or_else(none)?;
    match (entry.body, entry.author) {
        (Body::Said { changed: Some(changed), .. }, _) if changed.is_redacted => {
            Err(Refusal::bad_field("seq", "the message was taken back"))
        }
        (Body::Said { to, .. }, Some(author)) => Ok(Editable { author, to }),
        _ => Err(none()),
    }
}

crate::register!(Edit);
