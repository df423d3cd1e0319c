//! The connection is lost while somebody types: the shell comes back by itself.

use expect_test::expect;
use serde_json::json;
use tests::{Cable, Home, Server, Terminal};

use crate::{COLS, ROWS, Typing, member};

/// A shell of a new user in the room general, behind a cable.
fn behind(cable: &Cable, server: &Server, name: &str) -> Terminal {
    let home = Home::new();
    home.write("password", "1234\n");
    let into = ["--register", "-u", name, "--password-file", "password", "-r", "general"];
    let address = cable.address.to_string();
    let options = [&into[..], &["--pin", &server.fingerprint, "-a", &address]].concat();
    let shell = Terminal::in_home(home, ROWS, COLS, &options, &[]);
    shell.wait_for_prompt(&format!("{name}#general> "));
    shell
}

/// A server, and the shell of ann behind a cable to it.
fn ann_at_a_cable() -> (Server, Cable, Terminal) {
    let server = Server::start();
    let cable = Cable::to(server.address);
    let ann = behind(&cable, &server, "ann");
    (server, cable, ann)
}

/// Cuts the cable, and waits until the shell behind it has noticed.
#[track_caller]
fn cut(cable: &Cable, shell: &Terminal) {
    cable.cut();
    shell.wait_for_text("coming back, Ctrl-C leaves");
}

#[test]
fn the_line_stays_and_what_was_missed_is_shown() {
    let (server, cable, mut ann) = ann_at_a_cable();
    let mut bob = server.member("bob", "general");
    bob.say("before");
    ann.wait_for_text("bob: before");
    ann.type_keys("half a li");
    ann.wait_for_prompt("ann#general> half a li");
    cut(&cable, &ann);
    ann.wait_for_prompt("ann#general> half a li");
    bob.say("missed 1");
    bob.say("missed 2");
    ann.type_keys("ne");
    cable.mend();
    ann.wait_for_text("these 2 came while the connection was lost");
    bob.say("after");
    ann.wait_for_text("bob: after");
    ann.wait_for_prompt("ann#general> half a line");
    ann.type_keys("\r");
    assert_eq!(bob.next()["data"]["text"], "half a line");
    ann.wait_for_prompt("ann#general> ");
    expect![[r#"
        bob: before
        the server closed the connection; coming back, Ctrl-C leaves
        back in general
        bob: missed 1
        bob: missed 2
        these 2 came while the connection was lost
        bob: after
        ann#general> half a line
        ann#general> "#]]
    .assert_eq(&ann.shown());
}

#[test]
fn what_was_set_outlives_a_cut() {
    let (_server, cable, mut ann) = ann_at_a_cable();
    ann.enter("/set timeout 8", "", "ann#general> ");
    cut(&cable, &ann);
    cable.mend();
    ann.wait_for_text("back in general");
    ann.enter("/set timeout", "timeout: 8 s", "ann#general> ");
}

/// The lines after it waited for the next one, without a word.
#[test]
fn a_line_that_was_typed_meanwhile_and_is_asked_about_says_so() {
    let (server, cable, mut ann) = ann_at_a_cable();
    let mut bob = server.member("bob", "general");
    cut(&cable, &ann);
    ann.type_keys("list\rtwo\r");
    ann.wait_for_text("ann#general> two\nit waits until the connection is back\n");
    cable.mend();
    ann.wait_for_text("there is a question about list: press Enter to see it");
    // What is typed meanwhile is no other than at any time: it may have to be asked about.
    ann.paste("three\nlogin ann 4321");
    ann.type_keys("\r");
    ann.wait_for_text("list: Did you mean /list? y does it, n says the line in the room [y/n] ");
    ann.type_keys("y\r");
    ann.wait_for_text("general: ann, bob");
    for text in ["two", "three"] {
        assert_eq!(bob.next()["data"]["text"], text);
    }
    ann.wait_for_text("like a password. Say it in the room, for all to read? [y/N] ");
    ann.type_keys("\r");
    ann.wait_for_prompt("ann#general> ");
    bob.hears_nothing();
    assert!(!ann.lines().contains("4321"), "{}", ann.lines());
}

/// It was said in the room where they still were.
#[test]
fn what_was_typed_meanwhile_behind_a_line_that_is_refused_is_not_sent() {
    let (server, cable, mut ann) = ann_at_a_cable();
    let mut bob = server.member("bob", "general");
    cut(&cable, &ann);
    ann.type_keys("one\r/enter den\rfor the den\r");
    ann.wait_for_text("for the den\nit waits until the connection is back\n");
    cable.mend();
    ann.wait_for_text("not sent: for the den");
    assert_eq!(bob.next()["data"]["text"], "one");
    bob.hears_nothing();
}

#[test]
fn what_is_agreed_to_while_the_server_is_away_waits_and_says_so() {
    let (_server, cable, mut ann) = ann_at_a_cable();
    ann.type_keys("/lsit\r");
    ann.wait_for_line("the question", |line| line.ends_with("Did you mean /list? [y/N] "));
    cut(&cable, &ann);
    ann.type_keys("y\r");
    ann.wait_for_text("it waits until the connection is back");
    cable.mend();
    ann.wait_for_text("general: ann");
}

/// The shell ended, and what was typed next went to the one below it.
#[test]
fn whose_password_was_changed_keeps_the_line_and_logs_in_again() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    ann.type_keys("half a line");
    ann.wait_for_prompt("ann#general> half a line");
    let changed = tests::run_chatd(&server.data(), &["user", "passwd", "ann"], "4321\n");
    assert!(changed.status.success(), "{changed:?}");
    ann.wait_for_text("your password was changed by the administrator");
    ann.wait_for_text("the server does not take the token any more: log in again");
    ann.wait_for_prompt("127.0.0.1> half a line");
    ann.type_keys("\u{15}/login ann 4321\r");
    ann.wait_for_text("Login successful");
    ann.wait_for_prompt("ann@lobby> ");
}

/// It was in the inbox, and nobody said so.
#[test]
fn a_private_message_that_came_meanwhile_is_announced_and_none_that_was_seen() {
    let (server, cable, mut ann) = ann_at_a_cable();
    let mut bob = server.member("bob", "general");
    let mut tell = |text: &str| bob.ask("tell", json!({ "to": "ann", "text": text }));
    tell("seen");
    ann.wait_for_text("bob => ann: seen");
    ann.enter("/tell ann a note", "ann => ann: a note", "ann#general> ");
    cut(&cable, &ann);
    tell("unseen");
    cable.mend();
    ann.wait_for_text("back in general");
    ann.wait_for_text("\n1 new private message, not marked as read: /inbox");
    ann.enter("/inbox", "bob => ann: unseen", "ann#general> ");
}

/// It was kept, and its reply was lost: it is asked for again, and said once.
#[test]
fn a_line_under_way_is_said_once() {
    let (server, cable, mut ann) = ann_at_a_cable();
    let mut bob = server.member("bob", "general");
    cable.swallow();
    ann.type_keys("hello\r");
    assert_eq!(bob.next()["data"]["text"], "hello");
    cut(&cable, &ann);
    cable.mend();
    ann.wait_for_text("back in general");
    ann.wait_for_prompt("ann#general> ");
    ann.enter("/list", "general: ann, bob", "ann#general> ");
    bob.hears_nothing();
    expect![[r#"
        ann#general> hello
        the server closed the connection; coming back, Ctrl-C leaves
        back in general
        ann#general> /list
        general: ann, bob
        ann#general> "#]]
    .assert_eq(&ann.shown());
}

#[test]
fn a_command_under_way_may_have_happened() {
    let (_server, cable, mut ann) = ann_at_a_cable();
    cable.swallow();
    ann.type_keys("/list\r");
    cable.wait_for_loss();
    cut(&cable, &ann);
    cable.mend();
    ann.wait_for_text("list: the connection was lost before the reply came");
    ann.wait_for_prompt("ann#general> ");
    ann.enter("/list", "general: ann", "ann#general> ");
}

/// It was said that its reply may still come, and nothing more.
#[test]
fn what_was_given_up_is_told_of_when_its_reply_is_lost() {
    let (_server, cable, mut ann) = ann_at_a_cable();
    cable.swallow();
    ann.type_keys("hello\r");
    cable.wait_for_loss();
    ann.type_keys("\u{3}");
    ann.wait_for_text("msg: no reply yet (given up); it may still come");
    cut(&cable, &ann);
    cable.mend();
    ann.wait_for_text("msg (hello): no reply will come; it may or may not have happened");
    ann.wait_for_prompt("ann#general> ");
}

/// What is typed while the connection is away waits for it.
#[test]
fn what_is_typed_meanwhile_is_sent_when_it_is_back() {
    let (server, cable, mut ann) = ann_at_a_cable();
    let mut bob = server.member("bob", "general");
    cut(&cable, &ann);
    ann.type_keys("one\rtwo\r/enter ops\r");
    ann.wait_for_text("ann#general> two\nit waits until the connection is back\n");
    cable.mend();
    for text in ["one", "two"] {
        assert_eq!(bob.next()["data"]["text"], text);
    }
    // By then nobody knows which line that is about.
    ann.wait_for_text("/enter ops: /enter is for the lobby");
    ann.wait_for_prompt("ann#general> ");
}

/// They were lost in silence.
#[test]
fn who_leaves_meanwhile_is_told_what_was_not_sent() {
    let server = Server::start();
    let leaving = [("/quit\r", ""), ("\u{3}", "the server closed the connection; "), ("\u{4}", "")];
    for (number, (keys, why)) in leaving.into_iter().enumerate() {
        let cable = Cable::to(server.address);
        let name = format!("ann{number}");
        let prompt = format!("{name}#general> ");
        let mut ann = behind(&cable, &server, &name);
        cut(&cable, &ann);
        ann.type_keys("one\r");
        ann.wait_for_text("it waits until the connection is back");
        ann.wait_for_prompt(&prompt);
        ann.type_keys("/login ann 1234\r");
        ann.wait_for_text("/login ann ****\nit waits");
        ann.wait_for_prompt(&prompt);
        // The line is cleared first, as ever.
        ann.type_keys("never mind");
        ann.wait_for_prompt(&format!("{prompt}never mind"));
        ann.type_keys("\u{3}");
        ann.wait_for_prompt(&prompt);
        ann.type_keys(keys);
        assert_eq!(ann.wait(), 1, "{}", ann.lines());
        ann.wait_for_text(&format!("chatsh: {why}these 2 lines were not sent: one | /login"));
    }
}

#[test]
fn another_server_in_its_place_on_the_same_data_is_the_same_room() {
    let (server, cable, mut ann) = ann_at_a_cable();
    server.signal("KILL");
    ann.wait_for_text("coming back, Ctrl-C leaves");
    cable.cut();
    let server = server.again();
    let mut bob = server.user("bob");
    bob.enter("general");
    bob.say("a new day");
    cable.lead_to(server.address);
    cable.mend();
    ann.wait_for_text("bob: a new day");
    ann.wait_for_text("this one came while the connection was lost");
    ann.type_keys("indeed\r");
    assert_eq!(bob.next()["data"]["text"], "indeed");
}

#[test]
fn another_key_in_its_place_is_not_talked_to() {
    let (_server, cable, mut ann) = ann_at_a_cable();
    cut(&cable, &ann);
    ann.type_keys("hello\rhalf a li");
    ann.wait_for_prompt("ann#general> half a li");
    let other = Server::start();
    cable.lead_to(other.address);
    cable.mend();
    assert_eq!(ann.wait(), 5, "{}", ann.lines());
    ann.wait_for_text("the server's key is");
    ann.wait_for_text("this line was not sent: hello; what you were typing: half a li");
}

/// The token was revoked meanwhile.
#[test]
fn who_is_not_let_in_again_has_to_log_in() {
    let (server, cable, mut ann) = ann_at_a_cable();
    cut(&cable, &ann);
    ann.type_keys("hello\r");
    ann.wait_for_text("ann#general> hello\n");
    let database = rusqlite::Connection::open(server.data().join("chatd.db")).unwrap();
    database.execute("DELETE FROM tokens", []).unwrap();
    cable.mend();
    ann.wait_for_text("the server does not take the token any more: log in again");
    ann.wait_for_text("this line was not sent: hello");
    ann.type_keys("\r");
    ann.wait_for_prompt("127.0.0.1> ");
    ann.enter("/login ann 1234", "Login successful", "ann@lobby> ");
}

/// It came back every two minutes, for ever.
#[test]
fn who_does_not_log_in_is_away_until_the_next_line() {
    let server = Server::with(&["limits.login_s=2"]);
    let mut shell = Terminal::chatsh(&server, ROWS, COLS, &[]);
    shell.wait_for_text("; coming back with");
    shell.wait_for_prompt("127.0.0.1> ");
    shell.enter("/register ann 1234", "Registration successful", "127.0.0.1> ");
    assert!(!shell.lines().contains("it waits"), "{}", shell.lines());
    shell.type_keys("/login ann 1234\r");
    shell.wait_for_text("Login successful");
    shell.wait_for_prompt("ann@lobby> ");
}

/// The token was revoked with the password, and the next cut put one out of the room.
#[test]
fn who_has_changed_the_password_comes_back_all_the_same() {
    let (server, cable, mut ann) = ann_at_a_cable();
    let mut bob = server.member("bob", "general");
    ann.enter("/passwd 1234 56789", "Password changed", "ann#general> ");
    cut(&cable, &ann);
    cable.mend();
    ann.wait_for_text("back in general");
    ann.enter("hello", "hello", "ann#general> ");
    assert_eq!(bob.next()["data"]["text"], "hello");
}

/// It was kept for the server, which has nothing to do with it.
#[test]
fn what_needs_no_server_is_done_meanwhile() {
    let (_server, cable, mut ann) = ann_at_a_cable();
    cut(&cable, &ann);
    ann.enter("/set clock on", "/set clock on", "ann#general> ");
    ann.enter("/set", "clock: on", "ann#general> ");
    ann.enter("/help enter", "/enter ROOM", "ann#general> ");
    assert!(!ann.lines().contains("it waits"));
    ann.type_keys("hello\r");
    ann.wait_for_text("it waits until the connection is back");
    let other = Server::start();
    ann.type_keys(&format!("/connect {}#{}\r", other.address, other.fingerprint));
    ann.wait_for_text("not sent: hello\n");
    ann.wait_for_text("connected to 127.0.0.1");
    ann.wait_for_prompt("127.0.0.1> ");
    cable.mend();
    ann.enter("/ping", "ping: ok", "127.0.0.1> ");
}

/// It was dropped at once.
#[test]
fn a_command_that_is_meant_while_the_connection_is_lost_is_done_when_it_is_back() {
    let (server, cable, mut ann) = ann_at_a_cable();
    let _bob = server.member("bob", "general");
    ann.type_keys("list\r");
    ann.wait_for_line("the question", |line| line.ends_with("in the room [y/n] "));
    cut(&cable, &ann);
    ann.type_keys("y\r");
    ann.wait_for_text("it waits until the connection is back");
    cable.mend();
    ann.wait_for_text("general: ann, bob");
    assert!(!ann.lines().contains("not sent"), "{}", ann.lines());
}

/// They were dropped.
#[test]
fn lines_that_wait_outlive_a_way_to_another_server_that_fails() {
    let (server, cable, mut ann) = ann_at_a_cable();
    let mut bob = server.member("bob", "general");
    cut(&cable, &ann);
    ann.type_keys("one\rtwo\r/connect 127.0.0.1:1\r");
    ann.wait_for_text("cannot connect to 127.0.0.1:1");
    cable.mend();
    for text in ["one", "two"] {
        assert_eq!(bob.next()["data"]["text"], text);
    }
    assert!(!ann.lines().contains("not sent"), "{}", ann.lines());
}

/// The key gave up coming back as well, and with that the shell.
#[test]
fn the_interrupt_key_at_the_password_of_another_server_ends_the_question_only() {
    let (server, cable, mut ann) = ann_at_a_cable();
    let mut bob = server.member("bob", "general");
    cut(&cable, &ann);
    ann.type_keys("one\r");
    ann.wait_for_text("it waits until the connection is back");
    let other = Server::start();
    ann.type_keys(&format!("/connect eve@{}#{}\r", other.address, other.fingerprint));
    ann.wait_for_line("the question", |line| line.ends_with("Password of eve: "));
    ann.wait_for_password_to_be_read();
    ann.type_keys("\u{3}");
    ann.wait_for_line("the prompt", |line| line.ends_with("> "));
    cable.mend();
    assert_eq!(bob.next()["data"]["text"], "one");
}
