//! Which bytes are a line, and that others do not change what a script prints.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use expect_test::expect;
use serde_json::json;
use tests::{Client, Home, Server, is_slow, outcome};

use crate::{IN_GENERAL, check, server_of_ann};

#[test]
fn a_line_ends_as_on_any_system_and_the_last_one_need_not_end() {
    let script = "/register ann 1234\r\n# A comment.\r\n\r\n/login ann 1234\r\n/enter general\r\n\
                  hello\r\n  two blanks\r\n//x\r\n/msg public \"as it stands\"\r\nlast";
    check(
        &Server::start(),
        &[],
        script,
        expect![[r#"
        Registration successful
        Login successful
        Welcome to the chatroom
        ann: hello
        ann:   two blanks
        ann: /x
        ann: "as it stands"
        ann: last
        exit 0
    "#]],
    );
}

#[test]
fn what_is_no_line_is_told_with_its_number() {
    let (server, home) = server_of_ann();
    let long = "x".repeat(1024 * 1024 + 1);
    for (bytes, expected) in [
        (
            &b"/ping\na\0b\n"[..],
            expect![[r#"
            ping: ok
            ! chatsh: line 2: there is a NUL character: is this a text file?
            exit 1
        "#]],
        ),
        (
            b"/ping\n\n\xff\n",
            expect![[r#"
            ping: ok
            ! chatsh: line 3: this is not UTF-8
            exit 1
        "#]],
        ),
        (
            &[b"/ping\n", long.as_bytes()].concat(),
            expect![[r#"
            ping: ok
            ! chatsh: line 2: the line is longer than 1048576 bytes
            exit 1
        "#]],
        ),
        // Far longer, and the last: it ended chatsh with a panic.
        (
            &[b"/ping\n", long.repeat(4).as_bytes()].concat(),
            expect![[r#"
            ping: ok
            ! chatsh: line 2: the line is longer than 1048576 bytes
            exit 1
        "#]],
        ),
        // One that is a line, but more than the server takes.
        (
            &[b"/ping\n", &long.as_bytes()[..70_000]].concat(),
            expect![[r#"
                ping: ok
                ! chatsh: line 2: msg: a request of 70095 bytes, the server takes 65536
                exit 1
            "#]],
        ),
        (
            &[b"/ping\n", &long.as_bytes()[..20_000]].concat(),
            expect![[r#"
            ping: ok
            ! chatsh: line 2: msg: too_long: text: 20000 bytes, the limit is 16384 (limits.text)
            exit 1
        "#]],
        ),
    ] {
        let said = outcome(home.chatsh_at(&server, &IN_GENERAL), bytes);
        expected.assert_eq(&said);
        // The same in a file; what the server has to say comes only when it is sent.
        if bytes.len() < 100 || bytes.len() > 1024 * 1024 {
            home.write("bad.chat", bytes);
            let options = [&IN_GENERAL[..], &["-f", "bad.chat"]].concat();
            let said = outcome(home.chatsh_at(&server, &options), "");
            let line = said.strip_prefix("! bad.chat:").unwrap_or_else(|| panic!("{said}"));
            let number = if bytes.contains(&0xff) { "3:" } else { "2:" };
            assert!(line.starts_with(number) && line.ends_with("\nexit 2\n"), "{said}");
        }
    }
}

/// One who talks in general until dropped.
struct Chatter {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Chatter {
    fn of(mut member: Client) -> Chatter {
        let is_over = Arc::new(AtomicBool::new(false));
        let is_enough = is_over.clone();
        let thread = std::thread::spawn(move || {
            for id in 0.. {
                let data = json!({ "to": "public", "text": "chatter" });
                member.send(&json!({ "type": "msg", "data": data, "id": id }));
                while member.next()["id"] != id {}
                if is_enough.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
        Chatter { is_over, thread: Some(thread) }
    }
}

impl Drop for Chatter {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

#[test]
fn a_script_prints_the_same_bytes_whatever_others_say() {
    let server = Server::with(&["limits.commands_per_s=0"]);
    server.user("ann");
    let home = Home::new();
    home.write("password", "1234\n");
    let script = "one\n/msg bob two\n/list\nthree\n/exit\n/list\n/enter general\n/list\nfour\n";
    let run = |options: &[&str]| {
        let options = [&IN_GENERAL[..], options].concat();
        outcome(home.chatsh_at(&server, &options), script)
    };
    let (runs, others) = if is_slow() { (200, 50) } else { (10, 5) };
    let names: Vec<_> = (1..others).map(|number| format!("other{number:02}")).collect();
    let names = [&["bob".to_owned()], &names[..]].concat();
    let chatters: Vec<_> =
        names.iter().map(|name| Chatter::of(server.member(name, "general"))).collect();
    let first = run(&[]);
    let there = names.join(", ");
    expect![[r#"
        ann: one
        ann -> bob: two
        general: ann, THERE
        ann: three
        Exited chatroom, returned to lobby
        lobby: ann
        general: THERE
        Welcome to the chatroom
        general: ann, THERE
        ann: four
        exit 0
    "#]]
    .assert_eq(&first.replace(&there, "THERE"));
    for _ in 1..runs {
        assert_eq!(run(&[]), first);
    }
    // They did talk.
    assert!(run(&["--events"]).contains("other01: chatter\n"));
    drop(chatters);
}

/// The room and `more: false` were lines beside the messages, which stood to the right.
#[test]
fn a_page_of_messages_is_the_messages() {
    let server = Server::start();
    server.user("bob");
    let script = "/register ann 1234\n/login ann 1234\n/inbox\n/tell bob psst\n/inbox --after 0\n\
                  /enter general\none\ntwo\nthree\n/history\n/history --limit 2\n\
                  /history --after 1 --limit 1\n/history --search nothing\n";
    check(
        &server,
        &[],
        script,
        expect![[r#"
        Registration successful
        Login successful
        ann => bob: psst
        ann => bob: psst
        Welcome to the chatroom
        ann: one
        ann: two
        ann: three
        ann: one
        ann: two
        ann: three
        ann: two
        ann: three
        ann: one
        exit 0
    "#]],
    );
}
