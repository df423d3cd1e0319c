//! Who one is: register, login, resume, logout, quit.

use expect_test::expect;

use crate::world::check;

#[test]
fn an_account_is_made_and_opened() {
    check(
        "
        ann> /register harper 1234
        ann> /login harper 1234
        ",
        expect![[r#"
            ann> /register harper 1234
            ann< register ok "Registration successful" username=harper chatroom=lobby
            ann> /login harper 1234
            ann< login ok "Login successful" username=harper chatroom=lobby
        "#]],
    );
}

#[test]
fn a_name_is_taken_once_however_it_is_spelled() {
    check(
        "
        ann> /register harper 1234
        ann> /register harper 5678
        ann> /register Harper 5678
        ann> /register ＨＡＲＰＥＲ 5678
        ann> /register modern 1234
        ann> /register rnodern 1234
        ann> /register harper2 1234
        ",
        expect![[r#"
            ann> /register harper 1234
            ann< register ok "Registration successful" username=harper chatroom=lobby
            ann> /register harper 5678
            ann< register name_taken "the name is taken"
            ann> /register Harper 5678
            ann< register name_taken "the name is taken"
            ann> /register ＨＡＲＰＥＲ 5678
            ann< register name_taken "the name is taken"
            ann> /register modern 1234
            ann< register ok "Registration successful" username=modern chatroom=lobby
            ann> /register rnodern 1234
            ann< register name_taken "the name is taken"
            ann> /register harper2 1234
            ann< register ok "Registration successful" username=harper2 chatroom=lobby
        "#]],
    );
}

#[test]
fn some_names_mean_something_else() {
    check(
        "
        ann> /register public 1234
        ann> /register lobby 1234
        ann> /register server 1234
        ann> /register SYSTEM 1234
        ann> /register 1obby 1234
        ann> /register lobbyist 1234
        ",
        expect![[r#"
            ann> /register public 1234
            ann< register bad_request "username: the name is reserved" field=username
            ann> /register lobby 1234
            ann< register bad_request "username: the name is reserved" field=username
            ann> /register server 1234
            ann< register bad_request "username: the name is reserved" field=username
            ann> /register SYSTEM 1234
            ann< register bad_request "username: the name is reserved" field=username
            ann> /register 1obby 1234
            ann< register bad_request "username: the name is reserved" field=username
            ann> /register lobbyist 1234
            ann< register ok "Registration successful" username=lobbyist chatroom=lobby
        "#]],
    );
}

#[test]
fn a_name_has_letters_of_one_script_and_an_end() {
    check(
        "
        ann> /register '' 1234
        ann> /register {x*32} 1234
        ann> /register {y*33} 1234
        ann> /register {é*32} 1234
        ann> /register 'ann lee' 1234
        ann> /register ann! 1234
        ann> /register аlice 1234
        ann> /register Алиса 1234
        ",
        expect![[r#"
            ann> /register '' 1234
            ann< register bad_request "username: a name has at least one character that can be seen" field=username
            ann> /register {x*32} 1234
            ann< register ok "Registration successful" username=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx chatroom=lobby
            ann> /register {y*33} 1234
            ann< register bad_request "username: a name has at most 32 characters, this one has 33" field=username
            ann> /register {é*32} 1234
            ann< register ok "Registration successful" username=éééééééééééééééééééééééééééééééé chatroom=lobby
            ann> /register 'ann lee' 1234
            ann< register bad_request "username: a name has no ' ' in it: letters, digits, _ - . are fine" field=username
            ann> /register ann! 1234
            ann< register bad_request "username: a name has no '!' in it: letters, digits, _ - . are fine" field=username
            ann> /register аlice 1234
            ann< register bad_request "username: a name is written in one script, this one mixes several" field=username
            ann> /register Алиса 1234
            ann< register ok "Registration successful" username=Алиса chatroom=lobby
        "#]],
    );
}

#[test]
fn a_password_has_its_length_in_bytes() {
    check(
        "
        ann> /register ann ''
        ann> /register ann 123
        ann> /register ann 1234
        ann> /register bob {x*257}
        ann> /register bob {x*256}
        ann> /register eve éé
        ann> /login bob {x*256}
        ",
        expect![[r#"
            ann> /register ann ''
            ann< register bad_request "password: a password has 1 to 256 bytes" field=password
            ann> /register ann 123
            ann< register bad_request "password: at least 4 bytes" field=password
            ann> /register ann 1234
            ann< register ok "Registration successful" username=ann chatroom=lobby
            ann> /register bob {x*257}
            ann< register bad_request "password: a password has 1 to 256 bytes" field=password
            ann> /register bob {x*256}
            ann< register ok "Registration successful" username=bob chatroom=lobby
            ann> /register eve éé
            ann< register ok "Registration successful" username=eve chatroom=lobby
            ann> /login bob {x*256}
            ann< login ok "Login successful" username=bob chatroom=lobby
        "#]],
    );
}

#[test]
fn a_closed_registration_makes_no_account() {
    check(
        "
        * registration is closed
        ann> /register ann 1234
        ann> /login ann 1234
        ",
        expect![[r#"
            * registration is closed
            ann> /register ann 1234
            ann< register forbidden "registration is closed here: ask the operator for an account"
            ann> /login ann 1234
            ann< login unauthorized "the name or the password is wrong"
        "#]],
    );
}

#[test]
fn a_wrong_password_and_an_unknown_name_look_alike() {
    check(
        "
        ann> /register ann 1234
        ann> /login ann 12345
        ann> /login bob 1234
        ann> /login ann 1234
        ",
        expect![[r#"
            ann> /register ann 1234
            ann< register ok "Registration successful" username=ann chatroom=lobby
            ann> /login ann 12345
            ann< login unauthorized "the name or the password is wrong"
            ann> /login bob 1234
            ann< login unauthorized "the name or the password is wrong"
            ann> /login ann 1234
            ann< login ok "Login successful" username=ann chatroom=lobby
        "#]],
    );
}

#[test]
fn who_tries_too_often_is_told_how_long_to_wait() {
    check(
        "
        ann> /register ann 1234
        * the accounts throttle one
        ann#1> /login ann 1234
        ann#2> /login ann 1234
        ",
        expect![[r#"
            ann> /register ann 1234
            ann< register ok "Registration successful" username=ann chatroom=lobby
            * the accounts throttle one
            ann#1> /login ann 1234
            ann< login throttled "too many attempts" retry_after_ms=12000 #1
            ann#2> /login ann 1234
            ann< login ok "Login successful" username=ann chatroom=lobby #2
        "#]],
    );
}

#[test]
fn names_are_spelled_as_they_were_registered() {
    check(
        "
        ann> /register Harper 1234
        ann> /login hARPER 1234
        ann> /create Tech_Talk
        ann> /enter tech_talk
        ann> hello
        ann> /msg HARPER to myself
        ann> /list
        ",
        expect![[r#"
            ann> /register Harper 1234
            ann< register ok "Registration successful" username=Harper chatroom=lobby
            ann> /login hARPER 1234
            ann< login ok "Login successful" username=Harper chatroom=lobby
            ann> /create Tech_Talk
            ann< create ok "Tech_Talk created successfully"
            ann> /enter tech_talk
            ann< enter ok "Welcome to the chatroom" username=Harper room=Tech_Talk last_seq=1 oldest=1 epoch=e1
            ann> hello
            ann< msg ok to=public from=Harper text=hello room=Tech_Talk seq=2 ts=TS
            ann> /msg HARPER to myself
            ann< msg ok to=Harper from=Harper text="to myself" room=Tech_Talk seq=3 ts=TS
            ann> /list
            ann< list ok Tech_Talk=[Harper]
        "#]],
    );
}

#[test]
fn an_account_may_be_logged_in_several_times() {
    check(
        "
        * in lobby: ann, ann.2
        ann.2> /list
        ann> /quit
        ann.2> /list
        ",
        expect![[r#"
            * in lobby: ann, ann.2
            ann.2> /list
            ann.2< list ok lobby=[ann]
            ann> /quit
            ann< quit ok "Goodbye"
            ann.2> /list
            ann.2< list ok lobby=[ann]
        "#]],
    );
}

#[test]
fn a_token_is_given_to_those_who_can_resume() {
    check(
        "
        ann> /register ann 1234
        ann> /hello --caps resume
        ann> /login ann 1234
        * ann is gone
        ann.2> /resume {token ann-1}
        ann.2> /list
        ",
        expect![[r#"
            ann> /register ann 1234
            ann< register ok "Registration successful" username=ann chatroom=lobby
            ann> /hello --caps resume
            ann< hello ok server="chatd 0.1.0" version=1 caps=[resume] limits={frame=65536 frame_before_login=4096 frame_from_server=1048576 text=16384 commands_burst=100 commands_per_s=20 pipelined=64 ping_s=60 rooms_per_user=0}
            ann> /login ann 1234
            ann< login ok "Login successful" username=ann chatroom=lobby token=ann-1
            * ann is gone
            ann.2> /resume {token ann-1}
            ann.2< resume ok "Welcome back" username=ann chatroom=lobby
            ann.2> /list
            ann.2< list ok lobby=[ann]
        "#]],
    );
}

#[test]
fn a_token_opens_several_connections_until_it_is_revoked() {
    check(
        "
        * in lobby with resume: ann
        ann.2> /resume {token ann-1}
        ann.3> /resume {token ann-1}
        ann.2> /logout
        ann.4> /resume {token ann-1}
        ann> /list
        ",
        expect![[r#"
            * in lobby with resume: ann
            ann.2> /resume {token ann-1}
            ann.2< resume ok "Welcome back" username=ann chatroom=lobby
            ann.3> /resume {token ann-1}
            ann.3< resume ok "Welcome back" username=ann chatroom=lobby
            ann.2> /logout
            ann.2< logout ok "Logged out"
            ann.4> /resume {token ann-1}
            ann.4< resume unauthorized "the token is not known, or no longer good"
            ann> /list
            ann< list ok lobby=[ann]
        "#]],
    );
}

#[test]
fn a_logout_revokes_its_own_token_and_no_other() {
    check(
        "
        * in lobby with resume: ann, ann.2
        ann> /logout
        ann> /resume {token ann-1}
        ann> /resume {token ann-2}
        ann> /logout
        ann> /resume {token ann-2}
        ann> /login ann 1234
        ",
        expect![[r#"
            * in lobby with resume: ann, ann.2
            ann> /logout
            ann< logout ok "Logged out"
            ann> /resume {token ann-1}
            ann< resume unauthorized "the token is not known, or no longer good"
            ann> /resume {token ann-2}
            ann< resume ok "Welcome back" username=ann chatroom=lobby
            ann> /logout
            ann< logout ok "Logged out"
            ann> /resume {token ann-2}
            ann< resume unauthorized "the token is not known, or no longer good"
            ann> /login ann 1234
            ann< login ok "Login successful" username=ann chatroom=lobby token=ann-3
        "#]],
    );
}

#[test]
fn a_logout_that_cannot_revoke_does_not_happen() {
    check(
        "
        * in lobby with resume: ann
        * the accounts throttle one
        ann> /logout
        ann> /list
        ",
        expect![[r#"
            * in lobby with resume: ann
            * the accounts throttle one
            ann> /logout
            ann< logout throttled "too many attempts" retry_after_ms=12000
            ann> /list
            ann< list ok lobby=[ann]
        "#]],
    );
}

#[test]
fn quitting_and_losing_the_connection_revoke_nothing() {
    check(
        "
        * in lobby with resume: ann
        * in attic with resume: bob
        ann> /quit
        ann.2> /resume {token ann-1}
        * bob is gone
        bob.2> /resume {token bob-1}
        ann.2> /list
        ",
        expect![[r#"
            * in lobby with resume: ann
            * in attic with resume: bob
            ann> /quit
            ann< quit ok "Goodbye"
            ann.2> /resume {token ann-1}
            ann.2< resume ok "Welcome back" username=ann chatroom=lobby
            * bob is gone
            bob.2> /resume {token bob-1}
            bob.2< resume ok "Welcome back" username=bob chatroom=lobby
            ann.2> /list
            ann.2< list ok lobby=[ann bob] attic=[]
        "#]],
    );
}

#[test]
fn a_token_is_known_by_its_length_and_by_the_book() {
    check(
        "
        ann> /resume short
        ann> /resume {x*44}
        ann> /resume {x*43}
        ",
        expect![[r#"
            ann> /resume short
            ann< resume bad_request "token: a token has 43 bytes" field=token
            ann> /resume {x*44}
            ann< resume bad_request "token: a token has 43 bytes" field=token
            ann> /resume {x*43}
            ann< resume unauthorized "the token is not known, or no longer good"
        "#]],
    );
}

#[test]
fn after_a_logout_one_is_nobody() {
    check(
        "
        * in lobby: ann, bob
        ann> /logout
        ann> /list
        bob> /list
        ann> /login bob 1234
        bob> /list
        ",
        expect![[r#"
            * in lobby: ann, bob
            ann> /logout
            ann< logout ok "Logged out"
            ann> /list
            ann< list wrong_state "list is allowed in lobby and chat, you are in auth: login leads there" states=[lobby chat]
            bob> /list
            bob< list ok lobby=[bob]
            ann> /login bob 1234
            ann< login ok "Login successful" username=bob chatroom=lobby
            bob> /list
            bob< list ok lobby=[bob]
        "#]],
    );
}

#[test]
fn quit_is_answered_from_everywhere_and_nothing_follows_it() {
    check(
        "
        * outside: ann
        * in lobby: bob
        * in attic: eve, zoe
        ann#1> /quit
        bob#2> /quit
        eve#3> /quit
        eve#4> /ping
        zoe> /list
        zoe> good riddance
        ",
        expect![[r#"
            * outside: ann
            * in lobby: bob
            * in attic: eve, zoe
            ann#1> /quit
            ann< quit ok "Goodbye" #1
            bob#2> /quit
            bob< quit ok "Goodbye" #2
            eve#3> /quit
            eve< quit ok "Goodbye" #3
            eve#4> /ping
            eve< ping wrong_state "ping is allowed in auth and lobby and chat, you are in ended" states=[auth lobby chat] #4
            zoe> /list
            zoe< list ok attic=[zoe]
            zoe> good riddance
            zoe< msg ok to=public from=zoe text="good riddance" room=attic seq=2 ts=TS
        "#]],
    );
}

#[test]
fn one_resumes_in_a_room_and_hears_what_was_missed() {
    check(
        "
        * in attic with resume: ann
        * in attic: bob, eve
        bob> one
        * ann is gone
        bob> two
        bob> /msg eve psst
        ann.2> /resume {token ann-1} --room attic --after 2
        bob> three
        ann.2> /exit
        ",
        expect![[r#"
            * in attic with resume: ann
            * in attic: bob, eve
            bob> one
            bob< msg ok to=public from=bob text=one room=attic seq=2 ts=TS
            ann< msg ok to=public from=bob text=one room=attic seq=2 ts=TS
            eve< msg ok to=public from=bob text=one room=attic seq=2 ts=TS
            * ann is gone
            bob> two
            bob< msg ok to=public from=bob text=two room=attic seq=3 ts=TS
            eve< msg ok to=public from=bob text=two room=attic seq=3 ts=TS
            bob> /msg eve psst
            bob< msg ok to=eve from=bob text=psst room=attic seq=4 ts=TS
            eve< msg ok to=eve from=bob text=psst room=attic seq=4 ts=TS
            ann.2> /resume {token ann-1} --room attic --after 2
            ann.2< resume ok "Welcome back" username=ann chatroom=attic last_seq=4 oldest=1 epoch=e1
            ann.2< msg ok to=public from=bob text=two room=attic seq=3 ts=TS replay=true
            bob> three
            bob< msg ok to=public from=bob text=three room=attic seq=5 ts=TS
            ann.2< msg ok to=public from=bob text=three room=attic seq=5 ts=TS
            eve< msg ok to=public from=bob text=three room=attic seq=5 ts=TS
            ann.2> /exit
            ann.2< exit ok "Exited chatroom, returned to lobby"
        "#]],
    );
}

#[test]
fn one_resumes_only_where_there_is_a_room() {
    check(
        "
        * in attic with resume: ann
        ann.2> /resume {token ann-1} --room cellar
        ann.2> /resume {token ann-1} --after 3
        ann.2> /resume {token ann-1} --room attic
        ann.2> hello
        ann.3> /resume {token ann-1} --room attic --after 99
        ann> still seamless
        ",
        expect![[r#"
            * in attic with resume: ann
            ann.2> /resume {token ann-1} --room cellar
            ann.2< resume no_such_room "there is no room \"cellar\""
            ann.2> /resume {token ann-1} --after 3
            ann.2< resume bad_request "after: say in which room" field=after
            ann.2> /resume {token ann-1} --room attic
            ann.2< resume ok "Welcome back" username=ann chatroom=attic last_seq=1 oldest=1 epoch=e1
            ann.2> hello
            ann.2< msg ok to=public from=ann text=hello room=attic seq=2 ts=TS
            ann< msg ok to=public from=ann text=hello room=attic seq=2 ts=TS
            ann.3> /resume {token ann-1} --room attic --after 99
            ann.3< resume ok "Welcome back" username=ann chatroom=attic last_seq=2 oldest=1 epoch=e1 truncated=true
            ann> still seamless
            ann< msg ok to=public from=ann text="still seamless" room=attic seq=3 ts=TS
            ann.2< msg ok to=public from=ann text="still seamless" room=attic seq=3 ts=TS
            ann.3< msg ok to=public from=ann text="still seamless" room=attic seq=3 ts=TS
        "#]],
    );
}

#[test]
fn another_password_ends_the_tokens_of_the_old_one() {
    check(
        "
        * in lobby with resume: ann
        ann> /passwd 4321 5678
        ann> /passwd 1234 5678
        ann.2> /resume {token ann-1}
        ann.2> /login ann 1234
        ann.2> /login ann 5678
        ",
        expect![[r#"
            * in lobby with resume: ann
            ann> /passwd 4321 5678
            ann< passwd unauthorized "the password is wrong"
            ann> /passwd 1234 5678
            ann< passwd ok "Password changed" token=ann-2
            ann.2> /resume {token ann-1}
            ann.2< resume unauthorized "the token is not known, or no longer good"
            ann.2> /login ann 1234
            ann.2< login unauthorized "the name or the password is wrong"
            ann.2> /login ann 5678
            ann.2< login ok "Login successful" username=ann chatroom=lobby
        "#]],
    );
}

#[test]
fn an_account_that_was_deleted_is_gone_and_its_name_is_not_free() {
    check(
        "
        * in attic with resume: ann, ann.2
        * in attic: bob
        ann> hello
        ann> /exit
        ann> /unregister 4321
        ann> /unregister 1234
        ann> /login ann 1234
        ann> /resume {token ann-2}
        ann> /register ann 1234
        bob> /history
        bob> /whois ann
        bob> /tell ann are you there?
        ",
        expect![[r#"
            * in attic with resume: ann, ann.2
            * in attic: bob
            ann> hello
            ann< msg ok to=public from=ann text=hello room=attic seq=2 ts=TS
            ann.2< msg ok to=public from=ann text=hello room=attic seq=2 ts=TS
            bob< msg ok to=public from=ann text=hello room=attic seq=2 ts=TS
            ann> /exit
            ann< exit ok "Exited chatroom, returned to lobby"
            ann> /unregister 4321
            ann< unregister unauthorized "the password is wrong"
            ann> /unregister 1234
            ann< unregister ok "Account deleted. Messages to rooms stay, under your name; those to users stay with them; your rooms stay without an owner; nobody can register the name again"
            ann> /login ann 1234
            ann< login unauthorized "the name or the password is wrong"
            ann> /resume {token ann-2}
            ann< resume unauthorized "the token is not known, or no longer good"
            ann> /register ann 1234
            ann< register name_taken "the name is taken"
            bob> /history
            bob< history ok room=attic messages=[{to=public from=ann text=hello room=attic seq=2 ts=TS}] more=false
            bob> /whois ann
            bob< whois no_such_user "there is no account \"ann\""
            bob> /tell ann are you there?
            bob< tell no_such_user "there is no account \"ann\""
        "#]],
    );
}

#[test]
fn one_sees_where_one_is_logged_in() {
    check(
        "
        * in attic: ann
        * in lobby: ann.2, bob
        ann> /sessions
        bob> /whois ann
        bob> /whois zoe
        ",
        expect![[r#"
            * in attic: ann
            * in lobby: ann.2, bob
            ann> /sessions
            ann< sessions ok sessions=[{from=127.0.0.1 since=TS room=attic this=true} {from=127.0.0.1 since=TS this=false}]
            bob> /whois ann
            bob< whois ok username=ann registered=TS online=true rooms=[attic]
            bob> /whois zoe
            bob< whois no_such_user "there is no account \"zoe\""
        "#]],
    );
}
