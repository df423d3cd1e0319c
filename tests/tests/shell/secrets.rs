//! Secrets at the prompt: nobody who looks at the screen or at the history sees them.

use tests::{Home, Server, Terminal};

use crate::{COLS, ROWS, Typing};

const HISTORY: &str = ".local/state/chatsh/history";

/// Letters that nothing else in these tests has.
const SECRET: &str = "ÐØßþÿ鍵";

/// Their mask.
const STARS: &str = "*******";

#[track_caller]
fn check(environment: &[(&str, &str)], options: &[&str]) {
    let server = Server::start();
    let home = Home::new();
    let address = server.address.to_string();
    let knowing = ["--pin", &server.fingerprint, "-a", &address];
    let options = [&knowing, options].concat();
    let mut shell = Terminal::in_home(home.clone(), ROWS, COLS, &options, environment);
    shell.wait_for_prompt("127.0.0.1> ");
    let mut bob = server.member("bob", "general");
    for (line, seen, prompt) in [
        ("/register ann ", "Registration successful", "127.0.0.1> "),
        ("/login ann ", "Login successful", "ann@lobby> "),
        ("/enter general", "Welcome", "ann#general> "),
        // Where it is not allowed, and where it is no command at all.
        ("/login ann ", "/login is for who is not logged in", "ann#general> "),
        ("/lgin ann ", "Did you mean /login?", "[y/N] "),
        ("login ann ", "This looks like a password", "[y/N] "),
    ] {
        shell.type_keys(line);
        if !line.contains("general") {
            // Letter by letter: each is drawn when it is typed.
            for letter in SECRET.chars() {
                shell.type_keys(&letter.to_string());
            }
            bob.say("looks over her shoulder");
            let masked = format!("{line}{STARS}");
            shell.wait_for_line(&masked, |shown| shown.ends_with(&masked));
            // And while the cursor is moved, and a letter is mended.
            shell.type_keys("\u{1b}[D\u{1b}[D\u{1b}[3~Ø\u{1b}[C\u{7f}\u{7f}ÿ鍵");
            shell.wait_for_line(&masked, |shown| shown.ends_with(&masked));
        }
        shell.type_keys("\r");
        shell.wait_for_text(seen);
        shell.wait_for_line(prompt, |line| line.ends_with(prompt));
        if prompt == "[y/N] " {
            shell.type_keys("n\r");
            shell.wait_for_prompt("ann#general> ");
        }
    }
    shell.type_keys("\u{1b}[A");
    shell.wait_for_prompt("ann#general> /enter general");
    shell.type_keys("\u{15}/quit\r");
    assert_eq!(shell.wait(), 0);
    bob.hears_nothing();

    let bytes = String::from_utf8(shell.bytes()).unwrap();
    let history = home.read(HISTORY);
    for letter in SECRET.chars() {
        assert!(!bytes.contains(letter), "{letter} was drawn: {bytes:?}");
        assert!(!history.contains(letter), "{letter} was kept: {history:?}");
    }
    let lines: Vec<_> = history.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines, ["/enter general", "/quit"]);
}

#[test]
fn a_password_is_masked_and_forgotten() {
    check(&[], &[]);
}

#[test]
fn a_password_is_masked_without_colours_too() {
    check(&[("NO_COLOR", "1")], &[]);
}

#[test]
fn a_password_is_masked_in_plain_output_too() {
    check(&[], &["--plain"]);
}

/// They were typed after the refusal, as the next line, for all to see.
#[test]
fn a_password_that_is_left_out_is_asked_for_unseen() {
    let server = Server::start();
    let home = Home::new();
    let address = server.address.to_string();
    let knowing = ["--pin", &server.fingerprint, "-a", &address];
    let mut ann = Terminal::in_home(home.clone(), ROWS, COLS, &knowing, &[]);
    ann.wait_for_prompt("127.0.0.1> ");
    let mut step = |line: &str, answers: &[(&str, &str)], seen: &str, prompt: &str| {
        ann.type_keys(&format!("{line}\r"));
        for (question, password) in answers {
            ann.wait_for_line(question, |line| line.ends_with(question));
            ann.type_keys(password);
            let masked = format!("{question}{}", "*".repeat(password.chars().count()));
            ann.wait_for_line(&masked, |line| line.ends_with(&masked));
            ann.type_keys("\r");
        }
        ann.wait_for_text(seen);
        ann.wait_for_prompt(prompt);
    };
    let out = "127.0.0.1> ";
    let (of_ann, again) = ("Password of ann: ", "The same again: ");
    let (old, new) = ("The old password: ", "The new password: ");
    step("/register ann", &[(of_ann, "ÐßÞ1"), (again, "ÐßÞ2")], "not the same", out);
    step("/register ann", &[(of_ann, "--ÐßÞ'Þ")], "", again);
    step("--ÐßÞ'Þ", &[], "Registration successful", out);
    step("/login ann", &[(of_ann, "")], "no password was typed", out);
    step("/login ann", &[(of_ann, "--ÐßÞ'Þ")], "Login successful", "ann@lobby> ");
    step(
        "/passwd",
        &[(old, "--ÐßÞ'Þ"), (new, "Ðß\\Þ"), (again, "Ðß\\Þ")],
        "changed",
        "ann@lobby> ",
    );
    step("/logout", &[], "Logged out", out);
    // In a file of lines it is a mistake.
    home.write("log.in", "/login ann\n");
    step("/source log.in", &[], "password is missing", out);
    step("/login ann", &[(of_ann, "Ðß\\Þ")], "Login successful", "ann@lobby> ");
    ann.type_keys("/quit\r");
    assert_eq!(ann.wait(), 0);
    let (bytes, history) = (String::from_utf8(ann.bytes()).unwrap(), home.read(HISTORY));
    for letter in "ÐßÞ".chars() {
        assert!(!bytes.contains(letter), "{letter} was drawn: {bytes:?}");
        assert!(!history.contains(letter), "{letter} was kept: {history:?}");
    }
}

/// The server sends away who takes longer: then it was to be typed once more, for all to see.
#[test]
fn a_password_that_is_asked_for_may_take_longer_than_the_server_waits() {
    let server = Server::with(&["limits.login_s=1", "log.level=debug"]);
    server.user("ann");
    let mut ann = crate::shell(&server);
    ann.type_keys("/login ann\r");
    ann.wait_for_line("the question", |line| line.ends_with("Password of ann: "));
    ann.wait_for_text("you are not logged in in time");
    ann.wait_for_line("the question", |line| line.ends_with("Password of ann: "));
    ann.type_keys("1234\r");
    ann.wait_for_text("Login successful");
    ann.wait_for_prompt("ann@lobby> ");
    assert!(!ann.lines().contains("say so again"), "{}", ann.lines());
}

/// It was another password than the one that was typed, and nobody said so.
#[test]
fn a_password_with_quotes_in_it_is_told_to_be_read_as_in_a_shell() {
    let server = Server::start();
    let mut ann = crate::shell(&server);
    ann.enter("/register eve 'pass word'", "successful", "127.0.0.1> ");
    let remark = "quotes and \\ in the password were read as in a shell";
    assert!(!ann.lines().contains(remark));
    ann.enter(r"/register ann my$pass\word", remark, "127.0.0.1> ");
    ann.enter("/login ann my$password", "Login successful", "ann@lobby> ");
}

/// While a reply is awaited nobody reads the keys, and the terminal would show them.
#[test]
fn a_password_that_is_typed_too_early_is_not_shown_either() {
    let server = Server::start();
    let mut shell = crate::shell(&server);
    server.user("ann");
    server.signal("STOP");
    shell.type_keys("/login ann 1234\r");
    shell.wait_for_editor_to_rest();
    shell.type_keys(&format!("/resume {SECRET}"));
    server.signal("CONT");
    shell.wait_for_text("Login successful");
    shell.wait_for_prompt(&format!("ann@lobby> /resume {STARS}"));
    let bytes = String::from_utf8(shell.bytes()).unwrap();
    for letter in SECRET.chars() {
        assert!(!bytes.contains(letter), "{letter} was drawn: {bytes:?}");
    }
}
