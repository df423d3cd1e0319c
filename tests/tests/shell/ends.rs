//! How the shell is left, by the user and by the server, and how it leaves the terminal.

use expect_test::expect;
use tests::{Home, Server, Terminal};

use crate::{COLS, ROWS, Typing, member};

/// Waits for the end and claims that it came with this code, and that the terminal is as
/// it was.
#[track_caller]
fn ends_with(shell: &mut Terminal, code: u32) {
    assert_eq!(shell.wait(), code, "{}", shell.lines());
    assert!(shell.is_set_as_before(), "the terminal is set in another way");
    assert!(!shell.look(|screen| screen.bracketed_paste()), "pastes are still marked");
}

#[test]
fn the_interrupt_key_clears_the_line_and_the_end_key_leaves() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    ann.type_keys("never mind");
    ann.wait_for_prompt("ann#general> never mind");
    ann.type_keys("\u{3}");
    ann.wait_for_prompt("ann#general> ");
    ann.type_keys("\u{4}");
    ends_with(&mut ann, 0);
    bob.hears_nothing();
    assert_eq!(bob.ask("list", serde_json::json!({}))["data"]["general"][0], "bob");
}

#[test]
fn in_a_line_the_end_key_does_not_leave() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    ann.type_keys("abc\u{1}\u{4}");
    ann.wait_for_line("the cursor at the start", |line| line == "ann#general> ");
    ann.wait_for_text("ann#general> bc");
    ann.type_keys("\u{b}/quit\r");
    ends_with(&mut ann, 0);
}

/// Gives up coming back.
#[track_caller]
fn gives_up(shell: &mut Terminal, code: u32) {
    shell.wait_for_text("coming back, Ctrl-C leaves");
    shell.type_keys("\u{3}");
    ends_with(shell, code);
}

#[test]
fn when_the_server_stops_the_shell_says_so() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    ann.type_keys("half a li");
    ann.wait_for_prompt("ann#general> half a li");
    assert!(server.stop().0.success());
    ann.wait_for_prompt("ann#general> half a li");
    ann.type_keys("\u{3}");
    ann.wait_for_prompt("ann#general> ");
    gives_up(&mut ann, 4);
    expect![[r#"
        shutting_down: the server stops; coming back, Ctrl-C leaves
        ann#general> half a li
        ann#general> 
        chatsh: shutting_down: the server stops"#]]
    .assert_eq(&ann.shown());
}

/// What came together with the end was not shown any more.
#[test]
fn what_was_said_before_the_end_is_shown() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    ann.signal("STOP");
    for n in 1..=5 {
        bob.say(&format!("last words {n}"));
    }
    assert!(server.stop().0.success());
    ann.signal("CONT");
    gives_up(&mut ann, 4);
    expect![[r#"
        bob: last words 1
        bob: last words 2
        bob: last words 3
        bob: last words 4
        bob: last words 5
        shutting_down: the server stops; coming back, Ctrl-C leaves
        ann#general> 
        chatsh: shutting_down: the server stops"#]]
    // Woken it draws the line again, and at the very top that takes a line.
    .assert_eq(ann.shown().trim_start());
}

#[test]
fn when_the_server_is_killed_the_shell_says_so() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    server.signal("KILL");
    gives_up(&mut ann, 4);
    expect![[r#"
        the server closed the connection; coming back, Ctrl-C leaves
        ann#general> 
        chatsh: the server closed the connection"#]]
    .assert_eq(&ann.shown());
}

#[test]
fn a_reply_that_does_not_come_can_be_given_up() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    server.signal("STOP");
    ann.type_keys("hello\r");
    ann.wait_for_editor_to_rest();
    ann.type_keys("\u{3}");
    ann.wait_for_text("no reply yet (given up); it may still come");
    ann.wait_for_prompt("ann#general> ");
    server.signal("CONT");
    assert_eq!(bob.next()["data"]["text"], "hello");
    ann.enter("/list", "general: ann, bob", "ann#general> ");
    ann.type_keys("\u{4}");
    ends_with(&mut ann, 0);
}

/// A bash, and the line that begins chatsh in it, for ann and with these options.
fn bash_and_chatsh(server: &Server, options: &str) -> (Terminal, String) {
    let home = Home::new();
    home.write("password", "1234\n");
    let bash = Terminal::bash(home, ROWS, COLS);
    bash.wait_for_prompt("bash$ ");
    let chatsh = tests::program("chatsh").display().to_string();
    let Server { address, fingerprint, .. } = server;
    let known = format!("--pin {fingerprint} -a {address}");
    (bash, format!("{chatsh} --register -u ann --password-file password {known} {options}"))
}

/// Put aside, it leaves the terminal to others; back, it has the line and what was said.
#[test]
fn it_can_be_put_aside_and_taken_up_again() {
    let server = Server::start();
    let mut bob = server.member("bob", "general");
    let (mut bash, chatsh) = bash_and_chatsh(&server, "-r general");
    bash.type_keys(&format!("{chatsh}\r"));
    bash.wait_for_prompt("ann#general> ");
    bash.type_keys("half a li");
    bash.wait_for_prompt("ann#general> half a li");
    bash.type_keys("\u{1a}");
    bash.wait_for_prompt("bash$ ");
    bash.type_keys("echo $((6 * 7))\r");
    bash.wait_for_text("\n42\n");
    bob.say("are you there?");
    bash.type_keys("fg\r");
    bash.wait_for_text("bob: are you there?");
    bash.wait_for_prompt("ann#general> half a li");
    bash.type_keys("ne\r");
    assert_eq!(bob.next()["data"]["text"], "half a line");
    bash.wait_for_prompt("ann#general> ");
    bash.type_keys("\u{4}");
    bash.wait_for_prompt("bash$ ");
    bash.type_keys("echo $?; exit\r");
    bash.wait();
    bash.wait_for_text("\n0\n");
}

/// It was stopped again before it took note of the signal, every time.
#[test]
fn put_aside_or_begun_there_it_can_be_ended() {
    let server = Server::start();
    let (mut bash, chatsh) = bash_and_chatsh(&server, "");
    bash.type_keys(&format!("{chatsh}\r"));
    bash.wait_for_prompt("ann@lobby> ");
    bash.type_keys("\u{1a}");
    bash.wait_for_prompt("bash$ ");
    // Bash lets a job go on that it knows to be stopped; it may not have heard of that yet.
    let gone = "kill %1; while kill -CONT $job 2> /dev/null; do :; done";
    bash.type_keys(&format!("job=$(jobs -p); {gone}; echo $((6 * 7))\r"));
    bash.wait_for_text("\n42\n");
    bash.wait_for_prompt("bash$ ");
    bash.type_keys(&format!("{chatsh} & job=$!\r"));
    bash.wait_for_prompt("bash$ ");
    let stopped = "until grep -q '^State:.T' /proc/$job/status; do :; done";
    bash.type_keys(&format!("{stopped}; {gone}; echo $((7 * 7))\r"));
    bash.wait_for_text("\n49\n");
    bash.type_keys("exit\r");
    bash.wait();
}

/// In half of the tries it was left as bash had set it: what was typed then, a password
/// perhaps, was shown as it was.
#[test]
fn taken_up_again_it_has_the_terminal_every_time() {
    let server = Server::start();
    let (mut bash, chatsh) = bash_and_chatsh(&server, "-r general");
    bash.type_keys(&format!("{chatsh}\r"));
    bash.wait_for_prompt("ann#general> ");
    let prompt = "ann#general> /login ann ";
    bash.type_keys("/login ann ");
    bash.wait_for_prompt(prompt);
    for round in 1..=20 {
        bash.type_keys("\u{1a}");
        bash.wait_for_prompt("bash$ ");
        bash.type_keys("fg\r");
        bash.wait_for_prompt(prompt);
        tests::eventually("the terminal is the shell's", || !bash.is_cooked());
        bash.type_keys("12");
        bash.wait_for_prompt(&format!("{prompt}**"));
        bash.type_keys("\u{7f}\u{7f}");
        bash.wait_for_prompt(prompt);
        assert!(!bash.is_cooked(), "round {round}");
    }
    bash.type_keys("\u{3}");
    bash.wait_for_prompt("ann#general> ");
    bash.type_keys("\u{4}");
    bash.wait_for_prompt("bash$ ");
    bash.type_keys("exit\r");
    bash.wait();
}

#[test]
fn a_shell_that_is_hung_up_leaves() {
    let server = Server::start();
    let mut bob = server.member("bob", "general");
    drop(member(&server, "ann"));
    tests::eventually("ann has left", || {
        bob.ask("list", serde_json::json!({}))["data"]["general"].as_array().unwrap().len() == 1
    });
}

/// It took two: the thread that reads stdin went on behind the first.
#[test]
fn the_end_key_ends_lines_that_are_typed_for_a_program() {
    let server = Server::start();
    let mut bob = server.member("bob", "general");
    let (mut bash, chatsh) = bash_and_chatsh(&server, "-r general");
    for (number, ending) in [" | cat", " -f -", " send --lines", " send --lines --strip", " send -"]
        .into_iter()
        .enumerate()
    {
        bash.type_keys(&format!("{chatsh}{ending}\r"));
        tests::eventually("chatsh has the terminal", || bash.is_cooked());
        bash.type_keys(&format!("hello {number}\r"));
        bash.wait_for_text(&format!("\nhello {number}"));
        bash.type_keys("\u{4}");
        bash.wait_for_prompt("bash$ ");
        assert_eq!(
            bob.next()["data"]["text"].as_str().map(str::trim),
            Some(&*format!("hello {number}"))
        );
    }
}
