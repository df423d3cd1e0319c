//! What a client is told of an entry: as a push, as the reply to who made it, and in
//! `history`.

use jiff::Timestamp;
use proto::{Cap, Frame, Outgoing, RoomName, frame};
use schemars::JsonSchema;
use serde::Serialize;

use crate::entry::rfc3339_ms;
use crate::{Act, Body, Changed, Entry, Seq};

/// What an entry is to a client.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Telling<'a> {
    Message(Message<'a>),
    Tell(Tell<'a>),
    Notice(Notice<'a>),
    Change(Change<'a>),
}

/// The data of a message's frame.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Message<'a> {
    /// `public`, or the one whom it is for.
    pub to: &'a str,
    /// Who said it.
    pub from: &'a str,
    /// What was said.
    pub text: &'a str,
    /// Where it was said.
    pub room: &'a str,
    /// Its place in the room's order.
    pub seq: Seq,
    /// When, in UTC with milliseconds (RFC 3339); it orders nothing.
    #[serde(serialize_with = "rfc3339_ms")]
    #[schemars(with = "String")]
    pub ts: Timestamp,
    /// It was said before, and comes again to one who resumes.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub replay: bool,
    /// By whom and when its text was changed, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited: Option<Mark<'a>>,
    /// By whom and when it was taken back, if it was; its text is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redacted: Option<Mark<'a>>,
}

/// Who did something, and when.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Mark<'a> {
    /// Who.
    by: &'a str,
    /// When.
    #[serde(serialize_with = "rfc3339_ms")]
    #[schemars(with = "String")]
    ts: Timestamp,
}

/// The data of a private message beyond rooms.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Tell<'a> {
    /// Whom it is for.
    pub to: &'a str,
    /// Who wrote it.
    pub from: &'a str,
    /// What it says.
    pub text: &'a str,
    /// Its place among such messages.
    pub seq: Seq,
    /// When.
    #[serde(serialize_with = "rfc3339_ms")]
    #[schemars(with = "String")]
    pub ts: Timestamp,
}

/// What was done in a room.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Notice<'a> {
    /// Where.
    pub room: &'a str,
    /// What: the name of the command that does it.
    pub what: &'a str,
    /// Who did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<&'a str>,
    /// What was done, if it was done to somebody.
    #[serde(skip)]
    #[schemars(skip)]
    pub act: Option<Act>,
    /// To whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<&'a str>,
    /// The new topic, or the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<&'a str>,
    /// When it ends, if it does.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_rfc3339_ms")]
    #[schemars(with = "Option<String>")]
    pub until: Option<Timestamp>,
    /// How long messages are kept, in days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// Its place in the room's order.
    pub seq: Seq,
    /// When.
    #[serde(serialize_with = "rfc3339_ms")]
    #[schemars(with = "String")]
    pub ts: Timestamp,
    /// It was done before, and comes again to one who resumes.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub replay: bool,
}

/// A message was changed, or taken back.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Change<'a> {
    /// Where.
    pub room: &'a str,
    /// Which message.
    pub target: Seq,
    /// What it says now; nothing, if it was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<&'a str>,
    /// Who did it.
    pub by: &'a str,
    /// The place of the change in the room's order.
    pub seq: Seq,
    /// When.
    #[serde(serialize_with = "rfc3339_ms")]
    #[schemars(with = "String")]
    pub ts: Timestamp,
    /// It was changed before, and comes again to one who resumes.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub replay: bool,
}

impl<'a> Message<'a> {
    /// The message that an entry is, if it is one.
    pub(crate) fn of(entry: &'a Entry, room: &'a RoomName) -> Option<Message<'a>> {
        let (Body::Said { to, text, changed }, Some(author)) = (&entry.body, &entry.author) else {
            return None;
        };
        let mark = |is_redacted| {
            let changed = changed.as_ref().filter(|changed| changed.is_redacted == is_redacted);
            changed.map(|changed| Mark::of(changed))
        };
        Some(Message {
            to: to.as_ref().map_or("public", |account| account.name.as_str()),
            from: author.name.as_str(),
            text,
            room: room.as_str(),
            seq: entry.seq,
            ts: entry.ts,
            replay: false,
            edited: mark(false),
            redacted: mark(true),
        })
    }
}

impl<'a> Mark<'a> {
    fn of(changed: &'a Changed) -> Mark<'a> {
        Mark { by: changed.by.name.as_str(), ts: changed.ts }
    }
}

impl<'a> Tell<'a> {
    /// The private message that an entry is, if it is one.
    pub(crate) fn of(entry: &'a Entry) -> Option<Tell<'a>> {
        let (Body::Told { to, text }, Some(author)) = (&entry.body, &entry.author) else {
            return None;
        };
        let (to, from) = (to.name.as_str(), author.name.as_str());
        Some(Tell { to, from, text, seq: entry.seq, ts: entry.ts })
    }
}

impl<'a> Telling<'a> {
    /// What there is to tell of an entry of a room, if there is anything.
    pub(crate) fn of(entry: &'a Entry, room: &'a RoomName) -> Option<Telling<'a>> {
        let by = entry.author.as_ref().map(|author| author.name.as_str());
        let notice = |what| Notice {
            room: room.as_str(),
            what,
            by,
            act: None,
            username: None,
            text: None,
            until: None,
            days: None,
            seq: entry.seq,
            ts: entry.ts,
            replay: false,
        };
        let change = |target: &Seq, text| {
            let (seq, ts) = (entry.seq, entry.ts);
            let room = room.as_str();
            Some(Change { room, target: *target, text, by: by?, seq, ts, replay: false })
        };
        Some(match &entry.body {
            Body::Said { .. } => Telling::Message(Message::of(entry, room)?),
            Body::Told { .. } => Telling::Tell(Tell::of(entry)?),
            Body::Topic { text } => Telling::Notice(Notice { text: Some(text), ..notice("topic") }),
            Body::Done { act, to, until, reason } => Telling::Notice(Notice {
                act: Some(*act),
                username: Some(to.name.as_str()),
                until: *until,
                text: reason.as_deref(),
                ..notice(act.name())
            }),
            Body::Retention { days } => {
                Telling::Notice(Notice { days: *days, ..notice("retention") })
            }
            Body::Deleted => Telling::Notice(notice("delete")),
            // What was taken back since says nothing any more.
            Body::Edited { text, .. } if text.is_empty() => return None,
            Body::Edited { target, text, .. } => Telling::Change(change(target, Some(text))?),
            Body::Redacted { target, .. } => Telling::Change(change(target, None)?),
            Body::Created { .. } | Body::Joined { .. } => return None,
        })
    }

    /// The type of its push.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Telling::Message(_) => "msg",
            Telling::Tell(_) => "tell",
            Telling::Notice(_) => "notice",
            Telling::Change(Change { text: Some(_), .. }) => "edit",
            Telling::Change(Change { text: None, .. }) => "redact",
        }
    }

    /// Who gets the push: those with this capability, or everyone.
    pub(crate) fn cap(&self) -> Option<Cap> {
        match self {
            Telling::Message(_) => None,
            Telling::Tell(_) => Some(Cap::Tells),
            Telling::Notice(_) => Some(Cap::Notices),
            Telling::Change(_) => Some(Cap::Edits),
        }
    }

    /// The push.
    pub(crate) fn push(&self) -> Frame {
        frame(&Outgoing::ok(self.kind(), self))
    }

    /// The same, for one who resumes.
    pub(crate) fn again(mut self) -> Telling<'a> {
        match &mut self {
            Telling::Message(message) => message.replay = true,
            Telling::Notice(notice) => notice.replay = true,
            Telling::Change(change) => change.replay = true,
            Telling::Tell(_) => {}
        }
        self
    }

    /// What who did it is told, in words.
    pub(crate) fn sentence(&self) -> Option<String> {
        let Telling::Notice(notice) = self else { return None };
        let (what, room) = (notice.what, notice.room);
        let Some((act, name)) = notice.act.zip(notice.username) else {
            return Some(match what {
                "delete" => format!("{room} was deleted"),
                "topic" if notice.text.is_some_and(str::is_empty) => {
                    format!("{room} has no topic now")
                }
                "topic" => format!("{room} has a new topic"),
                _ => match notice.days {
                    Some(1) => format!("messages in {room} are kept for a day"),
                    Some(days) => format!("messages in {room} are kept for {days} days"),
                    None => format!("messages in {room} are kept for ever"),
                },
            });
        };
        let until = notice.until.map_or(String::new(), |until| format!(" until {until:.0}"));
        Some(match act {
            Act::Invite => format!("{name} may enter {room}"),
            Act::Kick => format!("{name} was put out of {room}"),
            // They need not have been there.
            Act::Ban => format!("{name} is banned from {room}{until}"),
            Act::Unban => format!("{name} may come back to {room}"),
            Act::Mute => format!("{name} may not speak in {room}{until}"),
            Act::Unmute => format!("{name} may speak in {room} again"),
            Act::Op => format!("{name} is an operator of {room}"),
            Act::Deop => format!("{name} is no operator of {room} any more"),
        })
    }
}

pub(crate) fn maybe_rfc3339_ms<S: serde::Serializer>(
    ts: &Option<Timestamp>,
    out: S,
) -> Result<S::Ok, S::Error> {
    match ts {
        Some(ts) => rfc3339_ms(ts, out),
        None => out.serialize_none(),
    }
}
