//! The server is killed at random moments.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tests::{Account, Chance, Sender, Server, Truth, is_slow, listen};

use crate::stored::{check_heard, check_orders, check_stored, stored};

const SENDERS: usize = 16;
const LISTENERS: usize = 3;

/// How soon it has to be back.
const READY: Duration = Duration::from_secs(1);

#[test]
fn whatever_was_acknowledged_or_heard_survives_kills_once_and_in_order() {
    let rounds = if is_slow() { 200 } else { 20 };
    let mut chance = Chance::new();
    // A crowd of one address comes back at once, and says as much as it can.
    let mut server = Server::in_place(&["limits.unauthenticated=0", "limits.commands_burst=0"]);
    let truth = Truth::default();
    let over = AtomicBool::new(false);
    let accounts: Vec<Account> =
        (0..SENDERS + LISTENERS).map(|n| Account::new(&server, &format!("user{n}"))).collect();
    let (senders, listeners) = accounts.split_at(SENDERS);
    std::thread::scope(|scope| {
        let heard: Vec<_> =
            listeners.iter().map(|account| scope.spawn(|| listen(account))).collect();
        let wants_more = |_: usize| !over.load(Ordering::Relaxed);
        let sent: Vec<_> = senders
            .iter()
            .enumerate()
            .map(|(number, account)| Sender::new(account.clone(), number, &truth))
            .map(|sender| scope.spawn(move || sender.run(wants_more)))
            .collect();
        let mut starts = Vec::new();
        for _ in 0..rounds {
            let more = chance.below(300) as usize;
            truth.wait_for(truth.count() + more);
            server.kill();
            let so_far = truth.so_far();
            check_stored(&so_far, &stored(&server.data()));
            if chance.one_in(4) {
                server.revive_for(Duration::from_micros(chance.below(60_000)));
            }
            starts.push(server.revive());
        }
        over.store(true, Ordering::Relaxed);
        let repeated: usize = sent.into_iter().map(|s| s.join().unwrap().repeated).sum();
        senders[0].say_last();
        let heard: Vec<_> = heard.into_iter().map(|heard| heard.join().unwrap()).collect();
        server.kill();
        let stored = stored(&server.data());
        check_stored(&truth.so_far(), &stored);
        check_orders(&stored);
        assert_eq!(truth.count(), stored.len(), "everything was acknowledged in the end");
        heard.iter().for_each(|heard| check_heard(heard, &stored));
        starts.sort();
        // The half: another test may keep the machine busy for a second.
        let (half, longest) = (starts[starts.len() / 2], starts[starts.len() - 1]);
        eprintln!("{} stored, {repeated} asked for again, ready in {half:?}", stored.len());
        assert!(half < READY, "ready in {half:?}, and once in {longest:?}");
        assert!(repeated > 0, "some acknowledgements were lost");
    });
}
