//! The terminal itself: how it takes keys while the shell lives, and how wide it is.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_signal::{Signal, Signals};
use futures_lite::StreamExt;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{read, retry_on_intr};
use rustix::process::getpgrp;
use rustix::termios::{
    ControlModes, InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr,
    tcgetpgrp, tcgetwinsize, tcsetattr,
};
use smol::Task;

use crate::stopped::Stopped;

/// Marks pastes, so that the return keys in them do not end the line; and no more.
const PASTES_MARKED: &str = "\x1b[?2004h";
const PASTES_UNMARKED: &str = "\x1b[?2004l";

/// Takes keys without showing them, until dropped; then it is as it was before.
///
/// The line editor and the question for a password do so only while they read. What is
/// typed before that, say while a reply is awaited, may be a password, too.
pub(crate) struct Quiet {
    terminal: OwnedFd,
    before: Termios,
    during: Termios,
    /// Is it the terminal of the shell? Then pastes are marked meanwhile.
    is_shell: bool,
}

impl Quiet {
    /// Makes the terminal of this process quiet, whatever stdin is.
    ///
    /// # Errors
    /// There is none, or it is gone.
    pub(crate) fn begin() -> io::Result<Quiet> {
        Quiet::with(own()?.into(), false)
    }

    /// The same with the terminal at stdin, and the interrupt key takes away what is waited for, but not what was typed
    /// meanwhile. Not for passwords: half of one would be left for the program behind us.
    ///
    /// # Errors
    /// See [`Quiet::begin`].
    pub(crate) fn begin_shell() -> io::Result<Quiet> {
        Quiet::with(io::stdin().as_fd().try_clone_to_owned()?, true)
    }

    fn with(terminal: OwnedFd, is_shell: bool) -> io::Result<Quiet> {
        let before = tcgetattr(&terminal)?;
        let mut during = before.clone();
        // Key by key, and the return key as it is: as the editor will read them.
        during.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::IEXTEN;
        if is_shell {
            during.local_modes |= LocalModes::NOFLSH;
        }
        during.input_modes -= InputModes::ICRNL;
        tcsetattr(&terminal, OptionalActions::Drain, &during)?;
        if is_shell {
            say(PASTES_MARKED);
        }
        Ok(Quiet { terminal, before, during, is_shell })
    }
}

/// Lets a program that we run between two lines of the shell ask on the terminal as it is used
/// to, until dropped.
pub(crate) struct Lent {
    terminal: File,
    quiet: Termios,
}

impl Lent {
    /// Nothing, if the terminal is as any program is used to, or if a line is being typed there.
    pub(crate) fn begin() -> Option<Lent> {
        let terminal = own().ok()?;
        let quiet = tcgetattr(&terminal).ok()?;
        let is_quiet = !quiet.local_modes.contains(LocalModes::ICANON);
        // The editor takes the interrupt key itself.
        let is_read = !quiet.local_modes.contains(LocalModes::ISIG);
        if !is_quiet || is_read {
            return None;
        }
        let mut usual = quiet.clone();
        usual.local_modes |= LocalModes::ECHO | LocalModes::ICANON | LocalModes::IEXTEN;
        usual.input_modes |= InputModes::ICRNL;
        tcsetattr(&terminal, OptionalActions::Drain, &usual).ok()?;
        Some(Lent { terminal, quiet })
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // One that is gone needs nothing.
        let _ = tcsetattr(&self.terminal, OptionalActions::Drain, &self.quiet);
    }
}

/// What the line editor does with the terminal, and what has to be done when the process was
/// stopped: other programs have set it meanwhile.
///
/// Rustyline sets it again as soon as it has sent the stop signal, on Ctrl-Z. That is too early
/// whenever the signal takes its time; only the one that wakes us tells when to do it.
#[derive(Clone)]
pub(crate) struct Reading {
    modes: Arc<Modes>,
}

struct Modes {
    quiet: Termios,
    /// As rustyline sets them while it reads.
    raw: Termios,
    is_reading: Mutex<bool>,
    stopped: Stopped,
}

impl Reading {
    /// Keeps the terminal at stdin, which is quiet now, as it has to be, as long as the task
    /// lives; `redraw` draws the line again.
    ///
    /// # Errors
    /// The system does not let us hear of signals.
    pub(crate) fn begin(
        quiet: &Quiet,
        stopped: Stopped,
        redraw: impl Fn() + Send + 'static,
    ) -> io::Result<(Reading, Task<()>)> {
        let mut woken = Signals::new([Signal::Cont])?;
        let modes = Modes {
            quiet: quiet.during.clone(),
            raw: raw(&quiet.during),
            is_reading: Mutex::new(false),
            stopped,
        };
        let reading = Reading { modes: Arc::new(modes) };
        let keeping = reading.clone();
        let keeper = smol::spawn(async move {
            while let Some(Ok(_)) = woken.next().await {
                if keeping.go_on() {
                    redraw();
                }
            }
        });
        Ok((reading, keeper))
    }

    /// The editor reads from now on, or does not any more.
    pub(crate) fn set(&self, is_reading: bool) {
        let mut now = self.is_reading();
        *now = is_reading;
        // If we were woken in the moment before, the modes were those of the time before.
        set(&self.modes.quiet);
        if !is_reading {
            // What is pasted before the next line is read is a paste as well.
            say(PASTES_MARKED);
        }
    }

    /// We were stopped and are woken; is a line being read?
    fn go_on(&self) -> bool {
        let is_reading = self.is_reading();
        set(if *is_reading { &self.modes.raw } else { &self.modes.quiet });
        say(PASTES_MARKED);
        self.modes.stopped.set(false);
        *is_reading
    }

    fn is_reading(&self) -> MutexGuard<'_, bool> {
        self.modes.is_reading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As rustyline sets the terminal that is set like `quiet`.
fn raw(quiet: &Termios) -> Termios {
    let mut raw = quiet.clone();
    raw.input_modes -= InputModes::BRKINT
        | InputModes::ICRNL
        | InputModes::INPCK
        | InputModes::ISTRIP
        | InputModes::IXON;
    raw.control_modes |= ControlModes::CS8;
    raw.local_modes -= LocalModes::ISIG;
    raw.special_codes[SpecialCodeIndex::VMIN] = 1;
    raw.special_codes[SpecialCodeIndex::VTIME] = 0;
    raw
}

/// Tells the terminal at stdout.
fn say(sequence: &str) {
    let mut stdout = io::stdout();
    let _ = stdout.write_all(sequence.as_bytes()).and_then(|()| stdout.flush());
}

/// Sets the terminal; one that is gone needs nothing.
fn set(modes: &Termios) {
    let _ = tcsetattr(io::stdin(), OptionalActions::Drain, modes);
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if self.is_shell {
            say(PASTES_UNMARKED);
        }
        // One that is gone needs nothing.
        let _ = tcsetattr(&self.terminal, OptionalActions::Drain, &self.before);
    }
}

/// What ends a paste.
const PASTE_END: &[u8] = b"\x1b[201~";

/// How long nothing must come, so that what was typed in one piece is over.
const KEYS_GAP: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// The same of a paste, which may come over a slow line. Its end may have come before.
const PASTE_GAP: Timespec = Timespec { tv_sec: 0, tv_nsec: 400_000_000 };

/// Takes what is typed until there is a pause, or the end of what is pasted, and keeps nothing.
pub(crate) fn drop_input(is_paste: bool) {
    let stdin = io::stdin();
    let gap = if is_paste { PASTE_GAP } else { KEYS_GAP };
    // The end may come in two pieces.
    let mut seen = Vec::new();
    let mut bytes = [0; 4096];
    loop {
        match retry_on_intr(|| poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&gap))) {
            Ok(ready) if ready > 0 => {}
            _ => return,
        }
        match retry_on_intr(|| read(&stdin, &mut bytes)) {
            Ok(len) if len > 0 => seen.extend_from_slice(&bytes[..len]),
            // It is gone, or hung up.
            _ => return,
        }
        if is_paste && seen.windows(PASTE_END.len()).any(|piece| piece == PASTE_END) {
            return;
        }
        seen.drain(..seen.len().saturating_sub(PASTE_END.len()));
    }
}

/// The terminal of this process, whatever stdin is.
fn own() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open("/dev/tty")
}

/// Is there a terminal of this process, and may it ask there? One in the background may not.
pub(crate) fn can_ask() -> bool {
    own().is_ok_and(|terminal| tcgetpgrp(&terminal).is_ok_and(|group| group == getpgrp()))
}

/// Terminals that the line editor can do nothing with; these are rustyline's names for them.
const DUMB: [&str; 3] = ["dumb", "cons25", "emacs"];

/// Can the terminal do nothing but take and show one line after the other?
pub(crate) fn is_dumb() -> bool {
    let is = |term: &str| DUMB.iter().any(|dumb| dumb.eq_ignore_ascii_case(term));
    std::env::var("TERM").is_ok_and(|term| is(&term))
}

/// Does the terminal put together and cut the rows of a long line anew when its width changes?
///
/// Nothing tells. Most do; these are known not to, and say who they are.
pub(crate) fn wraps_anew() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let term = std::env::var("TERM").unwrap_or_default();
    let is_old = is_set("XTERM_VERSION")
        || is_set("STY")
        || ["linux", "screen", "st-", "vt"].iter().any(|old| term.starts_with(old));
    is_set("TMUX") || !is_old
}

/// How many columns the terminal at stdout has; 0 if it does not say.
pub(crate) fn columns() -> usize {
    size().0
}

/// How many columns and rows the terminal at stdout has; 0 if it does not say.
pub(crate) fn size() -> (usize, usize) {
    tcgetwinsize(io::stdout()).map_or((0, 0), |size| (size.ws_col.into(), size.ws_row.into()))
}
