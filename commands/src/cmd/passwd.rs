//! `passwd`: another password for one's account.

use proto::{Cap, Password, Refusal, Spec, State, States, Token};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Cx, Handler, Outcome, Reply};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Passwd {
    /// The password until now.
    old: Password,
    /// The password from now on.
    new: Password,
}

#[derive(Serialize, JsonSchema)]
struct Changed {
    /// Logs in again with `resume`, as that of a login; given to connections with that cap.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<Token>,
}

impl Handler for Passwd {
    const SPEC: Spec = Spec::new(
        "passwd",
        States::of(&[State::Lobby, State::Chat]),
        "Change your password; other sessions stay, their tokens open nothing any more",
        "/passwd 1234 correct-horse",
    );

    type Reply = Changed;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Changed>, Refusal> {
        let (from, account) = (cx.session.from(), cx.account()?.clone());
        let wants_token = cx.peer().takes(Cap::Resume);
        let change =
            cx.world.accounts.change_password(from, account, self.old, self.new, wants_token);
        let (token, id) = change.await?.unzip();
        let reply = Reply::data(Changed { token }).saying("Password changed");
        Ok(match id {
            Some(id) => Outcome::Renew(id, reply),
            None => Outcome::Reply(reply),
        })
    }
}

crate::register!(Passwd);
