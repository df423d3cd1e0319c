//! Who somebody is: an account, by an id that is never used again.

use proto::{NameKey, UserName};

/// The identity of an account; names only look it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub i64);

/// An account, as the rest of the program needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Never used again, even when the account is gone.
    pub id: AccountId,
    /// As it was registered.
    pub name: UserName,
    /// What its name has in common with every name that is the same.
    pub key: NameKey,
}

impl Account {
    /// The account with this id and name.
    pub fn new(id: AccountId, name: UserName) -> Account {
        Account { id, key: name.key(), name }
    }
}

/// What a token is known by: its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenId(pub [u8; 32]);
