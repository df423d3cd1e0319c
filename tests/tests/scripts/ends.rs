//! How a script ends: every exit code of the contract that a real server can bring about.

use std::io::Read;
use std::net::{SocketAddr, TcpListener};

use expect_test::{Expect, expect};
use tests::{Home, Run, Server, eventually, outcome};

use crate::{AS_ANN, IN_GENERAL, check, server_of_ann};

/// Runs script after script and says each (its lines after `> `) and how it ended.
#[track_caller]
fn check_all(server: &Server, scripts: &[&str], expected: Expect) {
    let home = Home::new();
    let mut story = String::new();
    for script in scripts {
        script.lines().for_each(|line| story.push_str(&format!("> {line}\n")));
        story.push_str(&outcome(home.chatsh_at(server, &[]), script));
    }
    expected.assert_eq(&story);
}

#[test]
fn a_refusal_ends_with_1() {
    let server = Server::start();
    server.user("ann");
    let scripts = [
        "/register ANN 1234",
        "/login ann 1234\n/create general",
        "/login ann 1234\n/exit",
        "/login ann 1234\nhello",
        "/login ann 1234\n/enter general\n/msg bob hi",
        "/login ann 1234\n/enter general\n/mgs bob hi",
    ];
    check_all(
        &server,
        &scripts,
        expect![[r#"
        > /register ANN 1234
        ! chatsh: line 1: register: name_taken: there is or was an account "ANN", or one that looks like it
        exit 1
        > /login ann 1234
        > /create general
        Login successful
        ! chatsh: line 2: create: room_exists: there is a room "general", or one that looks like it
        exit 1
        > /login ann 1234
        > /exit
        Login successful
        ! chatsh: line 2: exit: wrong_state: exit is allowed in chat, you are in lobby: enter leads there
        exit 1
        > /login ann 1234
        > hello
        Login successful
        ! chatsh: line 2: a line without a slash is said in a room, and here is none: /enter ROOM first
        exit 1
        > /login ann 1234
        > /enter general
        > /msg bob hi
        Login successful
        Welcome to the chatroom
        ! chatsh: line 3: msg: not_in_room: bob is not in this room; tell reaches who is elsewhere
        exit 1
        > /login ann 1234
        > /enter general
        > /mgs bob hi
        Login successful
        Welcome to the chatroom
        ! chatsh: line 3: there is no command /mgs: did you mean /msg?
        exit 1
    "#]],
    );
}

#[test]
fn usage_and_a_bad_script_end_with_2() {
    let home = Home::new();
    home.write("post.chat", "/login ann 1234\nhello\n/entre ops\n");
    let mut story = String::new();
    for (options, script) in [
        ("--check -f post.chat", ""),
        ("--check", "/login ann"),
        ("--check", "/login ann 1234\n/enter ops\nhello"),
        ("-f post.chat", ""),
        ("-f nowhere.chat", ""),
        ("-u ann", ""),
        ("-r ops", ""),
        ("-a https://chat.example", ""),
    ] {
        story.push_str(&format!("$ chatsh {options}\n"));
        let options: Vec<_> = options.split(' ').collect();
        story.push_str(&outcome(home.chatsh(&options), script));
    }
    expect![[r#"
        $ chatsh --check -f post.chat
        ! post.chat:2:1: a line without a slash is said in a room, and here is none: /enter ROOM first
        ! post.chat:3:1: there is no command /entre: did you mean /enter?
        exit 2
        $ chatsh --check
        ! stdin:1:11: login: password is missing: /login USERNAME PASSWORD
        exit 2
        $ chatsh --check
        exit 0
        $ chatsh -f post.chat
        ! post.chat:2:1: a line without a slash is said in a room, and here is none: /enter ROOM first
        ! post.chat:3:1: there is no command /entre: did you mean /enter?
        exit 2
        $ chatsh -f nowhere.chat
        ! chatsh: cannot read nowhere.chat: No such file or directory (os error 2)
        exit 2
        $ chatsh -u ann
        ! chatsh: there is no terminal to ask for the password on: say --password-file, --password-command or --token-file
        exit 2
        $ chatsh -r ops
        ! chatsh: a room is entered after logging in: say NAME@HOST/ROOM, or -u NAME
        exit 2
        $ chatsh -a https://chat.example
        ! error: invalid value 'https://chat.example' for '--address <ADDRESS>': an address starts with chat:// or with the host, not with "https://"
        ! 
        ! For more information, try '--help'.
        exit 2
    "#]].assert_eq(&story);
}

#[test]
fn who_is_not_let_in_ends_with_3() {
    let server = Server::with(&["registration.policy=closed"]);
    let scripts = ["/register ann 1234", "/login ann 1234", "/list", "hello"];
    check_all(
        &server,
        &scripts,
        expect![[r#"
        > /register ann 1234
        ! chatsh: line 1: register: forbidden: registration is closed here: ask the operator for an account
        exit 3
        > /login ann 1234
        ! chatsh: line 1: login: unauthorized: Password incorrect
        exit 3
        > /list
        ! chatsh: line 1: list: wrong_state: list is allowed in lobby and chat, you are in auth: login leads there
        exit 3
        > hello
        ! chatsh: line 1: a line without a slash is said in a room, and here is none: /login USERNAME PASSWORD, then /enter ROOM first
        exit 3
    "#]],
    );
    let home = Home::new();
    home.write("password", "4321\n");
    expect![[r#"
        ! chatsh: login: unauthorized: Password incorrect (or there is no such account: --register makes it)
        exit 3
    "#]]
    .assert_eq(&outcome(home.chatsh_at(&server, &AS_ANN), "/list\n"));
    // The account is made if it is missing: where the operator has made it, it is not.
    let registering = [&AS_ANN[..], &["--register", "who"]].concat();
    expect![[r#"
        ! chatsh: register: forbidden: registration is closed here: ask the operator for an account
        exit 3
    "#]]
    .assert_eq(&outcome(home.chatsh_at(&server, &registering), ""));
    let made = tests::run_chatd(&server.data(), &["user", "add", "ann"], "4321\n");
    assert!(made.status.success(), "{made:?}");
    let said = outcome(home.chatsh_at(&server, &registering), "");
    assert!(said.ends_with("exit 0\n"), "{said}");
}

#[test]
fn nobody_there_ends_with_4() {
    let home = Home::new();
    let said = outcome(home.chatsh(&["-a", "127.0.0.1:1"]), "/list\n");
    expect![[r#"
        ! chatsh: cannot connect to 127.0.0.1:1: Connection refused (os error 111): does chatd run there?
        exit 4
    "#]]
    .assert_eq(&said);
}

#[test]
fn a_server_that_is_full_says_so_as_far_as_it_can() {
    let said_at = |address: SocketAddr| {
        let address = address.to_string();
        let said = outcome(Home::new().chatsh(&["-a", &address, "-c", "/ping"]), "");
        said.replace(&address, "ADDRESS")
    };
    let said = expect![[r#"
        ! chatsh: cannot connect to ADDRESS: the server has hung up before TLS began: it may be full, or no chatd
        exit 4
    "#]];
    let server = Server::with(&["limits.connections=1"]);
    let _only = server.connect();
    said.assert_eq(&said_at(server.address));
    // It is faster than chatsh's first bytes, or slower: an end then, or a reset.
    for len_read in [1000, 1] {
        let hanging_up = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = hanging_up.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = hanging_up.accept().unwrap();
            assert_ne!(stream.read(&mut vec![0; len_read]).unwrap(), 0);
        });
        said.assert_eq(&said_at(address));
    }
}

#[test]
fn a_script_that_is_taken_for_a_server_is_explained() {
    let home = Home::new();
    home.write("good.chat", "/ping\n");
    let said = outcome(home.chatsh(&["good.chat"]), "");
    assert!(said.contains("to run the file good.chat say -f good.chat\nexit 4\n"), "{said}");
    let said = outcome(home.chatsh(&["--check", "good.chat"]), "");
    expect!["! chatsh: to check the file good.chat say -f good.chat --check\nexit 2\n"]
        .assert_eq(&said);
}

/// Nobody comes back where no server is; it is tried for no longer than this.
fn in_two_seconds<'a>(options: &[&'a str]) -> Vec<&'a str> {
    [options, &["--timeout", "2"]].concat()
}

#[test]
fn a_server_that_stops_between_lines_ends_a_script_with_4() {
    let (server, home) = server_of_ann();
    let address = server.address.to_string();
    let mut run = Run::of(home.chatsh_at(&server, &in_two_seconds(&AS_ANN)));
    run.feed("/ping\n");
    run.wait_for_line("ping: ok");
    assert_eq!(server.stop().0.code(), Some(0));
    expect![[r#"
        ping: ok
        ! chatsh: shutting_down: the server stops; coming back
        ! chatsh: not back in time: cannot connect to ADDRESS: Connection refused (os error 111): does chatd run there?
        exit 4
    "#]]
    .assert_eq(&run.end().replace(&address, "ADDRESS"));
}

#[test]
fn a_server_that_is_killed_between_lines_ends_a_script_with_4() {
    let (server, home) = server_of_ann();
    let address = server.address.to_string();
    let mut run = Run::of(home.chatsh_at(&server, &in_two_seconds(&AS_ANN)));
    run.feed("/ping\n");
    run.wait_for_line("ping: ok");
    server.signal("KILL");
    expect![[r#"
        ping: ok
        ! chatsh: the server closed the connection; coming back
        ! chatsh: not back in time: cannot connect to ADDRESS: Connection refused (os error 111): does chatd run there?
        exit 4
    "#]]
    .assert_eq(&run.end().replace(&address, "ADDRESS"));
}

#[test]
fn too_many_wrong_passwords_end_with_6_when_nobody_waits() {
    let server = Server::with(&["limits.logins_per_min=1", "limits.spare_loopback=false"]);
    let home = Home::new();
    home.write("password", "4321\n");
    let mut story = String::new();
    let by_option = [&AS_ANN[..], &["--no-wait"]].concat();
    for (options, script) in [
        (&["--no-wait", "--keep-going"][..], "/login ann 4321\n/login ann 4321"),
        (&["--no-wait"], "/login ann 4321"),
        (&by_option, ""),
    ] {
        for line in outcome(home.chatsh_at(&server, options), script).lines() {
            // How long it takes is not the same on each run.
            let until = line.find(": wait ").unwrap_or(line.len());
            story.push_str(&format!("{}\n", &line[..until]));
        }
    }
    expect![[r#"
        ! chatsh: line 1: login: unauthorized: Password incorrect
        ! chatsh: line 2: login: throttled: too many attempts
        exit 3
        ! chatsh: line 1: login: throttled: too many attempts
        exit 6
        ! chatsh: login: throttled: too many attempts
        exit 6
    "#]]
    .assert_eq(&story);
}

/// It waited for half an hour, and was sent away before that.
#[test]
fn a_throttled_login_takes_no_longer_than_is_said_and_outlives_its_connection() {
    let server = Server::with(&[
        "limits.logins_per_min=40",
        "limits.login_s=1",
        "limits.spare_loopback=false",
        "limits.registrations_per_hour=1",
    ]);
    let home = Home::new();
    home.write("password", "1234\n");
    assert_eq!(
        outcome(home.chatsh_at(&server, &["-c", "/register ann 1234"]), ""),
        "Registration successful\nexit 0\n"
    );
    let new = [
        "-u",
        "bob",
        "--register",
        "--password-file",
        "password",
        "--timeout",
        "3s",
        "-c",
        "/ping",
    ];
    let said = outcome(home.chatsh_at(&server, &new), "");
    assert!(said.starts_with("! chatsh: register: throttled for "), "{said}");
    assert!(said.ends_with(" s, and --timeout is 3 s\nexit 124\n"), "{said}");
    // One is free again after longer than a connection may be nobody's.
    let wrong = "/login ann 4321\n".repeat(40);
    outcome(home.chatsh_at(&server, &["--keep-going", "--no-wait"]), wrong);
    let again = home.chatsh_at(&server, &[&AS_ANN[..], &["-c", "/ping"]].concat());
    let said = outcome(again, "");
    assert!(said.starts_with("ping: ok\n! chatsh: login: throttled, trying again in "), "{said}");
    assert!(said.ends_with(" s\nexit 0\n"), "{said}");
}

/// chatsh with a line that its server has, but will not read.
fn with_a_line_under_way(server: &Server, home: &Home, options: &[&str]) -> Run {
    let options = [&IN_GENERAL[..], options].concat();
    let mut run = Run::of(home.chatsh_at(server, &options));
    run.feed("/ping\n");
    run.wait_for_line("ping: ok");
    server.freeze();
    run.feed("hello\n");
    eventually("the line is with the server", || server.has_unread());
    run
}

#[test]
fn a_server_that_is_killed_with_a_line_under_way_leaves_its_outcome_unknown() {
    let (server, home) = server_of_ann();
    let address = server.address.to_string();
    let run = with_a_line_under_way(&server, &home, &in_two_seconds(&[]));
    server.signal("KILL");
    expect![[r#"
        ping: ok
        ! chatsh: the connection is lost: Connection reset by peer (os error 104); coming back
        ! chatsh: line 2: not back in time: cannot connect to ADDRESS: Connection refused (os error 111): does chatd run there?; the line may or may not have had its effect
        exit 7
    "#]]
    .assert_eq(&run.end().replace(&address, "ADDRESS"));
}

#[test]
fn a_reply_that_takes_too_long_ends_with_124() {
    let (server, home) = server_of_ann();
    let run = with_a_line_under_way(&server, &home, &["--timeout", "1"]);
    expect![[r#"
        ping: ok
        ! chatsh: line 2: msg: no reply within 1 s; the line may or may not have had its effect
        exit 124
    "#]]
    .assert_eq(&run.end());
    // Without a handshake there is no connection.
    let late = home.chatsh_at(&server, &["--timeout", "1"]);
    let said = outcome(late, "/list\n").replace(&server.address.to_string(), "ADDRESS");
    expect![[r#"
        ! chatsh: cannot connect to ADDRESS: no answer within 1 s
        exit 4
    "#]]
    .assert_eq(&said);
    server.signal("CONT");
}

#[test]
fn a_wait_that_is_in_vain_ends_with_124() {
    let server = Server::start();
    let script = "/register ann 1234\n/login ann 1234\n/enter general\n/wait --timeout 50ms\n";
    check(
        &server,
        &[],
        script,
        expect![[r#"
        Registration successful
        Login successful
        Welcome to the chatroom
        ! chatsh: line 4: wait: no such message within 0.05 s
        exit 124
    "#]],
    );
}

#[test]
fn the_interrupt_key_ends_with_130() {
    let (server, home) = server_of_ann();
    for line in ["/sleep 1h\n", "/wait --from bob\n"] {
        let mut run = Run::of(home.chatsh_at(&server, &IN_GENERAL));
        run.feed("/ping\n");
        run.feed(line);
        run.wait_for_line("ping: ok");
        run.signal("INT");
        assert_eq!(run.end(), "ping: ok\nexit 130\n", "{line}");
    }
    // Not only when it waits for us: here it waits for a server.
    let run = with_a_line_under_way(&server, &home, &[]);
    run.signal("INT");
    assert_eq!(run.end(), "ping: ok\nexit 130\n");
}

#[test]
fn a_script_that_is_put_out_of_its_room_ends_with_3() {
    let (server, home) = server_of_ann();
    let mut bob = server.user("bob");
    bob.ask("create", serde_json::json!({ "room": "den" }));
    bob.ask("enter", serde_json::json!({ "room": "den" }));
    let mut story = String::new();
    for (option, before) in
        [("--no-wait", "/ping"), ("--keep-going", "/ping"), ("--keep-going", "/ping\n/wait")]
    {
        let mut run =
            Run::of(home.chatsh_at(&server, &[&AS_ANN[..], &["-r", "den", option]].concat()));
        run.feed(&format!("{before}\n"));
        run.wait_for_line("ping: ok");
        let kick = serde_json::json!({ "username": "ann", "reason": "too loud" });
        assert_eq!(bob.ask("kick", kick)["status"], "ok");
        // Its stdin is still open: no line goes into the lobby.
        story.push_str(&run.end());
    }
    expect![[r#"
        ping: ok
        ! chatsh: put out of den by bob: too loud
        exit 3
        ping: ok
        ! chatsh: put out of den by bob: too loud
        exit 3
        ping: ok
        ! chatsh: line 2: put out of den by bob: too loud
        exit 3
    "#]]
    .assert_eq(&story);
}
