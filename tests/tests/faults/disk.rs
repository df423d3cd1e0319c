//! The disk does not take what is written: nothing of it is acknowledged, whoever sends is
//! told, and all goes on by itself when there is room again.

use std::sync::atomic::{AtomicBool, Ordering};

use tests::{Chance, Server, SmallDisk, is_slow};

use crate::crowd::Crowd;
use crate::stored::{check_stored, stored};

/// A crowd of one address. It keeps to the pace that is set, since whoever is refused
/// asks again at once.
const SETTINGS: [&str; 1] = ["limits.unauthenticated=0"];

/// The text of a message is so long that room runs out in time.
const TEXT_BYTES: usize = 1000;

/// Refusals of a fault that are waited for, and acknowledgements after it.
const REFUSED: usize = 20;
const RECOVERED: usize = 20;

/// A limit on the size of files acts on files that are open, as permissions do not, and
/// needs no root. What cannot be written fails with EFBIG, where a disk that the kernel
/// has made read-only says EROFS; SQLite takes both as an error of the disk (IOERR), which
/// it may meet in the middle of a commit. With a limit of 0 nothing at all can be written,
/// as in a read-only file; with a larger one what is there can be overwritten, and files
/// cannot grow.
#[test]
fn when_a_file_cannot_be_written_nothing_is_lost_and_it_recovers() {
    let rounds = if is_slow() { 60 } else { 8 };
    let mut chance = Chance::new();
    let mut server = Server::in_place(&SETTINGS);
    let crowd = Crowd::new(&server);
    let is_over = AtomicBool::new(false);
    let break_and_repair = || {
        for _ in 0..rounds {
            crowd.truth.wait_for_more(chance.below(60) as usize);
            let limit = if chance.one_in(3) { 0 } else { chance.below(300_000) };
            server.limit_files(Some(limit));
            crowd.truth.wait_for_refusals(REFUSED);
            if chance.one_in(4) {
                // What the fault has left is what a crash leaves of it, too.
                server.kill();
                check_stored(&crowd.truth.so_far(), &stored(&server.data()));
                server.revive();
            } else {
                server.limit_files(None);
            }
            crowd.truth.wait_for_more(RECOVERED);
        }
        is_over.store(true, Ordering::Relaxed);
    };
    let outcome = crowd.talk(
        |sender| sender.padded(TEXT_BYTES),
        |_| !is_over.load(Ordering::Relaxed),
        break_and_repair,
    );
    let stored = crowd.agree(&mut server, &outcome);
    eprintln!("{} stored, {:?}", stored.len(), outcome.errors);
    let told = ["server_busy", "unknown_outcome"];
    assert!(outcome.errors.keys().all(|code| told.contains(&&**code)), "{:?}", outcome.errors);
}

/// A real file system, which the server and its log have for themselves, is filled to the
/// last byte (ENOSPC) and emptied again.
#[test]
fn when_the_disk_is_full_nothing_is_lost_and_it_recovers() {
    let rounds = if is_slow() { 60 } else { 5 };
    let mut chance = Chance::new();
    let Some(mut disk) = SmallDisk::start(64, &SETTINGS) else {
        eprintln!("the kernel lets nobody mount a disk here: nothing is tested");
        return;
    };
    let crowd = Crowd::new(&disk.server);
    let is_over = AtomicBool::new(false);
    let fill_and_empty = || {
        for _ in 0..rounds {
            crowd.truth.wait_for_more(chance.below(60) as usize);
            disk.fill();
            crowd.truth.wait_for_refusals(REFUSED);
            disk.empty();
            crowd.truth.wait_for_more(RECOVERED);
        }
        is_over.store(true, Ordering::Relaxed);
    };
    let outcome = crowd.talk(
        |sender| sender.padded(TEXT_BYTES),
        |_| !is_over.load(Ordering::Relaxed),
        fill_and_empty,
    );
    // The disk goes with the server: it is looked at while the server stands still.
    disk.server.signal("STOP");
    let stored = crowd.agree_with(stored(disk.data()), &outcome);
    disk.server.kill();
    eprintln!("{} stored, {:?}", stored.len(), outcome.errors);
    let told = ["server_busy", "unknown_outcome"];
    assert!(outcome.errors.keys().all(|code| told.contains(&&**code)), "{:?}", outcome.errors);
}
