//! What the commands that do something to somebody in a room have in common.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use proto::{Code, Refusal, Role, Text, UserName};

use crate::telling::Notice;
use crate::{Account, Act, Body, Cx, Draft, Outcome};

/// What somebody wants to do to somebody.
pub(crate) struct Request {
    pub(crate) act: Act,
    pub(crate) to: UserName,
    pub(crate) minutes: Option<u32>,
    pub(crate) reason: Option<Text>,
}

impl Request {
    /// An act that needs no reason and has no end.
    pub(crate) fn of(act: Act, to: UserName) -> Request {
        Request { act, to, minutes: None, reason: None }
    }

    /// Judges it, and says what is to be kept.
    ///
    /// # Errors
    /// `no_such_user`, `not_in_room`, `forbidden`, `bad_request`.
    pub(crate) async fn judge(self, cx: Cx<'_>) -> Result<Outcome<Notice<'static>>, Refusal> {
        let Request { act, to, minutes, reason } = self;
        let (actor, room) = (cx.account()?, cx.room()?);
        if let Some(reason) = &reason {
            cx.world.policy.limits.check_text("reason", reason)?;
        }
        let now = Timestamp::now();
        let until = minutes.map(|minutes| end_of(now, minutes)).transpose()?;
        let to = cx.world.accounts.find(to).await?.account;
        if act == Act::Kick && room.find(&to.name).is_none() {
            let message = format!("{} is not in this room", to.name);
            return Err(Refusal::new(Code::NotInRoom, message));
        }
        room.rights(|rights| {
            let is_ranked =
                matches!(act, Act::Kick | Act::Ban | Act::Mute | Act::Unmute | Act::Deop);
            // Everyone may lay down what they are.
            if is_ranked && !(act == Act::Deop && to.id == actor.id) {
                rights.check_rank(actor.id, to.id)?;
            }
            let role = rights.role_of(to.id);
            let idle = match act {
                Act::Unban if rights.ban_of(to.id, now).is_none() => Some("not banned"),
                Act::Unmute if rights.mute_of(to.id, now).is_none() => Some("not muted"),
                Act::Op if role > Role::Anyone => Some("an operator, or the owner, already"),
                Act::Deop if role != Role::Operator => Some("not an operator"),
                Act::Invite | Act::Op if rights.ban_of(to.id, now).is_some() => {
                    Some("banned: unban them first")
                }
                _ => None,
            };
            idle.map_or(Ok(()), |idle| Err(is_already(&to, idle)))
        })?;
        let reason = reason.map(Text::into_string);
        Ok(Outcome::Append(Draft {
            room: Some(room.id),
            author: Some(actor.clone()),
            body: Body::Done { act, to, until, reason },
            again: None,
        }))
    }
}

fn is_already(who: &Arc<Account>, what: &str) -> Refusal {
    Refusal::bad_field("username", &format!("{} is {what}", who.name))
}

fn end_of(now: Timestamp, minutes: u32) -> Result<Timestamp, Refusal> {
    if minutes == 0 {
        return Err(Refusal::bad_field("minutes", "it is 1 or more; without it there is no end"));
    }
    let time = Duration::from_secs(u64::from(minutes) * 60);
    now.checked_add(time).map_err(|_| Refusal::bad_field("minutes", "it is beyond all calendars"))
}
