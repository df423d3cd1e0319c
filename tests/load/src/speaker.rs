//! One who says numbered texts, and knows which of them everyone has heard.

use std::collections::VecDeque;
use std::time::Instant;

use crate::mark::Mark;

/// A member of a room who speaks.
pub struct Speaker {
    /// Which client it is.
    pub client: usize,
    pub room: usize,
    /// Which of its room's speakers it is.
    in_room: usize,
    /// How many it has said.
    pub said: usize,
    /// Those that not all have heard, and perhaps later ones.
    under_way: VecDeque<Said>,
}

struct Said {
    at: Instant,
    /// How many have not heard it.
    left: usize,
}

impl Speaker {
    pub fn new(client: usize, room: usize, in_room: usize) -> Speaker {
        Speaker { client, room, in_room, said: 0, under_way: VecDeque::new() }
    }

    /// Says the next text, which so many shall hear.
    pub fn say(&mut self, now: Instant, hearers: usize) -> Mark {
        let mark = Mark { room: self.room, speaker: self.in_room, number: self.said };
        self.said += 1;
        self.under_way.push_back(Said { at: now, left: hearers });
        mark
    }

    /// One has heard it; says when it was said.
    pub fn heard(&mut self, mark: Mark) -> Option<Instant> {
        let first = self.said - self.under_way.len();
        let said = self.under_way.get_mut(mark.number.checked_sub(first)?)?;
        said.left = said.left.saturating_sub(1);
        let at = said.at;
        while self.under_way.front().is_some_and(|said| said.left == 0) {
            self.under_way.pop_front();
        }
        Some(at)
    }

    /// How many not all have heard, from the oldest of them on.
    pub fn under_way(&self) -> usize {
        self.under_way.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_under_way_until_all_have_heard_it() {
        let mut speaker = Speaker::new(7, 3, 1);
        let now = Instant::now();
        let (first, second) = (speaker.say(now, 2), speaker.say(now, 2));
        assert_eq!(second, Mark { room: 3, speaker: 1, number: 1 });
        speaker.heard(first);
        assert_eq!(speaker.under_way(), 2);
        speaker.heard(second);
        speaker.heard(second);
        assert_eq!(speaker.under_way(), 2, "the first is not heard by all");
        assert_eq!(speaker.heard(first), Some(now));
        assert_eq!(speaker.under_way(), 0);
        assert_eq!(speaker.heard(first), None, "once more is a fault, which the ear notes");
    }
}
