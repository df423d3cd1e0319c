//! A frame in a line, for people to read.

use proto::Incoming;
use serde_json::Value;

/// The longest string that is shown whole, in characters.
const SHOWN_CHARS_MAX: usize = 60;

/// `enter ok "Welcome" username=ann room=attic #7`
pub(crate) fn frame(frame: &Incoming) -> String {
    let code = frame.code.as_deref().unwrap_or("ok");
    let mut line = format!("{} {code}", frame.kind);
    if let Some(message) = &frame.message {
        line += &format!(" {:?}", timeless(message));
    }
    for (key, value) in &frame.data {
        line += &format!(" {key}={}", shown(key, value));
    }
    if let Some(id) = &frame.id {
        line += &format!(" #{}", serde_json::to_string(id).expect("an id is JSON"));
    }
    line
}

fn shown(key: &str, value: &Value) -> String {
    match value {
        // Times differ from run to run, their form does not.
        Value::String(ts) if ["ts", "since", "until", "registered", "before"].contains(&key) => {
            let form: String =
                ts.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
            assert_eq!(form, "0000-00-00T00:00:00.000Z", "{ts}");
            "TS".into()
        }
        Value::String(token) if key == "token" => token.trim_end_matches('.').into(),
        Value::String(text) if text.chars().count() > SHOWN_CHARS_MAX => {
            let start: String = text.chars().take(8).collect();
            format!("{start:?}… ({} bytes)", text.len())
        }
        Value::String(text) if !text.is_empty() && text.chars().all(is_plain) => text.clone(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(|item| shown(key, item)).collect::<Vec<_>>().join(" "))
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| format!("{key}={}", shown(key, value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(" "))
        }
        other => other.to_string().chars().map(visible).collect(),
    }
}

/// The same without times, which differ from run to run.
fn timeless(message: &str) -> String {
    const FORM: &str = "0000-00-00T00:00:00Z";
    let digits = |word: &str| word.replace(|c: char| c.is_ascii_digit(), "0");
    let words = message.split(' ').map(|word| match digits(word).strip_prefix(FORM) {
        Some(rest) => format!("TIME{rest}"),
        None => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || "_-.!?:/".contains(c)
}

/// What could turn the line round in an editor is written as a number.
fn visible(c: char) -> String {
    match c.is_ascii() || c.is_alphanumeric() {
        true => c.to_string(),
        false => c.escape_unicode().to_string(),
    }
}
