//! `tell`: a private message to any account, here, elsewhere or away.

use std::sync::Arc;

use proto::{Code, Key, Refusal, Spec, State, States, Text, UserName};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::telling::Tell as Told;
use crate::{Account, AccountId, Again, Body, Cx, Draft, Handler, Outcome, RoomId};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Tell {
    /// Whom it is for.
    to: UserName,
    /// What it says.
    text: Text,
    /// Sent again within ten minutes, the same key is the same message.
    key: Option<Key>,
}

impl Handler for Tell {
    const SPEC: Spec = Spec::new(
        "tell",
        States::of(&[State::Lobby, State::Chat]),
        "Write to somebody, wherever they are; their inbox keeps it",
        "/tell harper Are you coming?",
    );

    type Reply = Told<'static>;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Self::Reply>, Refusal> {
        cx.world.policy.limits.check_text("text", &self.text)?;
        let name = self.to.clone();
        let (to, gone) = match (cx.world.accounts.find(self.to).await, &self.key) {
            (Ok(profile), _) => (profile.account, None),
            // Only one who asks again may mean somebody who has gone since.
            (Err(refusal), Some(_)) if refusal.code == Code::NoSuchUser => {
                (Arc::new(Account::new(AccountId(0), name)), Some(refusal))
            }
            (Err(refusal), _) => return Err(refusal),
        };
        Ok(Outcome::Append(Draft {
            room: Some(RoomId::TELLS),
            author: Some(cx.account()?.clone()),
            body: Body::Told { to, text: self.text.into_string() },
            again: self.key.map(|key| Again { key, else_refused: gone }),
        }))
    }
}

crate::register!(Tell);
