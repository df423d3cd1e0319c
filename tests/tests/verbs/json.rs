//! With `--json` stdout is frames and nothing else, each as the server's own schema says.

use std::collections::BTreeSet;

use proto::Catalogue;
use serde_json::Value;
use tests::{Home, Server, outcome};

use crate::schema::violation;
use crate::{as_ann, place};

/// Checks what a program printed; says the types of the frames.
#[track_caller]
fn check(catalogue: &Catalogue, story: &str) -> Vec<String> {
    let frames = story.lines().filter(|line| !line.starts_with("! ") && !line.starts_with("exit "));
    let check = |line: &str| {
        let mut frame: Value =
            serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line:?} in\n{story}"));
        // It was blotted out: what stands there is no token.
        if let Some(token) = frame.pointer_mut("/data/token") {
            assert_eq!(token.take(), "…");
            *token = "x".repeat(43).into();
        }
        let kind = frame["type"].as_str().unwrap().to_owned();
        match frame["status"].as_str() {
            Some("ok") => {
                let reply = catalogue.find(&kind).map(|command| &command.reply);
                // Only what nobody asked for may be what no reply is.
                let push = catalogue.pushes.iter().find(|push| push.name == kind);
                let push = push.filter(|_| frame.get("id").is_none()).map(|push| &push.data);
                let fits = |schema: &&Value| {
                    let none = match schema["type"] == "null" {
                        true => Value::Null,
                        false => Value::Object(serde_json::Map::new()),
                    };
                    violation(schema, frame.get("data").unwrap_or(&none)).is_none()
                };
                assert!(reply.iter().chain(&push).any(fits), "{line}");
            }
            status => assert!(status == Some("error") && frame["code"].is_string(), "{line}"),
        }
        kind
    };
    frames.map(check).collect()
}

#[test]
fn every_command_of_the_server_prints_its_reply() {
    let server = Server::start();
    let home = Home::new();
    let catalogue = commands::catalogue();
    let mut seen = BTreeSet::new();
    for command in &catalogue.commands {
        // Its example, in a state that allows it.
        let mut script = String::from("/register harper 1234\n/register ann 1234\n");
        let state = command.spec.states.iter().next().unwrap();
        if state != proto::State::Auth {
            script.push_str("/login harper 1234\n/create tech_talk\n");
        }
        if state == proto::State::Chat {
            script.push_str("/enter tech_talk\n");
        }
        script.push_str(&format!("{}\n", command.spec.example));
        let options = ["--json", "--keep-going", "--events"];
        seen.extend(check(catalogue, &outcome(home.chatsh_at(&server, &options), &script)));
    }
    let all: BTreeSet<_> = catalogue.commands.iter().map(|c| c.spec.name.to_string()).collect();
    // `quit` is chatsh's own, and ends it.
    let missing: Vec<_> = all.difference(&seen).collect();
    assert_eq!(missing, ["quit"]);
}

#[test]
fn every_verb_prints_frames_and_nothing_else() {
    let (server, home) = place();
    let mut bob = server.connect();
    bob.login("bob");
    bob.ask("enter", serde_json::json!({ "room": "general" }));
    let catalogue = commands::catalogue();
    let asking = std::thread::spawn({
        let command = as_ann(&server, &home, &["ask", "-r", "general", "Well?", "--json"]);
        move || outcome(command, "")
    });
    while bob.next()["data"]["text"] != "Well?" {}
    bob.say("yes");
    assert_eq!(check(catalogue, &asking.join().unwrap()), ["msg"]);
    for (verb, kinds) in [
        ("send -r general hi", &["msg"][..]),
        ("send -r general --lines", &["msg", "msg"]),
        ("send -r nowhere hi", &[]),
        ("history -r general", &["msg"; 5]),
        ("tail -r general --since 0 --count 3", &["msg"; 3]),
        ("who", &["list"]),
        ("who -r general", &["list"]),
        ("rooms", &["list"]),
        ("describe", &["commands"]),
        ("describe enter", &["commands"]),
        ("wait -r general --timeout 50ms", &[]),
    ] {
        let arguments: Vec<_> = verb.split(' ').chain(["--json"]).collect();
        let story = outcome(as_ann(&server, &home, &arguments), "one\ntwo\n");
        assert_eq!(check(catalogue, &story), kinds, "{verb}:\n{story}");
    }
}
