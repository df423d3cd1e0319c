//! What a reply means for whoever waits for it: it grants, refuses, puts off, or does
//! not come.

use std::time::Duration;

use proto::{Code, Incoming, State, Status};
use serde_json::Value;
use smol::Timer;
use smol::future::FutureExt;

use crate::exit::{Exit, Failure};
use crate::talk;

/// How long we wait when the server says `throttled`, but not for how long.
const PAUSE: Duration = Duration::from_secs(1);

/// `reply`, if it grants what was asked for in `state`.
///
/// # Errors
/// It was refused; says why.
pub(crate) fn accepted(reply: Incoming, state: State) -> Result<Incoming, Failure> {
    if reply.status == Status::Ok {
        return Ok(reply);
    }
    let exit = Exit::of_refusal(reply.code.as_deref(), state);
    let code = reply.code.as_deref().unwrap_or("error");
    let why = reply.message.as_deref().unwrap_or("the server does not say why");
    Err(Failure::new(exit, format!("{}: {code}: {why}", reply.kind)))
}

/// How long to wait before asking again, if that is what `reply` to a request of type `kind`
/// says; tells that nothing happens for so long, and why.
///
/// # Errors
/// [`Exit::Timeout`] if that is longer than `patience`.
pub(crate) fn put_off(
    kind: &str,
    reply: &Incoming,
    patience: Option<Duration>,
) -> Result<Option<Duration>, Failure> {
    if !reply.is_error(Code::Throttled) {
        return Ok(None);
    }
    let millis = reply.data.get("retry_after_ms").and_then(Value::as_u64);
    let pause = millis.map_or(PAUSE, Duration::from_millis);
    let seconds = pause.as_secs_f64().ceil();
    if let Some(patience) = patience.filter(|patience| pause > *patience) {
        let patience = patience.as_secs_f64();
        let message = format!("{kind}: throttled for {seconds} s, and --timeout is {patience} s");
        return Err(Failure::new(Exit::Timeout, message));
    }
    talk::say(&format!("{kind}: throttled, trying again in {seconds} s"));
    Ok(Some(pause))
}

/// `reply`, unless it takes longer than `timeout`.
///
/// # Errors
/// [`Exit::Timeout`] names what was asked for.
pub(crate) async fn within<T>(
    timeout: Duration,
    kind: &str,
    reply: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    reply
        .or(async {
            Timer::after(timeout).await;
            let message = format!("{kind}: no reply within {} s", timeout.as_secs_f64());
            Err(Failure::new(Exit::Timeout, message))
        })
        .await
}
