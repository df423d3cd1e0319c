//! `room`: what a room is, and who may do what in it.

use jiff::Timestamp;
use proto::{Code, Refusal, Role, RoomName, Spec, State, States, UserName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::telling::maybe_rfc3339_ms;
use crate::{Cx, Handler, Outcome, PastPolicy, Rights, Sanction, Standing};

/// Bytes of the topic, of names and reasons as they are on the wire, from which on no more follow:
/// the last one may go beyond, by two reasons.
const NAMED_BYTES_MAX: usize = 24 * 1024;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Room {}

#[derive(Serialize, JsonSchema)]
struct Overview {
    /// As it was created.
    room: RoomName,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    /// Is it only for those who are invited?
    private: bool,
    /// What of its past may be read.
    history: PastPolicy,
    /// For how many days messages are kept; for ever if it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<u32>,
    /// To whom it belongs; to nobody if it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<UserName>,
    /// Who keeps order with the owner.
    operators: Vec<UserName>,
    /// Who may come in beside those, if it is private.
    invited: Vec<UserName>,
    /// Who is kept out.
    banned: Vec<Sanctioned>,
    /// Who may not speak.
    muted: Vec<Sanctioned>,
    /// Are there more?
    more: bool,
}

/// Somebody who is banned, or muted.
#[derive(Serialize, JsonSchema)]
struct Sanctioned {
    /// Who.
    username: UserName,
    /// Until when; without it, until somebody undoes it.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_rfc3339_ms")]
    #[schemars(with = "Option<String>")]
    until: Option<Timestamp>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Handler for Room {
    const SPEC: Spec = Spec::new(
        "room",
        States::of(&[State::Chat]),
        "Say whose the room is, and who is an operator, invited, banned or muted",
        "/room",
    );

    type Reply = Overview;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Overview>, Refusal> {
        let room = cx.room()?;
        let mut overview = Overview {
            room: room.name.clone(),
            topic: room.topic(),
            private: room.rights(Rights::is_private),
            history: room.rights(Rights::past),
            days: room.days(),
            owner: None,
            operators: Vec::new(),
            invited: Vec::new(),
            banned: Vec::new(),
            muted: Vec::new(),
            more: false,
        };
        overview.take_all(room.rights(|rights| rights.standings(Timestamp::now())));
        if let Some(owner) = &overview.owner {
            match cx.world.accounts.find(owner.clone()).await {
                Ok(_) => {}
                // Who has gone leaves the room to nobody.
                Err(refusal) if refusal.code == Code::NoSuchUser => overview.owner = None,
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(Outcome::data(overview))
    }
}

impl Overview {
    /// Adds how all of these stand, or as many as there is place for.
    fn take_all(&mut self, standings: Vec<Standing>) {
        let mut bytes = written_len(&self.topic);
        for standing in standings {
            if bytes > NAMED_BYTES_MAX {
                self.more = true;
                return;
            }
            bytes += self.take(standing);
        }
    }

    /// Adds how somebody stands; says in how many bytes.
    fn take(&mut self, standing: Standing) -> usize {
        let Standing { account, role, is_guest, ban, mute } = standing;
        let name = &account.name;
        match role {
            Role::Owner => self.owner = Some(name.clone()),
            Role::Operator => self.operators.push(name.clone()),
            _ if is_guest => self.invited.push(name.clone()),
            _ => {}
        }
        let sanctions = [(ban, &mut self.banned), (mute, &mut self.muted)];
        let sanctions =
            sanctions.into_iter().filter_map(|(sanction, list)| Some((sanction?, list)));
        sanctions.fold(written_len(name), |bytes, (Sanction { until, reason }, list)| {
            let sanctioned = Sanctioned { username: name.clone(), until, reason };
            let len = written_len(&sanctioned);
            list.push(sanctioned);
            bytes + len
        })
    }
}

/// How many bytes it takes on the wire, with a comma.
fn written_len(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(0, |written| written.len() + 1)
}

crate::register!(Room);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Account, AccountId};

    #[test]
    fn however_many_there_are_it_is_one_frame() {
        let sanction = || Some(Sanction { until: None, reason: Some("\"".repeat(16 * 1024)) });
        let standing = |id| Standing {
            account: Arc::new(Account::new(AccountId(id), UserName::trusted(&format!("u{id}")))),
            role: Role::Anyone,
            is_guest: true,
            ban: None,
            mute: sanction().filter(|_| id == 700),
        };
        let mut overview = Overview {
            room: RoomName::trusted("attic"),
            topic: Some("x".repeat(512)),
            private: true,
            history: PastPolicy::All,
            days: None,
            owner: None,
            operators: Vec::new(),
            invited: Vec::new(),
            banned: Vec::new(),
            muted: Vec::new(),
            more: false,
        };
        overview.take_all((0..1000).map(standing).collect());
        assert!(overview.more && overview.muted.len() == 1 && overview.invited.len() == 701);
        assert!(serde_json::to_vec(&overview).unwrap().len() < 60 * 1024);
    }
}
