//! How a verb ends: every exit code of the table, provoked for real.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;

use tests::{Home, Run, Server, eventually, outcome};

use crate::{as_ann, place};

/// The code at the end of what came of a program.
#[track_caller]
fn code(story: &str) -> u8 {
    let last = story.lines().last().unwrap_or_default();
    last.strip_prefix("exit ")
        .and_then(|code| code.parse().ok())
        .unwrap_or_else(|| panic!("{story}"))
}

#[test]
fn every_exit_code_of_the_table_is_provoked() {
    let (server, home) = place();
    let run = |arguments: &[&str]| code(&outcome(as_ann(&server, &home, arguments), "hi\n"));
    let mut seen = BTreeSet::new();
    let mut expect = |expected: u8, code: u8| {
        assert_eq!(code, expected);
        seen.insert(code);
    };
    expect(0, run(&["send", "-r", "general", "hi"]));
    expect(1, run(&["send", "-r", "nowhere", "hi"]));
    expect(1, run(&["send", "-r", "general", "bell: \u{7}"]));
    expect(2, run(&["send", "hi"]));
    expect(2, run(&["tail", "-r", "general", "--since", "yesterday"]));
    expect(2, run(&["history", "-r", "general", "--since", "2099-01-01"]));
    expect(2, run(&["send", "-r", "general", "--check", "hi"]));
    home.write("wrong", "4321\n");
    let guess = |server: &Server| {
        let arguments = ["-u", "ann", "--password-file", "wrong", "who", "--no-wait"];
        code(&outcome(home.chatsh_at(server, &arguments), ""))
    };
    expect(3, guess(&server));
    let wrong = |more: &[&str]| {
        let at = ["-u", "ann", "--password-file", "password", "who", "--timeout", "5"];
        code(&outcome(home.chatsh(&[&at[..], more].concat()), ""))
    };
    expect(4, wrong(&["-a", "127.0.0.1:1"]));
    expect(5, wrong(&["-a", &server.address.to_string()]));
    let other = "SHA256:7Q9Zbtvg8q6W0qV+4L8N75s0HNMqOlJJMhFFH410YtY";
    expect(5, wrong(&["-a", &server.address.to_string(), "--pin", other]));

    let strict = Server::with(&["limits.logins_per_min=1", "limits.spare_loopback=false"]);
    expect(3, guess(&strict));
    expect(6, guess(&strict));

    let web = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = web.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let (mut stream, _) = web.accept().unwrap();
        let _ = stream.read(&mut [0; 100]);
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    expect(8, wrong(&["-a", &address]));

    expect(124, run(&["wait", "-r", "general", "--timeout", "50ms"]));
    expect(124, run(&["ask", "-r", "general", "anybody?", "--timeout", "50ms"]));

    let mut eve = server.member("eve", "general");
    let tail = Run::of(as_ann(&server, &home, &["tail", "-r", "general"]));
    eventually("ann is there", || {
        eve.ask("list", serde_json::json!({})).to_string().contains("ann")
    });
    tail.signal("INT");
    expect(130, code(&tail.end()));
    let send = ["send", "-r", "general", "--lines", "--json"];
    let mut lines = Run::of(as_ann(&server, &home, &send));
    lines.feed("one\ntwo\n");
    lines.wait_for_line("two");
    lines.signal("INT");
    let said = lines.end();
    assert!(said.contains("interrupted; line 2 is the last that was acknowledged"), "{said}");
    expect(130, code(&said));

    // The operator changes ann's password: to try again would be for nothing.
    let tail = Run::of(as_ann(&server, &home, &["tail", "-r", "general"]));
    eventually("ann is there", || {
        eve.ask("list", serde_json::json!({})).to_string().contains("ann")
    });
    let passwd = tests::run_chatd(&server.data(), &["user", "passwd", "ann"], "5678\n");
    assert!(passwd.status.success(), "{passwd:?}");
    expect(3, code(&tail.end()));
    server.wait_for_log_of(&["changed a password", "user=ann"]);

    // Cut after the reply, and before it; the server does not come back.
    for (is_under_way, expected) in [(false, 4), (true, 7)] {
        let (server, home) = place();
        let mut eve = server.member("eve", "general");
        let send = ["send", "-r", "general", "--lines", "--json", "--timeout", "3"];
        let mut run = Run::of(as_ann(&server, &home, &send));
        run.feed("one\n");
        run.wait_for_line("one");
        assert_eq!(eve.next()["data"]["text"], "one");
        if is_under_way {
            server.freeze();
            run.feed("two\n");
            eventually("the line is with the server", || server.has_unread());
        }
        server.signal("KILL");
        expect(expected, code(&run.end()));
    }
    assert_eq!(seen, table());
}

/// Help that was not written was a success.
#[test]
fn help_that_cannot_be_written_is_an_error_unless_nobody_reads_it() {
    let home = Home::new();
    for argument in ["--help", "--version"] {
        let chatsh = |stdout: Stdio| {
            let mut command = home.chatsh(&[argument]);
            let output = command.stdout(stdout).stderr(Stdio::piped()).output().unwrap();
            (output.status.code(), String::from_utf8(output.stderr).unwrap())
        };
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        assert_eq!(chatsh(writer.into()), (Some(0), String::new()), "{argument}");
        let full = File::options().write(true).open("/dev/full").unwrap();
        let (code, said) = chatsh(full.into());
        assert_eq!(code, Some(1), "{argument}");
        assert!(said.starts_with("chatsh: cannot write to stdout: No space left"), "{said}");
    }
}

/// The codes that the help explains.
fn table() -> BTreeSet<u8> {
    let help = chatsh::options::command().get_after_help().unwrap().to_string();
    let codes = help.lines().skip(1).map_while(|line| line.trim().split_once(' '));
    codes.map_while(|(code, _)| code.parse().ok()).collect()
}
