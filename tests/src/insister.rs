//! Those who do not give up: a connection that is lost is made again, as often as it
//! takes, and goes on where it was.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::truth::{Said, Truth};
use crate::{Chance, Client, End, PATIENCE, Server};

/// The room where it all happens.
const ROOM: &str = "general";

/// The last text that is said: who hears it is done.
const LAST: &str = "that is all";

/// Messages of a sender that wait for their acknowledgement, at most.
const WINDOW: usize = 8;

/// An account, and the way to its server: straight or through a proxy.
#[derive(Clone)]
pub struct Account {
    name: String,
    address: SocketAddr,
    fingerprint: String,
    token: Value,
}

/// A connection is gone.
struct Lost;

impl From<io::Error> for Lost {
    fn from(_: io::Error) -> Lost {
        Lost
    }
}

impl From<End> for Lost {
    fn from(_: End) -> Lost {
        Lost
    }
}

impl Account {
    /// A new account, and a token to come back with.
    pub fn new(server: &Server, name: &str) -> Account {
        let mut client = server.connect();
        client.ask("hello", json!({ "caps": ["resume"] }));
        client.register(name);
        let token = client.login(name)["data"]["token"].clone();
        let (address, fingerprint) = (server.address, server.fingerprint.clone());
        Account { name: name.into(), address, fingerprint, token }
    }

    /// The same by another way.
    pub fn by_way_of(self, address: SocketAddr) -> Account {
        Account { address, ..self }
    }

    /// Comes back to the room; the data of the reply.
    fn resume(&self, after: Option<i64>) -> Result<(Client, Value), Lost> {
        let mut client = Client::try_connect(self.address, &self.fingerprint)?;
        let mut data = json!({ "token": self.token, "room": ROOM });
        after.into_iter().for_each(|after| data["after"] = after.into());
        client.send_body(json!({ "type": "resume", "data": data }).to_string().as_bytes())?;
        let reply = client.receive_or_end()?;
        // The server may have just begun to stop, or not have found its disk yet.
        if reply["status"] != "ok" {
            assert_eq!(reply["type"], "error", "{}: {reply}", self.name);
            return Err(Lost);
        }
        Ok((client, reply["data"].clone()))
    }

    /// The same until it works.
    fn insist(&self, after: Option<i64>) -> (Client, Value) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Ok(resumed) = self.resume(after) {
                return resumed;
            }
            assert!(Instant::now() < deadline, "{} never comes back", self.name);
            // Only to leave the processor to the server that starts.
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }

    /// Says the last word in the room.
    pub fn say_last(&self) {
        let say = |mut client: Client| -> Result<(), Lost> {
            let data = json!({ "to": "public", "text": LAST, "key": LAST });
            client.send_body(json!({ "type": "msg", "data": data }).to_string().as_bytes())?;
            while client.receive_or_end()?["data"]["text"] != LAST {}
            Ok(())
        };
        while say(self.insist(None).0).is_err() {}
    }
}

/// One who sends under keys, and sends each message again until it is acknowledged.
pub struct Sender<'a> {
    account: Account,
    number: usize,
    truth: &'a Truth,
    padding: String,
    /// Of so many acknowledgements one is taken as lost.
    deaf: Option<(u64, Chance)>,
    sent: usize,
    /// Sent, and not acknowledged yet.
    open: BTreeSet<usize>,
    /// Where an acknowledgement that was taken as lost has put them.
    ignored: BTreeMap<usize, i64>,
    /// How many were answered that had been kept before the connection began.
    pub repeated: usize,
    /// How many acknowledgements were taken as lost.
    pub unheard: usize,
    /// How often each error was answered.
    pub errors: BTreeMap<String, usize>,
}

impl<'a> Sender<'a> {
    /// The sender of that number.
    pub fn new(account: Account, number: usize, truth: &'a Truth) -> Sender<'a> {
        Sender {
            account,
            number,
            truth,
            padding: String::new(),
            deaf: None,
            sent: 0,
            open: BTreeSet::new(),
            ignored: BTreeMap::new(),
            repeated: 0,
            unheard: 0,
            errors: BTreeMap::new(),
        }
    }

    /// With messages that are so many bytes longer.
    pub fn padded(self, bytes: usize) -> Sender<'a> {
        Sender { padding: "x".repeat(bytes), ..self }
    }

    /// Who takes one acknowledgement in so many as lost.
    pub fn deaf_to_one_in(self, times: u64, chance: Chance) -> Sender<'a> {
        Sender { deaf: Some((times, chance)), ..self }
    }

    /// Sends while `wants_more`, told how many it has sent; ends when all are acknowledged.
    pub fn run(mut self, wants_more: impl Fn(usize) -> bool) -> Sender<'a> {
        loop {
            let (client, resumed) = self.account.insist(None);
            let last_seq = resumed["last_seq"].as_i64().unwrap();
            if let Ok(()) = self.talk(client, last_seq, &wants_more) {
                return self;
            }
        }
    }

    /// Sends over one connection until all is said. What was `last_seq` when it began
    /// tells what had been kept before.
    fn talk(
        &mut self,
        mut client: Client,
        last_seq: i64,
        wants_more: &impl Fn(usize) -> bool,
    ) -> Result<(), Lost> {
        let mut again: VecDeque<usize> = self.open.iter().copied().collect();
        let mut on_the_way = VecDeque::new();
        loop {
            while on_the_way.len() < WINDOW {
                let number = match again.pop_front() {
                    Some(number) => number,
                    None if wants_more(self.sent) => {
                        self.open.insert(self.sent);
                        self.sent += 1;
                        self.sent - 1
                    }
                    None => break,
                };
                on_the_way.push_back(number);
                self.send(&mut client, number)?;
            }
            if on_the_way.is_empty() {
                return Ok(());
            }
            let message = client.receive_or_end()?;
            let Some(id) = message.get("id") else {
                self.overhear(&message)?;
                continue;
            };
            let number = on_the_way.pop_front().expect("a reply has its request");
            assert_eq!(*id, number, "replies keep their order: {message}");
            if message["status"] != "ok" {
                let code = message["code"].as_str().unwrap().to_owned();
                *self.errors.entry(code).or_default() += 1;
                self.truth.refuse();
                again.push_back(number);
                continue;
            }
            let seq = message["data"]["seq"].as_i64().unwrap();
            self.repeated += usize::from(seq <= last_seq);
            if let Some(first) = self.ignored.get(&number) {
                assert_eq!(seq, *first, "the same key is the first message");
            }
            if self.hears_not() {
                self.unheard += 1;
                self.ignored.insert(number, seq);
                again.push_back(number);
                // Sometimes the connection is taken as lost with it.
                match number % 4 {
                    0 => return Err(Lost),
                    _ => continue,
                }
            }
            self.open.remove(&number);
            self.truth.acknowledge(Said { seq, sender: self.number, number });
        }
    }

    fn send(&self, client: &mut Client, number: usize) -> io::Result<()> {
        let text = Said::text(self.number, number, &self.padding);
        let data = json!({ "to": "public", "text": text, "key": format!("{number}") });
        let request = json!({ "type": "msg", "id": number, "data": data });
        client.send_body(request.to_string().as_bytes())
    }

    /// What others say is for the listeners; the server's last word ends the connection.
    fn overhear(&mut self, push: &Value) -> Result<(), Lost> {
        match push["type"].as_str() {
            Some("msg") => Ok(()),
            Some("error") => Err(Lost),
            _ => panic!("{}: {push}", self.account.name),
        }
    }

    fn hears_not(&mut self) -> bool {
        self.deaf.as_mut().is_some_and(|(times, chance)| chance.one_in(*times))
    }
}

/// Hears all that is ever said in the room, up to the last word, each once and in order.
pub fn listen(account: &Account) -> Vec<Said> {
    let mut heard = Vec::new();
    let mut last = 0;
    let mut epoch = Value::Null;
    loop {
        let (client, resumed) = account.insist(Some(last));
        assert_eq!(resumed.get("truncated"), None, "{resumed}");
        assert!(epoch.is_null() || epoch == resumed["epoch"], "it is another ledger: {resumed}");
        epoch = resumed["epoch"].clone();
        let missed_to = resumed["last_seq"].as_i64().unwrap();
        if let Ok(()) = hear(client, missed_to, &mut last, &mut heard) {
            return heard;
        }
    }
}

/// Hears over one connection until the last word.
fn hear(
    mut client: Client,
    missed_to: i64,
    last: &mut i64,
    heard: &mut Vec<Said>,
) -> Result<(), Lost> {
    let mut is_live = false;
    loop {
        let message = client.receive_or_end()?;
        if message["type"] == "error" {
            return Err(Lost);
        }
        assert_eq!((&message["type"], &message["status"]), (&json!("msg"), &json!("ok")));
        let (seq, text) = (message["data"]["seq"].as_i64(), message["data"]["text"].as_str());
        let (seq, text) = (seq.unwrap(), text.unwrap());
        assert!(seq > *last, "{seq} comes after {last}");
        let is_replay = message["data"].get("replay").is_some();
        assert!(is_replay || seq > missed_to, "{message} was missed, and is not marked");
        assert!(!(is_live && is_replay), "{message} comes again after what is new");
        is_live = !is_replay;
        *last = seq;
        if text == LAST {
            return Ok(());
        }
        heard.extend(Said::read(seq, text));
    }
}
