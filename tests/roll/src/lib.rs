//! `roll`: throws dice. All that a command from outside needs is in this file.

use commands::{Cx, Handler, Outcome, Reply};
use proto::{Refusal, Spec, State, States};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Dice in one throw, at most: their faces have to fit on a line.
const COUNT_MAX: u32 = 100;

/// Faces of a die, at most.
const FACES_MAX: u32 = 1000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Roll {
    /// How many dice, and how many faces each has: 2d6.
    dice: String,
}

#[derive(Serialize, JsonSchema)]
struct Rolled {
    /// As it was asked for.
    dice: String,
    /// What each die shows.
    faces: Vec<u32>,
    /// Their sum.
    total: u32,
}

impl Handler for Roll {
    const SPEC: Spec =
        Spec::new("roll", States::of(&[State::Lobby, State::Chat]), "Throw dice", "/roll 2d6");

    type Reply = Rolled;

    async fn handle(self, _: Cx<'_>) -> Result<Outcome<Rolled>, Refusal> {
        let Some((count, faces)) = parse(&self.dice) else {
            let why = format!("write 2d6 for two dice of six faces, up to {COUNT_MAX}d{FACES_MAX}");
            return Err(Refusal::bad_field("dice", &why));
        };
        let faces: Vec<u32> = (0..count).map(|_| throw(faces)).collect();
        let total: u32 = faces.iter().sum();
        let message = format!("{}: {total}", self.dice);
        Ok(Outcome::Reply(Reply::data(Rolled { dice: self.dice, faces, total }).saying(message)))
    }
}

commands::register!(Roll);

fn parse(dice: &str) -> Option<(u32, u32)> {
    let (count, faces) = dice.split_once('d')?;
    let (count, faces) = (count.parse().ok()?, faces.parse().ok()?);
    let is_fair = (1..=COUNT_MAX).contains(&count) && (2..=FACES_MAX).contains(&faces);
    is_fair.then_some((count, faces))
}

/// One of `faces`, each as likely to one part in a billion.
fn throw(faces: u32) -> u32 {
    let random = getrandom::u64().expect("the operating system has random numbers");
    u32::try_from(random % u64::from(faces)).expect("it is below a u32") + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dice_are_written_as_players_write_them() {
        assert_eq!(parse("2d6"), Some((2, 6)));
        assert_eq!(parse("100d1000"), Some((100, 1000)));
        for bad in ["", "d6", "2d", "2d1", "0d6", "101d6", "1d1001", "-1d6", "2d6d6"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_die_shows_each_of_its_faces_and_no_other() {
        let thrown: std::collections::BTreeSet<u32> = (0..1000).map(|_| throw(6)).collect();
        assert_eq!(thrown, (1..=6).collect());
    }
}
