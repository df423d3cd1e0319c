//! People talk in rooms: who says how much, and whether everyone hears it.

use std::time::{Duration, Instant};

use color_eyre::eyre::Result;

use crate::check::{Ear, Faults};
use crate::crowd::Crowd;
use crate::latency::Latency;
use crate::mark::Mark;
use crate::speaker::Speaker;
use crate::tongue::Heard;

/// How long we wait for what has not come when the time is over.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who talks, and how much.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub rooms: usize,
    /// Members of each room: its first clients speak, its last are stalled, and before those
    /// come the deaf.
    pub members: usize,
    pub speakers: usize,
    pub stalled: usize,
    /// They read, and do not look at it.
    pub deaf: usize,
    pub pace: Pace,
    pub text_bytes: usize,
}

/// When the next text is said.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// Each speaker has so many under way that not all have heard.
    UnderWay(usize),
    /// So many a second of all speakers together, in turns.
    PerSecond(f64),
}

/// When it ends.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    Passed(Duration),
    /// So many texts were said.
    Said(usize),
}

impl Plan {
    pub fn clients(&self) -> usize {
        self.rooms * self.members
    }

    pub fn room_of(&self, client: usize) -> usize {
        client / self.members
    }

    pub fn is_stalled(&self, client: usize) -> bool {
        client % self.members >= self.members - self.stalled
    }

    pub fn is_deaf(&self, client: usize) -> bool {
        !self.is_stalled(client) && client % self.members >= self.hearers()
    }

    /// How many of each room's members, its first, look at what comes.
    fn hearers(&self) -> usize {
        self.members - self.stalled - self.deaf
    }
}

/// A talk under way.
pub struct Talk {
    plan: Plan,
    hears_itself: bool,
    ears: Vec<Ear>,
    speakers: Vec<Speaker>,
    faults: Faults,
    began: Instant,
    /// How many texts were said.
    pub said: usize,
    /// How many were heard, by anyone.
    pub deliveries: usize,
    /// How long others waited for them.
    pub latency: Latency,
    /// What the server refused.
    pub refused: Option<String>,
}

impl Talk {
    pub fn new(plan: Plan, hears_itself: bool) -> Talk {
        let in_room = |room: usize| {
            (0..plan.speakers).map(move |n| Speaker::new(room * plan.members + n, room, n))
        };
        Talk {
            plan,
            hears_itself,
            ears: (0..plan.clients()).map(|_| Ear::new(plan.speakers)).collect(),
            speakers: (0..plan.rooms).flat_map(in_room).collect(),
            faults: Faults::default(),
            began: Instant::now(),
            said: 0,
            deliveries: 0,
            latency: Latency::default(),
            refused: None,
        }
    }

    /// Talks until it is time, and then waits until all have heard all.
    pub fn run(&mut self, crowd: &mut Crowd, until: Until) -> Result<()> {
        self.began = Instant::now();
        loop {
            let is_over = match until {
                Until::Passed(time) => self.began.elapsed() >= time,
                Until::Said(count) => self.said >= count,
            };
            if is_over {
                return self.finish(crowd);
            }
            let wait = self.speak(crowd)?;
            crowd.turn(wait, |who, heard, now| self.hear(who, heard, now))?;
        }
    }

    /// Waits until all have heard all, but not for ever.
    pub fn finish(&mut self, crowd: &mut Crowd) -> Result<()> {
        let over = Instant::now();
        while self.speakers.iter().any(|s| s.under_way() > 0) && over.elapsed() < PATIENCE {
            crowd.turn(Duration::from_millis(20), |who, heard, now| self.hear(who, heard, now))?;
        }
        Ok(())
    }

    /// Says what is due; for how long nothing more is.
    pub fn speak(&mut self, crowd: &mut Crowd) -> Result<Duration> {
        match self.plan.pace {
            Pace::UnderWay(max) => {
                for index in 0..self.speakers.len() {
                    let free = max.saturating_sub(self.speakers[index].under_way());
                    self.say(crowd, index, free)?;
                }
                Ok(Duration::from_millis(100))
            }
            Pace::PerSecond(rate) => loop {
                let due = self.began + Duration::from_secs_f64(self.said as f64 / rate);
                let wait = due.saturating_duration_since(Instant::now());
                if !wait.is_zero() {
                    return Ok(wait);
                }
                self.say(crowd, self.said % self.speakers.len(), 1)?;
            },
        }
    }

    fn say(&mut self, crowd: &mut Crowd, index: usize, count: usize) -> Result<()> {
        let own = usize::from(self.hears_itself);
        let hearers = self.plan.hearers() - 1 + own;
        let speaker = &mut self.speakers[index];
        for _ in 0..count {
            let text = speaker.say(Instant::now(), hearers).text(self.plan.text_bytes);
            crowd.say(speaker.client, &crowd.tongue().say(speaker.room, &text))?;
        }
        self.said += count;
        if count > 0 { crowd.flush(speaker.client) } else { Ok(()) }
    }

    /// Somebody hears something.
    pub fn hear(&mut self, who: usize, heard: Heard<'_>, now: Instant) {
        match heard {
            Heard::Said(text) => match Mark::read(text) {
                Some(mark) if mark.room == self.plan.room_of(who) => self.hear_text(who, mark, now),
                _ => self.faults.late += 1,
            },
            Heard::Ended => self.faults.ended += 1,
            Heard::Refused(why) => self.refused = Some(String::from_utf8_lossy(why).into()),
            _ => {}
        }
    }

    fn hear_text(&mut self, who: usize, mark: Mark, now: Instant) {
        self.deliveries += 1;
        if !self.ears[who].hear(mark) {
            return;
        }
        let speaker = &mut self.speakers[mark.room * self.plan.speakers + mark.speaker];
        let said_at = speaker.heard(mark);
        // What it says itself comes back to it sooner or later, or never: it has no part
        // in what others wait.
        if let Some(at) = said_at.filter(|_| speaker.client != who) {
            self.latency.add(now.saturating_duration_since(at));
        }
    }

    /// What went wrong. In each room those who only listen must have heard one order.
    pub fn faults(&self) -> Faults {
        let plan = &self.plan;
        let of_room = |room: usize| {
            let first = room * plan.members;
            let speakers = &self.speakers[room * plan.speakers..][..plan.speakers];
            let said: Vec<usize> = speakers.iter().map(|speaker| speaker.said).collect();
            let listeners = first + plan.speakers..first + plan.members;
            let members = first..first + plan.hearers();
            let like = listeners.clone().find(|who| members.contains(who)).map(|w| &self.ears[w]);
            members.fold(Faults::default(), |faults, who| {
                let mut said = said.clone();
                if who < first + plan.speakers && !self.hears_itself {
                    said[who - first] = 0;
                }
                faults.and(self.ears[who].faults(&said, like.filter(|_| listeners.contains(&who))))
            })
        };
        (0..plan.rooms).map(of_room).fold(self.faults, Faults::and)
    }
}
