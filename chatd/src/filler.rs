//! What entries get after they were kept: they are made searchable, and sealed.
//!
//! Between commits, and only while nobody waits: in the append it would treble its cost.

use commands::Seq;
use rusqlite::Connection;

use crate::{entries, seals, search};

/// Slices of entries that are sealed when the server stops, at most: a few milliseconds.
const SLICES_AT_END_MAX: usize = 4;

/// Makes entries searchable and seals them, a slice at a time.
#[derive(Default)]
pub(crate) struct Filler {
    /// With this entry the next slice is whole: before it there is nothing to look for.
    due: Seq,
}

impl Filler {
    /// Fills in what there is up to the `last` entry, as long as there is time.
    pub(crate) fn fill_in(
        &mut self,
        connection: &mut Connection,
        last: Seq,
        has_time: impl Fn() -> bool,
    ) {
        while last >= self.due && has_time() {
            self.due = fill_slice(connection).unwrap_or_else(|error| {
                tracing::error!(%error, "entries cannot be made searchable");
                // Tried again with the next one.
                Seq(last.0.saturating_add(1))
            });
        }
    }
}

/// Fills in one slice, if one is whole; says which entry makes the next one whole.
fn fill_slice(connection: &mut Connection) -> rusqlite::Result<Seq> {
    let transaction = connection.transaction()?;
    let last = entries::last(&transaction)?;
    let searchable = search::fill_slice(&transaction, last)?;
    let sealed = seals::fill_slice(&transaction, last)?;
    transaction.commit()?;
    Ok(searchable.min(sealed))
}

/// Seals what waits, before nobody watches over it; not all that an older chatd has left,
/// which would take time when it has to stop.
pub(crate) fn seal_rest(connection: &mut Connection) {
    let sealed = connection.transaction().and_then(|transaction| {
        for _ in 0..SLICES_AT_END_MAX {
            if !seals::fill(&transaction)? {
                break;
            }
        }
        transaction.commit()
    });
    if let Err(error) = sealed {
        tracing::warn!(%error, "the last entries are not sealed");
    }
}
