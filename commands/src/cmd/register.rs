//! `register`: makes an account.

use proto::{Code, Password, Refusal, Spec, State, States, UserName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Cx, Handler, Outcome, Registration, Reply};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Register {
    /// What others will see.
    username: UserName,
    /// Four bytes or more, unless the server says otherwise.
    password: Password,
}

#[derive(Serialize, JsonSchema)]
struct Registered {
    username: UserName,
    /// Always `lobby`: where a login will lead.
    chatroom: &'static str,
}

impl Handler for Register {
    const SPEC: Spec = Spec::new(
        "register",
        States::of(&[State::Auth]),
        "Create an account",
        "/register harper 1234",
    );

    type Reply = Registered;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Registered>, Refusal> {
        if cx.world.policy.registration == Registration::Closed {
            return Err(Refusal::new(
                Code::Forbidden,
                "registration is closed here: ask the operator for an account",
            ));
        }
        let name = self.username.clone();
        cx.world.accounts.register(cx.session.from(), name, self.password).await?;
        let data = Registered { username: self.username, chatroom: "lobby" };
        Ok(Outcome::Reply(Reply::data(data).saying("Registration successful")))
    }
}

crate::register!(Register);
