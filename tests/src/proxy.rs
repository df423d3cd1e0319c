//! A proxy that cuts connections: each at a byte that chance chooses, in either
//! direction, in the middle of whatever it carries.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::SockRef;

use crate::Chance;

/// Connections at once, at most: further ones are closed as they come.
const OPEN_MAX: usize = 64;

/// The longest that a cut connection lives is twice this power of two in bytes, towards
/// the server and back: some end within the handshake, and some after hundreds of
/// messages.
const UP_BITS: u64 = 14;
const DOWN_BITS: u64 = 17;

/// A proxy at work. Dropped, it takes no further connections.
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    server: SocketAddr,
    chance: Mutex<Chance>,
    is_over: AtomicBool,
    open: AtomicUsize,
    cuts_up: AtomicUsize,
    cuts_down: AtomicUsize,
}

impl Proxy {
    /// A proxy in front of a server.
    pub fn before(server: SocketAddr, chance: Chance) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            server,
            chance: Mutex::new(chance),
            is_over: AtomicBool::new(false),
            open: AtomicUsize::new(0),
            cuts_up: AtomicUsize::new(0),
            cuts_down: AtomicUsize::new(0),
        });
        let own = shared.clone();
        let accepting = std::thread::spawn(move || accept(&own, &listener));
        Proxy { address, shared, accepting: Some(accepting) }
    }

    /// How many connections it has cut, by the direction in which their last byte went:
    /// to the server, and back.
    pub fn cuts(&self) -> (usize, usize) {
        (self.shared.cuts_up.load(Ordering::Relaxed), self.shared.cuts_down.load(Ordering::Relaxed))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // It waits for a connection: this is one.
        let _ = TcpStream::connect(self.address);
        self.accepting.take().into_iter().for_each(|accepting| accepting.join().unwrap());
    }
}

fn accept(shared: &Arc<Shared>, listener: &TcpListener) {
    for client in listener.incoming() {
        if shared.is_over.load(Ordering::Relaxed) {
            return;
        }
        let Ok(client) = client else { continue };
        // A server that is down refuses; so the client's connection ends here.
        let Ok(server) = TcpStream::connect(shared.server) else { continue };
        if shared.open.fetch_add(1, Ordering::Relaxed) >= OPEN_MAX {
            shared.open.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let (up_max, down_max, is_reset) = shared.limits();
        let shared = shared.clone();
        std::thread::spawn(move || {
            carry(&shared, &client, &server, up_max, down_max, is_reset);
            shared.open.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

impl Shared {
    /// How many bytes go each way, and whether the end is a reset.
    fn limits(&self) -> (usize, usize, bool) {
        let chance = &mut *self.chance.lock().unwrap();
        let mut limit = |bits| {
            let power = 1 << chance.below(bits + 1);
            (power + chance.below(power)) as usize
        };
        (limit(UP_BITS), limit(DOWN_BITS), chance.one_in(2))
    }
}

/// Carries bytes both ways until one way has had enough, or an end closes.
fn carry(
    shared: &Shared,
    client: &TcpStream,
    server: &TcpStream,
    up_max: usize,
    down_max: usize,
    is_reset: bool,
) {
    for socket in [client, server] {
        socket.set_nodelay(true).unwrap();
        if is_reset {
            SockRef::from(socket).set_linger(Some(Duration::ZERO)).unwrap();
        }
    }
    let end = || {
        for socket in [client, server] {
            // A reset is what closing does then; to shut down would say goodbye first.
            let how = if is_reset { Shutdown::Read } else { Shutdown::Both };
            let _ = socket.shutdown(how);
        }
    };
    let way = |from, to, max, cuts: &AtomicUsize| {
        cuts.fetch_add(usize::from(pump(from, to, max)), Ordering::Relaxed);
        end();
    };
    std::thread::scope(|scope| {
        scope.spawn(|| way(client, server, up_max, &shared.cuts_up));
        way(server, client, down_max, &shared.cuts_down);
    });
}

/// Carries bytes one way; says whether they were enough.
fn pump(mut from: &TcpStream, mut to: &TcpStream, max: usize) -> bool {
    let mut left = max;
    let mut bytes = [0; 4096];
    while left > 0 {
        let want = left.min(bytes.len());
        match from.read(&mut bytes[..want]) {
            Ok(read @ 1..) if to.write_all(&bytes[..read]).is_ok() => left -= read,
            _ => return false,
        }
    }
    true
}
