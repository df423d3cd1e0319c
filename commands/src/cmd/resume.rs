//! `resume`: opens an account with a token that `login` gave, and goes on where a
//! connection was lost.

use proto::{Refusal, RoomName, Spec, State, States, Token, UserName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cmd::enter::room_to_enter;
use crate::{Cx, Handler, Move, Outcome, Reply, Seq};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Resume {
    /// What `login` gave, less than 24 hours ago.
    token: Token,
    /// Go on in this room; without it, in the lobby.
    room: Option<RoomName>,
    /// The last message of the room that you have had: those after it come again.
    after: Option<Seq>,
}

#[derive(Serialize, JsonSchema)]
struct Resumed {
    /// As it was registered.
    username: UserName,
    /// `lobby`, or the room: where the session is now.
    chatroom: String,
    /// What the room is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    /// The last entry of the room: what you missed ends there.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seq: Option<Seq>,
    /// The oldest entry of the room that is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest: Option<Seq>,
    /// Which ledger it is: another one after a restored backup.
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<String>,
    /// Some of what you missed is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<bool>,
}

impl Handler for Resume {
    const SPEC: Spec = Spec::new(
        "resume",
        States::of(&[State::Auth]),
        "Log in with the token of an earlier login, and go on where you were",
        "/resume mFtm-_OTPX1bxDOlCUv6Ks3KYvXPcsfkDTCFexk4-u8",
    )
    .leads_to(&[State::Lobby, State::Chat]);

    type Reply = Resumed;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Resumed>, Refusal> {
        if self.room.is_none() && self.after.is_some() {
            return Err(Refusal::bad_field("after", "say in which room"));
        }
        let (account, token) = cx.world.accounts.resume(cx.session.from(), self.token).await?;
        let username = account.name.clone();
        let Some(name) = self.room else {
            let lobby = Resumed::new(username, "lobby");
            let to = Move::SignIn(account, Some(token));
            return Ok(Outcome::go(to, |_| Reply::data(lobby).saying("Welcome back")));
        };
        let room = room_to_enter(cx.world, &name, account.id)?;
        let resumed = Resumed::new(username, room.name.as_str());
        let after = self.after;
        Ok(Outcome::go(Move::Resume(account, token, room, after), move |view| {
            let is_gone = after.is_some_and(|after| view.has_lost_after(after));
            let resumed = Resumed {
                topic: view.topic(),
                last_seq: Some(view.last_seq()),
                oldest: Some(view.oldest()),
                epoch: Some(view.epoch().to_owned()),
                truncated: is_gone.then_some(true),
                ..resumed
            };
            Reply::data(resumed).saying("Welcome back")
        }))
    }
}

impl Resumed {
    fn new(username: UserName, chatroom: &str) -> Resumed {
        Resumed {
            username,
            chatroom: chatroom.to_owned(),
            topic: None,
            last_seq: None,
            oldest: None,
            epoch: None,
            truncated: None,
        }
    }
}

crate::register!(Resume);
