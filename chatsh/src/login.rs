//! Who chatsh is, as the options say: register, log in or resume, enter a room.

use std::path::PathBuf;

use proto::{Code, Incoming, NameKey, RoomName, State, UserName};
use serde_json::{Map, Value, json};

use crate::exit::{Exit, Failure};
use crate::reply::accepted;
use crate::secret::{self, Kept, Source, TRIES};
use crate::session::{Session, object};
use crate::talk;

/// What is to happen before the first line.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    /// Who to be.
    pub(crate) user: Option<UserName>,
    /// Where the password comes from, if there is one at hand.
    pub(crate) password: Option<Source>,
    /// Where the token is, or is to be kept.
    pub(crate) token_file: Option<PathBuf>,
    /// Is the account made first, if it is missing?
    pub(crate) registers: bool,
    /// Which room is entered.
    pub(crate) room: Option<RoomName>,
    /// Do we wait when the server says that it was too much?
    pub(crate) may_wait: bool,
}

impl Login {
    /// To be nobody, nowhere.
    pub(crate) fn of_nobody() -> Login {
        Login {
            user: None,
            password: None,
            token_file: None,
            registers: false,
            room: None,
            may_wait: false,
        }
    }

    /// Does what the options say.
    ///
    /// # Errors
    /// The server's refusal, or a secret that is not to be had.
    pub(crate) async fn perform(&self, session: &mut Session) -> Result<(), Failure> {
        if !self.resume(session).await?
            && let Some(user) = &self.user
        {
            self.log_in(session, user).await?;
        }
        self.enter(session).await
    }

    /// Enters the room, if there is one.
    ///
    /// # Errors
    /// The server's refusal.
    pub(crate) async fn enter(&self, session: &mut Session) -> Result<(), Failure> {
        let Some(room) = &self.room else { return Ok(()) };
        let data = object(json!({ "room": room }));
        session.demand("enter", &data, self.may_wait).await.map(drop)
    }

    /// Logs in with the token, if there is one that still opens the account.
    async fn resume(&self, session: &mut Session) -> Result<bool, Failure> {
        let Some(file) = &self.token_file else { return Ok(false) };
        let at_hand = self.user.is_some() && self.password.is_some();
        let token = match secret::token(file)? {
            Kept::Token(token) => token,
            Kept::Nothing if at_hand => return Ok(false),
            Kept::Other if at_hand => {
                talk::say(&format!("{} holds no token", file.display()));
                return Ok(false);
            }
            Kept::Nothing => {
                let message = format!("there is no token in {}", file.display());
                return Err(Failure::new(Exit::Usage, message));
            }
            Kept::Other => {
                let message = format!("{} holds no token", file.display());
                return Err(Failure::new(Exit::Usage, message));
            }
        };
        let data = object(json!({ "token": token }));
        match session.demand("resume", &data, self.may_wait).await {
            Ok(reply) => self.check_owner(&reply, file).map(|()| true),
            Err(refusal) if refusal.exit == Exit::Unauthorized && at_hand => {
                talk::say(&format!(
                    "the server does not take the token in {} any more",
                    file.display()
                ));
                Ok(false)
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// The token must not make us somebody else than we are told to be.
    fn check_owner(&self, reply: &Incoming, file: &std::path::Path) -> Result<(), Failure> {
        let owner = reply.data.get("username").and_then(Value::as_str).unwrap_or_default();
        match &self.user {
            Some(user) if user.key() != NameKey::of(owner) => {
                let message = format!("the token in {} is {owner}'s, not {user}'s", file.display());
                Err(Failure::new(Exit::Unauthorized, message))
            }
            _ => Ok(()),
        }
    }

    /// Is the password of `user` to be had without asking anybody?
    pub(crate) fn can_log_in_again(&self, user: &str) -> bool {
        let is_theirs = self.user.as_ref().is_some_and(|own| own.key() == NameKey::of(user));
        is_theirs && self.password.as_ref().is_some_and(|source| *source != Source::Terminal)
    }

    /// Logs in as the user that it is for, if there is one; does not wait when throttled.
    pub(crate) async fn log_in_again(&self, session: &mut Session) -> Result<(), Failure> {
        let Some(user) = &self.user else { return Ok(()) };
        let again = Login { may_wait: false, registers: false, ..self.clone() };
        again.log_in(session, user).await
    }

    async fn log_in(&self, session: &mut Session, user: &UserName) -> Result<(), Failure> {
        let Some(source) = &self.password else {
            return Err(Failure::new(Exit::Usage, format!("no password of {user} is at hand")));
        };
        let tries = if *source == Source::Terminal { TRIES } else { 1 };
        let mut failed = 0;
        let reply = loop {
            let password = match self.registers {
                true => source.new_password(user.as_str())?,
                false => source.password(user.as_str())?,
            };
            let data = object(json!({ "username": user, "password": password.as_str() }));
            failed += 1;
            let closed = match self.registers {
                true => match self.register(session, &data).await? {
                    Registered::Done => None,
                    Registered::Closed(refusal) => Some(refusal),
                    Registered::Password(refusal) if failed < tries => {
                        talk::say(&refusal.message);
                        continue;
                    }
                    Registered::Password(refusal) => return Err(refusal),
                },
                false => None,
            };
            match session.demand("login", &data, self.may_wait).await {
                Err(refusal) if refusal.exit == Exit::Unauthorized && failed < tries => {
                    talk::say(&refusal.message);
                }
                Err(refusal) if refusal.exit == Exit::Unauthorized && closed.is_some() => {
                    return Err(closed.unwrap_or(refusal));
                }
                // The server does not tell the one from the other.
                Err(refusal) if refusal.exit == Exit::Unauthorized && !self.registers => {
                    let advice = match session.entrance().is_elsewhere {
                        true => "or there is no such account: /connect without it, and /register",
                        false => "or there is no such account: --register makes it",
                    };
                    let message = format!("{} ({advice})", refusal.message);
                    return Err(Failure { message, ..refusal });
                }
                outcome => break outcome?,
            }
        };
        match (&self.token_file, reply.data.get("token").and_then(Value::as_str)) {
            (Some(file), Some(token)) => secret::keep_token(file, token),
            _ => Ok(()),
        }
    }

    /// Makes the account, if it is missing.
    async fn register(
        &self,
        session: &mut Session,
        data: &Map<String, Value>,
    ) -> Result<Registered, Failure> {
        let reply = session.ask_patiently("register", data, self.may_wait).await?;
        let (is_there, is_closed) =
            (reply.is_error(Code::NameTaken), reply.is_error(Code::Forbidden));
        let is_of_password = reply.is_error(Code::BadRequest)
            && reply.data.get("field").is_some_and(|field| field == "password");
        match accepted(reply, State::Auth) {
            Err(_) if is_there => Ok(Registered::Done),
            Err(refusal) if is_closed => Ok(Registered::Closed(refusal)),
            Err(refusal) if is_of_password => Ok(Registered::Password(refusal)),
            outcome => outcome.map(|_| Registered::Done),
        }
    }
}

/// What came of making an account.
enum Registered {
    /// It is there, or was.
    Done,
    /// It may not be made; it may be there all the same.
    Closed(Failure),
    /// Not with this password.
    Password(Failure),
}
