//! What is asked about before it is sent, or before anybody is talked to.

use tests::{Home, Server, Terminal, eventually};

use crate::{COLS, ROWS, Typing, member, shell};

/// Answers the question that stands at the cursor.
#[track_caller]
fn answer(shell: &mut Terminal, question: &str, answer: &str) {
    shell.wait_for_line(question, |line| line.ends_with(question));
    shell.type_keys(&format!("{answer}\r"));
}

#[test]
fn a_mistyped_command_is_asked_about() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    for no in ["n", "", "no", "/list"] {
        ann.type_keys("/lsit\r");
        answer(&mut ann, "There is no command /lsit. Did you mean /list? [y/N] ", no);
        ann.wait_for_prompt("ann#general> ");
    }
    assert!(!ann.lines().contains("general: ann"));
    ann.type_keys("/lsit\r");
    answer(&mut ann, "Did you mean /list? [y/N] ", "y");
    ann.wait_for_text("general: ann, bob");
    ann.enter("/xyzzy", "there is no command /xyzzy", "ann#general> ");
    bob.hears_nothing();
}

#[test]
fn a_command_of_other_chats_is_asked_about() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let _bob = server.member("bob", "general");
    ann.type_keys("/W bob psst\r");
    answer(&mut ann, "There is no command /W. Did you mean /tell? [y/N] ", "y");
    ann.wait_for_text("ann => bob: psst");
    for (theirs, ours) in [("join attic", "enter"), ("part", "exit"), ("who", "list")] {
        ann.type_keys(&format!("/{theirs}\r"));
        answer(&mut ann, &format!("Did you mean /{ours}? [y/N] "), "n");
        ann.wait_for_prompt("ann#general> ");
    }
}

/// `/nick danny` offered to put danny out.
#[test]
fn what_is_not_here_is_not_taken_for_something_else() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    for (theirs, instead) in [
        ("/nick danny", "there is no command /nick: a name is for good"),
        ("/uninvite danny", "there is no command /uninvite: /ban keeps out who was invited"),
        ("/help clear", "there is no command /clear: Ctrl-L clears the screen"),
        ("/help join", "there is no command /join: did you mean /enter?"),
    ] {
        ann.enter(theirs, instead, "ann#general> ");
    }
}

/// `tell bob hi` was said to the whole room.
#[test]
fn a_command_without_its_slash_is_asked_about() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    for line in
        ["exit", " /exit", "list", "Kick bob", "unban eve", "tell bob hi", "history", "create x"]
    {
        for answered in ["", "what?"] {
            ann.type_keys(&format!("{line}\r"));
            answer(&mut ann, "? y does it, n says the line in the room [y/n] ", answered);
            ann.wait_for_prompt("ann#general> ");
        }
        // What was typed for the next line is not lost in silence.
        ann.wait_for_text("that is no answer, so nothing was sent: Up brings back what you typed");
    }
    ann.type_keys("\u{1b}[A");
    ann.wait_for_prompt("ann#general> what?");
    ann.type_keys("\u{1b}[A");
    ann.wait_for_prompt("ann#general> create x");
    ann.type_keys("\u{3}");
    ann.wait_for_prompt("ann#general> ");
    for line in ["login ann 1234", "Login ann 1234"] {
        for answered in ["", "n"] {
            ann.type_keys(&format!("{line}\r"));
            answer(
                &mut ann,
                "like a password. Say it in the room, for all to read? [y/N] ",
                answered,
            );
            ann.wait_for_prompt("ann#general> ");
        }
    }
    assert!(!ann.lines().contains("1234"));
    bob.hears_nothing();
    ann.type_keys("login is broken\r");
    answer(&mut ann, "like a password. Say it in the room, for all to read? [y/N] ", "y");
    assert_eq!(bob.next()["data"]["text"], "login is broken");
    ann.type_keys("exit\r");
    answer(&mut ann, "Did you mean /exit? y does it, n says the line in the room [y/n] ", "n");
    assert_eq!(bob.next()["data"]["text"], "exit");
    ann.type_keys("Tell bob psst\r");
    answer(&mut ann, "Did you mean /tell? y does it, n says the line in the room [y/n] ", "y");
    ann.wait_for_text("ann => bob: psst");
    // What names no command and nobody is what people say.
    for line in ["hello", "help me", "kick him", "Tell me more"] {
        ann.enter(line, line, "ann#general> ");
        assert_eq!(bob.next()["data"]["text"], line);
    }
}

#[test]
fn where_nothing_can_be_said_a_command_without_its_slash_is_asked_about_too() {
    let server = Server::start();
    let mut ann = shell(&server);
    ann.enter("register", "a command begins with a slash: /register USERNAME", "127.0.0.1> ");
    ann.type_keys("register ann 1234\r");
    answer(&mut ann, "Did you mean /register? [y/N] ", "n");
    ann.wait_for_prompt("127.0.0.1> ");
    ann.type_keys("Register ann 1234\r");
    answer(&mut ann, "Did you mean /register? [y/N] ", "y");
    ann.wait_for_text("successful");
    ann.wait_for_prompt("127.0.0.1> ");
    for greeting in ["good morning", "hello everybody", "hello"] {
        ann.enter(greeting, "here is none", "127.0.0.1> ");
    }
    // What is refused here is no question, and wants no arguments.
    ann.enter("/topic", "/topic is for a room", "127.0.0.1> ");
    ann.enter("exit", "/exit is for a room", "127.0.0.1> ");
    assert!(!ann.lines().contains("1234"));
}

#[test]
fn a_paste_of_more_than_three_lines_is_asked_about() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    ann.paste("one\ntwo\nthree\nfour");
    ann.wait_for_text("four");
    bob.hears_nothing();
    ann.type_keys("\r");
    answer(&mut ann, "That is 4 lines. y sends each, m all as one message [y/m/N] ", "n");
    ann.wait_for_prompt("ann#general> ");
    bob.hears_nothing();
    ann.paste("one\ntwo\nthree\nfour\n");
    ann.wait_for_text("four");
    ann.type_keys("\r");
    answer(&mut ann, "That is 4 lines. y sends each, m all as one message [y/m/N] ", "y");
    for text in ["one", "two", "three", "four"] {
        assert_eq!(bob.next()["data"]["text"], text);
    }
    ann.paste("why:\n\n\tat a\n/at b\nlogin c d\n");
    ann.wait_for_text("login c");
    ann.type_keys("\r");
    answer(&mut ann, "y sends each, m all as one message [y/m/N] ", "m");
    answer(&mut ann, "like a password. Say it in the room, for all to read? [y/N] ", "y");
    assert_eq!(bob.next()["data"]["text"], "why:\n\n\tat a\n/at b\nlogin c d");
    // Three are what people mean to paste.
    ann.paste("five\nsix\nseven");
    ann.wait_for_line("the paste", |line| line.ends_with("seven"));
    ann.type_keys("\r");
    for text in ["five", "six", "seven"] {
        assert_eq!(bob.next()["data"]["text"], text);
    }
}

/// Its lines were each sent, and the commands among them done.
#[test]
fn a_paste_before_the_prompt_is_back_is_asked_about_too() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    ann.type_keys("/sleep 1\r");
    ann.wait_for_text("waiting; what is typed meanwhile is kept; Ctrl-C ends it");
    ann.wait_for_editor_to_rest();
    eventually("pastes are marked again", || ann.look(vt100::Screen::bracketed_paste));
    ann.paste("one\n/exit\ntwo\n");
    ann.type_keys("\r");
    let question = "That is 3 lines with 1 command. y sends each, m all as one message [y/m/N] ";
    answer(&mut ann, question, "m");
    assert_eq!(bob.next()["data"]["text"], "one\n/exit\ntwo");
    ann.type_keys("\u{4}");
    assert_eq!(ann.wait(), 0);
    // The next program may know no pastes.
    assert!(!ann.look(vt100::Screen::bracketed_paste));
}

/// It was silent, and when it was interrupted nobody knew what was lost.
#[test]
fn a_long_paste_says_how_far_it_is_and_what_was_dropped() {
    let server = Server::with(&["limits.commands_burst=20", "limits.commands_per_s=5"]);
    let mut ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    let lines: String = (1..=60).map(|number| format!("line {number}\n")).collect();
    ann.paste(&lines);
    ann.type_keys("\r");
    answer(&mut ann, "That is 60 lines. y sends each, m all as one message [y/m/N] ", "y");
    ann.wait_for_text(" lines to go; Ctrl-C drops them");
    ann.type_keys("\u{3}");
    let shown = ann.wait_for_text(" more behind it: line ");
    let sent = std::iter::from_fn(|| match &bob.next()["data"]["text"] {
        text if text == "the end" => None,
        text => text.as_str().map(String::from),
    });
    ann.enter("the end", "the end", "ann#general> ");
    let sent = sent.count();
    // The last of them was under way, and came to what the shell says.
    let dropped = 60 - sent;
    let said = format!("not sent, with {} more behind it: line {}", dropped - 1, sent + 1);
    assert!(shown.contains(&said), "{sent}: {shown}");
}

/// A room was gone, and all that was said there, with one line.
#[test]
fn what_cannot_be_undone_is_asked_about_at_the_prompt() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    ann.enter("/exit", "returned to lobby", "ann@lobby> ");
    ann.enter("/create den", "den created", "ann@lobby> ");
    ann.type_keys("/delete den\r");
    answer(&mut ann, "/delete den cannot be undone. Do it? [y/N] ", "");
    ann.enter("/list", "den:", "ann@lobby> ");
    ann.type_keys("/delete den\r");
    answer(&mut ann, "/delete den cannot be undone. Do it? [y/N] ", "y");
    ann.wait_for_text("den was deleted");
    // What is for another place is refused at once.
    ann.enter("/enter general", "Welcome", "ann#general> ");
    ann.enter("/delete den", "/delete is for the lobby", "ann#general> ");
    ann.enter("/exit", "returned to lobby", "ann@lobby> ");
    ann.type_keys("/unregister 1234\r");
    // Its password is not shown.
    answer(&mut ann, "/unregister cannot be undone. Do it? [y/N] ", "y");
    ann.wait_for_prompt("127.0.0.1> ");
    // Nobody can be asked there.
    let home = Home::new();
    let script = "/register bob 1234\n/login bob 1234\n/create den\n/delete den\n";
    let said = tests::outcome(home.chatsh_at(&server, &[]), script);
    assert!(said.ends_with("den was deleted\nexit 0\n"), "{said}");
}

/// Two lines could not be one message.
#[test]
fn a_message_of_several_lines_can_be_typed() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    ann.type_keys("def f():\u{1b}\r    return 1\u{1b}\r/f\r");
    assert_eq!(bob.next()["data"]["text"], "def f():\n    return 1\n/f");
    ann.wait_for_prompt("ann#general> ");
    // The next one is one again.
    ann.paste("one\ntwo");
    ann.type_keys("\r");
    for text in ["one", "two"] {
        assert_eq!(bob.next()["data"]["text"], text);
    }
    ann.type_keys("/tell bob psst\u{1b}\rpsst\r");
    ann.wait_for_text("ann => bob: psst");
    assert_eq!(
        bob.ask("inbox", serde_json::json!({}))["data"]["messages"][0]["text"],
        "psst\npsst"
    );
    // What is brought back may have been a message or lines: it is asked.
    // In a line of two rows the key goes up a row.
    ann.type_keys("\u{1b}[A\u{1b}[A\u{1b}[A\r");
    answer(&mut ann, "That is 2 lines. y sends each, m all as one message [y/m/N] ", "m");
    assert_eq!(bob.next()["data"]["text"], "one\ntwo");
    // One line is one, also with its end.
    ann.paste("three\n");
    ann.type_keys("\r");
    assert_eq!(bob.next()["data"]["text"], "three");
    ann.wait_for_prompt("ann#general> ");
    ann.type_keys("\u{1b}[A\r");
    assert_eq!(bob.next()["data"]["text"], "three");
    // And one that is given up is none.
    ann.type_keys("three\u{1b}\rfour");
    ann.wait_for_prompt("four");
    ann.type_keys("\u{3}");
    ann.wait_for_prompt("ann#general> ");
    ann.paste("five\nsix");
    ann.type_keys("\r");
    for text in ["five", "six"] {
        assert_eq!(bob.next()["data"]["text"], text);
    }
}

/// The rest was tried in the lobby, line after line.
#[test]
fn a_paste_ends_where_a_script_would() {
    let server = Server::with(&["limits.commands_burst=20", "limits.commands_per_s=20"]);
    let mut ann = member(&server, "ann");
    let mut bob = server.user("bob");
    bob.ask("create", serde_json::json!({ "room": "den" }));
    bob.ask("enter", serde_json::json!({ "room": "den" }));
    let lines: String = (1..=80).map(|number| format!("line {number}\n")).collect();
    for (deed, why) in [("kick", "* bob has put you out of den"), ("mute", "you may not speak")] {
        ann.type_keys("\u{15}/exit\r");
        ann.wait_for_prompt("ann@lobby> ");
        ann.enter("/enter den", "Welcome to the chatroom", "ann#den> ");
        ann.paste(&lines);
        ann.type_keys("\r");
        answer(&mut ann, "That is 80 lines. y sends each, m all as one message [y/m/N] ", "y");
        while bob.next()["data"]["text"] != "line 25" {}
        bob.ask(deed, serde_json::json!({ "username": "ann" }));
        ann.wait_for_text(why);
        ann.wait_for_text(" more behind it: line ");
        let said = ann.lines();
        assert!(!said.contains("a line without a slash is said in a room"), "{said}");
        if deed == "mute" {
            assert_eq!(said.matches("you may not speak").count(), 1, "{said}");
            // Each line is accounted for: the one that was refused, and those behind it.
            let (before, behind) = said.split_once(": msg: you may not speak").unwrap();
            let refused: u32 = before.rsplit("line ").next().unwrap().parse().unwrap();
            let next = format!(" more behind it: line {}", refused + 1);
            assert!(behind.lines().any(|line| line.ends_with(&next)), "{refused}: {behind}");
            continue;
        }
        ann.type_keys("\r");
        ann.wait_for_prompt("ann@lobby> ");
        ann.enter("/enter den", "Welcome to the chatroom", "ann#den> ");
    }
}

/// The second line was said to all.
/// What was meant for another room was said in this one.
#[test]
fn a_line_of_a_paste_that_is_not_done_ends_it() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    let mistyped = "There is no command /entre. Did you mean /enter? [y/N] ";
    for (line, question, reply) in [
        ("/enter", "", ""),
        ("/xyzzy", "", ""),
        ("/source nowhere", "", ""),
        ("/entre den", mistyped, "n"),
        ("/entre den", mistyped, "\u{3}"),
        // It is done, and refused here.
        ("/entre den", mistyped, "y"),
    ] {
        ann.paste(&format!("{line}\nfor the den"));
        ann.type_keys("\r");
        ann.wait_for_line("the question", |line| line.ends_with("/N] "));
        ann.type_keys("y\r");
        if !question.is_empty() {
            answer(&mut ann, question, reply);
        }
        ann.wait_for_text("not sent: for the den");
        ann.type_keys("\u{c}");
        ann.wait_for("an empty screen", |screen| screen.trim() == "ann#general>");
    }
    bob.hears_nothing();
}

/// It stood there for all to see.
#[test]
fn a_password_under_a_question_is_masked_and_not_kept() {
    let server = Server::start();
    let mut ann = shell(&server);
    ann.type_keys("/lsit\r");
    ann.wait_for_line("the question", |line| line.ends_with("[y/N] "));
    ann.type_keys("/login ann 4321");
    ann.wait_for_line("stars", |line| line.ends_with("/login ann ****"));
    ann.type_keys("\r");
    ann.wait_for_text("that is no answer, so nothing was sent\n");
    assert!(!ann.lines().contains("4321"), "{}", ann.lines());
}

#[test]
fn a_paste_behind_a_private_message_is_asked_about() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    ann.type_keys("/tell bob ");
    ann.paste("the password is:\nhunter2");
    ann.type_keys("\r");
    answer(&mut ann, "That is 2 lines. m keeps them one, y says the others to all [y/m/N] ", "");
    ann.wait_for_prompt("ann#general> ");
    bob.hears_nothing();
    ann.type_keys("/tell bob ");
    ann.paste("the password is:\nhunter3");
    ann.type_keys("\r");
    answer(&mut ann, "That is 2 lines. m keeps them one, y says the others to all [y/m/N] ", "m");
    ann.wait_for_text("ann => bob: the password is:\n");
    assert_eq!(
        bob.ask("inbox", serde_json::json!({}))["data"]["messages"][0]["text"],
        "the password is:\nhunter3"
    );
    ann.paste("one\n/exit");
    ann.type_keys("\r");
    let question = "That is 2 lines with 1 command. y sends each, m all as one message [y/m/N] ";
    answer(&mut ann, question, "m");
    assert_eq!(bob.next()["data"]["text"], "one\n/exit");
    // It said that the others would be said, and did them.
    let commands = "That is 2 lines with 2 commands. m keeps them one, y does each [y/m/N] ";
    ann.paste("/tell bob first\n/exit\n");
    ann.type_keys("\r");
    answer(&mut ann, commands, "m");
    ann.wait_for_text("ann => bob: first\n          │ /exit\n");
    ann.wait_for_prompt("ann#general> ");
    // It was sent without a question.
    ann.paste("/msg public hi\n/login ann 4321");
    ann.type_keys("\r");
    answer(&mut ann, commands, "m");
    let question = "Behind the first line there is what looks like a password. Send it? [y/N] ";
    answer(&mut ann, question, "n");
    ann.wait_for_prompt("ann#general> ");
    bob.hears_nothing();
}

#[test]
fn where_nothing_can_be_said_a_paste_is_no_message() {
    let server = Server::start();
    let mut ann = shell(&server);
    ann.paste("/ping\n/ping\n/ping\n/ping");
    ann.type_keys("\r");
    answer(&mut ann, "That is 4 lines, each done by itself: do them all? [y/N] ", "m");
    ann.wait_for_text("that is no answer");
    ann.wait_for_prompt("127.0.0.1> ");
}

#[test]
fn an_answer_is_no_line() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    ann.type_keys("/lsit\r");
    ann.wait_for_line("the question", |line| line.ends_with("[y/N] "));
    // What others say comes while it is asked; the interrupt key is a no.
    bob.say("are you there?");
    ann.wait_for_text("bob: are you there?");
    ann.wait_for_line("the question", |line| line.ends_with("[y/N] "));
    ann.type_keys("\u{3}");
    ann.wait_for_prompt("ann#general> ");
    ann.type_keys("\u{1b}[A");
    ann.wait_for_prompt("ann#general> /lsit");
    bob.hears_nothing();
}

#[test]
fn a_new_server_is_asked_about_and_then_known() {
    let server = Server::start();
    let home = Home::new();
    let address = server.address.to_string();
    let open = || Terminal::in_home(home.clone(), ROWS, COLS, &[&address], &[]);
    let question = "Is that the server you mean? [y/N] ";

    let mut shell = open();
    shell.wait_for_text(&server.fingerprint);
    answer(&mut shell, question, "n");
    assert_eq!(shell.wait(), 5);
    assert!(!home.path(".local/share/chatsh/known_hosts").exists());

    let mut shell = open();
    answer(&mut shell, question, "y");
    shell.wait_for_prompt("127.0.0.1> ");
    shell.type_keys("\u{4}");
    assert_eq!(shell.wait(), 0);

    let mut shell = open();
    shell.wait_for_prompt("127.0.0.1> ");
    assert!(!shell.lines().contains(question));
    shell.type_keys("\u{4}");
    assert_eq!(shell.wait(), 0);

    // Another key in its place is nothing to ask about.
    let known = home.read(".local/share/chatsh/known_hosts");
    let other = Server::start();
    let as_if = known.replace(&server.address.to_string(), &other.address.to_string());
    home.write(".local/share/chatsh/known_hosts", as_if);
    let address = other.address.to_string();
    let mut shell = Terminal::in_home(home.clone(), ROWS, COLS, &[&address], &[]);
    assert_eq!(shell.wait(), 5);
    shell.wait_for_text("the server's key has changed");
}

#[test]
fn a_password_that_no_file_has_is_asked_for() {
    let server = Server::start();
    server.user("ann");
    let mut ann = Terminal::chatsh(&server, ROWS, COLS, &["-u", "ann"]);
    answer(&mut ann, "Password of ann: ", "1234");
    ann.wait_for_prompt("ann@lobby> ");
    assert!(!ann.lines().contains("1234"));
    let mut ann = Terminal::chatsh(&server, ROWS, COLS, &["-u", "ann", "-r", "attic"]);
    // Everybody mistypes it once, and a room may be gone.
    answer(&mut ann, "Password of ann: ", "4321");
    ann.wait_for_text("Password incorrect");
    answer(&mut ann, "Password of ann: ", "1234");
    ann.wait_for_text("chatsh: enter: no_such_room: there is no room \"attic\"");
    ann.wait_for_prompt("ann@lobby> ");
    let mut ann = Terminal::chatsh(&server, ROWS, COLS, &["-u", "ann"]);
    for number in 1..=3 {
        answer(&mut ann, "Password of ann: ", "4321");
        ann.wait_for("the refusal", |screen| {
            screen.matches("Password incorrect").count() == number
        });
    }
    assert_eq!(ann.wait(), 3);
}

/// The server had gone, and so was what was typed.
#[test]
fn a_password_that_is_typed_slowly_is_taken_all_the_same() {
    let server = Server::with(&["limits.login_s=1", "log.level=debug"]);
    server.user("ann");
    let mut ann = Terminal::chatsh(&server, ROWS, COLS, &["-u", "ann"]);
    for password in ["4321", "1234"] {
        ann.wait_for_line("the question", |line| line.ends_with("Password of ann: "));
        server.wait_for_log("you are not logged in in time");
        ann.type_keys(&format!("{password}\r"));
        ann.wait_for_text("Password incorrect");
    }
    ann.wait_for_prompt("ann@lobby> ");
}

/// It said that there is no terminal.
#[test]
fn a_password_is_asked_for_although_stdin_is_a_pipe() {
    let server = Server::start();
    server.user("ann");
    let mut bob = server.member("bob", "general");
    let mut bash = Terminal::bash(Home::new(), ROWS, COLS);
    bash.wait_for_prompt("bash$ ");
    bash.type_keys(&format!(
        "echo hi | {} -u ann --pin {} -a {} send -r general -\r",
        tests::program("chatsh").display(),
        server.fingerprint,
        server.address,
    ));
    answer(&mut bash, "Password of ann: ", "1234");
    assert_eq!(bob.next()["data"]["text"], "hi");
    bash.wait_for_prompt("bash$ ");
    bash.type_keys("exit\r");
    bash.wait();
}

/// Who mistyped it had an account that nobody could open.
#[test]
fn the_password_of_a_new_account_is_asked_for_twice() {
    let server = Server::start();
    let mut ann = Terminal::chatsh(&server, ROWS, COLS, &["-u", "ann", "--register"]);
    // It ended with the first of these.
    answer(&mut ann, "Password of ann: ", "");
    ann.wait_for_text("no password is empty");
    answer(&mut ann, "Password of ann: ", "12");
    answer(&mut ann, "The same again: ", "12");
    ann.wait_for_text("it has at least 4 bytes");
    answer(&mut ann, "Password of ann: ", "1243");
    answer(&mut ann, "The same again: ", "1234");
    ann.wait_for_text("these two are not the same");
    answer(&mut ann, "Password of ann: ", "1234");
    answer(&mut ann, "The same again: ", "1234");
    ann.wait_for_prompt("ann@lobby> ");
    server.connect().login("ann");
    let mut bob = Terminal::chatsh(&server, ROWS, COLS, &["-u", "bob", "--register"]);
    for number in 1..=3 {
        answer(&mut bob, "Password of bob: ", "1243");
        answer(&mut bob, "The same again: ", "1234");
        bob.wait_for("the refusal", |screen| screen.matches("not the same").count() == number);
    }
    assert_eq!(bob.wait(), 2);
}
