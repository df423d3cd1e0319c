//! What chatsh does itself: settings, files of lines, other servers.

use expect_test::expect;
use jiff::ToSpan;
use serde_json::json;
use tests::{Home, Server};

use crate::{Typing, member, member_with};

#[test]
fn what_is_set_counts_from_then_on() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    ann.enter("/set", "color: auto\nbell: on\nclock: off\nhistory: 10\n", "ann#general> ");
    ann.enter("/set", &format!("timeout: 10 s\nserver: {}", server.address), "ann#general> ");
    ann.enter("/set clock", "clock: off\n", "ann#general> ");
    ann.enter("/set bell loud", "bell is on or off, not \"loud\"", "ann#general> ");
    ann.enter("/set bel off", "there is no setting \"bel\"", "ann#general> ");
    ann.type_keys("/set bell off\r/set color never\r/set history 1\r/set timeout 3\r/set\r");
    ann.wait_for_text("color: never\nbell: off\nclock: off\nhistory: 1\ntimeout: 3 s");
    ann.wait_for_prompt("ann#general> ");
    let before = ann.bytes().len();
    bob.say("first");
    bob.say("hello ann");
    ann.wait_for_text("bob: hello ann");
    ann.enter("/exit", "Exited", "ann@lobby> ");
    ann.enter("/enter general", "earlier in general", "ann#general> ");
    let bytes = ann.bytes()[before..].to_vec();
    assert!(!bytes.contains(&7), "it rang");
    let text = String::from_utf8(bytes).unwrap();
    assert!(!text.contains("\u{1b}[1;7m") && !text.contains("\u{1b}[2m"), "{text:?}");
    let earlier = ann.lines();
    let earlier = &earlier[earlier.rfind("earlier in general").unwrap()..];
    assert!(earlier.contains("bob: hello ann") && !earlier.contains("first"), "{earlier}");
}

#[test]
fn with_a_clock_the_time_stands_before_what_is_said_and_done() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    bob.say("no clock");
    ann.wait_for_text("bob: no clock");
    ann.type_keys("/set clock on\r");
    ann.enter("/set", "clock: on", "ann#general> ");
    bob.say("one\ntwo, Ann");
    ann.wait_for_text("two, Ann");
    let ends_of_lines = |shell: &tests::Terminal| {
        let lines = shell.lines();
        let timed = |line: &&str| line.get(2..3) == Some(":") && line.get(5..6) == Some(" ");
        lines.lines().filter(timed).map(|line| line[6..].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ends_of_lines(&ann), ["bob: one"]);
    assert!(ann.lines().contains("\n         │ two, Ann"), "{}", ann.lines());
    ann.enter("/exit", "Exited", "ann@lobby> ");
    ann.enter("/enter general", "earlier in general", "ann#general> ");
    assert_eq!(ends_of_lines(&ann), ["bob: one", "bob: no clock", "bob: one"]);
    let seq = bob.say("tpyo")["data"]["seq"].clone();
    bob.ask("edit", json!({ "seq": seq, "text": "typo" }));
    ann.wait_for_text(&format!("* bob has changed message {seq} (bob: tpyo): typo"));
    assert!(ends_of_lines(&ann).last().unwrap().starts_with("* bob has changed"));
}

#[test]
fn the_shell_starts_as_chatsh_toml_says_but_for_the_options() {
    let server = Server::start();
    let home = Home::new();
    let config = "[shell]\nbell = false\nclock = true\ncolor = 'always'\ntimeout = 7\n";
    home.write(".config/chatsh/chatsh.toml", config);
    let options = ["--color", "never"];
    let mut ann = member_with(home, &server, "ann", &options, &[]);
    let all = "color: never\nbell: off\nclock: on\nhistory: 10\ntimeout: 7 s";
    ann.enter("/set", all, "ann#general> ");
}

/// The example of `/help hello` made the shell deaf for private messages.
#[test]
fn a_greeting_that_is_typed_takes_nothing_away() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    ann.enter("/hello --caps list-push,ping", "caps: ", "ann#general> ");
    bob.ask("tell", json!({ "to": "ann", "text": "psst" }));
    ann.wait_for_text("bob => ann: psst");
}

#[test]
fn a_person_reads_times_as_on_the_wall() {
    let server = Server::start();
    let mut ann = member_with(Home::new(), &server, "ann", &[], &[("TZ", "UTC-7")]);
    let hour = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(7)));
    let hours =
        [hour.strftime("%F %H:").to_string(), (&hour + 1.hour()).strftime("%F %H:").to_string()];
    ann.enter("/sessions", "since=", "ann#general> ");
    assert!(hours.iter().any(|hour| ann.lines().contains(hour)), "{hours:?}: {}", ann.lines());
}

#[test]
fn a_file_of_lines_is_checked_first_and_ends_with_an_error() {
    let server = Server::start();
    let home = Home::new();
    let mut ann = member_with(home.clone(), &server, "ann", &[], &[]);
    let mut bob = server.member("bob", "general");
    home.write("bad.chat", "one\n/entre ops\n/msg\n");
    ann.type_keys("/source bad.chat\r");
    ann.wait_for_text("bad.chat:2:1: there is no command /entre: did you mean /enter?");
    ann.wait_for_text("bad.chat:3:6: msg: to is missing");
    bob.hears_nothing();
    home.write("good.chat", "# What is said every day.\none\nexit\n\n/source more.chat\nfive\n");
    home.write("more.chat", "three\nfour\n");
    ann.type_keys("/source good.chat\r");
    for text in ["one", "exit", "three", "four", "five"] {
        assert_eq!(bob.next()["data"]["text"], text);
    }
    // Nobody has typed these: what is said is shown.
    ann.wait_for_text("ann: three\nann: four\nann: five\n");
    home.write("home.chat", "at home\n");
    ann.type_keys("/source ~/home.chat\r");
    assert_eq!(bob.next()["data"]["text"], "at home");
    home.write("half.chat", "six\n/msg carol hi\nseven\n");
    ann.type_keys("/source half.chat\r");
    ann.wait_for_text("half.chat: it ends with this, in line 2");
    home.write("wait.chat", "/wait --timeout 50ms\nseven\n");
    ann.type_keys("/source wait.chat\r");
    ann.wait_for_text("wait.chat: it ends with this, in line 1");
    ann.type_keys("eight\r/source nowhere.chat\r");
    for text in ["six", "eight"] {
        assert_eq!(bob.next()["data"]["text"], text);
    }
    ann.wait_for_text("cannot read nowhere.chat");
}

/// It went round for ever, deaf to the interrupt key.
#[test]
fn a_file_that_names_itself_is_refused_and_a_pipe_is_no_file() {
    let server = Server::start();
    let home = Home::new();
    home.write("self.chat", "/ping\n/source other.chat\n");
    home.write("other.chat", "/source ./self.chat\n");
    let mut ann = member_with(home, &server, "ann", &[], &[]);
    let why = "other.chat:1:1: source: ./self.chat names itself, and would never end";
    ann.enter("/source other.chat", why, "ann#general> ");
    ann.enter("/source /dev/tty", "/dev/tty: it is no file", "ann#general> ");
}

/// The return key did not end what it read.
#[test]
fn a_password_command_can_ask_on_the_terminal_behind_connect_too() {
    let (here, there) = (Server::start(), Server::start());
    there.user("ann");
    let home = Home::new();
    let host = format!(
        "[hosts.there]\naddress = '{}#{}'\nuser = 'ann'\n\
         password_command = 'echo which? >/dev/tty; read x </dev/tty; echo $x'\n",
        there.address, there.fingerprint
    );
    home.write(".config/chatsh/chatsh.toml", host);
    let mut ann = member_with(home, &here, "ann", &[], &[]);
    ann.type_keys("/connect there\r");
    ann.wait_for_text("which?");
    ann.type_keys("1234\r");
    ann.wait_for_prompt("ann@lobby> ");
    ann.type_keys("\u{4}");
    assert_eq!(ann.wait(), 0);
    assert!(ann.is_set_as_before());
}

#[test]
fn one_can_go_to_another_server() {
    let (here, there) = (Server::start(), Server::with(&["motd=welcome there"]));
    let mut ann = member(&here, "ann");
    let mut bob = here.member("bob", "general");
    let address = format!("{}#{}", there.address, there.fingerprint);
    ann.enter("/set timeout 8", "", "ann#general> ");
    ann.enter("/connect 127.0.0.1:1", "cannot connect to 127.0.0.1:1", "ann#general> ");
    // What to do is a line that can be typed.
    let known = format!("/connect {}#{}", there.address, there.fingerprint);
    ann.type_keys(&format!("/connect {}\r", there.address));
    ann.wait_for("what to do", |screen| screen.replace("\n│ ", "").contains(&known));
    ann.wait_for_prompt("ann#general> ");
    ann.enter("still here", "still here", "ann#general> ");
    assert_eq!(bob.next()["data"]["text"], "still here");
    ann.enter(&format!("/connect {address}"), "welcome there", "127.0.0.1> ");
    ann.wait_for_text(&format!("connected to {}\n", there.address));
    // What was set is set until the shell ends.
    ann.enter("/set timeout", "timeout: 8 s", "127.0.0.1> ");
    ann.enter("/register ann 1234", "Registration successful", "127.0.0.1> ");
    ann.enter("/login ann 1234", "Login successful", "ann@lobby> ");
    tests::eventually("ann has left", || {
        bob.ask("list", serde_json::json!({}))["data"]["general"].as_array().unwrap().len() == 1
    });
    ann.type_keys("\u{4}");
    assert_eq!(ann.wait(), 0);
}

#[test]
fn scripts_have_them_too() {
    let (here, there) = (Server::start(), Server::start());
    let home = Home::new();
    home.write("in.chat", "/register ann 1234\n/login ann 1234\n/enter general\n");
    home.write("bad.chat", "hello\n/enter\n");
    home.write("fails.chat", "hello\n/msg bob hi\n");
    home.write("loop.chat", "/source loop.chat\n");
    let address = format!("{}#{}", there.address, there.fingerprint);
    let mut story = String::new();
    for script in [
        "/set timeout 2\n/set\n/source in.chat\nhello\n",
        "/login ann 1234\n/enter general\n/source bad.chat\n",
        "/login ann 1234\n/enter general\n/source fails.chat\n",
        "/source loop.chat\n",
        &format!("/connect {address}\n/source in.chat\n"),
    ] {
        let said = tests::outcome(home.chatsh_at(&here, &[]), script);
        story.push_str(&said.replace(&here.address.to_string(), "HERE"));
    }
    expect![[r#"
        timeout: 2 s
        server: HERE
        Registration successful
        Login successful
        Welcome to the chatroom
        ann: hello
        exit 0
        Login successful
        Welcome to the chatroom
        ! bad.chat:2:8: enter: room is missing: /enter ROOM
        ! chatsh: line 3: bad.chat: nothing of it was done
        exit 1
        Login successful
        Welcome to the chatroom
        ann: hello
        ! chatsh: line 3: fails.chat: line 2: msg: not_in_room: bob is not in this room; tell reaches who is elsewhere
        exit 1
        ! loop.chat:1:1: source: loop.chat names itself, and would never end
        ! chatsh: line 1: loop.chat: nothing of it was done
        exit 1
        Registration successful
        Login successful
        Welcome to the chatroom
        exit 0
    "#]]
    .assert_eq(&story);
}

/// There is no prompt, and nothing said why.
#[test]
fn a_wait_says_what_it_is() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    for waiting in ["/sleep 60s", "/wait --from bob"] {
        ann.type_keys(&format!("{waiting}\r"));
        ann.wait_for_text(&format!(
            "{waiting}\nwaiting; what is typed meanwhile is kept; Ctrl-C ends it"
        ));
        ann.type_keys("\u{3}");
        ann.wait_for_prompt("ann#general> ");
    }
}

/// The key threw it away, and nobody was told.
#[test]
fn what_is_typed_during_a_wait_outlives_the_interrupt_key() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    ann.type_keys("/wait\r");
    ann.wait_for_text("/wait\nwaiting; what is typed meanwhile is kept; Ctrl-C ends it");
    ann.type_keys("typed and entered\r\u{3}");
    assert_eq!(bob.next()["data"]["text"], "typed and entered");
    ann.wait_for_prompt("ann#general> ");
}
