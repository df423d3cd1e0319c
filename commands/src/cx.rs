//! The world as commands see it, and the few traits through which they reach it.

use std::borrow::Cow;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use jiff::Timestamp;
use proto::{Caps, Code, Password, Refusal, Text, Token, UserName};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    Account, AccountId, Answer, Draft, Entry, Hall, Peer, Room, RoomId, Seq, Session, Sight,
    TokenId,
};

/// A result that takes time.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The order of all lasting changes: what it has taken comes out of its tail, once it
/// is kept, into [`Hall::land`].
pub trait Sequencer: Send + Sync {
    /// Takes a change in, without waiting. The answer comes back out with it.
    ///
    /// # Errors
    /// [`Busy`], with the answer, when too much waits already.
    fn append(&self, draft: Draft, answer: Option<Answer>) -> Result<(), Busy>;
}

/// The ledger takes no more for now.
pub struct Busy(pub Option<Answer>);

/// Who has which account. Every refusal is what the peer is told.
pub trait Accounts: Send + Sync {
    /// Makes an account.
    ///
    /// Refuses with `name_taken`, `bad_request` (a short password), `throttled`,
    /// `server_busy`.
    fn register(
        &self,
        from: IpAddr,
        name: UserName,
        password: Password,
    ) -> Later<'_, Result<(), Refusal>>;

    /// The account that this name and password open, and a new token for it, if that is
    /// wanted: none that outlives a change of the password which came first.
    ///
    /// Refuses with `unauthorized`, in the same words and time for an unknown name and
    /// a wrong password, `throttled`, `server_busy`.
    fn login(
        &self,
        from: IpAddr,
        name: UserName,
        password: Password,
        wants_token: bool,
    ) -> Later<'_, Result<LoggedIn, Refusal>>;

    /// The account of that name.
    ///
    /// Refuses with `no_such_user`.
    fn find(&self, name: UserName) -> Later<'_, Result<Profile, Refusal>>;

    /// Gives an account another password, and ends all its tokens; gives a new one, if that
    /// is wanted.
    ///
    /// Refuses with `unauthorized` when the old one is wrong, `bad_request` (a short
    /// one), `throttled`, `server_busy`.
    fn change_password(
        &self,
        from: IpAddr,
        account: Arc<Account>,
        old: Password,
        new: Password,
        wants_token: bool,
    ) -> Later<'_, Result<Option<(Token, TokenId)>, Refusal>>;

    /// Ends an account, for ever; its name is not given again.
    ///
    /// Refuses with `unauthorized` when the password is wrong, `throttled`,
    /// `server_busy`.
    fn unregister(
        &self,
        from: IpAddr,
        account: Arc<Account>,
        password: Password,
    ) -> Later<'_, Result<(), Refusal>>;

    /// The last private message that an account has marked as read.
    fn read_mark(&self, account: AccountId) -> Later<'_, Result<Seq, Refusal>>;

    /// Marks private messages up to `seq` as read; never fewer than before.
    fn mark_read(&self, account: AccountId, seq: Seq) -> Later<'_, Result<(), Refusal>>;

    /// The account that a token opens.
    ///
    /// Refuses with `unauthorized`, `throttled`.
    fn resume(
        &self,
        from: IpAddr,
        token: Token,
    ) -> Later<'_, Result<(Arc<Account>, TokenId), Refusal>>;

    /// Ends a token.
    fn revoke(&self, token: TokenId) -> Later<'_, Result<(), Refusal>>;
}

/// What a login opens.
pub struct LoggedIn {
    /// The account.
    pub account: Arc<Account>,
    /// A new token for it, if one was wanted.
    pub token: Option<(Token, TokenId)>,
}

/// What others may know of an account.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The account.
    pub account: Arc<Account>,
    /// When it was made.
    pub registered: Timestamp,
}

/// Which private messages are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tells {
    /// To the account.
    Received,
    /// To the account, and from it.
    All,
}

/// What rooms said before: it answers questions, and changes nothing.
pub trait Archive: Send + Sync {
    /// One entry of a room, if there is one.
    ///
    /// Refuses with `internal` when it cannot be read.
    fn entry(&self, room: RoomId, seq: Seq) -> Later<'_, Result<Option<Entry>, Refusal>>;

    /// Messages of a room that one reader may see.
    ///
    /// Refuses with `internal` when they cannot be read.
    fn messages(&self, query: Query) -> Later<'_, Result<Page, Refusal>>;

    /// Private messages beyond rooms of the account that asks, after one.
    ///
    /// Refuses with `internal` when they cannot be read.
    fn tells(
        &self,
        account: AccountId,
        which: Tells,
        after: Seq,
        limit: usize,
    ) -> Later<'_, Result<Page, Refusal>>;

    /// How many messages of a room are older than that.
    ///
    /// Refuses with `internal` when they cannot be counted.
    fn older_than(&self, room: RoomId, ts: Timestamp) -> Later<'_, Result<u64, Refusal>>;
}

/// Which messages are asked for.
#[derive(Debug, Clone)]
pub struct Query {
    /// Of which room.
    pub room: RoomId,
    /// Who asks: nothing else is given than what [`Entry::is_for`] lets through.
    pub sight: Sight,
    /// Also what else happened to the room and to its messages?
    pub with_changes: bool,
    /// From where, and in which direction.
    pub from: Cursor,
    /// The last entry that may be given: what was delivered.
    pub up_to: Seq,
    /// How many, at most.
    pub limit: usize,
    /// How many bytes of text, at most; one message is given anyway.
    pub text_bytes: usize,
    /// Only those that have all these words.
    pub search: Option<String>,
}

/// Where messages begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursor {
    /// The latest.
    End,
    /// The latest before this one.
    Before(Seq),
    /// The first after this one.
    After(Seq),
    /// The first since that time. Times order nothing: where the clock was set back, it is
    /// one of the first.
    Since(Timestamp),
}

/// Some messages, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The messages.
    pub entries: Vec<Entry>,
    /// Are there more in the direction in which they were asked for?
    pub more: bool,
}

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// Anyone who can connect.
    Open,
    /// Nobody but the operator.
    Closed,
}

/// The limits that a client is told; 0 is no limit.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Limits {
    /// The longest frame from a client that is logged in, in bytes.
    pub frame: u32,
    /// The longest frame before login, in bytes.
    pub frame_before_login: u32,
    /// The longest frame from the server, in bytes.
    pub frame_from_server: u32,
    /// The longest text, in bytes.
    pub text: u32,
    /// Commands that may follow each other at once.
    pub commands_burst: u32,
    /// Commands a second after that; the server then reads more slowly.
    pub commands_per_s: u32,
    /// Requests of a pipelined command that may wait for their replies.
    pub pipelined: u32,
    /// Seconds of silence after which a client with `ping` is asked.
    pub ping_s: u32,
    /// Rooms that one account may own.
    pub rooms_per_user: u32,
}

impl Limits {
    /// Is this text short enough?
    ///
    /// # Errors
    /// `too_long`, with the name of the field and of the limit.
    pub fn check_text(&self, field: &str, text: &Text) -> Result<(), Refusal> {
        let (len, max) = (text.as_str().len(), self.text as usize);
        if max > 0 && len > max {
            let message = format!("{field}: {len} bytes, the limit is {max} (limits.text)");
            return Err(Refusal::new(Code::TooLong, message).with("field", field));
        }
        Ok(())
    }
}

/// What the operator has decided.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Who may make an account.
    pub registration: Registration,
    /// What every client is told with `hello`.
    pub motd: Option<String>,
    /// What a connection can take before it has said so.
    pub default_caps: Caps,
    /// Bounds.
    pub limits: Limits,
}

/// All that a command can reach.
pub struct World {
    /// The name and version of the server.
    pub server: Cow<'static, str>,
    /// Rooms and who is in them.
    pub hall: Arc<Hall>,
    /// The order of lasting changes.
    pub ledger: Arc<dyn Sequencer>,
    /// What rooms said before.
    pub archive: Arc<dyn Archive>,
    /// Who has which account.
    pub accounts: Arc<dyn Accounts>,
    /// What the operator has decided.
    pub policy: Policy,
}

/// What a handler is given beside its request.
#[derive(Clone, Copy)]
pub struct Cx<'a> {
    /// All that a command can reach.
    pub world: &'a World,
    /// Whose request it is.
    pub session: &'a Session,
}

impl<'a> Cx<'a> {
    /// The connection.
    pub fn peer(&self) -> &'a Arc<Peer> {
        self.session.peer()
    }

    /// Who is logged in.
    ///
    /// # Errors
    /// `unauthorized` for a command whose states include one without an account.
    pub fn account(&self) -> Result<&'a Arc<Account>, Refusal> {
        let refusal = || Refusal::new(Code::Unauthorized, "you are not logged in");
        self.session.account().ok_or_else(refusal)
    }

    /// The room where the session is.
    ///
    /// # Errors
    /// `not_in_room` for a command whose states include one outside a room.
    pub fn room(&self) -> Result<&'a Arc<Room>, Refusal> {
        self.session.room().ok_or_else(|| Refusal::new(Code::NotInRoom, "you are in no room"))
    }
}
