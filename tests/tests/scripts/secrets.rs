//! Passwords and tokens: where they come from, and where they never are.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use expect_test::expect;
use tests::{Home, Run, Server, outcome};

use crate::{AS_ANN, server_of_ann, without_what_changes};

/// What no other text of these tests has in it.
const PASSWORD: &str = "correct horse battery";

#[test]
fn a_password_comes_from_a_file_a_variable_or_a_command() {
    let server = Server::start();
    let home = Home::new();
    home.write("password", format!("{PASSWORD}\nwhat follows is no password\n"));
    let into = |options: &[&str], variable: &str| {
        let lines = ["-u", "ann", "-r", "general", "-c", "hello"];
        let mut command = home.chatsh_at(&server, &[&lines, options].concat());
        command.env("CHATSH_PASSWORD_FILE", variable);
        outcome(command, "")
    };
    let file = ["--password-file", "password"];
    expect![[r#"
        ! chatsh: login: unauthorized: Password incorrect (or there is no such account: --register makes it)
        exit 3
    "#]]
    .assert_eq(&into(&file, ""));
    let registers = ["--register", "--password-file", "password"];
    assert_eq!(into(&registers, ""), "ann: hello\nexit 0\n");
    // That the account is there now is fine, unless the password is another.
    assert_eq!(into(&registers, ""), "ann: hello\nexit 0\n");
    assert_eq!(into(&file, ""), "ann: hello\nexit 0\n");
    assert_eq!(into(&[], "password"), "ann: hello\nexit 0\n");
    assert_eq!(into(&["--password-command", "cat password"], ""), "ann: hello\nexit 0\n");
    // What is said goes before the environment.
    home.write("wrong", "4321\n");
    assert_eq!(into(&file, "wrong"), "ann: hello\nexit 0\n");
    expect![[r#"
        ! chatsh: login: unauthorized: Password incorrect
        exit 3
    "#]]
    .assert_eq(&into(&["--register", "--password-file", "wrong"], ""));
    expect![[r#"
        ! cat: nowhere: No such file or directory
        ! chatsh: the password command failed: exit status: 1
        exit 2
    "#]]
    .assert_eq(&into(&["--password-command", "cat nowhere"], ""));
    // It was read for ever.
    expect![[r#"
        ! chatsh: the password command failed: it prints more than 65536 bytes
        exit 2
    "#]]
    .assert_eq(&into(&["--password-command", "yes"], ""));
}

#[test]
fn a_file_that_others_can_read_is_warned_about() {
    let (server, home) = server_of_ann();
    let open = fs::Permissions::from_mode(0o644);
    fs::set_permissions(home.path("password"), open).unwrap();
    let command = home.chatsh_at(&server, &AS_ANN);
    expect![[r#"
        ping: ok
        ! chatsh: others may read password: do `chmod 600 password`
        exit 0
    "#]]
    .assert_eq(&outcome(command, "/ping\n"));
}

#[test]
fn a_token_opens_the_account_until_it_is_logged_out() {
    let (server, home) = server_of_ann();
    let by_both = [&AS_ANN[..], &["--token-file", "token"]].concat();
    let by_token = ["--token-file", "token"];
    let run = |options: &[&str], script: &str| outcome(home.chatsh_at(&server, options), script);
    assert_eq!(run(&by_both, "/ping\n"), "ping: ok\nexit 0\n");
    let mode = fs::metadata(home.path("token")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let token = home.read("token");
    let script = "/enter general\nhello\n";
    assert_eq!(run(&by_token, script), "Welcome to the chatroom\nann: hello\nexit 0\n");
    let into = [&by_token[..], &["-r", "general"]].concat();
    assert_eq!(run(&into, "hello\n"), "ann: hello\nexit 0\n");
    // It is hers, and nobody else's.
    let as_bob = [&by_token[..], &["-u", "bob"]].concat();
    expect![[r#"
        ! chatsh: the token in token is ann's, not bob's
        exit 3
    "#]]
    .assert_eq(&run(&as_bob, "/ping\n"));
    expect![[r#"
        Logged out
        exit 0
    "#]]
    .assert_eq(&run(&by_token, "/logout\n"));
    expect![[r#"
        ! chatsh: resume: unauthorized: the token opens nothing: log in with the password
        exit 3
    "#]]
    .assert_eq(&run(&by_token, "/ping\n"));
    expect![[r#"
        ping: ok
        ! chatsh: the server does not take the token in token any more
        exit 0
    "#]]
    .assert_eq(&run(&by_both, "/ping\n"));
    assert_ne!(home.read("token"), token);
    // What a full disk, or another program, has left of it.
    home.write("token", &token[..20]);
    expect![[r#"
        ! chatsh: token holds no token
        exit 2
    "#]]
    .assert_eq(&run(&by_token, "/ping\n"));
    expect![[r#"
        ping: ok
        ! chatsh: token holds no token
        exit 0
    "#]]
    .assert_eq(&run(&by_both, "/ping\n"));
    assert_eq!(run(&by_token, "/ping\n"), "ping: ok\nexit 0\n");
}

#[test]
fn a_secret_is_not_in_the_command_line_nor_in_any_output() {
    let server = Server::with(&["log.level=trace"]);
    let home = Home::new();
    home.write("password", format!("{PASSWORD}\n"));
    let options = [
        "-u",
        "ann",
        "--register",
        "--password-file",
        "password",
        "--token-file",
        "token",
        "--json",
        "--events",
        "--keep-going",
    ];
    let mut run = Run::of(home.chatsh_at(&server, &options));
    run.feed("/ping\n");
    run.wait_for_line("ping");
    let token = home.read("token");
    let token = token.trim().to_owned();
    let process = format!("/proc/{}", run.pid());
    let cmdline = fs::read_to_string(format!("{process}/cmdline")).unwrap();
    let environ = fs::read_to_string(format!("{process}/environ")).unwrap();
    // Lines with secrets in them: good, mistyped, with too much, where they are not allowed.
    run.feed(&format!("/logout\n/login ann '{PASSWORD}'\n/logout\n/resume {token}\n"));
    run.feed(&format!("/login ann '{PASSWORD}' more\n/lgin ann '{PASSWORD}'\n"));
    run.feed(&format!("/login '{PASSWORD}' ann\n/register ann '{PASSWORD}'\n/quit\n"));
    let said = run.end();
    expect![[r#"
        {"type":"ping","status":"ok","data":{"ts":"…"},"id":1}
        {"type":"logout","status":"ok","message":"Logged out","id":2}
        {"type":"login","status":"ok","data":{"username":"ann","chatroom":"lobby","token":"…"},"message":"Login successful","id":3}
        {"type":"logout","status":"ok","message":"Logged out","id":4}
        {"type":"resume","status":"error","message":"the token opens nothing: log in with the password","id":5,"code":"unauthorized"}
        {"type":"login","status":"error","data":{"field":"username"},"message":"username: a name has no ' ' in it: letters, digits, _ - . are fine","id":8,"code":"bad_request"}
        {"type":"register","status":"error","message":"there is or was an account \"ann\", or one that looks like it","id":9,"code":"name_taken"}
        ! chatsh: line 5: resume: unauthorized: the token opens nothing: log in with the password
        ! chatsh: line 6: login: these are not its arguments (one with blanks or quotes is quoted): /login USERNAME PASSWORD
        ! chatsh: line 7: there is no command /lgin: did you mean /login?
        ! chatsh: line 8: login: bad_request: username: a name has no ' ' in it: letters, digits, _ - . are fine
        ! chatsh: line 9: register: name_taken: there is or was an account "ann", or one that looks like it
        exit 3
    "#]].assert_eq(&without_what_changes(&said));
    let (_, log) = server.stop();
    for (place, text) in
        [("cmdline", &cmdline), ("environ", &environ), ("output", &said), ("log", &log)]
    {
        for secret in [PASSWORD, &token] {
            assert!(!text.contains(secret), "{secret:?} stands in the {place}: {text}");
        }
    }
}
