//! What rooms said before, read from the ledger's own table: by index, from
//! where a page begins.

use commands::{Archive, Cursor, Entry, Later, Page, Query};
use proto::{Code, Refusal};
use rusqlite::{Connection, params};

use crate::database::Database;
use crate::ledger::{ENTRY_COLUMNS, entry_of};
use crate::search;

/// The view of one data folder.
pub(crate) struct History(pub(crate) Database);

impl Archive for History {
    fn messages(&self, query: Query) -> Later<'_, Result<Page, Refusal>> {
        Box::pin(async move {
            if query.search.is_some() {
                self.catch_up(query.up_to.0).await?;
            }
            self.0.read(move |db| page(db, &query)).await.map_err(|error| {
                tracing::error!(%error, "the ledger cannot be read");
                Refusal::new(Code::Internal, "the server cannot read its ledger")
            })
        })
    }
}

impl History {
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
    let (low, high, direction) = match query.from {
        Cursor::End => (0, query.up_to.0, "DESC"),
        Cursor::Before(seq) => (0, query.up_to.0.min(seq.0.saturating_sub(1)), "DESC"),
        Cursor::After(seq) => (seq.0, query.up_to.0, "ASC"),
    };
    let words = query.search.as_deref().map(search::words);
    let (source, seq) = match words {
        Some(None) => return Ok(Page::default()),
        Some(Some(_)) => {
            ("search CROSS JOIN entries ON entries.seq = search.rowid", "search.rowid")
        }
        None => ("entries", "entries.seq"),
    };
    let matches = if source == "entries" { "?4 IS NULL" } else { "search MATCH ?4" };
    let mut statement = db.prepare_cached(&format!(
        "SELECT {ENTRY_COLUMNS} FROM {source}
         WHERE {matches} AND entries.room = ?1 AND kind = 'said' AND {seq} > ?2 AND {seq} <= ?3
           AND (recipient IS NULL OR recipient = ?5 OR author = ?5)
         ORDER BY {seq} {direction}"
    ))?;
    let rows = params![query.room.0, low, high, words.flatten(), query.reader.0];
    let mut page = Page::default();
    let mut bytes = 0;
    for entry in statement.query_map(rows, entry_of)? {
        let entry: Entry = entry?;
        // The one rule of who may see what. The condition in SQL only spares reading
        // rows that it would not let through.
        if !entry.is_for(query.reader) {
            continue;
        }
        if page.entries.len() == query.limit || bytes > query.text_bytes {
            page.more = true;
            break;
        }
        bytes += entry.text().len();
        page.entries.push(entry);
    }
    if direction == "DESC" {
        page.entries.reverse();
    }
    Ok(page)
}
