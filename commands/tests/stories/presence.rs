//! Who comes and goes, for those who take it.

use std::time::{Duration, Instant};

use expect_test::expect;
use proto::{Cap, Caps};

use crate::world::{Stage, check};

#[test]
fn members_are_told_who_comes_and_goes_each_once() {
    check(
        "
        * in attic with presence: ann
        * in attic: bob
        * lists at 0 ms
        * lists at 600 ms
        * in lobby: eve, eve.2
        eve> /enter attic
        * lists at 1000 ms
        * lists at 1600 ms
        eve.2> /enter attic
        * lists at 2000 ms
        * lists at 2600 ms
        eve> /exit
        * lists at 3000 ms
        * lists at 3600 ms
        eve.2> /exit
        * lists at 4000 ms
        * lists at 4600 ms
        * bob is gone
        * lists at 5000 ms
        * lists at 5600 ms
        ",
        expect![[r#"
            * in attic with presence: ann
            * in attic: bob
            * lists at 0 ms
            * next at 500 ms
            * lists at 600 ms
            ann< joined ok room=attic username=ann
            ann< joined ok room=attic username=bob
            * next never
            * in lobby: eve, eve.2
            eve> /enter attic
            eve< enter ok "Welcome to the chatroom" username=eve room=attic last_seq=1 oldest=1 epoch=e1
            * lists at 1000 ms
            * next at 1500 ms
            * lists at 1600 ms
            ann< joined ok room=attic username=eve
            * next never
            eve.2> /enter attic
            eve.2< enter ok "Welcome to the chatroom" username=eve room=attic last_seq=1 oldest=1 epoch=e1
            * lists at 2000 ms
            * next never
            * lists at 2600 ms
            * next never
            eve> /exit
            eve< exit ok "Exited chatroom, returned to lobby"
            * lists at 3000 ms
            * next never
            * lists at 3600 ms
            * next never
            eve.2> /exit
            eve.2< exit ok "Exited chatroom, returned to lobby"
            * lists at 4000 ms
            * next at 4500 ms
            * lists at 4600 ms
            ann< left ok room=attic username=eve
            * next never
            * bob is gone
            * lists at 5000 ms
            * next at 5500 ms
            * lists at 5600 ms
            ann< left ok room=attic username=bob
            * next never
        "#]],
    );
}

#[test]
fn one_who_comes_and_goes_at_once_has_done_nothing() {
    check(
        "
        * in attic with presence: ann
        * lists at 0 ms
        * lists at 600 ms
        * in lobby: eve
        eve> /enter attic
        eve> /exit
        * lists at 1000 ms
        * lists at 1600 ms
        ",
        expect![[r#"
            * in attic with presence: ann
            * lists at 0 ms
            * next at 500 ms
            * lists at 600 ms
            * next never
            * in lobby: eve
            eve> /enter attic
            eve< enter ok "Welcome to the chatroom" username=eve room=attic last_seq=1 oldest=1 epoch=e1
            eve> /exit
            eve< exit ok "Exited chatroom, returned to lobby"
            * lists at 1000 ms
            * next never
            * lists at 1600 ms
            * next never
        "#]],
    );
}

#[test]
fn the_lobby_is_told_how_many_are_where() {
    check(
        "
        * in lobby with presence: ann
        * in lobby: bob, eve
        * lists at 0 ms
        eve> /create cellar --private
        bob> /create attic
        bob> /enter attic
        eve> /enter cellar
        * lists at 1000 ms
        eve> /invite ann
        eve> /exit
        * lists at 2000 ms
        ",
        expect![[r#"
            * in lobby with presence: ann
            * in lobby: bob, eve
            * lists at 0 ms
            * next never
            eve> /create cellar --private
            eve< create ok "cellar created successfully"
            bob> /create attic
            bob< create ok "attic created successfully"
            bob> /enter attic
            bob< enter ok "Welcome to the chatroom" username=bob room=attic last_seq=2 oldest=2 epoch=e1
            eve> /enter cellar
            eve< enter ok "Welcome to the chatroom" username=eve room=cellar last_seq=1 oldest=1 epoch=e1
            * lists at 1000 ms
            ann< counts ok rooms={attic=1 lobby=1}
            * next never
            eve> /invite ann
            eve< invite ok "ann may enter cellar" room=cellar what=invite by=eve username=ann seq=3 ts=TS
            eve> /exit
            eve< exit ok "Exited chatroom, returned to lobby"
            * lists at 2000 ms
            ann< counts ok rooms={lobby=2}
            ann< counts ok rooms={cellar=0}
            * next never
        "#]],
    );
}

/// Each of n who enter told to each of n would be n * n pushes.
#[test]
fn many_who_come_at_once_are_one_piece_for_everyone() {
    let mut stage = Stage::new();
    let caps: Caps = [Cap::Presence].into_iter().collect();
    for number in 0..300 {
        stage.put(&format!("u{number}"), "attic", caps);
    }
    stage.people.values_mut().for_each(|person| person.set_reads(false));
    let later = Instant::now() + Duration::from_secs(3600);
    let due = stage.world.hall.push_lists(later).unwrap();
    stage.world.hall.push_lists(due);
    for person in stage.people.values_mut() {
        assert_eq!(person.parts().1.pieces(), 1);
        person.set_reads(true);
    }
    let told = stage.read_all();
    assert!(told.values().all(|frames| frames.len() == 300));
}
