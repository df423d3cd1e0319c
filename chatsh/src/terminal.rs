//! The terminal itself: how it takes keys while the shell lives, and how wide it is.

use std::io;

use rustix::termios::{
    InputModes, LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr,
};

/// Takes keys without showing them, until dropped; then it is as it was before.
///
/// The line editor and the question for a password do so only while they read. What is
/// typed before that, say while a reply is awaited, may be a password, too.
pub(crate) struct Quiet {
    before: Termios,
}

impl Quiet {
    /// Makes the terminal at stdin quiet.
    ///
    /// # Errors
    /// It is none, or is gone.
    pub(crate) fn begin() -> io::Result<Quiet> {
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        // Key by key, and the return key as it is: as the editor will read them.
        quiet.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::IEXTEN;
        quiet.input_modes -= InputModes::ICRNL;
        tcsetattr(io::stdin(), OptionalActions::Drain, &quiet)?;
        Ok(Quiet { before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // One that is gone needs nothing.
        let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &self.before);
    }
}

/// How many columns the terminal at stdout has; 0 if it does not say.
pub(crate) fn columns() -> usize {
    tcgetwinsize(io::stdout()).map_or(0, |size| size.ws_col.into())
}
