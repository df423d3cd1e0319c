//! What the database of a dead server has: what was acknowledged, and what was heard, must
//! agree with it.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::Connection;
use tests::Said;

/// What the database of a dead server has, in its order, after `PRAGMA integrity_check`.
///
/// A copy is looked at: whoever opens a database changes what a crash has left.
pub(crate) fn stored(data: &Path) -> Vec<Said> {
    let copy = tempfile::tempdir().unwrap();
    for file in ["chatd.db", "chatd.db-wal"] {
        if data.join(file).exists() {
            std::fs::copy(data.join(file), copy.path().join(file)).unwrap();
        }
    }
    let database = Connection::open(copy.path().join("chatd.db")).unwrap();
    let check: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    let mut said =
        database.prepare("SELECT seq, text FROM entries WHERE kind = 'said' ORDER BY seq").unwrap();
    let said = said.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?))).unwrap();
    said.map(|row| row.unwrap()).filter_map(|(seq, text)| Said::read(seq, &text)).collect()
}

/// Claims that all that was acknowledged is stored where it was said to be, and that
/// nothing is stored twice.
pub(crate) fn check_stored(acknowledged: &[Said], stored: &[Said]) {
    let mut places = HashMap::new();
    for said in stored {
        let earlier = places.insert((said.sender, said.number), said.seq);
        assert_eq!(earlier, None, "{said:?} is stored twice");
    }
    for said in acknowledged {
        let place = places.get(&(said.sender, said.number));
        assert_eq!(place, Some(&said.seq), "{said:?} was acknowledged");
    }
}

/// Claims that every sender's messages are stored in the order in which they were sent.
pub(crate) fn check_orders(stored: &[Said]) {
    let mut next: HashMap<usize, usize> = HashMap::new();
    for said in stored {
        let next = next.entry(said.sender).or_default();
        assert_eq!(said.number, *next, "{said:?} is out of its sender's order");
        *next += 1;
    }
}

/// Claims that somebody heard exactly what is stored, in its order.
pub(crate) fn check_heard(heard: &[Said], stored: &[Said]) {
    let first = heard.iter().zip(stored).position(|(heard, stored)| heard != stored);
    if let Some(first) = first {
        let (heard, stored) = (&heard[first..], &stored[first..]);
        let near = |said: &[Said]| format!("{:?}", &said[..said.len().min(3)]);
        panic!("{} was heard where {} is stored", near(heard), near(stored));
    }
    assert_eq!(heard.len(), stored.len(), "as many are heard as are stored");
}
