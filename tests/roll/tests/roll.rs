//! A command from outside, used by a client that has never heard of it.

use serde_json::json;
use tests::{Home, Server, Terminal, chatsh, outcome};

fn server() -> Server {
    Server::of(env!("CARGO_BIN_EXE_chatd-with-roll"), &[])
}

#[test]
fn a_plugged_in_command_runs_in_an_unchanged_chatsh() {
    let server = server();
    server.user("ann");
    let script = "/login ann 1234\n/roll 2d6\n";
    let output = chatsh(&server, &["--json"], script);
    assert!(output.status.success(), "{output:?}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    let rolled: serde_json::Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
    let faces = rolled["data"]["faces"].as_array().unwrap();
    assert_eq!(faces.len(), 2);
    assert_eq!(
        faces.iter().map(|face| face.as_u64().unwrap()).sum::<u64>(),
        rolled["data"]["total"]
    );
}

#[test]
fn its_refusal_names_the_field() {
    let server = server();
    let mut ann = server.user("ann");
    let refused = ann.ask("roll", json!({ "dice": "many" }));
    assert_eq!(
        (&refused["code"], &refused["data"]["field"]),
        (&json!("bad_request"), &json!("dice"))
    );
}

#[test]
fn an_unchanged_chatsh_completes_and_explains_it() {
    let server = server();
    server.user("ann");
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "1234\n").unwrap();
    let password = ["-u", "ann", "--password-file", secret.path().to_str().unwrap()];
    let mut shell = Terminal::chatsh(&server, 24, 80, &password);
    shell.wait_for_text("ann@lobby> ");
    shell.type_keys("/help roll\r");
    shell.wait_for_text("Throw dice");
    shell.wait_for_text("How many dice, and how many faces each has");
    shell.type_keys("/ro\t");
    shell.wait_for_line("the completed word", |line| line.ends_with("/roll "));
    shell.type_keys("3d6\r");
    shell.wait_for_text("3d6: ");
}

#[test]
fn an_unchanged_chatsh_describes_it_to_programs() {
    let said = outcome(Home::new().chatsh_at(&server(), &["describe", "roll"]), "");
    assert!(said.starts_with("/roll DICE\n") && said.ends_with("exit 0\n"), "{said}");
}
