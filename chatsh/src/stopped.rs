//! The shell while it is stopped (Ctrl-Z, or begun in the background), and how it ends then.
//!
//! A signal to end lets a stopped process go on, in the background. There it is stopped again as
//! soon as it sets the terminal, before it has taken note of the signal: `kill %1` never ended it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;
use signal_hook::flag::register_conditional_shutdown;

use crate::exit::Exit;

/// Whether it is stopped, or about to be: then signals to end do so at once. The terminal is
/// another one's.
#[derive(Clone)]
pub(crate) struct Stopped(Arc<AtomicBool>);

impl Stopped {
    /// As if it was stopped already: what is begun in the background will be.
    ///
    /// # Errors
    /// The system does not let us hear of signals.
    pub(crate) fn begin() -> io::Result<Stopped> {
        let stopped = Arc::new(AtomicBool::new(true));
        for signal in [Signal::TERM, Signal::HUP] {
            let status = Exit::Interrupted as i32;
            register_conditional_shutdown(signal.as_raw(), status, Arc::clone(&stopped))?;
        }
        Ok(Stopped(stopped))
    }

    pub(crate) fn set(&self, is_stopped: bool) {
        self.0.store(is_stopped, Ordering::SeqCst);
    }
}
