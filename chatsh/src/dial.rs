//! From an address to a connection whose server is the one that is meant.
//!
//! Nothing is sent to a server before it is known: by a pin, an authority, from last
//! time, as this user's own, or because the user says so now.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use async_rustls::TlsConnector;
use async_rustls::client::TlsStream;
use certs::{
    Fingerprint, KnownHosts, Trust, TrustError, Verdict, client_config, local_fingerprint,
};
use rustls::pki_types::ServerName;
use smol::future::FutureExt;
use smol::net::{TcpStream, resolve};

use crate::address::Address;
use crate::exit::{Exit, Failure};
use crate::{hosts, paths, talk};

/// How the server is known.
#[derive(Debug, Clone)]
pub(crate) struct Acquaintance {
    /// What it has to show.
    pub(crate) trust: Trust,
    /// Is a new one kept in known hosts without asking?
    pub(crate) accepts_new: bool,
    /// May the user be asked about a new one?
    pub(crate) may_ask: bool,
}

/// Connects to `address`; within `patience`, not counting what the user is asked. What to do
/// about a server that nobody knows is said by `advice`.
///
/// # Errors
/// [`Exit::NoConnection`], [`Exit::WrongServer`], [`Exit::OtherProtocol`] if it does not
/// speak TLS, [`Exit::Usage`] if a file that says whom to trust cannot be used.
pub(crate) async fn dial(
    address: &Address,
    acquaintance: &Acquaintance,
    patience: Duration,
    advice: impl Fn(Fingerprint) -> String,
) -> Result<TlsStream<TcpStream>, Failure> {
    let (config, judge) = client_config(&acquaintance.trust, &address.host, address.port)
        .map_err(|e| Failure::new(Exit::Usage, e.to_string()))?;
    let name = ServerName::try_from(address.host.clone())
        .map_err(|e| Failure::new(Exit::Usage, e.to_string()))?;
    let shaking = async {
        let addresses = resolve((address.host.as_str(), address.port))
            .await
            .map_err(|e| no_host(address, &e.to_string()))?;
        let stream = TcpStream::connect(&addresses[..])
            .await
            .map_err(|e| no_connection(address, &unreachable(&e)))?;
        // Every line waits for its reply: a small frame must not wait for more.
        stream.set_nodelay(true).map_err(|e| no_connection(address, &e.to_string()))?;
        TlsConnector::from(config)
            .connect(name, stream)
            .await
            .map_err(|e| no_handshake(address, &acquaintance.trust, &e))
    };
    let stream = shaking
        .or(async {
            smol::Timer::after(patience).await;
            Err(no_connection(address, &format!("no answer within {} s", patience.as_secs_f64())))
        })
        .await?;
    let (tcp, tls) = stream.get_ref();
    let is_loopback = tcp.peer_addr().is_ok_and(|peer| peer.ip().is_loopback());
    match judge.verdict(tls) {
        Ok(Verdict::Trusted(_)) => {}
        Ok(Verdict::New(seen)) if is_loopback && is_our_own(seen) => {}
        Ok(Verdict::New(seen)) => meet(address, acquaintance, seen, &advice(seen)).await?,
        Err(error) => return Err(not_trusted(address, &acquaintance.trust, &error)),
    }
    Ok(stream)
}

/// Is it the key of a chatd of this very user?
fn is_our_own(seen: Fingerprint) -> bool {
    paths::chatd_data().iter().any(|data| local_fingerprint(data) == Some(seen))
}

/// Decides about a server that nobody knows yet.
async fn meet(
    address: &Address,
    acquaintance: &Acquaintance,
    seen: Fingerprint,
    advice: &str,
) -> Result<(), Failure> {
    let Trust::KnownHosts { file } = &acquaintance.trust else {
        return Err(stranger(address, seen, advice));
    };
    if !acquaintance.accepts_new {
        let is_somebody_there = io::stdin().is_terminal() && io::stderr().is_terminal();
        if !(acquaintance.may_ask && is_somebody_there) {
            return Err(stranger(address, seen, advice));
        }
        if !is_accepted(address, seen).await? {
            return Err(Failure::new(Exit::WrongServer, "the server was not accepted"));
        }
    }
    KnownHosts::open(file)
        .and_then(|mut known| known.remember(&address.host, address.port, seen))
        .map_err(|e| Failure::new(Exit::Usage, e.to_string()))?;
    let file = file.display();
    // Who was asked has just read it.
    talk::say(&match acquaintance.accepts_new {
        true => format!("{address} is {seen} from now on, kept in {file}"),
        false => format!("kept in {file}"),
    });
    Ok(())
}

/// Asks on the terminal.
async fn is_accepted(address: &Address, seen: Fingerprint) -> Result<bool, Failure> {
    talk::say(&format!("{address} is new here, its key is"));
    talk::report(&format!("    {seen}"));
    let _ = write!(io::stderr(), "Is that the server you mean? [y/N] ");
    // A thread may wait for ever; the interrupt key ends chatsh meanwhile.
    let answer = smol::unblock(|| {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|_| line)
    });
    let answer =
        answer.await.map_err(|e| Failure::new(Exit::WrongServer, format!("no answer: {e}")))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn unreachable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("{error}: does chatd run there?"),
        _ => error.to_string(),
    }
}

fn no_connection(address: &Address, why: &str) -> Failure {
    Failure::new(Exit::NoConnection, format!("cannot connect to {address}: {why}"))
}

/// No name server knows the host. One that looks like the name of a host may be meant as one.
fn no_host(address: &Address, why: &str) -> Failure {
    let host = &address.host;
    let hint = hosts::no_name(host).unwrap_or_default();
    let script = match Path::new(host).is_file() {
        true => format!("; to run the file {host} say -f {host}"),
        false => String::new(),
    };
    no_connection(address, &format!("{why}{hint}{script}"))
}

fn stranger(address: &Address, seen: Fingerprint, advice: &str) -> Failure {
    let message =
        format!("{address} is not known: its key is {seen}; if that is right, say {advice}");
    Failure::new(Exit::WrongServer, message)
}

fn no_handshake(address: &Address, trust: &Trust, error: &io::Error) -> Failure {
    if let Some(reason) = certs::explain(error) {
        return not_trusted(address, trust, &reason);
    }
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(error) => {
            let message = format!("{address} does not speak TLS as we do: {error}");
            Failure::new(Exit::OtherProtocol, message)
        }
        None if has_hung_up(error) => no_connection(
            address,
            "the server has hung up before TLS began: it may be full, or no chatd",
        ),
        None => no_connection(address, &error.to_string()),
    }
}

/// Did the other end close the connection? One that has not read what it was sent resets it.
fn has_hung_up(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | BrokenPipe)
}

fn not_trusted(address: &Address, trust: &Trust, error: &TrustError) -> Failure {
    let advice = match (error, trust) {
        (TrustError::Changed { .. }, Trust::KnownHosts { file }) => {
            format!("; if its operator confirms the new key, delete its line in {}", file.display())
        }
        _ => String::new(),
    };
    Failure::new(Exit::WrongServer, format!("{address}: {error}; nothing was sent{advice}"))
}
