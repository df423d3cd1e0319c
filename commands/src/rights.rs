//! Who may do what in a room: what its entries have made of its owner, its operators, and
//! those who are invited, banned or muted. Nothing here knows who is there.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use proto::{Code, Refusal, Role};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Account, AccountId, Act, Body, Entry, Seq};

/// What of a room's past its members may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PastPolicy {
    /// All that is kept.
    #[default]
    All,
    /// What was said since they first entered.
    SinceJoin,
}

/// What is decided when a room is made, for as long as it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RoomPolicy {
    /// Is it only for those who are invited, and unknown to all others?
    pub is_private: bool,
    /// What of its past may be read.
    pub past: PastPolicy,
}

/// A ban, or a mute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sanction {
    /// When it ends; never, if it is none.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
}

impl Sanction {
    fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

impl fmt::Display for Sanction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(until) = self.until {
            write!(f, " until {until:.0}")?;
        }
        self.reason.iter().try_for_each(|reason| write!(f, ": {reason}"))
    }
}

/// How one account stands in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    account: Arc<Account>,
    is_operator: bool,
    is_invited: bool,
    ban: Option<Sanction>,
    mute: Option<Sanction>,
    /// The last entry before it first entered, where that matters.
    joined_after: Option<Seq>,
}

/// How one account stands in a room now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Whose it is.
    pub account: Arc<Account>,
    /// What it is.
    pub role: Role,
    /// Is it one of those whom a private room is for?
    pub is_guest: bool,
    /// What keeps it out.
    pub ban: Option<Sanction>,
    /// What keeps it from speaking.
    pub mute: Option<Sanction>,
}

/// The rights in one room.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rights {
    owner: Option<Arc<Account>>,
    policy: RoomPolicy,
    is_deleted: bool,
    kept: HashMap<AccountId, Kept>,
}

/// What one account may read of a room; see [`Entry::is_for`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Whose sight it is.
    pub account: AccountId,
    /// Nothing up to here.
    pub after: Seq,
}

impl Rights {
    /// To whom the room belongs; to nobody, if the configuration asked for it.
    pub fn owner(&self) -> Option<AccountId> {
        self.owner.as_ref().map(|owner| owner.id)
    }

    /// Is the room only for those who are invited?
    pub fn is_private(&self) -> bool {
        self.policy.is_private
    }

    /// What of its past may be read.
    pub fn past(&self) -> PastPolicy {
        self.policy.past
    }

    /// What an account is there.
    pub fn role_of(&self, account: AccountId) -> Role {
        match self.kept.get(&account) {
            _ if self.owner() == Some(account) => Role::Owner,
            Some(standing) if standing.is_operator => Role::Operator,
            _ => Role::Anyone,
        }
    }

    /// Who may know a private room: its owner, its operators and those who are invited.
    pub fn guests(&self, now: Timestamp) -> impl Iterator<Item = AccountId> {
        let invited = self.kept.keys().copied();
        let all = invited.chain(self.owner().filter(|owner| !self.kept.contains_key(owner)));
        all.filter(move |account| self.is_known_to(*account, now))
    }

    /// How all stand who are more, or less, than anyone: those who keep order first, then by name.
    pub fn standings(&self, now: Timestamp) -> Vec<Standing> {
        let standing = |account: &Arc<Account>| Standing {
            account: account.clone(),
            role: self.role_of(account.id),
            is_guest: self.policy.is_private && self.is_known_to(account.id, now),
            ban: self.ban_of(account.id, now).cloned(),
            mute: self.mute_of(account.id, now).cloned(),
        };
        let is_told = |standing: &Standing| {
            let is_more = standing.role > Role::Anyone || standing.is_guest;
            is_more || standing.ban.is_some() || standing.mute.is_some()
        };
        let owner = self.owner.iter().filter(|owner| !self.kept.contains_key(&owner.id));
        let all = self.kept.values().map(|kept| &kept.account).chain(owner);
        let mut standings: Vec<_> = all.map(standing).filter(is_told).collect();
        standings.sort_unstable_by(|a, b| {
            b.role.cmp(&a.role).then_with(|| a.account.name.cmp(&b.account.name))
        });
        standings
    }

    /// May the account know that there is such a room? To an outsider a private room and
    /// none look alike.
    pub fn is_known_to(&self, account: AccountId, now: Timestamp) -> bool {
        if self.is_deleted || !self.policy.is_private {
            return !self.is_deleted;
        }
        let is_invited = self.kept.get(&account).is_some_and(|standing| standing.is_invited);
        let is_guest = is_invited || self.role_of(account) > Role::Anyone;
        is_guest && self.ban_of(account, now).is_none()
    }

    /// The ban that keeps an account out.
    pub fn ban_of(&self, account: AccountId, now: Timestamp) -> Option<&Sanction> {
        let ban = self.kept.get(&account)?.ban.as_ref();
        ban.filter(|ban| !ban.is_over(now))
    }

    /// The mute that keeps an account from speaking.
    pub fn mute_of(&self, account: AccountId, now: Timestamp) -> Option<&Sanction> {
        let mute = self.kept.get(&account)?.mute.as_ref();
        mute.filter(|mute| !mute.is_over(now))
    }

    /// What the account may read: nothing, if it may not come in.
    pub fn sight_of(&self, account: AccountId, now: Timestamp) -> Option<Sight> {
        if !self.is_known_to(account, now) || self.ban_of(account, now).is_some() {
            return None;
        }
        Some(self.sight_of_member(account))
    }

    /// What one who is there may read.
    pub(crate) fn sight_of_member(&self, account: AccountId) -> Sight {
        let after = match self.policy.past {
            PastPolicy::All => Seq(0),
            PastPolicy::SinceJoin => self.joined_after(account).unwrap_or(Seq(i64::MAX)),
        };
        Sight { account, after }
    }

    /// An account enters, when the last entry was `seq`: says whether that must be kept.
    pub(crate) fn welcome(&mut self, account: &Arc<Account>, seq: Seq) -> bool {
        let is_newcomer =
            self.policy.past == PastPolicy::SinceJoin && self.joined_after(account.id).is_none();
        if is_newcomer {
            self.keep(account).joined_after = Some(seq);
        }
        is_newcomer
    }

    fn keep(&mut self, account: &Arc<Account>) -> &mut Kept {
        self.kept.entry(account.id).or_insert_with(|| Kept {
            account: account.clone(),
            is_operator: false,
            is_invited: false,
            ban: None,
            mute: None,
            joined_after: None,
        })
    }

    /// May one do something to another? Only to those who are less than oneself.
    ///
    /// # Errors
    /// `forbidden`.
    pub fn check_rank(&self, actor: AccountId, other: AccountId) -> Result<(), Refusal> {
        let (own, theirs) = (self.role_of(actor), self.role_of(other));
        if own > theirs {
            return Ok(());
        }
        let message = match actor == other {
            true => "you cannot do this to yourself".to_owned(),
            false => format!("you cannot do this to one who is {} here", theirs.name()),
        };
        Err(Refusal::new(Code::Forbidden, message))
    }

    fn joined_after(&self, account: AccountId) -> Option<Seq> {
        self.kept.get(&account)?.joined_after
    }

    /// What an entry makes of the rights: the only place where they change.
    pub fn apply(&mut self, entry: &Entry) {
        match &entry.body {
            Body::Created { policy, .. } => {
                self.owner.clone_from(&entry.author);
                self.policy = *policy;
            }
            Body::Joined { after } => {
                let Some(author) = &entry.author else { return };
                self.keep(author).joined_after.get_or_insert(*after);
            }
            Body::Deleted => self.is_deleted = true,
            Body::Done { act, to, until, reason } => {
                let standing = self.keep(to);
                let sanction = || Some(Sanction { until: *until, reason: reason.clone() });
                match act {
                    Act::Invite => standing.is_invited = true,
                    Act::Kick => {}
                    Act::Ban => {
                        standing.ban = sanction();
                        standing.is_operator = false;
                    }
                    Act::Unban => standing.ban = None,
                    Act::Mute => standing.mute = sanction(),
                    Act::Unmute => standing.mute = None,
                    Act::Op => {
                        standing.is_operator = true;
                        // Who is an operator no more may stay.
                        standing.is_invited = true;
                    }
                    Act::Deop => standing.is_operator = false,
                }
            }
            Body::Said { .. }
            | Body::Told { .. }
            | Body::Topic { .. }
            | Body::Retention { .. }
            | Body::Edited { .. }
            | Body::Redacted { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proto::{RoomName, UserName};

    use super::*;
    use crate::RoomId;

    /// The room is made by the first of them.
    const ACCOUNTS: i64 = 4;

    fn account(id: i64) -> Arc<Account> {
        Arc::new(Account::new(AccountId(id), UserName::trusted(&format!("u{id}"))))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn entry(seq: i64, author: i64, body: Body) -> Entry {
        let (seq, ts) = (Seq(seq), at(seq));
        Entry { seq, ts, room: RoomId(1), author: Some(account(author)), body }
    }

    fn created(policy: RoomPolicy) -> Entry {
        let name = RoomName::trusted("attic");
        entry(1, 1, Body::Created { name, topic: None, policy })
    }

    fn bodies() -> impl Strategy<Value = Body> {
        let act = prop::sample::select(&Act::ALL[..]);
        let done = (act, 2..=ACCOUNTS, prop::option::of(0..60i64)).prop_map(|(act, to, until)| {
            Body::Done { act, to: account(to), until: until.map(at), reason: None }
        });
        prop_oneof![
            8 => done,
            1 => (0..20i64).prop_map(|after| Body::Joined { after: Seq(after) }),
            1 => Just(Body::Said { to: None, text: "x".into(), changed: None }),
        ]
    }

    proptest! {
        /// What must be true of everyone, whatever was done in whatever order.
        #[test]
        fn rights_follow_from_the_last_that_was_done(
            is_private: bool,
            since_join: bool,
            bodies in prop::collection::vec((1..=ACCOUNTS, bodies()), 0..30),
            now in 0..60i64,
        ) {
            let past = if since_join { PastPolicy::SinceJoin } else { PastPolicy::All };
            let mut rights = Rights::default();
            rights.apply(&created(RoomPolicy { is_private, past }));
            let entries: Vec<Entry> = (2..)
                .zip(&bodies)
                .map(|(seq, (author, body))| entry(seq, *author, body.clone()))
                .collect();
            entries.iter().for_each(|entry| rights.apply(entry));
            let now = at(now);
            let standings = rights.standings(now);
            for id in 1..=ACCOUNTS {
                let (id, own) = (AccountId(id), id);
                // The last that was done to one of these kinds.
                let last = |acts: &[Act]| {
                    entries.iter().rev().find_map(|entry| match &entry.body {
                        Body::Done { act, to, until, .. } if to.id == id && acts.contains(act) => {
                            Some((*act, *until))
                        }
                        _ => None,
                    })
                };
                let is_on = |on, off| {
                    last(&[on, off]).is_some_and(|(act, until)| {
                        act == on && until.is_none_or(|until| until > now)
                    })
                };
                let is_banned = is_on(Act::Ban, Act::Unban);
                prop_assert_eq!(rights.ban_of(id, now).is_some(), is_banned);
                prop_assert_eq!(rights.mute_of(id, now).is_some(), is_on(Act::Mute, Act::Unmute));
                let is_op = last(&[Act::Op, Act::Deop, Act::Ban]).is_some_and(|(act, _)| act == Act::Op);
                let role = match own {
                    1 => Role::Owner,
                    _ if is_op => Role::Operator,
                    _ => Role::Anyone,
                };
                prop_assert_eq!(rights.role_of(id), role);
                let standing = standings.iter().find(|standing| standing.account.id == id);
                let sanctions = standing.map(|standing| (&standing.ban, &standing.mute));
                let (ban, mute) = sanctions.unwrap_or((&None, &None));
                prop_assert_eq!(ban.is_some(), is_banned);
                prop_assert_eq!(mute.is_some(), rights.mute_of(id, now).is_some());
                prop_assert_eq!(standing.map_or(Role::Anyone, |standing| standing.role), role);
                let is_guest = role > Role::Anyone || last(&[Act::Invite, Act::Op]).is_some();
                let is_known = !is_private || (is_guest && !is_banned);
                prop_assert_eq!(rights.is_known_to(id, now), is_known);
                let guests: Vec<_> = rights.guests(now).collect();
                prop_assert!(!is_private || guests.contains(&id) == is_known);
                let joined = entries.iter().find_map(|entry| match &entry.body {
                    Body::Joined { after } if entry.author.as_ref().unwrap().id == id => Some(*after),
                    _ => None,
                });
                let after = match since_join {
                    true => joined.unwrap_or(Seq(i64::MAX)),
                    false => Seq(0),
                };
                let sight = (is_known && !is_banned).then_some(Sight { account: id, after });
                prop_assert_eq!(rights.sight_of(id, now), sight);
                for other in 1..=ACCOUNTS {
                    let may = rights.check_rank(id, AccountId(other)).is_ok();
                    prop_assert_eq!(may, role > rights.role_of(AccountId(other)));
                }
            }
        }

        /// The one rule: a private message is for its two parties, and nothing is for those
        /// who came later than it, where that matters.
        #[test]
        fn an_entry_is_for_those_whom_it_concerns(
            author in 1..=ACCOUNTS,
            to in prop::option::of(1..=ACCOUNTS),
            reader in 1..=ACCOUNTS,
            seq in 1..20i64,
            after in 0..20i64,
        ) {
            let party = to.map(account);
            let text = String::from("x");
            let kinds = [
                Body::Said { to: party.clone(), text: text.clone(), changed: None },
                Body::Edited { target: Seq(1), to: party.clone(), text: text.clone() },
                Body::Redacted { target: Seq(1), to: party },
            ];
            let is_party = to.is_none_or(|to| to == reader || author == reader);
            let sight = Sight { account: AccountId(reader), after: Seq(after) };
            for body in kinds {
                let is_message = matches!(body, Body::Said { .. });
                let since = if is_message { seq } else { 1 };
                prop_assert_eq!(entry(seq, author, body).is_for(sight), is_party && since > after);
            }
        }
    }
}
