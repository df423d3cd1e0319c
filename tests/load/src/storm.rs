//! Everyone loses the connection at once and comes back, while two go on talking.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use color_eyre::eyre::{Result, ensure};

use crate::crowd::Crowd;
use crate::meter::Meter;
use crate::report::Report;
use crate::talk::{Pace, Plan, Talk};
use crate::target::Tls;
use crate::tongue::{Heard, Person};
use crate::{entrance, latency};

/// What the two say a second: enough for a p99, and little to do.
const WORDS_PER_S: f64 = 200.0;

/// Within this time all try for the first time.
const SPREAD: Duration = Duration::from_secs(1);

/// The longest wait before one who was turned away tries again.
const RETRY_MAX: Duration = Duration::from_secs(4);

/// When we give up.
const PATIENCE: Duration = Duration::from_secs(120);

/// Connects that are begun between two looks at the talk.
const CONNECTS: usize = 4;

/// Those who come back.
struct Returning<'a> {
    people: &'a [Person],
    due: BinaryHeap<Reverse<(Instant, usize)>>,
    tries: Vec<u32>,
    is_back: Vec<bool>,
    back: usize,
    /// A dice that falls the same in every run.
    seed: u64,
}

impl Returning<'_> {
    fn chance(&mut self) -> f64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.seed >> 33) as f64 / (1u64 << 31) as f64
    }

    fn try_later(&mut self, who: usize) {
        let longest = Duration::from_millis(250) * 2u32.pow(self.tries[who].min(5));
        let wait = longest.min(RETRY_MAX).mul_f64(self.chance());
        self.tries[who] += 1;
        self.due.push(Reverse((Instant::now() + wait, who)));
    }

    /// Begins some that are due.
    fn begin(&mut self, crowd: &mut Crowd) -> Result<()> {
        for _ in 0..CONNECTS {
            let Some(&Reverse((at, who))) = self.due.peek() else { return Ok(()) };
            if at > Instant::now() {
                return Ok(());
            }
            self.due.pop();
            crowd.connect(who)?;
            crowd.say(who, &crowd.tongue().log_in(&self.people[who]))?;
            crowd.flush(who)?;
        }
        Ok(())
    }
}

/// The last two of `people` talk for `time`, and on while all others come back.
pub fn run(tls: &Tls, meter: &Meter, people: &[Person], time: Duration) -> Result<Report> {
    let (many, two) = people.split_at(people.len() - 2);
    let mut crowd = Crowd::new(tls, many.len())?;
    let mut pair = Crowd::new(tls, two.len())?;
    entrance::log_in(&mut crowd, many)?;
    entrance::log_in(&mut pair, two)?;
    entrance::enter(&mut pair, |_| 0)?;
    let plan = Plan {
        rooms: 1,
        members: 2,
        speakers: 1,
        stalled: 0,
        deaf: 0,
        pace: Pace::PerSecond(WORDS_PER_S),
        text_bytes: 64,
    };
    let mut talk = Talk::new(plan, tls.target.tongue.hears_itself());
    let calm = Instant::now();
    while calm.elapsed() < time {
        let wait = talk.speak(&mut pair)?;
        pair.turn(wait, |who, heard, now| talk.hear(who, heard, now))?;
    }
    let usual: latency::Latency = std::mem::take(&mut talk.latency);
    let lap = meter.lap()?;
    let count = many.len();
    let mut returning = Returning {
        people: many,
        due: BinaryHeap::new(),
        tries: vec![0; count],
        is_back: vec![false; count],
        back: 0,
        seed: 42,
    };
    let lost = Instant::now();
    for who in 0..count {
        crowd.cut(who);
        let at = lost + SPREAD.mul_f64(returning.chance());
        returning.due.push(Reverse((at, who)));
    }
    while returning.back < count {
        ensure!(lost.elapsed() < PATIENCE, "{} of {count} are back", returning.back);
        returning.begin(&mut crowd)?;
        crowd.turn(Duration::from_micros(200), |who, heard, _| match heard {
            Heard::Welcome if !returning.is_back[who] => {
                returning.is_back[who] = true;
                returning.back += 1;
            }
            Heard::Ended if !returning.is_back[who] => returning.try_later(who),
            _ => {}
        })?;
        talk.speak(&mut pair)?;
        pair.turn(Duration::ZERO, |who, heard, now| talk.hear(who, heard, now))?;
    }
    let used = meter.since(&lap)?;
    talk.finish(&mut pair)?;
    Ok(Report {
        connections: Some(count),
        back_s: Some(used.wall.as_secs_f64()),
        retries: Some(returning.tries.iter().map(|tries| *tries as usize).sum()),
        cpu_us_per_connect: Some(used.server.as_secs_f64() * 1e6 / count as f64),
        usual_latency_us: usual.percentiles(),
        latency_us: talk.latency.percentiles(),
        faults: Some(talk.faults()),
        busy: Some(used.busy),
        ..Report::default()
    })
}
