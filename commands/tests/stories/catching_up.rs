//! One who resumes, and what happens to it meanwhile.

use std::sync::Arc;

use commands::{
    Account, AccountId, Act, Archive, Body, Draft, Entry, Hall, Later, Page, Query, RoomId, Seq,
    Tells,
};
use expect_test::expect;
use jiff::Timestamp;
use proto::{Refusal, UserName};

use crate::world::{Ledger, Stage};

/// An archive in which a page takes so long that its reader is kicked.
struct Slow(Ledger, Arc<Hall>);

impl Archive for Slow {
    fn entry(&self, room: RoomId, seq: Seq) -> Later<'_, Result<Option<Entry>, Refusal>> {
        self.0.entry(room, seq)
    }

    fn messages(&self, query: Query) -> Later<'_, Result<Page, Refusal>> {
        let (room, reader) = (query.room, query.sight.account);
        let page = self.0.messages(query);
        let to = Arc::new(Account::new(reader, UserName::trusted("bob")));
        let body = Body::Done { act: Act::Kick, to: to.clone(), until: None, reason: None };
        let draft = Draft { room: Some(room), author: Some(to), body, again: None };
        self.0.keep(&self.1, draft);
        page
    }

    fn tells(
        &self,
        account: AccountId,
        which: Tells,
        after: Seq,
        limit: usize,
    ) -> Later<'_, Result<Page, Refusal>> {
        self.0.tells(account, which, after, limit)
    }

    fn older_than(&self, room: RoomId, ts: Timestamp) -> Later<'_, Result<u64, Refusal>> {
        self.0.older_than(room, ts)
    }
}

/// The page came after the word that it was put out, as if it heard the room still.
#[test]
fn nothing_of_a_room_comes_after_the_word_that_one_was_put_out() {
    let mut stage = Stage::new();
    stage.play("* in attic: ann\n* in attic with resume: bob\n* bob is gone\nann> hello");
    stage.world.archive = Arc::new(Slow(stage.ledger.clone(), stage.world.hall.clone()));
    stage.play("bob.2> /resume {token bob-1} --room attic --after 0\nbob.2> /list");
    expect![[r#"
        * in attic: ann
        * in attic with resume: bob
        * bob is gone
        ann> hello
        ann< msg ok to=public from=ann text=hello room=attic seq=2 ts=TS
        bob.2> /resume {token bob-1} --room attic --after 0
        bob.2< resume ok "Welcome back" username=bob chatroom=attic last_seq=2 oldest=1 epoch=e1
        bob.2< exit ok "bob put you out of attic" room=attic by=bob
        bob.2> /list
        bob.2< list ok lobby=[bob] attic=[ann]
    "#]]
    .assert_eq(&stage.log);
}
