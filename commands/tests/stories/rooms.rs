//! Where one is: create, enter, exit, and who is where.

use std::sync::Arc;

use commands::{Account, AccountId, Body, Entry, Hall, RoomId, RoomPolicy, RoomRecord, Seq};
use expect_test::expect;
use jiff::Timestamp;
use proto::{Caps, RoomName, UserName};

use crate::world::{Stage, check};

#[test]
fn a_room_is_created_entered_and_left() {
    check(
        "
        * in lobby: ann
        ann> /create attic
        ann> /enter attic
        ann> /exit
        ann> /list
        ",
        expect![[r#"
            * in lobby: ann
            ann> /create attic
            ann< create ok "attic created successfully"
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=1 oldest=1 epoch=e1
            ann> /exit
            ann< exit ok "Exited chatroom, returned to lobby"
            ann> /list
            ann< list ok lobby=[ann] attic=[]
        "#]],
    );
}

#[test]
fn a_mistyped_room_brings_the_one_that_was_meant() {
    check(
        "
        * in lobby: ann
        ann> /create ops
        ann> /enter opz
        ann> /enter kitchen
        ",
        expect![[r#"
            * in lobby: ann
            ann> /create ops
            ann< create ok "ops created successfully"
            ann> /enter opz
            ann< enter no_such_room "there is no room \"opz\" (did you mean \"ops\"?)"
            ann> /enter kitchen
            ann< enter no_such_room "there is no room \"kitchen\""
        "#]],
    );
}

#[test]
fn a_room_is_entered_only_if_it_exists() {
    check(
        "
        * in lobby: ann
        ann> /enter attic
        ann> /create attic
        ann> /enter attic
        ",
        expect![[r#"
            * in lobby: ann
            ann> /enter attic
            ann< enter no_such_room "there is no room \"attic\""
            ann> /create attic
            ann< create ok "attic created successfully"
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=1 oldest=1 epoch=e1
        "#]],
    );
}

#[test]
fn a_room_exists_once_however_it_is_spelled() {
    check(
        "
        * in lobby: ann, bob
        ann> /create Tech_Talk
        bob> /create Tech_Talk
        bob> /create tech_talk
        bob> /create paypal
        bob> /create раураӏ
        bob> /enter TECH_TALK
        ",
        expect![[r#"
            * in lobby: ann, bob
            ann> /create Tech_Talk
            ann< create ok "Tech_Talk created successfully"
            bob> /create Tech_Talk
            bob< create room_exists "there is a room \"Tech_Talk\", or one that looks like it"
            bob> /create tech_talk
            bob< create room_exists "there is a room \"tech_talk\", or one that looks like it"
            bob> /create paypal
            bob< create ok "paypal created successfully"
            bob> /create раураӏ
            bob< create room_exists "there is a room \"раураӏ\", or one that looks like it"
            bob> /enter TECH_TALK
            bob< enter ok "Welcome to the chatroom" username=bob room=Tech_Talk last_seq=1 oldest=1 epoch=e1
        "#]],
    );
}

#[test]
fn a_room_has_a_name_like_a_user_but_longer() {
    check(
        "
        * in lobby: ann
        ann> /create ''
        ann> /create {x*64}
        ann> /create {y*65}
        ann> /create 'a b'
        ann> /create lobby
        ann> /create Public
        ann> /create ann
        ann> /enter lobby
        ",
        expect![[r#"
            * in lobby: ann
            ann> /create ''
            ann< create bad_request "room: a name has at least one character that can be seen" field=room
            ann> /create {x*64}
            ann< create ok "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx created successfully"
            ann> /create {y*65}
            ann< create bad_request "room: a name has at most 64 characters, this one has 65" field=room
            ann> /create 'a b'
            ann< create bad_request "room: a name has no ' ' in it: letters, digits, _ - . are fine" field=room
            ann> /create lobby
            ann< create bad_request "room: the name is reserved" field=room
            ann> /create Public
            ann< create bad_request "room: the name is reserved" field=room
            ann> /create ann
            ann< create ok "ann created successfully"
            ann> /enter lobby
            ann< enter bad_request "room: the name is reserved" field=room
        "#]],
    );
}

#[test]
fn a_topic_is_shown_to_those_who_enter() {
    check(
        "
        * in lobby: ann
        * limits.text 5
        ann> /create --topic '' attic
        ann> /create --topic 123456 attic
        ann> /create --topic 12345 attic
        ann> /enter attic
        ",
        expect![[r#"
            * in lobby: ann
            * limits.text 5
            ann> /create --topic '' attic
            ann< create bad_request "topic: a text has at least one character" field=topic
            ann> /create --topic 123456 attic
            ann< create too_long "topic: 6 bytes, the limit is 5 (limits.text)" field=topic
            ann> /create --topic 12345 attic
            ann< create ok "attic created successfully"
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic topic=12345 last_seq=1 oldest=1 epoch=e1
        "#]],
    );
}

#[test]
fn one_may_own_so_many_rooms() {
    check(
        "
        * in lobby: ann, bob
        * limits.rooms_per_user 2
        ann> /create one
        ann> /create two
        ann> /create three
        bob> /create three
        ann> /create three
        ann> /list
        ",
        expect![[r#"
            * in lobby: ann, bob
            * limits.rooms_per_user 2
            ann> /create one
            ann< create ok "one created successfully"
            ann> /create two
            ann< create ok "two created successfully"
            ann> /create three
            ann< create forbidden "you own as many rooms as one may: 2 (limits.rooms_per_user)"
            bob> /create three
            bob< create ok "three created successfully"
            ann> /create three
            ann< create forbidden "you own as many rooms as one may: 2 (limits.rooms_per_user)"
            ann> /list
            ann< list ok lobby=[ann bob] one=[] three=[] two=[]
        "#]],
    );
}

#[test]
fn with_no_limit_one_may_own_many_rooms() {
    check(
        "
        * in lobby: ann
        * limits.rooms_per_user 0
        ann> /create one
        ann> /create two
        ann> /create three
        ",
        expect![[r#"
            * in lobby: ann
            * limits.rooms_per_user 0
            ann> /create one
            ann< create ok "one created successfully"
            ann> /create two
            ann< create ok "two created successfully"
            ann> /create three
            ann< create ok "three created successfully"
        "#]],
    );
}

#[test]
fn rooms_of_the_operator_belong_to_nobody() {
    check(
        "
        * in attic: ann
        * limits.rooms_per_user 1
        ann> /exit
        ann> /create cellar
        ann> /create shed
        ",
        expect![[r#"
            * in attic: ann
            * limits.rooms_per_user 1
            ann> /exit
            ann< exit ok "Exited chatroom, returned to lobby"
            ann> /create cellar
            ann< create ok "cellar created successfully"
            ann> /create shed
            ann< create forbidden "you own as many rooms as one may: 1 (limits.rooms_per_user)"
        "#]],
    );
}

#[test]
fn of_two_who_create_a_room_at_once_one_does() {
    check(
        "
        * in lobby: ann, bob
        * the ledger waits
        ann> /create attic
        bob> /create Attic
        ann> /list
        * the ledger goes on
        bob> /list
        ",
        expect![[r#"
            * in lobby: ann, bob
            * the ledger waits
            ann> /create attic
            bob> /create Attic
            ann> /list
            * the ledger goes on
            ann< create ok "attic created successfully"
            bob< create room_exists "there is a room \"Attic\", or one that looks like it"
            ann< list ok lobby=[ann bob] attic=[]
            bob> /list
            bob< list ok lobby=[ann bob] attic=[]
        "#]],
    );
}

#[test]
fn a_room_that_was_not_kept_is_not_there() {
    check(
        "
        * in lobby: ann
        * the ledger refuses one
        ann> /create attic
        * the ledger is unsure of one
        ann> /create attic
        * the ledger is full
        ann> /create attic
        ann> /enter attic
        * the ledger has room
        ann> /create attic
        ",
        expect![[r#"
            * in lobby: ann
            * the ledger refuses one
            ann> /create attic
            ann< create server_busy "the disk is full"
            * the ledger is unsure of one
            ann> /create attic
            ann< create unknown_outcome "the server failed under way: it may or may not have happened"
            * the ledger is full
            ann> /create attic
            ann< create server_busy "the server has too much to write: try again in a second"
            ann> /enter attic
            ann< enter no_such_room "there is no room \"attic\""
            * the ledger has room
            ann> /create attic
            ann< create ok "attic created successfully"
        "#]],
    );
}

#[test]
fn a_room_outlives_those_who_leave_it() {
    check(
        "
        * in lobby: ann
        ann> /create attic
        ann> /enter attic
        ann> first
        ann> /quit
        bob> /register bob 1234
        bob> /login bob 1234
        bob> /enter attic
        bob> second
        ",
        expect![[r#"
            * in lobby: ann
            ann> /create attic
            ann< create ok "attic created successfully"
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=1 oldest=1 epoch=e1
            ann> first
            ann< msg ok to=public from=ann text=first room=attic seq=2 ts=TS
            ann> /quit
            ann< quit ok "Goodbye"
            bob> /register bob 1234
            bob< register ok "Registration successful" username=bob chatroom=lobby
            bob> /login bob 1234
            bob< login ok "Login successful" username=bob chatroom=lobby
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=2 oldest=1 epoch=e1
            bob> second
            bob< msg ok to=public from=bob text=second room=attic seq=3 ts=TS
        "#]],
    );
}

#[test]
fn whoever_enters_is_told_where_the_room_stands() {
    check(
        "
        * in attic: ann
        * in lobby: bob
        bob> /enter attic
        ann> one
        ann> two
        bob> /exit
        ann> three
        bob> /enter attic
        ann> four
        ",
        expect![[r#"
            * in attic: ann
            * in lobby: bob
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=1 oldest=1 epoch=e1
            ann> one
            ann< msg ok to=public from=ann text=one room=attic seq=2 ts=TS
            bob< msg ok to=public from=ann text=one room=attic seq=2 ts=TS
            ann> two
            ann< msg ok to=public from=ann text=two room=attic seq=3 ts=TS
            bob< msg ok to=public from=ann text=two room=attic seq=3 ts=TS
            bob> /exit
            bob< exit ok "Exited chatroom, returned to lobby"
            ann> three
            ann< msg ok to=public from=ann text=three room=attic seq=4 ts=TS
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=4 oldest=1 epoch=e1
            ann> four
            ann< msg ok to=public from=ann text=four room=attic seq=5 ts=TS
            bob< msg ok to=public from=ann text=four room=attic seq=5 ts=TS
        "#]],
    );
}

#[test]
fn the_lists_are_sorted_with_the_lobby_first() {
    check(
        "
        * in lobby: zoe, bob
        * in zoo: ann
        * in attic: max, eve
        * in cellar: kim
        kim> /exit
        zoe> /list
        max> /list
        ",
        expect![[r#"
            * in lobby: zoe, bob
            * in zoo: ann
            * in attic: max, eve
            * in cellar: kim
            kim> /exit
            kim< exit ok "Exited chatroom, returned to lobby"
            zoe> /list
            zoe< list ok lobby=[bob kim zoe] attic=[eve max] cellar=[] zoo=[ann]
            max> /list
            max< list ok attic=[eve max]
        "#]],
    );
}

#[test]
fn an_account_is_listed_once_in_each_place() {
    check(
        "
        * in attic: ann, ann.2, bob
        * in lobby: ann.3, ann.4
        bob> /list
        ann.3> /list
        ann> /exit
        bob> /list
        ann.2> /exit
        bob> /list
        ann.3> /list
        ",
        expect![[r#"
            * in attic: ann, ann.2, bob
            * in lobby: ann.3, ann.4
            bob> /list
            bob< list ok attic=[ann bob]
            ann.3> /list
            ann.3< list ok lobby=[ann] attic=[ann bob]
            ann> /exit
            ann< exit ok "Exited chatroom, returned to lobby"
            bob> /list
            bob< list ok attic=[ann bob]
            ann.2> /exit
            ann.2< exit ok "Exited chatroom, returned to lobby"
            bob> /list
            bob< list ok attic=[bob]
            ann.3> /list
            ann.3< list ok lobby=[ann] attic=[bob]
        "#]],
    );
}

#[test]
fn a_lost_connection_leaves_the_lists() {
    check(
        "
        * in attic: ann, bob
        * in lobby: eve, zoe
        * bob is gone
        * zoe is gone
        ann> /list
        ann> anybody?
        eve> /list
        ",
        expect![[r#"
            * in attic: ann, bob
            * in lobby: eve, zoe
            * bob is gone
            * zoe is gone
            ann> /list
            ann< list ok attic=[ann]
            ann> anybody?
            ann< msg ok to=public from=ann text=anybody? room=attic seq=2 ts=TS
            eve> /list
            eve< list ok lobby=[eve] attic=[ann]
        "#]],
    );
}

#[test]
fn the_rooms_of_the_ledger_are_there_from_the_start() {
    let mut stage = Stage::new();
    let room = |id, name, author, topic: Option<&str>| {
        let name = RoomName::new(name).expect("a name");
        let topic = topic.map(str::to_owned);
        let body = Body::Created { name: name.clone(), topic, policy: RoomPolicy::default() };
        let (room, seq, ts) = (RoomId(id), Seq(id), Timestamp::UNIX_EPOCH);
        let changes = vec![Entry { seq, ts, room, author, body }];
        RoomRecord { id: room, name, changes, trimmed: Seq(0), last: Seq(id + 40) }
    };
    // The first account of the stage is ann's.
    let ann = Arc::new(Account::new(AccountId(1), UserName::new("ann").expect("a name")));
    let rooms = [room(3, "Attic", Some(ann), Some("old things")), room(9, "cellar", None, None)];
    stage.world.hall = Arc::new(Hall::new("e2".into(), rooms));
    stage.put("ann", "lobby", Caps::default());
    stage.play(
        "
        * limits.rooms_per_user 2
        ann> /list
        ann> /create attic
        ann> /create shed
        ann> /create barn
        ann> /enter attic
        ann> /exit
        ann> /enter cellar
        ",
    );
    expect![[r#"
        * limits.rooms_per_user 2
        ann> /list
        ann< list ok lobby=[ann] Attic=[] cellar=[]
        ann> /create attic
        ann< create room_exists "there is a room \"attic\", or one that looks like it"
        ann> /create shed
        ann< create ok "shed created successfully"
        ann> /create barn
        ann< create forbidden "you own as many rooms as one may: 2 (limits.rooms_per_user)"
        ann> /enter attic
        ann< enter ok "Welcome to the chatroom" username=ann room=Attic topic="old things" last_seq=43 oldest=3 epoch=e2
        ann> /exit
        ann< exit ok "Exited chatroom, returned to lobby"
        ann> /enter cellar
        ann< enter ok "Welcome to the chatroom" username=ann room=cellar last_seq=49 oldest=9 epoch=e2
    "#]].assert_eq(&stage.log);
}
