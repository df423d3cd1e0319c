//! What a process costs: its CPU time and its resident memory, from /proc.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant};

use color_eyre::eyre::{OptionExt, Result, WrapErr};
use rustix::time::{ClockId, clock_gettime};

/// How far two counts in ticks of 10 ms can be off, together.
const TICKS_ERROR: Duration = Duration::from_millis(20);

/// The server, seen from outside.
pub struct Meter {
    pid: u32,
}

/// A moment from which something is measured.
pub struct Lap {
    began: Instant,
    own_cpu: Duration,
    /// CPU time of the server in ticks, and of each of its threads to the nanosecond.
    ticks: Duration,
    threads: HashMap<String, Duration>,
}

/// What was used since.
#[derive(Debug, Clone, Copy)]
pub struct Used {
    pub wall: Duration,
    /// CPU time of the server.
    pub server: Duration,
    /// The part of the time in which the generator was busy: near 1 it was the limit.
    pub busy: f64,
}

impl Meter {
    pub fn new(pid: u32) -> Meter {
        Meter { pid }
    }

    /// Begins to measure.
    pub fn lap(&self) -> Result<Lap> {
        let (ticks, threads) = (self.ticks()?, self.threads()?);
        Ok(Lap { began: Instant::now(), own_cpu: own_cpu(), ticks, threads })
    }

    /// What was used since `lap`.
    ///
    /// The kernel counts a whole process in ticks of 10 ms, and each of its threads to the
    /// nanosecond, but only while it is there. So what the threads say holds, unless some
    /// have ended meanwhile.
    pub fn since(&self, lap: &Lap) -> Result<Used> {
        let wall = lap.began.elapsed();
        let own = own_cpu().saturating_sub(lap.own_cpu);
        let threads = self.threads()?.into_iter().map(|(thread, now)| {
            now.saturating_sub(lap.threads.get(&thread).copied().unwrap_or_default())
        });
        let ticks = self.ticks()?.saturating_sub(lap.ticks);
        let server = threads.sum::<Duration>().max(ticks.saturating_sub(TICKS_ERROR));
        Ok(Used { wall, server, busy: own.as_secs_f64() / wall.as_secs_f64() })
    }

    fn ticks(&self) -> Result<Duration> {
        let ticks =
            ticks_of(&self.read("stat")?).ok_or_eyre("/proc/PID/stat is not as expected")?;
        Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
    }

    fn threads(&self) -> Result<HashMap<String, Duration>> {
        let mut threads = HashMap::new();
        for thread in fs::read_dir(format!("/proc/{}/task", self.pid))? {
            let thread = thread?;
            // It may have ended since it was listed.
            let Ok(times) = fs::read_to_string(thread.path().join("schedstat")) else { continue };
            let ns = times.split(' ').next().and_then(|ns| ns.parse().ok());
            let ns = ns.ok_or_eyre("/proc/PID/task/TID/schedstat is not as expected")?;
            threads.insert(thread.file_name().to_string_lossy().into(), Duration::from_nanos(ns));
        }
        Ok(threads)
    }

    /// Resident memory, in KiB.
    pub fn resident_kib(&self) -> Result<u64> {
        resident_of(&self.read("status")?).ok_or_eyre("/proc/PID/status is not as expected")
    }

    fn read(&self, file: &str) -> Result<String> {
        let path = format!("/proc/{}/{file}", self.pid);
        fs::read_to_string(&path).wrap_err_with(|| format!("reading {path}: is the server there?"))
    }
}

fn own_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// User and system time. The name before them may have spaces and brackets in it.
fn ticks_of(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

fn resident_of(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_a_process_are_found_whatever_its_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 31 11 0 0 20 0 3 0 555 1 2";
        assert_eq!(ticks_of(stat), Some(42));
        assert_eq!(ticks_of("7"), None);
    }

    #[test]
    fn resident_memory_is_found() {
        assert_eq!(resident_of("Name:\tx\nVmRSS:\t  1234 kB\n"), Some(1234));
    }

    #[test]
    fn we_ourselves_use_something() {
        let meter = Meter::new(std::process::id());
        let lap = meter.lap().unwrap();
        assert!(meter.resident_kib().unwrap() > 100);
        assert!(meter.since(&lap).unwrap().wall > Duration::ZERO);
    }
}
