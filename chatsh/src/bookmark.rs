//! Where a session is and how far it has read: what it takes to come back to that place
//! after a cut.

use proto::{Incoming, State, Status};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::book::Book;
use crate::session::is_replayed;

/// The command that opens an account with a token.
pub(crate) const RESUME: &str = "resume";

/// The place of a session.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bookmark {
    /// Who is logged in.
    pub(crate) user: Option<String>,
    /// What opens the account again.
    pub(crate) token: Option<Zeroizing<String>>,
    /// The room that the session is in.
    pub(crate) room: Option<String>,
    /// What it was about when we entered it.
    pub(crate) topic: Option<String>,
    /// Which ledger the numbers are of.
    epoch: Option<String>,
    /// The last entry of the room before we came.
    before: Option<i64>,
    /// The last entry that was heard there.
    heard: Option<i64>,
    /// The token that is on its way to the server.
    offered: Option<Zeroizing<String>>,
}

impl Bookmark {
    /// Takes note of a request.
    pub(crate) fn send(&mut self, kind: &str, data: &Map<String, Value>) {
        if kind == RESUME {
            self.offered = text(data, "token").map(|token| Zeroizing::new(token.to_owned()));
        }
    }

    /// Takes note of what the server says, which `book` has done already.
    ///
    /// False if it comes a second time.
    pub(crate) fn hear(&mut self, message: &Incoming, book: &Book) -> bool {
        let data = &message.data;
        if message.status != Status::Ok {
            return true;
        }
        match book.state {
            State::Lobby | State::Chat => {
                self.user.clone_from(&book.user);
                if let Some(token) = text(data, "token") {
                    self.token = Some(Zeroizing::new(token.to_owned()));
                } else if message.kind == RESUME
                    && message.id.is_some()
                    && let Some(token) = self.offered.take()
                {
                    self.token = Some(token);
                }
            }
            // Logging out has revoked it.
            State::Auth => *self = Bookmark { offered: self.offered.take(), ..Bookmark::default() },
            State::Ended => {}
        }
        let number = |name| data.get(name).and_then(Value::as_i64);
        if self.room != book.room {
            self.room.clone_from(&book.room);
            self.topic = text(data, "topic").filter(|topic| !topic.is_empty()).map(Into::into);
            self.epoch = text(data, "epoch").map(Into::into);
            self.before = number("last_seq");
            self.heard = None;
        }
        let is_of_this_room = self.room.is_some() && text(data, "room") == self.room.as_deref();
        let Some(seq) = number("seq").filter(|_| is_of_this_room) else { return true };
        if is_replayed(message) && self.heard.is_some_and(|heard| seq <= heard) {
            return false;
        }
        self.heard = self.heard.max(Some(seq));
        true
    }

    /// The last entry of the room that was there before us, or that we have heard.
    pub(crate) fn last_seq(&self) -> Option<i64> {
        self.before.max(self.heard)
    }

    /// Has the room another ledger than it had at `before`? Then numbers mean nothing.
    pub(crate) fn has_other_ledger_than(&self, before: &Bookmark) -> bool {
        matches!((&self.epoch, &before.epoch), (Some(now), Some(then)) if now != then)
    }

    /// Goes on reading at `before`, which is this place before a cut.
    pub(crate) fn go_on_from(&mut self, before: &Bookmark) {
        (self.before, self.heard) = (before.before, before.heard);
    }
}

fn text<'a>(data: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    data.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A reader of a book and a bookmark.
    struct Reader(Book, Bookmark);

    impl Reader {
        fn new() -> Reader {
            Reader(Book::new(), Bookmark::default())
        }

        fn hears(&mut self, kind: &str, data: Value) -> bool {
            let frame = json!({ "type": kind, "status": "ok", "data": data, "id": 1 });
            let message = serde_json::from_value(frame).unwrap();
            self.0.hear(&message);
            self.1.hear(&message, &self.0)
        }

        /// User, token, room, and the last entry.
        #[track_caller]
        fn is_at(&self, place: &str) {
            let Bookmark { user, token, room, .. } = &self.1;
            let token = token.as_ref().map(|token| token.to_string());
            let words =
                [user.clone(), token, room.clone(), self.1.last_seq().map(|n| n.to_string())];
            assert_eq!(words.map(|word| word.unwrap_or("-".into())).join(" "), place);
        }
    }

    #[test]
    fn the_place_follows_what_the_server_says() {
        let mut ann = Reader::new();
        ann.is_at("- - - -");
        ann.hears("login", json!({ "username": "ann", "chatroom": "lobby", "token": "t0p" }));
        ann.is_at("ann t0p - -");
        ann.hears(
            "enter",
            json!({ "username": "ann", "room": "ops", "last_seq": 7, "epoch": "e" }),
        );
        ann.is_at("ann t0p ops 7");
        ann.hears("msg", json!({ "room": "ops", "seq": 9, "from": "bob", "text": "hi" }));
        ann.is_at("ann t0p ops 9");
        // Of another log, and a reply that came late.
        ann.hears("tell", json!({ "seq": 99, "from": "bob", "text": "hi" }));
        ann.hears("msg", json!({ "room": "ops", "seq": 8, "from": "ann", "text": "hi" }));
        ann.is_at("ann t0p ops 9");
        ann.hears("exit", json!({}));
        ann.is_at("ann t0p - -");
        ann.hears("logout", json!({}));
        ann.is_at("- - - -");
    }

    #[test]
    fn a_token_that_opened_the_account_is_kept() {
        let mut ann = Reader::new();
        ann.1.send(RESUME, json!({ "token": "t0p" }).as_object().unwrap());
        ann.hears("ping", json!({}));
        ann.is_at("- - - -");
        let data = json!({ "username": "ann", "chatroom": "ops", "last_seq": 7, "epoch": "e" });
        ann.hears(RESUME, data);
        ann.is_at("ann t0p ops 7");
    }

    #[test]
    fn what_was_heard_before_the_cut_is_not_heard_again() {
        let enter = |epoch: &str| {
            let mut ann = Reader::new();
            ann.hears("login", json!({ "username": "ann", "chatroom": "lobby" }));
            let data = json!({ "room": "ops", "last_seq": 20, "epoch": epoch });
            ann.hears("enter", data);
            ann
        };
        let said = |seq: i64, replay: bool| json!({ "room": "ops", "seq": seq, "from": "bob", "text": "hi", "replay": replay });
        let mut before = enter("e");
        assert!(before.hears("msg", said(22, false)));
        let mut after = enter("e");
        assert!(!after.1.has_other_ledger_than(&before.1));
        after.1.go_on_from(&before.1);
        assert!(!after.hears("msg", said(22, true)));
        assert!(after.hears("msg", said(23, true)));
        assert!(after.hears("msg", said(24, false)));
        assert!(enter("f").1.has_other_ledger_than(&before.1));
    }
}
