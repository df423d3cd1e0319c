//! What the disk itself costs: the least that "it is kept" can take.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use color_eyre::eyre::{Result, WrapErr};

use crate::latency::Latency;
use crate::report::Report;

/// What one write is: a page, as a database appends it.
const PAGE: [u8; 4096] = [7; 4096];

/// Appends a page and waits for the disk, so many times, in a file that is gone then.
pub fn run(folder: &Path, writes: usize) -> Result<Report> {
    let path = folder.join("load-disk-probe");
    let outcome = probe(&path, writes);
    let _ = std::fs::remove_file(&path);
    let latency = outcome.wrap_err_with(|| format!("writing {}", path.display()))?;
    Ok(Report { latency_us: latency.percentiles(), ..Report::default() })
}

fn probe(path: &Path, writes: usize) -> std::io::Result<Latency> {
    let mut file = File::create(path)?;
    let mut latency = Latency::default();
    for _ in 0..writes {
        let began = Instant::now();
        file.write_all(&PAGE)?;
        file.sync_data()?;
        latency.add(began.elapsed());
    }
    Ok(latency)
}
