//! What reading history costs: pages from anywhere in a room.

use std::time::{Duration, Instant};

use color_eyre::eyre::{Result, bail, ensure};
use serde_json::json;

use crate::crowd::Crowd;
use crate::latency::Latency;
use crate::meter::Meter;
use crate::report::Report;
use crate::tongue::Heard;
use crate::{chat, entrance};

/// Messages of a page.
const PAGE: usize = 50;

/// How long one page may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The one client of `crowd` reads so many pages of a room that has so many messages.
pub fn run(crowd: &mut Crowd, meter: &Meter, messages: usize, reads: usize) -> Result<Report> {
    entrance::enter(crowd, |_| 0)?;
    let mut latency = Latency::default();
    let lap = meter.lap()?;
    for read in 0..reads {
        // From everywhere, in a row that repeats from run to run.
        let before = 2 + (read * 7919) % messages.max(1);
        let data = json!({ "room": chat::room(0), "limit": PAGE, "before": before });
        let asked = Instant::now();
        crowd.say(0, &chat::request("history", &data))?;
        crowd.flush(0)?;
        wait_for_page(crowd)?;
        latency.add(asked.elapsed());
    }
    let used = meter.since(&lap)?;
    Ok(Report {
        messages: Some(messages),
        reads: Some(reads),
        cpu_us_per_read: Some(used.server.as_secs_f64() * 1e6 / reads as f64),
        latency_us: latency.percentiles(),
        busy: Some(used.busy),
        ..Report::default()
    })
}

fn wait_for_page(crowd: &mut Crowd) -> Result<()> {
    let asked = Instant::now();
    let mut outcome = None;
    while outcome.is_none() {
        ensure!(asked.elapsed() < PATIENCE, "a page of history does not come");
        crowd.turn(PATIENCE, |_, heard, _| match heard {
            Heard::Reply(_) => outcome = Some(Ok(())),
            Heard::Refused(why) => outcome = Some(Err(String::from_utf8_lossy(why).into_owned())),
            Heard::Ended => outcome = Some(Err("the connection was ended".into())),
            _ => {}
        })?;
    }
    match outcome {
        Some(Err(why)) => bail!("history is refused: {why}"),
        _ => Ok(()),
    }
}
