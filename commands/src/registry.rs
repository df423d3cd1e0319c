//! Which commands there are: each registers itself where it is written.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::LazyLock;

use proto::{Catalogue, Description, Frame, Refusal, Request, Spec};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::outcome::View;
use crate::{Answer, Cx, Draft, Move, Outcome, Reply, TokenId};

/// A command: its request type carries it.
///
/// The request says `deny_unknown_fields`, so that a field that nobody knows is
/// refused by name; its doc comments are the help of its arguments.
pub trait Handler: DeserializeOwned + JsonSchema + Send + 'static {
    /// Name, states, help: all that there is to know without running it.
    const SPEC: Spec;

    /// The data of its reply.
    type Reply: Serialize + JsonSchema + Send + 'static;

    /// Says what should happen. It runs to completion; it cannot reach the socket, and
    /// moves the session only where `SPEC` says.
    fn handle(
        self,
        cx: Cx<'_>,
    ) -> impl Future<Output = Result<Outcome<Self::Reply>, Refusal>> + Send;
}

/// A handler at work.
pub type Fut<'a> = Pin<Box<dyn Future<Output = Result<Effect, Refusal>> + Send + 'a>>;

/// An [`Outcome`] that no longer knows the type of its reply.
pub enum Effect {
    /// Give this reply.
    Give(Render),
    /// Give this reply while the place stands still.
    Look(Render),
    /// Take note of this token, and give this reply.
    Renew(TokenId, Render),
    /// Append this.
    Append(Draft),
    /// Move there and give this reply.
    Move(Move, Render),
}

/// Makes the frame of a reply from what can be seen.
pub type Render = Box<dyn FnOnce(&Answer, &View<'_>) -> Frame + Send>;

/// A registered command.
pub struct Command {
    /// What is written down beside its code.
    pub spec: Spec,
    describe: fn() -> Description,
    pub(crate) run: for<'a> fn(&'a Request<'a>, Cx<'a>) -> Fut<'a>,
}

inventory::collect!(Command);

impl Command {
    /// The command that `H` is.
    pub const fn of<H: Handler>() -> Command {
        Command { spec: H::SPEC, describe: describe::<H>, run: run::<H> }
    }

    /// What the catalogue says of it.
    pub fn description(&self) -> Description {
        (self.describe)()
    }
}

fn describe<H: Handler>() -> Description {
    Description::of::<H, H::Reply>(&H::SPEC)
}

fn run<'a, H: Handler>(request: &'a Request<'a>, cx: Cx<'a>) -> Fut<'a> {
    Box::pin(async move {
        let typed = request.data::<H>()?;
        Ok(match typed.handle(cx).await? {
            Outcome::Reply(reply) => Effect::Give(render(|_| reply)),
            Outcome::Look(says) => Effect::Look(render(says)),
            Outcome::Renew(token, reply) => Effect::Renew(token, render(|_| reply)),
            Outcome::Append(draft) => Effect::Append(draft),
            Outcome::Move(to, says) => Effect::Move(to, render(says)),
        })
    })
}

fn render<R: Serialize + Send + 'static>(
    says: impl FnOnce(&View<'_>) -> Reply<R> + Send + 'static,
) -> Render {
    Box::new(move |answer, view| answer.frame(&says(view)))
}

/// Registers the command that a type is, wherever it is written.
///
/// A crate that only does this is dropped by the compiler unless the program names it:
/// `use my_commands as _;`.
#[macro_export]
macro_rules! register {
    ($handler:ty) => {
        $crate::inventory::submit! { $crate::Command::of::<$handler>() }
    };
}

/// Built once: `inventory` promises no order.
static COMMANDS: LazyLock<BTreeMap<&'static str, &'static Command>> = LazyLock::new(|| {
    let mut commands = BTreeMap::new();
    for command in inventory::iter::<Command> {
        let before = commands.insert(&*command.spec.name, command);
        assert!(before.is_none(), "two commands are called {}", command.spec.name);
    }
    commands
});

/// Every command, by name.
///
/// # Panics
/// If two have one name: a defect of the build, met at start-up.
pub fn commands() -> impl Iterator<Item = &'static Command> {
    COMMANDS.values().copied()
}

/// The command of that name.
pub fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.get(name).copied()
}

/// Made once: strangers may ask for it, and schemas are dear.
static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue {
    version: proto::VERSION,
    commands: commands().map(Command::description).collect(),
    pushes: crate::pushes::pushes(),
});

/// What `commands` tells.
pub fn catalogue() -> &'static Catalogue {
    &CATALOGUE
}
