//! `hello`: who is there, and what both sides can take.

use proto::{Cap, Caps, Refusal, Spec, States};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Cx, Handler, Limits, Outcome};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Hello {
    /// The client's name.
    #[serde(rename = "client")]
    _client: Option<String>,
    /// The client's version.
    #[serde(rename = "version")]
    _version: Option<String>,
    /// What the client can take; names that the server does not know are ignored.
    caps: Option<Vec<String>>,
}

#[derive(Serialize, JsonSchema)]
struct Welcome {
    /// The server's name and version.
    server: String,
    /// The version of the protocol.
    version: u32,
    /// What is on for this connection from now on.
    caps: Vec<Cap>,
    /// What the server takes.
    limits: Limits,
    /// What the operator wants everybody to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    motd: Option<String>,
}

impl Handler for Hello {
    const SPEC: Spec = Spec::new(
        "hello",
        States::ANY,
        "Ask what the server is, and say what the client can take",
        "/hello --caps list-push,ping",
    );

    type Reply = Welcome;

    async fn handle(self, cx: Cx<'_>) -> Result<Outcome<Welcome>, Refusal> {
        if let Some(asked) = self.caps {
            cx.peer().set_caps(asked.iter().filter_map(|name| Cap::from_name(name)).collect());
        }
        let caps: Caps = cx.peer().caps();
        let policy = &cx.world.policy;
        Ok(Outcome::data(Welcome {
            server: cx.world.server.to_string(),
            version: proto::VERSION,
            caps: caps.iter().collect(),
            limits: policy.limits.clone(),
            motd: policy.motd.clone(),
        }))
    }
}

crate::register!(Hello);
