//! What stands around every command: type, id, codes, states, capabilities.

use expect_test::expect;

use crate::world::check;

#[test]
fn the_id_comes_back_as_it_went() {
    check(
        r#"
        * outside: ann
        ann> {"type":"list","id":0}
        ann> {"type":"list","id":-9007199254740991}
        ann> {"type":"list","id":""}
        ann> {"type":"list","id":"Ünï \"code\""}
        ann> {"type":"list","id":null}
        ann> {"type":"list"}
        ann> {"id":7,"type":"list","future":{"a":[1]}}
        "#,
        expect![[r#"
            * outside: ann
            ann> {"type":"list","id":0}
            ann< list wrong_state "list is allowed in lobby and chat, you are in auth: login leads there" states=[lobby chat] #0
            ann> {"type":"list","id":-9007199254740991}
            ann< list wrong_state "list is allowed in lobby and chat, you are in auth: login leads there" states=[lobby chat] #-9007199254740991
            ann> {"type":"list","id":""}
            ann< list wrong_state "list is allowed in lobby and chat, you are in auth: login leads there" states=[lobby chat] #""
            ann> {"type":"list","id":"Ünï \"code\""}
            ann< list wrong_state "list is allowed in lobby and chat, you are in auth: login leads there" states=[lobby chat] #"Ünï \"code\""
            ann> {"type":"list","id":null}
            ann< list wrong_state "list is allowed in lobby and chat, you are in auth: login leads there" states=[lobby chat]
            ann> {"type":"list"}
            ann< list wrong_state "list is allowed in lobby and chat, you are in auth: login leads there" states=[lobby chat]
            ann> {"id":7,"type":"list","future":{"a":[1]}}
            ann< list wrong_state "list is allowed in lobby and chat, you are in auth: login leads there" states=[lobby chat] #7
        "#]],
    );
}

#[test]
fn an_id_that_cannot_be_is_refused_and_not_given_back() {
    check(
        r#"
        * outside: ann
        ann> {"type":"ping","id":9007199254740992}
        ann> {"type":"ping","id":1.0}
        ann> {"type":"ping","id":true}
        ann> {"type":"ping","id":{}}
        ann> {"type":"ping","id":"{é*64}"}
        ann> {"type":"ping","id":"{é*65}"}
        "#,
        expect![[r#"
            * outside: ann
            ann> {"type":"ping","id":9007199254740992}
            ann< ping bad_request "id: invalid value: integer `9007199254740992`, expected a string of up to 64 characters or a whole number of up to 53 bits" field=id
            ann> {"type":"ping","id":1.0}
            ann< ping bad_request "id: invalid type: floating point `1.0`, expected a string of up to 64 characters or a whole number of up to 53 bits" field=id
            ann> {"type":"ping","id":true}
            ann< ping bad_request "id: invalid type: boolean `true`, expected a string of up to 64 characters or a whole number of up to 53 bits" field=id
            ann> {"type":"ping","id":{}}
            ann< ping bad_request "id: invalid type: map, expected a string of up to 64 characters or a whole number of up to 53 bits" field=id
            ann> {"type":"ping","id":"{é*64}"}
            ann< ping ok ts=TS #"éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"
            ann> {"type":"ping","id":"{é*65}"}
            ann< ping bad_request "id: invalid length 65, expected a string of up to 64 characters or a whole number of up to 53 bits" field=id
        "#]],
    );
}

#[test]
fn data_that_is_absent_null_or_empty_is_the_same() {
    check(
        r#"
        * in lobby: ann
        ann> {"type":"list"}
        ann> {"type":"list","data":null}
        ann> {"type":"list","data":{}}
        ann> {"type":"list","data":[]}
        ann> {"type":"list","data":"","id":1}
        "#,
        expect![[r#"
            * in lobby: ann
            ann> {"type":"list"}
            ann< list ok lobby=[ann]
            ann> {"type":"list","data":null}
            ann< list ok lobby=[ann]
            ann> {"type":"list","data":{}}
            ann< list ok lobby=[ann]
            ann> {"type":"list","data":[]}
            ann< list bad_request "data: data is no object" field=data
            ann> {"type":"list","data":"","id":1}
            ann< list bad_request "data: data is no object" field=data #1
        "#]],
    );
}

#[test]
fn a_body_that_is_no_request_belongs_to_none() {
    check(
        r#"
        * outside: ann
        ann> {"type":7}
        ann> {"data":{}}
        ann> {"type":"ping","type":"quit"}
        ann> {"type":"ping"} x
        ann> {"type":"ping","x":"\ud83d"}
        ann> {"type":"ping"}
        "#,
        expect![[r#"
            * outside: ann
            ann> {"type":7}
            ann< error bad_frame "the type is no string"
            ann> {"data":{}}
            ann< error bad_frame "no type"
            ann> {"type":"ping","type":"quit"}
            ann< error bad_frame "the key \"type\" twice at line 1 column 29"
            ann> {"type":"ping"} x
            ann< error bad_frame "the body does not end with its object"
            ann> {"type":"ping","x":"\ud83d"}
            ann< error bad_frame "unexpected end of hex escape at line 1 column 27"
            ann> {"type":"ping"}
            ann< ping ok ts=TS
        "#]],
    );
}

#[test]
fn a_wrong_field_is_named() {
    check(
        r#"
        * in lobby: ann
        ann> {"type":"enter","data":{"rom":"attic"}}
        ann> {"type":"enter","data":{}}
        ann> {"type":"enter","data":{"room":"attic","color":1}}
        ann> {"type":"enter","data":{"room":5}}
        ann> {"type":"enter","data":{"room":null}}
        ann> {"type":"list","data":{"a`b":1}}
        ann> {"type":"hello","data":{"caps":["ping",1]}}
        "#,
        expect![[r#"
            * in lobby: ann
            ann> {"type":"enter","data":{"rom":"attic"}}
            ann< enter bad_request "unknown field `rom`, expected `room`" field=rom
            ann> {"type":"enter","data":{}}
            ann< enter bad_request "missing field `room`" field=room
            ann> {"type":"enter","data":{"room":"attic","color":1}}
            ann< enter bad_request "unknown field `color`, expected `room`" field=color
            ann> {"type":"enter","data":{"room":5}}
            ann< enter bad_request "room: invalid type: integer `5`, expected a string" field=room
            ann> {"type":"enter","data":{"room":null}}
            ann< enter bad_request "room: invalid type: null, expected a string" field=room
            ann> {"type":"list","data":{"a`b":1}}
            ann< list bad_request "unknown field `a`b`, expected `all`" field="a`b"
            ann> {"type":"hello","data":{"caps":["ping",1]}}
            ann< hello bad_request "caps: invalid type: integer `1`, expected a string" field=caps
        "#]],
    );
}

#[test]
fn a_mistyped_command_is_asked_about() {
    check(
        r#"
        * in lobby: ann
        ann#1> /entre attic
        ann#2> /lst
        ann#3> /xyzzy
        ann#4> /LIST
        ann> {"type":"","id":5}
        ann> {"type":"{x*4000}","id":6}
        "#,
        expect![[r#"
            * in lobby: ann
            ann#1> /entre attic
            ann< entre unknown_command "there is no command of this name: did you mean enter?" #1
            ann#2> /lst
            ann< lst unknown_command "there is no command of this name: did you mean list?" #2
            ann#3> /xyzzy
            ann< xyzzy unknown_command "there is no command of this name" #3
            ann#4> /LIST
            ann< LIST unknown_command "there is no command of this name" #4
            ann> {"type":"","id":5}
            ann<  unknown_command "there is no command of this name" #5
            ann> {"type":"{x*4000}","id":6}
            ann< xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx unknown_command "there is no command of this name" #6
        "#]],
    );
}

#[test]
fn a_command_outside_its_states_says_where_it_is_allowed_and_how_to_get_there() {
    check(
        "
        * outside: ann
        ann> /list
        ann> /create attic
        ann> /enter attic
        ann> /msg public hello
        ann> /exit
        ann> /logout
        * in lobby: bob
        bob> /register bob 1234
        bob> /login bob 1234
        bob> /resume {token bob-1}
        bob> /msg public hello
        bob> /exit
        * in attic: eve
        eve> /register bob 1234
        eve> /login bob 1234
        eve> /resume {token bob-1}
        eve> /create cellar
        eve> /enter cellar
        eve> /logout
        ",
        expect![[r#"
            * outside: ann
            ann> /list
            ann< list wrong_state "list is allowed in lobby and chat, you are in auth: login leads there" states=[lobby chat]
            ann> /create attic
            ann< create wrong_state "create is allowed in lobby, you are in auth: login leads there" states=[lobby]
            ann> /enter attic
            ann< enter wrong_state "enter is allowed in lobby, you are in auth: login leads there" states=[lobby]
            ann> /msg public hello
            ann< msg wrong_state "msg is allowed in chat, you are in auth" states=[chat]
            ann> /exit
            ann< exit wrong_state "exit is allowed in chat, you are in auth" states=[chat]
            ann> /logout
            ann< logout wrong_state "logout is allowed in lobby, you are in auth: login leads there" states=[lobby]
            * in lobby: bob
            bob> /register bob 1234
            bob< register wrong_state "register is allowed in auth, you are in lobby: logout leads there" states=[auth]
            bob> /login bob 1234
            bob< login wrong_state "login is allowed in auth, you are in lobby: logout leads there" states=[auth]
            bob> /resume {token bob-1}
            bob< resume wrong_state "resume is allowed in auth, you are in lobby: logout leads there" states=[auth]
            bob> /msg public hello
            bob< msg wrong_state "msg is allowed in chat, you are in lobby: enter leads there" states=[chat]
            bob> /exit
            bob< exit wrong_state "exit is allowed in chat, you are in lobby: enter leads there" states=[chat]
            * in attic: eve
            eve> /register bob 1234
            eve< register wrong_state "register is allowed in auth, you are in chat" states=[auth]
            eve> /login bob 1234
            eve< login wrong_state "login is allowed in auth, you are in chat" states=[auth]
            eve> /resume {token bob-1}
            eve< resume wrong_state "resume is allowed in auth, you are in chat" states=[auth]
            eve> /create cellar
            eve< create wrong_state "create is allowed in lobby, you are in chat: exit leads there" states=[lobby]
            eve> /enter cellar
            eve< enter wrong_state "enter is allowed in lobby, you are in chat: exit leads there" states=[lobby]
            eve> /logout
            eve< logout wrong_state "logout is allowed in lobby, you are in chat: exit leads there" states=[lobby]
        "#]],
    );
}

#[test]
fn the_state_is_looked_at_before_the_data() {
    check(
        r#"
        * outside: ann
        ann> {"type":"enter","data":{"what":"ever"}}
        "#,
        expect![[r#"
            * outside: ann
            ann> {"type":"enter","data":{"what":"ever"}}
            ann< enter wrong_state "enter is allowed in lobby, you are in auth: login leads there" states=[lobby]
        "#]],
    );
}

#[test]
fn hello_says_what_there_is_and_turns_on_what_both_know() {
    check(
        "
        * outside: ann
        ann> /hello
        ann> /hello --client chatsh --version 0.1.0 --caps ping,teleport,resume,ping
        ann> /hello
        ann> /hello --caps list-push
        * motd Welcome!
        ann> /hello --caps ''
        ",
        expect![[r#"
            * outside: ann
            ann> /hello
            ann< hello ok server="chatd 0.1.0" version=1 caps=[] limits={frame=65536 frame_before_login=4096 frame_from_server=1048576 text=16384 commands_burst=100 commands_per_s=20 pipelined=64 ping_s=60 rooms_per_user=0}
            ann> /hello --client chatsh --version 0.1.0 --caps ping,teleport,resume,ping
            ann< hello ok server="chatd 0.1.0" version=1 caps=[resume ping] limits={frame=65536 frame_before_login=4096 frame_from_server=1048576 text=16384 commands_burst=100 commands_per_s=20 pipelined=64 ping_s=60 rooms_per_user=0}
            ann> /hello
            ann< hello ok server="chatd 0.1.0" version=1 caps=[resume ping] limits={frame=65536 frame_before_login=4096 frame_from_server=1048576 text=16384 commands_burst=100 commands_per_s=20 pipelined=64 ping_s=60 rooms_per_user=0}
            ann> /hello --caps list-push
            ann< hello ok server="chatd 0.1.0" version=1 caps=[list-push] limits={frame=65536 frame_before_login=4096 frame_from_server=1048576 text=16384 commands_burst=100 commands_per_s=20 pipelined=64 ping_s=60 rooms_per_user=0}
            * motd Welcome!
            ann> /hello --caps ''
            ann< hello ok server="chatd 0.1.0" version=1 caps=[] limits={frame=65536 frame_before_login=4096 frame_from_server=1048576 text=16384 commands_burst=100 commands_per_s=20 pipelined=64 ping_s=60 rooms_per_user=0} motd=Welcome!
        "#]],
    );
}

#[test]
fn ping_is_answered_with_the_time() {
    check(
        "
        * outside: ann
        * in attic: bob
        ann#1> /ping
        bob> /ping
        ",
        expect![[r#"
            * outside: ann
            * in attic: bob
            ann#1> /ping
            ann< ping ok ts=TS #1
            bob> /ping
            bob< ping ok ts=TS
        "#]],
    );
}

#[test]
fn the_examples_of_the_origin_work_as_they_stand() {
    check(
        r#"
        ann> { "type": "register", "data": { "username": "harper", "password": "1234" } }
        ann> { "type": "login",    "data": { "username": "harper", "password": "1234" } }
        ann> { "type": "list" }
        ann> { "type": "create", "data": { "room": "tech_talk" } }
        ann> { "type": "enter",  "data": { "room": "tech_talk" } }
        ann> { "type": "list" }
        ann> { "type": "msg", "data": { "from": "harper", "to": "public", "text": "Hello everyone!" } }
        ann> { "type": "exit" }
        ann> { "type": "logout" }
        "#,
        expect![[r#"
            ann> { "type": "register", "data": { "username": "harper", "password": "1234" } }
            ann< register ok "Registration successful" username=harper chatroom=lobby
            ann> { "type": "login",    "data": { "username": "harper", "password": "1234" } }
            ann< login ok "Login successful" username=harper chatroom=lobby
            ann> { "type": "list" }
            ann< list ok lobby=[harper]
            ann> { "type": "create", "data": { "room": "tech_talk" } }
            ann< create ok "tech_talk created successfully"
            ann> { "type": "enter",  "data": { "room": "tech_talk" } }
            ann< enter ok "Welcome to the chatroom" username=harper room=tech_talk last_seq=1 oldest=1 epoch=e1
            ann> { "type": "list" }
            ann< list ok tech_talk=[harper]
            ann> { "type": "msg", "data": { "from": "harper", "to": "public", "text": "Hello everyone!" } }
            ann< msg ok to=public from=harper text="Hello everyone!" room=tech_talk seq=2 ts=TS
            ann> { "type": "exit" }
            ann< exit ok "Exited chatroom, returned to lobby"
            ann> { "type": "logout" }
            ann< logout ok "Logged out"
        "#]],
    );
}
