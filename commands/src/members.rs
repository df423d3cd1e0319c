//! Who is in one place: found by connection, walked in a row.

use std::collections::HashMap;
use std::sync::Arc;

use proto::UserName;

use crate::list::Sent;
use crate::{Account, AccountId, Peer, PeerId};

/// One connection of an account in a place.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) peer: Arc<Peer>,
    pub(crate) account: Arc<Account>,
    /// The last list that it was sent.
    pub(crate) list: Sent,
    /// Does it get what is said as it is said? Not while it catches up.
    pub(crate) is_live: bool,
}

/// The members of a place.
///
/// A row beside an index: a message walks the row, which must be fast, and joining and
/// leaving stay independent of how many are there.
#[derive(Default)]
pub(crate) struct Members {
    row: Vec<Member>,
    index: HashMap<PeerId, usize>,
    /// How many connections each account has here.
    accounts: HashMap<AccountId, u32>,
}

impl Members {
    /// Takes one in; says whether it is the first of its account.
    pub(crate) fn join(&mut self, member: Member) -> bool {
        let count = self.accounts.entry(member.account.id).or_default();
        *count += 1;
        let is_first = *count == 1;
        self.index.insert(member.peer.id(), self.row.len());
        self.row.push(member);
        is_first
    }

    /// Lets one go, if it is here; says whether it was the last of its account.
    pub(crate) fn leave(&mut self, peer: PeerId) -> Option<(Member, bool)> {
        let at = self.index.remove(&peer)?;
        let member = self.row.swap_remove(at);
        if let Some(moved) = self.row.get(at) {
            self.index.insert(moved.peer.id(), at);
        }
        let count = self.accounts.entry(member.account.id).or_default();
        *count = count.saturating_sub(1);
        let is_last = *count == 0;
        if is_last {
            self.accounts.remove(&member.account.id);
        }
        Some((member, is_last))
    }

    /// How many accounts are here.
    pub(crate) fn accounts(&self) -> usize {
        self.accounts.len()
    }

    /// The connections of some account.
    pub(crate) fn peers_of(&self, account: AccountId) -> Vec<PeerId> {
        let theirs = self.row.iter().filter(|member| member.account.id == account);
        theirs.map(|member| member.peer.id()).collect()
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Member> {
        self.row.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> std::slice::IterMut<'_, Member> {
        self.row.iter_mut()
    }

    /// One connection.
    pub(crate) fn get_mut(&mut self, peer: PeerId) -> Option<&mut Member> {
        self.index.get(&peer).and_then(|at| self.row.get_mut(*at))
    }

    /// The one who joined last.
    pub(crate) fn last_mut(&mut self) -> Option<&mut Member> {
        self.row.last_mut()
    }

    /// The account of that name, if it is here.
    pub(crate) fn find(&self, name: &UserName) -> Option<&Arc<Account>> {
        let key = name.key();
        self.row.iter().map(|member| &member.account).find(|account| account.key == key)
    }

    /// The users who are here, sorted, each once however many connections it has.
    pub(crate) fn names(&self) -> Vec<UserName> {
        let mut names: Vec<_> = self.row.iter().map(|member| member.account.name.clone()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{AccountId, Outbox};

    struct Nowhere;

    impl Outbox for Nowhere {
        fn put(&self, _: proto::Frame) {}
        fn put_list(&self, _: Option<proto::Frame>) {}

        fn end(&self, _: proto::Refusal) {}
    }

    proptest! {
        #[test]
        fn the_index_follows_the_row(steps in prop::collection::vec((any::<bool>(), 0..8u64), 0..40)) {
            let mut members = Members::default();
            let mut model = std::collections::BTreeSet::new();
            for (joins, id) in steps {
                if joins && model.insert(id) {
                    let account = Account::new(AccountId(1), UserName::trusted(&format!("u{id}")));
                    let peer = Peer::new(PeerId(id), Box::new(Nowhere), proto::Caps::default());
                    let (peer, account) = (Arc::new(peer), Arc::new(account));
                    members.join(Member { peer, account, list: Sent::Never, is_live: true });
                } else if !joins {
                    model.remove(&id);
                    members.leave(PeerId(id));
                }
                let here: Vec<_> = members.names().iter().map(ToString::to_string).collect();
                prop_assert_eq!(here, model.iter().map(|id| format!("u{id}")).collect::<Vec<_>>());
                prop_assert_eq!(members.index.len(), members.row.len());
                prop_assert_eq!(members.accounts(), usize::from(!model.is_empty()));
            }
        }
    }
}
