//! A cable between clients and a server that can be cut and mended, while the server
//! lives, or is another one.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::eventually;

/// A place to connect to instead of the server.
pub struct Cable {
    /// The near end.
    pub address: SocketAddr,
    wires: Arc<Mutex<Wires>>,
}

struct Wires {
    server: SocketAddr,
    is_whole: bool,
    /// Is what the server says lost on the way?
    is_deaf: bool,
    /// Was anything?
    has_swallowed: bool,
    sockets: Vec<TcpStream>,
}

impl Cable {
    pub fn to(server: SocketAddr) -> Cable {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let wires =
            Wires { server, is_whole: true, is_deaf: false, has_swallowed: false, sockets: vec![] };
        let wires = Arc::new(Mutex::new(wires));
        let shared = wires.clone();
        std::thread::spawn(move || {
            for near in listener.incoming() {
                shared.lock().unwrap().connect(near.unwrap(), &shared);
            }
        });
        Cable { address, wires }
    }

    /// Ends all connections; those that come are ended at once.
    pub fn cut(&self) {
        let mut wires = self.wires.lock().unwrap();
        (wires.is_whole, wires.is_deaf) = (false, false);
        for socket in wires.sockets.drain(..) {
            // It may have ended by itself.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.wires.lock().unwrap().is_whole = true;
    }

    /// Leads to another server from now on.
    pub fn lead_to(&self, server: SocketAddr) {
        self.wires.lock().unwrap().server = server;
    }

    /// From now on, until it is cut, nothing that the server says gets through.
    pub fn swallow(&self) {
        let mut wires = self.wires.lock().unwrap();
        (wires.is_deaf, wires.has_swallowed) = (true, false);
    }

    /// Waits until the server has said something that was lost.
    pub fn wait_for_loss(&self) {
        eventually("something is lost", || self.wires.lock().unwrap().has_swallowed);
    }
}

impl Wires {
    fn connect(&mut self, near: TcpStream, shared: &Arc<Mutex<Wires>>) {
        if !self.is_whole {
            return;
        }
        let Ok(far) = TcpStream::connect(self.server) else { return };
        let (from, to) = (near.try_clone().unwrap(), far.try_clone().unwrap());
        std::thread::spawn(move || carry(from, to, || true));
        let (from, to) = (far.try_clone().unwrap(), near.try_clone().unwrap());
        let wires = shared.clone();
        std::thread::spawn(move || carry(from, to, || wires.lock().unwrap().lets_through()));
        self.sockets.extend([near, far]);
    }

    /// Does what the server says now get through?
    fn lets_through(&mut self) -> bool {
        self.has_swallowed |= self.is_deaf;
        !self.is_deaf
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, gets_through: impl Fn() -> bool) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        if gets_through() && to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
