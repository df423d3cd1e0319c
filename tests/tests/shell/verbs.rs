//! Verbs on a terminal: what people see of them.

use tests::{Home, Server, Terminal};

use crate::COLS;

#[test]
fn what_is_followed_on_a_terminal_fakes_no_line_either() {
    let server = Server::start();
    server.user("ann");
    let mut eve = server.member("eve", "general");
    let fill = "x".repeat(usize::from(COLS) - "eve: ".len());
    for text in [&*format!("{fill}bob: fake"), "one\nbob: fake", "\u{202e}sdrawkcab", "the end"] {
        let said = eve.say(text);
        assert_eq!(said["status"], "ok", "{said}");
    }
    let home = Home::new();
    home.write("password", "1234\n");
    let address = server.address.to_string();
    for verb in [&["tail", "--since", "0"][..], &["history"]] {
        let at = ["-a", &address, "--pin", &server.fingerprint, "-u", "ann", "-r", "general"];
        let at = [&at[..], &["--password-file", "password", "--color", "never"]].concat();
        let arguments = [&at[..], verb].concat();
        let ann = Terminal::in_home(home.clone(), 24, COLS, &arguments, &[]);
        ann.wait_for_text("eve: the end");
        let rows: Vec<_> = ann.look(|screen| screen.rows(0, COLS).collect());
        assert!(!rows.iter().any(|row| row.starts_with("bob")), "{rows:#?}");
        let behind_the_bar = rows.iter().filter(|row| row.trim_start().starts_with("│ "));
        assert_eq!(behind_the_bar.count(), 2, "{rows:#?}");
        // Who reads what is past sees its number and when it was.
        let has_numbers =
            rows.iter().any(|row| row.starts_with("5 ") && row.contains("eve: the end"));
        assert_eq!(has_numbers, verb == ["history"], "{rows:#?}");
        assert!(rows.iter().any(|row| row.contains("\\u{202e}")), "{rows:#?}");
    }
}
