//! `who` and `rooms`: who is where, as the lobby sees it.

use proto::{Code, NameKey, RoomName, nearest};
use serde_json::{Map, Value, json};
use unicode_width::UnicodeWidthStr;

use super::errand::Errand;
use crate::exit::{Exit, Failure};
use crate::link::Received;
use crate::output::print;
use crate::{safe, show};

/// Where those are who are in no room.
const LOBBY: &str = "lobby";

/// Prints everybody and where they are, or those in `room`.
pub(super) async fn who(errand: &mut Errand, room: Option<&RoomName>) -> Result<Exit, Failure> {
    let reply = list(errand).await?;
    let Some(room) = room else {
        let mut rows: Vec<_> = rooms_in(&reply)
            .flat_map(|(room, users)| users.into_iter().map(move |user| (user, room.to_owned())))
            .collect();
        rows.sort();
        return table(errand, &reply, &rows);
    };
    let found = rooms_in(&reply).find(|(name, _)| NameKey::of(name) == room.key());
    let Some((name, users)) = found else {
        let near = nearest(room.as_str(), rooms_in(&reply).map(|(name, _)| name));
        let hint = near.map_or(String::new(), |near| format!(" (did you mean \"{near}\"?)"));
        let message =
            format!("who: {}: there is no room \"{room}\"{hint}", Code::NoSuchRoom.name());
        return Err(Failure::new(Exit::Refused, message));
    };
    if errand.manner.is_json {
        // As the list of that room alone is told to those who are there.
        let frame = json!({
            "type": reply.message.kind, "status": "ok", "data": { name: users },
            "id": reply.message.id,
        });
        return print(&crate::json::line(frame.to_string().as_bytes())).map(|()| Exit::Done);
    }
    let rows: Vec<_> = users.into_iter().map(|user| (user, String::new())).collect();
    table(errand, &reply, &rows)
}

/// Prints the rooms and how many are there.
pub(super) async fn rooms(errand: &mut Errand) -> Result<Exit, Failure> {
    let reply = list(errand).await?;
    let rooms = rooms_in(&reply).filter(|(room, _)| *room != LOBBY);
    let rows: Vec<_> =
        rooms.map(|(room, users)| (room.to_owned(), users.len().to_string())).collect();
    table(errand, &reply, &rows)
}

async fn list(errand: &mut Errand) -> Result<Received, Failure> {
    let list = errand.command("list")?.spec.name;
    errand.ask(&list, &Map::<String, Value>::new()).await
}

/// The rooms of a list, with the users in each.
fn rooms_in(reply: &Received) -> impl Iterator<Item = (&str, Vec<String>)> {
    let rooms = show::names(&reply.message.data).into_iter().flatten();
    rooms.map(|(room, users)| (room, users.into_iter().map(String::from).collect()))
}

/// Prints the reply as it came, or rows of two columns, the first of which has names.
fn table(errand: &Errand, reply: &Received, rows: &[(String, String)]) -> Result<Exit, Failure> {
    if errand.manner.is_json {
        return errand.print_reply(reply, "").map(|()| Exit::Done);
    }
    let style = errand.manner.style();
    let safe = |name: &str| safe::one_line(name, style);
    let width = rows.iter().map(|(name, _)| safe(name).width()).max().unwrap_or_default();
    for (name, other) in rows {
        let name = safe(name);
        let blanks = " ".repeat(width - name.width() + 2);
        let row = format!("{}{blanks}{}", style.name(&name), safe(other));
        print(row.trim_end())?;
    }
    Ok(Exit::Done)
}
