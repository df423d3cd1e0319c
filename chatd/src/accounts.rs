//! Who has which account: names, passwords, tokens.
//!
//! A wrong name and a wrong password are answered in the same words after the same
//! work, so nobody learns which names exist.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use commands::{Account, AccountId, Later, LoggedIn, Profile, Seq, TokenId};
use jiff::Timestamp;
use proto::{Code, NameKey, Password, Refusal, TOKEN_BYTES, Token, UserName};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::config::Config;
use crate::database::{Database, WriteError};
use crate::hasher::{HashError, Hasher};
use crate::keyed_lock::KeyedLock;
use crate::throttle::{Prefix, Throttle};

/// How long a token opens its account.
const TOKEN_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// How many times the rate of one account may come from one address: a household has
/// several people.
const LOGINS_PER_PREFIX: u32 = 4;

/// The accounts of one data folder.
pub struct Accounts {
    database: Database,
    hasher: Hasher,
    password_bytes_min: usize,
    spare_loopback: bool,
    logins: Option<Throttle<(Prefix, NameKey)>>,
    /// Logins that are looked at: how many have failed is known only of those that are over.
    under_way: KeyedLock<(Prefix, NameKey)>,
    logins_of_prefix: Option<Throttle<Prefix>>,
    registrations: Option<Throttle<Prefix>>,
}

/// An account whose password was right, and the hash that said so: as long as that one
/// stands, nobody has changed the password since.
struct Opened {
    account: Arc<Account>,
    hash: String,
}

/// What a login has to know.
struct Stored {
    account: Account,
    hash: String,
    registered: Timestamp,
}

impl Accounts {
    /// The accounts in `database`, under the limits of `config`.
    ///
    /// # Errors
    /// When no password can be hashed, which a configuration that was checked rules out.
    pub fn new(database: Database, config: &Config) -> Result<Accounts, HashError> {
        let limits = &config.limits;
        let minute = Duration::from_secs(60);
        let of_prefix = limits.logins_per_min.saturating_mul(LOGINS_PER_PREFIX);
        Ok(Accounts {
            database,
            hasher: Hasher::new(config.password)?,
            password_bytes_min: config.password.min_length,
            spare_loopback: limits.spare_loopback,
            logins: Throttle::per(limits.logins_per_min, minute),
            under_way: KeyedLock::new(),
            logins_of_prefix: Throttle::per(of_prefix, minute),
            registrations: Throttle::per(limits.registrations_per_hour, 60 * minute),
        })
    }

    /// Makes an account, without asking how many there were.
    ///
    /// # Errors
    /// What a peer is told.
    pub async fn add(&self, name: UserName, password: Password) -> Result<(), Refusal> {
        self.check_length("password", &password)?;
        let key = name.key();
        // Asked first: the hash is dear, and the answer says nothing that is secret.
        if self.is_taken(&key).await? {
            return Err(name_taken(&name));
        }
        let hash = self.hasher.hash(password).await.map_err(hash_refusal)?;
        let row = name.clone();
        let insert = move |db: &Transaction<'_>| {
            db.prepare_cached(
                "INSERT INTO accounts (name, key, password, created) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (key) DO NOTHING",
            )?
            .execute(params![row.as_str(), key.as_str(), hash, now_ms()])
        };
        match self.write(insert).await? {
            0 => Err(name_taken(&name)),
            _ => Ok(()),
        }
    }

    /// Gives an account another password, and ends its tokens; says which account it is.
    ///
    /// # Errors
    /// What a peer is told.
    pub async fn set_password(
        &self,
        name: &UserName,
        password: Password,
    ) -> Result<AccountId, Refusal> {
        self.check_length("password", &password)?;
        let stored = self.stored(&name.key()).await?.ok_or_else(|| no_such_user(name))?;
        let hash = self.hasher.hash(password).await.map_err(hash_refusal)?;
        let id = stored.account.id.0;
        self.write(move |db| {
            db.execute("UPDATE accounts SET password = ?1 WHERE id = ?2", params![hash, id])?;
            db.execute("DELETE FROM tokens WHERE account = ?1", [id])
        })
        .await?;
        Ok(AccountId(id))
    }

    /// Gives an account that was opened another password, and ends its tokens. Gives the
    /// account as that opens it; none, if a change came first.
    async fn replace_password(
        &self,
        opened: &Opened,
        new: Password,
    ) -> Result<Option<Opened>, Refusal> {
        let hash = self.hasher.hash(new).await.map_err(hash_refusal)?;
        let opened_anew = Opened { account: opened.account.clone(), hash: hash.clone() };
        let (id, old) = (opened.account.id.0, opened.hash.clone());
        let change = self.write(move |db| {
            let change = "UPDATE accounts SET password = ?1 WHERE id = ?2 AND password = ?3";
            let is_changed = db.execute(change, params![hash, id, old])? > 0;
            if is_changed {
                db.execute("DELETE FROM tokens WHERE account = ?1", [id])?;
            }
            Ok(is_changed)
        });
        Ok(change.await?.then_some(opened_anew))
    }

    /// Ends an account that was opened; says whether it did.
    async fn end(&self, opened: &Opened) -> Result<bool, Refusal> {
        let (id, hash) = (opened.account.id.0, opened.hash.clone());
        self.write(move |db| {
            let end =
                "UPDATE accounts SET password = '', gone = ?1 WHERE id = ?2 AND password = ?3";
            let is_ended = db.execute(end, params![now_ms(), id, hash])? > 0;
            if is_ended {
                db.execute("DELETE FROM tokens WHERE account = ?1", [id])?;
            }
            Ok(is_ended)
        })
        .await
    }

    /// Every account, by name.
    ///
    /// # Errors
    /// What SQLite says.
    pub async fn list(&self) -> rusqlite::Result<Vec<String>> {
        let names = |db: &Connection| {
            let mut names =
                db.prepare("SELECT name FROM accounts WHERE gone IS NULL ORDER BY key")?;
            names.query_map([], |row| row.get(0))?.collect()
        };
        self.database.read(names).await
    }

    async fn open(
        &self,
        from: IpAddr,
        name: UserName,
        password: Password,
    ) -> Result<Opened, Refusal> {
        let key = name.key();
        let tried = (!self.is_spared(from)).then(|| (Prefix::of(from), key.clone()));
        // Many jobs of one user may begin at once, and none of them has failed. Each connection waits
        // here once at most.
        let _turn = match &tried {
            Some(tried) if self.logins.is_some() => Some(self.under_way.take(tried.clone()).await),
            _ => None,
        };
        if let Some(tried) = &tried {
            self.count_login(tried)?;
        }
        let stored = self.stored(&key).await?;
        let hash = stored.as_ref().map(|stored| stored.hash.clone());
        let verified = self.hasher.verify(password.clone(), hash).await;
        if let Some(tried) = &tried
            && !matches!(verified, Ok(false))
        {
            // It was right, or nobody knows: only wrong ones count.
            self.logins_of_prefix.iter().for_each(|throttle| throttle.give_back(&tried.0));
            self.logins.iter().for_each(|throttle| throttle.give_back(tried));
        }
        let is_right = verified.map_err(hash_refusal)?;
        if !is_right {
            // For the operator, and for programs that ban addresses; no more lines than the
            // throttle lets through. The name only of those who exist: a password may stand in
            // its place.
            let user = stored.as_ref().map(|stored| tracing::field::display(&stored.account.name));
            tracing::info!(%from, user, "a login was refused");
        }
        let Some(Stored { account, mut hash, .. }) = stored.filter(|_| is_right) else {
            return Err(Refusal::new(Code::Unauthorized, "Password incorrect"));
        };
        if self.hasher.is_outdated(&hash) {
            hash = self.rehash(account.id, hash, password).await;
        }
        Ok(Opened { account: Arc::new(account), hash })
    }

    /// Counts a login, for its address and for its account there; both or neither.
    fn count_login(&self, tried: &(Prefix, NameKey)) -> Result<(), Refusal> {
        let now = Instant::now();
        take(&self.logins_of_prefix, tried.0, now)?;
        take(&self.logins, tried.clone(), now).inspect_err(|_| {
            self.logins_of_prefix.iter().for_each(|throttle| throttle.give_back(&tried.0));
        })
    }

    /// Keeps the password with the cost that the configuration asks for now, and gives the
    /// hash. When that fails, the old one is as good as before.
    async fn rehash(&self, account: AccountId, old: String, password: Password) -> String {
        let Ok(hash) = self.hasher.hash(password).await else { return old };
        let (new, before) = (hash.clone(), old.clone());
        let update = move |db: &Transaction<'_>| {
            // Unless the password was changed meanwhile.
            db.execute(
                "UPDATE accounts SET password = ?1 WHERE id = ?2 AND password = ?3",
                params![new, account.0, before],
            )
        };
        match self.database.write(update).await {
            Ok(0) => old,
            Ok(_) => hash,
            Err(error) => {
                tracing::warn!(%error, "a password keeps its old cost");
                old
            }
        }
    }

    /// A new token for an account that was opened; none, if its password was changed, or it
    /// was ended, since: such a token would live on.
    async fn new_token(&self, opened: &Opened) -> Result<Option<(Token, TokenId)>, Refusal> {
        let (account, hash) = (opened.account.id.0, opened.hash.clone());
        let secret = Zeroizing::new(crate::random::bytes::<TOKEN_BYTES>());
        let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(*secret));
        let token = Token::new(text).expect("so many bytes make so many characters");
        let id = token_id(&token);
        let now = now_ms();
        let expires = now + TOKEN_LIFE.as_millis() as i64;
        let is_new = self.write(move |db| {
            db.prepare_cached("DELETE FROM tokens WHERE account = ?1 AND expires <= ?2")?
                .execute([account, now])?;
            db.prepare_cached(
                "INSERT INTO tokens (hash, account, expires)
                 SELECT ?1, id, ?3 FROM accounts WHERE id = ?2 AND password = ?4",
            )?
            .execute(params![id.0, account, expires, hash])
        });
        Ok((is_new.await? > 0).then_some((token, id)))
    }

    async fn redeem(&self, from: IpAddr, token: Token) -> Result<(Arc<Account>, TokenId), Refusal> {
        let prefix = (!self.is_spared(from)).then(|| Prefix::of(from));
        if let Some(prefix) = prefix {
            take(&self.logins_of_prefix, prefix, Instant::now())?;
        }
        let id = token_id(&token);
        let find = move |db: &Connection| {
            db.prepare_cached(
                "SELECT accounts.id, accounts.name FROM tokens JOIN accounts ON accounts.id = account
                 WHERE hash = ?1 AND expires > ?2 AND gone IS NULL",
            )?
            .query_row(params![id.0, now_ms()], |row| {
                Ok(Account::new(AccountId(row.get(0)?), UserName::trusted(&row.get::<_, String>(1)?)))
            })
            .optional()
        };
        let found = self.database.look_up(find).await.map_err(|error| unreadable(&error))?;
        let Some(account) = found else {
            return Err(Refusal::new(
                Code::Unauthorized,
                "the token opens nothing: log in with the password",
            ));
        };
        if let (Some(prefix), Some(throttle)) = (prefix, &self.logins_of_prefix) {
            throttle.give_back(&prefix);
        }
        Ok((Arc::new(account), id))
    }

    /// The account of that name, if there is one still.
    async fn stored(&self, key: &NameKey) -> Result<Option<Stored>, Refusal> {
        let key = key.clone();
        let find = move |db: &Connection| {
            db.prepare_cached(
                "SELECT id, name, password, created FROM accounts WHERE key = ?1 AND gone IS NULL",
            )?
            .query_row([key.as_str()], |row| {
                let name = UserName::trusted(&row.get::<_, String>(1)?);
                let account = Account::new(AccountId(row.get(0)?), name);
                let registered = Timestamp::from_millisecond(row.get(3)?);
                let registered = registered.unwrap_or(Timestamp::UNIX_EPOCH);
                Ok(Stored { account, hash: row.get(2)?, registered })
            })
            .optional()
        };
        self.read(find).await
    }

    /// Is the name given, or was it once?
    async fn is_taken(&self, key: &NameKey) -> Result<bool, Refusal> {
        let key = key.clone();
        let find = move |db: &Connection| {
            db.prepare_cached("SELECT 1 FROM accounts WHERE key = ?1")?.exists([key.as_str()])
        };
        self.read(find).await
    }

    fn check_length(&self, field: &str, password: &Password) -> Result<(), Refusal> {
        let min = self.password_bytes_min;
        match password.expose().len() < min {
            true => Err(Refusal::bad_field(field, &format!("it has at least {min} bytes"))),
            false => Ok(()),
        }
    }

    fn is_spared(&self, from: IpAddr) -> bool {
        self.spare_loopback && from.to_canonical().is_loopback()
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.database.read(work).await.map_err(|error| unreadable(&error))
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.database.write(work).await.map_err(|error| match error {
            WriteError::Busy => Refusal::new(
                Code::ServerBusy,
                "the server has too much to write: try again in a second",
            ),
            WriteError::Unknown => {
                Refusal::new(Code::UnknownOutcome, "the server cannot tell whether it was written")
            }
            WriteError::Lost => Refusal::new(
                Code::ServerBusy,
                "the server cannot write to its disk: nothing was kept",
            ),
            WriteError::Failed(error) => {
                tracing::error!(%error, "the accounts cannot be written");
                Refusal::new(Code::Internal, "the server made a mistake: its log says more")
            }
        })
    }
}

impl commands::Accounts for Accounts {
    fn register(
        &self,
        from: IpAddr,
        name: UserName,
        password: Password,
    ) -> Later<'_, Result<(), Refusal>> {
        Box::pin(async move {
            // Only an attempt that could succeed counts.
            self.check_length("password", &password)?;
            if self.is_taken(&name.key()).await? {
                return Err(name_taken(&name));
            }
            if !self.is_spared(from) {
                take(&self.registrations, Prefix::of(from), Instant::now())?;
            }
            self.add(name, password).await.inspect_err(|_| {
                self.registrations
                    .iter()
                    .for_each(|throttle| throttle.give_back(&Prefix::of(from)));
            })
        })
    }

    fn login(
        &self,
        from: IpAddr,
        name: UserName,
        password: Password,
        wants_token: bool,
    ) -> Later<'_, Result<LoggedIn, Refusal>> {
        Box::pin(async move {
            // Once more, if the password changes between the look at it and the token.
            loop {
                let opened = self.open(from, name.clone(), password.clone()).await?;
                let token = match wants_token {
                    true => self.new_token(&opened).await?,
                    false => None,
                };
                if token.is_some() == wants_token {
                    return Ok(LoggedIn { account: opened.account, token });
                }
            }
        })
    }

    fn find(&self, name: UserName) -> Later<'_, Result<Profile, Refusal>> {
        Box::pin(async move {
            let stored = self.stored(&name.key()).await?.ok_or_else(|| no_such_user(&name))?;
            Ok(Profile { account: Arc::new(stored.account), registered: stored.registered })
        })
    }

    fn change_password(
        &self,
        from: IpAddr,
        account: Arc<Account>,
        old: Password,
        new: Password,
        wants_token: bool,
    ) -> Later<'_, Result<Option<(Token, TokenId)>, Refusal>> {
        Box::pin(async move {
            self.check_length("new", &new)?;
            loop {
                let opened = self.open(from, account.name.clone(), old.clone()).await?;
                if let Some(opened) = self.replace_password(&opened, new.clone()).await? {
                    // None if it has been changed once more: whoever did that has one.
                    // The password is another one, whether there is a token or not.
                    return Ok(match wants_token {
                        true => self.new_token(&opened).await.unwrap_or_default(),
                        false => None,
                    });
                }
            }
        })
    }

    fn unregister(
        &self,
        from: IpAddr,
        account: Arc<Account>,
        password: Password,
    ) -> Later<'_, Result<(), Refusal>> {
        Box::pin(async move {
            loop {
                let opened = self.open(from, account.name.clone(), password.clone()).await?;
                if self.end(&opened).await? {
                    return Ok(());
                }
            }
        })
    }

    fn read_mark(&self, account: AccountId) -> Later<'_, Result<Seq, Refusal>> {
        let mark = move |db: &Connection| {
            db.prepare_cached("SELECT read FROM accounts WHERE id = ?1")?
                .query_row([account.0], |row| row.get(0).map(Seq))
        };
        Box::pin(self.read(mark))
    }

    fn mark_read(&self, account: AccountId, seq: Seq) -> Later<'_, Result<(), Refusal>> {
        let mark = move |db: &Transaction<'_>| {
            // No further than what there is: what comes later was not read.
            db.prepare_cached(
                "UPDATE accounts SET read = max(read, min(?1,
                     (SELECT coalesce(max(seq), 0) FROM entries WHERE room = 0 AND recipient = ?2)))
                 WHERE id = ?2",
            )?
            .execute([seq.0, account.0])
        };
        Box::pin(async move { self.write(mark).await.map(drop) })
    }

    fn resume(
        &self,
        from: IpAddr,
        token: Token,
    ) -> Later<'_, Result<(Arc<Account>, TokenId), Refusal>> {
        Box::pin(self.redeem(from, token))
    }

    fn revoke(&self, token: TokenId) -> Later<'_, Result<(), Refusal>> {
        Box::pin(async move {
            let delete = move |db: &Transaction<'_>| {
                db.prepare_cached("DELETE FROM tokens WHERE hash = ?1")?.execute([token.0])
            };
            self.write(delete).await.map(drop)
        })
    }
}

/// Counts a try, if it is counted at all.
fn take<K: std::hash::Hash + Eq>(
    throttle: &Option<Throttle<K>>,
    key: K,
    now: Instant,
) -> Result<(), Refusal> {
    let Some(throttle) = throttle else { return Ok(()) };
    throttle.take(key, now).map_err(|wait| {
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
        let message = format!("too many attempts: wait {} s", wait_ms.div_ceil(1000));
        Refusal::new(Code::Throttled, message).with("retry_after_ms", wait_ms)
    })
}

fn unreadable(error: &rusqlite::Error) -> Refusal {
    tracing::error!(%error, "the accounts cannot be read");
    Refusal::new(Code::Internal, "the server cannot read its accounts")
}

fn no_such_user(name: &UserName) -> Refusal {
    Refusal::new(Code::NoSuchUser, format!("there is no account \"{name}\""))
}

fn name_taken(name: &UserName) -> Refusal {
    Refusal::new(
        Code::NameTaken,
        format!("there is or was an account \"{name}\", or one that looks like it"),
    )
}

fn hash_refusal(error: HashError) -> Refusal {
    match error {
        HashError::Busy => {
            Refusal::new(Code::ServerBusy, "too many logins at once: try again in a few seconds")
        }
        HashError::Failed(reason) => {
            tracing::error!(reason, "a password cannot be hashed");
            Refusal::new(Code::Internal, "the server made a mistake: its log says more")
        }
    }
}

/// Tokens are random, so a fast hash keeps them as well as a slow one.
fn token_id(token: &Token) -> TokenId {
    TokenId(Sha256::digest(token.expose()).into())
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use commands::Accounts as _;

    use super::*;
    use crate::settings::Settings;

    fn secret(text: &str) -> Password {
        Password::new(Zeroizing::new(text.into())).unwrap()
    }

    /// A login whose password was looked at just before it was changed got a token after the
    /// change had ended all of them: the old password opened the account for another day.
    #[test]
    fn who_was_judged_before_the_password_changed_gets_no_token_after() {
        smol::block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("chatd.db");
            let mut config =
                Settings::gather(None, std::iter::empty(), &[]).unwrap().config().unwrap();
            (config.password.log_n, config.password.p) = (4, 1);
            let (database, writer, _tail) = Database::open(&file, &config).unwrap();
            let accounts = Accounts::new(database.clone(), &config).unwrap();
            let (from, ann) = (IpAddr::from([127, 0, 0, 1]), UserName::new("ann").unwrap());
            accounts.add(ann.clone(), secret("1234")).await.unwrap();
            let open = async |password| accounts.open(from, ann.clone(), secret(password)).await;

            let before = open("1234").await.unwrap();
            assert!(accounts.new_token(&before).await.unwrap().is_some());
            let account = before.account.clone();
            let (old, new) = (secret("1234"), secret("5678"));
            let token = accounts.change_password(from, account, old, new, true).await.unwrap();
            let (token, _) = token.unwrap();
            assert_eq!(accounts.resume(from, token).await.unwrap().0.id, before.account.id);
            assert!(accounts.new_token(&before).await.unwrap().is_none());
            assert!(accounts.replace_password(&before, secret("9999")).await.unwrap().is_none());
            assert!(!accounts.end(&before).await.unwrap());

            let before = open("5678").await.unwrap();
            let account = before.account.clone();
            accounts.unregister(from, account, secret("5678")).await.unwrap();
            assert!(accounts.new_token(&before).await.unwrap().is_none());
            let login = accounts.login(from, ann.clone(), secret("5678"), true).await;
            assert_eq!(login.err().unwrap().code, Code::Unauthorized);
            let tokens = database.read(|db| {
                db.query_row("SELECT count(*) FROM tokens", [], |row| row.get::<_, i64>(0))
            });
            assert_eq!(tokens.await.unwrap(), 0);
            database.close();
            writer.join();
        });
    }
}
