//! From a request to what it does: the only place where states are checked and
//! sessions move.

use std::borrow::Cow;
use std::sync::Arc;

use proto::{Code, Malformed, Refusal, Request, Role, State, States};

use crate::registry::Effect;
use crate::{Answer, Busy, Command, Cx, Draft, Move, Room, Session, World, commands, find};

/// Does what a request asks for. Its reply is given when this returns, or, for what
/// the ledger has to keep first, when it comes out of the ledger.
///
/// Only pipelined commands may be dispatched while replies are owed: the caller waits
/// for [`Peer::settled`](crate::Peer::settled) before any other.
pub async fn dispatch(world: &World, session: &mut Session, request: &Request<'_>) {
    let Some(command) = find(&request.kind) else {
        let kind = Cow::Owned(request.kind.clone().into_owned());
        let answer = Answer::new(session.peer().clone(), kind, request.id.clone());
        return answer.refuse(&unknown(&request.kind));
    };
    let name = Cow::Borrowed(&*command.spec.name);
    let answer = Answer::new(session.peer().clone(), name, request.id.clone());
    session.obey();
    let state = session.state();
    if !command.spec.states.contains(state) {
        return answer.refuse(&wrong_state(command, state));
    }
    let cx = Cx { world, session };
    if let Err(refusal) = check_role(command, cx) {
        return answer.refuse(&refusal);
    }
    match (command.run)(request, cx).await {
        Ok(effect) => perform(world, session, command, effect, answer),
        Err(refusal) => answer.refuse(&refusal),
    }
}

/// Answers a body that is no request: with the type `error` when it has none of its
/// own.
pub fn malformed(session: &Session, malformed: Malformed) {
    let (kind, id, refusal) = match malformed {
        Malformed::Frame(why) => {
            (Cow::Borrowed("error"), None, Box::new(Refusal::new(Code::BadFrame, why)))
        }
        Malformed::Request { kind, id, refusal } => (Cow::Owned(kind), id, refusal),
    };
    Answer::new(session.peer().clone(), kind, id).refuse(&refusal);
}

fn perform(
    world: &World,
    session: &mut Session,
    command: &Command,
    effect: Effect,
    answer: Answer,
) {
    match effect {
        Effect::Give(render) => {
            // Such a reply looks at nothing, so no lock is taken for it.
            world.hall.look(None, answer, render);
        }
        Effect::Renew(token, render) => {
            session.token = Some(token);
            world.hall.look(None, answer, render);
        }
        Effect::Look(render) => world.hall.look(session.seat.as_ref(), answer, render),
        Effect::Append(draft) => {
            if let Err(Busy(Some(answer))) = world.ledger.append(draft, Some(answer)) {
                answer.refuse(&Refusal::new(
                    Code::ServerBusy,
                    "the server has too much to write: try again in a second",
                ));
            }
        }
        Effect::Move(to, _) if !command.spec.leads_to.contains(to.target()) => {
            let target = to.target();
            tracing::error!(command = %command.spec.name, %target, "the command must not lead there");
            answer.refuse(&Refusal::new(
                Code::Internal,
                "the server made a mistake: its log says more",
            ));
        }
        Effect::Move(to, render) => travel(world, session, to, answer, render),
    }
}

fn travel(
    world: &World,
    session: &mut Session,
    to: Move,
    answer: Answer,
    render: crate::registry::Render,
) {
    match (to, session.seat.take()) {
        (Move::SignIn(account, token), seat) => {
            // Before the new one is taken: two seats of one connection would be mixed up.
            drop(seat);
            let (peer, from) = (Arc::clone(session.peer()), session.from());
            session.seat = world.hall.arrive(peer, account, from, answer, render);
            session.token = token.filter(|_| session.seat.is_some());
        }
        (Move::Resume(account, token, room, after), seat) => {
            drop(seat);
            let (peer, from) = (Arc::clone(session.peer()), session.from());
            let to = (room, after.is_none());
            let arrived = world.hall.arrive_in(peer, account, from, to, answer, render);
            if let Some((seat, joined)) = arrived {
                session.token = Some(token);
                session.behind = after;
                session.seat = Some(seat);
                keep(world, joined);
            }
        }
        (Move::Enter(room), Some(mut seat)) => {
            let joined = world.hall.enter(&mut seat, room, answer, render);
            session.seat = Some(seat);
            keep(world, joined);
        }
        (Move::Exit, Some(mut seat)) => {
            world.hall.exit(&mut seat, answer, render);
            session.seat = Some(seat);
        }
        (Move::SignOut, seat) => {
            drop(seat);
            session.token = None;
            world.hall.look(None, answer, render);
        }
        (Move::End, seat) => {
            drop(seat);
            session.has_ended = true;
            world.hall.look(None, answer, render);
        }
        (Move::Enter(_) | Move::Exit, None) => {
            answer.refuse(&Refusal::new(Code::Unauthorized, "you are not logged in"));
        }
    }
}

/// Keeps that somebody has entered. When it cannot be kept, it is known until the server
/// stops, and kept the next time.
fn keep(world: &World, joined: Option<Draft>) {
    let kept = joined.map(|draft| world.ledger.append(draft, None));
    if let Some(Err(Busy(_))) = kept {
        tracing::warn!("it was not kept that somebody entered a room: the ledger is full");
    }
}

/// What the specification says of roles, in the room where the session is. A command
/// that names its room, from the lobby, asks there by itself.
fn check_role(command: &Command, cx: Cx<'_>) -> Result<(), Refusal> {
    let needed = command.spec.role;
    let (Some(room), Some(account)) = (cx.session.room(), cx.session.account()) else {
        return Ok(());
    };
    if needed == Role::Anyone || room.role_of(account.id) >= needed {
        return Ok(());
    }
    Err(needs_role(&command.spec.name, room, needed))
}

/// What one is told who is less than a command needs in this room.
pub(crate) fn needs_role(command: &str, room: &Room, needed: Role) -> Refusal {
    let has_owner = room.rights(|rights| rights.owner().is_some());
    let who = match needed {
        // Nobody has created it.
        _ if !has_owner => format!(", and {} has none", room.name),
        Role::Owner => ": its owner".into(),
        Role::Operator | Role::Anyone => ": its owner and its operators".into(),
    };
    Refusal::new(Code::Forbidden, format!("{command} is for a room's keepers{who}"))
}

fn unknown(kind: &str) -> Refusal {
    let near = proto::nearest(kind, commands().map(|command| &*command.spec.name));
    let hint = near.map_or(String::new(), |near| format!(": did you mean {near}?"));
    Refusal::new(Code::UnknownCommand, format!("there is no command of this name{hint}"))
}

fn wrong_state(command: &Command, state: State) -> Refusal {
    let name = &command.spec.name;
    let states: Vec<&str> = command.spec.states.iter().map(State::name).collect();
    // A way from here to there in one step, if a command leads there and nowhere else.
    let way = commands()
        .find(|way| {
            let leads_there =
                command.spec.states.iter().any(|state| way.spec.leads_to == States::of(&[state]));
            leads_there && way.spec.states.contains(state)
        })
        .map_or(String::new(), |way| format!(": {} leads there", way.spec.name));
    let message = format!("{name} is allowed in {}, you are in {state}{way}", states.join(" and "));
    Refusal::new(Code::WrongState, message).with("states", states)
}
