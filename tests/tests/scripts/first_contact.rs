//! What a client makes of a server's certificate: a table of every way to know a server,
//! and everything that its operator, or somebody else, may show.

use std::fs;

use expect_test::expect;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use tests::{Home, Server, outcome};

use crate::identity::{KNOWN_HOSTS, NO_DATA_BYTES_MAX, Wiretap};

/// Ways to know the server with the key KEY at ADDRESS.
const WAYS: [(&str, &[&str]); 6] = [
    ("nothing", &[]),
    ("--accept-new", &["--accept-new"]),
    ("--pin", &["--pin", "KEY"]),
    ("--ca", &["--ca", "ca.pem"]),
    ("known", &[]),
    ("known, --accept-new", &["--accept-new"]),
];

/// An operator's authority, key and server, and the home of one who has heard of them.
struct Scene {
    home: Home,
    authority: Issuer<'static, KeyPair>,
    key: KeyPair,
}

impl Scene {
    fn new() -> Scene {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let home = Home::new();
        home.write("ca.pem", params.self_signed(&key).unwrap().pem());
        home.write("password", "1234\n");
        let authority = Issuer::new(params, key);
        Scene { home, authority, key: KeyPair::generate().unwrap() }
    }

    /// A server with `key`, whose certificate from the authority `change` has changed.
    fn server(&self, key: &KeyPair, change: impl Fn(&mut CertificateParams)) -> Server {
        let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(key, &self.authority).unwrap();
        self.home.write("cert.pem", certificate.pem());
        self.home.write("key.pem", key.serialize_pem());
        let file = |name| self.home.path(name).display().to_string();
        let settings =
            [format!("tls.cert={}", file("cert.pem")), format!("tls.key={}", file("key.pem"))];
        let server = Server::with(&settings.each_ref().map(String::as_str));
        server.user("ann");
        server
    }

    /// Each way to know the server with the key `known`, and what comes of it here.
    fn row(&self, name: &str, server: &Server, known: &str) -> String {
        let mut row = format!("{name}:\n");
        for (way, options) in WAYS {
            let _ = fs::remove_file(self.home.path(KNOWN_HOSTS));
            let tap = Wiretap::before(server);
            let address = tap.address.to_string();
            if way.starts_with("known") {
                self.home.write(KNOWN_HOSTS, format!("{address} {known}\n"));
            }
            let at = ["-a", &address, "-u", "ann", "--password-file", "password", "-c", "/ping"];
            let options: Vec<_> =
                options.iter().map(|&word| if word == "KEY" { known } else { word }).collect();
            let said = outcome(self.home.chatsh(&[&at, &options[..]].concat()), "");
            // Not one byte of data, or all that there was to send.
            let bytes = tap.data_bytes();
            assert_eq!(bytes > NO_DATA_BYTES_MAX, said.ends_with("exit 0\n"), "{bytes}: {said}");
            let said = said
                .replace(&address, "ADDRESS")
                .replace(known, "KEY")
                .replace(&server.fingerprint, "OTHER")
                .replace(&*self.home.path("").to_string_lossy(), "")
                .replace("! chatsh: ", "")
                .replace("\nexit", ": exit")
                .replace('\n', ", ");
            row.push_str(&format!("  {way}: {}\n", said.trim_end_matches(", ")));
        }
        row
    }
}

#[test]
fn every_way_to_know_a_server_and_every_certificate() {
    let scene = Scene::new();
    let Scene { key, .. } = &scene;
    let server = scene.server(key, |_| ());
    let known = server.fingerprint.clone();
    let mut table = scene.row("as it should be", &server, &known);
    let expired = scene.server(key, |params| params.not_after = date_time_ymd(2001, 1, 1));
    table += &scene.row("expired", &expired, &known);
    let early = scene.server(key, |params| params.not_before = date_time_ymd(3000, 1, 1));
    table += &scene.row("not yet valid", &early, &known);
    let elsewhere = scene.server(key, |params| {
        *params = CertificateParams::new(["chat.example".to_owned()]).unwrap();
    });
    table += &scene.row("for another name", &elsewhere, &known);
    let other = scene.server(&KeyPair::generate().unwrap(), |_| ());
    table += &scene.row("from the same authority, with another key", &other, &known);
    let own = Server::start();
    own.user("ann");
    table += &scene.row("another key that nobody vouches for", &own, &known);
    expect![[r#"
        as it should be:
          nothing: ADDRESS is not known: its key is KEY; if that is right, say --pin KEY or --accept-new: exit 5
          --accept-new: ping: ok, ADDRESS is KEY from now on, kept in .local/share/chatsh/known_hosts: exit 0
          --pin: ping: ok: exit 0
          --ca: ping: ok: exit 0
          known: ping: ok: exit 0
          known, --accept-new: ping: ok: exit 0
        expired:
          nothing: ADDRESS is not known: its key is KEY; if that is right, say --pin KEY or --accept-new: exit 5
          --accept-new: ping: ok, ADDRESS is KEY from now on, kept in .local/share/chatsh/known_hosts: exit 0
          --pin: ping: ok: exit 0
          --ca: ADDRESS: the server's certificate has expired; nothing was sent: exit 5
          known: ping: ok: exit 0
          known, --accept-new: ping: ok: exit 0
        not yet valid:
          nothing: ADDRESS is not known: its key is KEY; if that is right, say --pin KEY or --accept-new: exit 5
          --accept-new: ping: ok, ADDRESS is KEY from now on, kept in .local/share/chatsh/known_hosts: exit 0
          --pin: ping: ok: exit 0
          --ca: ADDRESS: the server's certificate is not valid yet (is the clock right?); nothing was sent: exit 5
          known: ping: ok: exit 0
          known, --accept-new: ping: ok: exit 0
        for another name:
          nothing: ADDRESS is not known: its key is KEY; if that is right, say --pin KEY or --accept-new: exit 5
          --accept-new: ping: ok, ADDRESS is KEY from now on, kept in .local/share/chatsh/known_hosts: exit 0
          --pin: ping: ok: exit 0
          --ca: ADDRESS: the server's certificate is not for 127.0.0.1; nothing was sent: exit 5
          known: ping: ok: exit 0
          known, --accept-new: ping: ok: exit 0
        from the same authority, with another key:
          nothing: ADDRESS is not known: its key is OTHER; if that is right, say --pin OTHER or --accept-new: exit 5
          --accept-new: ping: ok, ADDRESS is OTHER from now on, kept in .local/share/chatsh/known_hosts: exit 0
          --pin: ADDRESS: the server's key is OTHER, but KEY is pinned; nothing was sent: exit 5
          --ca: ping: ok: exit 0
          known: ADDRESS: the server's key has changed: it is OTHER, known is KEY; nothing was sent; if its operator confirms the new key, delete its line in .local/share/chatsh/known_hosts: exit 5
          known, --accept-new: ADDRESS: the server's key has changed: it is OTHER, known is KEY; nothing was sent; if its operator confirms the new key, delete its line in .local/share/chatsh/known_hosts: exit 5
        another key that nobody vouches for:
          nothing: ADDRESS is not known: its key is OTHER; if that is right, say --pin OTHER or --accept-new: exit 5
          --accept-new: ping: ok, ADDRESS is OTHER from now on, kept in .local/share/chatsh/known_hosts: exit 0
          --pin: ADDRESS: the server's key is OTHER, but KEY is pinned; nothing was sent: exit 5
          --ca: ADDRESS: the server's certificate is not from an authority that is trusted; nothing was sent: exit 5
          known: ADDRESS: the server's key has changed: it is OTHER, known is KEY; nothing was sent; if its operator confirms the new key, delete its line in .local/share/chatsh/known_hosts: exit 5
          known, --accept-new: ADDRESS: the server's key has changed: it is OTHER, known is KEY; nothing was sent; if its operator confirms the new key, delete its line in .local/share/chatsh/known_hosts: exit 5
    "#]].assert_eq(&table);
}

#[test]
fn a_renewed_certificate_with_the_same_key_passes() {
    let scene = Scene::new();
    let Scene { home, key, .. } = &scene;
    let known = scene.server(key, |_| ()).fingerprint.clone();
    let first = home.read("cert.pem");
    let renewed = scene.server(key, |params| params.not_after = date_time_ymd(3000, 1, 1));
    assert_ne!(home.read("cert.pem"), first);
    expect![[r#"
        renewed:
          nothing: ADDRESS is not known: its key is KEY; if that is right, say --pin KEY or --accept-new: exit 5
          --accept-new: ping: ok, ADDRESS is KEY from now on, kept in .local/share/chatsh/known_hosts: exit 0
          --pin: ping: ok: exit 0
          --ca: ping: ok: exit 0
          known: ping: ok: exit 0
          known, --accept-new: ping: ok: exit 0
    "#]].assert_eq(&scene.row("renewed", &renewed, &known));
}
