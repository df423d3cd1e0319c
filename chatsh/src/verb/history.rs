//! `history`: what was said in a room, as many messages as are wanted.

use std::collections::VecDeque;
use std::io::{self, IsTerminal};

use clap::Args;
use jiff::Zoned;
use serde_json::{Map, Value};

use super::errand::{Errand, print_push};
use super::number::number;
use super::pages::{self, PAGE_LEN_MAX};
use super::since::Since;
use crate::exit::{Exit, Failure};
use crate::link::Received;
use crate::mention::Reader;
use crate::output::print;
use crate::page::Page;

/// How many messages can be asked for: they are all here before the first is printed.
const LIMIT_MAX: u64 = 10_000;

/// Which messages.
#[derive(Debug, Args)]
pub struct History {
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    #[arg(value_parser = number(1, Some(LIMIT_MAX)))]
    limit: u64,

    /// The latest before this seq
    #[arg(long, value_name = "SEQ", conflicts_with = "after", value_parser = number::<i64>(0, None))]
    before: Option<i64>,

    /// The first after this seq
    #[arg(long, value_name = "SEQ", value_parser = number::<i64>(0, None))]
    after: Option<i64>,

    /// The first after this seq, time, or while ago, as in `tail`
    #[arg(long, value_name = "SEQ|TIME", conflicts_with_all = ["after", "before"])]
    #[arg(allow_hyphen_values = true)]
    since: Option<Since>,

    /// Only messages that have all these words
    #[arg(long, value_name = "WORDS")]
    search: Option<String>,
}

impl History {
    /// Prints them, oldest first.
    pub(super) async fn run(
        &self,
        errand: &mut Errand,
        entered: &Map<String, Value>,
    ) -> Result<Exit, Failure> {
        let after = match self.since {
            Some(since) => Some(since.seq(errand, entered).await?),
            None => self.after,
        };
        let mut found: VecDeque<Received> = VecDeque::new();
        loop {
            let left = self.limit - found.len() as u64;
            let page = pages::page(errand, &self.request(&found, after, left)).await?;
            let is_last = !page.more || page.messages.is_empty();
            match after {
                Some(_) => found.extend(page.messages),
                None => page.messages.into_iter().rev().for_each(|said| found.push_front(said)),
            }
            if is_last || found.len() as u64 >= self.limit {
                break;
            }
        }
        // Whoever reads it wants to know when it was said; a program asks for --json.
        if io::stdout().is_terminal() && !errand.manner.is_json && !found.is_empty() {
            let reader = Reader::of(errand.session.bookmark.user.as_deref());
            let page = Page::of_messages(found.iter());
            print(&page.numbered(&Zoned::now(), &reader, errand.manner.style()))?;
            return Ok(Exit::Done);
        }
        for said in &found {
            print_push(errand.manner, said)?;
        }
        Ok(Exit::Done)
    }

    /// What to ask for when so much is found of what is `after` this.
    fn request(
        &self,
        found: &VecDeque<Received>,
        after: Option<i64>,
        left: u64,
    ) -> Map<String, Value> {
        let mut data = Map::new();
        let mut put = |name: &str, value: Option<i64>| {
            if let Some(value) = value {
                data.insert(name.into(), value.into());
            }
        };
        match after {
            Some(after) => put("after", found.back().and_then(pages::seq).or(Some(after))),
            None => put("before", found.front().and_then(pages::seq).or(self.before)),
        }
        data.insert("limit".into(), left.min(PAGE_LEN_MAX).into());
        if let Some(words) = &self.search {
            data.insert("search".into(), words.as_str().into());
        }
        data
    }
}
