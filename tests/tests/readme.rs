//! What README.md shows is what happens.
//!
//! Its `console` blocks are run, in order, against a new server; what each command
//! prints has to stand below it. To write what they print now:
//!
//!     UPDATE_EXPECT=1 cargo test -p tests --test readme

#![allow(clippy::unwrap_used)]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use expect_test::expect_file;
use serde_json::json;
use tests::{Server, program};

/// Stands between what one command prints and what the next one does.
const MARK: char = '\u{1}';

#[test]
fn the_commands_in_the_readme_print_what_it_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let place = Place::new();
    let mut fresh = String::new();
    let mut block: Option<Vec<&str>> = None;
    for line in readme.lines() {
        match &mut block {
            Some(commands) if line == "```" => {
                for (command, output) in commands.iter().zip(place.run(commands)) {
                    fresh.push_str(&format!("$ {command}\n{output}"));
                }
                block = None;
            }
            Some(commands) => {
                commands.extend(line.strip_prefix("$ "));
                continue;
            }
            None if line == "```console" => block = Some(Vec::new()),
            None => {}
        }
        fresh.push_str(line);
        fresh.push('\n');
    }
    assert!(fresh.contains("Hello everyone!"), "no block was run");
    expect_file![path].assert_eq(&fresh);
}

/// Where a reader of the README sits: a folder, a home, and a server of his own.
struct Place {
    server: Server,
    home: tempfile::TempDir,
}

/// Programs that the reader has: what is built, and what is done in the end.
const PROGRAMS: [(&str, &str); 2] = [
    (
        "make",
        "#!/bin/sh\necho cc -o hello hello.c\n\
         echo 'hello.c:1:1: warning: nothing happens here' >&2\n",
    ),
    ("deploy", "#!/bin/sh\necho 1.4 is out\n"),
];

impl Place {
    fn new() -> Place {
        let server = Server::with(&[r#"rooms=["general", "deploys"]"#]);
        let home = tempfile::tempdir().unwrap();
        for (name, text) in PROGRAMS {
            let path = home.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        }
        // A colleague, who likes to ship.
        let mut ann = server.member("ann", "deploys");
        std::thread::spawn(move || {
            while let Some(heard) = ann.receive() {
                if heard["data"]["text"] == "Ship 1.4?" {
                    ann.send(&json!({ "type": "msg", "data": { "to": "public", "text": "yes" } }));
                }
            }
        });
        Place { server, home }
    }

    /// What each of these commands prints, in one shell.
    fn run(&self, commands: &[&str]) -> Vec<String> {
        let mut script = String::from("exec 2>&1\n");
        for command in commands {
            // `$?` is kept for the next command.
            script.push_str(&format!("{command}\nkept=$?; printf '\\001'; (exit $kept)\n"));
        }
        let programs = program("chatsh").parent().unwrap().to_owned();
        let others = std::env::var("PATH").unwrap_or_default();
        let Server { address, fingerprint, .. } = &self.server;
        let output = Command::new("sh")
            .args(["-c", &script])
            .env_clear()
            .env("PATH", format!("{}:{}:{others}", self.home.path().display(), programs.display()))
            .env("HOME", self.home.path())
            .env("CHATSH_ADDRESS", format!("chat://{address}#{fingerprint}"))
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_terminator(MARK).map(String::from).collect()
    }
}
