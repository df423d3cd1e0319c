//! What was said before: pages of it, and only to whom it may be shown.

use expect_test::expect;

use crate::world::check;

#[test]
fn the_latest_messages_come_oldest_first() {
    check(
        "
        * in attic: ann
        ann> /history
        ann> one
        ann> two
        ann> three
        ann> /history --limit 2
        ann> /history --limit 3
        ",
        expect![[r#"
            * in attic: ann
            ann> /history
            ann< history ok room=attic messages=[] more=false
            ann> one
            ann< msg ok to=public from=ann text=one room=attic seq=2 ts=TS
            ann> two
            ann< msg ok to=public from=ann text=two room=attic seq=3 ts=TS
            ann> three
            ann< msg ok to=public from=ann text=three room=attic seq=4 ts=TS
            ann> /history --limit 2
            ann< history ok room=attic messages=[{to=public from=ann text=two room=attic seq=3 ts=TS} {to=public from=ann text=three room=attic seq=4 ts=TS}] more=true
            ann> /history --limit 3
            ann< history ok room=attic messages=[{to=public from=ann text=one room=attic seq=2 ts=TS} {to=public from=ann text=two room=attic seq=3 ts=TS} {to=public from=ann text=three room=attic seq=4 ts=TS}] more=false
        "#]],
    );
}

#[test]
fn a_page_goes_on_where_another_ended() {
    check(
        "
        * in attic: ann
        ann> one
        ann> two
        ann> three
        ann> /history --before 3 --limit 1
        ann> /history --after 3 --limit 1
        ann> /history --after 4
        ann> /history --before 1 --after 2
        ann> /history --limit 0
        ann> /history --limit -1
        ann> /history --limit 201
        ",
        expect![[r#"
            * in attic: ann
            ann> one
            ann< msg ok to=public from=ann text=one room=attic seq=2 ts=TS
            ann> two
            ann< msg ok to=public from=ann text=two room=attic seq=3 ts=TS
            ann> three
            ann< msg ok to=public from=ann text=three room=attic seq=4 ts=TS
            ann> /history --before 3 --limit 1
            ann< history ok room=attic messages=[{to=public from=ann text=one room=attic seq=2 ts=TS}] more=false
            ann> /history --after 3 --limit 1
            ann< history ok room=attic messages=[{to=public from=ann text=three room=attic seq=4 ts=TS}] more=false
            ann> /history --after 4
            ann< history ok room=attic messages=[] more=false
            ann> /history --before 1 --after 2
            ann< history bad_request "after: give one of before, after and since" field=after
            ann> /history --limit 0
            ann< history bad_request "limit: it is 1 to 200" field=limit
            ann> /history --limit -1
            ann< history bad_request "limit: it is 1 to 200" field=limit
            ann> /history --limit 201
            ann< history bad_request "limit: it is 1 to 200" field=limit
        "#]],
    );
}

#[test]
fn a_private_message_is_shown_to_its_two_parties() {
    check(
        "
        * in attic: ann, bob, eve
        ann> /msg bob psst
        ann> aloud
        bob> /history
        eve> /history
        eve> /history --search psst
        ann> /history --search psst
        ",
        expect![[r#"
            * in attic: ann, bob, eve
            ann> /msg bob psst
            ann< msg ok to=bob from=ann text=psst room=attic seq=2 ts=TS
            bob< msg ok to=bob from=ann text=psst room=attic seq=2 ts=TS
            ann> aloud
            ann< msg ok to=public from=ann text=aloud room=attic seq=3 ts=TS
            bob< msg ok to=public from=ann text=aloud room=attic seq=3 ts=TS
            eve< msg ok to=public from=ann text=aloud room=attic seq=3 ts=TS
            bob> /history
            bob< history ok room=attic messages=[{to=bob from=ann text=psst room=attic seq=2 ts=TS} {to=public from=ann text=aloud room=attic seq=3 ts=TS}] more=false
            eve> /history
            eve< history ok room=attic messages=[{to=public from=ann text=aloud room=attic seq=3 ts=TS}] more=false
            eve> /history --search psst
            eve< history ok room=attic messages=[] more=false
            ann> /history --search psst
            ann< history ok room=attic messages=[{to=bob from=ann text=psst room=attic seq=2 ts=TS}] more=false
        "#]],
    );
}

#[test]
fn another_room_can_be_read_if_it_exists() {
    check(
        "
        * in attic: ann
        * in cellar: bob
        bob> damp here
        ann> /history --room cellar
        ann> /history --room CELLAR
        ann> /history --room garage
        ",
        expect![[r#"
            * in attic: ann
            * in cellar: bob
            bob> damp here
            bob< msg ok to=public from=bob text="damp here" room=cellar seq=3 ts=TS
            ann> /history --room cellar
            ann< history ok room=cellar messages=[{to=public from=bob text="damp here" room=cellar seq=3 ts=TS}] more=false
            ann> /history --room CELLAR
            ann< history ok room=cellar messages=[{to=public from=bob text="damp here" room=cellar seq=3 ts=TS}] more=false
            ann> /history --room garage
            ann< history no_such_room "there is no room \"garage\""
        "#]],
    );
}
