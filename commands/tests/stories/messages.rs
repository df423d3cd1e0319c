//! What is said, and who hears it.

use expect_test::expect;

use crate::world::check;

#[test]
fn what_is_said_in_a_room_is_heard_there_and_nowhere_else() {
    check(
        "
        * in attic: ann, ann.2, bob
        * in cellar: eve
        * in lobby: zoe
        * outside: max
        ann> Hello everyone!
        ",
        expect![[r#"
            * in attic: ann, ann.2, bob
            * in cellar: eve
            * in lobby: zoe
            * outside: max
            ann> Hello everyone!
            ann< msg ok to=public from=ann text="Hello everyone!" room=attic seq=3 ts=TS
            ann.2< msg ok to=public from=ann text="Hello everyone!" room=attic seq=3 ts=TS
            bob< msg ok to=public from=ann text="Hello everyone!" room=attic seq=3 ts=TS
        "#]],
    );
}

#[test]
fn the_reply_is_the_entry_itself_and_only_it_has_the_id() {
    check(
        "
        * in attic: ann, ann.2, bob
        ann#7> /msg public hello
        ann#once-more> /msg public hello
        ann> /msg public hello
        ",
        expect![[r#"
            * in attic: ann, ann.2, bob
            ann#7> /msg public hello
            ann< msg ok to=public from=ann text=hello room=attic seq=2 ts=TS #7
            ann.2< msg ok to=public from=ann text=hello room=attic seq=2 ts=TS
            bob< msg ok to=public from=ann text=hello room=attic seq=2 ts=TS
            ann#once-more> /msg public hello
            ann< msg ok to=public from=ann text=hello room=attic seq=3 ts=TS #"once-more"
            ann.2< msg ok to=public from=ann text=hello room=attic seq=3 ts=TS
            bob< msg ok to=public from=ann text=hello room=attic seq=3 ts=TS
            ann> /msg public hello
            ann< msg ok to=public from=ann text=hello room=attic seq=4 ts=TS
            ann.2< msg ok to=public from=ann text=hello room=attic seq=4 ts=TS
            bob< msg ok to=public from=ann text=hello room=attic seq=4 ts=TS
        "#]],
    );
}

#[test]
fn a_private_message_is_for_its_two_parties_in_the_room() {
    check(
        "
        * in attic: ann, ann.2, bob, bob.2, eve
        * in cellar: bob.3, ann.3
        * in lobby: bob.4, ann.4
        ann#1> /msg bob psst
        bob.2> /msg ann yes?
        ",
        expect![[r#"
            * in attic: ann, ann.2, bob, bob.2, eve
            * in cellar: bob.3, ann.3
            * in lobby: bob.4, ann.4
            ann#1> /msg bob psst
            ann< msg ok to=bob from=ann text=psst room=attic seq=3 ts=TS #1
            ann.2< msg ok to=bob from=ann text=psst room=attic seq=3 ts=TS
            bob< msg ok to=bob from=ann text=psst room=attic seq=3 ts=TS
            bob.2< msg ok to=bob from=ann text=psst room=attic seq=3 ts=TS
            bob.2> /msg ann yes?
            bob.2< msg ok to=ann from=bob text=yes? room=attic seq=4 ts=TS
            ann< msg ok to=ann from=bob text=yes? room=attic seq=4 ts=TS
            ann.2< msg ok to=ann from=bob text=yes? room=attic seq=4 ts=TS
            bob< msg ok to=ann from=bob text=yes? room=attic seq=4 ts=TS
        "#]],
    );
}

#[test]
fn a_private_message_wants_one_who_is_in_the_room() {
    check(
        "
        * in attic: ann, bob
        * in cellar: eve
        * in lobby: zoe
        ann> /msg eve psst
        ann> /msg zoe psst
        ann> /msg nobody psst
        ann> /msg bob psst
        bob> /exit
        ann> /msg bob psst
        ",
        expect![[r#"
            * in attic: ann, bob
            * in cellar: eve
            * in lobby: zoe
            ann> /msg eve psst
            ann< msg not_in_room "eve is not in this room; tell reaches who is elsewhere"
            ann> /msg zoe psst
            ann< msg not_in_room "zoe is not in this room; tell reaches who is elsewhere"
            ann> /msg nobody psst
            ann< msg not_in_room "nobody is not in this room; tell reaches who is elsewhere"
            ann> /msg bob psst
            ann< msg ok to=bob from=ann text=psst room=attic seq=3 ts=TS
            bob< msg ok to=bob from=ann text=psst room=attic seq=3 ts=TS
            bob> /exit
            bob< exit ok "Exited chatroom, returned to lobby"
            ann> /msg bob psst
            ann< msg not_in_room "bob is not in this room; tell reaches who is elsewhere"
        "#]],
    );
}

#[test]
fn one_may_talk_to_oneself() {
    check(
        "
        * in attic: ann, ann.2, bob
        ann> /msg ann remember the milk
        ",
        expect![[r#"
            * in attic: ann, ann.2, bob
            ann> /msg ann remember the milk
            ann< msg ok to=ann from=ann text="remember the milk" room=attic seq=2 ts=TS
            ann.2< msg ok to=ann from=ann text="remember the milk" room=attic seq=2 ts=TS
        "#]],
    );
}

#[test]
fn an_addressee_is_found_however_it_is_spelled() {
    check(
        "
        * in attic: ann, Bob
        ann> /msg BOB psst
        ann> /msg PUBLIC psst
        ann> /msg lobby psst
        ann> /msg '' psst
        ",
        expect![[r#"
            * in attic: ann, Bob
            ann> /msg BOB psst
            ann< msg ok to=Bob from=ann text=psst room=attic seq=2 ts=TS
            Bob< msg ok to=Bob from=ann text=psst room=attic seq=2 ts=TS
            ann> /msg PUBLIC psst
            ann< msg bad_request "to: the name is reserved; \"public\" is for all in the room" field=to
            ann> /msg lobby psst
            ann< msg bad_request "to: the name is reserved; \"public\" is for all in the room" field=to
            ann> /msg '' psst
            ann< msg bad_request "to: a name has at least one character that can be seen" field=to
        "#]],
    );
}

#[test]
fn a_private_message_reaches_nobody_who_left_before_it_was_kept() {
    check(
        "
        * in attic: ann, bob
        * the ledger waits
        ann> /msg bob psst
        bob> /exit
        * the ledger goes on
        ",
        expect![[r#"
            * in attic: ann, bob
            * the ledger waits
            ann> /msg bob psst
            bob> /exit
            bob< exit ok "Exited chatroom, returned to lobby"
            * the ledger goes on
            ann< msg ok to=bob from=ann text=psst room=attic seq=2 ts=TS
        "#]],
    );
}

#[test]
fn nobody_speaks_for_another() {
    check(
        r#"
        * in attic: ann, bob
        ann> /msg --from bob public it was me
        ann> /msg --from nobody public it was me
        ann> /msg --from ann public it was me
        ann> /msg --from ANN public it was me
        ann> {"type":"msg","data":{"from":null,"to":"public","text":"it was me"}}
        ann> {"type":"msg","data":{"from":"","to":"public","text":"it was me"}}
        "#,
        expect![[r#"
            * in attic: ann, bob
            ann> /msg --from bob public it was me
            ann< msg bad_request "from: it is not your name, and may be left out" field=from
            ann> /msg --from nobody public it was me
            ann< msg bad_request "from: it is not your name, and may be left out" field=from
            ann> /msg --from ann public it was me
            ann< msg ok to=public from=ann text="it was me" room=attic seq=2 ts=TS
            bob< msg ok to=public from=ann text="it was me" room=attic seq=2 ts=TS
            ann> /msg --from ANN public it was me
            ann< msg ok to=public from=ann text="it was me" room=attic seq=3 ts=TS
            bob< msg ok to=public from=ann text="it was me" room=attic seq=3 ts=TS
            ann> {"type":"msg","data":{"from":null,"to":"public","text":"it was me"}}
            ann< msg ok to=public from=ann text="it was me" room=attic seq=4 ts=TS
            bob< msg ok to=public from=ann text="it was me" room=attic seq=4 ts=TS
            ann> {"type":"msg","data":{"from":"","to":"public","text":"it was me"}}
            ann< msg bad_request "from: a name has at least one character that can be seen" field=from
        "#]],
    );
}

#[test]
fn a_text_has_at_least_one_byte_and_at_most_its_limit() {
    check(
        r#"
        * in attic: ann
        ann> {"type":"msg","data":{"to":"public","text":""}}
        ann> {x*1}
        ann> {x*16384}
        ann> {x*16385}
        ann> {é*8192}
        ann> {é*8193}
        "#,
        expect![[r#"
            * in attic: ann
            ann> {"type":"msg","data":{"to":"public","text":""}}
            ann< msg bad_request "text: a text has at least one character" field=text
            ann> {x*1}
            ann< msg ok to=public from=ann text=x room=attic seq=2 ts=TS
            ann> {x*16384}
            ann< msg ok to=public from=ann text="xxxxxxxx"… (16384 bytes) room=attic seq=3 ts=TS
            ann> {x*16385}
            ann< msg too_long "text: 16385 bytes, the limit is 16384 (limits.text)" field=text
            ann> {é*8192}
            ann< msg ok to=public from=ann text="éééééééé"… (16384 bytes) room=attic seq=4 ts=TS
            ann> {é*8193}
            ann< msg too_long "text: 16386 bytes, the limit is 16384 (limits.text)" field=text
        "#]],
    );
}

#[test]
fn a_limit_of_zero_is_none() {
    check(
        "
        * in attic: ann
        * limits.text 0
        ann> {x*20000}
        ",
        expect![[r#"
            * in attic: ann
            * limits.text 0
            ann> {x*20000}
            ann< msg ok to=public from=ann text="xxxxxxxx"… (20000 bytes) room=attic seq=2 ts=TS
        "#]],
    );
}

#[test]
fn a_text_has_lines_and_tabs_and_no_other_control_character() {
    check(
        r#"
        * in attic: ann
        ann> {"type":"msg","data":{"to":"public","text":"two\nlines,\ta tab, \u202eturned"}}
        ann> {"type":"msg","data":{"to":"public","text":"\u001b[2J"}}
        ann> {"type":"msg","data":{"to":"public","text":"a\r\n"}}
        ann> {"type":"msg","data":{"to":"public","text":"\u0000"}}
        ann> {"type":"msg","data":{"to":"public","text":"\u0085"}}
        "#,
        expect![[r#"
            * in attic: ann
            ann> {"type":"msg","data":{"to":"public","text":"two\nlines,\ta tab, \u202eturned"}}
            ann< msg ok to=public from=ann text="two\nlines,\ta tab, \u{202e}turned" room=attic seq=2 ts=TS
            ann> {"type":"msg","data":{"to":"public","text":"\u001b[2J"}}
            ann< msg bad_request "text: the control character U+001B cannot be sent, only line feeds and tabs" field=text
            ann> {"type":"msg","data":{"to":"public","text":"a\r\n"}}
            ann< msg bad_request "text: the control character U+000D cannot be sent, only line feeds and tabs" field=text
            ann> {"type":"msg","data":{"to":"public","text":"\u0000"}}
            ann< msg bad_request "text: the control character U+0000 cannot be sent, only line feeds and tabs" field=text
            ann> {"type":"msg","data":{"to":"public","text":"\u0085"}}
            ann< msg bad_request "text: the control character U+0085 cannot be sent, only line feeds and tabs" field=text
        "#]],
    );
}

#[test]
fn the_text_is_the_rest_of_the_line_as_it_stands() {
    check(
        r#"
        * in attic: ann, bob
        ann> it's "so" \o/ --key
        ann> /msg bob it's  "so" \o/ --key
        ann> //etc is a folder
        ann> /msg bob
        "#,
        expect![[r#"
            * in attic: ann, bob
            ann> it's "so" \o/ --key
            ann< msg ok to=public from=ann text="it's \"so\" \\o/ --key" room=attic seq=2 ts=TS
            bob< msg ok to=public from=ann text="it's \"so\" \\o/ --key" room=attic seq=2 ts=TS
            ann> /msg bob it's  "so" \o/ --key
            ann< msg ok to=bob from=ann text="it's  \"so\" \\o/ --key" room=attic seq=3 ts=TS
            bob< msg ok to=bob from=ann text="it's  \"so\" \\o/ --key" room=attic seq=3 ts=TS
            ann> //etc is a folder
            ann< msg ok to=public from=ann text="/etc is a folder" room=attic seq=4 ts=TS
            bob< msg ok to=public from=ann text="/etc is a folder" room=attic seq=4 ts=TS
            ann> /msg bob
            ann! column 3: text is missing: /msg TO [--from FROM] [--key KEY] TEXT...
        "#]],
    );
}

#[test]
fn the_same_key_is_the_same_message() {
    check(
        "
        * in attic: ann, bob
        ann#1> /msg public --key k1 hello
        ann#2> /msg public --key k1 hello
        ann#3> /msg public --key k2 hello
        bob#4> /msg public --key k1 hello
        ",
        expect![[r#"
            * in attic: ann, bob
            ann#1> /msg public --key k1 hello
            ann< msg ok to=public from=ann text=hello room=attic seq=2 ts=TS #1
            bob< msg ok to=public from=ann text=hello room=attic seq=2 ts=TS
            ann#2> /msg public --key k1 hello
            ann< msg ok to=public from=ann text=hello room=attic seq=2 ts=TS #2
            ann#3> /msg public --key k2 hello
            ann< msg ok to=public from=ann text=hello room=attic seq=3 ts=TS #3
            bob< msg ok to=public from=ann text=hello room=attic seq=3 ts=TS
            bob#4> /msg public --key k1 hello
            bob< msg ok to=public from=bob text=hello room=attic seq=4 ts=TS #4
            ann< msg ok to=public from=bob text=hello room=attic seq=4 ts=TS
        "#]],
    );
}

#[test]
fn a_key_is_not_used_for_another_message() {
    check(
        "
        * in attic: ann, bob
        ann> /msg public --key k1 hello
        ann> /msg public --key k1 goodbye
        ann> /msg bob --key k1 hello
        ",
        expect![[r#"
            * in attic: ann, bob
            ann> /msg public --key k1 hello
            ann< msg ok to=public from=ann text=hello room=attic seq=2 ts=TS
            bob< msg ok to=public from=ann text=hello room=attic seq=2 ts=TS
            ann> /msg public --key k1 goodbye
            ann< msg bad_request "key: it was used for another message" field=key
            ann> /msg bob --key k1 hello
            ann< msg bad_request "key: it was used for another message" field=key
        "#]],
    );
}

#[test]
fn asked_for_again_a_message_to_one_who_has_gone_is_still_what_it_was() {
    check(
        "
        * in attic: ann, bob
        ann#1> /msg bob --key k1 psst
        bob> /exit
        ann#2> /msg bob --key k1 psst
        ann#3> /msg bob --key k2 psst
        ann#4> /msg nobody --key k1 psst
        ",
        expect![[r#"
            * in attic: ann, bob
            ann#1> /msg bob --key k1 psst
            ann< msg ok to=bob from=ann text=psst room=attic seq=2 ts=TS #1
            bob< msg ok to=bob from=ann text=psst room=attic seq=2 ts=TS
            bob> /exit
            bob< exit ok "Exited chatroom, returned to lobby"
            ann#2> /msg bob --key k1 psst
            ann< msg ok to=bob from=ann text=psst room=attic seq=2 ts=TS #2
            ann#3> /msg bob --key k2 psst
            ann< msg not_in_room "bob is not in this room; tell reaches who is elsewhere" #3
            ann#4> /msg nobody --key k1 psst
            ann< msg bad_request "key: it was used for another message" field=key #4
        "#]],
    );
}

#[test]
fn a_key_has_one_to_sixty_four_characters() {
    let long = "k".repeat(65);
    check(
        &format!(
            "
            * in attic: ann
            ann> /msg public --key '' hello
            ann> /msg public --key {long} hello
            "
        ),
        expect![[r#"
            * in attic: ann
            ann> /msg public --key '' hello
            ann< msg bad_request "key: a key has 1 to 64 characters, none of them a control character" field=key
            ann> /msg public --key kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk hello
            ann< msg bad_request "key: a key has 1 to 64 characters, none of them a control character" field=key
        "#]],
    );
}
