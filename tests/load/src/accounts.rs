//! Those who connect: in chatd they need accounts, and a token each.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use color_eyre::eyre::{OptionExt, Result, WrapErr, bail, ensure};
use serde_json::Value;

use crate::chat;
use crate::crowd::Crowd;
use crate::target::Tls;
use crate::tongue::{Heard, Person, Tongue};

/// Sign-ups under way: chatd lets 32 wait for their passwords.
const WINDOW: usize = 24;

/// How long one may take before we give up.
const PATIENCE: Duration = Duration::from_secs(60);

/// So many people. In chatd those in `file` come first; the others get an account and a
/// token, and are added to it.
pub fn people(tls: &Tls, count: usize, file: Option<&Path>) -> Result<Vec<Person>> {
    let name = |number: usize| format!("u{number:06}");
    if tls.target.tongue == Tongue::Irc {
        let nobody = |number| Person { name: name(number), token: String::new() };
        return Ok((0..count).map(nobody).collect());
    }
    let mut people = file.map_or(Ok(Vec::new()), read)?;
    if people.len() < count {
        let missing: Vec<String> = (people.len()..count).map(name).collect();
        people.extend(sign_up(tls, &missing)?);
        file.map_or(Ok(()), |file| write(file, &people))?;
    }
    people.truncate(count);
    Ok(people)
}

fn read(file: &Path) -> Result<Vec<Person>> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(file).wrap_err_with(|| format!("reading {}", file.display()))?;
    let person = |line: &str| {
        let (name, token) = line.split_once(' ').ok_or_eyre("a line is no name and token")?;
        Ok(Person { name: name.to_owned(), token: token.to_owned() })
    };
    text.lines().map(person).collect()
}

fn write(file: &Path, people: &[Person]) -> Result<()> {
    let lines: Vec<String> = people.iter().map(|p| format!("{} {}\n", p.name, p.token)).collect();
    fs::write(file, lines.concat()).wrap_err_with(|| format!("writing {}", file.display()))
}

fn sign_up(tls: &Tls, names: &[String]) -> Result<Vec<Person>> {
    let mut crowd = Crowd::new(tls, names.len())?;
    let mut tokens: Vec<Option<String>> = vec![None; names.len()];
    let (mut begun, mut done, mut progress) = (0, 0, Instant::now());
    while done < names.len() {
        while begun < names.len() && begun - done < WINDOW {
            crowd.connect(begun)?;
            crowd.say(begun, &chat::sign_up(&names[begun]))?;
            crowd.flush(begun)?;
            begun += 1;
        }
        let mut ready = Vec::new();
        let mut trouble = None;
        crowd.turn(Duration::from_millis(100), |who, heard, _| match heard {
            Heard::Reply(body) => {
                let reply: Value = serde_json::from_slice(body).unwrap_or_default();
                if let Some(token) = reply["data"]["token"].as_str() {
                    tokens[who] = Some(token.to_owned());
                    ready.push(who);
                }
            }
            Heard::Refused(body) if !is_taken(body) => {
                trouble = Some(String::from_utf8_lossy(body).into_owned());
            }
            Heard::Ended => trouble = Some("the server ended the connection".into()),
            _ => {}
        })?;
        if let Some(trouble) = trouble {
            bail!("an account cannot be made: {trouble}");
        }
        for who in ready {
            // Cut off, its token stays good; a logout would end it.
            crowd.cut(who);
            (done, progress) = (done + 1, Instant::now());
        }
        ensure!(progress.elapsed() < PATIENCE, "no account was made for a long time");
    }
    let people = names.iter().zip(tokens);
    let person = |(name, token): (&String, Option<String>)| {
        Some(Person { name: name.clone(), token: token? })
    };
    people.map(person).collect::<Option<_>>().ok_or_eyre("somebody has no token")
}

/// Makes so many accounts, some at a time: only for the size of the database.
pub fn register(tls: &Tls, count: usize) -> Result<()> {
    let mut crowd = Crowd::new(tls, WINDOW)?;
    for who in 0..WINDOW {
        crowd.connect(who)?;
    }
    let (mut begun, mut done, mut progress) = (0, 0, Instant::now());
    let mut free: Vec<usize> = (0..WINDOW).collect();
    while done < count {
        for who in free.drain(..) {
            if begun == count {
                break;
            }
            crowd.say(who, &chat::register(&format!("nobody{begun}")))?;
            crowd.flush(who)?;
            begun += 1;
        }
        crowd.turn(Duration::from_millis(100), |who, heard, _| match heard {
            Heard::Reply(_) | Heard::Refused(_) => free.push(who),
            _ => {}
        })?;
        if !free.is_empty() {
            (done, progress) = (done + free.len(), Instant::now());
        }
        ensure!(progress.elapsed() < PATIENCE, "no account was made for a long time");
    }
    Ok(())
}

/// The account is there, from an earlier run with the same password.
fn is_taken(refusal: &[u8]) -> bool {
    memchr::memmem::find(refusal, b"name_taken").is_some()
}
