//! The files of the database are damaged while nobody uses them: the server refuses them
//! with 65, or has everything that was acknowledged. It never begins anew in silence.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Chance, Client, Server, is_slow};

const PEOPLE: [&str; 3] = ["ann", "bob", "eve"];

/// Messages of the first life, which ends in peace, and of the second, which is killed: so
/// few that all of them are still in SQLite's log, which has checksums of its own. Those
/// that left it a moment ago may not be sealed yet.
const FIRST: usize = 600;
const SECOND: usize = 100;

/// A data folder that a server has left, and all that was acknowledged.
struct Left {
    folder: TempDir,
    said: Vec<Value>,
}

impl Left {
    /// With nothing in its log, or with much.
    fn new(is_killed: bool) -> Left {
        let settings = ["limits.commands_burst=0"];
        let mut server = Server::with(&settings);
        for name in PEOPLE {
            server.connect().register(name);
        }
        let mut said = talk(&server, 0..FIRST);
        server.signal("TERM");
        server.wait();
        if is_killed {
            server = server.again();
            said.extend(talk(&server, FIRST..FIRST + SECOND));
            server.kill();
        }
        // Copied while the harness has its folder.
        Left { folder: copy_of(&server.data()), said }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("data").join(name)
    }
}

/// Everyone in turn says something, under the numbers; what was acknowledged.
fn talk(server: &Server, numbers: Range<usize>) -> Vec<Value> {
    let enter = |name: &&str| {
        let mut client = server.connect();
        client.login(name);
        client.enter("general");
        client
    };
    let mut people: Vec<Client> = PEOPLE.iter().map(enter).collect();
    let said = numbers.map(|number| {
        let text = format!("{number} {}", "some words of the usual length ".repeat(number % 4));
        let message = people[number % PEOPLE.len()]
            .ask("msg", json!({ "to": "public", "text": text, "key": format!("{number}") }));
        for other in (0..PEOPLE.len()).filter(|other| *other != number % PEOPLE.len()) {
            assert_eq!(people[other].next(), message);
        }
        message["data"].clone()
    });
    said.collect()
}

fn copy_of(data: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join("data")).unwrap();
    for file in fs::read_dir(data).unwrap() {
        let file = file.unwrap();
        if file.file_type().unwrap().is_file() {
            fs::copy(file.path(), copy.path().join("data").join(file.file_name())).unwrap();
        }
    }
    copy
}

/// What is done to a file.
#[derive(Debug, Clone, Copy)]
enum Damage {
    /// Some bits flip.
    Flips(usize),
    /// Its end is cut off.
    Cut,
    /// It is there, and empty.
    Emptied,
    /// It is not there.
    Removed,
    /// Its first bytes are others.
    Header,
    /// A page has what another page should have.
    Misplaced,
    /// A page is zero.
    Blank,
}

const DAMAGES: [Damage; 8] = [
    Damage::Flips(1),
    Damage::Flips(3),
    Damage::Cut,
    Damage::Emptied,
    Damage::Removed,
    Damage::Header,
    Damage::Misplaced,
    Damage::Blank,
];

/// The files of a database; the first is there after a crash.
const FILES: [&str; 3] = ["chatd.db-wal", "chatd.db", "chatd.witness"];

const PAGE: usize = 4096;

impl Damage {
    fn hit(self, file: &Path, chance: &mut Chance) {
        let mut bytes = fs::read(file).unwrap();
        let len = bytes.len() as u64;
        let mut page = || chance.below(len.div_ceil(PAGE as u64)) as usize * PAGE;
        match self {
            Damage::Flips(bits) => {
                for _ in 0..bits {
                    bytes[chance.below(len) as usize] ^= 1 << chance.below(8);
                }
            }
            Damage::Cut => bytes.truncate(chance.below(len) as usize),
            Damage::Emptied => bytes.clear(),
            Damage::Removed => return fs::remove_file(file).unwrap(),
            Damage::Header => {
                bytes.iter_mut().take(100).for_each(|byte| *byte = chance.below(256) as u8);
            }
            Damage::Misplaced => {
                let (from, to) = (page(), page());
                let other = bytes[from..].iter().take(PAGE).copied().collect::<Vec<_>>();
                bytes.iter_mut().skip(to).zip(other).for_each(|(byte, other)| *byte = other);
            }
            Damage::Blank => {
                let at = page();
                bytes.iter_mut().skip(at).take(PAGE).for_each(|byte| *byte = 0);
            }
        }
        fs::write(file, bytes).unwrap();
    }
}

/// What came of a damage.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    /// It did not start.
    Refused,
    /// It found the damage while it served.
    Ended,
    /// It has everything.
    Intact,
}

/// All that the room's history tells to one of those who can log in.
fn told(server: &Server) -> Option<Vec<Value>> {
    let mut client = server.connect();
    let mut is_in = |name: &&&str| {
        let data = json!({ "username": name, "password": "1234" });
        client.ask("login", data)["status"] == "ok"
    };
    PEOPLE.iter().find(&mut is_in)?;
    client.ask("enter", json!({ "room": "general" }));
    let mut all: Vec<Value> = Vec::new();
    loop {
        let after = all.last().map_or(json!(0), |message| message["seq"].clone());
        let page = client.ask("history", json!({ "after": after, "limit": 200 }));
        all.extend(page["data"]["messages"].as_array()?.iter().cloned());
        if page["data"]["more"] == false {
            return Some(all);
        }
    }
}

/// Starts a server on what is left; it refuses, or has all that was acknowledged.
fn verdict(folder: TempDir, said: &[Value], what: &str) -> Verdict {
    let damaged = "the database is damaged";
    let mut server = match Server::on(folder) {
        Ok(server) => server,
        Err((status, log)) => {
            assert_eq!(status.code(), Some(65), "{what}: {log}");
            assert!(log.contains(damaged) && log.contains("chatd.db"), "{what}: {log}");
            return Verdict::Refused;
        }
    };
    if server.wait_for_log_of(&["the database is sound", damaged]).contains(damaged) {
        let (status, log) = server.wait();
        assert_eq!(status.code(), Some(65), "{what}: {log}");
        return Verdict::Ended;
    }
    let told = told(&server).unwrap_or_default();
    for (told, said) in told.iter().zip(said) {
        assert_eq!(told, said, "{what}");
    }
    assert_eq!(told.len(), said.len(), "{what}");
    Verdict::Intact
}

#[test]
fn damaged_files_are_refused_or_everything_is_there() {
    let rounds = if is_slow() { 40 } else { 1 };
    let mut chance = Chance::new();
    let mut verdicts: BTreeMap<Verdict, usize> = BTreeMap::new();
    for is_killed in [false, true] {
        let left = Left::new(is_killed);
        assert_eq!(left.file("chatd.db-wal").metadata().is_ok_and(|log| log.len() > 0), is_killed);
        let files = if is_killed { &FILES[..] } else { &FILES[1..] };
        for _ in 0..rounds {
            for damage in DAMAGES {
                for name in files {
                    let folder = copy_of(&left.folder.path().join("data"));
                    damage.hit(&folder.path().join("data").join(name), &mut chance);
                    let what = format!("{damage:?} of {name}, killed: {is_killed}");
                    let verdict = verdict(folder, &left.said, &what);
                    eprintln!("{what}: {verdict:?}");
                    *verdicts.entry(verdict).or_default() += 1;
                }
            }
        }
    }
    eprintln!("{verdicts:?}");
    // Those that are the same whatever chance does.
    assert!(verdicts[&Verdict::Refused] >= 9 && verdicts[&Verdict::Intact] >= 4);
}

/// What everybody who is not there must not be taken for: a first start.
#[test]
fn what_is_left_without_its_database_is_not_a_first_start() {
    let left = Left::new(true);
    for gone in [&["chatd.db"][..], &["chatd.db", "chatd.witness"], &["chatd.db", "chatd.db-wal"]] {
        for is_empty in [true, false] {
            let folder = copy_of(&left.folder.path().join("data"));
            for name in gone {
                let file = folder.path().join("data").join(name);
                if is_empty { fs::write(file, "").unwrap() } else { fs::remove_file(file).unwrap() }
            }
            let what = format!("{gone:?}, empty: {is_empty}");
            assert_eq!(verdict(folder, &left.said, &what), Verdict::Refused);
        }
    }
}

/// A copy from before is what lost messages look like, too. Only the operator knows.
#[test]
fn an_older_copy_is_taken_when_the_witness_is_removed() {
    let mut server = Server::start();
    for name in PEOPLE {
        server.connect().register(name);
    }
    let said = talk(&server, 0..9);
    server.signal("TERM");
    server.wait();
    let older = fs::read(server.data().join("chatd.db")).unwrap();
    let mut server = server.again();
    let epoch = epoch_of(&server);
    talk(&server, 9..18);
    server.kill();
    let mut server = server.again();
    assert_eq!(epoch_of(&server), epoch, "after a crash it is the same ledger");
    server.signal("TERM");
    server.wait();
    let restored = || {
        let folder = copy_of(&server.data());
        fs::write(folder.path().join("data/chatd.db"), &older).unwrap();
        folder
    };
    assert_eq!(verdict(restored(), &said, "an older copy"), Verdict::Refused);
    let folder = restored();
    fs::remove_file(folder.path().join("data/chatd.witness")).unwrap();
    assert_eq!(verdict(folder, &said, "an older copy, without the witness"), Verdict::Intact);
    fs::write(server.data().join("chatd.db"), &older).unwrap();
    fs::remove_file(server.data().join("chatd.witness")).unwrap();
    assert_ne!(epoch_of(&server.again()), epoch, "its numbers are given again");
}

/// What the ledger is called.
fn epoch_of(server: &Server) -> Value {
    let mut ann = server.connect();
    ann.login("ann");
    ann.ask("enter", json!({ "room": "general" }))["data"]["epoch"].clone()
}
