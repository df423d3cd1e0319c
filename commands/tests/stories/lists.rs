//! Lists that come by themselves, for those who take them (`list-push`).

use std::time::{Duration, Instant};

use expect_test::expect;
use proto::{Cap, Caps};

use crate::world::{Stage, check};

#[test]
fn the_list_follows_the_reply_of_every_arrival() {
    check(
        "
        * in attic: bob
        ann> /register ann 1234
        ann> /hello --caps list-push
        ann#1> /login ann 1234
        ann#2> /enter attic
        ann#3> /exit
        ann#4> /logout
        ",
        expect![[r#"
            * in attic: bob
            ann> /register ann 1234
            ann< register ok "Registration successful" username=ann chatroom=lobby
            ann> /hello --caps list-push
            ann< hello ok server="chatd 0.1.0" version=1 caps=[list-push] limits={frame=65536 frame_before_login=4096 frame_from_server=1048576 text=16384 commands_burst=100 commands_per_s=20 pipelined=64 ping_s=60 rooms_per_user=0}
            ann#1> /login ann 1234
            ann< login ok "Login successful" username=ann chatroom=lobby #1
            ann< list ok lobby=[ann] attic=[bob]
            ann#2> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=1 oldest=1 epoch=e1 #2
            ann< list_room ok attic=[ann bob]
            ann#3> /exit
            ann< exit ok "Exited chatroom, returned to lobby" #3
            ann< list ok lobby=[ann] attic=[bob]
            ann#4> /logout
            ann< logout ok "Logged out" #4
        "#]],
    );
}

#[test]
fn the_list_that_came_on_arriving_does_not_come_again() {
    check(
        "
        * in lobby: ann
        ann> /hello --caps list-push
        ann> /logout
        ann> /login ann 1234
        * lists at 0 ms
        ann> /create attic
        * lists at 1000 ms
        ann> /enter attic
        * lists at 2000 ms
        ann> /exit
        * lists at 3000 ms
        ",
        expect![[r#"
            * in lobby: ann
            ann> /hello --caps list-push
            ann< hello ok server="chatd 0.1.0" version=1 caps=[list-push] limits={frame=65536 frame_before_login=4096 frame_from_server=1048576 text=16384 commands_burst=100 commands_per_s=20 pipelined=64 ping_s=60 rooms_per_user=0}
            ann> /logout
            ann< logout ok "Logged out"
            ann> /login ann 1234
            ann< login ok "Login successful" username=ann chatroom=lobby
            ann< list ok lobby=[ann]
            * lists at 0 ms
            * next never
            ann> /create attic
            ann< create ok "attic created successfully"
            * lists at 1000 ms
            ann< list ok lobby=[ann] attic=[]
            * next never
            ann> /enter attic
            ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=1 oldest=1 epoch=e1
            ann< list_room ok attic=[ann]
            * lists at 2000 ms
            * next never
            ann> /exit
            ann< exit ok "Exited chatroom, returned to lobby"
            ann< list ok lobby=[ann] attic=[]
            * lists at 3000 ms
            * next never
        "#]],
    );
}

#[test]
fn without_the_capability_no_list_comes() {
    check(
        "
        * in attic: ann, bob
        ann> /exit
        * lists at 0 ms
        bob> /list
        ",
        expect![[r#"
            * in attic: ann, bob
            ann> /exit
            ann< exit ok "Exited chatroom, returned to lobby"
            * lists at 0 ms
            * next never
            bob> /list
            bob< list ok attic=[bob]
        "#]],
    );
}

#[test]
fn a_change_is_pushed_to_the_place_where_it_happened_and_to_the_lobby() {
    check(
        "
        * in lobby with list-push: zoe
        * in attic with list-push: ann
        * in cellar with list-push: eve
        * in lobby: bob
        * lists at 0 ms
        bob> /enter attic
        * lists at 1000 ms
        bob> /exit
        * lists at 2000 ms
        bob> /create shed
        * lists at 3000 ms
        * bob is gone
        * lists at 4000 ms
        * lists at 5000 ms
        ",
        expect![[r#"
            * in lobby with list-push: zoe
            * in attic with list-push: ann
            * in cellar with list-push: eve
            * in lobby: bob
            * lists at 0 ms
            zoe< list ok lobby=[bob zoe] attic=[ann] cellar=[eve]
            * next never
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=1 oldest=1 epoch=e1
            * lists at 1000 ms
            ann< list_room ok attic=[ann bob]
            zoe< list ok lobby=[zoe] attic=[ann bob] cellar=[eve]
            * next never
            bob> /exit
            bob< exit ok "Exited chatroom, returned to lobby"
            * lists at 2000 ms
            ann< list_room ok attic=[ann]
            zoe< list ok lobby=[bob zoe] attic=[ann] cellar=[eve]
            * next never
            bob> /create shed
            bob< create ok "shed created successfully"
            * lists at 3000 ms
            zoe< list ok lobby=[bob zoe] attic=[ann] cellar=[eve] shed=[]
            * next never
            * bob is gone
            * lists at 4000 ms
            zoe< list ok lobby=[zoe] attic=[ann] cellar=[eve] shed=[]
            * next never
            * lists at 5000 ms
            * next never
        "#]],
    );
}

#[test]
fn in_a_room_the_reply_to_list_is_a_list_room_for_those_who_are_pushed_lists() {
    check(
        "
        * in attic with list-push: ann
        * in attic: bob
        * in lobby with list-push: zoe
        ann#1> /list
        bob#2> /list
        zoe#3> /list
        ",
        expect![[r#"
            * in attic with list-push: ann
            * in attic: bob
            * in lobby with list-push: zoe
            ann#1> /list
            ann< list_room ok attic=[ann bob] #1
            bob#2> /list
            bob< list ok attic=[ann bob] #2
            zoe#3> /list
            zoe< list ok lobby=[zoe] attic=[ann bob] #3
        "#]],
    );
}

#[test]
fn lists_come_at_most_five_times_a_second_and_the_last_change_is_among_them() {
    check(
        "
        * in attic with list-push: ann
        * lists at 0 ms
        * in attic: b1
        * lists at 10 ms
        * in attic: b2
        * lists at 199 ms
        * lists at 200 ms
        * in attic: b3
        * lists at 210 ms
        * in attic: b4
        * lists at 399 ms
        * lists at 400 ms
        * lists at 600 ms
        ",
        expect![[r#"
            * in attic with list-push: ann
            * lists at 0 ms
            * next never
            * in attic: b1
            * lists at 10 ms
            * next at 200 ms
            * in attic: b2
            * lists at 199 ms
            * next at 200 ms
            * lists at 200 ms
            ann< list_room ok attic=[ann b1 b2]
            * next never
            * in attic: b3
            * lists at 210 ms
            * next at 400 ms
            * in attic: b4
            * lists at 399 ms
            * next at 400 ms
            * lists at 400 ms
            ann< list_room ok attic=[ann b1 b2 b3 b4]
            * next never
            * lists at 600 ms
            * next never
        "#]],
    );
}

#[test]
fn of_the_lists_that_nobody_has_read_only_the_newest_waits() {
    check(
        "
        * in attic with list-push: ann
        * in attic: bob
        * ann stops reading
        * in attic: b1
        * lists at 0 ms
        bob> hello
        * in attic: b2
        * lists at 1000 ms
        * in attic: b3
        * lists at 2000 ms
        bob> bye
        * ann reads
        ",
        expect![[r#"
            * in attic with list-push: ann
            * in attic: bob
            * ann stops reading
            * in attic: b1
            * lists at 0 ms
            * next never
            bob> hello
            bob< msg ok to=public from=bob text=hello room=attic seq=2 ts=TS
            b1< msg ok to=public from=bob text=hello room=attic seq=2 ts=TS
            * in attic: b2
            * lists at 1000 ms
            * next never
            * in attic: b3
            * lists at 2000 ms
            * next never
            bob> bye
            bob< msg ok to=public from=bob text=bye room=attic seq=3 ts=TS
            b1< msg ok to=public from=bob text=bye room=attic seq=3 ts=TS
            b2< msg ok to=public from=bob text=bye room=attic seq=3 ts=TS
            b3< msg ok to=public from=bob text=bye room=attic seq=3 ts=TS
            * ann reads
            ann< msg ok to=public from=bob text=hello room=attic seq=2 ts=TS
            ann< list_room ok attic=[ann b1 b2 b3 bob]
            ann< msg ok to=public from=bob text=bye room=attic seq=3 ts=TS
        "#]],
    );
}

#[test]
fn the_list_of_a_place_that_one_has_left_is_taken_back() {
    check(
        "
        * in attic with list-push: ann, bob, eve
        * lists at 0 ms
        * in attic: zoe
        * ann stops reading
        * bob stops reading
        * eve stops reading
        * lists at 1000 ms
        ann> /exit
        bob> /quit
        eve> /exit
        eve> /logout
        * ann reads
        * bob reads
        * eve reads
        ",
        expect![[r#"
            * in attic with list-push: ann, bob, eve
            * lists at 0 ms
            ann< list_room ok attic=[ann bob eve]
            bob< list_room ok attic=[ann bob eve]
            * next never
            * in attic: zoe
            * ann stops reading
            * bob stops reading
            * eve stops reading
            * lists at 1000 ms
            * next never
            ann> /exit
            bob> /quit
            eve> /exit
            eve> /logout
            * ann reads
            ann< exit ok "Exited chatroom, returned to lobby"
            ann< list ok lobby=[ann] attic=[bob eve zoe]
            * bob reads
            bob< quit ok "Goodbye"
            * eve reads
            eve< exit ok "Exited chatroom, returned to lobby"
            eve< logout ok "Logged out"
        "#]],
    );
}

#[test]
fn who_asks_for_lists_on_the_way_gets_the_next_change() {
    check(
        "
        * in attic: ann
        * lists at 0 ms
        ann> /hello --caps list-push
        * lists at 1000 ms
        * in attic: bob
        * lists at 2000 ms
        ann> /hello --caps ping
        * in attic: eve
        * lists at 3000 ms
        ",
        expect![[r#"
            * in attic: ann
            * lists at 0 ms
            * next never
            ann> /hello --caps list-push
            ann< hello ok server="chatd 0.1.0" version=1 caps=[list-push] limits={frame=65536 frame_before_login=4096 frame_from_server=1048576 text=16384 commands_burst=100 commands_per_s=20 pipelined=64 ping_s=60 rooms_per_user=0}
            * lists at 1000 ms
            * next never
            * in attic: bob
            * lists at 2000 ms
            ann< list_room ok attic=[ann bob]
            * next never
            ann> /hello --caps ping
            ann< hello ok server="chatd 0.1.0" version=1 caps=[ping] limits={frame=65536 frame_before_login=4096 frame_from_server=1048576 text=16384 commands_burst=100 commands_per_s=20 pipelined=64 ping_s=60 rooms_per_user=0}
            * in attic: eve
            * lists at 3000 ms
            * next never
        "#]],
    );
}

#[test]
fn a_server_may_push_lists_to_clients_that_have_never_heard_of_it() {
    let mut stage = Stage::new();
    stage.world.policy.default_caps = Caps::from_iter([Cap::ListPush]);
    stage.play(
        "
        ann> /register ann 1234
        ann> /login ann 1234
        ann> /create attic
        * lists at 0 ms
        ann> /enter attic
        ann> /list
        ann> /exit
        ",
    );
    expect![[r#"
        ann> /register ann 1234
        ann< register ok "Registration successful" username=ann chatroom=lobby
        ann> /login ann 1234
        ann< login ok "Login successful" username=ann chatroom=lobby
        ann< list ok lobby=[ann]
        ann> /create attic
        ann< create ok "attic created successfully"
        * lists at 0 ms
        ann< list ok lobby=[ann] attic=[]
        * next never
        ann> /enter attic
        ann< enter ok "Welcome to the chatroom" username=ann room=attic last_seq=1 oldest=1 epoch=e1
        ann< list_room ok attic=[ann]
        ann> /list
        ann< list_room ok attic=[ann]
        ann> /exit
        ann< exit ok "Exited chatroom, returned to lobby"
        ann< list ok lobby=[ann] attic=[]
    "#]]
    .assert_eq(&stage.log);
}

#[test]
fn the_more_bytes_the_lists_make_the_longer_they_wait() {
    let mut stage = Stage::new();
    let caps = Caps::from_iter([Cap::ListPush]);
    for n in 0..300 {
        stage.put(&format!("long_name_to_be_listed_{n:03}"), "attic", caps);
    }
    let start = Instant::now() + Duration::from_secs(3600);
    stage.world.hall.push_lists(start);
    stage.put("late", "attic", caps);
    let at = start + Duration::from_secs(60);
    let next = |stage: &Stage, at| stage.world.hall.push_lists(at).map(|next| next - at);
    assert_eq!(next(&stage, at), None);
    stage.put("later", "attic", caps);
    // 301 times a list of 301 names of 26 bytes are 2.6 MB, and 4 MiB go in a second.
    let pause = next(&stage, at + Duration::from_millis(200)).expect("a list is due");
    assert!((400..450).contains(&pause.as_millis()), "{pause:?}");
}

/// An arrival is a list too: 200 ms go by before the next one.
#[test]
fn whoever_has_just_arrived_waits_for_the_next_list() {
    let mut stage = Stage::new();
    let caps = Caps::from_iter([Cap::ListPush]);
    let before = Instant::now();
    stage.put("ann", "attic", caps);
    let after = Instant::now();
    stage.put("bob", "attic", Caps::default());
    let ms = Duration::from_millis;
    let mut pushed = |at| {
        stage.world.hall.push_lists(at);
        stage.play("* ann reads");
        std::mem::take(&mut stage.log).contains("list_room")
    };
    assert!(!pushed(before + ms(1)));
    assert!(!pushed(before + ms(199)));
    assert!(pushed(after + ms(401)));
    assert!(!pushed(after + ms(900)));
}

/// Whoever pushes lists sleeps until there is something to push.
#[test]
fn a_change_wakes_whoever_pushes_the_lists_and_nothing_else_does() {
    let mut stage = Stage::new();
    stage.put("bob", "lobby", Caps::default());
    let mut wakes = |line: &str| {
        let change = stage.world.hall.list_change();
        stage.play(line);
        smol::block_on(smol::future::poll_once(change)).is_some()
    };
    for line in [
        "ann> /register ann 1234",
        "ann> /create attic",
        "ann> /ping",
        "bob> /list",
        "bob> /enter nowhere",
        "bob> /create lobby",
    ] {
        assert!(!wakes(line), "{line}");
    }
    for line in [
        "ann> /login ann 1234",
        "ann> /create attic",
        "ann> /enter attic",
        "ann> /exit",
        "ann> /logout",
        "bob> /enter attic",
        "* bob is gone",
        "* in lobby: eve",
        "eve> /quit",
    ] {
        assert!(wakes(line), "{line}");
    }
    for line in ["* in attic: bob", "bob> hello", "bob> /list"] {
        assert_eq!(wakes(line), line.starts_with('*'), "{line}");
    }
}
