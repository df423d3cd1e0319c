//! Accounts in memory: passwords are compared as they stand, tokens can be guessed.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use commands::{Account, AccountId, Accounts, Later, LoggedIn, Profile, Seq, TokenId};
use jiff::Timestamp;
use proto::{Code, NameKey, Password, Refusal, TOKEN_BYTES, Token, UserName};

/// The shortest password that it takes for a new account, in bytes.
const PASSWORD_BYTES_MIN: usize = 4;

/// All accounts and tokens.
#[derive(Clone, Default)]
pub(crate) struct Book(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    accounts: BTreeMap<NameKey, (Arc<Account>, String)>,
    tokens: BTreeMap<String, Arc<Account>>,
    issued: BTreeMap<AccountId, usize>,
    read: BTreeMap<AccountId, Seq>,
    gone: Vec<NameKey>,
    refusal: Option<Refusal>,
}

/// The token called `name`, at its full length.
pub(crate) fn token(name: &str) -> String {
    format!("{name:.<43}")
}

fn id_of(token: &str) -> TokenId {
    TokenId(token.as_bytes()[..TOKEN_BYTES].try_into().expect("a token is longer"))
}

impl Book {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().expect("nobody panics while the book is open")
    }

    /// Makes an account, if there is none of that name.
    pub(crate) fn add(&self, name: &UserName, password: &str) {
        let mut inside = self.inside();
        let id = AccountId(inside.accounts.len() as i64 + 1);
        let account = || (Arc::new(Account::new(id, name.clone())), password.to_owned());
        inside.accounts.entry(name.key()).or_insert_with(account);
    }

    /// Makes a token for an account that exists.
    pub(crate) fn add_token(&self, name: &UserName, token: &str) {
        let mut inside = self.inside();
        let account = inside.accounts[&name.key()].0.clone();
        inside.tokens.insert(token.into(), account);
    }

    /// The next question is refused with this.
    pub(crate) fn refuse_next(&self, refusal: Refusal) {
        self.inside().refusal = Some(refusal);
    }

    /// How many tokens are good.
    pub(crate) fn tokens(&self) -> usize {
        self.inside().tokens.len()
    }

    /// The account of that name.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<Account>> {
        self.inside().accounts.get(&NameKey::of(name)).map(|(account, _)| account.clone())
    }

    fn later<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Inside) -> Result<T, Refusal>,
    ) -> Later<'_, Result<T, Refusal>> {
        let mut inside = self.inside();
        let result = match inside.refusal.take() {
            Some(refusal) => Err(refusal),
            None => work(&mut inside),
        };
        Box::pin(async move {
            // As behind a queue: others come first.
            smol::future::yield_now().await;
            result
        })
    }
}

impl Inside {
    fn issue(&mut self, account: Arc<Account>) -> (Token, TokenId) {
        let count = self.issued.entry(account.id).or_default();
        *count += 1;
        let token = token(&format!("{}-{count}", account.name));
        self.tokens.insert(token.clone(), account);
        let id = id_of(&token);
        (Token::new(token.into()).expect("it has its length"), id)
    }
}

fn unauthorized(what: &'static str) -> Refusal {
    Refusal::new(Code::Unauthorized, what)
}

impl Accounts for Book {
    fn register(
        &self,
        _: IpAddr,
        name: UserName,
        password: Password,
    ) -> Later<'_, Result<(), Refusal>> {
        let is_short = password.expose().len() < PASSWORD_BYTES_MIN;
        let is_taken = self.find(name.as_str()).is_some();
        let book = self.clone();
        let done = self.later(|_| match (is_short, is_taken) {
            (true, _) => Err(Refusal::bad_field("password", "at least 4 bytes")),
            (_, true) => Err(Refusal::new(Code::NameTaken, "the name is taken")),
            (false, false) => Ok(()),
        });
        Box::pin(async move { done.await.map(|()| book.add(&name, password.expose())) })
    }

    fn login(
        &self,
        _: IpAddr,
        name: UserName,
        password: Password,
        wants_token: bool,
    ) -> Later<'_, Result<LoggedIn, Refusal>> {
        self.later(|inside| {
            let account = match inside.accounts.get(&name.key()) {
                Some((account, known)) if known == password.expose() => account.clone(),
                _ => return Err(unauthorized("the name or the password is wrong")),
            };
            let token = wants_token.then(|| inside.issue(account.clone()));
            Ok(LoggedIn { account, token })
        })
    }

    fn find(&self, name: UserName) -> Later<'_, Result<Profile, Refusal>> {
        self.later(|inside| match inside.accounts.get(&name.key()) {
            Some((account, _)) if !inside.gone.contains(&account.key) => {
                Ok(Profile { account: account.clone(), registered: Timestamp::UNIX_EPOCH })
            }
            _ => Err(Refusal::new(Code::NoSuchUser, format!("there is no account \"{name}\""))),
        })
    }

    fn change_password(
        &self,
        _: IpAddr,
        account: Arc<Account>,
        old: Password,
        new: Password,
        wants_token: bool,
    ) -> Later<'_, Result<Option<(Token, TokenId)>, Refusal>> {
        self.later(move |inside| {
            let (_, known) = inside.accounts.get_mut(&account.key).expect("it is logged in");
            if known != old.expose() {
                return Err(unauthorized("the password is wrong"));
            }
            new.expose().clone_into(known);
            inside.tokens.retain(|_, owner| owner.id != account.id);
            Ok(wants_token.then(|| inside.issue(account)))
        })
    }

    fn unregister(
        &self,
        _: IpAddr,
        account: Arc<Account>,
        password: Password,
    ) -> Later<'_, Result<(), Refusal>> {
        self.later(|inside| {
            let (_, known) = inside.accounts.get_mut(&account.key).expect("it is logged in");
            if known != password.expose() {
                return Err(unauthorized("the password is wrong"));
            }
            // Nobody has a password of no bytes.
            known.clear();
            inside.gone.push(account.key.clone());
            inside.tokens.retain(|_, owner| owner.id != account.id);
            Ok(())
        })
    }

    fn read_mark(&self, account: AccountId) -> Later<'_, Result<Seq, Refusal>> {
        self.later(|inside| Ok(inside.read.get(&account).copied().unwrap_or_default()))
    }

    fn mark_read(&self, account: AccountId, seq: Seq) -> Later<'_, Result<(), Refusal>> {
        self.later(|inside| {
            let mark = inside.read.entry(account).or_default();
            *mark = seq.max(*mark);
            Ok(())
        })
    }

    fn resume(
        &self,
        _: IpAddr,
        token: Token,
    ) -> Later<'_, Result<(Arc<Account>, TokenId), Refusal>> {
        self.later(|inside| match inside.tokens.get(token.expose()) {
            Some(account) => Ok((account.clone(), id_of(token.expose()))),
            None => Err(unauthorized("the token is not known, or no longer good")),
        })
    }

    fn revoke(&self, token: TokenId) -> Later<'_, Result<(), Refusal>> {
        self.later(|inside| {
            inside.tokens.retain(|known, _| id_of(known) != token);
            Ok(())
        })
    }
}
