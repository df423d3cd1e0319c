//! Whom chatsh talks to without a terminal to ask on, and that a stranger hears nothing.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::thread::JoinHandle;

use expect_test::{Expect, expect};
use tests::{Home, Server, outcome};

pub(crate) const KNOWN_HOSTS: &str = ".local/share/chatsh/known_hosts";

/// A key that no server of ours has.
const OTHER: &str = "SHA256:7Q9Zbtvg8q6W0qV+4L8N75s0HNMqOlJJMhFFH410YtY";

/// Stands between one chatsh and a server, and keeps what goes up.
pub(crate) struct Wiretap {
    pub(crate) address: SocketAddr,
    upwards: JoinHandle<Vec<u8>>,
}

impl Wiretap {
    pub(crate) fn before(server: &Server) -> Wiretap {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = server.address;
        let upwards = std::thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let mut server = TcpStream::connect(server).unwrap();
            let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            });
            let mut kept = Vec::new();
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = client.read(&mut bytes) {
                kept.extend_from_slice(&bytes[..read]);
                server.write_all(&bytes[..read]).unwrap();
            }
            let _ = server.shutdown(Shutdown::Write);
            kept
        });
        Wiretap { address, upwards }
    }

    /// How many bytes of records that may carry data went up, once the client has gone.
    pub(crate) fn data_bytes(self) -> usize {
        /// The type of a record of TLS, and the length of its header.
        const APPLICATION_DATA: u8 = 23;
        const HEADER_BYTES: usize = 5;
        // One who has never come is not waited for.
        let _ = TcpStream::connect(self.address);
        let bytes = self.upwards.join().unwrap();
        let (mut rest, mut sum) = (&bytes[..], 0);
        while let [kind, _, _, high, low, ..] = *rest {
            let len = usize::from(u16::from_be_bytes([high, low]));
            sum += if kind == APPLICATION_DATA { len } else { 0 };
            rest = &rest[HEADER_BYTES + len..];
        }
        sum
    }
}

/// The end of a handshake and a goodbye look like data from outside, with a hash of 48
/// bytes and an alert of 2 in them. A greeting is longer than both.
pub(crate) const NO_DATA_BYTES_MAX: usize = (4 + 48 + 17) + (2 + 17);

#[track_caller]
fn check_stranger(server: &Server, home: &Home, options: &[&str], expected: Expect) {
    let tap = Wiretap::before(server);
    let address = tap.address.to_string();
    let at = ["-a", &address, "-u", "ann", "--password-file", "password", "-c", "/list"];
    let said = outcome(home.chatsh(&[&at, options].concat()), "");
    let said = said.replace(&address, "ADDRESS").replace(&server.fingerprint, "SEEN");
    expected.assert_eq(&said.replace(&*home.path("").to_string_lossy(), "HOME/"));
    let bytes = tap.data_bytes();
    assert!(bytes <= NO_DATA_BYTES_MAX, "{bytes} bytes went up");
}

#[test]
fn nothing_is_sent_to_a_server_that_is_not_the_one_that_is_meant() {
    let server = Server::start();
    let home = Home::new();
    home.write("password", "1234\n");
    check_stranger(
        &server,
        &home,
        &["--pin", OTHER],
        expect![[r#"
        ! chatsh: ADDRESS: the server's key is SEEN, but SHA256:7Q9Zbtvg8q6W0qV+4L8N75s0HNMqOlJJMhFFH410YtY is pinned; nothing was sent
        exit 5
    "#]],
    );
    check_stranger(
        &server,
        &home,
        &[],
        expect![[r#"
        ! chatsh: ADDRESS is not known: its key is SEEN; if that is right, say --pin SEEN or --accept-new
        exit 5
    "#]],
    );
    let other = Server::start();
    home.write("ca.pem", fs::read(other.data().join("cert.pem")).unwrap());
    check_stranger(
        &server,
        &home,
        &["--ca", "ca.pem"],
        expect![[r#"
        ! chatsh: ADDRESS: the server's certificate is not from an authority that is trusted; nothing was sent
        exit 5
    "#]],
    );
}

#[test]
fn the_wiretap_sees_what_is_sent_to_the_right_server() {
    let server = Server::start();
    let tap = Wiretap::before(&server);
    let address = tap.address.to_string();
    let home = Home::new();
    let command = home.chatsh(&["-a", &address, "--pin", &server.fingerprint]);
    assert_eq!(outcome(command, "/ping\n"), "ping: ok\nexit 0\n");
    assert!(tap.data_bytes() > 2 * NO_DATA_BYTES_MAX);
}

#[test]
fn a_server_that_was_accepted_once_is_known_until_its_key_changes() {
    let server = Server::start();
    let home = Home::new();
    let run = |server: &Server, options: &[&str]| {
        let address = server.address.to_string();
        let command = home.chatsh(&[&["-a", &address, "-c", "/ping"], options].concat());
        let said = outcome(command, "").replace(&address, "ADDRESS");
        said.replace(&*home.path("").to_string_lossy(), "HOME/")
    };
    let hide = |said: String, server: &Server| said.replace(&server.fingerprint, "KEY");
    expect![[r#"
        ping: ok
        ! chatsh: ADDRESS is KEY from now on, kept in HOME/.local/share/chatsh/known_hosts
        exit 0
    "#]]
    .assert_eq(&hide(run(&server, &["--accept-new"]), &server));
    assert_eq!(run(&server, &[]), "ping: ok\nexit 0\n");
    let known = home.read(KNOWN_HOSTS);
    assert_eq!(known, format!("{} {}\n", server.address, server.fingerprint));
    let mode = fs::metadata(home.path(KNOWN_HOSTS)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    // Another server in the same place, as far as this client can tell.
    let other = Server::start();
    home.write(KNOWN_HOSTS, format!("{} {}\n", other.address, server.fingerprint));
    let changed = hide(run(&other, &[]), &other).replace(&server.fingerprint, "OLD");
    expect![[r#"
        ! chatsh: ADDRESS: the server's key has changed: it is KEY, known is OLD; nothing was sent; if its operator confirms the new key, delete its line in HOME/.local/share/chatsh/known_hosts
        exit 5
    "#]].assert_eq(&changed);
    assert_eq!(hide(run(&other, &["--accept-new"]), &other).lines().last(), Some("exit 5"));
    home.write("password", "1234\n");
    let tap = Wiretap::before(&other);
    home.write(KNOWN_HOSTS, format!("{} {}\n", tap.address, server.fingerprint));
    let address = tap.address.to_string();
    let login = ["-a", &address, "-u", "ann", "--password-file", "password", "-c", "/list"];
    let said = outcome(home.chatsh(&login), "");
    assert!(said.ends_with("\nexit 5\n"), "{said}");
    assert!(tap.data_bytes() <= NO_DATA_BYTES_MAX);
}

#[test]
fn the_key_of_the_same_users_own_chatd_is_trusted_on_this_machine() {
    let server = Server::start();
    let home = Home::new();
    let address = server.address.to_string();
    let run = || outcome(home.chatsh(&["-a", &address, "-c", "/ping"]), "");
    assert!(run().ends_with("exit 5\n"));
    home.write(".local/share/empty", "");
    symlink(server.data(), home.path(".local/share/chatd")).unwrap();
    assert_eq!(run(), "ping: ok\nexit 0\n");
    // It is not kept: the key file is what is believed.
    assert!(!home.path(KNOWN_HOSTS).exists());
    // One that others can read may be anybody's.
    let key = server.data().join("key.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(run().ends_with("exit 5\n"));
}

#[test]
fn an_address_brings_its_pin_its_user_and_its_room_also_from_the_variable() {
    let server = Server::start();
    server.user("ann");
    let home = Home::new();
    home.write("password", "1234\n");
    let address = format!("chat://ann@{}/general#{}", server.address, server.fingerprint);
    let as_argument = home.chatsh(&["--password-file", "password", &address]);
    let mut from_variable = home.chatsh(&["--password-file", "password"]);
    from_variable.env("CHATSH_ADDRESS", address);
    for command in [as_argument, from_variable] {
        expect![[r#"
            ann: hello
            general: ann
            exit 0
        "#]]
        .assert_eq(&outcome(command, "hello\n/list\n"));
    }
}
