//! Frames on the wire: cut and glued in any way, too long, broken, never finished; and
//! what becomes of whoever sends them, and of everyone else meanwhile.

#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{Client, End, PATIENCE, Server, framed};

fn ping(id: usize) -> Vec<u8> {
    framed(json!({ "type": "ping", "id": id }).to_string().as_bytes())
}

/// A good body of exactly this many bytes.
fn body_of(len: usize) -> Vec<u8> {
    let bare = r#"{"type":"ping","padding":""}"#.len();
    format!(r#"{{"type":"ping","padding":"{}"}}"#, "x".repeat(len - bare)).into_bytes()
}

/// Claims that what comes is one error with this code, and then a goodbye.
fn is_told(client: &mut Client, code: &str) -> Value {
    let (mut messages, end) = client.rest();
    let last = messages.pop().unwrap();
    assert!(messages.is_empty(), "{messages:?}");
    assert_eq!((&last["type"], &last["status"]), (&json!("error"), &json!("error")), "{last}");
    assert_eq!(last["code"], code, "{last}");
    assert_eq!(end, End::Goodbye, "{last}");
    last
}

#[test]
fn a_frame_may_come_cut_at_every_byte() {
    let server = Server::with(&["limits.commands_burst=0"]);
    let mut client = server.connect();
    let frame = ping(1);
    for cut in 1..frame.len() {
        client.send_bytes(&frame[..cut]).unwrap();
        client.send_bytes(&frame[cut..]).unwrap();
        assert_eq!(client.next()["id"], 1, "cut at {cut}");
    }
    for byte in &frame {
        client.send_bytes(&[*byte]).unwrap();
    }
    assert_eq!(client.next()["id"], 1);
}

#[test]
fn frames_may_come_glued_together() {
    let server = Server::with(&["limits.commands_burst=0"]);
    let mut client = server.connect();
    let mut bytes: Vec<u8> = (0..300).flat_map(ping).collect();
    // The last one comes without its last byte.
    let last = bytes.pop().unwrap();
    client.send_bytes(&bytes).unwrap();
    for id in 0..299 {
        assert_eq!(client.next()["id"], id);
    }
    client.send_bytes(&[last]).unwrap();
    assert_eq!(client.next()["id"], 299);
}

#[test]
fn a_frame_may_be_as_long_as_the_limit_and_not_a_byte_longer() {
    let server = Server::start();
    for (is_in, limit) in [(false, 4096), (true, 65_536)] {
        let client = |name: &str| if is_in { server.user(name) } else { server.connect() };
        let mut good = client("good");
        for len in [40, limit - 1, limit] {
            good.send_body(&body_of(len)).unwrap();
            assert_eq!(good.next()["type"], "ping", "{len}");
        }
        for len in [0, limit as u32 + 1, 1 << 24, u32::MAX] {
            let mut bad = client("bad");
            bad.send_bytes(&len.to_be_bytes()).unwrap();
            let told = is_told(&mut bad, "frame_too_large");
            let limit = format!("limit is {limit}");
            assert!(len == 0 || told["message"].as_str().unwrap().contains(&limit), "{told}");
        }
        good.hears_nothing();
    }
}

#[test]
fn the_limit_is_that_of_the_moment_when_the_frame_is_read() {
    let server = Server::start();
    let mut client = server.connect();
    client.register("ann");
    let login = json!({ "type": "login", "data": { "username": "ann", "password": "1234" } });
    let logout = json!({ "type": "logout" });
    // All in one piece: the long frame comes before the server has seen the login.
    let mut bytes = framed(login.to_string().as_bytes());
    bytes.extend(framed(&body_of(65_536)));
    bytes.extend(framed(logout.to_string().as_bytes()));
    bytes.extend(framed(&body_of(4097)));
    client.send_bytes(&bytes).unwrap();
    for kind in ["login", "ping", "logout"] {
        let reply = client.next();
        assert_eq!((&reply["type"], &reply["status"]), (&json!(kind), &json!("ok")), "{reply}");
    }
    is_told(&mut client, "frame_too_large");
}

#[test]
fn what_is_said_before_a_frame_that_is_too_long_is_answered() {
    let server = Server::start();
    let mut ann = server.member("ann", "general");
    let mut bytes = framed(
        json!({ "type": "msg", "data": { "to": "public", "text": "kept" } }).to_string().as_bytes(),
    );
    bytes.extend(ping(7));
    bytes.extend(u32::MAX.to_be_bytes());
    ann.send_bytes(&bytes).unwrap();
    assert_eq!(ann.next()["data"]["text"], "kept");
    assert_eq!(ann.next()["id"], 7);
    is_told(&mut ann, "frame_too_large");
}

#[test]
fn what_is_said_before_a_goodbye_is_answered() {
    let server = Server::start();
    for is_in_tls in [true, false] {
        let mut ann = server.member("ann", "general");
        let said = |id: usize| {
            let data = json!({ "to": "public", "text": id.to_string() });
            json!({ "type": "msg", "id": id, "data": data }).to_string()
        };
        let bytes: Vec<u8> = (0..80).flat_map(|id| framed(said(id).as_bytes())).collect();
        ann.send_bytes(&bytes).unwrap();
        match is_in_tls {
            true => ann.say_goodbye(),
            false => ann.socket().shutdown(Shutdown::Write).unwrap(),
        }
        let (messages, end) = ann.rest();
        let ids: Vec<u64> = messages.iter().map(|m| m["id"].as_u64().unwrap()).collect();
        assert_eq!(ids, (0..80).collect::<Vec<_>>());
        assert_eq!(end, End::Goodbye);
    }
}

#[test]
fn another_protocol_is_told_that_this_is_none_of_its() {
    let server = Server::start();
    for words in ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "USER ann 0 * :Ann\r\n", "\r\n\r\n\r\n"] {
        let mut stranger = server.connect();
        stranger.send_bytes(words.as_bytes()).unwrap();
        is_told(&mut stranger, "frame_too_large");
    }
}

/// Bodies that are no frame, each for another reason.
fn bad_bodies() -> Vec<Vec<u8>> {
    let deep = |levels: usize| {
        let inner = levels - 1;
        format!(r#"{{"type":"ping","x":{}{}}}"#, "[".repeat(inner), "]".repeat(inner))
    };
    let mut bodies: Vec<Vec<u8>> = [
        "ping",
        "[]",
        "null",
        "{}",
        r#"{"type":7}"#,
        r#"{"type":null}"#,
        r#"{"type":"ping","type":"ping"}"#,
        r#"{"type":"ping","data":{"a":1,"a":1}}"#,
        r#"{"type":"ping"} "#,
        r#" {"type":"ping"}"#,
        r#"{"type":"ping"}{"type":"ping"}"#,
        "{\"type\":\"ping\"}\0",
        "\u{feff}{\"type\":\"ping\"}",
        r#"{"type":"\ud800"}"#,
        r#"{"type":"ping","x":"\udc00"}"#,
        r#"{"type":"ping""#,
        &deep(33),
    ]
    .iter()
    .map(|body| body.as_bytes().to_vec())
    .collect();
    bodies.push(b"{\"type\":\"ping\",\"x\":\"\xff\"}".to_vec());
    bodies
}

#[test]
fn a_bad_frame_is_named_and_the_next_one_is_read() {
    let server = Server::start();
    let mut client = server.connect();
    for body in bad_bodies() {
        let body_text = String::from_utf8_lossy(&body).into_owned();
        client.send_body(&body).unwrap();
        let told = client.next();
        assert_eq!(told["type"], "error", "{body_text}");
        assert_eq!(told["code"], "bad_frame", "{body_text}");
        client.hears_nothing();
    }
}

#[test]
fn the_eighth_bad_frame_in_a_row_ends_the_connection() {
    let server = Server::start();
    let mut client = server.connect();
    let seven: Vec<u8> = (0..7).flat_map(|_| framed(b"{}")).collect();
    for _ in 0..3 {
        client.send_bytes(&seven).unwrap();
        for _ in 0..7 {
            assert_eq!(client.next()["code"], "bad_frame");
        }
        // A good one, though refused, and the count begins again.
        assert_eq!(client.ask("msg", json!({}))["code"], "wrong_state");
    }
    client.send_bytes(&seven).unwrap();
    client.send_bytes(&framed(b"{}")).unwrap();
    client.send_bytes(&ping(1)).unwrap();
    let (messages, end) = client.rest();
    let codes: Vec<&str> = messages.iter().map(|m| m["code"].as_str().unwrap_or("ok")).collect();
    assert_eq!(codes, ["bad_frame"; 8]);
    assert_eq!(end, End::Goodbye);
}

#[test]
fn a_frame_that_is_not_whole_in_time_ends_the_connection() {
    let server = Server::with(&["limits.frame_s=1"]);
    // Half a header, a header alone, half a body.
    let mut clients: Vec<(Client, Instant)> = [2, 4, 12]
        .map(|half| {
            let mut client = server.connect();
            client.hears_nothing();
            let began = Instant::now();
            client.send_bytes(&ping(1)[..half]).unwrap();
            (client, began)
        })
        .into();
    for (client, began) in &mut clients {
        let told = is_told(client, "timeout");
        assert!(told["message"].as_str().unwrap().contains("limits.frame_s"), "{told}");
        assert!(began.elapsed() >= Duration::from_millis(900), "{:?}", began.elapsed());
    }
}

#[test]
fn bytes_that_trickle_do_not_stop_the_clock() {
    let server = Server::with(&["limits.frame_s=1"]);
    let mut client = server.connect();
    let began = Instant::now();
    let frame = framed(&body_of(4000));
    let mut bytes = frame.iter();
    // A byte, then a tenth of a second for an answer.
    loop {
        client.send_bytes(&[*bytes.next().unwrap()]).unwrap();
        if client.hears_within(Duration::from_millis(100)) {
            break;
        }
        assert!(began.elapsed() < PATIENCE);
    }
    is_told(&mut client, "timeout");
}

#[test]
fn whoever_does_not_log_in_in_time_is_told_so() {
    let server = Server::with(&["limits.login_s=2"]);
    let mut inside = server.user("inside");
    let mut leaver = server.user("leaver");
    let mut silent = server.connect();
    let mut busy = server.connect();
    let began = Instant::now();
    silent.shake_hands().unwrap();
    while !busy.hears_within(Duration::from_millis(100)) {
        busy.send(&json!({ "type": "ping" }));
        assert_eq!(busy.next()["type"], "ping", "within {:?}", began.elapsed());
    }
    for client in [&mut silent, &mut busy] {
        let told = is_told(client, "timeout");
        assert!(told["message"].as_str().unwrap().contains("limits.login_s"), "{told}");
    }
    // Two seconds have passed since they logged in, too.
    inside.hears_nothing();
    assert_eq!(leaver.ask("logout", json!({}))["status"], "ok");
    let out = Instant::now();
    is_told(&mut leaver, "timeout");
    assert!(out.elapsed() >= Duration::from_millis(1900), "{:?}", out.elapsed());
    inside.hears_nothing();
}

#[test]
fn a_handshake_that_never_comes_is_waited_for_only_so_long() {
    let server = Server::with(&["limits.handshake_s=1"]);
    // Nothing, and the beginning of a TLS record that promises more.
    let sockets = [&b""[..], &[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]].map(|beginning| {
        let mut socket = TcpStream::connect(server.address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let began = Instant::now();
        socket.write_all(beginning).unwrap();
        (socket, began)
    });
    for (mut socket, began) in sockets {
        let read = socket.read(&mut [0; 64]);
        assert!(matches!(read, Ok(0)), "{read:?}");
        assert!(began.elapsed() >= Duration::from_millis(900), "{:?}", began.elapsed());
    }
}

#[test]
fn plain_text_in_place_of_tls_ends_at_once() {
    let server = Server::start();
    for words in [&b"GET / HTTP/1.1\r\n\r\n"[..], &ping(1)[..], &[0xff; 64]] {
        let mut socket = TcpStream::connect(server.address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.write_all(words).unwrap();
        let mut said = Vec::new();
        // What comes, if anything, is an alert in TLS; a reset is an end, too.
        let _ = socket.read_to_end(&mut said);
        assert!(said.is_empty() || said[0] == 21, "{said:?}");
    }
    server.connect().hears_nothing();
}

#[test]
fn tls_that_is_broken_after_the_handshake_ends_the_connection() {
    let server = Server::start();
    let mut client = server.user("ann");
    let mut socket = client.socket();
    socket.write_all(b"\x17\x03\x03\x00\x20this is not what was agreed upon").unwrap();
    // rustls says so in an alert, which the client's own TLS reports as an error.
    let mut bytes = Vec::new();
    let _ = socket.read_to_end(&mut bytes);
    assert!(client.send_bytes(&ping(1)).is_err() || client.receive().is_none());
    server.connect().hears_nothing();
}

/// One of many ways to misbehave, by its number.
fn misbehave(server: &Server, way: usize) {
    let connect = || Client::connect(server.address, &server.fingerprint);
    let ways: [&dyn Fn(); 6] = [
        &|| {
            let mut client = connect();
            client.send_bytes(&u32::MAX.to_be_bytes()).unwrap();
            client.rest();
        },
        &|| {
            let mut client = connect();
            let eight: Vec<u8> = (0..8).flat_map(|_| framed(b"[]")).collect();
            client.send_bytes(&eight).unwrap();
            client.rest();
        },
        &|| {
            // Most of the longest frame, and away.
            let mut client = connect();
            client.send_bytes(&framed(&body_of(4096))[..4000]).unwrap();
        },
        &|| {
            let mut client = connect();
            client.send_body(&body_of(4096)).unwrap();
        },
        &|| {
            let mut socket = TcpStream::connect(server.address).unwrap();
            socket.write_all(&[0xff; 4096]).unwrap();
            let _ = socket.read_to_end(&mut Vec::new());
        },
        &|| drop(TcpStream::connect(server.address).unwrap()),
    ];
    ways[way % ways.len()]();
}

#[test]
fn hundreds_who_misbehave_disturb_nobody_and_leave_nothing_behind() {
    let server = Server::with(&["limits.unauthenticated=0", "limits.commands_burst=0"]);
    let mut ann = server.member("ann", "general");
    let mut bob = server.member("bob", "general");
    let mut rounds = |count: usize| {
        for way in 0..count {
            misbehave(&server, way);
            let said = ann.say("hello");
            assert_eq!(bob.next(), said);
        }
    };
    // Allocators keep what they have once had.
    rounds(60);
    let before = server.resident_kib();
    rounds(300);
    let after = server.resident_kib();
    assert!(after < before + 2048, "{before} KiB before, {after} KiB after");
}

#[test]
fn one_who_goes_on_sending_after_the_end_takes_no_time_from_others() {
    let server = Server::with(&["limits.unauthenticated=0"]);
    let mut ann = server.member("ann", "general");
    // More of them than the server has threads.
    let flooders: Vec<_> = (0..8)
        .map(|_| {
            let mut flooder = server.connect();
            flooder.send_bytes(&u32::MAX.to_be_bytes()).unwrap();
            std::thread::spawn(move || {
                let began = Instant::now();
                let rubbish = [0; 65_536];
                while flooder.socket().write_all(&rubbish).is_ok() {
                    assert!(began.elapsed() < PATIENCE, "the server still reads");
                }
            })
        })
        .collect();
    while flooders.iter().any(|flooder| !flooder.is_finished()) {
        let began = Instant::now();
        ann.hears_nothing();
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
    flooders.into_iter().for_each(|flooder| flooder.join().unwrap());
}
