//! The real hall, on a ledger in memory, and what it sends as the model writes it.

use proto::{Caps, Code, Id, Incoming, Refusal, UserName};

use crate::model::Request;
use crate::world::{Fate, Stage, token};
use crate::{Event, Luck, PEOPLE, ROOMS};

/// The real thing, as the model is asked.
pub(crate) struct Real(pub(crate) Stage);

impl Real {
    pub(crate) fn new() -> Real {
        let mut stage = Stage::new();
        for name in PEOPLE {
            let user = UserName::new(name).expect("it is a name");
            stage.accounts.add(&user, "1234");
            stage.accounts.add_token(&user, &token(name));
            stage.connect(name, Caps::default());
        }
        ROOMS.iter().for_each(|room| stage.room(room));
        stage.play("* the ledger waits");
        stage.catch_up_by_hand();
        Real(stage)
    }

    pub(crate) fn happen(&mut self, id: i64, event: &Event, request: Option<&Request>) {
        self.0.people.values_mut().for_each(|person| person.set_reads(false));
        match event {
            Event::Asks(who, _) => {
                let body = request.expect("something is asked for").body(id, *who);
                self.0.send(PEOPLE[*who], body);
            }
            Event::Page(who) => self.0.page(PEOPLE[*who]),
            Event::Lose(who) => self.0.connect(PEOPLE[*who], Caps::default()),
            Event::Land => self.0.play("* the ledger lands 1"),
            Event::Decide(luck) => self.0.ledger.decide(match luck {
                Luck::Refuse => Fate::Refuse(Refusal::new(Code::ServerBusy, "not now")),
                Luck::Unknown => Fate::Unknown,
                Luck::Drop => Fate::Drop,
                Luck::KeepInSilence => Fate::KeepInSilence,
                Luck::Double => Fate::Double,
            }),
            Event::Fill(is_full) => self.0.ledger.set_full(*is_full),
            Event::Crash(kept) => {
                self.0.restart(*kept);
                PEOPLE.iter().for_each(|name| self.0.connect(name, Caps::default()));
            }
        }
    }

    pub(crate) fn take_got(&mut self) -> Vec<Vec<String>> {
        self.0.people.values_mut().for_each(|person| person.set_reads(true));
        let mut all = self.0.read_all();
        let got = |name: &&str| all.remove(*name).expect("it is connected");
        PEOPLE.iter().map(got).map(|frames| frames.iter().map(shown).collect()).collect()
    }
}

/// A frame as the model writes it.
fn shown(frame: &Incoming) -> String {
    let code = frame.code.as_deref().unwrap_or("ok");
    let text = |key: &str| frame.data[key].as_str().expect("a text").to_owned();
    let detail = match (&*frame.kind, code) {
        ("msg", "ok") => format!(" {} {}", frame.data["seq"], text("text")),
        ("resume" | "enter", "ok") => format!(" {}", frame.data["last_seq"]),
        ("history", "ok") => {
            let messages = frame.data["messages"].as_array().expect("a list");
            let seqs: Vec<i64> =
                messages.iter().map(|m| m["seq"].as_i64().expect("a number")).collect();
            format!(" {seqs:?} {}", frame.data["more"])
        }
        _ => String::new(),
    };
    match &frame.id {
        Some(Id::Number(id)) => format!("#{id} {} {code}{detail}", frame.kind),
        Some(Id::Text(id)) => panic!("nobody uses {id}"),
        None if frame.data.contains_key("replay") => format!("replay{detail}"),
        None => format!("push{detail}"),
    }
}
