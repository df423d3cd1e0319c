//! The command line of chatd, without a server.

#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};

fn chatd(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chatd")).args(arguments).env_clear().output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn what_config_print_prints_is_a_configuration() {
    let settings =
        ["--set", "limits.frame=1000", "--set", "motd=it's \"on\"", "--listen", "[::1]:0"];
    let printed = chatd(&[&settings[..], &["config", "print"]].concat());
    assert!(printed.status.success(), "{printed:?}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chatd.toml");
    std::fs::write(&file, &printed.stdout).unwrap();
    let again = chatd(&["--config", file.to_str().unwrap(), "config", "print"]);
    assert!(again.status.success(), "{again:?}");
    let values = |output: &Output| -> Vec<String> {
        let lines = text(&output.stdout).lines();
        lines
            .map(|line| line.rsplit_once(" # ").unwrap_or((line, "")).0.trim().to_owned())
            .collect()
    };
    assert_eq!(values(&again), values(&printed));
    assert!(values(&again).contains(&"frame = 1000".to_owned()));
}

#[test]
fn a_wrong_configuration_ends_with_2_and_says_what_to_do() {
    for (arguments, words) in [
        (&["--set", "limits.fame=1"][..], "did you mean \"limits.frame\"?"),
        (&["--set", "durability=forever"], "durability (command line)"),
        (&["--set", "limits.frame=-1"], "limits.frame (command line)"),
        (&["--config", "/nowhere/chatd.toml"], "/nowhere/chatd.toml"),
        (&["--set", "nothing"], "write KEY=VALUE"),
        (&["--frobnicate"], "--frobnicate"),
    ] {
        let output = chatd(&[arguments, &["config", "check"]].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let stderr = text(&output.stderr);
        assert!(stderr.contains(words), "{arguments:?}: {stderr}");
    }
}

#[test]
fn the_schema_describes_every_command() {
    let output = chatd(&["schema"]);
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let commands = schema["$defs"]["commands"].as_object().unwrap();
    assert_eq!(commands.len(), commands::commands().count());
    assert_eq!(commands["enter"]["request"]["properties"]["data"]["required"][0], "room");
}
