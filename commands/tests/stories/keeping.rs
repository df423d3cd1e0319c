//! Keeping order in a room: who may do what to whom, and what comes of it.

use expect_test::expect;

use crate::world::check;

#[test]
fn the_owner_makes_operators_and_they_keep_order() {
    check(
        "
        * in lobby: ann, bob, eve
        ann> /create attic
        ann> /enter attic
        bob> /enter attic
        eve> /enter attic
        bob> /kick eve
        ann#1> /op bob
        bob> /kick ann
        bob> /op bob
        ann> /op bob
        bob#2> /kick eve --reason 'too loud'
        eve> hello?
        eve> /list
        eve> /enter attic
        ann> /deop bob
        bob> /kick eve
        ",
        expect![[r#"
            * in lobby: ann, bob, eve
            ann> /create attic
            ann< create ok "attic created successfully"
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=1 oldest=1 epoch=e1
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=1 oldest=1 epoch=e1
            eve> /enter attic
            eve< enter ok "Welcome to the chatroom" username=eve room=attic last_seq=1 oldest=1 epoch=e1
            bob> /kick eve
            bob< kick forbidden "kick is for a room's keepers: its owner and its operators"
            ann#1> /op bob
            ann< op ok "bob is an operator of attic" room=attic what=op by=ann username=bob seq=2 ts=TS #1
            bob> /kick ann
            bob< kick forbidden "you cannot do this to one who is owner here"
            bob> /op bob
            bob< op bad_request "username: bob is an operator, or the owner, already" field=username
            ann> /op bob
            ann< op bad_request "username: bob is an operator, or the owner, already" field=username
            bob#2> /kick eve --reason 'too loud'
            bob< kick ok "eve was put out of attic" room=attic what=kick by=bob username=eve text="too loud" seq=3 ts=TS #2
            eve< exit ok "bob put you out of attic: too loud" room=attic by=bob reason="too loud"
            eve> hello?
            eve! nothing is said here
            eve> /list
            eve< list ok lobby=[eve] attic=[ann bob]
            eve> /enter attic
            eve< enter ok "Welcome to the chatroom" username=eve room=attic last_seq=3 oldest=1 epoch=e1
            ann> /deop bob
            ann< deop ok "bob is no operator of attic any more" room=attic what=deop by=ann username=bob seq=4 ts=TS
            bob> /kick eve
            bob< kick forbidden "kick is for a room's keepers: its owner and its operators"
        "#]],
    );
}

#[test]
fn who_is_there_sees_how_the_room_is_kept() {
    check(
        "
        * in lobby: ann, bob, eve, zoe
        ann> /room
        ann> /create attic --private --topic 'Old things'
        ann> /enter attic
        ann> /invite bob
        ann> /invite eve
        ann> /op eve
        ann> /ban zoe --reason spam
        ann> /mute bob --minutes 5
        bob> /enter attic
        bob> /room
        ann> /deop eve
        ann> /unban zoe
        ann> /ban bob
        ann> /retention 30 --apply
        ann> /room
        ",
        expect![[r#"
            * in lobby: ann, bob, eve, zoe
            ann> /room
            ann< room wrong_state "room is allowed in chat, you are in lobby: enter leads there" states=[chat]
            ann> /create attic --private --topic 'Old things'
            ann< create ok "attic created successfully"
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic topic="Old things" last_seq=1 oldest=1 epoch=e1
            ann> /invite bob
            ann< invite ok "bob may enter attic" room=attic what=invite by=ann username=bob seq=2 ts=TS
            ann> /invite eve
            ann< invite ok "eve may enter attic" room=attic what=invite by=ann username=eve seq=3 ts=TS
            ann> /op eve
            ann< op ok "eve is an operator of attic" room=attic what=op by=ann username=eve seq=4 ts=TS
            ann> /ban zoe --reason spam
            ann< ban ok "zoe is banned from attic" room=attic what=ban by=ann username=zoe text=spam seq=5 ts=TS
            ann> /mute bob --minutes 5
            ann< mute ok "bob may not speak in attic until TIME" room=attic what=mute by=ann username=bob until=TS seq=6 ts=TS
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic topic="Old things" last_seq=6 oldest=1 epoch=e1
            bob> /room
            bob< room ok room=attic topic="Old things" private=true history=all owner=ann operators=[eve] invited=[bob] banned=[{username=zoe reason=spam}] muted=[{username=bob until=TS}] more=false
            ann> /deop eve
            ann< deop ok "eve is no operator of attic any more" room=attic what=deop by=ann username=eve seq=7 ts=TS
            ann> /unban zoe
            ann< unban ok "zoe may come back to attic" room=attic what=unban by=ann username=zoe seq=8 ts=TS
            ann> /ban bob
            ann< ban ok "bob is banned from attic" room=attic what=ban by=ann username=bob seq=9 ts=TS
            bob< exit ok "ann put you out of attic" room=attic by=ann
            ann> /retention 30 --apply
            ann< retention ok "messages in attic are kept for 30 days" room=attic what=retention by=ann days=30 seq=10 ts=TS
            ann> /room
            ann< room ok room=attic topic="Old things" private=true history=all days=30 owner=ann operators=[] invited=[eve] banned=[{username=bob}] muted=[{username=bob until=TS}] more=false
        "#]],
    );
}

#[test]
fn a_room_whose_owner_has_gone_belongs_to_nobody() {
    check(
        "
        * in lobby: ann, bob
        ann> /create attic
        ann> /enter attic
        bob> /enter attic
        ann> /mute bob --minutes -5
        ann> /exit
        ann> /unregister 1234
        bob> /room
        ",
        expect![[r#"
            * in lobby: ann, bob
            ann> /create attic
            ann< create ok "attic created successfully"
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=1 oldest=1 epoch=e1
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=1 oldest=1 epoch=e1
            ann> /mute bob --minutes -5
            ann< mute bad_request "minutes: it is a whole number from 0 to 4294967295, not -5" field=minutes
            ann> /exit
            ann< exit ok "Exited chatroom, returned to lobby"
            ann> /unregister 1234
            ann< unregister ok "Account deleted. Messages to rooms stay, under your name; those to users stay with them; your rooms stay without an owner; nobody can register the name again"
            bob> /room
            bob< room ok room=attic private=false history=all operators=[] invited=[] banned=[] muted=[] more=false
        "#]],
    );
}

#[test]
fn an_operator_whom_the_owner_has_muted_is_not_to_undo_it() {
    check(
        "
        * in lobby: ann, bob, eve
        ann> /create attic
        ann> /enter attic
        bob> /enter attic
        ann> /op bob
        ann> /op eve
        ann> /mute bob
        bob> /unmute bob
        eve> /enter attic
        eve> /unmute bob
        ann> /unmute bob
        ",
        expect![[r#"
            * in lobby: ann, bob, eve
            ann> /create attic
            ann< create ok "attic created successfully"
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=1 oldest=1 epoch=e1
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=1 oldest=1 epoch=e1
            ann> /op bob
            ann< op ok "bob is an operator of attic" room=attic what=op by=ann username=bob seq=2 ts=TS
            ann> /op eve
            ann< op ok "eve is an operator of attic" room=attic what=op by=ann username=eve seq=3 ts=TS
            ann> /mute bob
            ann< mute ok "bob may not speak in attic" room=attic what=mute by=ann username=bob seq=4 ts=TS
            bob> /unmute bob
            bob< unmute forbidden "you cannot do this to yourself"
            eve> /enter attic
            eve< enter ok "Welcome to the chatroom" username=eve room=attic last_seq=4 oldest=1 epoch=e1
            eve> /unmute bob
            eve< unmute forbidden "you cannot do this to one who is operator here"
            ann> /unmute bob
            ann< unmute ok "bob may speak in attic again" room=attic what=unmute by=ann username=bob seq=5 ts=TS
        "#]],
    );
}

#[test]
fn who_is_elsewhere_is_told_what_they_may_do_from_now_on() {
    check(
        "
        * in lobby with notices: ann, bob, bob.2, zoe
        * in lobby: bob.3
        ann> /create attic --private
        ann> /create cellar
        ann> /enter attic
        bob> /enter cellar
        ann> /invite bob
        bob> /exit
        bob> /enter attic
        ann> /op bob
        ann> /deop bob
        ann> /ban bob
        ann> /unban bob
        ann> /mute bob
        ann> /ban zoe
        ann> /unban zoe
        ",
        expect![[r#"
            * in lobby with notices: ann, bob, bob.2, zoe
            * in lobby: bob.3
            ann> /create attic --private
            ann< create ok "attic created successfully"
            ann> /create cellar
            ann< create ok "cellar created successfully"
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=1 oldest=1 epoch=e1
            bob> /enter cellar
            bob< enter ok "Welcome to the chatroom" username=bob room=cellar last_seq=2 oldest=2 epoch=e1
            ann> /invite bob
            ann< invite ok "bob may enter attic" room=attic what=invite by=ann username=bob seq=3 ts=TS
            bob< notice ok room=attic what=invite by=ann username=bob seq=3 ts=TS
            bob.2< notice ok room=attic what=invite by=ann username=bob seq=3 ts=TS
            bob> /exit
            bob< exit ok "Exited chatroom, returned to lobby"
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=3 oldest=1 epoch=e1
            ann> /op bob
            ann< op ok "bob is an operator of attic" room=attic what=op by=ann username=bob seq=4 ts=TS
            bob< notice ok room=attic what=op by=ann username=bob seq=4 ts=TS
            bob.2< notice ok room=attic what=op by=ann username=bob seq=4 ts=TS
            ann> /deop bob
            ann< deop ok "bob is no operator of attic any more" room=attic what=deop by=ann username=bob seq=5 ts=TS
            bob< notice ok room=attic what=deop by=ann username=bob seq=5 ts=TS
            bob.2< notice ok room=attic what=deop by=ann username=bob seq=5 ts=TS
            ann> /ban bob
            ann< ban ok "bob is banned from attic" room=attic what=ban by=ann username=bob seq=6 ts=TS
            bob< notice ok room=attic what=ban by=ann username=bob seq=6 ts=TS
            bob< exit ok "ann put you out of attic" room=attic by=ann
            ann> /unban bob
            ann< unban ok "bob may come back to attic" room=attic what=unban by=ann username=bob seq=7 ts=TS
            bob< notice ok room=attic what=unban by=ann username=bob seq=7 ts=TS
            bob.2< notice ok room=attic what=unban by=ann username=bob seq=7 ts=TS
            ann> /mute bob
            ann< mute ok "bob may not speak in attic" room=attic what=mute by=ann username=bob seq=8 ts=TS
            ann> /ban zoe
            ann< ban ok "zoe is banned from attic" room=attic what=ban by=ann username=zoe seq=9 ts=TS
            ann> /unban zoe
            ann< unban ok "zoe may come back to attic" room=attic what=unban by=ann username=zoe seq=10 ts=TS
        "#]],
    );
}

#[test]
fn those_who_take_notices_see_what_keepers_do() {
    check(
        "
        * in lobby with notices: ann, bob
        ann> /create attic
        ann> /enter attic
        bob> /enter attic
        ann> /topic All about gears
        ann> /mute bob --minutes 5 --reason spam
        bob> hello
        ann> /unmute bob
        ann> /unmute bob
        bob> hello
        ",
        expect![[r#"
            * in lobby with notices: ann, bob
            ann> /create attic
            ann< create ok "attic created successfully"
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=1 oldest=1 epoch=e1
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=1 oldest=1 epoch=e1
            ann> /topic All about gears
            ann< topic ok "attic has a new topic" room=attic what=topic by=ann text="All about gears" seq=2 ts=TS
            bob< notice ok room=attic what=topic by=ann text="All about gears" seq=2 ts=TS
            ann> /mute bob --minutes 5 --reason spam
            ann< mute ok "bob may not speak in attic until TIME" room=attic what=mute by=ann username=bob text=spam until=TS seq=3 ts=TS
            bob< notice ok room=attic what=mute by=ann username=bob text=spam until=TS seq=3 ts=TS
            bob> hello
            bob< msg forbidden "you may not speak in attic until TIME: spam"
            ann> /unmute bob
            ann< unmute ok "bob may speak in attic again" room=attic what=unmute by=ann username=bob seq=4 ts=TS
            bob< notice ok room=attic what=unmute by=ann username=bob seq=4 ts=TS
            ann> /unmute bob
            ann< unmute bad_request "username: bob is not muted" field=username
            bob> hello
            bob< msg ok to=public from=bob text=hello room=attic seq=5 ts=TS
            ann< msg ok to=public from=bob text=hello room=attic seq=5 ts=TS
        "#]],
    );
}

#[test]
fn a_ban_keeps_out_every_connection_and_lasts() {
    check(
        "
        * in lobby: ann, bob, bob.2
        ann> /create attic
        ann> /enter attic
        bob> /enter attic
        bob.2> /enter attic
        ann> /op bob
        ann> /ban bob --reason spam
        bob> /enter attic
        bob> /history --room attic
        ann> /invite bob
        ann> /op bob
        ann> /unban bob
        bob> /enter attic
        bob> /topic mine
        ann> /ban eve
        ann> /ban bob --minutes 0
        ",
        expect![[r#"
            * in lobby: ann, bob, bob.2
            ann> /create attic
            ann< create ok "attic created successfully"
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=1 oldest=1 epoch=e1
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=1 oldest=1 epoch=e1
            bob.2> /enter attic
            bob.2< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=1 oldest=1 epoch=e1
            ann> /op bob
            ann< op ok "bob is an operator of attic" room=attic what=op by=ann username=bob seq=2 ts=TS
            ann> /ban bob --reason spam
            ann< ban ok "bob is banned from attic" room=attic what=ban by=ann username=bob text=spam seq=3 ts=TS
            bob< exit ok "ann put you out of attic: spam" room=attic by=ann reason=spam
            bob.2< exit ok "ann put you out of attic: spam" room=attic by=ann reason=spam
            bob> /enter attic
            bob< enter forbidden "you are banned from attic: spam"
            bob> /history --room attic
            bob< history wrong_state "history is allowed in chat, you are in lobby: enter leads there" states=[chat]
            ann> /invite bob
            ann< invite bad_request "username: bob is banned: unban them first" field=username
            ann> /op bob
            ann< op bad_request "username: bob is banned: unban them first" field=username
            ann> /unban bob
            ann< unban ok "bob may come back to attic" room=attic what=unban by=ann username=bob seq=4 ts=TS
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=4 oldest=1 epoch=e1
            bob> /topic mine
            bob< topic forbidden "topic is for a room's keepers: its owner and its operators"
            ann> /ban eve
            ann< ban no_such_user "there is no account \"eve\""
            ann> /ban bob --minutes 0
            ann< ban bad_request "minutes: it is 1 or more; without it there is no end" field=minutes
        "#]],
    );
}

#[test]
fn one_lays_down_what_one_is_but_nobody_puts_out_oneself() {
    check(
        "
        * in lobby: ann, bob
        ann> /create attic
        ann> /enter attic
        bob> /enter attic
        ann> /op bob
        ann> /op bob
        bob> /deop bob
        bob> /deop bob
        ann> /kick ann
        ann> /deop ann
        ann> /unban bob
        ",
        expect![[r#"
            * in lobby: ann, bob
            ann> /create attic
            ann< create ok "attic created successfully"
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=1 oldest=1 epoch=e1
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=1 oldest=1 epoch=e1
            ann> /op bob
            ann< op ok "bob is an operator of attic" room=attic what=op by=ann username=bob seq=2 ts=TS
            ann> /op bob
            ann< op bad_request "username: bob is an operator, or the owner, already" field=username
            bob> /deop bob
            bob< deop ok "bob is no operator of attic any more" room=attic what=deop by=bob username=bob seq=3 ts=TS
            bob> /deop bob
            bob< deop forbidden "deop is for a room's keepers: its owner and its operators"
            ann> /kick ann
            ann< kick forbidden "you cannot do this to yourself"
            ann> /deop ann
            ann< deop bad_request "username: ann is not an operator" field=username
            ann> /unban bob
            ann< unban bad_request "username: bob is not banned" field=username
        "#]],
    );
}

#[test]
fn whoever_sent_before_the_kick_is_answered() {
    check(
        "
        * in lobby: ann, bob
        ann> /create attic
        ann> /enter attic
        bob> /enter attic
        * the ledger waits
        ann> /kick bob
        bob#1> said before
        bob#2> said before, too
        * the ledger goes on
        bob#3> said after
        bob> /enter attic
        bob> I am back
        ",
        expect![[r#"
            * in lobby: ann, bob
            ann> /create attic
            ann< create ok "attic created successfully"
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=1 oldest=1 epoch=e1
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=1 oldest=1 epoch=e1
            * the ledger waits
            ann> /kick bob
            bob#1> said before
            bob#2> said before, too
            * the ledger goes on
            ann< kick ok "bob was put out of attic" room=attic what=kick by=ann username=bob seq=2 ts=TS
            ann< msg ok to=public from=bob text="said before" room=attic seq=3 ts=TS
            ann< msg ok to=public from=bob text="said before, too" room=attic seq=4 ts=TS
            bob< exit ok "ann put you out of attic" room=attic by=ann
            bob< msg ok to=public from=bob text="said before" room=attic seq=3 ts=TS #1
            bob< msg ok to=public from=bob text="said before, too" room=attic seq=4 ts=TS #2
            bob#3> said after
            bob! nothing is said here
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=4 oldest=1 epoch=e1
            bob> I am back
            bob< msg ok to=public from=bob text="I am back" room=attic seq=5 ts=TS
            ann< msg ok to=public from=bob text="I am back" room=attic seq=5 ts=TS
        "#]],
    );
}

#[test]
fn one_who_is_put_out_hears_nothing_further_before_it_does_anything() {
    check(
        "
        * in lobby: ann, bob, eve
        ann> /create attic
        ann> /enter attic
        bob> /enter attic
        eve> /enter attic
        ann> /kick bob
        eve> is he gone?
        eve> /list
        * eve is gone
        bob> /exit
        bob> /list
        ",
        expect![[r#"
            * in lobby: ann, bob, eve
            ann> /create attic
            ann< create ok "attic created successfully"
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=1 oldest=1 epoch=e1
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=1 oldest=1 epoch=e1
            eve> /enter attic
            eve< enter ok "Welcome to the chatroom" username=eve room=attic last_seq=1 oldest=1 epoch=e1
            ann> /kick bob
            ann< kick ok "bob was put out of attic" room=attic what=kick by=ann username=bob seq=2 ts=TS
            bob< exit ok "ann put you out of attic" room=attic by=ann
            eve> is he gone?
            eve< msg ok to=public from=eve text="is he gone?" room=attic seq=3 ts=TS
            ann< msg ok to=public from=eve text="is he gone?" room=attic seq=3 ts=TS
            eve> /list
            eve< list ok attic=[ann eve]
            * eve is gone
            bob> /exit
            bob< exit wrong_state "exit is allowed in chat, you are in lobby: enter leads there" states=[chat]
            bob> /list
            bob< list ok lobby=[bob] attic=[ann]
        "#]],
    );
}

#[test]
fn a_deleted_room_is_gone_with_all_who_were_there() {
    check(
        "
        * in lobby: ann, bob, eve
        ann> /create attic
        bob> /enter attic
        eve> /delete attic
        ann> /delete nowhere
        ann> /delete attic
        bob> /list
        bob> /enter attic
        bob> /create attic
        ann> /enter attic
        ann> /topic mine?
        ",
        expect![[r#"
            * in lobby: ann, bob, eve
            ann> /create attic
            ann< create ok "attic created successfully"
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=1 oldest=1 epoch=e1
            eve> /delete attic
            eve< delete forbidden "delete is for a room's keepers: its owner"
            ann> /delete nowhere
            ann< delete no_such_room "there is no room \"nowhere\""
            ann> /delete attic
            ann< delete ok "attic was deleted" room=attic what=delete by=ann seq=2 ts=TS
            bob< exit ok "ann put you out of attic: the room was deleted" room=attic by=ann reason="the room was deleted"
            bob> /list
            bob< list ok lobby=[ann bob eve]
            bob> /enter attic
            bob< enter no_such_room "there is no room \"attic\""
            bob> /create attic
            bob< create ok "attic created successfully"
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=3 oldest=3 epoch=e1
            ann> /topic mine?
            ann< topic forbidden "topic is for a room's keepers: its owner and its operators"
        "#]],
    );
}

#[test]
fn what_waits_for_a_room_that_is_deleted_is_refused() {
    check(
        "
        * in lobby: ann, bob
        ann> /create attic
        bob> /enter attic
        * the ledger waits
        ann> /delete attic
        bob#1> still there?
        * the ledger goes on
        ",
        expect![[r#"
            * in lobby: ann, bob
            ann> /create attic
            ann< create ok "attic created successfully"
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=1 oldest=1 epoch=e1
            * the ledger waits
            ann> /delete attic
            bob#1> still there?
            * the ledger goes on
            ann< delete ok "attic was deleted" room=attic what=delete by=ann seq=2 ts=TS
            bob< exit ok "ann put you out of attic: the room was deleted" room=attic by=ann reason="the room was deleted"
            bob< msg no_such_room "the room was deleted meanwhile" #1
        "#]],
    );
}

#[test]
fn one_who_comes_back_sees_what_keepers_did_meanwhile() {
    check(
        "
        * in lobby: ann
        * in lobby with resume, notices: bob
        ann> /create attic
        ann> /enter attic
        bob> /enter attic
        * bob is gone
        ann> /topic gears
        ann> hello
        * in lobby with notices: bob.2
        bob.2> /logout
        bob.2> /resume {token bob-1} --room attic --after 1
        ",
        expect![[r#"
            * in lobby: ann
            * in lobby with resume, notices: bob
            ann> /create attic
            ann< create ok "attic created successfully"
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=1 oldest=1 epoch=e1
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=1 oldest=1 epoch=e1
            * bob is gone
            ann> /topic gears
            ann< topic ok "attic has a new topic" room=attic what=topic by=ann text=gears seq=2 ts=TS
            ann> hello
            ann< msg ok to=public from=ann text=hello room=attic seq=3 ts=TS
            * in lobby with notices: bob.2
            bob.2> /logout
            bob.2< logout ok "Logged out"
            bob.2> /resume {token bob-1} --room attic --after 1
            bob.2< resume ok "Welcome back" username=bob chatroom=attic topic=gears last_seq=3 oldest=1 epoch=e1
            bob.2< notice ok room=attic what=topic by=ann text=gears seq=2 ts=TS replay=true
            bob.2< msg ok to=public from=ann text=hello room=attic seq=3 ts=TS replay=true
        "#]],
    );
}

#[test]
fn retention_says_first_what_it_would_delete() {
    check(
        "
        * in lobby with notices: ann, bob
        ann> /create attic
        ann> /enter attic
        bob> /enter attic
        ann> one
        ann> /retention 30
        bob> /retention 30 --apply
        ann> /retention 30 --apply
        ann> /retention 0 --apply
        ",
        expect![[r#"
            * in lobby with notices: ann, bob
            ann> /create attic
            ann< create ok "attic created successfully"
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=1 oldest=1 epoch=e1
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=1 oldest=1 epoch=e1
            ann> one
            ann< msg ok to=public from=ann text=one room=attic seq=2 ts=TS
            bob< msg ok to=public from=ann text=one room=attic seq=2 ts=TS
            ann> /retention 30
            ann< retention ok "would delete 1 messages now; nothing was changed (--apply does it)" deletes=1 before=TS
            bob> /retention 30 --apply
            bob< retention forbidden "retention is for a room's keepers: its owner"
            ann> /retention 30 --apply
            ann< retention ok "messages in attic are kept for 30 days" room=attic what=retention by=ann days=30 seq=3 ts=TS
            bob< notice ok room=attic what=retention by=ann days=30 seq=3 ts=TS
            ann> /retention 0 --apply
            ann< retention ok "messages in attic are kept for ever" room=attic what=retention by=ann seq=4 ts=TS
            bob< notice ok room=attic what=retention by=ann seq=4 ts=TS
        "#]],
    );
}
