//! The language of IRC: lines.

use memchr::memchr;

use crate::tongue::Heard;

/// See [`Tongue::hear`](crate::tongue::Tongue::hear).
pub fn hear(bytes: &[u8]) -> Option<(Heard<'_>, usize)> {
    let end = memchr(b'\n', bytes)?;
    let line = &bytes[..end];
    Some((meaning(line.strip_suffix(b"\r").unwrap_or(line)), end + 1))
}

fn meaning(line: &[u8]) -> Heard<'_> {
    let (_, rest) = match line.strip_prefix(b":") {
        Some(rest) => word(rest),
        None => (&b""[..], line),
    };
    let (command, rest) = word(rest);
    match command {
        b"PRIVMSG" => {
            let (_, text) = word(rest);
            Heard::Said(text.strip_prefix(b":").unwrap_or(text))
        }
        b"PING" => Heard::Asked([b"PONG ", rest, b"\r\n"].concat()),
        b"001" => Heard::Welcome,
        // The end of the list of names: it comes last.
        b"366" => Heard::Entered,
        // There is no message of the day.
        b"422" => Heard::Other,
        b"ERROR" => Heard::Refused(line),
        [b'4' | b'5', _, _] => Heard::Refused(line),
        _ => Heard::Other,
    }
}

/// The first word, and what follows the space behind it.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    match memchr(b' ', text) {
        Some(space) => (&text[..space], &text[space + 1..]),
        None => (text, b""),
    }
}

/// Registers the connection.
pub fn register(name: &str) -> Vec<u8> {
    format!("NICK {name}\r\nUSER {name} 0 * :load\r\n").into_bytes()
}

/// Joins a channel.
pub fn join(room: usize) -> Vec<u8> {
    format!("JOIN #room{room}\r\n").into_bytes()
}

/// Says something in it.
pub fn say(room: usize, text: &str) -> Vec<u8> {
    format!("PRIVMSG #room{room} :{text}\r\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_heard_for_what_they_are() {
        for (line, heard) in [
            (&b":ann!~a@h PRIVMSG #room1 :hello all\r\n"[..], Heard::Said(b"hello all")),
            (b":irc.test 001 ann :Welcome\r\n", Heard::Welcome),
            (b":irc.test 366 ann #room1 :End\r\n", Heard::Entered),
            (b"PING :irc.test\r\n", Heard::Asked(b"PONG :irc.test\r\n".to_vec())),
            (b":irc.test 422 ann :No MOTD\r\n", Heard::Other),
            (b":bob!~b@h JOIN :#room1\r\n", Heard::Other),
        ] {
            assert_eq!(hear(line), Some((heard, line.len())));
        }
        let line = b"ERROR :Closing link\r\n";
        assert_eq!(hear(line), Some((Heard::Refused(b"ERROR :Closing link"), line.len())));
        assert_eq!(hear(b":irc.test 366 ann"), None);
    }
}
