//! What the options and the language of lines promise, each promise by its name.

use std::fs::{self, File};
use std::os::unix::fs::symlink;

use expect_test::expect;
use tests::{Home, Run, Server, is_slow, outcome};

use crate::{AS_ANN, IN_GENERAL, check, server_of_ann};

/// They are frozen: a script that uses them must go on to work.
#[test]
fn the_options_are_all_there() {
    let help = outcome(Home::new().chatsh(&["--help"]), "");
    for option in [
        "-a, --address <ADDRESS>",
        "-u, --user <NAME>",
        "--password-file <F>",
        "--password-command <CMD>",
        "--token-file <F>",
        "--register",
        "-r, --room <ROOM>",
        "-c, --command <LINE>",
        "-f, --file <SCRIPT>",
        "--check",
        "--json",
        "--events",
        "--keep-going",
        "--timeout <SECS>",
        "--no-wait",
        "--pin <SHA256:...>",
        "--ca <FILE>",
        "--accept-new",
        "--known-hosts <F>",
        "--color <WHEN>",
        "--plain",
    ] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(option)), "{option}: {help}");
    }
    for verb in ["send", "tail", "history", "who", "rooms", "ask", "wait", "describe"] {
        let help = outcome(Home::new().chatsh(&[verb, "--help"]), "");
        assert!(help.contains(&format!("chatsh {verb} [OPTIONS]")), "{help}");
        assert!(help.contains("--address <ADDRESS>"), "{help}");
    }
}

#[test]
fn known_hosts_are_kept_in_the_file_that_is_named() {
    let server = Server::start();
    let home = Home::new();
    let address = server.address.to_string();
    let ping = |options: &[&str]| {
        outcome(home.chatsh(&[&["-a", &address, "-c", "/ping"], options].concat()), "")
    };
    let named = ["--known-hosts", "mine"];
    assert!(ping(&[&named[..], &["--accept-new"]].concat()).ends_with("exit 0\n"));
    assert_eq!(home.read("mine"), format!("{address} {}\n", server.fingerprint));
    assert_eq!(ping(&named), "ping: ok\nexit 0\n");
    // Nothing is known elsewhere.
    assert!(ping(&[]).ends_with("exit 5\n"));
}

#[test]
fn on_every_address_of_this_machine_the_key_file_is_believed() {
    let server = Server::with(&[r#"listen=["127.0.0.1:0", "[::1]:0"]"#]);
    let home = Home::new();
    home.write(".local/share/empty", "");
    symlink(server.data(), home.path(".local/share/chatd")).unwrap();
    for address in &server.addresses {
        let ping = home.chatsh(&["-a", &address.to_string(), "-c", "/ping"]);
        assert_eq!(outcome(ping, ""), "ping: ok\nexit 0\n", "{address}");
    }
}

#[test]
fn arguments_are_words_as_in_a_shell_and_the_last_text_is_as_it_stands() {
    let server = Server::start();
    server.user("bob");
    let script = "/register ann 'two \"words\"'\n/login ann \"two \\\"words\\\"\"\n\
                  /create --topic 'tea & cake' attic\n/create --private --topic x cellar\n\
                  /enter attic\n/msg public  'as' \"it\"  stands\\ \n\
                  /tell --key k1 bob This --key is text\n/tell bob 'psst\n";
    check(
        &server,
        &[],
        script,
        expect![[r#"
        Registration successful
        Login successful
        attic created successfully
        cellar created successfully
        Welcome to the chatroom
        ann:  'as' "it"  stands\ 
        ann => bob: This --key is text
        ann => bob: 'psst
        exit 0
    "#]],
    );
}

#[test]
fn the_options_log_in_and_enter_the_room() {
    let (server, home) = server_of_ann();
    let list = |options: &[&str]| outcome(home.chatsh_at(&server, options), "/list\n");
    assert_eq!(list(&AS_ANN), "lobby: ann\ngeneral:\nexit 0\n");
    assert_eq!(list(&IN_GENERAL), "general: ann\nexit 0\n");
    let long = ["--user", "ann", "--password-file", "password", "--room", "general"];
    assert_eq!(list(&long), "general: ann\nexit 0\n");
}

#[test]
fn two_slashes_say_one() {
    let (server, home) = server_of_ann();
    let said = outcome(home.chatsh_at(&server, &IN_GENERAL), "//list\n///x\n// \n");
    assert_eq!(said, "ann: /list\nann: //x\nann: / \nexit 0\n");
}

#[test]
fn a_comment_and_an_empty_line_are_nothing() {
    let (server, home) = server_of_ann();
    let script = "# Hello, all.\n\n#/exit\nhello\n #1\n";
    home.write("script", script);
    let said = "ann: hello\nann:  #1\nexit 0\n";
    assert_eq!(outcome(home.chatsh_at(&server, &IN_GENERAL), script), said);
    let options = [&IN_GENERAL[..], &["-f", "script"]].concat();
    assert_eq!(outcome(home.chatsh_at(&server, &options), ""), said);
}

#[test]
fn some_commands_are_done_here() {
    let (server, home) = server_of_ann();
    let mut bob = server.member("bob", "general");
    let mut run = Run::of(home.chatsh_at(&server, &IN_GENERAL));
    run.feed("/help sleep\n/sleep 1ms\nready\n");
    while bob.next()["data"]["text"] != "ready" {}
    for text in ["no", "yes, perhaps", "yes"] {
        bob.say(text);
    }
    run.feed("/wait --from bob --match '^yes$' --timeout 1m\n/quit\n/never\n");
    expect![[r#"
        /sleep TIME
          Do nothing for a while.
          time  How long: 500ms, 2s, 1m30s
          allowed in: auth, lobby, chat
          example: /sleep 2s
        ann: ready
        bob: yes
        exit 0
    "#]]
    .assert_eq(&run.end());
}

#[test]
fn a_file_on_stdin_is_checked_first_and_a_pipe_runs_line_by_line() {
    let (server, home) = server_of_ann();
    let script = "/ping\n/lits\n";
    home.write("script", script);
    let mut from_file = home.chatsh_at(&server, &AS_ANN);
    from_file.stdin(File::open(home.path("script")).unwrap());
    let output = from_file.output().unwrap();
    assert_eq!((output.status.code(), &*output.stdout), (Some(2), &b""[..]));
    assert!(output.stderr.starts_with(b"stdin:2:1: there is no command /lits"));
    assert_eq!(
        outcome(home.chatsh_at(&server, &AS_ANN), script),
        "ping: ok\n! chatsh: line 2: there is no command /lits: did you mean /list?\nexit 1\n"
    );
}

#[test]
fn the_files_that_a_script_names_are_checked_with_it() {
    let (server, home) = server_of_ann();
    home.write("in.chat", "/enter general\nhello\n");
    home.write("out.chat", "/exit\n/mgs bob hi\n/xyzzy\n");
    home.write("all.chat", "/source in.chat\nall\n/source out.chat\nhello\n/source no.chat\n");
    let report = expect![[r#"
        ! out.chat:2:1: there is no command /mgs: did you mean /msg?
        ! out.chat:3:1: there is no command /xyzzy: /help lists them
        ! all.chat:4:1: a line without a slash is said in a room, and here is none: /enter ROOM first
        ! all.chat:5:1: source: cannot read no.chat: No such file or directory (os error 2)
        exit 2
    "#]];
    for checking in [&["--check"][..], &[]] {
        let options = [&AS_ANN[..], checking, &["-f", "all.chat"]].concat();
        // Nothing of it is done.
        report.assert_eq(&outcome(home.chatsh_at(&server, &options), ""));
    }
}

#[test]
fn at_the_end_of_input_all_is_acknowledged_and_the_token_goes_on() {
    let (server, home) = server_of_ann();
    let mut bob = server.member("bob", "general");
    let options = [&IN_GENERAL[..], &["--token-file", "token"]].concat();
    // The last line does not end.
    assert_eq!(outcome(home.chatsh_at(&server, &options), "hello"), "ann: hello\nexit 0\n");
    assert_eq!(bob.next()["data"]["text"], "hello");
    let token = home.read("token");
    fs::remove_file(home.path("password")).unwrap();
    let again = home.chatsh_at(&server, &["--token-file", "token", "-c", "/ping"]);
    assert_eq!(outcome(again, ""), "ping: ok\nexit 0\n");
    assert_eq!(home.read("token"), token);
}

/// The file had a token that opened nothing any more.
#[test]
fn after_another_password_the_token_file_has_the_token_that_is_good() {
    let (server, home) = server_of_ann();
    let options = [&AS_ANN[..], &["--token-file", "token", "-c", "/passwd 1234 56789"]].concat();
    assert_eq!(outcome(home.chatsh_at(&server, &options), ""), "Password changed\nexit 0\n");
    fs::remove_file(home.path("password")).unwrap();
    let again = home.chatsh_at(&server, &["--token-file", "token", "-c", "/ping"]);
    assert_eq!(outcome(again, ""), "ping: ok\nexit 0\n");
}

/// Ten seconds are long: only the slow form waits for them.
#[test]
fn a_reply_may_take_ten_seconds() {
    if !is_slow() {
        return;
    }
    let (server, home) = server_of_ann();
    let mut run = Run::of(home.chatsh_at(&server, &IN_GENERAL));
    run.feed("/ping\n");
    run.wait_for_line("ping: ok");
    server.freeze();
    run.feed("hello\n");
    expect![[r#"
        ping: ok
        ! chatsh: line 2: msg: no reply within 10 s
        exit 124
    "#]]
    .assert_eq(&run.end());
    server.signal("CONT");
}
