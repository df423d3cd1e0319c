//! The program chatd.

use std::process::ExitCode;

fn main() -> ExitCode {
    chatd::main()
}
