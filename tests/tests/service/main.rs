//! chatd as whoever runs it sees it: it sets itself up, says what is wrong and ends in
//! the right way, and its sub-commands work beside it and without it.

#![allow(clippy::unwrap_used)]

mod claims;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{Client, End, Server, chatd_with, framed, run_chatd};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Claims that it ended with this code and said all of this on stderr, and nothing on
/// stdout.
fn ends(output: &Output, code: i32, words: &[&str]) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert_eq!(stdout(output), "", "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said:?}");
    }
    assert!(!said.contains("panicked"), "{said}");
}

/// Tries to serve this folder, which must fail.
fn serve(data: &Path, arguments: &[&str]) -> Output {
    let arguments = [&["--listen", "127.0.0.1:0"], arguments].concat();
    run_chatd(data, &arguments, "")
}

#[test]
fn it_needs_no_set_up() {
    let server = Server::start();
    assert!(server.data().join("cert.pem").exists());
    let list = server.user("ann").ask("list", json!({}));
    assert_eq!(list["data"], json!({ "lobby": ["ann"], "general": [] }));
    let (status, log) = server.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!log.contains("ERROR"), "{log}");
}

#[test]
fn what_it_makes_only_its_owner_can_read() {
    let server = Server::start();
    let data = server.data();
    server.user("ann");
    assert_eq!(mode(&data), 0o700);
    for private in ["key.pem", "chatd.db", "chatd.db-wal", "chatd.db-shm", "lock", "control.sock"] {
        assert_eq!(mode(&data.join(private)), 0o600, "{private}");
    }
}

#[test]
fn it_listens_on_every_address_and_names_them_all() {
    let server = Server::with(&[r#"listen=["127.0.0.1:0", "[::1]:0", "127.0.0.2:0"]"#]);
    let hosts: Vec<String> = server.addresses.iter().map(|a| a.ip().to_string()).collect();
    assert_eq!(hosts, ["127.0.0.1", "::1", "127.0.0.2"]);
    for address in &server.addresses {
        Client::connect(*address, &server.fingerprint).hears_nothing();
    }
}

#[test]
fn the_folder_is_where_the_environment_says() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path().to_str().unwrap();
    let service = format!("{home}/service");
    for (environment, place) in [
        (vec![("HOME", home)], ".local/share/chatd"),
        (vec![("HOME", home), ("XDG_DATA_HOME", &format!("{home}/xdg"))], "xdg/chatd"),
        (vec![("HOME", home), ("STATE_DIRECTORY", &service)], "service"),
    ] {
        let place = Path::new(home).join(place);
        // One who only asks makes no folder: a mistyped one would be another server's.
        for asks in [["key", "fingerprint"], ["user", "list"]] {
            ends(&chatd_with(&asks, &environment), 2, &[place.to_str().unwrap(), "--data"]);
            assert!(!place.exists(), "{asks:?}");
        }
        let made = chatd_with(&["key", "new"], &environment);
        assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
        assert!(place.join("key.pem").exists());
        assert_eq!(stdout(&chatd_with(&["key", "fingerprint"], &environment)), stdout(&made));
    }
    ends(&chatd_with(&["key", "fingerprint"], &[]), 2, &["data", "--data"]);
}

#[test]
fn a_second_process_on_the_same_folder_is_told_who_has_it_with_73() {
    let server = Server::start();
    let pid = server.pid().to_string();
    ends(&serve(&server.data(), &[]), 73, &[&pid, &server.data().display().to_string()]);
    ends(&run_chatd(&server.data(), &["key", "new"], ""), 73, &[&pid]);
    server.connect().hears_nothing();
}

#[test]
fn what_a_killed_process_left_does_not_keep_the_next_one_from_starting() {
    let server = Server::start();
    server.user("ann").say("x");
    server.again().user("bob").hears_nothing();
}

#[test]
fn a_port_in_use_ends_with_69() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let output = run_chatd(&folder.path().join("data"), &["--listen", &address], "");
    ends(&output, 69, &[&address]);
}

#[test]
fn a_folder_that_cannot_be_made_is_named_and_ends_with_73() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let data = file.join("data");
    ends(&serve(&data, &[]), 73, &[&data.display().to_string()]);
}

#[test]
fn a_bad_configuration_is_named_with_what_was_meant() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("chatd.toml");
    let file_name = file.to_str().unwrap();
    for (text, words) in [
        ("[limits]\nframes = 1", vec!["limits.frames", "limits.frame"]),
        ("lisen = []", vec!["lisen", "listen"]),
        ("listen = []", vec!["listen"]),
        ("listen = ['somewhere']", vec!["listen"]),
        ("rooms = ['not a name']", vec!["rooms"]),
        ("default_caps = ['flying']", vec!["default_caps"]),
        ("durability = 'usually'", vec!["durability", "power"]),
        ("[limits]\nframe = -1", vec!["limits.frame"]),
        ("[limits]\nframe = 'many'", vec!["limits.frame"]),
        ("[password]\nmin_length = 'ten'", vec!["password.min_length"]),
        ("[tls]\ncert = 'x.pem'", vec!["tls", "key"]),
        ("[registration]\npolicy = 'shut'", vec!["registration.policy", "closed"]),
        ("[log]\nlevel = 'loud'", vec!["log.level", "debug"]),
        ("this is no toml", vec![file_name]),
    ] {
        fs::write(&file, text).unwrap();
        for action in [&["config", "check"][..], &["serve"]] {
            let output = run_chatd(&data, &[&["--config", file_name], action].concat(), "");
            ends(&output, 2, &words);
        }
    }
    ends(&serve(&data, &["--config", "/nowhere/chatd.toml"]), 2, &["/nowhere/chatd.toml"]);
    ends(&serve(&data, &["--set", "password.log_n=60"]), 2, &["password", "log_n = 60"]);
    ends(&serve(&data, &["--set", "limits.frame"]), 2, &["KEY=VALUE"]);
    ends(&serve(&data, &["--sett", "limits.frame=1"]), 2, &["--set"]);
    let output = chatd_with(&["config", "check"], &[("CHATD_LIMITS__FRAMES", "1"), ("HOME", "/")]);
    ends(&output, 2, &["CHATD_LIMITS__FRAMES", "limits.frame"]);
    assert!(!data.exists(), "nothing is made before the configuration is good");
}

#[test]
fn the_configuration_in_force_is_printed_with_its_origins() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chatd.toml");
    fs::write(&file, "motd = \"hello\"\n[limits]\nframe = 4000\ntext = 2000\n").unwrap();
    let file = file.to_str().unwrap();
    let options = ["--config", file, "--set", "limits.ping_s=7", "--listen", "127.0.0.1:0"];
    let environment = [("CHATD_LIMITS__TEXT", "3000"), ("HOME", "/")];
    let output = chatd_with(&[&options[..], &["config", "print"]].concat(), &environment);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let printed = stdout(&output);
    let line = |key: &str| -> String {
        let line = printed.lines().find(|line| line.starts_with(&format!("{key} = ")));
        line.unwrap_or_else(|| panic!("no {key} in {printed}")).into()
    };
    for (key, value, origin) in [
        ("motd", "\"hello\"", &format!("{file}:1")[..]),
        ("frame", "4000", &format!("{file}:3")[..]),
        ("text", "3000", "environment CHATD_LIMITS__TEXT"),
        ("ping_s", "7", "command line"),
        ("listen", "[\"127.0.0.1:0\"]", "command line"),
        ("login_s", "120", "default"),
    ] {
        let line = line(key);
        assert!(line.starts_with(&format!("{key} = {value} ")), "{line}");
        assert!(line.ends_with(&format!("# {origin}")), "{line}");
    }
    // It is a configuration again, which says the same.
    let again = folder.path().join("again.toml");
    fs::write(&again, &printed).unwrap();
    let output = chatd_with(&["--config", again.to_str().unwrap(), "config", "print"], &[]);
    let values = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split(" # ").next().unwrap().trim().to_owned()).collect()
    };
    assert_eq!(values(&stdout(&output)), values(&printed), "{}", stderr(&output));
    let check = |settings: &[&str]| {
        chatd_with(&[&["--config", file, "config", "check"], settings].concat(), &[])
    };
    let output = check(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    // What would keep it from starting.
    ends(&check(&["--set", "tls.cert=/no/c.pem", "--set", "tls.key=/k"]), 2, &["/no/c.pem"]);
    ends(&check(&["--set", "limits.frame_before_login=10"]), 2, &["frame_before_login", "512"]);
}

/// It was a panic, with sixty lines of where in the code.
#[test]
fn a_sub_command_whose_stdout_is_gone_is_quiet_and_one_whose_is_full_says_so() {
    for argument in ["schema", "--help", "--version"] {
        let chatd = |stdout: Stdio| {
            let mut command = Command::new(tests::program("chatd"));
            command.arg(argument).stdout(stdout).stderr(Stdio::piped()).output().unwrap()
        };
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let gone = chatd(writer.into());
        assert_eq!((gone.status.code(), stderr(&gone).as_str()), (Some(0), ""), "{argument}");
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        ends(&chatd(full.into()), 73, &["stdout cannot be written"]);
    }
}

/// The folder of a server that has been stopped, with a user and a message.
fn stopped() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::with(&["limits.commands_burst=0"]);
    let mut ann = server.member("ann", "general");
    for number in 0..200 {
        ann.say(&format!("{number} {}", "x".repeat(100)));
    }
    server.signal("TERM");
    server.wait();
    let data = folder.path().join("data");
    let from = server.data();
    // One file is the whole database once nothing is left in its log.
    let database = rusqlite::Connection::open(from.join("chatd.db")).unwrap();
    database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    fs::create_dir(&data).unwrap();
    for file in ["chatd.db", "key.pem", "cert.pem"] {
        fs::copy(from.join(file), data.join(file)).unwrap();
    }
    (folder, data)
}

#[test]
fn a_damaged_database_is_named_and_not_touched_and_ends_with_65() {
    let (_folder, data) = stopped();
    let file = data.join("chatd.db");
    let good = fs::read(&file).unwrap();
    let page = 4096;
    let overwritten = |from: usize, to: usize| -> Vec<u8> {
        let mut bytes = good.clone();
        bytes[from..to].fill(0x5a);
        bytes
    };
    for (what, bytes) in [
        ("no database", b"what is this? ".repeat(1000)),
        ("its header", overwritten(0, 100)),
        ("its schema", overwritten(100, page)),
        ("all but its schema", overwritten(page, good.len())),
        ("half of it", good[..page].to_vec()),
    ] {
        fs::write(&file, &bytes).unwrap();
        let output = serve(&data, &[]);
        assert_eq!(output.status.code(), Some(65), "{what}: {}", stderr(&output));
        ends(&output, 65, &[&file.display().to_string(), "damaged", "backup"]);
        let output = run_chatd(&data, &["user", "list"], "");
        assert!(matches!(output.status.code(), Some(65 | 1)), "{what}: {}", stderr(&output));
        assert!(fs::read(&file).unwrap() == bytes, "{what}: the file has changed");
    }
}

#[test]
fn a_database_of_a_newer_chatd_is_left_alone_and_ends_with_65() {
    let (_folder, data) = stopped();
    let file = data.join("chatd.db");
    let database = rusqlite::Connection::open(&file).unwrap();
    database.pragma_update(None, "user_version", 1000).unwrap();
    drop(database);
    let before = fs::read(&file).unwrap();
    for action in [&["serve"][..], &["user", "list"]] {
        let arguments = [&["--listen", "127.0.0.1:0"], action].concat();
        ends(&run_chatd(&data, &arguments, ""), 65, &["chatd.db", "1000", "newer"]);
    }
    assert!(fs::read(&file).unwrap() == before);
}

#[test]
fn a_database_of_another_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let file = data.join("chatd.db");
    rusqlite::Connection::open(&file).unwrap().execute_batch("CREATE TABLE x (y)").unwrap();
    let before = fs::read(&file).unwrap();
    ends(&serve(&data, &[]), 73, &["chatd.db", "another program"]);
    assert!(fs::read(&file).unwrap() == before);
}

#[test]
fn it_can_be_stopped_from_the_moment_that_it_is_ready() {
    for signal in ["TERM", "INT", "HUP"] {
        for _ in 0..10 {
            let mut server = Server::start();
            server.signal(signal);
            let (status, log) = server.wait();
            assert_eq!(status.code(), Some(0), "{status} on SIG{signal}: {log}");
        }
    }
}

#[test]
fn when_it_stops_everyone_is_told_what_was_read_is_answered_and_nothing_further_is_read() {
    // At its own pace each client has a request waiting that was read.
    for (signal, pace) in [("TERM", "limits.commands_burst=0"), ("INT", "limits.commands_burst=20")]
    {
        let mut server = Server::with(&[pace]);
        let mut idle = [server.connect(), server.user("idle"), server.member("eve", "general")];
        idle[0].hears_nothing();
        let busy: Vec<_> = (0..8)
            .map(|number| {
                let mut client = server.member(&format!("user{number}"), "general");
                std::thread::spawn(move || talk_until_the_end(&mut client))
            })
            .collect();
        // There is traffic, and plenty of it.
        for _ in 0..200 {
            assert_eq!(idle[2].next()["type"], "msg");
        }
        let began = Instant::now();
        server.signal(signal);
        let mut acknowledged: Vec<(String, i64)> = Vec::new();
        let mut sent = 0;
        for busy in busy {
            let talk = busy.join().unwrap();
            sent += talk.sent;
            acknowledged.extend(talk.acknowledged);
        }
        // Each had more on its way.
        assert!(sent > acknowledged.len(), "{sent}");
        for client in &mut idle {
            let (messages, end) = client.rest();
            let (last, before) = messages.split_last().unwrap();
            assert_eq!(last["code"], "shutting_down", "{last}");
            assert!(before.iter().all(|message| message["type"] == "msg"));
            assert_eq!(end, End::Goodbye);
        }
        let (status, log) = server.wait();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        let kept = kept(&server.data());
        let lost: Vec<_> = acknowledged.iter().filter(|said| !kept.contains(said)).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    }
}

#[test]
fn logins_under_way_do_not_keep_it_from_stopping() {
    // A second or so each, one after the other: more than there is time for.
    let mut server = Server::with(&["password.log_n=15", "password.r=8", "password.p=12"]);
    let mut clients: Vec<Client> = (0..8).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.hears_nothing();
        let data = json!({ "username": "nobody", "password": "1234" });
        client.send(&json!({ "type": "login", "data": data }));
    }
    let began = Instant::now();
    server.signal("TERM");
    let (status, log) = server.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

/// How many messages a client has sent, and which were acknowledged, with their seq.
struct Talk {
    sent: usize,
    acknowledged: Vec<(String, i64)>,
}

/// Sends in bursts of ten, until the server has gone.
fn talk_until_the_end(client: &mut Client) -> Talk {
    let mut acknowledged = Vec::new();
    let mut sent = 0;
    for burst in 0_u64.. {
        let request = |id: u64| json!({ "type": "msg", "id": id, "data": { "to": "public", "text": id.to_string() } });
        let ids = burst * 10..burst * 10 + 10;
        let bytes: Vec<u8> =
            ids.clone().flat_map(|id| framed(request(id).to_string().as_bytes())).collect();
        if client.send_bytes(&bytes).is_ok() {
            sent += ids.clone().count();
        }
        let mut last = Value::Null;
        while last["id"] != ids.end - 1 {
            match client.receive_or_end() {
                Ok(message) => last = message,
                Err(end) => {
                    assert_eq!((end, &last["code"]), (End::Goodbye, &json!("shutting_down")));
                    return Talk { sent, acknowledged };
                }
            }
            if let Some(id) = last["id"].as_u64() {
                // In order, with no gap: what was read is done, and the rest is not read.
                assert_eq!(id, acknowledged.len() as u64);
                assert_eq!(last["status"], "ok", "{last}");
                acknowledged.push((id.to_string(), last["data"]["seq"].as_i64().unwrap()));
            }
        }
    }
    Talk { sent, acknowledged }
}

fn kept(data: &Path) -> Vec<(String, i64)> {
    let database = rusqlite::Connection::open(data.join("chatd.db")).unwrap();
    let mut said = database.prepare("SELECT text, seq FROM entries WHERE kind = 'said'").unwrap();
    let said = said.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    said.collect::<Result<_, _>>().unwrap()
}

#[test]
fn one_who_does_not_read_does_not_keep_it_from_stopping() {
    let mut server = Server::with(&["limits.outbox_bytes=0", "limits.commands_burst=0"]);
    let mut ann = server.member("ann", "general");
    let deaf = tests::dial(server.address, "127.0.0.1", Some(4096));
    let mut deaf = Client::over(deaf, &server.fingerprint);
    deaf.register("deaf");
    deaf.login("deaf");
    deaf.enter("general");
    for _ in 0..60 {
        ann.say(&"x".repeat(16_000));
    }
    let began = Instant::now();
    server.signal("TERM");
    let (status, log) = server.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

/// `chatd user` on this folder.
fn user(data: &Path, arguments: &[&str], stdin: &str) -> Output {
    run_chatd(data, &[&["user"], arguments].concat(), stdin)
}

#[test]
fn sub_commands_talk_to_the_server_over_its_socket_or_do_it_themselves() {
    let server = Server::with(&["registration.policy=closed"]);
    let data = server.data();
    let is_done = |output: Output, lines: &str| {
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!((stdout(&output).as_str(), stderr(&output).as_str()), (lines, ""));
    };
    let manage = |name: &str| {
        is_done(user(&data, &["add", name], "first secret\nnot this\n"), "");
        ends(&user(&data, &["add", name], "other\n"), 1, &[name]);
        ends(&user(&data, &["add", "not a name"], "1234\n"), 2, &["not a name"]);
        ends(&user(&data, &["add", "short"], "123\n"), 1, &["4 bytes"]);
        ends(&user(&data, &["add", "empty"], ""), 2, &["password"]);
        ends(&user(&data, &["passwd", "nobody"], "1234\n"), 1, &["nobody"]);
        is_done(user(&data, &["passwd", name], "second secret\r\n"), "");
    };
    manage("Ann");
    is_done(user(&data, &["list"], ""), "Ann\n");
    let opens = |server: &Server, name: &str, password: &str| -> bool {
        let data = json!({ "username": name, "password": password });
        server.connect().ask("login", data)["status"] == "ok"
    };
    assert!(opens(&server, "ann", "second secret"));
    assert!(!opens(&server, "ann", "first secret"));
    let mut server = server;
    server.signal("TERM");
    assert_eq!(server.wait().0.code(), Some(0));
    manage("bob");
    is_done(user(&data, &["list"], ""), "Ann\nbob\n");
    let server = server.again();
    assert!(opens(&server, "bob", "second secret"));
    assert!(!opens(&server, "bob", "first secret"));
    assert!(opens(&server, "ann", "second secret"));
}

/// The password was asked for first, twice, and then the folder was the wrong one.
#[test]
fn the_folder_is_looked_at_before_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    ends(&user(&missing, &["passwd", "ann"], ""), 2, &["no chatd has been here"]);
    let add = user(&missing, &["add", "ann"], "");
    ends(&add, 2, &["password"]);
    assert!(stderr(&add).lines().next().unwrap().ends_with("this is a new data folder"));
    let named = user(&missing, &["add", "not a name"], "");
    assert!(!stderr(&named).contains("folder"), "{named:?}");
    assert!(!missing.exists());
}

#[test]
fn who_cannot_listen_leaves_no_new_data_folder_behind() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("new");
    ends(&run_chatd(&new, &["--listen", &address], ""), 69, &[&address, "another server"]);
    assert!(!new.exists());
    // In a folder that is used the one who uses it is named, wherever it listens.
    let server = Server::start();
    let address = server.address.to_string();
    ends(&run_chatd(&server.data(), &["--listen", &address], ""), 73, &["another chatd"]);
}

#[test]
fn a_new_password_ends_tokens_and_sessions_of_its_account_and_of_no_other() {
    let server = Server::start();
    let token = |name: &str| {
        let mut client = server.connect();
        client.ask("hello", json!({ "caps": ["resume"] }));
        client.register(name);
        client.login(name)["data"]["token"].clone()
    };
    let (ann, bob) = (token("ann"), token("bob"));
    let resume = |token: &Value| server.connect().ask("resume", json!({ "token": token }));
    assert_eq!(resume(&ann)["status"], "ok");
    let mut online = server.connect();
    online.login("ann");
    assert_eq!(user(&server.data(), &["passwd", "ann"], "5678\n").status.code(), Some(0));
    let (last, _) = online.rest();
    assert_eq!(last.last().unwrap()["code"], "unauthorized", "{last:?}");
    assert_eq!(resume(&ann)["code"], "unauthorized");
    assert_eq!(resume(&bob)["status"], "ok");
}

#[test]
fn a_new_key_is_another_fingerprint_and_the_old_one_is_kept() {
    let mut server = Server::start();
    let data = server.data();
    let fingerprint = || stdout(&run_chatd(&data, &["key", "fingerprint"], ""));
    let first = fingerprint();
    assert_eq!(first.trim(), server.fingerprint);
    let old_key = fs::read(data.join("key.pem")).unwrap();
    server.signal("TERM");
    server.wait();
    let server = server.again();
    assert_eq!(first.trim(), server.fingerprint, "a restart changes nothing");

    let mut server = server;
    server.signal("TERM");
    server.wait();
    let output = run_chatd(&data, &["key", "new"], "");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let second = stdout(&output);
    assert_ne!(second, first);
    assert_eq!(fingerprint(), second);
    assert!(fs::read(data.join("key.pem.old")).unwrap() == old_key);
    assert_eq!((mode(&data.join("key.pem")), mode(&data.join("key.pem.old"))), (0o600, 0o600));
    let server = server.again();
    assert_eq!(server.fingerprint, second.trim());
    server.connect().hears_nothing();
    let mut old = Client::connect(server.address, first.trim());
    assert!(old.shake_hands().is_err(), "one who has pinned the old key is warned");
}

#[test]
fn the_operators_own_certificate_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let own = certs::Identity::load_or_make(folder.path()).unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let set = [format!("tls.cert={}", cert.display()), format!("tls.key={}", key.display())];
    let server = Server::with(&[&set[0], &set[1]]);
    assert_eq!(server.fingerprint, own.fingerprint().to_string());
    server.connect().hears_nothing();
    assert!(!server.data().join("key.pem").exists(), "no other key is made");

    let data = folder.path().join("data");
    let settings = ["--set", &set[0], "--set", &set[1]];
    let output = run_chatd(&data, &[&settings[..], &["key", "fingerprint"]].concat(), "");
    assert_eq!(stdout(&output).trim(), server.fingerprint);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    ends(&serve(&data, &settings), 2, &[key.to_str().unwrap(), "0644", "chmod 600"]);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    certs::Identity::make_new(folder.path()).unwrap();
    fs::copy(folder.path().join("cert.pem.old"), &cert).unwrap();
    ends(&serve(&data, &settings), 2, &[key.to_str().unwrap(), cert.to_str().unwrap()]);
    fs::write(&cert, "no certificate").unwrap();
    ends(&serve(&data, &settings), 2, &[cert.to_str().unwrap()]);
    // It made one that this server never uses, and told its fingerprint.
    let made = run_chatd(&data, &[&settings[..], &["key", "new"]].concat(), "");
    ends(&made, 2, &["tls.cert and tls.key are the server's identity"]);
    fs::remove_file(&cert).unwrap();
    ends(&serve(&data, &settings), 2, &[cert.to_str().unwrap()]);
}

#[test]
fn a_lost_key_is_not_replaced_in_silence() {
    let mut server = Server::start();
    server.signal("TERM");
    server.wait();
    fs::remove_file(server.data().join("key.pem")).unwrap();
    ends(&serve(&server.data(), &[]), 2, &["key.pem", "chatd key new"]);
}

#[test]
fn the_schema_has_every_command_of_the_server() {
    let output = chatd_with(&["schema"], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    let described: Vec<&String> = schema["$defs"]["commands"].as_object().unwrap().keys().collect();
    let server = Server::start();
    let catalogue = server.connect().ask("commands", json!({}));
    let commands = catalogue["data"]["commands"].as_array().unwrap();
    let names: Vec<&str> = commands.iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert!(!names.is_empty());
    assert_eq!(described, names);
    // Every reference leads somewhere.
    let text = String::from_utf8(output.stdout).unwrap();
    for pointer in text.split("\"$ref\": \"#").skip(1) {
        let pointer = pointer.split('"').next().unwrap();
        assert!(schema.pointer(pointer).is_some(), "nothing is at {pointer}");
    }
}

#[test]
fn logs_hold_no_password_no_token_and_no_text() {
    for (format, level) in [("text", "trace"), ("json", "trace"), ("text", "debug")] {
        let settings = [&format!("log.format={format}")[..], &format!("log.level={level}")];
        let mut server = Server::with(&[settings[0], settings[1], "limits.frame_s=1"]);
        let mut ann = server.connect();
        ann.ask("hello", json!({ "caps": ["resume"] }));
        let secret = |password: &str| json!({ "username": "ann", "password": password });
        ann.ask("register", secret("Secret-One"));
        ann.ask("login", secret("Secret-Two"));
        let token = ann.ask("login", secret("Secret-One"))["data"]["token"].clone();
        let token = token.as_str().unwrap().to_owned();
        server.connect().ask("resume", json!({ "token": token }));
        ann.enter("general");
        ann.say("Secret-Three");
        ann.ask("msg", json!({ "to": "nobody", "text": "Secret-Four" }));
        ann.ask("msg", json!({ "to": "public", "text": "Secret-Five\u{1b}" }));
        ann.ask("Secret-Six", json!({}));
        ann.send_body(br#"{"type":"login","data":{"password":"Secret-Seven"}"#).unwrap();
        assert_eq!(ann.next()["code"], "bad_frame");
        ann.send_body(br#"{"type":"login","data":{"password":"Secret-8","password":"Secret-9"}}"#)
            .unwrap();
        assert_eq!(ann.next()["code"], "bad_frame");
        ann.send_bytes(b"\0\0\0\xffSecret-Ten").unwrap();
        ann.rest();
        user(&server.data(), &["passwd", "ann"], "Secret-Eleven\n");
        user(&server.data(), &["passwd", "nobody"], "Secret-Twelve\n");
        server.signal("TERM");
        let (_, log) = server.wait();
        assert!(log.contains("connected"), "{log}");
        // Who guesses is known to the operator.
        assert!(log.contains("a login was refused") && log.contains("127.0.0.1"), "{log}");
        assert!(!log.contains("Secret-"), "{log}");
        assert!(!log.contains(&token), "{log}");
    }
}

#[test]
fn a_closed_registration_is_said() {
    let server = Server::with(&["registration.policy=closed"]);
    let mut ann = server.connect();
    assert_eq!(ann.register("ann")["code"], "forbidden");
    assert_eq!(user(&server.data(), &["add", "ann"], "1234\n").status.code(), Some(0));
    ann.login("ann");
}

#[test]
fn the_rooms_of_the_configuration_are_made_and_kept() {
    let server = Server::with(&[r#"rooms=["ops", "Büro"]"#]);
    let mut ann = server.user("ann");
    assert_eq!(
        ann.ask("list", json!({}))["data"],
        json!({ "lobby": ["ann"], "Büro": [], "ops": [] })
    );
    ann.ask("create", json!({ "room": "attic", "topic": "old things" }));
    let created = ann.enter("attic");
    // One that is made already stays, with its owner and all that was said.
    let server = server.again_with(&[r#"rooms=["OPS", "attic"]"#]);
    let mut ann = server.user("ann");
    let rooms = json!({ "lobby": ["ann"], "Büro": [], "attic": [], "ops": [] });
    assert_eq!(ann.ask("list", json!({}))["data"], rooms);
    assert_eq!(ann.enter("ATTIC")["data"], created["data"]);
    let server = server.again_with(&["rooms=[]"]);
    assert_eq!(server.user("ann").ask("list", json!({}))["data"], rooms);
}

#[test]
fn durability_may_be_that_of_the_process() {
    let server = Server::with(&["durability=process"]);
    let said = server.member("ann", "general").say("kept")["data"]["seq"].clone();
    let server = server.again();
    assert_eq!(server.member("ann", "general").ask("list", json!({}))["status"], "ok");
    assert!(kept(&server.data()).contains(&("kept".into(), said.as_i64().unwrap())));
}

#[test]
fn the_motd_reaches_everyone() {
    let server = Server::with(&["motd=mind the gap"]);
    assert_eq!(server.connect().ask("hello", json!({}))["data"]["motd"], "mind the gap");
    assert!(Server::start().connect().ask("hello", json!({}))["data"].get("motd").is_none());
}

#[test]
fn passwords_that_are_cheap_to_guess_are_warned_of() {
    let server = Server::start();
    server.wait_for_log("OWASP");
}
