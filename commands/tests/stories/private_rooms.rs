//! Rooms for those who are invited, and pasts that are not for newcomers.

use expect_test::expect;

use crate::world::check;

#[test]
fn a_private_room_and_none_look_alike_to_outsiders() {
    check(
        "
        * in lobby: ann, bob, eve
        ann> /create attic --private
        ann> /list
        bob> /list
        bob> /enter attic
        bob> /enter attik
        bob> /delete attic
        bob> /whois ann
        ann> /enter attic
        bob> /whois ann
        bob> /history --room attic
        ann> /invite bob
        bob> /list
        bob> /enter attic
        bob> hello
        eve> /list
        eve> /whois bob
        bob> /whois ann
        ann> /ban bob
        bob> /list
        bob> /enter attic
        eve> /create attic
        ",
        expect![[r#"
            * in lobby: ann, bob, eve
            ann> /create attic --private
            ann< create ok "attic created successfully"
            ann> /list
            ann< list ok lobby=[ann bob eve] attic=[]
            bob> /list
            bob< list ok lobby=[ann bob eve]
            bob> /enter attic
            bob< enter no_such_room "there is no room \"attic\""
            bob> /enter attik
            bob< enter no_such_room "there is no room \"attik\""
            bob> /delete attic
            bob< delete no_such_room "there is no room \"attic\""
            bob> /whois ann
            bob< whois ok username=ann registered=TS online=true rooms=[]
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=1 oldest=1 epoch=e1
            bob> /whois ann
            bob< whois ok username=ann registered=TS online=true rooms=[]
            bob> /history --room attic
            bob< history wrong_state "history is allowed in chat, you are in lobby: enter leads there" states=[chat]
            ann> /invite bob
            ann< invite ok "bob may enter attic" room=attic what=invite by=ann username=bob seq=2 ts=TS
            bob> /list
            bob< list ok lobby=[bob eve] attic=[ann]
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=2 oldest=1 epoch=e1
            bob> hello
            bob< msg ok to=public from=bob text=hello room=attic seq=3 ts=TS
            ann< msg ok to=public from=bob text=hello room=attic seq=3 ts=TS
            eve> /list
            eve< list ok lobby=[eve]
            eve> /whois bob
            eve< whois ok username=bob registered=TS online=true rooms=[]
            bob> /whois ann
            bob< whois ok username=ann registered=TS online=true rooms=[attic]
            ann> /ban bob
            ann< ban ok "bob is banned from attic" room=attic what=ban by=ann username=bob seq=4 ts=TS
            bob< exit ok "ann put you out of attic" room=attic by=ann
            bob> /list
            bob< list ok lobby=[bob eve]
            bob> /enter attic
            bob< enter no_such_room "there is no room \"attic\""
            eve> /create attic
            eve< create room_exists "there is a room \"attic\", or one that looks like it"
        "#]],
    );
}

#[test]
fn lists_that_are_pushed_show_a_private_room_only_to_its_guests() {
    check(
        "
        * in lobby with list-push: ann, bob
        * lists at 0 ms
        ann> /create attic --private
        * lists at 1000 ms
        * in lobby: eve
        ann> /enter attic
        * lists at 2000 ms
        ann> /invite bob
        ann> /exit
        * lists at 4000 ms
        ",
        expect![[r#"
            * in lobby with list-push: ann, bob
            * lists at 0 ms
            ann< list ok lobby=[ann bob]
            * next never
            ann> /create attic --private
            ann< create ok "attic created successfully"
            * lists at 1000 ms
            ann< list ok lobby=[ann bob] attic=[]
            bob< list ok lobby=[ann bob]
            * next never
            * in lobby: eve
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=1 oldest=1 epoch=e1
            ann< list_room ok attic=[ann]
            * lists at 2000 ms
            bob< list ok lobby=[bob eve]
            * next never
            ann> /invite bob
            ann< invite ok "bob may enter attic" room=attic what=invite by=ann username=bob seq=2 ts=TS
            ann> /exit
            ann< exit ok "Exited chatroom, returned to lobby"
            ann< list ok lobby=[ann bob eve] attic=[]
            * lists at 4000 ms
            bob< list ok lobby=[ann bob eve] attic=[]
            * next never
        "#]],
    );
}

#[test]
fn with_since_join_nobody_reads_what_was_said_before() {
    check(
        "
        * in lobby: ann, bob
        ann> /create attic --history since_join
        ann> /enter attic
        ann> one
        bob> /history --room attic
        bob> /enter attic
        bob> /history
        bob> /history --search one
        ann> two
        bob> /exit
        ann> three
        bob> /enter attic
        bob> /history
        bob> /edit 2 four
        ",
        expect![[r#"
            * in lobby: ann, bob
            ann> /create attic --history since_join
            ann< create ok "attic created successfully"
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=1 oldest=1 epoch=e1
            ann> one
            ann< msg ok to=public from=ann text=one room=attic seq=3 ts=TS
            bob> /history --room attic
            bob< history wrong_state "history is allowed in chat, you are in lobby: enter leads there" states=[chat]
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=3 oldest=1 epoch=e1
            bob> /history
            bob< history ok room=attic messages=[] more=false
            bob> /history --search one
            bob< history ok room=attic messages=[] more=false
            ann> two
            ann< msg ok to=public from=ann text=two room=attic seq=5 ts=TS
            bob< msg ok to=public from=ann text=two room=attic seq=5 ts=TS
            bob> /exit
            bob< exit ok "Exited chatroom, returned to lobby"
            ann> three
            ann< msg ok to=public from=ann text=three room=attic seq=6 ts=TS
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=6 oldest=1 epoch=e1
            bob> /history
            bob< history ok room=attic messages=[{to=public from=ann text=two room=attic seq=5 ts=TS} {to=public from=ann text=three room=attic seq=6 ts=TS}] more=false
            bob> /edit 2 four
            bob< edit bad_request "seq: there is no such message here" field=seq
        "#]],
    );
}

#[test]
fn with_since_join_one_resumes_no_further_back() {
    check(
        "
        * in lobby: ann
        * in lobby with resume: bob
        ann> /create attic --history since_join
        ann> /enter attic
        ann> one
        bob> /enter attic
        ann> two
        * bob is gone
        ann> three
        bob.2> /resume {token bob-1} --room attic --after 0
        ",
        expect![[r#"
            * in lobby: ann
            * in lobby with resume: bob
            ann> /create attic --history since_join
            ann< create ok "attic created successfully"
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=1 oldest=1 epoch=e1
            ann> one
            ann< msg ok to=public from=ann text=one room=attic seq=3 ts=TS
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=3 oldest=1 epoch=e1
            ann> two
            ann< msg ok to=public from=ann text=two room=attic seq=5 ts=TS
            bob< msg ok to=public from=ann text=two room=attic seq=5 ts=TS
            * bob is gone
            ann> three
            ann< msg ok to=public from=ann text=three room=attic seq=6 ts=TS
            bob.2> /resume {token bob-1} --room attic --after 0
            bob.2< resume ok "Welcome back" username=bob chatroom=attic last_seq=6 oldest=1 epoch=e1
            bob.2< msg ok to=public from=ann text=two room=attic seq=5 ts=TS replay=true
            bob.2< msg ok to=public from=ann text=three room=attic seq=6 ts=TS replay=true
        "#]],
    );
}

/// What a message from before one came says now was pushed to all who take `edits`.
#[test]
fn with_since_join_nobody_hears_what_became_of_what_was_said_before() {
    check(
        "
        * in lobby with edits: ann, bob
        ann> /create attic --history since_join
        ann> /enter attic
        ann> one
        bob> /enter attic
        ann> /edit 3 uno
        ann> /redact 3
        ann> two
        ann> /edit 7 due
        ",
        expect![[r#"
            * in lobby with edits: ann, bob
            ann> /create attic --history since_join
            ann< create ok "attic created successfully"
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=1 oldest=1 epoch=e1
            ann> one
            ann< msg ok to=public from=ann text=one room=attic seq=3 ts=TS
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=3 oldest=1 epoch=e1
            ann> /edit 3 uno
            ann< edit ok room=attic target=3 text=uno by=ann seq=5 ts=TS
            ann> /redact 3
            ann< redact ok room=attic target=3 by=ann seq=6 ts=TS
            ann> two
            ann< msg ok to=public from=ann text=two room=attic seq=7 ts=TS
            bob< msg ok to=public from=ann text=two room=attic seq=7 ts=TS
            ann> /edit 7 due
            ann< edit ok room=attic target=7 text=due by=ann seq=8 ts=TS
            bob< edit ok room=attic target=7 text=due by=ann seq=8 ts=TS
        "#]],
    );
}

/// They were in the room still, and could not read what was said there; who caught up at
/// that moment never heard anything again.
#[test]
fn who_is_an_operator_no_more_stays_a_guest() {
    check(
        "
        * in lobby: ann, bob
        ann> /create attic --private
        ann> /enter attic
        ann> /op bob
        bob> /enter attic
        ann> /deop bob
        bob> /history
        bob> /exit
        bob> /enter attic
        ",
        expect![[r#"
            * in lobby: ann, bob
            ann> /create attic --private
            ann< create ok "attic created successfully"
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=1 oldest=1 epoch=e1
            ann> /op bob
            ann< op ok "bob is an operator of attic" room=attic what=op by=ann username=bob seq=2 ts=TS
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=2 oldest=1 epoch=e1
            ann> /deop bob
            ann< deop ok "bob is no operator of attic any more" room=attic what=deop by=ann username=bob seq=3 ts=TS
            bob> /history
            bob< history ok room=attic messages=[] more=false
            bob> /exit
            bob< exit ok "Exited chatroom, returned to lobby"
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=3 oldest=1 epoch=e1
        "#]],
    );
}

/// One who owns enough could ask for names without ever making a room.
#[test]
fn who_may_make_no_room_is_not_told_which_there_are() {
    check(
        "
        * in lobby: ann, bob
        * limits.rooms_per_user 1
        ann> /create attic --private
        bob> /create cellar
        bob> /create attic
        bob> /create loft
        ",
        expect![[r#"
            * in lobby: ann, bob
            * limits.rooms_per_user 1
            ann> /create attic --private
            ann< create ok "attic created successfully"
            bob> /create cellar
            bob< create ok "cellar created successfully"
            bob> /create attic
            bob< create forbidden "you own as many rooms as one may: 1 (limits.rooms_per_user)"
            bob> /create loft
            bob< create forbidden "you own as many rooms as one may: 1 (limits.rooms_per_user)"
        "#]],
    );
}

/// They learned of it with the next change of something else.
#[test]
fn who_is_invited_gets_a_list_with_the_room() {
    check(
        "
        * in lobby: ann
        * in lobby with list-push: bob
        ann> /create attic --private
        ann> /enter attic
        * lists at 0 ms
        ann> /invite bob
        * lists at 1000 ms
        ann> /mute bob
        * lists at 2000 ms
        ",
        expect![[r#"
            * in lobby: ann
            * in lobby with list-push: bob
            ann> /create attic --private
            ann< create ok "attic created successfully"
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=1 oldest=1 epoch=e1
            * lists at 0 ms
            bob< list ok lobby=[bob]
            * next never
            ann> /invite bob
            ann< invite ok "bob may enter attic" room=attic what=invite by=ann username=bob seq=2 ts=TS
            * lists at 1000 ms
            bob< list ok lobby=[bob] attic=[ann]
            * next never
            ann> /mute bob
            ann< mute ok "bob may not speak in attic" room=attic what=mute by=ann username=bob seq=3 ts=TS
            * lists at 2000 ms
            * next never
        "#]],
    );
}

#[test]
fn from_a_room_all_are_seen_that_the_lobby_shows() {
    check(
        "
        * in lobby: ann, bob
        ann> /create attic --private
        ann> /create ops
        ann> /enter ops
        ann> /list
        ann> /list --all
        bob> /enter ops
        bob> /list --all
        ",
        expect![[r#"
            * in lobby: ann, bob
            ann> /create attic --private
            ann< create ok "attic created successfully"
            ann> /create ops
            ann< create ok "ops created successfully"
            ann> /enter ops
            ann< enter ok "Welcome to the chatroom" username=ann room=ops last_seq=2 oldest=2 epoch=e1
            ann> /list
            ann< list ok ops=[ann]
            ann> /list --all
            ann< list ok lobby=[bob] attic=[] ops=[ann]
            bob> /enter ops
            bob< enter ok "Welcome to the chatroom" username=bob room=ops last_seq=2 oldest=2 epoch=e1
            bob> /list --all
            bob< list ok lobby=[] ops=[ann bob]
        "#]],
    );
}
