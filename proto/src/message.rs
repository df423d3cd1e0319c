//! The envelope: what stands around the data of every request, reply and push.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

use crate::{Code, strict};

/// The longest `id` that is a string, in characters.
///
/// It is echoed and kept while the request is under way, so it must be small.
pub const ID_CHARS_MAX: usize = 64;

/// The largest `id` that is a number: what every JSON reader keeps exactly.
pub(crate) const ID_NUMBER_MAX: i64 = (1 << 53) - 1;

/// What a client calls a request, given back on its reply.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Id {
    /// A whole number of at most 53 bits.
    Number(i64),
    /// Up to [`ID_CHARS_MAX`] characters.
    Text(Box<str>),
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Id::Number(number) => out.serialize_i64(*number),
            Id::Text(text) => out.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(IdVisitor)
    }
}

struct IdVisitor;

impl Visitor<'_> for IdVisitor {
    type Value = Id;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a string of up to {ID_CHARS_MAX} characters or a whole number of up to 53 bits")
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Id, E> {
        if number.unsigned_abs() > ID_NUMBER_MAX as u64 {
            return Err(E::invalid_value(de::Unexpected::Signed(number), &self));
        }
        Ok(Id::Number(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Id, E> {
        match i64::try_from(number) {
            Ok(number) => self.visit_i64(number),
            Err(_) => Err(E::invalid_value(de::Unexpected::Unsigned(number), &self)),
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Id, E> {
        if text.chars().count() > ID_CHARS_MAX {
            return Err(E::invalid_length(text.chars().count(), &self));
        }
        Ok(Id::Text(text.into()))
    }
}

impl JsonSchema for Id {
    fn schema_name() -> Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string", "maxLength": ID_CHARS_MAX },
                { "type": "integer", "minimum": -ID_NUMBER_MAX, "maximum": ID_NUMBER_MAX }
            ]
        })
    }
}

/// A request, borrowed from the body of its frame.
#[derive(Debug)]
pub struct Request<'a> {
    /// The command's name.
    pub kind: Cow<'a, str>,
    /// What the client calls it.
    pub id: Option<Id>,
    /// An object; absent when the request had none, or null.
    pub data: Option<&'a RawValue>,
}

/// Why a body is no request.
#[derive(Debug)]
pub enum Malformed {
    /// Not one JSON object with a string `type`.
    Frame(String),
    /// The envelope can be read, but a part of it cannot be.
    Request {
        /// The command's name.
        kind: String,
        /// The request's `id`, if that is not what is wrong.
        id: Option<Id>,
        /// What the peer is told.
        refusal: Box<Refusal>,
    },
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

impl<'a> Request<'a> {
    /// Reads the body of a frame.
    ///
    /// # Errors
    /// [`Malformed::Frame`] if it is not one strict JSON object with a string
    /// `type`, [`Malformed::Request`] for a bad `id` or a `data` that is no object.
    pub fn parse(body: &'a [u8]) -> Result<Request<'a>, Malformed> {
        let no_frame = |e: serde_json::Error| Malformed::Frame(e.to_string());
        strict::check(body).map_err(no_frame)?;
        let envelope: Envelope<'a> = serde_json::from_slice(body).map_err(no_frame)?;
        let Some(kind) = envelope.kind else {
            return Err(Malformed::Frame("no type".into()));
        };
        let Ok(Name(kind)) = serde_json::from_str(kind.get()) else {
            return Err(Malformed::Frame("the type is no string".into()));
        };
        let mut request = Request { kind, id: None, data: envelope.data };
        if let Some(id) = envelope.id {
            match serde_json::from_str(id.get()) {
                Ok(id) => request.id = Some(id),
                Err(e) => return Err(request.malformed("id", &reason(&e))),
            }
        }
        if request.data.is_some_and(|data| !data.get().starts_with('{')) {
            return Err(request.malformed("data", "data is no object"));
        }
        Ok(request)
    }

    /// The request's data as the type that the command wants.
    ///
    /// # Errors
    /// [`Code::BadRequest`] that names the first field that is missing, unknown or
    /// wrong.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let data = self.data.map_or("{}", RawValue::get);
        serde_json::from_str(data).map_err(|_| {
            // Read again for the path, which costs too much to keep track of each time.
            let json = &mut serde_json::Deserializer::from_str(data);
            match serde_path_to_error::deserialize::<_, T>(json) {
                Ok(_) => Refusal::new(Code::BadRequest, "data cannot be read"),
                Err(error) => bad_data(&error),
            }
        })
    }

    fn malformed(self, field: &str, why: &str) -> Malformed {
        Malformed::Request {
            kind: self.kind.into_owned(),
            id: self.id,
            refusal: Box::new(Refusal::bad_field(field, why)),
        }
    }
}

/// A string, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

fn bad_data(error: &serde_path_to_error::Error<serde_json::Error>) -> Refusal {
    let why = reason(error.inner());
    // A missing field has no path; serde says its name in words only.
    let missing = why.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
    match (missing, error.path().iter().next()) {
        (Some(field), _) => Refusal::new(Code::BadRequest, why.clone()).with("field", field),
        (None, Some(Segment::Map { key })) if why.contains(&format!("field `{key}`")) => {
            Refusal::new(Code::BadRequest, why).with("field", key.as_str())
        }
        (None, Some(Segment::Map { key })) => Refusal::bad_field(key, &why),
        _ => Refusal::new(Code::BadRequest, why),
    }
}

/// What serde_json says, without the place: it is that of a part, and misleads.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rfind(" at line ").map_or(&*text, |end| &text[..end]);
    number_in_words(text).or_else(|| choice_in_words(text)).unwrap_or(text.to_owned())
}

/// What serde says of a number that is too small or too large, for people.
fn number_in_words(why: &str) -> Option<String> {
    let why = why.strip_prefix("invalid value: integer `")?;
    let (number, wanted) = why.split_once("`, expected ")?;
    let last = match wanted {
        "u32" => u32::MAX.into(),
        "u64" => u64::MAX,
        _ => return None,
    };
    Some(format!("it is a whole number from 0 to {last}, not {number}"))
}

/// What serde says of a word that is none of a few, for people.
fn choice_in_words(why: &str) -> Option<String> {
    let (word, wanted) = why.strip_prefix("unknown variant `")?.split_once("`, expected ")?;
    let wanted = wanted.strip_prefix("one of ").unwrap_or(wanted).replace('`', "");
    Some(format!("it is {wanted}, not {word}"))
}

/// What a peer is told when its request is refused.
///
/// It never carries SQL, a path, or whether a user exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// For programs.
    pub code: Code,
    /// For people: what was wrong and what to do.
    pub message: Cow<'static, str>,
    /// Details for programs, as the code's description says.
    pub data: Option<Map<String, Value>>,
}

impl Refusal {
    /// A refusal without details.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal { code, message: message.into(), data: None }
    }

    /// The same with one more detail.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Refusal {
        self.data.get_or_insert_default().insert(key.into(), value.into());
        self
    }

    /// [`Code::BadRequest`] for one field.
    pub fn bad_field(field: &str, why: &str) -> Refusal {
        Refusal::new(Code::BadRequest, format!("{field}: {why}")).with("field", field)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

/// How a request went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It was done.
    Ok,
    /// It was refused; `code` says why.
    Error,
}

/// A reply or a push on its way to a client.
#[derive(Debug, Serialize)]
pub struct Outgoing<'a, D: Serialize> {
    /// The request's type, or that of the push.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// How it went.
    pub status: Status,
    /// What the command's reply schema says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<D>,
    /// For people; it may change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<&'a str>,
    /// The request's `id`; a push has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a Id>,
    /// On every error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
}

impl<'a, D: Serialize> Outgoing<'a, D> {
    /// A push, or the reply to a request without an `id`.
    pub fn ok(kind: &'a str, data: D) -> Self {
        Outgoing { kind, status: Status::Ok, data: Some(data), message: None, id: None, code: None }
    }
}

impl<'a> Outgoing<'a, &'a Map<String, Value>> {
    /// The error that says `refusal`.
    pub fn error(kind: &'a str, id: Option<&'a Id>, refusal: &'a Refusal) -> Self {
        Outgoing {
            kind,
            status: Status::Error,
            data: refusal.data.as_ref(),
            message: Some(&refusal.message),
            id,
            code: Some(refusal.code),
        }
    }
}

/// A reply or a push as a client reads it; fields that it does not know are ignored.
#[derive(Debug, Clone, Deserialize)]
pub struct Incoming {
    /// The request's type, or that of the push.
    #[serde(rename = "type")]
    pub kind: String,
    /// How it went.
    pub status: Status,
    /// What the command's reply schema says.
    #[serde(default)]
    pub data: Map<String, Value>,
    /// For people.
    pub message: Option<String>,
    /// The request's `id`; a push has none.
    pub id: Option<Id>,
    /// On every error; one that this version does not know is kept as it is.
    pub code: Option<String>,
}

impl Incoming {
    /// Is this the error `code`?
    pub fn is_error(&self, code: Code) -> bool {
        self.code.as_deref() == Some(code.name())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::RoomName;

    fn code_of(body: &str) -> String {
        match Request::parse(body.as_bytes()) {
            Ok(request) => format!("ok {}", request.kind),
            Err(Malformed::Frame(_)) => "bad_frame".into(),
            Err(Malformed::Request { refusal, .. }) => {
                format!("{} {}", refusal.code, refusal.data.unwrap()["field"])
            }
        }
    }

    #[test]
    fn the_envelope_is_read_strictly() {
        for (body, expected) in [
            (r#"{"type":"list"}"#, "ok list"),
            (r#"{"type":"list","data":null,"id":null}"#, "ok list"),
            (r#"{"type":"list","data":{},"id":7,"future":[1]}"#, "ok list"),
            (r#"{"type":"l\u0069st"}"#, "ok list"),
            (r#"{"data":{}}"#, "bad_frame"),
            (r#"{"type":null}"#, "bad_frame"),
            (r#"{"type":7}"#, "bad_frame"),
            (r#"["msg",{}]"#, "bad_frame"),
            (r#"{"type":"list","id":1.5}"#, r#"bad_request "id""#),
            (r#"{"type":"list","id":9007199254740991}"#, "ok list"),
            (r#"{"type":"list","id":9007199254740992}"#, r#"bad_request "id""#),
            (r#"{"type":"list","id":-9007199254740992}"#, r#"bad_request "id""#),
            (r#"{"type":"list","id":[1]}"#, r#"bad_request "id""#),
            (r#"{"type":"list","data":[]}"#, r#"bad_request "data""#),
            (r#"{"type":"list","data":"x"}"#, r#"bad_request "data""#),
        ] {
            assert_eq!(code_of(body), expected, "{body}");
        }
        let id = |chars: usize| format!(r#"{{"type":"list","id":"{}"}}"#, "é".repeat(chars));
        assert_eq!(code_of(&id(ID_CHARS_MAX)), "ok list");
        assert_eq!(code_of(&id(ID_CHARS_MAX + 1)), r#"bad_request "id""#);
    }

    #[test]
    fn a_refusal_names_the_field() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Enter {
            #[serde(rename = "room")]
            _room: RoomName,
            #[serde(rename = "tags", default)]
            _tags: Vec<u8>,
        }
        for (data, expected) in [
            ("{}", "room | missing field `room`"),
            (r#"{"room":"a","rom":1}"#, "rom | unknown field `rom`, expected `room` or `tags`"),
            (r#"{"room":5}"#, "room | room: invalid type: integer `5`, expected a string"),
            (
                r#"{"room":"a b"}"#,
                "room | room: a name has no ' ' in it: letters, digits, _ - . are fine",
            ),
            (
                r#"{"room":"a","tags":[1,"x"]}"#,
                "tags | tags: invalid type: string \"x\", expected u8",
            ),
        ] {
            let body = format!(r#"{{"type":"enter","data":{data}}}"#);
            let refusal = Request::parse(body.as_bytes()).unwrap().data::<Enter>().unwrap_err();
            let field = refusal.data.as_ref().unwrap()["field"].as_str().unwrap();
            assert_eq!(format!("{field} | {}", refusal.message), expected);
        }
    }

    #[test]
    fn an_outgoing_message_has_only_the_parts_that_it_has() {
        let id = Id::Number(3);
        let refusal = Refusal::new(Code::NoSuchRoom, "there is no room attic");
        assert_eq!(
            serde_json::to_string(&Outgoing::error("enter", Some(&id), &refusal)).unwrap(),
            r#"{"type":"enter","status":"error","message":"there is no room attic","id":3,"code":"no_such_room"}"#
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Request::parse(&body);
        }

        #[test]
        fn no_text_of_json_signs_makes_the_reader_panic(body in r#"[{}\[\]",:\\a-u0-9 ]{0,80}"#) {
            let _ = Request::parse(body.as_bytes());
        }
    }
}
