//! The tables of the database, and how a file of an earlier version gets them.

use rusqlite::{Connection, Transaction};

/// The version of the tables, in `user_version`.
pub(crate) const VERSION: i64 = 3;

/// "chat": marks the file as ours, in `application_id`.
pub(crate) const APPLICATION_ID: i64 = 0x6368_6174;

/// What leads from each version to the next. A step that was released is never changed:
/// files of its version are out there.
const STEPS: [&str; VERSION as usize] = [FIRST, SECOND, crate::seals::TABLES];

const FIRST: &str = "
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
    id       INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again
    name     TEXT NOT NULL,                     -- as it was registered
    key      TEXT NOT NULL UNIQUE,              -- what equal names have in common
    password TEXT NOT NULL,                     -- PHC string: scrypt, its parameters, salt, hash
    created  INTEGER NOT NULL                   -- milliseconds since 1970
) STRICT;

CREATE TABLE tokens (
    hash    BLOB PRIMARY KEY,                   -- SHA-256 of the token
    account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    expires INTEGER NOT NULL                    -- milliseconds since 1970
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_by_account ON tokens (account);

CREATE TABLE rooms (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used again
    name    TEXT NOT NULL,
    key     TEXT NOT NULL UNIQUE,
    owner   INTEGER REFERENCES accounts (id),   -- none: made by the configuration
    topic   TEXT,
    created INTEGER NOT NULL
) STRICT;
CREATE INDEX rooms_by_owner ON rooms (owner);

CREATE TABLE entries (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT, -- one order for all rooms
    room      INTEGER NOT NULL REFERENCES rooms (id),
    ts        INTEGER NOT NULL,                  -- milliseconds since 1970
    kind      TEXT NOT NULL,                     -- 'created' or 'said'
    author    INTEGER REFERENCES accounts (id),
    recipient INTEGER REFERENCES accounts (id),  -- of a private message
    text      TEXT
) STRICT;
CREATE INDEX entries_by_room ON entries (room, seq);

CREATE TABLE keys (                              -- of messages that may be asked for again
    account INTEGER NOT NULL,
    room    INTEGER NOT NULL,
    key     TEXT NOT NULL,
    seq     INTEGER NOT NULL,                    -- the entry that was kept
    uptime  INTEGER NOT NULL,                    -- milliseconds that the server had run
    PRIMARY KEY (account, room, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_by_uptime ON keys (uptime);

CREATE VIRTUAL TABLE search USING fts5(          -- filled between commits: see search.rs
    text, content = 'entries', content_rowid = 'seq', tokenize = 'unicode61 remove_diacritics 2'
);

INSERT INTO meta (key, value) VALUES ('uptime_ms', '0'), ('searchable', '0');
";

const SECOND: &str = "
ALTER TABLE accounts ADD COLUMN gone INTEGER;               -- when its owner ended it
ALTER TABLE accounts ADD COLUMN read INTEGER NOT NULL DEFAULT 0; -- private messages, up to here

ALTER TABLE rooms DROP COLUMN topic;                        -- its entries tell it
ALTER TABLE rooms ADD COLUMN private INTEGER NOT NULL DEFAULT 0; -- only for those invited
ALTER TABLE rooms ADD COLUMN past TEXT NOT NULL DEFAULT 'all';   -- or 'since_join'
ALTER TABLE rooms ADD COLUMN days INTEGER;                  -- how long messages are kept
ALTER TABLE rooms ADD COLUMN trimmed INTEGER NOT NULL DEFAULT 0; -- the last that is not kept
ALTER TABLE rooms ADD COLUMN deleted INTEGER;               -- when; its key is then ':' and its id

-- Of what was done to whom: until when. Of a change: of which message. Of a message: the
-- change that was the last. Of one who joined: after which entry.
ALTER TABLE entries ADD COLUMN until INTEGER;
ALTER TABLE entries ADD COLUMN target INTEGER;
ALTER TABLE entries ADD COLUMN changed INTEGER;

CREATE INDEX changes ON entries (seq)             -- what a room is made of, at the start
    WHERE kind NOT IN ('said', 'told', 'edited', 'redacted');
CREATE INDEX tells_by_recipient ON entries (recipient, seq) WHERE room = 0;
CREATE INDEX tells_by_author ON entries (author, seq) WHERE room = 0;

-- Where private messages beyond rooms stand.
INSERT INTO rooms (id, name, key, created) VALUES (0, '', ':0', 0);

-- What is taken back is to be gone from the index as well.
INSERT INTO search (search, rank) VALUES ('secure-delete', 1);
";

/// Makes the tables what this version needs, from whatever earlier version they are of;
/// a new file is of version 0.
///
/// # Errors
/// What SQLite says; then nothing was changed.
pub(crate) fn migrate(db: &mut Connection, version: i64) -> rusqlite::Result<()> {
    let transaction = db.transaction()?;
    let done = usize::try_from(version).unwrap_or(0);
    STEPS.iter().skip(done).try_for_each(|step| transaction.execute_batch(step))?;
    if done == 0 {
        name(&transaction)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// Marks a new file as ours, and gives its ledger a name.
fn name(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    rename(transaction)
}

/// Gives the ledger a name, or another one.
///
/// # Errors
/// What SQLite says.
pub(crate) fn rename(db: &Connection) -> rusqlite::Result<()> {
    let epoch = crate::random::hex::<8>();
    db.execute("REPLACE INTO meta (key, value) VALUES ('epoch', ?1)", [epoch]).map(drop)
}

/// A file as the first version left it, with some rooms and messages.
#[cfg(test)]
pub(crate) fn first_version(file: &std::path::Path) {
    let db = Connection::open(file).unwrap();
    db.execute_batch(FIRST).unwrap();
    db.execute_batch(
        "INSERT INTO accounts (name, key, password, created)
         VALUES ('ann', 'ann', '', 1), ('bob', 'bob', '', 1);
         INSERT INTO tokens (hash, account, expires) VALUES (x'00', 1, 9);
         INSERT INTO rooms (name, key, owner, topic, created) VALUES ('attic', 'attic', 1, 'gears', 1);
         INSERT INTO entries (room, ts, kind, author, recipient, text)
         VALUES (1, 1, 'created', 1, NULL, 'gears'), (1, 2, 'said', 1, NULL, 'hello'),
                (1, 3, 'said', 1, 2, 'psst');
         INSERT INTO keys (account, room, key, seq, uptime) VALUES (1, 1, 'k1', 2, 0);
         INSERT INTO meta (key, value) VALUES ('epoch', 'e1');
         PRAGMA user_version = 1;",
    )
    .unwrap();
    db.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(db: &Connection) -> Vec<String> {
        let mut all =
            db.prepare("SELECT sql FROM sqlite_schema WHERE sql NOT NULL ORDER BY name").unwrap();
        all.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn a_file_of_the_first_version_becomes_what_a_new_one_is() {
        let mut new = Connection::open_in_memory().unwrap();
        migrate(&mut new, 0).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chatd.db");
        first_version(&file);
        let mut old = Connection::open(&file).unwrap();
        migrate(&mut old, 1).unwrap();
        assert_eq!(names(&old), names(&new));
    }
}
