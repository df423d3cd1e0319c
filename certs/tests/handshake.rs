//! Real handshakes: which servers a client talks to, and what it says of the others.

use std::error::Error;
use std::fs;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use certs::{Fingerprint, Identity, KnownHosts, Trust, TrustError, client_config, explain};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConnection, ServerConfig, ServerConnection, SupportedProtocolVersion};
use tempfile::TempDir;

type Outcome = Result<(), Box<dyn Error>>;

const HOST: &str = "chat.example";
const PORT: u16 = 65432;

/// A folder with the files of one test, and the key of the server that is meant.
struct Scene {
    dir: TempDir,
    key: KeyPair,
    ca: Issuer<'static, KeyPair>,
}

/// What is out of the ordinary about a server's certificate.
enum Made {
    Well,
    ForAnotherName,
    LongAgo,
    InTheFuture,
    ByItself,
}

impl Scene {
    fn new() -> Result<Self, Box<dyn Error>> {
        let dir = tempfile::tempdir()?;
        let (ca, ca_pem) = authority()?;
        fs::write(dir.path().join("ca.pem"), ca_pem)?;
        let key = KeyPair::generate()?;
        Ok(Self { dir, key, ca })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn pin(&self) -> Result<Fingerprint, Box<dyn Error>> {
        Ok(self.identity(&self.key, Made::Well)?.fingerprint())
    }

    fn ca(&self) -> Trust {
        let file = self.path("ca.pem");
        Trust::Ca { file }
    }

    fn known_hosts(&self) -> Trust {
        let file = self.path("known_hosts");
        Trust::KnownHosts { file }
    }

    /// A server with `key`, whose certificate was signed by our authority.
    fn identity(&self, key: &KeyPair, made: Made) -> Result<Identity, Box<dyn Error>> {
        let name = match made {
            Made::ForAnotherName => "other.example",
            _ => HOST,
        };
        let mut params = CertificateParams::new([name.to_owned()])?;
        match made {
            Made::LongAgo => params.not_after = date_time_ymd(2001, 1, 1),
            Made::InTheFuture => params.not_before = date_time_ymd(4000, 1, 1),
            Made::Well | Made::ForAnotherName | Made::ByItself => {}
        }
        let certificate = match made {
            Made::ByItself => params.self_signed(key)?,
            _ => params.signed_by(key, &self.ca)?,
        };
        let (cert_file, key_file) = (self.path("cert.pem"), self.path("key.pem"));
        fs::write(&cert_file, certificate.pem())?;
        fs::write(&key_file, key.serialize_pem())?;
        fs::set_permissions(&key_file, Permissions::from_mode(0o600))?;
        Ok(Identity::load(&cert_file, &key_file)?)
    }
}

fn authority() -> Result<(Issuer<'static, KeyPair>, String), Box<dyn Error>> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "authority");
    let pem = params.self_signed(&key)?.pem();
    Ok((Issuer::new(params, key), pem))
}

/// Connects, and says in one line how that went.
fn meet(trust: &Trust, server: Arc<ServerConfig>) -> Result<String, Box<dyn Error>> {
    let (config, judge) = client_config(trust, HOST, PORT)?;
    let (mut client_socket, mut server_socket) = UnixStream::pair()?;
    let server = thread::spawn(move || -> io::Result<()> {
        let mut connection = ServerConnection::new(server).map_err(io::Error::other)?;
        connection.complete_io(&mut server_socket)?;
        Ok(())
    });
    let mut client = ClientConnection::new(config, ServerName::try_from(HOST)?)?;
    let result = client.complete_io(&mut client_socket);
    drop(client_socket);
    let served = server.join().map_err(|_| "the server panicked")?;

    Ok(match result {
        Ok(_) => {
            assert!(served.is_ok(), "{served:?}");
            format!("{:?}", judge.verdict(&client)?)
        }
        Err(error) => {
            assert!(served.is_err(), "a refused server got through the handshake");
            explain(&error).ok_or(error)?.to_string()
        }
    })
}

#[test]
fn a_pin_asks_for_the_key_and_for_nothing_else() -> Outcome {
    let scene = Scene::new()?;
    let pin = scene.pin()?;
    let trust = Trust::Pin(pin);
    for made in [Made::Well, Made::ForAnotherName, Made::LongAgo, Made::ByItself] {
        let server = scene.identity(&scene.key, made)?;
        assert_eq!(meet(&trust, server.server_config())?, format!("Trusted({pin})"));
    }

    let mallory = scene.identity(&KeyPair::generate()?, Made::Well)?;
    let seen = mallory.fingerprint();
    assert_eq!(
        meet(&trust, mallory.server_config())?,
        format!("the server's key is {seen}, but {pin} is pinned")
    );
    Ok(())
}

#[test]
fn an_authority_vouches_for_any_key_but_for_name_and_dates_too() -> Outcome {
    let scene = Scene::new()?;
    let check = |made, expected: &str| -> Outcome {
        let server = scene.identity(&KeyPair::generate()?, made)?;
        let expected = expected.replace("KEY", &server.fingerprint().to_string());
        assert_eq!(meet(&scene.ca(), server.server_config())?, expected);
        Ok(())
    };
    check(Made::Well, "Trusted(KEY)")?;
    check(Made::ForAnotherName, "the server's certificate is not for chat.example")?;
    check(Made::LongAgo, "the server's certificate has expired")?;
    check(Made::InTheFuture, "the server's certificate is not valid yet (is the clock right?)")?;
    check(Made::ByItself, "the server's certificate is not from an authority that is trusted")?;

    // An authority of the same name that is not the same.
    let server = scene.identity(&scene.key, Made::Well)?;
    fs::write(scene.path("ca.pem"), authority()?.1)?;
    assert_eq!(
        meet(&scene.ca(), server.server_config())?,
        "the server's certificate is not from an authority that is trusted"
    );
    Ok(())
}

#[test]
fn a_self_signed_certificate_can_be_its_own_authority() -> Outcome {
    let scene = Scene::new()?;
    let server = scene.identity(&scene.key, Made::ByItself)?;
    fs::copy(scene.path("cert.pem"), scene.path("ca.pem"))?;
    let expected = format!("Trusted({})", server.fingerprint());
    assert_eq!(meet(&scene.ca(), server.server_config())?, expected);
    Ok(())
}

#[test]
fn authorities_that_cannot_be_read_are_an_error_before_connecting() -> Outcome {
    let scene = Scene::new()?;
    let Trust::Ca { file } = scene.ca() else {
        return Err("it is a CA".into());
    };
    let check = |reason: &str| {
        let error = client_config(&scene.ca(), HOST, PORT).expect_err("there are none");
        let expected = format!("{} gives no authorities: {reason}", file.display());
        assert_eq!(error.to_string(), expected);
    };
    fs::write(&file, "nothing of the kind\n")?;
    check("no root trust anchors were provided");
    fs::write(&file, "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n")?;
    check("base64 decode error: InvalidCharacter(33)");
    fs::remove_file(&file)?;
    check("I/O error: No such file or directory (os error 2)");
    Ok(())
}

#[test]
fn a_server_is_new_then_known_and_a_changed_key_is_refused() -> Outcome {
    let scene = Scene::new()?;
    let trust = scene.known_hosts();
    let server = scene.identity(&scene.key, Made::Well)?;
    let known = server.fingerprint();
    assert_eq!(meet(&trust, server.server_config())?, format!("New({known})"));
    assert_eq!(meet(&trust, server.server_config())?, format!("New({known})"));

    KnownHosts::open(&scene.path("known_hosts"))?.remember(HOST, PORT, known)?;
    for made in [Made::Well, Made::ForAnotherName, Made::LongAgo, Made::ByItself] {
        let renewed = scene.identity(&scene.key, made)?;
        assert_eq!(meet(&trust, renewed.server_config())?, format!("Trusted({known})"));
    }

    let mallory = scene.identity(&KeyPair::generate()?, Made::Well)?;
    let seen = mallory.fingerprint();
    assert_eq!(
        meet(&trust, mallory.server_config())?,
        format!("the server's key has changed: it is {seen}, known is {known}")
    );
    Ok(())
}

#[test]
fn a_stolen_certificate_is_worth_nothing_without_its_key() -> Outcome {
    let scene = Scene::new()?;
    let pin = scene.pin()?;
    let stolen = CertificateDer::from_pem_file(scene.path("cert.pem"))?;
    for version in [&TLS12, &TLS13] {
        for trust in [Trust::Pin(pin), scene.ca(), scene.known_hosts()] {
            assert_eq!(
                meet(&trust, thief(stolen.clone(), version)?)?,
                "the server does not prove that it holds the key of its certificate",
                "{trust:?} {version:?}"
            );
        }
    }
    Ok(())
}

#[test]
fn a_certificate_of_garbage_is_refused_and_named() -> Outcome {
    let scene = Scene::new()?;
    let pin = scene.pin()?;
    let mut cut =
        fs::read(scene.path("cert.pem")).map(|pem| CertificateDer::from_pem_slice(&pem))??.to_vec();
    cut.truncate(cut.len() / 2);
    for trust in [Trust::Pin(pin), scene.ca(), scene.known_hosts()] {
        let told = meet(&trust, thief(cut.clone().into(), &TLS13)?)?;
        assert!(told.starts_with("the server's certificate cannot be used: "), "{told}");
    }
    Ok(())
}

/// A server that shows `certificate` and signs with a key of its own.
fn thief(
    certificate: CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
) -> Result<Arc<ServerConfig>, Box<dyn Error>> {
    let provider = ring::default_provider();
    let key = PrivateKeyDer::try_from(KeyPair::generate()?.serialize_der())?;
    let key = provider.key_provider.load_private_key(key)?;
    let shown = SingleCertAndKey::from(CertifiedKey::new(vec![certificate], key));
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[version])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(shown));
    Ok(Arc::new(config))
}

#[test]
fn the_identity_that_a_server_makes_is_good_for_loopback() -> Outcome {
    let dir = tempfile::tempdir()?;
    let identity = Identity::load_or_make(dir.path())?;
    let file = dir.path().join("cert.pem");
    let trust = Trust::Ca { file };
    for host in ["localhost", "127.0.0.1", "::1"] {
        let (config, _) = client_config(&trust, host, PORT)?;
        let mut client = ClientConnection::new(config, ServerName::try_from(host)?)?;
        let mut server = ServerConnection::new(identity.server_config())?;
        while client.is_handshaking() || server.is_handshaking() {
            let mut bytes = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut bytes)?;
            }
            server.read_tls(&mut bytes.as_slice())?;
            server.process_new_packets()?;
            let mut bytes = Vec::new();
            while server.wants_write() {
                server.write_tls(&mut bytes)?;
            }
            client.read_tls(&mut bytes.as_slice())?;
            client.process_new_packets()?;
        }
    }
    Ok(())
}

#[test]
fn there_is_no_verdict_before_the_handshake() -> Outcome {
    let scene = Scene::new()?;
    let (config, judge) = client_config(&scene.known_hosts(), HOST, PORT)?;
    let client = ClientConnection::new(config, ServerName::try_from(HOST)?)?;
    assert_eq!(judge.verdict(&client), Err(TrustError::NoCertificate));
    Ok(())
}

#[test]
fn errors_that_are_not_about_trust_are_not_explained() {
    assert_eq!(explain(&io::ErrorKind::ConnectionReset.into()), None);
    assert_eq!(explain(&io::Error::other("something")), None);
    assert_eq!(explain(&io::Error::other(rustls::Error::DecryptError)), None);
}
