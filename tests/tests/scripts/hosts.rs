//! Hosts that have a name in chatsh.toml: where they are, who to be there, how they are
//! known.

use expect_test::{Expect, expect};
use tests::{Home, Server, outcome};

use crate::server_of_ann;

const CONFIG: &str = ".config/chatsh/chatsh.toml";

/// A home where `work` is this server, with ann's password beside the configuration.
fn home_with_work(server: &Server, more: &str) -> Home {
    let home = Home::new();
    let Server { address, fingerprint, .. } = server;
    home.write(
        CONFIG,
        format!("[hosts.work]\naddress = \"{address}\"\npin = \"{fingerprint}\"\n{more}"),
    );
    home.write(".config/chatsh/ann", "1234\n");
    home
}

/// Runs chatsh with these arguments, one line after the other, knowing no address.
#[track_caller]
fn check(home: &Home, lines: &[&str], expected: Expect) {
    let mut story = String::new();
    for line in lines {
        story.push_str(&format!("$ chatsh {line}\n"));
        let arguments: Vec<_> = line.split(' ').collect();
        story.push_str(&outcome(home.chatsh(&arguments), ""));
    }
    expected.assert_eq(&story);
}

#[test]
fn a_name_is_all_that_has_to_be_said() {
    let (server, _) = server_of_ann();
    server.user("bob");
    let home = home_with_work(
        &server,
        "user = \"ann\"\nroom = \"general\"\npassword_file = \"ann\"\ntoken_file = \"~/token\"\n",
    );
    home.write("bob", "1234\n");
    check(
        &home,
        &[
            "work -c hello",
            "work -c /list",
            "-a work send hi",
            "send -a work hi",
            "-a work tail --since 0 --count 1",
            "-a work rooms",
            "-a work who",
            // Options count more; secrets of another are not used.
            "work -u bob -c /list",
            "work -u bob --password-file bob -c /list",
            "work -r nowhere -c /list",
            // So does what stands around the name.
            "work/nowhere -c /list",
            "bob@work --password-file bob -c /list",
            "bob@work -c /list",
        ],
        expect![[r#"
            $ chatsh work -c hello
            ann: hello
            exit 0
            $ chatsh work -c /list
            general: ann
            exit 0
            $ chatsh -a work send hi
            exit 0
            $ chatsh send -a work hi
            exit 0
            $ chatsh -a work tail --since 0 --count 1
            ann: hello
            exit 0
            $ chatsh -a work rooms
            general  0
            exit 0
            $ chatsh -a work who
            ann  lobby
            exit 0
            $ chatsh work -u bob -c /list
            ! chatsh: there is no terminal to ask for the password on: say --password-file, --password-command or --token-file
            exit 2
            $ chatsh work -u bob --password-file bob -c /list
            general: bob
            exit 0
            $ chatsh work -r nowhere -c /list
            ! chatsh: enter: no_such_room: there is no room "nowhere"
            exit 1
            $ chatsh work/nowhere -c /list
            ! chatsh: enter: no_such_room: there is no room "nowhere"
            exit 1
            $ chatsh bob@work --password-file bob -c /list
            general: bob
            exit 0
            $ chatsh bob@work -c /list
            ! chatsh: there is no terminal to ask for the password on: say --password-file, --password-command or --token-file
            exit 2
        "#]],
    );
    let other = "SHA256:7Q9Zbtvg8q6W0qV+4L8N75s0HNMqOlJJMhFFH410YtY";
    let story = outcome(home.chatsh(&["work", "--pin", other, "-c", "/list"]), "");
    assert!(story.ends_with("exit 5\n"), "{story}");
    // The token was kept, and is ann's.
    assert!(home.read("token").len() > 20);
    let mut by_variable = home.chatsh(&["-c", "/list"]);
    by_variable.env("CHATSH_ADDRESS", "work");
    assert_eq!(outcome(by_variable, ""), "general: ann\nexit 0\n");
    home.write("elsewhere/chatsh/chatsh.toml", "[hosts.work]\naddress = \"127.0.0.1:1\"\n");
    let mut elsewhere = home.chatsh(&["work", "-c", "/list"]);
    elsewhere.env("XDG_CONFIG_HOME", home.path("elsewhere"));
    let story = outcome(elsewhere, "");
    assert!(story.starts_with("! chatsh: cannot connect to 127.0.0.1:1: "), "{story}");
}

#[test]
fn a_password_can_come_from_a_command_and_the_server_be_known_by_its_authority() {
    let (server, home) = server_of_ann();
    let certificate = std::fs::read(server.data().join("cert.pem")).unwrap();
    home.write(".config/chatsh/ca.pem", certificate);
    let config = format!(
        "[hosts.work]\naddress = \"ann@localhost:{}/general\"\nca = \"ca.pem\"\n\
         password_command = \"cat password\"\n",
        server.address.port()
    );
    home.write(CONFIG, config);
    let story = outcome(home.chatsh(&["work", "-c", "/list"]), "");
    assert_eq!(story, "general: ann\nexit 0\n");
    // The variable is for hosts of which nothing is said.
    home.write("wrong", "4321\n");
    let mut command = home.chatsh(&["work", "-c", "/list"]);
    command.env("CHATSH_PASSWORD_FILE", "wrong");
    assert_eq!(outcome(command, ""), story);
}

#[test]
fn what_is_wrong_in_the_file_is_said_before_anything_is_done() {
    let server = Server::start();
    let mut story = String::new();
    for more in ["usr = \"ann\"\n", "user = ann\n", "ca = \"ca.pem\"\n", "[host.home]\n"] {
        let home = home_with_work(&server, more);
        story.push_str(more);
        let said = outcome(home.chatsh(&["work", "-c", "/list"]), "");
        story.push_str(&said.replace(home.path("").to_str().unwrap(), "~/"));
    }
    expect![[r#"
        usr = "ann"
        ! chatsh: ~/.config/chatsh/chatsh.toml: hosts.work: there is no key "usr": did you mean "user"?
        exit 2
        user = ann
        ! chatsh: ~/.config/chatsh/chatsh.toml: line 4: string values must be quoted, expected literal string
        exit 2
        ca = "ca.pem"
        ! chatsh: ~/.config/chatsh/chatsh.toml: hosts.work: a server is known by its pin or by its ca, not by both
        exit 2
        [host.home]
        ! chatsh: ~/.config/chatsh/chatsh.toml: there is no key "host": did you mean "hosts"?; there are [shell] and [hosts.NAME]
        exit 2
    "#]].assert_eq(&story);
}

/// It was said only that a host work cannot be found.
#[test]
fn a_name_that_nobody_knows_may_be_missing_in_the_file() {
    let home = Home::new();
    home.write("password", "1234\n");
    let who = |address: &str| {
        let options = ["-u", "ann", "--password-file", "password", "-a", address, "who"];
        outcome(home.chatsh(&options), "")
    };
    let file = home.path(CONFIG);
    let hint = format!("; and there is no [hosts.wrok] in {}\nexit 4\n", file.display());
    let said = who("wrok");
    assert!(said.starts_with("! chatsh: cannot connect to wrok:65432: "), "{said}");
    assert!(said.ends_with(&hint), "{said}");
    let said = who("chat.invalid");
    assert!(!said.contains("[hosts"), "{said}");
    home.write(CONFIG, "[hosts.home]\naddress = \"127.0.0.1:1\"\n");
    let said = who("home:77");
    assert!(said.contains("; [hosts.home] in ") && said.contains("without a port\n"), "{said}");
    // Who to be there may be what is missing.
    let said = outcome(home.chatsh(&["-a", "wrok", "send", "-r", "ci", "x"]), "");
    let hint = hint.replace("exit 4", "exit 2");
    assert!(
        said.contains("say NAME@HOST/ROOM, or -u NAME; and ") && said.ends_with(&hint),
        "{said}"
    );
}
