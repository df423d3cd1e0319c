//! Every scenario runs, in miniature, against a real chatd: nothing goes astray, and the
//! figures are there.

#![allow(clippy::unwrap_used)]

use std::process::{Command, Stdio};

use serde_json::Value;
use tests::{Server, program};

/// The server does as much as it can; what it may be limited to is tested elsewhere.
fn server() -> Server {
    Server::with(&["limits.commands_per_s=0", "limits.rooms_per_user=0"])
}

fn url(server: &Server) -> String {
    format!("chat://{}#{}", server.address, server.fingerprint)
}

/// Runs a scenario to its end; its report.
fn load(server: &Server, scenario: &str, arguments: &str) -> Value {
    let mut command = Command::new(program("load"));
    command.args([scenario, &url(server), "--pid", &server.pid().to_string()]);
    let output = command.args(arguments.split_whitespace()).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{scenario}: {told}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["scenario"], &report["server"]), (&scenario.into(), &"chatd".into()));
    report
}

/// The same for people who talk.
fn talk(scenario: &str, arguments: &str) -> Value {
    let report = load(&server(), scenario, &format!("--seconds 0.1 {arguments}"));
    assert!(report["deliveries"].as_u64().unwrap() > 0, "{report}");
    assert!(report["cpu_us_per_delivery"].as_f64().unwrap() > 0.0, "{report}");
    assert!(report["busy"].as_f64().unwrap() > 0.0, "{report}");
    let (p50, max) = (&report["latency_us"]["p50"], &report["latency_us"]["max"]);
    assert!(p50.as_f64().unwrap() <= max.as_f64().unwrap(), "{report}");
    report
}

#[test]
fn two_talk_in_turns() {
    let report = talk("pingpong", "");
    // The other one, and the speaker's own copy.
    assert_eq!(report["deliveries"], report["messages"].as_u64().unwrap() * 2);
}

#[test]
fn one_speaks_to_many() {
    let report = talk("fanout", "--members 6 --rate 100");
    assert_eq!(report["deliveries"], report["messages"].as_u64().unwrap() * 6);
}

#[test]
fn many_speak_to_many() {
    talk("flood", "--members 6 --speakers 2 --under-way 4");
}

#[test]
fn what_the_deaf_take_in_is_delivered_as_well() {
    let report = talk("flood", "--members 6 --speakers 2 --under-way 4 --deaf 3");
    let (messages, deliveries) = (report["messages"].as_u64(), report["deliveries"].as_u64());
    let heard = messages.unwrap() * 3;
    assert!(deliveries.unwrap() > heard, "{report}");
}

#[test]
fn some_never_read() {
    let report = talk("stalled", "--members 6 --stalled 1");
    assert_eq!(report["deliveries"], report["messages"].as_u64().unwrap() * 5);
}

#[test]
fn many_rooms_talk() {
    talk("rooms", "--rooms 3 --members 2 --under-way 4");
    talk("rooms", "--rooms 3 --members 2 --rate 200");
}

#[test]
fn many_are_there_and_silent() {
    let report = load(&server(), "idle", "--connections 8");
    assert_eq!(report["connections"], 8);
    assert!(report["resident_kib"].as_u64().unwrap() > 0);
}

#[test]
fn those_who_are_held_go_when_stdin_is_closed() {
    let server = server();
    let mut command = Command::new(program("load"));
    command.args(["idle", &url(&server), "--connections", "2", "--hold"]);
    command.args(["--pid", &server.pid().to_string()]).stdin(Stdio::piped());
    let mut held = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    drop(held.stdin.take());
    assert!(held.wait().unwrap().success());
}

#[test]
fn all_come_back_from_a_storm() {
    let report = load(&server(), "storm", "--connections 12 --seconds 0.1");
    assert_eq!(report["connections"], 12);
    assert!(report["back_s"].as_f64().unwrap() > 0.0);
    assert!(report["usual_latency_us"]["p99"].as_f64().unwrap() > 0.0);
}

#[test]
fn history_is_filled_and_read() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let accounts = format!("--accounts {}", folder.path().join("accounts").display());
    let load = |scenario: &str, arguments: &str| {
        let mut command = Command::new(program("load"));
        command.args(accounts.split(' ')).args([scenario, &url(&server)]);
        command.args(["--pid", &server.pid().to_string()]).args(arguments.split(' '));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    load("accounts", "4");
    assert!(load("fill", "300")["messages"].as_u64().unwrap() >= 300);
    let report = load("history", "300 --reads 3");
    assert_eq!(report["reads"], 3);
    assert!(report["cpu_us_per_read"].as_f64().unwrap() > 0.0);
}

#[test]
fn the_disk_is_measured_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(program("load"));
    let output = command.args(["disk", "--writes", "3"]).arg(folder.path()).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["latency_us"]["p50"].as_f64().unwrap() > 0.0);
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "the file is gone");
}
