//! How the program ends: the exit codes are frozen.

use std::process::ExitCode;

use color_eyre::eyre::Report;

/// Exit codes, those of sysexits.h where one fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or stopped on request.
    Ok = 0,
    /// An administrator's sub-command was refused.
    Refused = 1,
    /// Usage or configuration.
    Usage = 2,
    /// The data is damaged, or from a newer chatd.
    Damaged = 65,
    /// It cannot listen.
    Unavailable = 69,
    /// A defect.
    Defect = 70,
    /// The data cannot be made, or another process has it.
    CannotMake = 73,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why the program ends early.
#[derive(Debug)]
pub struct Failure {
    /// With which code.
    pub exit: Exit,
    /// What is said: what was wrong, where, and what to do.
    pub report: Report,
}

impl Failure {
    /// Ends with this code and report.
    pub fn new(exit: Exit, report: Report) -> Failure {
        Failure { exit, report }
    }
}
