//! What is true of every command, whichever there are.

mod world;

use std::collections::BTreeSet;

use commands::{Act, Body, Command, RoomPolicy, commands};
use expect_test::expect;
use proto::{
    Caps, Description, Id, Incoming, Line, Role, State, Status, UserName, read_line, request_of,
};
use serde_json::{Map, Value, json};

use world::{CATALOGUE, Stage, violation};

/// The requests are sent by ann, who sits there.
const PLACES: [(&str, State); 4] = [
    ("outside", State::Auth),
    ("lobby", State::Lobby),
    ("attic", State::Chat),
    ("ended", State::Ended),
];

/// The token of the example of `resume`.
const TOKEN: &str = "mFtm-_OTPX1bxDOlCUv6Ks3KYvXPcsfkDTCFexk4-u8";

fn stage_with_ann(place: &str) -> Stage {
    let mut stage = Stage::new();
    stage.put("ann", if place == "ended" { "outside" } else { place }, Caps::default());
    if place == "ended" {
        stage.ask("ann", r#"{"type":"quit"}"#);
    }
    stage
}

/// A world in which the example of a command has what it is about: ann's rooms attic and
/// tech_talk, and harper in the attic.
fn prepared_with_ann(place: &str, command: &str) -> Stage {
    prepared_as(Role::Owner, place, command)
}

/// The same, with ann in another role; then the rooms are zoe's.
fn prepared_as(role: Role, place: &str, command: &str) -> Stage {
    let mut stage = Stage::new();
    let name = |name| UserName::new(name).expect("a name");
    for account in ["ann", "harper", "zoe"] {
        stage.accounts.add(&name(account), "1234");
    }
    stage.accounts.add_token(&name("harper"), TOKEN);
    let account = |name| stage.accounts.find(name).expect("it was just made");
    let (ann, harper) = (account("ann"), account("harper"));
    let owner = if role == Role::Owner { ann.clone() } else { account("zoe") };
    for room in ["attic", "tech_talk"] {
        stage.room_of(room, Some(owner.clone()), RoomPolicy::default());
        if role == Role::Operator {
            let op = Body::Done { act: Act::Op, to: ann.clone(), until: None, reason: None };
            stage.keep(room, owner.clone(), op);
        }
    }
    stage.put("harper", "attic", Caps::default());
    let done = |act| Body::Done { act, to: harper.clone(), until: None, reason: None };
    let before = match command {
        "unban" => Some(done(Act::Ban)),
        "unmute" => Some(done(Act::Mute)),
        "deop" => Some(done(Act::Op)),
        _ => None,
    };
    before.into_iter().for_each(|body| stage.keep("attic", ann.clone(), body));
    // The messages up to that of the examples.
    while ["edit", "redact"].contains(&command) && stage.ledger.last() < 42 {
        let said = Body::Said { to: None, text: "hello".into(), changed: None };
        stage.keep("attic", ann.clone(), said);
    }
    stage.put("ann", if place == "ended" { "outside" } else { place }, Caps::default());
    if place == "ended" {
        stage.ask("ann", r#"{"type":"quit"}"#);
    }
    stage.read_all();
    stage
}

fn description(command: &Command) -> &'static Description {
    CATALOGUE.find(&command.spec.name).expect("the catalogue has every command")
}

/// Lines beside the examples, for commands that lead to more than one state.
const FURTHER: [&str; 1] =
    ["/resume mFtm-_OTPX1bxDOlCUv6Ks3KYvXPcsfkDTCFexk4-u8 --room tech_talk --after 0"];

/// The data of a command's example.
fn example(command: &Command) -> Map<String, Value> {
    data_of(command, &command.spec.example)
}

fn further_examples(command: &Command) -> impl Iterator<Item = Map<String, Value>> {
    let is_of =
        move |line: &&&str| line.split(' ').next() == Some(&format!("/{}", command.spec.name));
    FURTHER.iter().filter(is_of).map(|line| data_of(command, line))
}

fn data_of(command: &Command, line: &str) -> Map<String, Value> {
    let Line::Command { name, arguments, .. } = read_line(line, true) else {
        panic!("{line} is no command");
    };
    assert_eq!(name, command.spec.name);
    request_of(description(command), arguments).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// The one reply to the one request.
fn reply(stage: &mut Stage, kind: &str, data: Option<&Value>) -> Incoming {
    let mut request = json!({"type": kind, "id": 7});
    if let Some(data) = data {
        request["data"] = data.clone();
    }
    let mut frames = stage.ask("ann", request.to_string());
    assert_eq!(frames.len(), 1, "{request}: {frames:?}");
    let reply = frames.remove(0);
    assert_eq!((&*reply.kind, &reply.id), (kind, &Some(Id::Number(7))), "{request}");
    reply
}

fn outcome(reply: &Incoming) -> &str {
    reply.code.as_deref().unwrap_or("ok")
}

#[test]
fn these_are_the_commands() {
    let list: String = commands()
        .map(|command| {
            let names = |states: proto::States| {
                states.iter().map(State::name).collect::<Vec<_>>().join(" ")
            };
            let spec = &command.spec;
            let flags =
                [spec.pipelined.then_some(" pipelined"), spec.bare.as_ref().map(|_| " bare")];
            let flags: String = flags.into_iter().flatten().collect();
            format!("{}: {} -> {}{flags}\n", spec.name, names(spec.states), names(spec.leads_to))
        })
        .collect();
    expect![[r#"
        ban: chat -> 
        commands: auth lobby chat -> 
        create: lobby -> 
        delete: lobby -> 
        deop: chat -> 
        edit: chat -> 
        enter: lobby -> chat
        exit: chat -> lobby
        hello: auth lobby chat -> 
        history: chat -> 
        inbox: lobby chat -> 
        invite: chat -> 
        kick: chat -> 
        list: lobby chat -> 
        login: auth -> lobby
        logout: lobby -> auth
        msg: chat ->  pipelined bare
        mute: chat -> 
        op: chat -> 
        passwd: lobby chat -> 
        ping: auth lobby chat -> 
        quit: auth lobby chat -> ended
        redact: chat -> 
        register: auth -> 
        resume: auth -> lobby chat
        retention: chat -> 
        room: chat -> 
        sessions: lobby chat -> 
        tell: lobby chat -> 
        topic: chat -> 
        unban: chat -> 
        unmute: chat -> 
        unregister: lobby -> auth
        whois: lobby chat -> 
    "#]]
    .assert_eq(&list);
}

/// A file without its line in `mod.rs` is no part of the program, and nothing says so.
#[test]
fn every_file_of_a_command_is_a_command() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cmd");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .expect("the commands have their folder")
        .map(|entry| entry.expect("it can be read").file_name().into_string().expect("UTF-8"))
        .filter(|file| file != "mod.rs")
        .collect();
    let expected = commands().map(|command| format!("{}.rs", command.spec.name)).collect();
    assert_eq!(files, expected);
}

#[test]
fn what_is_written_of_a_command_is_whole() {
    for command in commands() {
        let spec = &command.spec;
        let is_line = |text: &str| !text.is_empty() && !text.contains('\n') && text.len() <= 80;
        assert!(is_line(&spec.summary), "{}: {:?}", spec.name, spec.summary);
        assert!(!spec.summary.ends_with(['.', '!', ' ']), "{}: {:?}", spec.name, spec.summary);
        assert!(spec.summary.starts_with(char::is_uppercase), "{}", spec.name);
        assert!(!spec.states.is_empty() && !spec.states.contains(State::Ended), "{}", spec.name);
        assert!(spec.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'.'), "{}", spec.name);
        let description = description(command);
        assert_eq!(description.request["type"], "object", "{}", spec.name);
        assert_eq!(description.request["additionalProperties"], false, "{}", spec.name);
        for arg in &description.args {
            assert!(is_line(&arg.summary), "{} {}: {:?}", spec.name, arg.name, arg.summary);
        }
    }
    let said: Vec<_> = commands().filter(|command| command.spec.bare.is_some()).collect();
    for state in State::ALL {
        let here = said.iter().filter(|command| command.spec.states.contains(state));
        assert!(here.count() <= 1, "in {state} a bare line could say two things");
    }
}

#[test]
fn every_example_is_a_request_that_its_command_takes() {
    for command in commands() {
        let data = Value::Object(example(command));
        let wrong = violation(&description(command).request, &data);
        assert_eq!(wrong, None, "{}", command.spec.example);
        let Value::Object(fields) = &data else { unreachable!() };
        let line = proto::write_line(description(command), fields);
        let Line::Command { arguments, .. } = read_line(&line, true) else { panic!("{line}") };
        let again = request_of(description(command), arguments);
        assert_eq!(again.as_ref(), Ok(fields), "{line}");
    }
}

#[test]
fn every_example_does_something_where_its_command_is_allowed() {
    let mut table = String::new();
    for command in commands() {
        let mut reached = BTreeSet::new();
        let lines = std::iter::once(example(command)).chain(further_examples(command));
        for (data, (place, state)) in
            lines.flat_map(|data| PLACES.map(|place| (data.clone(), place)))
        {
            if !command.spec.states.contains(state) {
                continue;
            }
            let data = Value::Object(data);
            for is_prepared in [false, true] {
                let mut stage = match is_prepared {
                    true => prepared_with_ann(place, &command.spec.name),
                    false => stage_with_ann(place),
                };
                let reply = reply(&mut stage, &command.spec.name, Some(&data));
                let after = stage.state("ann");
                let world = if is_prepared { "prepared" } else { "empty" };
                let outcome = outcome(&reply);
                let name = &command.spec.name;
                table += &format!("{name} in {state}, {world}: {outcome}, then in {after}\n");
                if reply.status == Status::Error {
                    assert_eq!(after, state, "{name}: an error changes nothing");
                } else {
                    reached.insert(after);
                    let leads_to = command.spec.leads_to;
                    let is_there =
                        leads_to.contains(after) || leads_to.is_empty() && after == state;
                    assert!(is_there, "{name}: what is ok leads where it says, not to {after}");
                }
            }
        }
        // No claim without a way: each state that it leads to is reached by its example.
        let missed: Vec<_> =
            command.spec.leads_to.iter().filter(|s| !reached.contains(s)).collect();
        assert!(missed.is_empty() && !reached.is_empty(), "{}: {missed:?}", command.spec.name);
    }
    expect![[r#"
        ban in chat, empty: forbidden, then in chat
        ban in chat, prepared: ok, then in chat
        commands in auth, empty: ok, then in auth
        commands in auth, prepared: ok, then in auth
        commands in lobby, empty: ok, then in lobby
        commands in lobby, prepared: ok, then in lobby
        commands in chat, empty: ok, then in chat
        commands in chat, prepared: ok, then in chat
        create in lobby, empty: ok, then in lobby
        create in lobby, prepared: room_exists, then in lobby
        delete in lobby, empty: no_such_room, then in lobby
        delete in lobby, prepared: ok, then in lobby
        deop in chat, empty: forbidden, then in chat
        deop in chat, prepared: ok, then in chat
        edit in chat, empty: bad_request, then in chat
        edit in chat, prepared: ok, then in chat
        enter in lobby, empty: no_such_room, then in lobby
        enter in lobby, prepared: ok, then in chat
        exit in chat, empty: ok, then in lobby
        exit in chat, prepared: ok, then in lobby
        hello in auth, empty: ok, then in auth
        hello in auth, prepared: ok, then in auth
        hello in lobby, empty: ok, then in lobby
        hello in lobby, prepared: ok, then in lobby
        hello in chat, empty: ok, then in chat
        hello in chat, prepared: ok, then in chat
        history in chat, empty: ok, then in chat
        history in chat, prepared: ok, then in chat
        inbox in lobby, empty: ok, then in lobby
        inbox in lobby, prepared: ok, then in lobby
        inbox in chat, empty: ok, then in chat
        inbox in chat, prepared: ok, then in chat
        invite in chat, empty: forbidden, then in chat
        invite in chat, prepared: ok, then in chat
        kick in chat, empty: forbidden, then in chat
        kick in chat, prepared: ok, then in chat
        list in lobby, empty: ok, then in lobby
        list in lobby, prepared: ok, then in lobby
        list in chat, empty: ok, then in chat
        list in chat, prepared: ok, then in chat
        login in auth, empty: unauthorized, then in auth
        login in auth, prepared: ok, then in lobby
        logout in lobby, empty: ok, then in auth
        logout in lobby, prepared: ok, then in auth
        msg in chat, empty: ok, then in chat
        msg in chat, prepared: ok, then in chat
        mute in chat, empty: forbidden, then in chat
        mute in chat, prepared: ok, then in chat
        op in chat, empty: forbidden, then in chat
        op in chat, prepared: ok, then in chat
        passwd in lobby, empty: ok, then in lobby
        passwd in lobby, prepared: ok, then in lobby
        passwd in chat, empty: ok, then in chat
        passwd in chat, prepared: ok, then in chat
        ping in auth, empty: ok, then in auth
        ping in auth, prepared: ok, then in auth
        ping in lobby, empty: ok, then in lobby
        ping in lobby, prepared: ok, then in lobby
        ping in chat, empty: ok, then in chat
        ping in chat, prepared: ok, then in chat
        quit in auth, empty: ok, then in ended
        quit in auth, prepared: ok, then in ended
        quit in lobby, empty: ok, then in ended
        quit in lobby, prepared: ok, then in ended
        quit in chat, empty: ok, then in ended
        quit in chat, prepared: ok, then in ended
        redact in chat, empty: bad_request, then in chat
        redact in chat, prepared: ok, then in chat
        register in auth, empty: ok, then in auth
        register in auth, prepared: name_taken, then in auth
        resume in auth, empty: unauthorized, then in auth
        resume in auth, prepared: ok, then in lobby
        resume in auth, empty: unauthorized, then in auth
        resume in auth, prepared: ok, then in chat
        retention in chat, empty: forbidden, then in chat
        retention in chat, prepared: ok, then in chat
        room in chat, empty: ok, then in chat
        room in chat, prepared: ok, then in chat
        sessions in lobby, empty: ok, then in lobby
        sessions in lobby, prepared: ok, then in lobby
        sessions in chat, empty: ok, then in chat
        sessions in chat, prepared: ok, then in chat
        tell in lobby, empty: no_such_user, then in lobby
        tell in lobby, prepared: ok, then in lobby
        tell in chat, empty: no_such_user, then in chat
        tell in chat, prepared: ok, then in chat
        topic in chat, empty: forbidden, then in chat
        topic in chat, prepared: ok, then in chat
        unban in chat, empty: forbidden, then in chat
        unban in chat, prepared: ok, then in chat
        unmute in chat, empty: forbidden, then in chat
        unmute in chat, prepared: ok, then in chat
        unregister in lobby, empty: ok, then in auth
        unregister in lobby, prepared: ok, then in auth
        whois in lobby, empty: no_such_user, then in lobby
        whois in lobby, prepared: ok, then in lobby
        whois in chat, empty: no_such_user, then in chat
        whois in chat, prepared: ok, then in chat
    "#]]
    .assert_eq(&table);
}

/// What can be wrong with data: what it is called, the data, and the field to blame.
fn spoiled(command: &Command) -> Vec<(String, Option<Value>, String)> {
    let good = Value::Object(example(command));
    let with = |name: &str, value: Value| {
        let mut data = good.clone();
        data[name] = value;
        Some(data)
    };
    let mut cases = vec![
        ("a list for data".into(), Some(json!([])), "data".into()),
        ("a string for data".into(), Some(json!("data")), "data".into()),
        ("a number for data".into(), Some(json!(0)), "data".into()),
        ("a field too many".into(), with("surplus", json!(1)), "surplus".into()),
        ("a field of no name".into(), with("", json!(null)), String::new()),
    ];
    for arg in &description(command).args {
        let mut wrong = vec![json!({}), json!(1.5), json!([{}]), json!("\u{0}")];
        if arg.required {
            let mut data = good.clone();
            data.as_object_mut().expect("an object").remove(&arg.name);
            cases.push((format!("{} missing", arg.name), Some(data), arg.name.clone()));
            wrong.push(json!(null));
        }
        wrong.retain(|value| {
            let takes_any = matches!(arg.kind, proto::Kind::String | proto::Kind::Password);
            !(value.is_string() && takes_any)
        });
        for value in wrong {
            let what = format!("{}: {value}", arg.name);
            cases.push((what, with(&arg.name, value), arg.name.clone()));
        }
    }
    cases
}

#[test]
fn every_command_in_every_state_refuses_what_is_wrong_and_says_which_field() {
    for command in commands() {
        let name = &*command.spec.name;
        for (place, state) in PLACES {
            let mut stage = prepared_with_ann(place, name);
            for (what, data, field) in spoiled(command) {
                let reply = reply(&mut stage, name, data.as_ref());
                // The envelope is read before anyone looks at the state.
                let is_met = field == "data" || command.spec.states.contains(state);
                let expected = if is_met { "bad_request" } else { "wrong_state" };
                assert_eq!(outcome(&reply), expected, "{name} in {state}, {what}: {reply:?}");
                if is_met {
                    assert_eq!(reply.data["field"], field, "{name} in {state}, {what}");
                } else {
                    let states: Vec<_> = command.spec.states.iter().map(State::name).collect();
                    assert_eq!(reply.data["states"], json!(states), "{name} in {state}, {what}");
                }
                assert_eq!(stage.state("ann"), state, "{name} in {state}, {what}");
            }
        }
    }
}

#[test]
fn no_data_null_and_an_empty_object_are_the_same() {
    for command in commands() {
        for (place, _) in PLACES {
            let answer = |data: Option<Value>| {
                let mut stage = stage_with_ann(place);
                let mut reply = reply(&mut stage, &command.spec.name, data.as_ref());
                reply.data.retain(|key, _| !["ts", "sessions"].contains(&key.as_str()));
                (format!("{reply:?}"), stage.state("ann"))
            };
            let absent = answer(None);
            assert_eq!(answer(Some(Value::Null)), absent, "{} in {place}", command.spec.name);
            assert_eq!(answer(Some(json!({}))), absent, "{} in {place}", command.spec.name);
        }
    }
}

#[test]
fn a_null_is_a_field_that_was_left_out() {
    for command in commands() {
        let mut data = example(command);
        for arg in description(command).args.iter().filter(|arg| !arg.required) {
            data.insert(arg.name.clone(), Value::Null);
        }
        let state = command.spec.states.iter().next().expect("it is allowed somewhere");
        let (place, _) = PLACES.into_iter().find(|(_, s)| *s == state).expect("a place");
        let mut stage = prepared_with_ann(place, &command.spec.name);
        let reply = reply(&mut stage, &command.spec.name, Some(&data.into()));
        assert_ne!(outcome(&reply), "bad_request", "{}: {reply:?}", command.spec.name);
    }
}

#[test]
fn a_request_without_an_id_has_a_reply_without_one() {
    for command in commands() {
        for (place, _) in PLACES {
            let mut stage = prepared_with_ann(place, &command.spec.name);
            let request = json!({"type": command.spec.name, "data": example(command)});
            let frames = stage.ask("ann", request.to_string());
            assert_eq!(frames.len(), 1, "{request} in {place}");
            assert_eq!((&*frames[0].kind, &frames[0].id), (&*command.spec.name, &None), "{place}");
        }
    }
}

/// The check above is only as good as the checker.
#[test]
fn the_checker_of_schemas_finds_what_is_wrong() {
    let schema = &CATALOGUE.find("msg").expect("msg exists").request;
    for (data, expected) in [
        (json!({"to": "bob", "text": "hi"}), None),
        (json!({"to": "bob", "text": "hi", "from": null}), None),
        (json!({"to": "bob"}), Some("text is missing")),
        (json!({"to": "bob", "text": ""}), Some("\"\" is too short")),
        (json!({"to": "bob", "text": 1}), Some("1 is no \"string\"")),
        (json!({"to": "bob", "text": "hi", "x": 1}), Some("x: 1 is not allowed")),
        (json!([]), Some("[] is no \"object\"")),
    ] {
        assert_eq!(violation(schema, &data).as_deref(), expected, "{data}");
    }
}

/// The permission matrix, cell by cell: every command, in every state, for every role.
#[test]
fn a_command_is_for_its_states_and_its_roles_and_for_nobody_else() {
    for command in commands() {
        let (name, spec) = (&*command.spec.name, &command.spec);
        for ((place, state), role) in
            PLACES.into_iter().flat_map(|place| Role::ALL.map(|role| (place, role)))
        {
            let mut stage = prepared_as(role, place, name);
            let mut data = Value::Object(example(command));
            if name == "deop" && role == Role::Operator {
                // Of operators only oneself.
                data["username"] = json!("ann");
            }
            let reply = reply(&mut stage, name, Some(&data));
            let (may_here, may_be) = (spec.states.contains(state), role >= spec.role);
            let expected = match (may_here, may_be) {
                (false, _) => Some("wrong_state"),
                (true, false) => Some("forbidden"),
                (true, true) => None,
            };
            let refused = ["wrong_state", "forbidden"].into_iter().find(|c| outcome(&reply) == *c);
            assert_eq!(refused, expected, "{name} in {state} as {}: {reply:?}", role.name());
        }
    }
}
