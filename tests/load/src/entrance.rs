//! Many clients log in and go to their rooms, some at a time.

use std::time::{Duration, Instant};

use color_eyre::eyre::{Result, bail, ensure};

use crate::crowd::Crowd;
use crate::tongue::{Heard, Person, Tongue};

/// Who is connecting at once: ngIRCd lets 10 wait to be accepted, and others try again a
/// second later.
const SHAKING_MAX: usize = 8;

/// Who is on the way at once. chatd turns newcomers away by chance when more than 64 are
/// not logged in; InspIRCd lets people in once a second, however many there are.
fn window(tongue: Tongue) -> usize {
    match tongue {
        Tongue::Chat => 48,
        Tongue::Irc => 1000,
    }
}

/// How long all may make no progress before we give up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Connects everyone and logs them in: person `n` is client `n`.
pub fn log_in(crowd: &mut Crowd, people: &[Person]) -> Result<()> {
    usher(crowd, people.len(), &Heard::Welcome, |crowd, who| {
        crowd.connect(who)?;
        crowd.say(who, &crowd.tongue().log_in(&people[who]))
    })
}

/// Sends everyone to a room, and makes it if it is missing.
pub fn enter(crowd: &mut Crowd, room_of: impl Fn(usize) -> usize) -> Result<()> {
    usher(crowd, crowd.len(), &Heard::Entered, |crowd, who| {
        crowd.say(who, &crowd.tongue().enter(room_of(who)))
    })
}

/// Lets clients begin something, some at a time, until each has heard that it is done.
fn usher(
    crowd: &mut Crowd,
    count: usize,
    is_done: &Heard<'_>,
    begin: impl Fn(&mut Crowd, usize) -> Result<()>,
) -> Result<()> {
    let (mut begun, mut done, mut progress) = (0, 0, Instant::now());
    while done < count {
        while begun < count
            && begun - done < window(crowd.tongue())
            && crowd.shaking() < SHAKING_MAX
        {
            begin(crowd, begun)?;
            crowd.flush(begun)?;
            begun += 1;
        }
        let mut trouble = None;
        let before = done;
        crowd.turn(Duration::from_millis(100), |who, heard, _| match heard {
            heard if heard == *is_done => done += 1,
            Heard::Refused(why) => trouble = Some((who, String::from_utf8_lossy(why).into())),
            Heard::Ended => trouble = Some((who, "the connection was ended".to_owned())),
            _ => {}
        })?;
        if let Some((who, why)) = trouble {
            bail!("client {who} is not let in: {why}");
        }
        if done > before {
            progress = Instant::now();
        }
        ensure!(progress.elapsed() < PATIENCE, "{done} of {count} are in, and no more come in");
    }
    Ok(())
}
