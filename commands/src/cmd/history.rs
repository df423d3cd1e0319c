//! `history`: what was said before, a page at a time.

use std::borrow::Cow;

use jiff::Timestamp;
use proto::{Refusal, RoomName, Spec, State, States, Text};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Serialize, Serializer};

use crate::cmd::enter::room_to_enter;
use crate::telling::Message;
use crate::{Cursor, Cx, Entry, Handler, Outcome, Page, Query, Seq, no_such_room};

/// Messages of a page, at most.
const LIMIT_MAX: i64 = 200;

/// Messages of a page when nothing is said.
const LIMIT: i64 = 50;

/// Bytes of a page's messages, at most: a page is read into memory, and a client on a
/// slow line should get it in one go. The last message may go beyond.
const PAGE_BYTES_MAX: usize = 48 * 1024;

/// Bytes of a search, at most: each word costs a look-up of its own.
const SEARCH_BYTES_MAX: usize = 256;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct History {
    /// Of which room; this one if it is left out.
    room: Option<RoomName>,
    /// The latest before this `seq`; one of `before`, `after` and `since` at most.
    before: Option<Seq>,
    /// The first after this `seq`.
    after: Option<Seq>,
    /// The first since this time, as in `2026-11-22T18:00:00Z`.
    #[schemars(with = "Option<String>")]
    since: Option<Timestamp>,
    /// How many (50), up to 200; fewer if they are long.
    #[schemars(range(min = 1, max = LIMIT_MAX))]
    limit: Option<i64>,
    /// All these words (letters, digits), each whole; case, Latin accents don't count.
    search: Option<Text>,
}

#[derive(Serialize, JsonSchema)]
struct Told {
    /// As it was created.
    room: RoomName,
    /// Oldest first.
    messages: Messages,
    /// Are there more in that direction?
    more: bool,
}

/// Entries, written as messages.
struct Messages {
    room: RoomName,
    entries: Vec<Entry>,
}

impl Serialize for Messages {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut list = out.serialize_seq(None)?;
        for message in self.entries.iter().filter_map(|entry| Message::of(entry, &self.room)) {
            list.serialize_element(&message)?;
        }
        list.end()
    }
}

impl JsonSchema for Messages {
    fn schema_name() -> Cow<'static, str> {
        "Messages".into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        Vec::<Message<'static>>::json_schema(schemas)
    }
}

impl Handler for History {
    const SPEC: Spec = Spec::new(
        "history",
        States::of(&[State::Chat]),
        "Read what was said before",
        "/history --limit 20",
    );

    type Reply = Told;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Told>, Refusal> {
        let reader = cx.account()?.id;
        let room = match &self.room {
            None => cx.room()?.clone(),
            Some(name) => room_to_enter(cx.world, name, reader)?,
        };
        let sight = room.sight_of(reader).ok_or_else(|| no_such_room(&room.name))?;
        let from = match (self.before, self.after, self.since) {
            (None, None, None) => Cursor::End,
            (Some(seq), None, None) => Cursor::Before(seq),
            (None, Some(seq), None) => Cursor::After(seq),
            (None, None, Some(ts)) => Cursor::Since(ts),
            (_, Some(_), _) => {
                return Err(Refusal::bad_field("after", "give one of before, after and since"));
            }
            (Some(_), None, Some(_)) => {
                return Err(Refusal::bad_field("since", "give one of before, after and since"));
            }
        };
        let limit = self.limit.unwrap_or(LIMIT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Refusal::bad_field("limit", &format!("it is 1 to {LIMIT_MAX}")));
        }
        if self.search.as_ref().is_some_and(|words| words.as_str().len() > SEARCH_BYTES_MAX) {
            let why = format!("{SEARCH_BYTES_MAX} bytes at most");
            return Err(Refusal::bad_field("search", &why));
        }
        let has_word = |words: &Text| words.as_str().contains(char::is_alphanumeric);
        if !self.search.as_ref().is_none_or(has_word) {
            let why = "a word has letters or digits, and here is none";
            return Err(Refusal::bad_field("search", why));
        }
        let query = Query {
            room: room.id,
            sight,
            with_changes: false,
            from,
            up_to: room.last_seq(),
            limit: limit as usize,
            text_bytes: PAGE_BYTES_MAX,
            search: self.search.map(Text::into_string),
        };
        let mut page = cx.world.archive.messages(query).await?;
        cut(&mut page, from, &room.name);
        let messages = Messages { room: room.name.clone(), entries: page.entries };
        Ok(Outcome::data(Told { room: room.name.clone(), messages, more: page.more }))
    }
}

/// Cuts a page to its bytes as they are on the wire; what is nearest to where it was
/// asked from stays.
fn cut(page: &mut Page, from: Cursor, room: &RoomName) {
    let len = |entry: &Entry| {
        Message::of(entry, room).and_then(|m| serde_json::to_vec(&m).ok()).map_or(0, |m| m.len())
    };
    let is_forward = matches!(from, Cursor::After(_) | Cursor::Since(_));
    if !is_forward {
        page.entries.reverse();
    }
    let mut bytes = 0;
    let fits = page.entries.iter().take_while(|entry| {
        let has_begun = bytes > 0;
        bytes += len(entry);
        !has_begun || bytes <= PAGE_BYTES_MAX
    });
    let count = fits.count();
    page.more |= count < page.entries.len();
    page.entries.truncate(count);
    if !is_forward {
        page.entries.reverse();
    }
}

crate::register!(History);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proto::UserName;

    use super::*;
    use crate::{Account, AccountId, Body, RoomId};

    fn page(lens: &[usize]) -> Page {
        let ann = Arc::new(Account::new(AccountId(1), UserName::trusted("ann")));
        let entry = |(seq, len): (usize, &usize)| Entry {
            seq: Seq(seq as i64),
            ts: Timestamp::UNIX_EPOCH,
            room: RoomId(1),
            author: Some(ann.clone()),
            body: Body::Said { to: None, text: "\"".repeat(*len), changed: None },
        };
        Page { entries: lens.iter().enumerate().map(entry).collect(), more: false }
    }

    fn left(lens: &[usize], from: Cursor) -> (Vec<i64>, bool) {
        let mut page = page(lens);
        cut(&mut page, from, &RoomName::trusted("attic"));
        (page.entries.iter().map(|entry| entry.seq.0).collect(), page.more)
    }

    #[test]
    fn a_page_has_its_bytes_on_the_wire_and_one_message_anyway() {
        // Each quote is two bytes on the wire.
        let third = PAGE_BYTES_MAX / 6 - 100;
        assert_eq!(left(&[third; 3], Cursor::End), (vec![0, 1, 2], false));
        assert_eq!(left(&[third; 4], Cursor::End), (vec![1, 2, 3], true));
        assert_eq!(left(&[third; 4], Cursor::After(Seq(9))), (vec![0, 1, 2], true));
        assert_eq!(left(&[PAGE_BYTES_MAX], Cursor::End), (vec![0], false));
        assert_eq!(left(&[PAGE_BYTES_MAX, 1], Cursor::End), (vec![1], true));
    }
}
