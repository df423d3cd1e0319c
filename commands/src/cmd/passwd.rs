//! `passwd`: another password for one's account.

use proto::{Password, Refusal, Spec, State, States};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Cx, Handler, Outcome, Reply};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Passwd {
    /// The password until now.
    old: Password,
    /// The password from now on.
    new: Password,
}

impl Handler for Passwd {
    const SPEC: Spec = Spec::new(
        "passwd",
        States::of(&[State::Lobby, State::Chat]),
        "Change your password; tokens of earlier logins open nothing any more",
        "/passwd 1234 correct-horse",
    );

    type Reply = ();

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<()>, Refusal> {
        let (from, account) = (cx.session.from(), cx.account()?.clone());
        cx.world.accounts.change_password(from, account, self.old, self.new).await?;
        Ok(Outcome::Reply(Reply::message("Password changed; log in again for a new token")))
    }
}

crate::register!(Passwd);
