//! What a command is, as data: the server checks by it, the client completes,
//! explains and sends by it.

use std::borrow::Cow;

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{State, States};

/// The part of a command that is written down beside its code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// The `type` of its requests, and the word behind the slash.
    pub name: Cow<'static, str>,
    /// Where it is allowed.
    pub states: States,
    /// Where it may lead when it succeeds; empty when it leaves the session in place.
    pub leads_to: States,
    /// What it does, in a line.
    pub summary: Cow<'static, str>,
    /// A shell line that uses it.
    pub example: Cow<'static, str>,
    /// Who may use it.
    pub role: Role,
    /// May further requests be sent before its reply has come?
    pub pipelined: bool,
    /// Is the room that it names, or the account, gone for good after it? Then people are asked
    /// before it is sent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub irreversible: bool,
    /// For the one command that says a bare line: its arguments before the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bare: Option<Cow<'static, str>>,
}

/// What a user must be, in the room that it concerns, to use a command; each may do what
/// those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Anyone whose state allows it.
    Anyone,
    /// One who keeps order in the room.
    Operator,
    /// The one to whom the room belongs.
    Owner,
}

impl Role {
    /// Every role, from the least.
    pub const ALL: [Role; 3] = [Role::Anyone, Role::Operator, Role::Owner];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Anyone => "anyone",
            Role::Operator => "operator",
            Role::Owner => "owner",
        }
    }
}

impl Spec {
    /// A command that anyone may use, that leaves the session where it is.
    pub const fn new(
        name: &'static str,
        states: States,
        summary: &'static str,
        example: &'static str,
    ) -> Spec {
        Spec {
            name: Cow::Borrowed(name),
            states,
            leads_to: States::NONE,
            summary: Cow::Borrowed(summary),
            example: Cow::Borrowed(example),
            role: Role::Anyone,
            pipelined: false,
            irreversible: false,
            bare: None,
        }
    }

    /// The same, leading to one of `states`.
    pub const fn leads_to(mut self, states: &[State]) -> Spec {
        self.leads_to = States::of(states);
        self
    }

    /// The same, for those who are at least `role`.
    pub const fn needs(mut self, role: Role) -> Spec {
        self.role = role;
        self
    }

    /// The same, with requests that need not wait for each other's replies.
    pub const fn pipelined(mut self) -> Spec {
        self.pipelined = true;
        self
    }

    /// The same, after which a room or an account is gone for good.
    pub const fn irreversible(mut self) -> Spec {
        self.irreversible = true;
        self
    }

    /// The same, saying what a line without a slash says, behind `arguments`.
    pub const fn bare(mut self, arguments: &'static str) -> Spec {
        // An assignment would drop the old value, which a constant cannot do.
        std::mem::forget(self.bare.replace(Cow::Borrowed(arguments)));
        self
    }
}

/// A command as the catalogue has it: its specification, and what can be derived from
/// the types of its request and its reply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// What is written down beside its code.
    #[serde(flatten)]
    pub spec: Spec,
    /// How a shell line maps to its data.
    pub args: Vec<Arg>,
    /// The JSON Schema of a request's data.
    pub request: Value,
    /// The JSON Schema of a reply's data.
    pub reply: Value,
}

impl Description {
    /// Describes the command with this specification, request and reply.
    pub fn of<Q: JsonSchema, R: JsonSchema>(spec: &Spec) -> Description {
        let mut schemas = schemas();
        let request = schemas.root_schema_for::<Q>().to_value();
        let reply = schemas.root_schema_for::<R>().to_value();
        Description { spec: spec.clone(), args: args_of(&request), request, reply }
    }
}

/// Schemas that stand alone: no references, and no names of our own types.
pub(crate) fn schemas() -> SchemaGenerator {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    settings.into_generator()
}

/// One argument of a shell line: a field of the request's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arg {
    /// The field's name.
    pub name: String,
    /// What its value is.
    pub kind: Kind,
    /// A required one is known by its position, others as `--name value`.
    pub required: bool,
    /// Does it take the rest of the line as it stands?
    pub rest: bool,
    /// What it means, in a line.
    pub summary: String,
}

/// What the value of an argument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Any string.
    String,
    /// A whole number.
    Integer,
    /// True or false; on a shell line the bare option says true.
    Boolean,
    /// Several strings, with commas between them.
    List,
    /// What somebody says.
    Text,
    /// The name of an account.
    UserName,
    /// The name of a room.
    RoomName,
    /// A user of this room, or `public`.
    Addressee,
    /// A secret that people type: masked, never kept.
    Password,
    /// A secret that programs keep.
    Token,
}

impl Kind {
    /// Must it never be shown or kept?
    pub fn is_secret(self) -> bool {
        matches!(self, Kind::Password | Kind::Token)
    }

    fn of(property: &Value) -> Kind {
        let kind = match &property["type"] {
            // An optional field is of its type or null.
            Value::Array(types) => {
                types.iter().find(|kind| *kind != "null").unwrap_or(&Value::Null)
            }
            kind => kind,
        };
        match (kind.as_str(), property["format"].as_str()) {
            (Some("integer"), _) => Kind::Integer,
            (Some("boolean"), _) => Kind::Boolean,
            (Some("array"), _) => Kind::List,
            (_, Some("text")) => Kind::Text,
            (_, Some("user-name")) => Kind::UserName,
            (_, Some("room-name")) => Kind::RoomName,
            (_, Some("addressee")) => Kind::Addressee,
            (_, Some("password")) => Kind::Password,
            (_, Some("token")) => Kind::Token,
            _ => Kind::String,
        }
    }
}

/// The arguments of the request with this schema, in the order of its fields.
fn args_of(request: &Value) -> Vec<Arg> {
    let empty = serde_json::Map::new();
    let properties = request["properties"].as_object().unwrap_or(&empty);
    let is_required = |name: &str| {
        request["required"].as_array().is_some_and(|all| all.iter().any(|field| field == name))
    };
    let last = properties.keys().rfind(|name| is_required(name));
    let arg = |(name, property): (&String, &Value)| {
        let kind = Kind::of(property);
        Arg {
            name: name.clone(),
            kind,
            required: is_required(name),
            rest: kind == Kind::Text && last == Some(name),
            summary: property["description"].as_str().unwrap_or_default().replace('\n', " "),
        }
    };
    properties.iter().map(arg).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Addressee, Password, RoomName, Text};

    #[test]
    fn the_arguments_are_the_fields_of_the_request_in_order() {
        #[derive(JsonSchema)]
        #[allow(dead_code)]
        struct Everything {
            /// Where to.
            to: Addressee,
            room: Option<RoomName>,
            password: Option<Password>,
            count: Option<u32>,
            private: Option<bool>,
            #[serde(default)]
            caps: Vec<String>,
            text: Text,
            client: Option<String>,
        }
        let spec = Spec::new("everything", States::ANY, "Does it all", "/everything");
        let description = Description::of::<Everything, ()>(&spec);
        let args: Vec<_> = description
            .args
            .iter()
            .map(|arg| (arg.name.as_str(), arg.kind, arg.required, arg.rest))
            .collect();
        assert_eq!(
            args,
            [
                ("to", Kind::Addressee, true, false),
                ("room", Kind::RoomName, false, false),
                ("password", Kind::Password, false, false),
                ("count", Kind::Integer, false, false),
                ("private", Kind::Boolean, false, false),
                ("caps", Kind::List, false, false),
                ("text", Kind::Text, true, true),
                ("client", Kind::String, false, false),
            ]
        );
        assert_eq!(description.args[0].summary, "Where to.");
    }

    #[test]
    fn a_description_reads_back_as_it_was_written() {
        let spec = Spec::new("enter", States::of(&[State::Lobby]), "Enter a room", "/enter attic")
            .leads_to(&[State::Chat])
            .bare("public");
        let description = Description::of::<RoomName, ()>(&spec);
        let json = serde_json::to_string(&description).unwrap();
        assert_eq!(serde_json::from_str::<Description>(&json).unwrap(), description);
    }
}
