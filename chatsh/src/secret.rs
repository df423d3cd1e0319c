//! Where the password comes from, and where the token is kept. Never from the command
//! line, which everybody on the machine can read.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proto::Token;
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure};
use crate::talk;
use crate::terminal::{Lent, Quiet};

/// Who may read a file of ours: its owner alone.
const FILE_MODE: u32 = 0o600;

/// Where a password comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// The first line of a file.
    File(PathBuf),
    /// The first line that a shell command prints.
    Command(String),
    /// The user, who types it without seeing it.
    Terminal,
}

impl Source {
    /// The password of `user`.
    ///
    /// It blocks: nothing else is to happen before it is here.
    ///
    /// # Errors
    /// [`Exit::Usage`] if there is none, [`Exit::Interrupted`] if the user would not.
    pub(crate) fn password(&self, user: &str) -> Result<Zeroizing<String>, Failure> {
        match self {
            Source::File(file) => {
                warn_if_open(file);
                let text =
                    fs::read_to_string(file).map(Zeroizing::new).map_err(unreadable(file))?;
                first_line(text, &file.display().to_string())
            }
            Source::Command(command) => output_of(command),
            Source::Terminal => ask(&format!("Password of {user}: ")),
        }
    }

    /// The password that `user` is to have. What is typed unseen is typed twice: who mistypes
    /// it once has an account that nobody can open.
    ///
    /// # Errors
    /// See [`Source::password`].
    pub(crate) fn new_password(&self, user: &str) -> Result<Zeroizing<String>, Failure> {
        let why = "these two are not the same";
        for number in 1..=TRIES {
            let password = self.password(user)?;
            if *self != Source::Terminal || ask("The same again: ")? == password {
                return Ok(password);
            }
            if number < TRIES {
                talk::say(why);
            }
        }
        Err(Failure::new(Exit::Usage, why))
    }
}

fn ask(question: &str) -> Result<Zeroizing<String>, Failure> {
    // Before it asks: some type as soon as they see the question.
    let _quiet = Quiet::begin();
    loop {
        let password = ask_once(question)?;
        if !password.is_empty() {
            return Ok(password);
        }
        talk::say("no password is empty; Ctrl-C gives up");
    }
}

fn ask_once(question: &str) -> Result<Zeroizing<String>, Failure> {
    rpassword::prompt_password(question).map(Zeroizing::new).map_err(|error| {
        if error.kind() == io::ErrorKind::Interrupted {
            return Failure::interrupted();
        }
        // The question stands there, without the end of its line.
        talk::report("");
        let why = match error.kind() {
            io::ErrorKind::UnexpectedEof => String::new(),
            _ => format!(": {error}"),
        };
        Failure::new(Exit::Usage, format!("no password was typed{why}"))
    })
}

/// How often a password is asked for on the terminal, as often as ssh does.
pub(crate) const TRIES: usize = 3;

/// How many bytes a command for a password may print: more than any that keeps notes beside it.
const OUTPUT_BYTES_MAX: u64 = 64 * 1024;

fn output_of(command: &str) -> Result<Zeroizing<String>, Failure> {
    let failed =
        |why: String| Failure::new(Exit::Usage, format!("the password command failed: {why}"));
    // It may ask for a password of its own.
    let _lent = Lent::begin();
    let mut child = Command::new("/bin/sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| failed(e.to_string()))?;
    // Of one size from the beginning: what it grows out of would not be zeroed.
    let mut bytes = Zeroizing::new(Vec::with_capacity(OUTPUT_BYTES_MAX as usize + 1));
    let read = child
        .stdout
        .take()
        .map_or(Ok(0), |stdout| stdout.take(OUTPUT_BYTES_MAX + 1).read_to_end(&mut bytes));
    let read = match read {
        Ok(len) if len as u64 > OUTPUT_BYTES_MAX => {
            Err(failed(format!("it prints more than {OUTPUT_BYTES_MAX} bytes")))
        }
        outcome => outcome.map_err(|e| failed(e.to_string())),
    };
    if read.is_err() {
        // It may go on for ever.
        let _ = child.kill();
    }
    let status = child.wait().map_err(|e| failed(e.to_string()))?;
    read?;
    if !status.success() {
        return Err(failed(status.to_string()));
    }
    let text = std::str::from_utf8(&bytes).map_err(|e| failed(e.to_string()))?;
    first_line(Zeroizing::new(text.to_owned()), "the password command")
}

fn first_line(text: Zeroizing<String>, source: &str) -> Result<Zeroizing<String>, Failure> {
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Zeroizing::new(line.to_owned())),
        _ => Err(Failure::new(Exit::Usage, format!("{source} gives no password"))),
    }
}

/// What a file for a token holds.
#[derive(Debug)]
pub(crate) enum Kept {
    /// A token.
    Token(Token),
    /// Nothing: it is empty, or there is none.
    Nothing,
    /// Something that is no token.
    Other,
}

/// The token in `file`.
///
/// # Errors
/// [`Exit::Usage`] if the file is there but cannot be read.
pub(crate) fn token(file: &Path) -> Result<Kept, Failure> {
    let bytes = match fs::read(file) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::Nothing),
        Err(error) => return Err(unreadable(file)(error)),
    };
    warn_if_open(file);
    let text = bytes.trim_ascii();
    if text.is_empty() {
        return Ok(Kept::Nothing);
    }
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let text = std::str::from_utf8(text).ok().filter(|text| text.as_bytes().iter().all(is_digit));
    let token = text.and_then(|text| Token::new(Zeroizing::new(text.to_owned())).ok());
    Ok(token.map_or(Kept::Other, Kept::Token))
}

/// Keeps `token` in `file` for the next time.
///
/// # Errors
/// [`Exit::Usage`] if the file cannot be written.
pub(crate) fn keep_token(file: &Path, token: &str) -> Result<(), Failure> {
    let write = || -> io::Result<()> {
        let mut options = fs::OpenOptions::new();
        let mut opened =
            options.write(true).create(true).truncate(true).mode(FILE_MODE).open(file)?;
        // A file that was there keeps its mode, so it is closed before anything is in it.
        opened.set_permissions(fs::Permissions::from_mode(FILE_MODE))?;
        writeln!(opened, "{token}")
    };
    write().map_err(|e| Failure::new(Exit::Usage, format!("cannot write {}: {e}", file.display())))
}

fn warn_if_open(file: &Path) {
    let is_open = |metadata: fs::Metadata| metadata.permissions().mode() & 0o077 != 0;
    if fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && is_open(metadata)) {
        talk::say(&format!("others may read {0}: do `chmod 600 {0}`", file.display()));
    }
}

fn unreadable(file: &Path) -> impl Fn(io::Error) -> Failure + '_ {
    move |error| Failure::new(Exit::Usage, format!("cannot read {}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_first_line() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("password");
        let read = |text: &str| {
            fs::write(&file, text).unwrap();
            Source::File(file.clone()).password("ann").map(|password| password.to_string())
        };
        assert_eq!(read("1234").unwrap(), "1234");
        assert_eq!(read("1234\r\n").unwrap(), "1234");
        assert_eq!(read(" 12 34 \nmore\n").unwrap(), " 12 34 ");
        assert_eq!(read("").unwrap_err().exit, Exit::Usage);
        assert_eq!(read("\n1234").unwrap_err().exit, Exit::Usage);
        fs::remove_file(&file).unwrap();
        assert_eq!(Source::File(file).password("ann").unwrap_err().exit, Exit::Usage);
    }

    #[test]
    fn a_command_gives_what_it_prints_if_it_succeeds() {
        let run = |command: &str| Source::Command(command.into()).password("ann");
        assert_eq!(*run("printf '1234\\nmore'").unwrap(), "1234");
        assert_eq!(
            run("echo 1234; exit 3").unwrap_err().message,
            "the password command failed: exit status: 3"
        );
        assert_eq!(run("true").unwrap_err().message, "the password command gives no password");
    }

    #[test]
    fn a_token_is_kept_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        assert!(matches!(token(&file).unwrap(), Kept::Nothing));
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(token(&file).unwrap(), Kept::Nothing));
        let whole = "mFtm-_OTPX1bxDOlCUv6Ks3KYvXPcsfkDTCFexk4-u8";
        keep_token(&file, whole).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, FILE_MODE);
        assert!(matches!(token(&file).unwrap(), Kept::Token(token) if token.expose() == whole));
        let (half, marked) = (whole.as_bytes()[..20].to_vec(), whole.replace('-', "+"));
        for other in [half, marked.into(), b"\xff".repeat(43)] {
            fs::write(&file, &other).unwrap();
            assert!(matches!(token(&file).unwrap(), Kept::Other), "{other:?}");
        }
    }
}
