//! `inbox`: the private messages of an account.

use std::borrow::Cow;

use proto::{Refusal, Spec, State, States};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Serialize, Serializer};

use crate::telling::Tell;
use crate::{Cx, Entry, Handler, Outcome, Seq, Tells};

/// Messages of a page, at most.
const LIMIT_MAX: i64 = 25;

/// Bytes of a message besides its text: names, numbers, a time.
const ENVELOPE_BYTES: u32 = 1024;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Inbox {
    /// Those after this `seq`, your own too; without it, the unread ones to you.
    after: Option<Seq>,
    /// How many, up to 25; fewer if texts may be long.
    #[schemars(range(min = 1, max = LIMIT_MAX))]
    limit: Option<i64>,
    /// Mark as read up to this `seq`.
    read: Option<Seq>,
}

#[derive(Serialize, JsonSchema)]
struct Mail {
    /// The oldest first.
    messages: Mails,
    /// The last that is marked as read.
    read: Seq,
    /// Are there more, after these?
    more: bool,
}

/// Entries, written as private messages.
struct Mails(Vec<Entry>);

impl Serialize for Mails {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut list = out.serialize_seq(None)?;
        self.0.iter().filter_map(Tell::of).try_for_each(|tell| list.serialize_element(&tell))?;
        list.end()
    }
}

impl JsonSchema for Mails {
    fn schema_name() -> Cow<'static, str> {
        "Mails".into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        Vec::<Tell<'static>>::json_schema(schemas)
    }
}

impl Handler for Inbox {
    const SPEC: Spec = Spec::new(
        "inbox",
        States::of(&[State::Lobby, State::Chat]),
        "List your unread private messages, or mark them as read",
        "/inbox --after 0",
    );

    type Reply = Mail;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Mail>, Refusal> {
        let (account, accounts) = (cx.account()?.id, &cx.world.accounts);
        let limit = self.limit.unwrap_or(LIMIT_MAX);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Refusal::bad_field("limit", &format!("it is 1 to {LIMIT_MAX}")));
        }
        let limits = &cx.world.policy.limits;
        // Even if each is as long as it may be, and all of it is escaped.
        let fitting = limits.frame_from_server / (2 * limits.text + ENVELOPE_BYTES);
        let limit = limit.min(i64::from(fitting.max(1)));
        if let Some(seq) = self.read {
            accounts.mark_read(account, seq).await?;
        }
        let read = accounts.read_mark(account).await?;
        let after = self.after.unwrap_or(read);
        // What one has said oneself is never unread.
        let which = self.after.map_or(Tells::Received, |_| Tells::All);
        let page = cx.world.archive.tells(account, which, after, limit as usize).await?;
        Ok(Outcome::data(Mail { messages: Mails(page.entries), read, more: page.more }))
    }
}

crate::register!(Inbox);
