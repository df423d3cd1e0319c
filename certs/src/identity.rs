//! The server's own key and certificate: made once, then kept, because clients pin the key.
//!
//! Nobody else writes to the data folder meanwhile: chatd calls this under its lock.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd,
};
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CipherSuite, ServerConfig, SupportedCipherSuite};

use crate::Fingerprint;
use crate::whole_file;

/// A private key and the certificate that shows its public half.
#[derive(Debug, Clone)]
pub struct Identity {
    certified_key: Arc<CertifiedKey>,
    fingerprint: Fingerprint,
}

/// Why there is no identity; every message names the file, most say what to do.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The key is lost. We do not make another in silence: every client would be alarmed.
    #[error(
        "{cert} is here but its key {key} is not: restore the key from a backup, or start \
         over with `chatd key new`, and every client will have to accept the new key",
        cert = cert.display(), key = key.display()
    )]
    KeyMissing {
        /// The certificate that is there.
        cert: PathBuf,
        /// The key that is not.
        key: PathBuf,
    },
    /// Others on this machine could take the server's place.
    #[error(
        "{file} has mode {mode:04o}, so others can use the key: do `chmod 600 {file}`",
        file = file.display()
    )]
    KeyExposed {
        /// The key.
        file: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The two files are not a pair.
    #[error(
        "the key {key} does not belong to the certificate {cert} (which must be the first \
         of its chain)",
        cert = cert.display(), key = key.display()
    )]
    Mismatch {
        /// The certificate.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// The file holds no usable certificate.
    #[error("{file}: {reason}", file = file.display())]
    BadCertificate {
        /// The certificate.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file holds no usable private key.
    #[error("{file}: {reason}", file = file.display())]
    BadKey {
        /// The key.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file cannot be read.
    #[error("cannot read {file}", file = file.display())]
    Read {
        /// Which file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {file}", file = file.display())]
    Write {
        /// Which file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// No key or certificate could be made, which is a defect or a lack of randomness.
    #[error("cannot make {file}", file = file.display())]
    Make {
        /// Which file.
        file: PathBuf,
        /// Why not.
        source: rcgen::Error,
    },
}

/// The files of an identity in the data folder.
pub(crate) const CERT_FILE: &str = "cert.pem";
pub(crate) const KEY_FILE: &str = "key.pem";

impl Identity {
    /// Loads `key.pem` and `cert.pem` of the folder `dir`, and makes what is missing.
    ///
    /// A key without a certificate gets a new certificate.
    ///
    /// # Errors
    /// A certificate without its key, and whatever [`Identity::load`] says. After
    /// [`IdentityError::Write`] it can be called again: half a file is never left.
    pub fn load_or_make(dir: &Path) -> Result<Self, IdentityError> {
        let (cert, key) = (dir.join(CERT_FILE), dir.join(KEY_FILE));
        if !exists(&key)? {
            if exists(&cert)? {
                return Err(IdentityError::KeyMissing { cert, key });
            }
            make_key(&key)?;
        }
        if !exists(&cert)? {
            make_certificate(&cert, &key)?;
        }
        Self::load(&cert, &key)
    }

    /// Loads an operator's own PEM files: a certificate or chain, and its private key.
    ///
    /// The key is PKCS#8, SEC1 or PKCS#1. Its group may read it, as some certificate
    /// tools arrange it, but nobody else may.
    ///
    /// # Errors
    /// The operator can mend every one of them; the message says how.
    pub fn load(cert: &Path, key: &Path) -> Result<Self, IdentityError> {
        let chain = read_chain(cert)?;
        let fingerprint = Fingerprint::of_certificate(&chain[0])
            .map_err(|error| bad_certificate(cert, error.to_string()))?;
        let private_key = read_key(key)?;
        let certified_key = CertifiedKey::from_der(chain, private_key, &ring::default_provider())
            .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                IdentityError::Mismatch { cert: cert.into(), key: key.into() }
            }
            other => bad_key(key, other.to_string()),
        })?;
        Ok(Self { certified_key: Arc::new(certified_key), fingerprint })
    }

    /// Makes a new key and certificate in the folder `dir`, in place of what is there.
    ///
    /// The old pair stays as `key.pem.old` and `cert.pem.old`, where it replaces an older one.
    ///
    /// # Errors
    /// Whenever this fails or the machine stops, [`Identity::load_or_make`] finds either
    /// the old key or the new one.
    pub fn make_new(dir: &Path) -> Result<Self, IdentityError> {
        let (cert, key) = (dir.join(CERT_FILE), dir.join(KEY_FILE));
        keep_old(&cert)?;
        keep_old(&key)?;
        // The certificate goes first: it can be made again for either key.
        whole_file::remove(&cert).map_err(cannot_write(&cert))?;
        make_key(&key)?;
        make_certificate(&cert, &key)?;
        Self::load(&cert, &key)
    }

    /// What clients know this server by.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The server's side of TLS 1.3 and 1.2, without client certificates or resumption.
    pub fn server_config(&self) -> Arc<ServerConfig> {
        let key = SingleCertAndKey::from(Arc::clone(&self.certified_key));
        // Another crate may switch on a second provider: always say which one.
        let mut provider = ring::default_provider();
        prefer_quick(&mut provider.cipher_suites);
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .expect("ring has TLS 1.3 and 1.2")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(key));
        config.ignore_client_order = true;
        // Chat connections live long: resuming saves little, and remembering costs memory.
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Arc::new(config)
    }
}

/// Puts AES-128 before AES-256: both are beyond reach, and its SHA-256 has instructions of
/// its own in processors, which the SHA-384 of the other has not. Measured: a handshake
/// costs the server a tenth less.
fn prefer_quick(suites: &mut [SupportedCipherSuite]) {
    suites.sort_by_key(|suite| match suite.suite() {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => 0,
        suite if suite.as_str().is_some_and(|name| name.starts_with("TLS13_")) => 1,
        _ => 2,
    });
}

/// Bits that a key's mode must not have: group may read it, others may do nothing.
///
/// 0640 is what Debian's group `ssl-cert` and systemd's credentials come with.
const KEY_EXPOSED: u32 = 0o037;

/// The mode of the key that we make ourselves: its owner's alone.
const KEY_MODE: u32 = 0o600;

/// The mode of the certificate: anyone who connects sees it anyway.
const CERT_MODE: u32 = 0o644;

fn make_key(file: &Path) -> Result<(), IdentityError> {
    // ECDSA on P-256.
    let key = KeyPair::generate().map_err(cannot_make(file))?;
    whole_file::write(file, key.serialize_pem().as_bytes(), KEY_MODE).map_err(cannot_write(file))
}

/// Writes a self-signed certificate for the key in the file `key`.
fn make_certificate(file: &Path, key: &Path) -> Result<(), IdentityError> {
    let key =
        KeyPair::try_from(&read_key(key)?).map_err(|error| bad_key(key, error.to_string()))?;
    let mut params = CertificateParams::new(["localhost", "127.0.0.1", "::1"].map(String::from))
        .map_err(cannot_make(file))?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "chatd");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Clients pin the key, so dates would only break things: it begins before any clock
    // that could be right, and its end is RFC 5280's "no well-defined expiration date".
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(9999, 12, 31);
    let certificate = params.self_signed(&key).map_err(cannot_make(file))?;
    whole_file::write(file, certificate.pem().as_bytes(), CERT_MODE).map_err(cannot_write(file))
}

/// Copies `file`, if it is there, to its name with `.old`.
fn keep_old(file: &Path) -> Result<(), IdentityError> {
    if !exists(file)? {
        return Ok(());
    }
    let contents = fs::read(file).map_err(cannot_read(file))?;
    let old = whole_file::sibling(file, ".old");
    whole_file::write(&old, &contents, KEY_MODE).map_err(cannot_write(&old))
}

/// The certificates in `file`, at least one.
fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let text = fs::read(file).map_err(cannot_read(file))?;
    let chain = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| bad_certificate(file, DAMAGED_PEM))?;
    if chain.is_empty() {
        return Err(bad_certificate(file, "it holds no certificate in PEM"));
    }
    Ok(chain)
}

fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>, IdentityError> {
    let mut opened = File::open(file).map_err(cannot_read(file))?;
    let metadata = opened.metadata().map_err(cannot_read(file))?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & KEY_EXPOSED != 0 {
        let file = file.into();
        return Err(IdentityError::KeyExposed { file, mode });
    }
    let mut text = Vec::new();
    opened.read_to_end(&mut text).map_err(cannot_read(file))?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        pem::Error::NoItemsFound => bad_key(
            file,
            "it holds no private key in PEM (an encrypted one must be decrypted first)",
        ),
        _ => bad_key(file, DAMAGED_PEM),
    })
}

const DAMAGED_PEM: &str = "its PEM is damaged or cut off";

fn exists(file: &Path) -> Result<bool, IdentityError> {
    file.try_exists().map_err(cannot_read(file))
}

fn bad_certificate(file: &Path, reason: impl Into<String>) -> IdentityError {
    IdentityError::BadCertificate { file: file.into(), reason: reason.into() }
}

fn bad_key(file: &Path, reason: impl Into<String>) -> IdentityError {
    IdentityError::BadKey { file: file.into(), reason: reason.into() }
}

fn cannot_read(file: &Path) -> impl FnOnce(io::Error) -> IdentityError {
    let file = file.into();
    |source| IdentityError::Read { file, source }
}

fn cannot_write(file: &Path) -> impl FnOnce(io::Error) -> IdentityError {
    let file = file.into();
    |source| IdentityError::Write { file, source }
}

fn cannot_make(file: &Path) -> impl FnOnce(rcgen::Error) -> IdentityError {
    let file = file.into();
    |source| IdentityError::Make { file, source }
}
