//! The server is killed at random moments.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tests::{Chance, Server, is_slow};

use crate::crowd::{Crowd, SETTINGS};
use crate::stored::{check_orders, check_stored, stored};

/// How soon it has to be back.
const READY: Duration = Duration::from_secs(1);

#[test]
fn whatever_was_acknowledged_or_heard_survives_kills_once_and_in_order() {
    let rounds = if is_slow() { 200 } else { 20 };
    let mut chance = Chance::new();
    let mut server = Server::in_place(&SETTINGS);
    let crowd = Crowd::new(&server);
    let is_over = AtomicBool::new(false);
    let mut starts = Vec::new();
    let kill_and_start = || {
        for _ in 0..rounds {
            crowd.truth.wait_for_more(chance.below(300) as usize);
            server.kill();
            let so_far = crowd.truth.so_far();
            check_stored(&so_far, &stored(&server.data()));
            if chance.one_in(4) {
                server.revive_for(Duration::from_micros(chance.below(60_000)));
            }
            starts.push(server.revive());
        }
        is_over.store(true, Ordering::Relaxed);
    };
    let outcome = crowd.talk(|s| s, |_| !is_over.load(Ordering::Relaxed), kill_and_start);
    let stored = crowd.agree(&mut server, &outcome);
    check_orders(&stored);
    starts.sort();
    // The half: another test may keep the machine busy for a second.
    let (half, longest) = (starts[starts.len() / 2], starts[starts.len() - 1]);
    eprintln!("{} stored, {} asked for again, ready in {half:?}", stored.len(), outcome.repeated);
    assert!(half < READY, "ready in {half:?}, and once in {longest:?}");
    assert!(outcome.repeated > 0, "some acknowledgements were lost");
}
