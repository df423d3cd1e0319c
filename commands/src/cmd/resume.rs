//! `resume`: opens an account with a token that `login` gave.

use proto::{Refusal, Spec, State, States, Token, UserName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Cx, Handler, Move, Outcome, Reply};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Resume {
    /// What `login` gave, less than 24 hours ago.
    token: Token,
}

#[derive(Serialize, JsonSchema)]
struct Resumed {
    /// As it was registered.
    username: UserName,
    /// Always `lobby`: where the session is now.
    chatroom: &'static str,
}

impl Handler for Resume {
    const SPEC: Spec = Spec::new(
        "resume",
        States::of(&[State::Auth]),
        "Log in with the token of an earlier login",
        "/resume mFtm-_OTPX1bxDOlCUv6Ks3KYvXPcsfkDTCFexk4-u8",
    )
    .leads_to(&[State::Lobby]);

    type Reply = Resumed;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Resumed>, Refusal> {
        let (account, token) = cx.world.accounts.resume(cx.session.from(), self.token).await?;
        let data = Resumed { username: account.name.clone(), chatroom: "lobby" };
        let reply = Reply::data(data).saying("Welcome back");
        Ok(Outcome::go(Move::SignIn(account, Some(token)), |_| reply))
    }
}

crate::register!(Resume);
