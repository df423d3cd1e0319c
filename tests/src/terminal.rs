//! A program in a real pseudo-terminal, with a model of the screen that a person
//! would see.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::server::send_signal;
use crate::{Home, PATIENCE, Server, eventually, program};

/// A terminal with a program in it. Dropped, the program is killed.
pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    screen: Arc<(Mutex<Seen>, Condvar)>,
    modes_before: String,
    _home: Home,
}

struct Seen {
    parser: vt100::Parser,
    /// All bytes that came, for what the screen does not keep.
    bytes: Vec<u8>,
    has_ended: bool,
}

impl Seen {
    /// What a terminal would show that is so high that nothing leaves it.
    fn lines(&self) -> String {
        const ROWS: u16 = 1_000;
        let cols = self.parser.screen().size().1;
        let mut tall = vt100::Parser::new(cells(ROWS), cols, 0);
        tall.process(&self.bytes);
        tall.screen().contents()
    }
}

impl Terminal {
    /// chatsh on a terminal of this size, in a home of its own, with these arguments.
    pub fn chatsh(server: &Server, rows: u16, cols: u16, arguments: &[&str]) -> Terminal {
        let address = server.address.to_string();
        let knowing = ["--pin", &server.fingerprint, &address];
        Terminal::in_home(Home::new(), rows, cols, &[arguments, &knowing].concat(), &[])
    }

    /// The same in a home that may have files already, knowing no server, with these
    /// variables.
    pub fn in_home(
        home: Home,
        rows: u16,
        cols: u16,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Terminal {
        let mut command = CommandBuilder::new(program("chatsh"));
        command.args(arguments);
        Terminal::of(command, home, rows, cols, environment)
    }

    /// A shell of the system with job control, in which chatsh can be put aside.
    pub fn bash(home: Home, rows: u16, cols: u16) -> Terminal {
        let mut command = CommandBuilder::new("bash");
        command.args(["--norc", "--noprofile", "-i"]);
        Terminal::of(command, home, rows, cols, &[("PS1", "bash$ ")])
    }

    fn of(
        mut command: CommandBuilder,
        home: Home,
        rows: u16,
        cols: u16,
        environment: &[(&str, &str)],
    ) -> Terminal {
        command.env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", home.folder());
        command.env("TERM", "xterm-256color");
        // The model of the screen cuts rows when it becomes narrower, as xterm does.
        command.env("XTERM_VERSION", "a model");
        environment.iter().for_each(|(name, value)| command.env(name, value));
        command.cwd(home.folder());
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let modes_before = modes(&*pair.master);
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let parser = vt100::Parser::new(cells(rows), cells(cols), 1000);
        let seen = Seen { parser, bytes: vec![], has_ended: false };
        let screen = Arc::new((Mutex::new(seen), Condvar::new()));
        let mut output = pair.master.try_clone_reader().unwrap();
        let model = screen.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            loop {
                let read = output.read(&mut bytes).unwrap_or(0);
                let mut seen = model.0.lock().unwrap();
                seen.parser.process(&bytes[..read]);
                seen.bytes.extend_from_slice(&bytes[..read]);
                seen.has_ended = read == 0;
                model.1.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Terminal { child, master: pair.master, keys, screen, modes_before, _home: home }
    }

    /// Types, as a person does. `\r` is the return key.
    pub fn type_keys(&mut self, keys: &str) {
        self.type_bytes(keys.as_bytes());
    }

    /// Types what may be no text.
    pub fn type_bytes(&mut self, bytes: &[u8]) {
        self.keys.write_all(bytes).unwrap();
        self.keys.flush().unwrap();
    }

    /// Pastes, as a terminal does: marked, if the program wants that.
    pub fn paste(&mut self, text: &str) {
        let (begin, end) = match self.look(vt100::Screen::bracketed_paste) {
            true => ("\u{1b}[200~", "\u{1b}[201~"),
            false => ("", ""),
        };
        self.type_keys(&format!("{begin}{text}{end}"));
    }

    /// Types a line and the return key, and waits until this text was shown once more.
    pub fn type_line(&mut self, line: &str, shown: &str) {
        let count = |seen: &Seen| seen.lines().matches(shown).count();
        let before = count(&self.screen.0.lock().unwrap());
        self.type_keys(&format!("{line}\r"));
        self.wait_until(shown, |seen| count(seen) > before);
    }

    /// Waits until the screen is as `is_right` wants it, and gives it.
    pub fn wait_for(&self, what: &str, is_right: impl Fn(&str) -> bool) -> String {
        self.wait_until(what, |seen| is_right(&seen.parser.screen().contents()))
    }

    /// Waits until the line where the cursor is, up to the cursor, is as `is_right` wants
    /// it, and gives the screen.
    pub fn wait_for_line(&self, what: &str, is_right: impl Fn(&str) -> bool) -> String {
        self.wait_until(what, |seen| is_right(&line_up_to_cursor(seen.parser.screen())))
    }

    /// Waits until the terminal is in the mode that the editor leaves when it has a line:
    /// from then on the interrupt key sends a signal.
    pub fn wait_for_editor_to_rest(&self) {
        eventually("the end of a line", || self.has_mode("ISIG"));
    }

    /// Waits until the terminal is in the mode in which a password is read, once its question is
    /// there: before that the interrupt key sends a signal.
    pub fn wait_for_password_to_be_read(&self) {
        eventually("the reading of a password", || !self.has_mode("ISIG"));
    }

    fn wait_until(&self, what: &str, is_right: impl Fn(&Seen) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = self.screen.0.lock().unwrap();
        loop {
            let text = seen.parser.screen().contents();
            if is_right(&seen) {
                return text;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || seen.has_ended {
                drop(seen);
                panic!("never saw {what} on this screen:\n{text}");
            }
            seen = self.screen.1.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// Waits until this text stands somewhere on the screen, and gives the screen.
    pub fn wait_for_text(&self, text: &str) -> String {
        self.wait_for(text, |screen| screen.contains(text))
    }

    /// The line where the cursor is, up to the cursor.
    pub fn line_being_typed(&self) -> String {
        self.look(line_up_to_cursor)
    }

    /// What `read` sees on the screen, colours and all.
    pub fn look<T>(&self, read: impl FnOnce(&vt100::Screen) -> T) -> T {
        read(self.screen.0.lock().unwrap().parser.screen())
    }

    /// All lines that were shown, also those that have left the screen.
    pub fn lines(&self) -> String {
        self.screen.0.lock().unwrap().lines()
    }

    /// All bytes that the program has written.
    pub fn bytes(&self) -> Vec<u8> {
        self.screen.0.lock().unwrap().bytes.clone()
    }

    /// Makes the terminal larger or smaller.
    pub fn resize(&self, rows: u16, cols: u16) {
        let mut seen = self.screen.0.lock().unwrap();
        seen.parser.screen_mut().set_size(cells(rows), cells(cols));
        self.master.resize(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).unwrap();
    }

    /// Is the terminal set as it was before the program: does it echo, what does it do
    /// with lines?
    pub fn is_set_as_before(&self) -> bool {
        modes(&*self.master) == self.modes_before
    }

    /// Does the terminal show what is typed, or keep it until the line is whole?
    pub fn is_cooked(&self) -> bool {
        self.has_mode("ECHO") || self.has_mode("ICANON")
    }

    fn has_mode(&self, name: &str) -> bool {
        let modes = modes(&*self.master);
        modes.split(|c: char| !c.is_ascii_alphanumeric()).any(|mode| mode == name)
    }

    /// Sends the program a signal, by the names of [`Server::signal`].
    pub fn signal(&self, name: &str) {
        send_signal(self.child.process_id().unwrap(), name);
    }

    /// Waits for the program's end; its exit code.
    pub fn wait(&mut self) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = self.screen.0.lock().unwrap();
        while !seen.has_ended {
            let left = deadline.saturating_duration_since(Instant::now());
            let text = seen.parser.screen().contents();
            if left.is_zero() {
                drop(seen);
                panic!("it did not end with this screen:\n{text}");
            }
            seen = self.screen.1.wait_timeout(seen, left).unwrap().0;
        }
        self.child.wait().unwrap().exit_code()
    }
}

fn line_up_to_cursor(screen: &vt100::Screen) -> String {
    let (row, col) = screen.cursor_position();
    screen.contents_between(row, 0, row, col)
}

fn modes(terminal: &dyn MasterPty) -> String {
    format!("{:?}", terminal.get_termios().unwrap())
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal has cells")
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
