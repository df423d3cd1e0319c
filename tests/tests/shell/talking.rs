//! People talk, and what they say stands above the line that is being typed.

use expect_test::expect;
use serde_json::{Value, json};
use tests::Server;

use crate::{Typing, member, shell, talk_of};

#[test]
fn two_people_talk() {
    let server = Server::start();
    let mut ann = shell(&server);
    ann.enter("/register ann 1234", "Registration successful", "127.0.0.1> ");
    ann.enter("/login ann 1234", "Login successful", "ann@lobby> ");
    ann.enter("/create tech_talk", "created successfully", "ann@lobby> ");
    ann.enter("/enter tech_talk", "Welcome", "ann#tech_talk> ");
    let mut bob = shell(&server);
    bob.enter("/register bob 5678", "Registration successful", "127.0.0.1> ");
    bob.enter("/login bob 5678", "Login successful", "bob@lobby> ");
    bob.enter("/list", "tech_talk: ann", "bob@lobby> ");
    bob.enter("/enter tech_talk", "Welcome", "bob#tech_talk> ");

    ann.enter("Hello everyone!", "Hello everyone!", "ann#tech_talk> ");
    bob.wait_for_text("ann: Hello everyone!");
    bob.enter("Hi ann.", "Hi ann.", "bob#tech_talk> ");
    ann.wait_for_text("bob: Hi ann.");
    ann.enter("/msg bob psst", "ann -> bob: psst", "ann#tech_talk> ");
    bob.wait_for_text("ann -> bob: psst");
    bob.enter("/list", "tech_talk: ann, bob", "bob#tech_talk> ");
    bob.enter("/exit", "Exited chatroom", "bob@lobby> ");
    bob.enter("/logout", "Logged out", "127.0.0.1> ");

    ann.wait_for_prompt("ann#tech_talk> ");
    expect![[r#"
        You are not logged in: /login USERNAME PASSWORD, or /register USERNAME 
        │ PASSWORD first. /help lists more.
        127.0.0.1> /register ann ****
        Registration successful
        127.0.0.1> /login ann ****
        Login successful
        ann@lobby> /create tech_talk
        tech_talk created successfully
        ann@lobby> /enter tech_talk
        Welcome to the chatroom
        ann#tech_talk> Hello everyone!
        bob: Hi ann.
        ann#tech_talk> /msg bob psst
        ann -> bob: psst
        ann#tech_talk> "#]]
    .assert_eq(&ann.shown());
    expect![[r#"
        You are not logged in: /login USERNAME PASSWORD, or /register USERNAME 
        │ PASSWORD first. /help lists more.
        127.0.0.1> /register bob ****
        Registration successful
        127.0.0.1> /login bob ****
        Login successful
        bob@lobby> /list
        lobby: bob
        general:
        tech_talk: ann
        bob@lobby> /enter tech_talk
        Welcome to the chatroom
        ann: Hello everyone!
        bob#tech_talk> Hi ann.
        ann -> bob: psst
        bob#tech_talk> /list
        tech_talk: ann, bob
        bob#tech_talk> /exit
        Exited chatroom, returned to lobby
        bob@lobby> /logout
        Logged out
        127.0.0.1> "#]]
    .assert_eq(&bob.shown());
}

#[test]
fn a_line_stays_as_it_is_while_two_hundred_messages_come() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    let letters: Vec<char> = "The quick brown fox jumps over the lazy dog".chars().collect();
    let mut typed = String::new();
    for n in 1..=200 {
        bob.say(&format!("message {n}"));
        if let Some(letter) = letters.get(n / 4).filter(|_| n % 4 == 0) {
            ann.type_keys(&letter.to_string());
            typed.push(*letter);
        }
    }
    ann.wait_for_text("bob: message 200\n");
    ann.wait_for_prompt(&format!("ann#general> {typed}"));
    // None is missing, none is torn, and they stand in order.
    let mut lines = String::new();
    for n in 1..=200 {
        lines.push_str(&format!("bob: message {n}\n"));
    }
    let seen = ann.lines();
    let messages: Vec<_> = seen.lines().filter(|line| line.starts_with("bob: ")).collect();
    assert_eq!(messages, lines.lines().collect::<Vec<_>>());
    ann.type_keys("s.\r");
    assert_eq!(bob.next()["data"]["text"], format!("{typed}s."));
}

#[test]
fn wide_letters_are_shown_and_typed() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = member(&server, "鈴木");
    bob.type_keys("まだ書いています 😀");
    bob.wait_for_prompt("鈴木#general> まだ書いています 😀");
    for (text, shown) in [
        ("你好, 世界 👋", "ann: 你好, 世界 👋"),
        ("👩\u{200d}👩\u{200d}👧 ❤\u{fe0f}", "ann: 👩\u{200d}👩\u{200d}👧 ❤\u{fe0f}"),
        ("cafe\u{301} हिन्दी", "ann: cafe\u{301} हिन्दी"),
    ] {
        ann.type_keys(&format!("{text}\r"));
        bob.wait_for_text(shown);
        bob.wait_for_prompt("鈴木#general> まだ書いています 😀");
    }
    // Backspace takes one letter, whatever its width.
    bob.type_keys("\u{7f}\u{7f}!\r");
    ann.wait_for_text("鈴木: まだ書いています!");
}

#[test]
fn the_prompt_follows_the_state_and_says_what_can_be_done() {
    let server = Server::with(&["motd=be kind"]);
    let mut ann = shell(&server);
    ann.enter("/register ann 1234", "successful", "127.0.0.1> ");
    ann.enter("/login ann 4321", "Password incorrect", "127.0.0.1> ");
    ann.enter("hello?", "PASSWORD, then /enter ROOM first", "127.0.0.1> ");
    ann.enter(
        "/list",
        "/list is for the lobby or a room, and you are not logged in",
        "127.0.0.1> ",
    );
    ann.enter("/login ann 1234", "Login successful", "ann@lobby> ");
    ann.enter("/enter genral", "did you mean \"general\"?", "ann@lobby> ");
    ann.enter("/help", "/enter", "ann@lobby> ");
    expect![[r#"
        /list                 List the rooms and who is in them; in a room, who is
                              there (all: everywhere)
        /logout               Log out
        /passwd OLD NEW       Change your password; other sessions stay, their tokens
                              open nothing any more
        /ping                 Ask whether the server is there
        /sessions             List where you are logged in
        /tell TO TEXT...      Write to somebody, wherever they are; their inbox keeps
                              it
        /unregister PASSWORD  Delete your account; what you said stays, and nobody gets
                              your name
        /whois USERNAME       Ask who somebody is, and in which rooms
        /help COMMAND         Say what can be done here, or explain one command
        /quit                 End the connection and chatsh
        /set SETTING VALUE    Change a setting until chatsh ends, or say what is set
        /source FILE          Do the lines of a file, if there is nothing wrong in it
        /connect ADDRESS      End the connection, and go to another server
        /sleep TIME           Do nothing for a while
        /wait                 Wait for a message that arrives after the line before was
                              sent
        /help COMMAND says more about one, and its options.
        Tab completes, Up and Ctrl-R find what was typed before, Alt-Enter begins
        another line of the same message, Ctrl-C clears the line, Ctrl-D leaves.
        ann@lobby> "#]]
    .assert_eq(&ann.shown());
}

/// The letters stay in the order in which they were typed; the terminal turns them.
#[test]
fn right_to_left_letters_are_shown_and_typed() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = member(&server, "דני");
    bob.type_keys("עוד כותב");
    bob.wait_for_prompt("דני#general> עוד כותב");
    for text in ["שלום עולם", "مرحبا بالعالم", "abc שלום 123 def"] {
        ann.type_keys(&format!("{text}\r"));
        bob.wait_for_text(&format!("ann: {text}"));
        bob.wait_for_prompt("דני#general> עוד כותב");
    }
    bob.type_keys("\u{1}\u{6}\u{8}ק\r");
    ann.wait_for_text("דני: קוד כותב");
}

/// All but the first were lost: they came in one piece with it.
#[test]
fn lines_that_are_typed_ahead_are_done_in_order() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    let lines: String = (1..=50).map(|n| format!("line {n}\r")).collect();
    ann.type_keys(&lines);
    for n in 1..=50 {
        assert_eq!(bob.next()["data"]["text"], format!("line {n}"));
    }
    ann.wait_for_prompt("ann#general> ");
    let shown: String = (1..=50).map(|n| format!("ann#general> line {n}\n")).collect();
    assert_eq!(talk_of(&ann.lines()), format!("{shown}ann#general> "));
}

/// What is said in the room meanwhile is shown above the prompt, and nowhere else.
#[test]
fn what_others_say_tears_no_line() {
    let server = Server::with(&["limits.commands_per_s=0"]);
    let mut ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    let talking = std::thread::spawn(move || {
        let mut heard = Value::Null;
        for n in 1..=500 {
            heard = bob.say(&format!("message {n}"));
        }
        // What she says comes between his replies: a reset would take back what is not read yet.
        while heard["data"]["text"] != "message 500" {
            heard = bob.next();
        }
    });
    let mut lines = 0;
    while !talking.is_finished() && lines < 400 {
        lines += 1;
        ann.type_line(&format!("line {lines}"), &format!("ann#general> line {lines}\n"));
    }
    talking.join().unwrap();
    ann.wait_for_text("bob: message 500\n");
    ann.wait_for_prompt("ann#general> ");
    let shown = talk_of(&ann.lines());
    let (hers, mut his): (Vec<_>, Vec<_>) =
        shown.lines().partition(|line| line.starts_with("ann#general> "));
    let mut expected: Vec<_> = (1..=500).map(|n| format!("bob: message {n}")).collect();
    // One that comes in the very moment in which a line ends waits in rustyline for the next
    // prompt, and others may overtake it.
    his.sort_unstable();
    expected.sort_unstable();
    assert!(his == expected, "{shown}");
    let expected = (1..=lines).map(|n| format!("ann#general> line {n}\n")).collect::<String>();
    assert!(hers.join("\n") == format!("{expected}ann#general> "), "{shown}");
}

/// Messages of a flood: far more than wait anywhere in the shell.
const FLOOD: usize = 10_000;

/// What the terminal could not take made the shell show a prompt before the reply; and a
/// line that was typed at such a prompt was done only when another one had been typed.
#[test]
fn a_flood_does_not_stop_the_shell() {
    let server = Server::with(&["limits.commands_per_s=0", "limits.outbox_bytes=0"]);
    let mut ann = member(&server, "ann");
    let mut eve = server.member("eve", "general");
    let mut bob = server.member("bob", "general");
    let flood = std::thread::spawn(move || {
        for _ in 0..FLOOD {
            eve.say("flood");
        }
        eve
    });
    let mut hears = |line: &str| while bob.next()["data"]["text"] != *line {};
    let mut n = 0;
    while !flood.is_finished() {
        n += 1;
        let line = format!("line {n}");
        ann.type_keys(&format!("{line}\r"));
        hears(&line);
    }
    let mut eve = flood.join().unwrap();
    eve.say("the end");
    ann.wait_for_text("eve: the end");
    ann.wait_for_prompt("ann#general> ");
}

#[test]
fn who_logs_in_is_told_that_private_messages_wait() {
    let server = Server::start();
    let mut bob = server.user("bob");
    server.user("ann");
    let mut ann = shell(&server);
    ann.enter("/login ann 1234", "Login successful", "ann@lobby> ");
    for text in ["psst", "are you there?"] {
        ann.enter("/logout", "ogout", "127.0.0.1> ");
        bob.ask("tell", json!({ "to": "ann", "text": text }));
        ann.enter("/login ann 1234", "private message", "ann@lobby> ");
    }
    ann.wait_for_text("\n1 private message, not marked as read: /inbox\n");
    ann.wait_for_text("\n2 private messages, not marked as read: /inbox\n");
}
