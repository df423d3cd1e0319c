//! chatd with one command more.

use std::process::ExitCode;

use roll as _; // The one line: a crate that nobody names is dropped by the compiler.

fn main() -> ExitCode {
    chatd::main()
}
