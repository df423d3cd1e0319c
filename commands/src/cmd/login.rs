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
        let (from, wants_token) = (cx.session.from(), cx.peer().takes(Cap::Resume));
        let login = cx.world.accounts.login(from, self.username, self.password, wants_token);
        let crate::LoggedIn { account, token } = login.await?;
        let (token, id) = token.unzip();
        let data = LoggedIn { username: account.name.clone(), chatroom: "lobby", token };
        let reply = Reply::data(data).saying("Login successful");
        Ok(Outcome::go(Move::SignIn(account, id), |_| reply))
    }
}

crate::register!(Login);
