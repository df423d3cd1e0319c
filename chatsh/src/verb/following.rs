//! What is said in the room, one message after the other: each once, and none left out.

use serde_json::json;

use super::errand::Errand;
use super::pages::{self, PAGE_LEN_MAX};
use crate::exit::Failure;
use crate::link::Received;
use crate::session::object;

impl Errand {
    /// Begins behind the message of this number, which may be in the past.
    pub(super) fn read_from(&mut self, seq: i64) {
        self.last = Some(seq);
        self.has_missed = true;
    }

    /// What is said next in the room. It can be given up, but not gone on with then.
    ///
    /// # Errors
    /// The connection has ended, or we were put out of the room.
    pub(super) async fn next_said(&mut self) -> Result<Received, Failure> {
        loop {
            if let Some(said) = self.heard.pop_front() {
                let seq = pages::seq(&said);
                // What came while the past was asked for may be in it.
                if seq.is_none_or(|seq| self.last.is_none_or(|last| seq > last)) {
                    self.last = self.last.max(seq);
                    return Ok(said);
                }
                continue;
            }
            if let Some(put_out) = self.put_out.clone() {
                return Err(put_out);
            }
            let begins_at = self.last.filter(|_| self.has_missed);
            self.has_missed = false;
            match begins_at {
                Some(last) => self.read_on(last).await?,
                None => self.listen().await?,
            }
        }
    }

    /// Reads from the history what was said after `last`.
    async fn read_on(&mut self, last: i64) -> Result<(), Failure> {
        let request = object(json!({ "after": last, "limit": PAGE_LEN_MAX }));
        let page = pages::page(self, &request).await?;
        if (page.more && !page.messages.is_empty()) || self.has_missed {
            // What came meanwhile is behind the next page, and will be on one.
            self.heard.clear();
            self.has_missed = true;
        }
        page.messages.into_iter().rev().for_each(|said| self.heard.push_front(said));
        Ok(())
    }
}
