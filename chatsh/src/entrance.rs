//! The way in, the first time and again: where the server is, how it is known, and who
//! we are there.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::address::Address;
use crate::book::Book;
use crate::dial::{Acquaintance, dial};
use crate::exit::Failure;
use crate::link::Link;
use crate::login::Login;
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
}

impl Entrance {
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
        Ok(Link::new(dial(&self.address, acquaintance, self.timeout).await?))
    }
}
