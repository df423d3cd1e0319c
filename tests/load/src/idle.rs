//! What connections cost that do nothing: memory, and CPU time to come in.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use color_eyre::eyre::Result;

use crate::crowd::Crowd;
use crate::entrance;
use crate::meter::Meter;
use crate::report::Report;
use crate::tongue::Person;

/// How long the server has to put its memory in order.
const SETTLE: Duration = Duration::from_millis(500);

/// Logs everyone in, and measures what that and their presence costs.
pub fn run(crowd: &mut Crowd, meter: &Meter, people: &[Person]) -> Result<Report> {
    let before = meter.resident_kib()?;
    let lap = meter.lap()?;
    entrance::log_in(crowd, people)?;
    let used = meter.since(&lap)?;
    let settling = Instant::now();
    while settling.elapsed() < SETTLE {
        crowd.turn(SETTLE, |_, _, _| {})?;
    }
    let after = meter.resident_kib()?;
    let count = people.len() as f64;
    Ok(Report {
        connections: Some(people.len()),
        cpu_us_per_connect: Some(used.server.as_secs_f64() * 1e6 / count),
        resident_kib_per_connection: Some(after.saturating_sub(before) as f64 / count),
        resident_kib: Some(after),
        busy: Some(used.busy),
        wall_s: Some(used.wall.as_secs_f64()),
        ..Report::default()
    })
}

/// Keeps everyone there until stdin is closed.
pub fn hold(crowd: &mut Crowd) -> Result<()> {
    let is_over = Arc::new(AtomicBool::new(false));
    let tell = is_over.clone();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        tell.store(true, Ordering::Relaxed);
    });
    while !is_over.load(Ordering::Relaxed) {
        crowd.turn(Duration::from_millis(100), |_, _, _| {})?;
    }
    Ok(())
}
