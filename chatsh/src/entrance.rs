//! The way in, the first time and again: where the server is, how it is known, and who
//! we are there.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use certs::Fingerprint;
use clap::Parser;
use proto::State;

use crate::address::{Address, AddressError};
use crate::book::Book;
use crate::dial::{Acquaintance, dial};
use crate::exit::{Exit, Failure};
use crate::link::Link;
use crate::login::Login;
use crate::options::Options;
use crate::session::Session;

/// Everything that a connection needs.
#[derive(Debug)]
pub(crate) struct Entrance {
    /// Where the server is.
    pub(crate) address: Address,
    /// How it is known.
    pub(crate) acquaintance: Acquaintance,
    /// What is to happen before the first line.
    pub(crate) login: Login,
    /// How long a reply may take.
    pub(crate) timeout: Duration,
    /// How long we wait for the server to be ready, if that was said.
    pub(crate) patience: Option<Duration>,
    /// Where the keys of known servers are, if that was said.
    known_hosts: Option<PathBuf>,
    /// Is it where a line leads, not the command line?
    pub(crate) is_elsewhere: bool,
}

impl Entrance {
    /// The way in that `options` say, as `login` says.
    ///
    /// # Errors
    /// [`Exit::Usage`] if they make no sense.
    pub(crate) fn of(options: &Options, login: &Login) -> Result<Entrance, Failure> {
        Ok(Entrance {
            address: options.address()?,
            acquaintance: options.acquaintance()?,
            login: login.clone(),
            timeout: options.reply_timeout(),
            patience: options.timeout,
            known_hosts: options.known_hosts.clone(),
            is_elsewhere: false,
        })
    }

    /// The way to another server, as if chatsh had been started with `address` alone.
    ///
    /// # Errors
    /// [`Exit::Usage`] if it makes no sense.
    pub(crate) fn elsewhere(&self, address: &str) -> Result<Entrance, Failure> {
        let mut options = options_of(address)?;
        options.known_hosts.clone_from(&self.known_hosts);
        let login = options.login()?;
        let mut entrance = Entrance::of(&options, &login)?;
        (entrance.timeout, entrance.patience) = (self.timeout, self.patience);
        entrance.is_elsewhere = true;
        entrance.acquaintance.accepts_new = self.acquaintance.accepts_new;
        // The line editor has the terminal, so nobody can be asked about a new server.
        entrance.acquaintance.may_ask = false;
        Ok(entrance)
    }

    /// A session in the state that the options ask for.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub(crate) async fn enter(self: &Arc<Self>) -> Result<Session, Failure> {
        let link = self.connect(&self.acquaintance).await?;
        let book = Arc::new(Mutex::new(Book::new()));
        let mut session = Session::open(link, book, Arc::clone(self)).await?;
        self.login.perform(&mut session).await?;
        Ok(session)
    }

    /// Another session that begins anew with the same book. Nobody is asked anything.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub(crate) async fn enter_again(
        self: &Arc<Self>,
        book: Arc<Mutex<Book>>,
    ) -> Result<Session, Failure> {
        let known = Acquaintance { may_ask: false, ..self.acquaintance.clone() };
        let link = self.connect(&known).await?;
        book.lock().unwrap_or_else(PoisonError::into_inner).begin_again();
        Session::open(link, book, Arc::clone(self)).await
    }

    async fn connect(&self, acquaintance: &Acquaintance) -> Result<Link, Failure> {
        let advice = |seen: Fingerprint| match self.is_elsewhere {
            true => self.line_with(seen),
            false => format!("--pin {seen} or --accept-new"),
        };
        Ok(Link::new(dial(&self.address, acquaintance, self.timeout, advice).await?))
    }

    /// The line that leads here, to the server with this key.
    fn line_with(&self, pin: Fingerprint) -> String {
        let Address { user, room, .. } = &self.address;
        let user = user.as_ref().map_or(String::new(), |user| format!("{user}@"));
        let room = room.as_ref().map_or(String::new(), |room| format!("/{room}"));
        format!("/connect {user}{}{room}#{pin}", self.address)
    }
}

/// Where a session is that another one left for `address`.
///
/// # Errors
/// [`Exit::Usage`] if it makes no sense.
pub(crate) fn leads_to(address: &str) -> Result<State, Failure> {
    let options = options_of(address)?;
    options.who()?;
    options.begins_in()
}

/// What chatsh would do that is started with `address` alone.
fn options_of(address: &str) -> Result<Options, Failure> {
    let usage = |why: &dyn std::fmt::Display| Failure::new(Exit::Usage, why.to_string());
    let given = address.parse().map_err(|error: AddressError| usage(&error))?;
    let mut options = Options::try_parse_from(["chatsh"]).map_err(|error| usage(&error))?;
    options.address_option = Some(given);
    options.settle()
}
