//! The program `chatsh`; all of it is in the library, where documents and tests reach it.

use std::process::ExitCode;

fn main() -> color_eyre::Result<ExitCode> {
    color_eyre::install()?;
    Ok(chatsh::main())
}
