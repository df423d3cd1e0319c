//! `msg`: says something in the room, to all or to one.

use std::sync::Arc;

use jiff::Timestamp;
use proto::{Addressee, Code, Key, Refusal, Spec, State, States, Text, UserName};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::telling::Message;
use crate::{Account, AccountId, Again, Body, Cx, Draft, Handler, Outcome, Room};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Msg {
    /// `public`, or one who is in the room, in whose history it is, not in an inbox.
    to: Addressee,
    /// What to say.
    text: Text,
    /// Your own name; any other is refused.
    from: Option<UserName>,
    /// Sent again within ten minutes, the same key is the same message.
    key: Option<Key>,
}

impl Handler for Msg {
    const SPEC: Spec = Spec::new(
        "msg",
        States::of(&[State::Chat]),
        "Say something in the room, to all (public) or to one who is there",
        "/msg public Hello everyone!",
    )
    .pipelined()
    .bare("public");

    type Reply = Message<'static>;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Self::Reply>, Refusal> {
        let author = cx.account()?;
        let room = cx.room()?;
        if self.from.is_some_and(|from| from.key() != author.key) {
            return Err(Refusal::bad_field("from", "it is not your name, and may be left out"));
        }
        cx.world.policy.limits.check_text("text", &self.text)?;
        check_may_speak(room, author.id)?;
        let (to, absent) = match self.to {
            Addressee::Public => (None, None),
            Addressee::User(name) => match room.find(&name) {
                Some(account) => (Some(account), None),
                None => {
                    let why = format!("{name} is not in this room; tell reaches who is elsewhere");
                    let nobody = Account::new(AccountId(0), name);
                    (Some(Arc::new(nobody)), Some(Refusal::new(Code::NotInRoom, why)))
                }
            },
        };
        // Only one who asks again may mean somebody who has gone since.
        let again = match (self.key, absent) {
            (None, Some(refusal)) => return Err(refusal),
            (None, None) => None,
            (Some(key), else_refused) => Some(Again { key, else_refused }),
        };
        Ok(Outcome::Append(Draft {
            room: Some(room.id),
            author: Some(author.clone()),
            body: Body::Said { to, text: self.text.into_string(), changed: None },
            again,
        }))
    }
}

/// May the account say something in the room?
pub(crate) fn check_may_speak(room: &Room, account: AccountId) -> Result<(), Refusal> {
    let now = Timestamp::now();
    let Some(mute) = room.rights(|rights| rights.mute_of(account, now).cloned()) else {
        return Ok(());
    };
    let message = format!("you may not speak in {}{mute}", room.name);
    Err(Refusal::new(Code::Forbidden, message))
}

crate::register!(Msg);
