//! What helps while a line is typed: completion, hints, the history, keys.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::Duration;

use expect_test::expect;
use serde_json::json;
use tests::{Home, Server, Terminal};

use crate::{COLS, ROWS, Typing, member, member_with, shell};

const HISTORY: &str = ".local/state/chatsh/history";

/// Types this and waits for what becomes of it at the prompt; then clears the line.
#[track_caller]
fn completes(shell: &mut Terminal, typed: &str, prompt: &str, line: &str) {
    shell.type_keys(typed);
    shell.wait_for_prompt(&format!("{prompt}{line}"));
    shell.type_keys("\u{3}");
    shell.wait_for_prompt(prompt);
}

#[test]
fn one_candidate_is_completed_with_a_blank() {
    let server = Server::start();
    let mut ann = shell(&server);
    completes(&mut ann, "/l\t", "127.0.0.1> ", "/login ");
    completes(&mut ann, "/help reg\t", "127.0.0.1> ", "/help register ");
    // Of several candidates what they share, without one.
    completes(&mut ann, "/re\t", "127.0.0.1> ", "/re");
}

#[test]
fn tab_completes_what_is_allowed_here_and_what_there_is() {
    let server = Server::start();
    server.user("harper").ask("create", serde_json::json!({ "room": "attic" }));
    let _bob = server.member("bob", "general");
    let mut ann = shell(&server);
    let out = "127.0.0.1> ";
    completes(&mut ann, "/l\t", out, "/login ");
    completes(&mut ann, "/li\t", out, "/li");
    ann.enter("/register ann 1234", "successful", out);
    ann.enter("/login ann 1234", "successful", "ann@lobby> ");
    completes(&mut ann, "/en\t", "ann@lobby> ", "/enter ");
    completes(&mut ann, "/log\t", "ann@lobby> ", "/logout ");
    ann.enter("/list", "attic:", "ann@lobby> ");
    completes(&mut ann, "/en\tat\t", "ann@lobby> ", "/enter attic ");
    completes(&mut ann, "/help cr\t", "ann@lobby> ", "/help create ");
    completes(
        &mut ann,
        "/create ops --history s\t",
        "ann@lobby> ",
        "/create ops --history since_join ",
    );
    completes(&mut ann, "/create ops --to\t", "ann@lobby> ", "/create ops --topic ");
    ann.enter("/enter general", "Welcome", "ann#general> ");
    completes(&mut ann, "/msg b\thi", "ann#general> ", "/msg bob hi");
    completes(&mut ann, "/msg p\t", "ann#general> ", "/msg public ");
    completes(&mut ann, "is b\t", "ann#general> ", "is bob ");
    // Two candidates are shown, and the line stays.
    ann.type_keys("/ex\t");
    ann.wait_for_prompt("ann#general> /exit ");
    ann.type_keys("\u{15}/he\t\t");
    ann.wait_for_text("/hello");
    ann.wait_for_text("/help");
    ann.wait_for_prompt("ann#general> /hel");
}

/// It was paged through, by keys that nobody knew, and what others said waited for that.
#[test]
fn more_candidates_than_the_window_has_place_for_are_counted() {
    let server = Server::start();
    let home = Home::new();
    (0..300).for_each(|number| home.write(&format!("file{number:03}.chat"), ""));
    let mut ann = member_with(home.clone(), &server, "ann", &[], &[]);
    let mut bob = server.member("bob", "general");
    let line = format!("/source {}/file", home.path("").display());
    let line = line.replace("//", "/");
    ann.type_keys(&format!("{line}\t\t"));
    ann.wait_for_text("… ");
    ann.wait_for("how many more", |screen| screen.contains(" more\nann#general> /source "));
    bob.say("hello");
    ann.wait_for_text("bob: hello");
    ann.type_keys("\u{3}");
    ann.wait_for_prompt("ann#general> ");
    completes(&mut ann, "/source ~/file299\t", "ann#general> ", "/source ~/file299.chat ");
}

/// As many rows of the list were lost as the line had beyond its first.
#[test]
fn a_list_stands_above_a_line_of_several_rows() {
    let server = Server::start();
    let _bob = server.member("bob", "general");
    let mut ann = member(&server, "ann");
    let _bobby = server.member("bobby", "general");
    ann.wait_for_text("bobby is here");
    for long in ["word ".repeat(25), "one\u{1b}\r".repeat(3)] {
        ann.type_keys(&format!("{long}bo\t\t"));
        ann.wait_for("the list above the line", |screen| {
            let list = screen.rsplit_once("\nann#general> ").map_or("", |(before, _)| before);
            list.trim_end().ends_with("bob     bobby")
        });
        ann.type_keys("\u{3}");
        ann.wait_for_prompt("ann#general> ");
    }
}

#[test]
fn a_hint_says_what_is_still_to_come() {
    let server = Server::start();
    let mut ann = shell(&server);
    for (typed, shown) in [
        ("/regi", "127.0.0.1> /register USERNAME PASSWORD"),
        ("/login", "127.0.0.1> /login USERNAME PASSWORD"),
        ("/login ann ", "127.0.0.1> /login ann PASSWORD"),
        ("/resume ", "127.0.0.1> /resume TOKEN"),
    ] {
        ann.type_keys(typed);
        ann.wait_for_text(shown);
        // It is read, and not a part of the line.
        ann.wait_for_prompt(&format!("127.0.0.1> {typed}"));
        ann.type_keys("\u{15}");
        ann.wait_for_prompt("127.0.0.1> ");
    }
}

#[test]
fn a_hint_does_not_go_on_in_the_next_row() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    ann.type_keys("/history ");
    ann.wait_for_text("[--before BEFORE]");
    ann.wait_for_prompt("ann#general> /history ");
    assert!(ann.look(|screen| screen.contents()).ends_with('…'));
    assert_eq!(ann.lines().lines().count(), 1);
}

#[test]
fn tab_within_a_line_leaves_one_blank() {
    let server = Server::start();
    let _bob = server.member("bob", "general");
    let mut ann = member(&server, "ann");
    ann.enter("/list", "general: ann, bob", "ann#general> ");
    ann.type_keys("/tell bo hi\u{1b}[D\u{1b}[D\u{1b}[D\t");
    ann.wait_for_text("/tell bob hi");
}

#[test]
fn the_history_lasts_and_only_its_owner_can_read_it() {
    let server = Server::start();
    let home = Home::new();
    let mut ann = member_with(home.clone(), &server, "ann", &[], &[]);
    ann.enter("first words", "first words", "ann#general> ");
    ann.enter("/list", "general: ann", "ann#general> ");
    ann.enter("你好 last words", "last words", "ann#general> ");
    ann.type_keys("\u{4}");
    assert_eq!(ann.wait(), 0);
    let mode = |file: &str| fs::metadata(home.path(file)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(HISTORY), mode(".local/state/chatsh")), (0o600, 0o700));
    let mut ann = member_with(home.clone(), &server, "ann", &[], &[]);
    ann.type_keys("\u{1b}[A");
    ann.wait_for_prompt("ann#general> 你好 last words");
    ann.type_keys("\u{1b}[A");
    ann.wait_for_prompt("ann#general> /list");
    ann.enter("", "general: ann", "ann#general> ");
    assert_eq!(mode(HISTORY), 0o600);
}

/// Nothing was kept any more, and nobody said so.
#[test]
fn a_history_that_is_damaged_is_mended_and_one_that_cannot_be_kept_is_told() {
    let server = Server::start();
    let home = Home::new();
    fs::create_dir_all(home.path(".local/state/chatsh")).unwrap();
    home.write(HISTORY, b"#V2\nfirst words\ncaf\xe9\nlast words\n");
    let mut ann = member_with(home.clone(), &server, "ann", &[], &[]);
    // The model of a screen shows no U+FFFD.
    for (key, line) in
        [("\u{1b}[A", "last words"), ("\u{1b}[A", "caf"), ("\u{1b}[A", "first words")]
    {
        ann.type_keys(key);
        ann.wait_for_prompt(&format!("ann#general> {line}"));
    }
    ann.type_keys("\u{15}");
    ann.enter("more", "more", "ann#general> ");
    assert!(home.read(HISTORY).ends_with("last words\nmore\n"), "{}", home.read(HISTORY));
    fs::remove_dir_all(home.path(".local/state/chatsh")).unwrap();
    home.write(".local/state/chatsh", "");
    let ann = member_with(home, &server, "ann", &[], &[]);
    ann.wait_for_text("what you type is not kept for another time: ");
}

#[test]
fn up_and_ctrl_r_search_the_history() {
    let server = Server::start();
    let mut bob = server.member("bob", "general");
    let mut ann = member(&server, "ann");
    for line in ["first words", "second", "third"] {
        ann.enter(line, line, "ann#general> ");
        assert_eq!(bob.next()["data"]["text"], line);
    }
    ann.type_keys("\u{1b}[A");
    ann.wait_for_prompt("ann#general> third");
    ann.type_keys("\u{1b}[A");
    ann.wait_for_prompt("ann#general> second");
    ann.type_keys("\u{15}\u{12}rst");
    ann.wait_for_text("`rst': first words");
    ann.type_keys("\r");
    assert_eq!(bob.next()["data"]["text"], "first words");
}

#[test]
fn the_line_survives_another_size_of_the_terminal() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    let words = "a line that is longer than the terminal when it is made smaller";
    ann.type_keys(words);
    ann.wait_for_prompt(&format!("ann#general> {words}"));
    ann.resize(ROWS, 40);
    bob.say("smaller");
    ann.wait_for_text("bob: smaller");
    ann.type_keys(", and");
    // It has more rows now.
    let is_whole = |screen: &str| screen.replace('\n', "").ends_with(&format!("{words}, and"));
    ann.wait_for("the whole line", is_whole);
    ann.resize(ROWS, COLS);
    bob.say("larger");
    ann.wait_for_text("bob: larger");
    ann.type_keys(" larger.\r");
    assert_eq!(bob.next()["data"]["text"], format!("{words}, and larger."));
    ann.wait_for_prompt("ann#general> ");
    ann.enter("/list", "general: ann, bob", "ann#general> ");
}

#[test]
fn without_colours_there_are_none() {
    let server = Server::start();
    let mut bob = server.member("bob", "general");
    for (options, variable, has_colour) in [
        (&[][..], "", true),
        (&[], "1", false),
        (&["--color", "never"], "", false),
        (&["--plain"], "", false),
        (&["--color", "always"], "1", true),
    ] {
        let home = Home::new();
        let mut ann = member_with(home, &server, "ann", options, &[("NO_COLOR", variable)]);
        bob.say("hi");
        ann.wait_for_text("bob: hi");
        ann.type_keys("/ent");
        ann.wait_for_prompt("ann#general> /ent");
        ann.enter(
            "er ops",
            "/enter is for the lobby, and you are in a room: /exit first",
            "ann#general> ",
        );
        let bytes = String::from_utf8(ann.bytes()).unwrap();
        // SGR, the sequences that set a look, end with an m.
        let sequences = bytes.split("\u{1b}[").skip(1);
        let mut looks = sequences.filter(|rest| {
            rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m')
        });
        assert_eq!(looks.next().is_some(), has_colour, "{options:?} {variable:?}: {bytes:?}");
    }
}

#[test]
fn plain_output_is_linear() {
    let server = Server::start();
    let mut bob = server.member("bob", "general");
    let ann = member_with(Home::new(), &server, "ann", &["--plain"], &[]);
    bob.say("one\ntwo");
    ann.wait_for_text("two");
    ann.wait_for_prompt("ann#general> ");
    expect![[r#"
        bob: one
           | two
        ann#general> "#]]
    .assert_eq(&ann.shown());
}

/// It showed nothing, took nothing and could not be left.
#[test]
fn a_terminal_that_can_nothing_is_a_shell_line_by_line() {
    let server = Server::start();
    let mut bob = server.member("bob", "general");
    for term in ["dumb", "cons25"] {
        let name = format!("ann_{term}");
        let prompt = format!("{name}#general> ");
        let variables = [("TERM", term), ("NO_COLOR", "1")];
        let mut ann = member_with(Home::new(), &server, &name, &[], &variables);
        ann.enter("hello", "hello", &prompt);
        assert_eq!(bob.next()["data"]["text"], "hello");
        bob.say("hi");
        ann.wait_for_text("\nbob: hi\n");
        ann.wait_for_prompt(&prompt);
        ann.enter("/xyzzy", "there is no command /xyzzy", &prompt);
        ann.type_keys("never mind");
        ann.wait_for_prompt(&format!("{prompt}never mind"));
        ann.type_keys("\u{3}");
        ann.wait_for_prompt(&prompt);
        ann.type_keys("/lsit\r");
        ann.wait_for_line("the question", |line| line.ends_with("Did you mean /list? [y/N] "));
        ann.type_keys("y\r");
        ann.wait_for_text("general: ");
        ann.wait_for_prompt(&prompt);
        ann.type_keys("/lsit\r");
        ann.wait_for_line("the question", |line| line.ends_with("Did you mean /list? [y/N] "));
        ann.enter("what?", "that is no answer, so nothing was sent\n", &prompt);
        bob.say(&format!("bye {name}"));
        ann.wait_for_text("\nbob: bye");
        ann.wait_for_prompt(&prompt);
        assert!(!ann.bytes().contains(&0x1b), "{:?}", ann.lines());
        ann.type_keys("\u{4}");
        assert_eq!(ann.wait(), 0);
        // What comes next stands at the margin.
        assert_eq!(ann.line_being_typed(), "");
        assert!(ann.is_set_as_before());
        let said = "This terminal (by its TERM) shows passwords as they are typed";
        assert!(ann.lines().contains(said), "{}", ann.lines());
        let address = server.address.to_string();
        let knowing = ["--pin", &server.fingerprint, &address];
        let shell = Terminal::in_home(Home::new(), ROWS, COLS, &knowing, &[("TERM", term)]);
        shell.wait_for_text(said);
    }
}

/// It stayed as if it had been typed.
#[test]
fn the_interrupt_key_takes_the_hint_away() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    ann.type_keys("/tell ");
    ann.wait_for_text("/tell TO ");
    ann.type_keys("\u{3}");
    ann.wait_for_prompt("ann#general> ");
    assert!(!ann.lines().contains("TO "), "{}", ann.lines());
}

/// The line that was being typed kept the width of its first prompt: too narrow, or with blanks.
#[test]
fn another_prompt_takes_the_place_of_the_one_before() {
    let server = Server::start();
    let mut bob = server.user("bob");
    bob.ask("create", json!({ "room": "a_room_with_a_long_name" }));
    bob.enter("a_room_with_a_long_name");
    let mut cat = server.user("cat");
    let mut ann = member(&server, "ann");
    for line in ["short", &"a line of many words ".repeat(9)] {
        ann.enter("/exit", "", "ann@lobby> ");
        ann.enter("/enter a_room_with_a_long_name", "", "ann#a_room_with_a_long_name> ");
        let shown = |prompt: &str| {
            let line = format!("{prompt}{line}");
            move |screen: &str| screen.replace('\n', "").trim_end().ends_with(line.trim_end())
        };
        ann.type_keys(line);
        ann.wait_for("the line", shown("ann#a_room_with_a_long_name> "));
        // The cursor stays where it is.
        ann.type_keys(&"\u{1b}[D".repeat(3));
        bob.say("one more");
        bob.ask("kick", json!({ "username": "ann" }));
        let screen = ann.wait_for("the line behind its prompt", shown("ann@lobby> "));
        // And what was said above it.
        let above: Vec<_> = screen.lines().rev().skip(1).take(2).collect();
        assert_eq!(above[1], "bob: one more", "{screen}");
        assert!(above[0].ends_with("into the lobby"), "{screen}");
        ann.type_keys("X\u{1}");
        ann.type_line("/tell cat ", "ann => cat: ");
        let end = line.len() - 3;
        let whole = format!("{}X{}", &line[..end], &line[end..]);
        ann.wait_for_prompt("ann@lobby> ");
        let mail = cat.ask("inbox", json!({}));
        let last = mail["data"]["messages"].as_array().and_then(|all| all.last()).unwrap();
        assert_eq!(last["text"], whole);
        ann.enter("/enter general", "", "ann#general> ");
    }
}

/// Keys that came in one piece with it were lost.
#[test]
fn what_is_typed_right_behind_the_interrupt_key_counts() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    ann.type_keys("no\u{3}yes\r");
    assert_eq!(bob.next()["data"]["text"], "yes");
    ann.type_keys("\u{3}\u{4}");
    assert_eq!(ann.wait(), 0);
}

/// A stranger's text is pasted as well as read.
#[test]
fn what_is_pasted_is_not_obeyed_either() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    ann.paste("a\u{202e}b\u{9b}31mc");
    ann.wait_for_prompt("ann#general> ab31mc");
    ann.type_keys("d");
    ann.wait_for_prompt("ann#general> ab31mcd");
    for sign in ["\u{202e}", "\u{9b}"] {
        assert!(!ann.bytes().windows(sign.len()).any(|bytes| bytes == sign.as_bytes()));
    }
    ann.enter("", "the control character U+009B cannot be sent", "ann#general> ");
    ann.paste("a\u{202e}b");
    ann.type_keys("\r");
    assert_eq!(bob.next()["data"]["text"], "a\u{202e}b");
}

/// The shell ended, and the line was gone.
#[test]
fn what_is_no_text_is_left_out_and_the_line_stays() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    let remarks = |ann: &Terminal, count: usize| {
        let remark = "what was typed or pasted is not UTF-8, and was left out";
        ann.wait_for(remark, |screen| screen.matches(remark).count() == count);
        ann.wait_for_prompt("ann#general> my draft caf");
    };
    ann.enter("earlier words", "earlier words", "ann#general> ");
    assert_eq!(bob.next()["data"]["text"], "earlier words");
    ann.type_keys("my draft caf");
    ann.wait_for_prompt("ann#general> my draft caf");
    // The letter of Latin-1 could begin one of UTF-8, but for the next key.
    ann.type_bytes(b"\xe9 ");
    remarks(&ann, 1);
    // Nothing of a paste that is none is sent, however long it is.
    for (count, rest) in [(2, "two\rthree\rfour\r".into()), (3, "two\r".repeat(2000))] {
        ann.type_bytes(
            &[b"\x1b[200~one caf\xe9 au lait\r", rest.as_bytes(), b"\x1b[201~"].concat(),
        );
        remarks(&ann, count);
    }
    // Over a slow line it comes in pieces.
    ann.type_bytes(b"\x1b[200~one caf\xe9 au lait\rtwo\r");
    thread::sleep(Duration::from_millis(150));
    ann.type_bytes(b"three\rfour\r\x1b[20");
    ann.type_bytes(b"1~");
    remarks(&ann, 4);
    // While the history is searched it is the line from before.
    ann.type_bytes(b"\x12earlier");
    ann.wait_for_text("earlier words");
    ann.type_bytes(b"\xe9 ");
    remarks(&ann, 5);
    ann.type_keys("e\r");
    assert_eq!(bob.next()["data"]["text"], "my draft cafe");
    ann.wait_for_prompt("ann#general> ");
    bob.hears_nothing();
}

/// What others had said above the line was erased.
#[test]
fn what_is_no_text_at_the_beginning_of_a_long_line_takes_nothing_away() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    for text in ["one", "two", "three"] {
        bob.say(text);
        ann.wait_for_text(&format!("bob: {text}"));
    }
    let long = "x".repeat(2 * usize::from(COLS) + 20);
    ann.type_keys(&long);
    ann.wait_for("the line", |screen| screen.replace('\n', "").ends_with(&long));
    ann.type_keys("\u{1}");
    ann.type_bytes(b"\xe9 ");
    ann.wait_for_text("bob: one\nbob: two\nbob: three\nwhat was typed or pasted is not UTF-8");
    ann.type_keys("y\r");
    assert_eq!(bob.next()["data"]["text"], format!("y{long}"));
}

/// What rustyline erases it counted without the columns of tabs.
#[test]
fn a_line_with_tabs_is_erased_as_a_whole() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    ann.paste("col1\tcol2\tcol3");
    ann.wait_for_line("the line", |line| line.ends_with("col3"));
    ann.type_keys("\u{17}\u{15}short");
    ann.wait_for_prompt("ann#general> short");
}
