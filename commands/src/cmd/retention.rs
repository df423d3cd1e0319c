//! `retention`: how long the room keeps what is said there.

use std::time::Duration;

use jiff::Timestamp;
use proto::{Refusal, Role, Spec, State, States};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entry::rfc3339_ms;
use crate::telling::Notice;
use crate::{Body, Cx, Draft, Handler, Outcome, Reply};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Retention {
    /// How many days messages are kept; 0 is for ever.
    days: u32,
    /// Do it; without this it is only said what would be deleted.
    apply: Option<bool>,
}

#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum Answered {
    Planned(Plan),
    #[expect(dead_code, reason = "the ledger gives it; here it is for the schema")]
    Done(Notice<'static>),
}

/// What would be deleted, without `apply`.
#[derive(Serialize, JsonSchema)]
struct Plan {
    /// How many messages, now.
    deletes: u64,
    /// All that were said before.
    #[serde(serialize_with = "rfc3339_ms")]
    #[schemars(with = "String")]
    before: Timestamp,
}

impl Handler for Retention {
    const SPEC: Spec = Spec::new(
        "retention",
        States::of(&[State::Chat]),
        "Say how many days messages are kept, and what that deletes; with --apply, do it",
        "/retention 30",
    )
    .needs(Role::Owner);

    type Reply = Answered;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Answered>, Refusal> {
        let room = cx.room()?;
        let age = Duration::from_secs(u64::from(self.days) * 24 * 60 * 60);
        let Ok(before) = Timestamp::now().checked_sub(age) else {
            return Err(Refusal::bad_field("days", "it is before all calendars"));
        };
        let days = (self.days > 0).then_some(self.days);
        if self.apply == Some(true) {
            return Ok(Outcome::Append(Draft {
                room: Some(room.id),
                author: Some(cx.account()?.clone()),
                body: Body::Retention { days },
                again: None,
            }));
        }
        let deletes = match days {
            Some(_) => cx.world.archive.older_than(room.id, before).await?,
            None => 0,
        };
        let message =
            format!("would delete {deletes} messages now; nothing was changed (--apply does it)");
        let plan = Answered::Planned(Plan { deletes, before });
        Ok(Outcome::Reply(Reply::data(plan).saying(message)))
    }
}

crate::register!(Retention);
