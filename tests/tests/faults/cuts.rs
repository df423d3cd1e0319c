//! Connections are cut at random bytes, in either direction.

use std::time::{Duration, Instant};

use tests::{Chance, Proxy, Server, is_slow};

use crate::crowd::{Crowd, SETTINGS};
use crate::stored::check_orders;

#[test]
fn wherever_connections_are_cut_nothing_is_lost_and_nothing_comes_twice() {
    let time = Duration::from_secs(if is_slow() { 60 } else { 5 });
    let mut server = Server::in_place(&SETTINGS);
    let proxy = Proxy::before(server.address, Chance::new());
    let crowd = Crowd::new(&server).by_way_of(proxy.address);
    let end = Instant::now() + time;
    let outcome = crowd.talk(|sender| sender, |_| Instant::now() < end, || ());
    let stored = crowd.agree(&mut server, &outcome);
    check_orders(&stored);
    let (up, down) = proxy.cuts();
    eprintln!(
        "{} stored, {} asked for again, {up} and {down} cuts",
        stored.len(),
        outcome.repeated
    );
    assert!(up > 20 && down > 20, "connections were cut both ways: {up} and {down}");
    assert!(outcome.repeated > 0, "some acknowledgements were lost");
}
