//! Messages that are changed and taken back.

use expect_test::expect;

use crate::world::check;

#[test]
fn what_one_said_one_may_change() {
    check(
        "
        * in attic: ann, bob
        * in attic with edits: eve
        ann> helo
        ann#1> /edit 2 hello
        bob> /edit 2 mine now
        bob> /edit 99 what?
        bob> /edit 1 what?
        bob> /history
        ",
        expect![[r#"
            * in attic: ann, bob
            * in attic with edits: eve
            ann> helo
            ann< msg ok to=public from=ann text=helo room=attic seq=2 ts=TS
            bob< msg ok to=public from=ann text=helo room=attic seq=2 ts=TS
            eve< msg ok to=public from=ann text=helo room=attic seq=2 ts=TS
            ann#1> /edit 2 hello
            ann< edit ok room=attic target=2 text=hello by=ann seq=3 ts=TS #1
            eve< edit ok room=attic target=2 text=hello by=ann seq=3 ts=TS
            bob> /edit 2 mine now
            bob< edit forbidden "only who said it may change it"
            bob> /edit 99 what?
            bob< edit bad_request "seq: there is no such message here" field=seq
            bob> /edit 1 what?
            bob< edit bad_request "seq: there is no such message here" field=seq
            bob> /history
            bob< history ok room=attic messages=[{to=public from=ann text=hello room=attic seq=2 ts=TS edited={by=ann ts=TS}}] more=false
        "#]],
    );
}

#[test]
fn what_is_taken_back_is_gone() {
    check(
        "
        * in attic with edits: ann, bob
        ann> the secret is swordfish
        bob> /redact 2
        ann#1> /redact 2
        ann> /redact 2
        ann> /edit 2 again
        bob> /history
        bob> /history --search swordfish
        ",
        expect![[r#"
            * in attic with edits: ann, bob
            ann> the secret is swordfish
            ann< msg ok to=public from=ann text="the secret is swordfish" room=attic seq=2 ts=TS
            bob< msg ok to=public from=ann text="the secret is swordfish" room=attic seq=2 ts=TS
            bob> /redact 2
            bob< redact forbidden "only who said it may take it back, or for a public one a keeper of the room"
            ann#1> /redact 2
            ann< redact ok room=attic target=2 by=ann seq=3 ts=TS #1
            bob< redact ok room=attic target=2 by=ann seq=3 ts=TS
            ann> /redact 2
            ann< redact bad_request "seq: the message was taken back" field=seq
            ann> /edit 2 again
            ann< edit bad_request "seq: the message was taken back" field=seq
            bob> /history
            bob< history ok room=attic messages=[{to=public from=ann text="" room=attic seq=2 ts=TS redacted={by=ann ts=TS}}] more=false
            bob> /history --search swordfish
            bob< history ok room=attic messages=[] more=false
        "#]],
    );
}

#[test]
fn a_keeper_takes_back_what_others_said_to_all_and_nothing_private() {
    check(
        "
        * in lobby: ann, bob, eve
        ann> /create attic
        ann> /enter attic
        bob> /enter attic
        eve> /enter attic
        bob> nonsense
        ann> /redact 2
        bob> /msg eve psst
        ann> /redact 4
        bob> /msg ann psst
        ann> /redact 5
        bob> /redact 5
        ann> /history
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
            bob> nonsense
            bob< msg ok to=public from=bob text=nonsense room=attic seq=2 ts=TS
            ann< msg ok to=public from=bob text=nonsense room=attic seq=2 ts=TS
            eve< msg ok to=public from=bob text=nonsense room=attic seq=2 ts=TS
            ann> /redact 2
            ann< redact ok room=attic target=2 by=ann seq=3 ts=TS
            bob> /msg eve psst
            bob< msg ok to=eve from=bob text=psst room=attic seq=4 ts=TS
            eve< msg ok to=eve from=bob text=psst room=attic seq=4 ts=TS
            ann> /redact 4
            ann< redact bad_request "seq: there is no such message here" field=seq
            bob> /msg ann psst
            bob< msg ok to=ann from=bob text=psst room=attic seq=5 ts=TS
            ann< msg ok to=ann from=bob text=psst room=attic seq=5 ts=TS
            ann> /redact 5
            ann< redact forbidden "only who said it may take it back, or for a public one a keeper of the room"
            bob> /redact 5
            bob< redact ok room=attic target=5 by=bob seq=6 ts=TS
            ann> /history
            ann< history ok room=attic messages=[{to=public from=bob text="" room=attic seq=2 ts=TS redacted={by=ann ts=TS}} {to=ann from=bob text="" room=attic seq=5 ts=TS redacted={by=bob ts=TS}}] more=false
        "#]],
    );
}

#[test]
fn a_change_of_a_private_message_is_for_its_two_parties() {
    check(
        "
        * in attic with edits: ann, bob, eve
        ann> /msg bob psst
        ann> /edit 2 pssst
        ann> /redact 2
        ",
        expect![[r#"
            * in attic with edits: ann, bob, eve
            ann> /msg bob psst
            ann< msg ok to=bob from=ann text=psst room=attic seq=2 ts=TS
            bob< msg ok to=bob from=ann text=psst room=attic seq=2 ts=TS
            ann> /edit 2 pssst
            ann< edit ok room=attic target=2 text=pssst by=ann seq=3 ts=TS
            bob< edit ok room=attic target=2 text=pssst by=ann seq=3 ts=TS
            ann> /redact 2
            ann< redact ok room=attic target=2 by=ann seq=4 ts=TS
            bob< redact ok room=attic target=2 by=ann seq=4 ts=TS
        "#]],
    );
}

#[test]
fn one_who_resumes_gets_the_final_text_and_what_changed_before() {
    check(
        "
        * in attic with resume, edits: ann
        * in attic: bob
        bob> one
        bob> two
        * ann is gone
        bob> /edit 2 one!
        bob> tree
        bob> /edit 5 three
        bob> /redact 3
        * in lobby with edits: ann.2
        ann.2> /logout
        ann.2> /resume {token ann-1} --room attic --after 3
        ",
        expect![[r#"
            * in attic with resume, edits: ann
            * in attic: bob
            bob> one
            bob< msg ok to=public from=bob text=one room=attic seq=2 ts=TS
            ann< msg ok to=public from=bob text=one room=attic seq=2 ts=TS
            bob> two
            bob< msg ok to=public from=bob text=two room=attic seq=3 ts=TS
            ann< msg ok to=public from=bob text=two room=attic seq=3 ts=TS
            * ann is gone
            bob> /edit 2 one!
            bob< edit ok room=attic target=2 text=one! by=bob seq=4 ts=TS
            bob> tree
            bob< msg ok to=public from=bob text=tree room=attic seq=5 ts=TS
            bob> /edit 5 three
            bob< edit ok room=attic target=5 text=three by=bob seq=6 ts=TS
            bob> /redact 3
            bob< redact ok room=attic target=3 by=bob seq=7 ts=TS
            * in lobby with edits: ann.2
            ann.2> /logout
            ann.2< logout ok "Logged out"
            ann.2> /resume {token ann-1} --room attic --after 3
            ann.2< resume ok "Welcome back" username=ann chatroom=attic last_seq=7 oldest=1 epoch=e1
            ann.2< edit ok room=attic target=2 text=one! by=bob seq=4 ts=TS replay=true
            ann.2< msg ok to=public from=bob text=three room=attic seq=5 ts=TS replay=true edited={by=bob ts=TS}
            ann.2< edit ok room=attic target=5 text=three by=bob seq=6 ts=TS replay=true
            ann.2< redact ok room=attic target=3 by=bob seq=7 ts=TS replay=true
        "#]],
    );
}

#[test]
fn one_who_is_muted_cannot_speak_by_changing() {
    check(
        "
        * in lobby: ann, bob
        ann> /create attic
        ann> /enter attic
        bob> /enter attic
        bob> hello
        ann> /mute bob
        bob> /edit 2 insult
        bob> /redact 2
        ",
        expect![[r#"
            * in lobby: ann, bob
            ann> /create attic
            ann< create ok "attic created successfully"
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=1 oldest=1 epoch=e1
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=1 oldest=1 epoch=e1
            bob> hello
            bob< msg ok to=public from=bob text=hello room=attic seq=2 ts=TS
            ann< msg ok to=public from=bob text=hello room=attic seq=2 ts=TS
            ann> /mute bob
            ann< mute ok "bob may not speak in attic" room=attic what=mute by=ann username=bob seq=3 ts=TS
            bob> /edit 2 insult
            bob< edit forbidden "you may not speak in attic"
            bob> /redact 2
            bob< redact ok room=attic target=2 by=bob seq=4 ts=TS
        "#]],
    );
}

#[test]
fn a_message_sent_again_after_it_was_changed_is_the_same() {
    check(
        "
        * in attic: ann
        ann> something else
        ann> /msg public --key k1 helo
        ann> /msg public --key k1 helo
        ann> /edit 3 hello
        ann> /msg public --key k1 helo
        ",
        expect![[r#"
            * in attic: ann
            ann> something else
            ann< msg ok to=public from=ann text="something else" room=attic seq=2 ts=TS
            ann> /msg public --key k1 helo
            ann< msg ok to=public from=ann text=helo room=attic seq=3 ts=TS
            ann> /msg public --key k1 helo
            ann< msg ok to=public from=ann text=helo room=attic seq=3 ts=TS
            ann> /edit 3 hello
            ann< edit ok room=attic target=3 text=hello by=ann seq=4 ts=TS
            ann> /msg public --key k1 helo
            ann< msg ok to=public from=ann text=helo room=attic seq=3 ts=TS
        "#]],
    );
}
