//! chatsh on a terminal, against a real chatd: what a person sees.

#![allow(clippy::unwrap_used)]

mod asking;
mod claims;
mod coming_back;
#[path = "../../../chatsh/tests/corpus/mod.rs"]
mod corpus;
mod ends;
mod hostile;
mod own_commands;
mod rooms;
mod secrets;
mod talking;
mod typing;
mod verbs;

use tests::{Home, Server, Terminal};

const ROWS: u16 = 24;
const COLS: u16 = 80;

/// A shell that nobody is logged in at.
fn shell(server: &Server) -> Terminal {
    let shell = Terminal::chatsh(server, ROWS, COLS, &[]);
    shell.wait_for_prompt("127.0.0.1> ");
    shell
}

/// A shell of a user who is new here, in the room general, in a home of its own.
fn member(server: &Server, name: &str) -> Terminal {
    member_with(Home::new(), server, name, &[], &[])
}

/// The same in this home, with these options and variables.
fn member_with(
    home: Home,
    server: &Server,
    name: &str,
    options: &[&str],
    environment: &[(&str, &str)],
) -> Terminal {
    home.write("password", "1234\n");
    let address = server.address.to_string();
    let into = ["--register", "-u", name, "--password-file", "password", "-r", "general"];
    let knowing = ["--pin", &server.fingerprint, "-a", &address];
    let options = [&into[..], &knowing, options].concat();
    let shell = Terminal::in_home(home, ROWS, COLS, &options, environment);
    shell.wait_for_prompt(&format!("{name}#general> "));
    shell
}

/// The lines without those that say who came and who left: they come when they come.
fn talk_of(lines: &str) -> String {
    let is_presence = |line: &&str| {
        line.starts_with("* ") && (line.ends_with(" is here") || line.ends_with(" has left"))
    };
    let talk: Vec<_> = lines.split('\n').filter(|line| !is_presence(line)).collect();
    talk.join("\n")
}

/// What a terminal must offer to these stories.
trait Typing {
    /// The screen, without who came and who left.
    fn shown(&self) -> String;

    /// Waits until the line where the cursor is has nothing but this up to the cursor.
    fn wait_for_prompt(&self, prompt: &str);

    /// Types a line, and waits for this and for the next prompt after it.
    fn enter(&mut self, line: &str, seen: &str, prompt: &str);
}

impl Typing for Terminal {
    fn shown(&self) -> String {
        talk_of(&self.look(|screen| screen.contents()))
    }

    #[track_caller]
    fn wait_for_prompt(&self, prompt: &str) {
        self.wait_for_line(prompt, |line| line == prompt);
    }

    #[track_caller]
    fn enter(&mut self, line: &str, seen: &str, prompt: &str) {
        self.type_line(line, seen);
        self.wait_for_prompt(prompt);
    }
}
