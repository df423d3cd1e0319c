//! One acknowledgement in ten never arrives.
//!
//! Nobody can take a reply out of TLS, so it is the client that does not hear it: it sends
//! the message again under its key, at once or over a new connection.

use tests::{Chance, Server, is_slow};

use crate::crowd::{Crowd, SETTINGS};

#[test]
fn a_message_whose_acknowledgement_is_lost_is_sent_again_and_kept_once() {
    let each = if is_slow() { 625 } else { 63 };
    let mut chance = Chance::new();
    let mut server = Server::in_place(&SETTINGS);
    let crowd = Crowd::new(&server);
    let outcome =
        crowd.talk(|sender| sender.deaf_to_one_in(10, chance.fork()), |sent| sent < each, || ());
    let stored = crowd.agree(&mut server, &outcome);
    assert_eq!(stored.len(), 16 * each);
    let lost = outcome.unheard;
    assert!(lost > stored.len() / 15 && lost < stored.len() / 5, "{lost} of {}", stored.len());
    assert!(outcome.errors.is_empty(), "{:?}", outcome.errors);
}
