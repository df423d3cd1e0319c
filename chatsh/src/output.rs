//! What is printed on stdout: results, a line each, and nothing else.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use smol::Async;

use crate::exit::{Exit, Failure};

/// Writes a line to stdout.
///
/// # Errors
/// Nobody reads it any more, or it cannot be written.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{text}").map_err(unwritten)
}

/// Prints what clap has to say: help on stdout, an error on stderr.
///
/// # Errors
/// Help cannot be written; one who reads no further has read enough.
pub(crate) fn print_of_clap(said: &clap::Error) -> Result<Exit, Failure> {
    match said.print().map_err(unwritten) {
        _ if said.use_stderr() => Ok(Exit::Usage),
        Err(failure) if !failure.is_unread => Err(failure),
        _ => Ok(Exit::Done),
    }
}

fn unwritten(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::unread(),
        _ => Failure::new(Exit::Refused, format!("cannot write to stdout: {error}")),
    }
}

/// Ends when stdout is a pipe that nobody reads any more.
pub(crate) async fn closed() -> Failure {
    if let Some(pipe) = pipe()
        // The end that is written is not readable, but for the news that the other is gone.
        && pipe.readable().await.is_ok()
        && has_error(&pipe)
    {
        return Failure::unread();
    }
    std::future::pending().await
}

/// Stdout, if it is a pipe.
fn pipe() -> Option<Async<File>> {
    let stdout = File::from(io::stdout().as_fd().try_clone_to_owned().ok()?);
    let is_pipe = stdout.metadata().ok()?.file_type().is_fifo();
    // It is only waited for: whether it blocks is for those to say who share it.
    is_pipe.then(|| Async::new_nonblocking(stdout).ok()).flatten()
}

/// Is the other end gone? A pipe that was opened for both is readable without that.
fn has_error(pipe: &impl AsFd) -> bool {
    let mut asked = [PollFd::new(pipe, PollFlags::empty())];
    let told = poll(&mut asked, Some(&Timespec::default()));
    told.is_ok() && asked[0].revents().contains(PollFlags::ERR)
}
