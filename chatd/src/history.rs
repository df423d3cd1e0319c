//! What rooms said before, read from the ledger's own table: by index, from
//! where a page begins.

use commands::{
    AccountId, Archive, Body, Cursor, Entry, Later, Page, Query, RoomId, Seq, Sight, Tells,
};
use jiff::Timestamp;
use proto::{Code, Refusal};
use rusqlite::{Connection, OptionalExtension, params};

use crate::database::Database;
use crate::entries::{ENTRY_COLUMNS, entry_of};
use crate::search;

/// The view of one data folder.
pub(crate) struct History(pub(crate) Database);

impl Archive for History {
    fn entry(&self, room: RoomId, seq: Seq) -> Later<'_, Result<Option<Entry>, Refusal>> {
        self.ask(move |db| {
            db.prepare_cached(&format!(
                "SELECT {ENTRY_COLUMNS} FROM entries WHERE seq = ?1 AND room = ?2"
            ))?
            .query_row(params![seq.0, room.0], entry_of)
            .optional()
        })
    }

    fn messages(&self, query: Query) -> Later<'_, Result<Page, Refusal>> {
        Box::pin(async move {
            if query.search.is_some() {
                self.catch_up(query.up_to.0).await?;
            }
            self.ask(move |db| page(db, &query)).await
        })
    }

    fn tells(
        &self,
        account: AccountId,
        which: Tells,
        after: Seq,
        limit: usize,
    ) -> Later<'_, Result<Page, Refusal>> {
        self.ask(move |db| tells(db, account, which, after, limit))
    }

    fn older_than(&self, room: RoomId, ts: Timestamp) -> Later<'_, Result<u64, Refusal>> {
        self.ask(move |db| {
            let count =
                "SELECT count(*) FROM entries WHERE room = ?1 AND kind = 'said' AND ts < ?2";
            db.prepare_cached(count)?
                .query_row(params![room.0, ts.as_millisecond()], |row| row.get::<_, i64>(0))
                .map(i64::unsigned_abs)
        })
    }
}

impl History {
    fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Later<'_, Result<T, Refusal>> {
        Box::pin(async move {
            self.0.read(work).await.map_err(|error| {
                tracing::error!(%error, "the ledger cannot be read");
                Refusal::new(Code::Internal, "the server cannot read its ledger")
            })
        })
    }

    /// Makes everything searchable that was delivered when the question came.
    async fn catch_up(&self, up_to: i64) -> Result<(), Refusal> {
        loop {
            let is_behind = move |db: &Connection| Ok(search::searchable(db)? < up_to);
            match self.0.read(is_behind).await {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => return Err(not_searchable(&error)),
            }
            match self.0.write(|transaction| search::fill(transaction)).await {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => return Err(not_searchable(&error)),
            }
        }
    }
}

fn not_searchable(error: &dyn std::error::Error) -> Refusal {
    tracing::error!(%error, "the ledger cannot be searched");
    Refusal::new(Code::ServerBusy, "the server cannot search for now: try again in a few seconds")
}

fn page(db: &Connection, query: &Query) -> rusqlite::Result<Page> {
    let oldest = query.sight.after.0;
    let (low, high, direction) = match query.from {
        Cursor::End => (oldest, query.up_to.0, "DESC"),
        Cursor::Before(seq) => (oldest, query.up_to.0.min(seq.0.saturating_sub(1)), "DESC"),
        Cursor::After(seq) => (oldest.max(seq.0), query.up_to.0, "ASC"),
        Cursor::Since(ts) => {
            let before = last_before(db, query.room, query.up_to, ts)?;
            (oldest.max(before), query.up_to.0, "ASC")
        }
    };
    let words = query.search.as_deref().map(search::words);
    let (source, seq, matches) = match words {
        Some(None) => return Ok(Page::default()),
        Some(Some(_)) => (
            "search CROSS JOIN entries ON entries.seq = search.rowid",
            "search.rowid",
            "search MATCH ?4",
        ),
        None => ("entries", "entries.seq", "?4 IS NULL"),
    };
    // The condition on parties only spares reading rows that the one rule would not let
    // through.
    let kinds = match query.with_changes {
        true => "kind NOT IN ('created', 'joined') AND ?5 NOT NULL",
        false => "kind = 'said' AND (recipient IS NULL OR recipient = ?5 OR author = ?5)",
    };
    let mut statement = db.prepare_cached(&format!(
        "SELECT {ENTRY_COLUMNS} FROM {source}
         WHERE {matches} AND entries.room = ?1 AND {seq} > ?2 AND {seq} <= ?3 AND {kinds}
         ORDER BY {seq} {direction}"
    ))?;
    let account = query.sight.account.0;
    let rows = params![query.room.0, low, high, words.flatten(), account];
    let entries = statement.query_map(rows, entry_of)?;
    let mut page =
        gather(entries, query.limit, query.text_bytes, |entry| entry.is_for(query.sight))?;
    if direction == "DESC" {
        page.entries.reverse();
    }
    Ok(page)
}

/// The last entry of a room before a time: found by halving, since times grow with the
/// ledger, and an index of them would be paid for with every message.
fn last_before(db: &Connection, room: RoomId, up_to: Seq, ts: Timestamp) -> rusqlite::Result<i64> {
    let mut next = db.prepare_cached(
        "SELECT seq, ts FROM entries WHERE room = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq LIMIT 1",
    )?;
    let (mut low, mut high) = (0, up_to.0);
    while low < high {
        let middle = low + (high - low) / 2;
        let found: Option<(i64, i64)> = next
            .query_row([room.0, middle, high], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        match found {
            Some((seq, at)) if at < ts.as_millisecond() => low = seq,
            Some(_) | None => high = middle,
        }
    }
    Ok(low)
}

/// The first entries that may be seen, up to the limits.
fn gather(
    entries: impl Iterator<Item = rusqlite::Result<Entry>>,
    limit: usize,
    text_bytes: usize,
    may_see: impl Fn(&Entry) -> bool,
) -> rusqlite::Result<Page> {
    let mut page = Page::default();
    let mut bytes = 0;
    for entry in entries {
        let entry = entry?;
        if !may_see(&entry) {
            continue;
        }
        if page.entries.len() == limit || bytes > text_bytes {
            page.more = true;
            break;
        }
        bytes += len_of(&entry);
        page.entries.push(entry);
    }
    Ok(page)
}

/// How many bytes of text there are to an entry, of whatever kind: an edit has as much to
/// tell as a message.
fn len_of(entry: &Entry) -> usize {
    match &entry.body {
        Body::Edited { text, .. } | Body::Topic { text } => text.len(),
        Body::Done { reason, .. } => reason.as_deref().map_or(0, str::len),
        _ => entry.text().len(),
    }
}

/// Private messages of an account: from each index the first ones, then the first of all.
fn tells(
    db: &Connection,
    account: AccountId,
    which: Tells,
    after: Seq,
    limit: usize,
) -> rusqlite::Result<Page> {
    let parties: &[&str] = match which {
        Tells::Received => &["recipient"],
        Tells::All => &["recipient", "author"],
    };
    let first = parties.iter().map(|party| {
        format!(
            "SELECT seq FROM (SELECT seq FROM entries WHERE room = 0 AND {party} = ?1 AND seq > ?2
             ORDER BY seq LIMIT ?3)"
        )
    });
    let first: Vec<String> = first.collect();
    let mut statement = db.prepare_cached(&format!(
        "SELECT {ENTRY_COLUMNS} FROM entries WHERE seq IN ({}) ORDER BY seq",
        first.join(" UNION ")
    ))?;
    let enough = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let entries = statement.query_map(params![account.0, after.0, enough], entry_of)?;
    let sight = Sight { account, after };
    gather(entries, limit, usize::MAX, |entry| entry.is_for(sight))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use commands::Account;
    use proto::UserName;

    use super::*;

    /// Only what was said counted: 256 edits of 16 KiB were one page of 4 MB in memory, for
    /// each who resumed.
    #[test]
    fn a_page_has_its_bytes_whatever_its_entries_are() {
        let ann = Arc::new(Account::new(AccountId(1), UserName::trusted("ann")));
        let bodies = [
            Body::Edited { target: Seq(1), to: None, text: "x".repeat(60) },
            Body::Topic { text: "x".repeat(60) },
            Body::Done {
                act: commands::Act::Mute,
                to: ann.clone(),
                until: None,
                reason: Some("x".repeat(60)),
            },
            Body::Said { to: None, text: "x".repeat(60), changed: None },
        ];
        for body in bodies {
            let ts = Timestamp::UNIX_EPOCH;
            let entry = Entry { seq: Seq(2), ts, room: RoomId(1), author: None, body };
            let entries = std::iter::repeat_with(|| Ok(entry.clone())).take(10);
            let page = gather(entries, 100, 100, |_| true).unwrap();
            assert_eq!((page.entries.len(), page.more), (2, true), "{entry:?}");
        }
    }
}
