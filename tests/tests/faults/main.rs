//! Broken on purpose: whatever happens to the server, to its connections and to its
//! disk, nothing acknowledged is lost and nothing comes twice.
//!
//! The forms here take seconds; with `SLOW=1` they are as long as they ought to be. What
//! happens at random prints its seed: `SEED=…` does the same again.

#![allow(clippy::unwrap_used, missing_docs)]

mod crowd;
mod cuts;
mod damage;
mod disk;
mod kill;
mod lost_acks;
mod stored;
