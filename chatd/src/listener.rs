//! Where connections come in, and the signals that end it all.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_executor::Executor;
use async_io::{Async, Timer};
use async_signal::{Signal, Signals};
use color_eyre::eyre::eyre;
use commands::Registration;
use smol::future::FutureExt;
use smol::stream::StreamExt;
use socket2::{SockRef, TcpKeepalive};

use crate::exit::{Exit, Failure};
use crate::gate::TurnedAway;
use crate::server::Server;
use crate::session;

/// The pause after a failed accept, at first: without one, too many open files make
/// the loop spin (measured: 4 million times a second).
const PAUSE_MIN: Duration = Duration::from_millis(10);

/// The pause after many failed accepts.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// How often it is said that connections were turned away.
const TURNED_AWAY_EVERY: Duration = Duration::from_secs(1);

/// The kernel's buffer for what we send, in bytes.
///
/// By default it grows to megabytes for a client that does not read, and the bound of
/// the outbox would mean nothing.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// Silence after which the kernel asks whether the other end is there, and how often.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(15);

/// Opens every address.
///
/// # Errors
/// The first that cannot be opened.
pub(crate) fn bind(addresses: &[SocketAddr]) -> Result<Vec<Async<TcpListener>>, Failure> {
    let bind = |address: &SocketAddr| {
        Async::<TcpListener>::bind(*address).map_err(|error| {
            let hint = match error.kind() {
                io::ErrorKind::AddrInUse => ": another server is there",
                io::ErrorKind::AddrNotAvailable => ": no network of this machine has it",
                io::ErrorKind::PermissionDenied => ": ports below 1024 are for root",
                _ => "",
            };
            let report = eyre!("cannot listen on {address}: {error}{hint}");
            Failure::new(Exit::Unavailable, report)
        })
    };
    addresses.iter().map(bind).collect()
}

/// Lets connections in, for ever.
pub(crate) async fn accept(
    server: &'static Server,
    executor: &'static Executor<'static>,
    listener: Async<TcpListener>,
) {
    warn_if_exposed(server, &listener);
    let mut pause = PAUSE_MIN;
    let turned_away = Arc::new(AtomicU64::new(0));
    loop {
        let (socket, from) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                Timer::after(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
                continue;
            }
        };
        pause = PAUSE_MIN;
        let place = match server.gate.admit(from.ip()) {
            Ok(place) => place,
            Err(limit) => {
                // Of a flood each line would cost more than the connection.
                if turned_away.fetch_add(1, Ordering::Relaxed) == 0 {
                    executor.spawn(say_turned_away(turned_away.clone(), from, limit)).detach();
                }
                continue;
            }
        };
        if let Err(error) = set_up(socket.get_ref()) {
            tracing::debug!(%from, %error, "gone before it began");
            continue;
        }
        let life = async move {
            let life = session::serve(server, socket, from, place);
            // Detached, its panic would be swallowed; it ends this connection only.
            if AssertUnwindSafe(life).catch_unwind().await.is_err() {
                tracing::error!(%from, "a connection ended with a panic");
            }
        };
        executor.spawn(life).detach();
        // While many come, an accept never waits, and others would.
        smol::future::yield_now().await;
    }
}

/// Says how many were turned away in a second; `from` and `limit` are those of the first.
async fn say_turned_away(count: Arc<AtomicU64>, from: SocketAddr, limit: TurnedAway) {
    Timer::after(TURNED_AWAY_EVERY).await;
    let count = count.swap(0, Ordering::Relaxed);
    tracing::warn!(%from, %limit, count, "turned away");
}

fn set_up(socket: &TcpStream) -> io::Result<()> {
    // Many small frames: waiting for more to send would cost 20 ms each.
    socket.set_nodelay(true)?;
    let socket = SockRef::from(socket);
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    let keep_alive = TcpKeepalive::new().with_time(KEEP_ALIVE).with_interval(KEEP_ALIVE_EVERY);
    socket.set_tcp_keepalive(&keep_alive)
}

fn warn_if_exposed(server: &Server, listener: &Async<TcpListener>) {
    let is_open = server.world.policy.registration == Registration::Open;
    if let Ok(address) = listener.get_ref().local_addr()
        && is_open
        && !address.ip().is_loopback()
    {
        tracing::warn!(%address, "anyone who can connect may register (registration.policy)");
    }
}

/// The signals that stop the server. From here on they no longer kill the process.
///
/// # Errors
/// When signals cannot be caught.
pub(crate) fn stop_signals() -> Result<Signals, Failure> {
    let signals = [Signal::Term, Signal::Int, Signal::Hup];
    Signals::new(signals).map_err(|e| Failure::new(Exit::Defect, e.into()))
}

/// From here on a file that may not grow (`LimitFSIZE=`, `ulimit -f`) is an error where it
/// is written, as a full disk is, and no longer kills the process.
///
/// # Errors
/// When signals cannot be caught.
pub(crate) fn survive_file_limits() -> Result<(), Failure> {
    let signals = Signals::new([Signal::Xfsz]).map_err(|e| Failure::new(Exit::Defect, e.into()))?;
    // Nobody reads them: they are caught as long as this is kept, for ever.
    std::mem::forget(signals);
    Ok(())
}

/// Waits for one of them; says which.
///
/// # Errors
/// When signals cannot be caught.
pub(crate) async fn stop_signal(mut signals: Signals) -> Result<&'static str, Failure> {
    match signals.next().await {
        Some(Ok(Signal::Int)) => Ok("SIGINT"),
        // The terminal that it was started from is gone.
        Some(Ok(Signal::Hup)) => Ok("SIGHUP"),
        Some(Ok(_)) => Ok("SIGTERM"),
        Some(Err(error)) => Err(Failure::new(Exit::Defect, error.into())),
        None => Ok("none"),
    }
}
