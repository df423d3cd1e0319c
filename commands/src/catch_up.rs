//! Catching up: what a resuming session missed, a page at a time, until it hears on with
//! all the others and no seam shows.

use proto::Refusal;

use crate::telling::Telling;
use crate::{Cursor, Query, Session, World};

/// Messages of a page, at most.
const PAGE_LEN_MAX: usize = 256;

/// Bytes of text of a page, at most; the last message may go beyond. A page waits in
/// memory until the client has taken it.
const PAGE_BYTES_MAX: usize = 48 * 1024;

/// Sends the next page of what a session that [is behind](Session::is_behind) missed, or
/// lets it hear on when it has had all.
///
/// The caller first waits until nothing waits to be sent to it: so only one who takes
/// nothing at all is too slow, however much was missed and however small its outbox.
///
/// # Errors
/// When what was said cannot be read.
pub async fn catch_up(world: &World, session: &mut Session) -> Result<(), Refusal> {
    session.obey();
    let (Some(had), Some(seat)) = (session.behind, &session.seat) else { return Ok(()) };
    let Some(room) = seat.room().filter(|_| !world.hall.turn_live(seat, had)) else {
        session.behind = None;
        return Ok(());
    };
    let Some(sight) = room.sight_of(seat.account().id) else {
        // It is about to be put out.
        session.behind = None;
        return Ok(());
    };
    let up_to = room.last_seq();
    let query = Query {
        room: room.id,
        sight,
        with_changes: true,
        from: Cursor::After(had),
        up_to,
        limit: PAGE_LEN_MAX,
        text_bytes: PAGE_BYTES_MAX,
        search: None,
    };
    let page = world.archive.messages(query).await?;
    let (peer, mut bytes) = (session.peer(), Vec::new());
    let tellings = page.entries.iter().filter_map(|entry| Telling::of(entry, &room.name));
    for telling in tellings.filter(|telling| telling.cap().is_none_or(|cap| peer.takes(cap))) {
        bytes.extend_from_slice(&telling.again().push());
    }
    if !bytes.is_empty() {
        world.hall.give_page(seat, bytes.into());
    }
    let last = page.entries.last().filter(|_| page.more);
    session.behind = Some(last.map_or(up_to, |entry| entry.seq));
    Ok(())
}
