//! Private messages to accounts, wherever they are.

use expect_test::expect;

use crate::world::check;

#[test]
fn a_private_message_reaches_every_connection_and_waits_for_those_who_are_away() {
    check(
        "
        * in lobby with tells: ann, bob
        * in attic with tells: bob.2, ann.2
        * in lobby: bob.3, eve
        ann#1> /tell bob are you there?
        eve> /tell zoe hello?
        eve> /tell eve note to self
        eve> /inbox
        bob> /inbox
        bob> /inbox --read 2
        bob> /inbox
        bob> /inbox --after 0
        eve> /inbox --after 0
        bob.3> /tell ann yes
        ann> /inbox
        ",
        expect![[r#"
            * in lobby with tells: ann, bob
            * in attic with tells: bob.2, ann.2
            * in lobby: bob.3, eve
            ann#1> /tell bob are you there?
            ann< tell ok to=bob from=ann text="are you there?" seq=2 ts=TS #1
            ann.2< tell ok to=bob from=ann text="are you there?" seq=2 ts=TS
            bob< tell ok to=bob from=ann text="are you there?" seq=2 ts=TS
            bob.2< tell ok to=bob from=ann text="are you there?" seq=2 ts=TS
            eve> /tell zoe hello?
            eve< tell no_such_user "there is no account \"zoe\""
            eve> /tell eve note to self
            eve< tell ok to=eve from=eve text="note to self" seq=3 ts=TS
            eve> /inbox
            eve< inbox ok messages=[{to=eve from=eve text="note to self" seq=3 ts=TS}] read=0 more=false
            bob> /inbox
            bob< inbox ok messages=[{to=bob from=ann text="are you there?" seq=2 ts=TS}] read=0 more=false
            bob> /inbox --read 2
            bob< inbox ok messages=[] read=2 more=false
            bob> /inbox
            bob< inbox ok messages=[] read=2 more=false
            bob> /inbox --after 0
            bob< inbox ok messages=[{to=bob from=ann text="are you there?" seq=2 ts=TS}] read=2 more=false
            eve> /inbox --after 0
            eve< inbox ok messages=[{to=eve from=eve text="note to self" seq=3 ts=TS}] read=0 more=false
            bob.3> /tell ann yes
            bob.3< tell ok to=ann from=bob text=yes seq=4 ts=TS
            ann< tell ok to=ann from=bob text=yes seq=4 ts=TS
            ann.2< tell ok to=ann from=bob text=yes seq=4 ts=TS
            bob< tell ok to=ann from=bob text=yes seq=4 ts=TS
            bob.2< tell ok to=ann from=bob text=yes seq=4 ts=TS
            ann> /inbox
            ann< inbox ok messages=[{to=ann from=bob text=yes seq=4 ts=TS}] read=0 more=false
        "#]],
    );
}

#[test]
fn a_private_message_with_a_key_is_sent_once() {
    check(
        "
        * in lobby with tells: ann, bob
        ann> /tell bob --key k1 once
        ann> /tell bob --key k1 once
        ann> /tell bob --key k1 twice
        bob> /inbox --limit 26
        ",
        expect![[r#"
            * in lobby with tells: ann, bob
            ann> /tell bob --key k1 once
            ann< tell ok to=bob from=ann text=once seq=1 ts=TS
            bob< tell ok to=bob from=ann text=once seq=1 ts=TS
            ann> /tell bob --key k1 once
            ann< tell ok to=bob from=ann text=once seq=1 ts=TS
            ann> /tell bob --key k1 twice
            ann< tell bad_request "key: it was used for another message" field=key
            bob> /inbox --limit 26
            bob< inbox bad_request "limit: it is 1 to 25" field=limit
        "#]],
    );
}

/// The first one was kept, and who asked again was told that there is nobody.
#[test]
fn a_key_is_good_when_the_other_has_gone_for_ever() {
    check(
        "
        * in lobby: ann, bob
        ann> /tell bob --key k1 hello
        bob> /unregister 1234
        ann> /tell bob --key k1 hello
        ann> /tell bob --key k2 hello
        ann> /tell bob hello
        ",
        expect![[r#"
            * in lobby: ann, bob
            ann> /tell bob --key k1 hello
            ann< tell ok to=bob from=ann text=hello seq=1 ts=TS
            bob> /unregister 1234
            bob< unregister ok "Account deleted. Messages to rooms stay, under your name; those to users stay with them; your rooms stay without an owner; nobody can register the name again"
            ann> /tell bob --key k1 hello
            ann< tell ok to=bob from=ann text=hello seq=1 ts=TS
            ann> /tell bob --key k2 hello
            ann< tell no_such_user "there is no account \"bob\""
            ann> /tell bob hello
            ann< tell no_such_user "there is no account \"bob\""
        "#]],
    );
}
