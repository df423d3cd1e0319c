//! Messages to a room, handed out one by one: `.ci/instructions` counts what that takes.

use chatd::hot::{Hot, message};

const MEMBERS: usize = 64;
const MESSAGES: usize = 50;

fn main() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let mut hot = Hot::start(folder.path(), MEMBERS);
    let body = message();
    for _ in 0..MESSAGES {
        hot.ask(0, &body);
        for landed in hot.take() {
            hot.hand_out(landed);
        }
        hot.drain();
    }
    println!("{}", MEMBERS * MESSAGES);
}
