//! A script whose cable is cut again and again, between lines and with lines under way.

use tests::{Cable, Home, Run, Server, is_slow, outcome};

use crate::{IN_GENERAL, server_of_ann};

/// chatsh as ann in a room, behind a cable.
fn behind(cable: &Cable, server: &Server, home: &Home) -> std::process::Command {
    let address = cable.address.to_string();
    let knowing = ["--pin", &server.fingerprint, "-a", &address, "--timeout", "30"];
    home.chatsh(&[&IN_GENERAL[..], &knowing].concat())
}

/// A number that looks like chance, and is the same on every run.
fn next(seed: &mut u32) -> u32 {
    *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    *seed >> 16
}

#[test]
fn each_line_is_said_once_and_in_order() {
    let (server, home) = server_of_ann();
    let cable = Cable::to(server.address);
    let mut bob = server.member("bob", "general");
    let lines: Vec<_> =
        (1..=if is_slow() { 200 } else { 60 }).map(|n| format!("line {n}")).collect();
    let script = lines.join("\n");
    let command = behind(&cable, &server, &home);
    let running = std::thread::spawn(move || outcome(command, script));
    let mut seed = 7;
    let mut heard = Vec::new();
    let mut cuts = 0;
    while heard.len() < lines.len() {
        heard.push(bob.next()["data"]["text"].as_str().unwrap().to_owned());
        let chance = next(&mut seed) % 8;
        if chance < 2 {
            if chance == 0 {
                // What was said is kept, or the next line will be, and its reply is lost.
                cable.swallow();
                cable.wait_for_loss();
            }
            cable.cut();
            cable.mend();
            cuts += 1;
        }
    }
    assert_eq!(heard, lines);
    bob.hears_nothing();
    let ended = running.join().unwrap();
    let printed: Vec<_> = ended.lines().filter(|line| !line.starts_with("! ")).collect();
    let expected: Vec<_> = lines.iter().map(|line| format!("ann: {line}")).collect();
    assert_eq!(printed, [&expected[..], &["exit 0".to_owned()]].concat(), "{ended}");
    assert!(cuts > 5, "only {cuts} cuts");
}

#[test]
fn a_pause_outlasts_a_cut() {
    let (server, home) = server_of_ann();
    let cable = Cable::to(server.address);
    let mut bob = server.member("bob", "general");
    let mut run = Run::of(behind(&cable, &server, &home));
    run.feed("one\n/wait --from bob\n");
    run.wait_for_line("ann: one");
    assert_eq!(bob.next()["data"]["text"], "one");
    cable.cut();
    bob.say("while nobody listened");
    cable.mend();
    run.wait_for_line("bob: while nobody listened");
    run.feed("two\n/quit\n");
    run.wait_for_line("ann: two");
    let end = run.end();
    assert!(
        end.ends_with("! chatsh: back in general, 1 message came meanwhile\nexit 0\n"),
        "{end}"
    );
}
