//! Many clients in one thread: whoever hears something has a turn.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use color_eyre::eyre::{Result, WrapErr};
use rustix::event::{Timespec, epoll};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::client::Client;
use crate::target::Tls;
use crate::tongue::{Heard, Tongue};

/// What is read from one client before the next has its turn.
const READ_BYTES: usize = 64 * 1024;

/// Clients that have a turn before the clock is looked at again.
const EVENTS_MAX: usize = 256;

/// For one who waits to write as well.
const BOTH: epoll::EventFlags = epoll::EventFlags::IN.union(epoll::EventFlags::OUT);

/// All clients, numbered; each number is there or not.
pub struct Crowd {
    tls: Tls,
    clients: Vec<Option<Client>>,
    /// How many have not shaken hands yet.
    shaking: usize,
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
    buffer: Vec<u8>,
    /// Bytes that came to those who do not look at them.
    discarded: u64,
}

impl Crowd {
    /// Room for so many clients, none of them connected.
    pub fn new(tls: &Tls, clients: usize) -> Result<Crowd> {
        raise_files();
        Ok(Crowd {
            tls: tls.clone(),
            clients: (0..clients).map(|_| None).collect(),
            shaking: 0,
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            events: Vec::with_capacity(EVENTS_MAX),
            buffer: vec![0; READ_BYTES],
            discarded: 0,
        })
    }

    /// The language that they speak.
    pub fn tongue(&self) -> Tongue {
        self.tls.target.tongue
    }

    /// How many there may be.
    pub fn len(&self) -> usize {
        self.clients.len()
    }

    /// How many are connecting: they have not shaken hands.
    pub fn shaking(&self) -> usize {
        self.shaking
    }

    /// Connects a client.
    pub fn connect(&mut self, who: usize) -> Result<()> {
        let client = Client::connect(&self.tls).wrap_err("connecting")?;
        let data = epoll::EventData::new_u64(who as u64);
        epoll::add(&self.epoll, &client.socket, data, epoll::EventFlags::IN)?;
        self.clients[who] = Some(client);
        self.shaking += 1;
        Ok(())
    }

    /// Lets a client read nothing any more.
    pub fn stall(&mut self, who: usize) -> Result<()> {
        if let Some(client) = &self.clients[who] {
            epoll::delete(&self.epoll, &client.socket)?;
        }
        Ok(())
    }

    /// Lets a client look at nothing any more of what it reads.
    pub fn deafen(&mut self, who: usize) {
        self.clients[who].iter_mut().for_each(|client| client.is_deaf = true);
    }

    /// How many bytes came to those who do not look at them.
    pub fn discarded(&self) -> u64 {
        self.discarded
    }

    /// Cuts a client off, without a word to the server.
    pub fn cut(&mut self, who: usize) {
        let Some(client) = self.clients[who].take() else { return };
        self.shaking -= usize::from(!client.has_shaken);
        client.cut();
    }

    /// Says something, with the next [`Crowd::flush`] of this client. One who is not there
    /// says nothing.
    pub fn say(&mut self, who: usize, bytes: &[u8]) -> Result<()> {
        match &mut self.clients[who] {
            Some(client) => Ok(client.say(bytes)?),
            None => Ok(()),
        }
    }

    /// Sends what a client has said, as far as its socket takes it.
    pub fn flush(&mut self, who: usize) -> Result<()> {
        let Some(client) = &mut self.clients[who] else { return Ok(()) };
        let is_blocked = client.flush()?;
        if is_blocked != client.is_blocked {
            client.is_blocked = is_blocked;
            let data = epoll::EventData::new_u64(who as u64);
            let what = if is_blocked { BOTH } else { epoll::EventFlags::IN };
            epoll::modify(&self.epoll, &client.socket, data, what)?;
        }
        Ok(())
    }

    /// Waits until somebody hears something, or for `wait` at most, and gives all that
    /// there is to hear now.
    pub fn turn(
        &mut self,
        wait: Duration,
        mut hear: impl FnMut(usize, Heard<'_>, Instant),
    ) -> Result<()> {
        let wait = Timespec::try_from(wait)?;
        self.events.clear();
        let room = rustix::buffer::spare_capacity(&mut self.events);
        match epoll::wait(&self.epoll, room, Some(&wait)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut events = std::mem::take(&mut self.events);
        for event in events.drain(..) {
            let who = event.data.u64() as usize;
            let Some(client) = &mut self.clients[who] else { continue };
            if client.is_deaf {
                self.discarded += client.discard()?;
                continue;
            }
            let (now, had_shaken) = (Instant::now(), client.has_shaken);
            let is_there = client.read(&mut self.buffer, |heard| hear(who, heard, now))?;
            self.shaking -= usize::from(client.has_shaken && !had_shaken);
            if is_there {
                // The handshake has something to say too.
                self.flush(who)?;
            } else {
                self.cut(who);
                hear(who, Heard::Ended, now);
            }
        }
        self.events = events;
        Ok(())
    }
}

/// Makes the limit of open files as high as it may be: each client is one.
fn raise_files() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}
