//! A command from another crate: what it may do, and what happens when it is wrong.
//!
//! These are commands that no server should have, so they have a program of their own.

mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use commands::{
    Act, Body, Cx, Entry, Handler, Landed, Landing, Move, Outcome, PeerId, Reply, Seq, find,
};
use expect_test::expect;
use jiff::Timestamp;
use proto::{Refusal, Spec, State, States, UserName};
use schemars::JsonSchema;
use serde::Deserialize;

use world::{Stage, check};

macro_rules! command {
    ($(#[$doc:meta])* $name:ident, $spec:expr, |$cx:ident| $outcome:expr) => {
        $(#[$doc])*
        #[derive(Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        struct $name {}

        impl Handler for $name {
            const SPEC: Spec = $spec;

            type Reply = ();

            async fn handle(self, $cx: Cx<'_>) -> Result<Outcome<()>, Refusal> {
                $outcome
            }
        }

        commands::register!($name);
    };
}

const LOGGED_IN: States = States::of(&[State::Lobby, State::Chat]);

command!(
    /// Declares no way, and takes one.
    Sneak,
    Spec::new("sneak", LOGGED_IN, "Move without having said so", "/sneak"),
    |_cx| Ok(Outcome::go(Move::SignOut, |_| Reply::message("gone")))
);

command!(
    /// Logs in from where one is logged in already.
    Again,
    Spec::new("again", LOGGED_IN, "Log in once more", "/again").leads_to(&[State::Lobby]),
    |cx| Ok(Outcome::go(Move::SignIn(cx.account()?.clone(), None), |_| Reply::message("again")))
);

command!(
    /// Leaves a room from wherever one is.
    Leave,
    Spec::new("leave", States::ANY, "Leave the room", "/leave").leads_to(&[State::Lobby]),
    |_cx| Ok(Outcome::go(Move::Exit, |_| Reply::message("left")))
);

command!(
    /// Asks for what its states do not promise.
    Curious,
    Spec::new("curious", States::ANY, "Look around", "/curious"),
    |cx| {
        cx.account()?;
        cx.room()?;
        Ok(Outcome::Reply(Reply::message("seen")))
    }
);

command!(
    /// Is kicked on its way out, after dispatch has looked where it is.
    Jostled,
    Spec::new("jostled", States::of(&[State::Chat]), "Be kicked while leaving", "/jostled")
        .leads_to(&[State::Lobby]),
    |cx| {
        let (to, room) = (cx.account()?.clone(), cx.room()?);
        let body = Body::Done { act: Act::Kick, to: to.clone(), until: None, reason: None };
        let (seq, ts) = (Seq(room.last_seq().0 + 1), Timestamp::UNIX_EPOCH);
        let kick = Entry { seq, ts, room: room.id, author: Some(to), body };
        cx.world.hall.land(Landed { landing: Landing::Kept(kick), answer: None });
        Ok(Outcome::go(Move::Exit, |_| Reply::message("left")))
    }
);

command!(
    /// Is judged, and then the account is deleted.
    Tardy,
    Spec::new("tardy", States::of(&[State::Auth]), "Log in too late", "/tardy")
        .leads_to(&[State::Lobby]),
    |cx| {
        let profile = cx.world.accounts.find(UserName::trusted("bob")).await?;
        cx.world.hall.end_account(profile.account.id, PeerId(0));
        Ok(Outcome::go(Move::SignIn(profile.account, None), |_| Reply::message("in")))
    }
);

command!(
    /// Is broken.
    Boom,
    Spec::new("boom", LOGGED_IN, "Panic", "/boom"),
    |_cx| panic!("a command that panics, as this test wants")
);

command!(
    /// Is broken while the place where it leads is locked.
    Crash,
    Spec::new("crash", LOGGED_IN, "Panic on the way", "/crash").leads_to(&[State::Lobby]),
    |_cx| Ok(Outcome::go(Move::Exit, |_| panic!("a reply that panics, as this test wants")))
);

#[test]
fn a_command_of_another_crate_is_one_of_the_commands() {
    let names: Vec<_> =
        commands::catalogue().commands.iter().map(|c| c.spec.name.clone()).collect();
    for name in ["again", "boom", "crash", "curious", "jostled", "leave", "sneak", "tardy"] {
        assert!(find(name).is_some() && names.contains(&name.into()), "{name}");
    }
}

#[test]
fn a_command_leads_only_where_it_says() {
    check(
        "
        * in attic: ann
        ann#1> /sneak
        ann#2> /list
        ",
        expect![[r#"
            * in attic: ann
            ann#1> /sneak
            ann< sneak internal "the server made a mistake: its log says more" #1
            ann#2> /list
            ann< list ok attic=[ann] #2
        "#]],
    );
}

/// The old seat was dropped only when the new one was taken: who had logged in again and
/// quit stayed on the list of the lobby for ever, and lists of the arrival were lost.
#[test]
fn logging_in_again_leaves_the_old_seat_first() {
    check(
        "
        * in lobby with list-push: ann
        * in attic with list-push: bob
        ann#1> /again
        bob#1> /again
        ann#2> /quit
        bob#2> /list
        ",
        expect![[r#"
            * in lobby with list-push: ann
            * in attic with list-push: bob
            ann#1> /again
            ann< again ok "again" #1
            ann< list ok lobby=[ann] attic=[bob]
            bob#1> /again
            bob< again ok "again" #1
            bob< list ok lobby=[ann bob] attic=[]
            ann#2> /quit
            ann< quit ok "Goodbye" #2
            bob#2> /list
            bob< list ok lobby=[bob] attic=[] #2
        "#]],
    );
}

/// The kick was never taken note of: who came back to the room was in the lobby in its own
/// eyes, heard everything, and stayed on the list of the room for ever after it had quit.
#[test]
fn one_who_is_kicked_while_leaving_can_come_back_and_go_again() {
    check(
        "
        * in attic: ann, bob
        ann#1> /jostled
        ann#2> /enter attic
        ann#3> /list
        ann#4> /quit
        bob#1> /list
        ",
        expect![[r#"
            * in attic: ann, bob
            ann#1> /jostled
            ann< exit ok "ann put you out of attic" room=attic by=ann
            ann< jostled ok "left" #1
            ann#2> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=2 oldest=1 epoch=e1 #2
            ann#3> /list
            ann< list ok attic=[ann bob] #3
            ann#4> /quit
            ann< quit ok "Goodbye" #4
            bob#1> /list
            bob< list ok attic=[bob] #1
        "#]],
    );
}

/// A login that was judged just before its account was deleted stayed in the lobby as
/// nobody, for as long as it liked.
#[test]
fn nobody_arrives_with_an_account_that_is_gone() {
    check(
        "
        * in lobby: bob, eve
        ann#1> /tardy
        ann#2> /list
        bob> /quit
        eve> /list
        ",
        expect![[r#"
            * in lobby: bob, eve
            ann#1> /tardy
            ann< tardy unauthorized "the account was deleted" #1
            ann#2> /list
            ann< list wrong_state "list is allowed in lobby and chat, you are in auth: leave leads there" states=[lobby chat] #2
            bob> /quit
            bob< quit ok "Goodbye"
            eve> /list
            eve< list ok lobby=[eve]
        "#]],
    );
}

#[test]
fn leaving_from_the_lobby_stays_there_and_from_outside_is_refused() {
    check(
        "
        * in lobby: ann
        * outside: bob
        ann#1> /leave
        ann#2> /list
        bob#1> /leave
        bob#2> /ping
        ",
        expect![[r#"
            * in lobby: ann
            * outside: bob
            ann#1> /leave
            ann< leave ok "left" #1
            ann#2> /list
            ann< list ok lobby=[ann] #2
            bob#1> /leave
            bob< leave unauthorized "you are not logged in" #1
            bob#2> /ping
            bob< ping ok ts=TS #2
        "#]],
    );
}

#[test]
fn what_the_states_of_a_command_do_not_promise_is_refused() {
    check(
        "
        * outside: ann
        * in lobby: bob
        * in attic: eve
        ann> /curious
        bob> /curious
        eve> /curious
        ",
        expect![[r#"
            * outside: ann
            * in lobby: bob
            * in attic: eve
            ann> /curious
            ann< curious unauthorized "you are not logged in"
            bob> /curious
            bob< curious not_in_room "you are in no room"
            eve> /curious
            eve< curious ok "seen"
        "#]],
    );
}

#[test]
fn a_command_that_panics_is_answered_and_stays_alone() {
    let mut stage = Stage::new();
    stage.play("* in attic: ann, bob\n* in lobby: eve");
    for line in ["ann#1> /boom", "eve#2> /boom", "ann#3> /crash", "eve#4> /crash"] {
        let result = catch_unwind(AssertUnwindSafe(|| stage.play(line)));
        assert!(result.is_err(), "{line}");
    }
    stage.play("bob> are you there?\nbob> /list\nbob> /exit\nbob> /list");
    expect![[r#"
        * in attic: ann, bob
        * in lobby: eve
        ann#1> /boom
        eve#2> /boom
        ann#3> /crash
        eve#4> /crash
        bob> are you there?
        bob< msg ok to=public from=bob text="are you there?" room=attic seq=2 ts=TS
        ann< boom unknown_outcome "the server failed under way: it may or may not have happened" #1
        ann< crash unknown_outcome "the server failed under way: it may or may not have happened" #3
        eve< boom unknown_outcome "the server failed under way: it may or may not have happened" #2
        eve< crash unknown_outcome "the server failed under way: it may or may not have happened" #4
        bob> /list
        bob< list ok attic=[bob]
        bob> /exit
        bob< exit ok "Exited chatroom, returned to lobby"
        bob> /list
        bob< list ok lobby=[bob] attic=[]
    "#]]
    .assert_eq(&stage.log);
}
