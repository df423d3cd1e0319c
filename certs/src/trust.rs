//! Whether a server is the one that the client means, judged while it says hello.
//!
//! The handshake's own signature is checked in every case: a fingerprint means something
//! only if the server proves that it holds the key.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, OtherError,
    RootCertStore, SignatureScheme,
};

use crate::{Fingerprint, KnownHosts, KnownHostsError};

/// How the client decides whether a server is the one it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// It has this key, whatever its certificate says.
    Pin(Fingerprint),
    /// Its certificate is valid now, for the name that was dialled, and comes from one of
    /// the authorities in this PEM file.
    Ca {
        /// The authorities.
        file: PathBuf,
    },
    /// It has the key that it had last time, whatever its certificate says.
    KnownHosts {
        /// Where the keys are kept, see [`KnownHosts`].
        file: PathBuf,
    },
}

/// What is known about a server whose handshake went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the one that was meant.
    Trusted(Fingerprint),
    /// Nobody knows it yet: ask, or refuse, before anything is sent.
    New(Fingerprint),
}

/// Why a server is not trusted; nothing was sent to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// It has another key than the pinned one.
    #[error("the server's key is {seen}, but {expected} is pinned")]
    NotPinned {
        /// The key that is pinned.
        expected: Fingerprint,
        /// The key that the server has.
        seen: Fingerprint,
    },
    /// It has another key than last time: a new server, or somebody in between.
    #[error("the server's key has changed: it is {seen}, known is {expected}")]
    Changed {
        /// The key that is known.
        expected: Fingerprint,
        /// The key that the server has now.
        seen: Fingerprint,
    },
    /// It shows a certificate whose key it does not hold.
    #[error("the server does not prove that it holds the key of its certificate")]
    Unproven,
    /// The certificate belongs to another server.
    #[error("the server's certificate is not for {name}")]
    WrongName {
        /// The name that was dialled.
        name: String,
    },
    /// The certificate was valid once.
    #[error("the server's certificate has expired")]
    Expired,
    /// The certificate is from the future, or this machine's clock is wrong.
    #[error("the server's certificate is not valid yet (is the clock right?)")]
    NotYetValid,
    /// The certificate is not from the given authorities.
    #[error("the server's certificate is not from an authority that is trusted")]
    UnknownIssuer,
    /// The certificate is of no use for any other reason.
    #[error("the server's certificate cannot be used: {reason}")]
    BadCertificate {
        /// In the words of the TLS library.
        reason: String,
    },
    /// There is nothing to judge: the handshake is not over.
    #[error("the server has not shown a certificate yet")]
    NoCertificate,
}

/// Why a file that says whom to trust cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrustFileError {
    /// The file of authorities is missing, damaged, or holds none.
    #[error("{file} gives no authorities: {reason}", file = file.display())]
    Ca {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Known hosts cannot be read.
    #[error(transparent)]
    KnownHosts(#[from] KnownHostsError),
}

/// The client's side of TLS 1.3 and 1.2 for one server, and who judges that server.
///
/// The handshake fails if the server is not the one that is meant; [`explain`] says why.
/// If it goes well, ask the [`Judge`] before sending anything. Nothing is resumed, so
/// every connection is judged by itself. The configuration is for this `host` and `port`
/// only, and for what was known when it was made.
///
/// # Errors
/// A file in `trust` that the user has to mend.
pub fn client_config(
    trust: &Trust,
    host: &str,
    port: u16,
) -> Result<(Arc<ClientConfig>, Judge), TrustFileError> {
    // Another crate may switch on a second provider: always say which one.
    let provider = Arc::new(ring::default_provider());
    let rule = match trust {
        Trust::Pin(expected) => Rule::Pinned(*expected),
        Trust::Ca { file } => Rule::Authorities(authorities(file, &provider)?),
        Trust::KnownHosts { file } => match KnownHosts::open(file)?.lookup(host, port) {
            Some(expected) => Rule::Known(expected),
            None => Rule::Anyone,
        },
    };
    let judge = Judge { is_new: matches!(rule, Rule::Anyone) };
    let verifier = Verifier { rule, algorithms: provider.signature_verification_algorithms };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has TLS 1.3 and 1.2")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok((Arc::new(config), judge))
}

/// Says what a finished handshake is worth.
#[derive(Debug, Clone, Copy)]
pub struct Judge {
    is_new: bool,
}

impl Judge {
    /// The verdict on the server at the other end of `connection`.
    ///
    /// The connection must have been made with the configuration that came with this judge.
    ///
    /// # Errors
    /// [`TrustError::NoCertificate`] before the handshake is over.
    pub fn verdict(&self, connection: &ClientConnection) -> Result<Verdict, TrustError> {
        if connection.is_handshaking() {
            return Err(TrustError::NoCertificate);
        }
        let Some([certificate, ..]) = connection.peer_certificates() else {
            return Err(TrustError::NoCertificate);
        };
        let seen = fingerprint(certificate)?;
        Ok(if self.is_new { Verdict::New(seen) } else { Verdict::Trusted(seen) })
    }
}

/// Why the server was not trusted, if that is why a handshake failed.
///
/// Takes the error as TLS over any socket gives it. None for every other error.
pub fn explain(error: &io::Error) -> Option<TrustError> {
    let rustls::Error::InvalidCertificate(error) = error.get_ref()?.downcast_ref()? else {
        return None;
    };
    if let CertificateError::Other(OtherError(reason)) = error
        && let Some(ours) = reason.downcast_ref::<TrustError>()
    {
        return Some(ours.clone());
    }
    Some(match error {
        CertificateError::NotValidForNameContext { expected, .. } => {
            TrustError::WrongName { name: expected.to_str().into_owned() }
        }
        CertificateError::ExpiredContext { .. } => TrustError::Expired,
        CertificateError::NotValidYetContext { .. } => TrustError::NotYetValid,
        CertificateError::UnknownIssuer => TrustError::UnknownIssuer,
        CertificateError::BadSignature => TrustError::Unproven,
        other => TrustError::BadCertificate { reason: other.to_string() },
    })
}

/// What a server has to show.
#[derive(Debug)]
enum Rule {
    Pinned(Fingerprint),
    Known(Fingerprint),
    Authorities(Arc<WebPkiServerVerifier>),
    Anyone,
}

#[derive(Debug)]
struct Verifier {
    rule: Rule,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let seen = fingerprint(certificate).map_err(refuse)?;
        match &self.rule {
            Rule::Pinned(expected) if *expected != seen => {
                Err(refuse(TrustError::NotPinned { expected: *expected, seen }))
            }
            Rule::Known(expected) if *expected != seen => {
                Err(refuse(TrustError::Changed { expected: *expected, seen }))
            }
            Rule::Authorities(authorities) => authorities
                .verify_server_cert(certificate, intermediates, name, ocsp_response, now)
                .map_err(|error| match error {
                    // Issuers' names are easily the same (all self-made certificates of chatd
                    // have one name), then only the signature tells them apart.
                    rustls::Error::InvalidCertificate(CertificateError::BadSignature) => {
                        CertificateError::UnknownIssuer.into()
                    }
                    other => other,
                }),
            Rule::Pinned(_) | Rule::Known(_) | Rule::Anyone => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn fingerprint(certificate: &CertificateDer<'_>) -> Result<Fingerprint, TrustError> {
    Fingerprint::of_certificate(certificate)
        .map_err(|error| TrustError::BadCertificate { reason: error.to_string() })
}

/// Puts our reason where [`explain`] finds it again.
fn refuse(reason: TrustError) -> rustls::Error {
    CertificateError::Other(OtherError(Arc::new(reason))).into()
}

/// What checks certificates against the authorities in `file`.
fn authorities(
    file: &Path,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, TrustFileError> {
    let bad = |reason: String| TrustFileError::Ca { file: file.into(), reason };
    let certificates = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| bad(error.to_string()))?;
    // A system's bundle may hold a few that are too old to be understood: do without them.
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates);
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| bad(error.to_string()))
}
