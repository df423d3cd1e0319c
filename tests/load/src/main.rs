//! The load generator: see `load --help`.

use clap::Parser;
use load::Options;

fn main() -> color_eyre::Result<()> {
    color_eyre::install()?;
    load::run(Options::parse())
}
