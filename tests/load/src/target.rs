//! The server under load: where it is, what it speaks, and the key it must show.

use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use certs::{Fingerprint, Trust};
use color_eyre::eyre::{Result, WrapErr, bail};
use rustls::{ClientConfig, ClientConnection};

use crate::tongue::Tongue;

/// A server, as `chat://ADDRESS#FINGERPRINT` or `irc://ADDRESS#FINGERPRINT`.
#[derive(Debug, Clone)]
pub struct Target {
    pub address: SocketAddr,
    pub tongue: Tongue,
    fingerprint: Fingerprint,
}

/// What is not the address of a server.
#[derive(Debug, thiserror::Error)]
#[error("expected chat://IP:PORT#SHA256:... or irc://IP:PORT#SHA256:...")]
pub struct TargetError;

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Target, TargetError> {
        let (scheme, rest) = text.split_once("://").ok_or(TargetError)?;
        let (address, fingerprint) = rest.split_once('#').ok_or(TargetError)?;
        let tongue = match scheme {
            "chat" => Tongue::Chat,
            "irc" => Tongue::Irc,
            _ => return Err(TargetError),
        };
        Ok(Target {
            address: address.parse().map_err(|_| TargetError)?,
            tongue,
            fingerprint: fingerprint.parse().map_err(|_| TargetError)?,
        })
    }
}

impl Target {
    /// The client's side of TLS for it.
    pub fn tls(&self) -> Result<Tls> {
        let (host, port) = (self.address.ip(), self.address.port());
        let trust = Trust::Pin(self.fingerprint);
        let (config, _) = certs::client_config(&trust, &host.to_string(), port)?;
        Ok(Tls { config, target: self.clone() })
    }
}

/// What every connection to one server shares.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
    pub target: Target,
}

impl Tls {
    /// A connection that has not shaken hands.
    pub fn connection(&self) -> Result<ClientConnection> {
        let name = self.target.address.ip().into();
        ClientConnection::new(self.config.clone(), name).wrap_err("beginning TLS")
    }
}

/// Only TLS 1.3 is compared.
pub fn check_version(tls: &ClientConnection) -> Result<()> {
    match tls.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => Ok(()),
        other => bail!("the server speaks {other:?} and not TLS 1.3"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_says_what_it_speaks() {
        let pin = format!("SHA256:{}", "A".repeat(43));
        let target: Target = format!("irc://127.0.0.1:6697#{pin}").parse().unwrap();
        assert_eq!(target.tongue, Tongue::Irc);
        for wrong in ["127.0.0.1:1", "chat://127.0.0.1:1", "http://127.0.0.1:1#SHA256:x"] {
            assert!(wrong.parse::<Target>().is_err(), "{wrong}");
        }
    }
}
