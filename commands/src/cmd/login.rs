//! `login`: opens an account with its password.

use proto::{Cap, Password, Refusal, Spec, State, States, Token, UserName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Cx, Handler, Move, Outcome, Reply};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Login {
    /// The account.
    username: UserName,
    /// Its password.
    password: Password,
}

#[derive(Serialize, JsonSchema)]
struct LoggedIn {
    /// As it was registered.
    username: UserName,
    /// Always `lobby`: where the session is now.
    chatroom: &'static str,
    /// Logs in again with `resume`, for 24 hours; given to connections with cap `resume`.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<Token>,
}

impl Handler for Login {
    const SPEC: Spec = Spec::new(
        "login",
        States::of(&[State::Auth]),
        "Log in with a password",
        "/login harper 1234",
    )
    .leads_to(&[State::Lobby]);

    type Reply = LoggedIn;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<LoggedIn>, Refusal> {
        let accounts = &cx.world.accounts;
        let account = accounts.login(cx.session.from(), self.username, self.password).await?;
        let (token, id) = if cx.peer().takes(Cap::Resume) {
            let (token, id) = accounts.issue(account.clone()).await?;
            (Some(token), Some(id))
        } else {
            (None, None)
        };
        let data = LoggedIn { username: account.name.clone(), chatroom: "lobby", token };
        let reply = Reply::data(data).saying("Login successful");
        Ok(Outcome::go(Move::SignIn(account, id), |_| reply))
    }
}

crate::register!(Login);
