//! Sixteen who send, three who listen, and what must be true of them in the end.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tests::{Account, Said, Sender, Server, Truth, listen};

use crate::stored::{check_heard, check_stored, stored};

const SENDERS: usize = 16;
const LISTENERS: usize = 3;

/// What a crowd wants more of than the limits allow by default.
pub(crate) const SETTINGS: [&str; 2] = ["limits.unauthenticated=0", "limits.commands_burst=0"];

/// Those who talk and listen, and what is acknowledged to them.
pub(crate) struct Crowd {
    accounts: Vec<Account>,
    pub(crate) truth: Truth,
}

/// How it went.
pub(crate) struct Outcome {
    heard: Vec<Vec<Said>>,
    /// How many were asked for again after they had been kept.
    pub(crate) repeated: usize,
    /// How many acknowledgements were taken as lost.
    pub(crate) unheard: usize,
    /// How many senders were answered with each error.
    pub(crate) errors: BTreeMap<String, usize>,
}

impl Crowd {
    /// New accounts.
    pub(crate) fn new(server: &Server) -> Crowd {
        let accounts = (0..SENDERS + LISTENERS).map(|n| Account::new(server, &format!("user{n}")));
        Crowd { accounts: accounts.collect(), truth: Truth::default() }
    }

    /// The same crowd, with another way to the server.
    pub(crate) fn by_way_of(self, address: SocketAddr) -> Crowd {
        let accounts = self.accounts.into_iter().map(|account| account.by_way_of(address));
        Crowd { accounts: accounts.collect(), ..self }
    }

    /// Lets all talk and listen while `meanwhile` breaks things. Senders are what `making`
    /// makes of them, send while `wants_more`, told how many they have sent, and are done
    /// when all is acknowledged.
    pub(crate) fn talk<'a>(
        &'a self,
        mut making: impl FnMut(Sender<'a>) -> Sender<'a>,
        wants_more: impl Fn(usize) -> bool + Sync,
        meanwhile: impl FnOnce(),
    ) -> Outcome {
        let (senders, listeners) = self.accounts.split_at(SENDERS);
        let wants_more = &wants_more;
        std::thread::scope(|scope| {
            let heard: Vec<_> =
                listeners.iter().map(|account| scope.spawn(|| listen(account))).collect();
            let senders = senders.iter().cloned().enumerate();
            let sent: Vec<_> = senders
                .map(|(number, account)| making(Sender::new(account, number, &self.truth)))
                .map(|sender| scope.spawn(move || sender.run(wants_more)))
                .collect();
            meanwhile();
            let (mut repeated, mut unheard, mut errors) = (0, 0, BTreeMap::new());
            for sender in sent {
                let sender = sender.join().unwrap();
                repeated += sender.repeated;
                unheard += sender.unheard;
                sender.errors.into_keys().for_each(|code| *errors.entry(code).or_default() += 1);
            }
            self.accounts[0].say_last();
            let heard = heard.into_iter().map(|heard| heard.join().unwrap()).collect();
            Outcome { heard, repeated, unheard, errors }
        })
    }

    /// Kills the server, and claims that its database, those who sent and those who
    /// listened agree; what is stored.
    pub(crate) fn agree(&self, server: &mut Server, outcome: &Outcome) -> Vec<Said> {
        server.kill();
        self.agree_with(stored(&server.data()), outcome)
    }

    /// The same for what is stored already.
    pub(crate) fn agree_with(&self, stored: Vec<Said>, outcome: &Outcome) -> Vec<Said> {
        check_stored(&self.truth.so_far(), &stored);
        assert_eq!(self.truth.count(), stored.len(), "everything was acknowledged in the end");
        outcome.heard.iter().for_each(|heard| check_heard(heard, &stored));
        stored
    }
}
