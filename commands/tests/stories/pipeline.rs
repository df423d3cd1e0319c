//! Many requests under way: replies in the order of requests, one order for all.

use expect_test::expect;

use crate::world::{Stage, check};

#[test]
fn nobody_hears_what_is_not_kept_yet() {
    check(
        "
        * in attic: ann, bob
        * the ledger waits
        ann#1> one
        ann#2> two
        * the ledger lands 1
        * the ledger lands 1
        ",
        expect![[r#"
            * in attic: ann, bob
            * the ledger waits
            ann#1> one
            ann#2> two
            * the ledger lands 1
            ann< msg ok to=public from=ann text=one room=attic seq=2 ts=TS #1
            bob< msg ok to=public from=ann text=one room=attic seq=2 ts=TS
            * the ledger lands 1
            ann< msg ok to=public from=ann text=two room=attic seq=3 ts=TS #2
            bob< msg ok to=public from=ann text=two room=attic seq=3 ts=TS
        "#]],
    );
}

#[test]
fn a_refusal_waits_for_the_replies_before_it() {
    check(
        r#"
        * in attic: ann, bob
        * the ledger waits
        ann#1> one
        ann#2> /msg nobody two
        ann> {"type":"msg","id":3}
        ann#4> four
        * the ledger lands 1
        * the ledger lands 1
        "#,
        expect![[r#"
            * in attic: ann, bob
            * the ledger waits
            ann#1> one
            ann#2> /msg nobody two
            ann> {"type":"msg","id":3}
            ann#4> four
            * the ledger lands 1
            ann< msg ok to=public from=ann text=one room=attic seq=2 ts=TS #1
            ann< msg not_in_room "nobody is not in this room; tell reaches who is elsewhere" #2
            ann< msg bad_request "missing field `to`" field=to #3
            bob< msg ok to=public from=ann text=one room=attic seq=2 ts=TS
            * the ledger lands 1
            ann< msg ok to=public from=ann text=four room=attic seq=3 ts=TS #4
            bob< msg ok to=public from=ann text=four room=attic seq=3 ts=TS
        "#]],
    );
}

#[test]
fn any_other_command_waits_for_the_messages_before_it() {
    check(
        "
        * in attic: ann, bob
        * the ledger waits
        ann#1> one
        ann#2> /list
        ann#3> /exit
        ann#4> /enter attic
        bob#1> /list
        * the ledger goes on
        ",
        expect![[r#"
            * in attic: ann, bob
            * the ledger waits
            ann#1> one
            ann#2> /list
            ann#3> /exit
            ann#4> /enter attic
            bob#1> /list
            bob< list ok attic=[ann bob] #1
            * the ledger goes on
            ann< msg ok to=public from=ann text=one room=attic seq=2 ts=TS #1
            bob< msg ok to=public from=ann text=one room=attic seq=2 ts=TS
            ann< list ok attic=[ann bob] #2
            ann< exit ok "Exited chatroom, returned to lobby" #3
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=2 oldest=1 epoch=e1 #4
        "#]],
    );
}

#[test]
fn everyone_sees_one_order() {
    check(
        "
        * in attic: ann, ann.2, bob
        * the ledger waits
        bob#1> from bob
        ann#1> from ann
        ann.2#1> from ann as well
        bob#2> from bob again
        * the ledger goes on
        ",
        expect![[r#"
            * in attic: ann, ann.2, bob
            * the ledger waits
            bob#1> from bob
            ann#1> from ann
            ann.2#1> from ann as well
            bob#2> from bob again
            * the ledger goes on
            ann< msg ok to=public from=bob text="from bob" room=attic seq=2 ts=TS
            ann< msg ok to=public from=ann text="from ann" room=attic seq=3 ts=TS #1
            ann< msg ok to=public from=ann text="from ann as well" room=attic seq=4 ts=TS
            ann< msg ok to=public from=bob text="from bob again" room=attic seq=5 ts=TS
            ann.2< msg ok to=public from=bob text="from bob" room=attic seq=2 ts=TS
            ann.2< msg ok to=public from=ann text="from ann" room=attic seq=3 ts=TS
            ann.2< msg ok to=public from=ann text="from ann as well" room=attic seq=4 ts=TS #1
            ann.2< msg ok to=public from=bob text="from bob again" room=attic seq=5 ts=TS
            bob< msg ok to=public from=bob text="from bob" room=attic seq=2 ts=TS #1
            bob< msg ok to=public from=ann text="from ann" room=attic seq=3 ts=TS
            bob< msg ok to=public from=ann text="from ann as well" room=attic seq=4 ts=TS
            bob< msg ok to=public from=bob text="from bob again" room=attic seq=5 ts=TS #2
        "#]],
    );
}

#[test]
fn what_the_ledger_says_of_a_message_is_its_reply() {
    check(
        "
        * in attic: ann, bob
        * the ledger refuses one
        ann#1> one
        * the ledger is unsure of one
        ann#2> two
        * the ledger drops one
        ann#3> three
        * the ledger is full
        ann#4> four
        * the ledger has room
        ann#5> five
        ",
        expect![[r#"
            * in attic: ann, bob
            * the ledger refuses one
            ann#1> one
            ann< msg server_busy "the disk is full" #1
            * the ledger is unsure of one
            ann#2> two
            ann< msg unknown_outcome "the server failed under way: it may or may not have happened" #2
            * the ledger drops one
            ann#3> three
            ann< msg unknown_outcome "the server failed under way: it may or may not have happened" #3
            * the ledger is full
            ann#4> four
            ann< msg server_busy "the server has too much to write: try again in a second" #4
            * the ledger has room
            ann#5> five
            ann< msg ok to=public from=ann text=five room=attic seq=2 ts=TS #5
            bob< msg ok to=public from=ann text=five room=attic seq=2 ts=TS
        "#]],
    );
}

#[test]
fn a_failure_in_the_middle_holds_nothing_up() {
    check(
        "
        * in attic: ann, bob
        * the ledger waits
        ann#1> one
        * the ledger is full
        ann#2> two
        * the ledger has room
        ann#3> three
        ann#4> four
        * the ledger drops one
        * the ledger is unsure of one
        * the ledger goes on
        ",
        expect![[r#"
            * in attic: ann, bob
            * the ledger waits
            ann#1> one
            * the ledger is full
            ann#2> two
            * the ledger has room
            ann#3> three
            ann#4> four
            * the ledger drops one
            * the ledger is unsure of one
            * the ledger goes on
            ann< msg unknown_outcome "the server failed under way: it may or may not have happened" #1
            ann< msg server_busy "the server has too much to write: try again in a second" #2
            ann< msg unknown_outcome "the server failed under way: it may or may not have happened" #3
            ann< msg ok to=public from=ann text=four room=attic seq=2 ts=TS #4
            bob< msg ok to=public from=ann text=four room=attic seq=2 ts=TS
        "#]],
    );
}

#[test]
fn a_message_of_one_who_is_gone_is_still_heard() {
    check(
        "
        * in attic: ann, bob
        * the ledger waits
        ann#1> farewell
        * ann is gone
        bob> /list
        * the ledger goes on
        ",
        expect![[r#"
            * in attic: ann, bob
            * the ledger waits
            ann#1> farewell
            * ann is gone
            bob> /list
            bob< list ok attic=[bob]
            * the ledger goes on
            ann< msg ok to=public from=ann text=farewell room=attic seq=2 ts=TS #1
            bob< msg ok to=public from=ann text=farewell room=attic seq=2 ts=TS
        "#]],
    );
}

#[test]
fn whoever_enters_meanwhile_gets_what_is_kept_after_that() {
    check(
        "
        * in attic: ann
        * in lobby: bob
        * the ledger waits
        ann> one
        bob> /enter attic
        * the ledger goes on
        ",
        expect![[r#"
            * in attic: ann
            * in lobby: bob
            * the ledger waits
            ann> one
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=1 oldest=1 epoch=e1
            * the ledger goes on
            ann< msg ok to=public from=ann text=one room=attic seq=2 ts=TS
            bob< msg ok to=public from=ann text=one room=attic seq=2 ts=TS
        "#]],
    );
}

#[test]
fn sixty_four_messages_may_wait_and_the_next_one_waits_outside() {
    let mut stage = Stage::new();
    stage.play("* in attic: ann\n* the ledger waits");
    for n in 0..70 {
        stage.play(&format!("ann#{n}> number {n}"));
    }
    assert_eq!(stage.ledger.waiting(), commands::PIPELINED_MAX);
    stage.play("* the ledger lands 1");
    assert_eq!(stage.ledger.waiting(), commands::PIPELINED_MAX);
    stage.play("* the ledger goes on");
    assert_eq!(stage.ledger.waiting(), 0);
    assert_eq!(stage.people["ann"].session().peer().owed(), 0);
    assert!(stage.log.ends_with("seq=71 ts=TS #69\n"), "{}", stage.log);
}
