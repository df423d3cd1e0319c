//! One client: bytes to and from its socket, through TLS, and what they mean.

use std::io::{self, BufRead, Read, Write};
use std::mem::MaybeUninit;
use std::net::{Shutdown, TcpStream};

use color_eyre::eyre::Result;
use rustix::io::Errno;
use rustls::ClientConnection;
use socket2::{Domain, SockRef, Socket, Type};

use crate::target::{Tls, check_version};
use crate::tongue::{Heard, Tongue};

/// How much is thrown away at once.
const DISCARD_BYTES: usize = 256 * 1024;

/// What connecting says when it does not wait.
const IN_PROGRESS: i32 = Errno::INPROGRESS.raw_os_error();

/// One connection.
pub struct Client {
    pub socket: TcpStream,
    tls: ClientConnection,
    tongue: Tongue,
    /// What was said before it had shaken hands: it goes after that.
    early: Vec<u8>,
    /// What came and is not whole.
    unread: Vec<u8>,
    /// It has shaken hands, in a version that counts.
    pub has_shaken: bool,
    /// Its socket took no more when it was last flushed.
    pub is_blocked: bool,
    /// What comes is thrown away by the kernel.
    pub is_deaf: bool,
}

impl Client {
    /// Begins to connect, without waiting: the next flush that the socket takes begins the
    /// handshake, which goes on as bytes come, and what is said meanwhile follows it.
    pub fn connect(tls: &Tls) -> Result<Client> {
        let address = tls.target.address;
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        match socket.connect(&address.into()) {
            Err(error) if error.raw_os_error() != Some(IN_PROGRESS) => return Err(error.into()),
            _ => {}
        }
        let socket = TcpStream::from(socket);
        let mut client = Client {
            socket,
            tls: tls.connection()?,
            tongue: tls.target.tongue,
            early: Vec::new(),
            unread: Vec::new(),
            has_shaken: false,
            is_blocked: false,
            is_deaf: false,
        };
        client.tls.set_buffer_limit(None);
        Ok(client)
    }

    /// Says something. It goes with the next [`Client::flush`].
    pub fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.tls.is_handshaking() {
            self.early.extend_from_slice(bytes);
            return Ok(());
        }
        self.tls.writer().write_all(bytes)
    }

    /// Writes what waits; says whether the socket takes no more for now.
    pub fn flush(&mut self) -> io::Result<bool> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.socket) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // What it said last can still be read; then it is seen to have ended.
                Err(error) if is_end(&error) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Reads once, and gives what was heard; says whether the connection is still there.
    pub fn read(&mut self, buffer: &mut [u8], hear: impl FnMut(Heard<'_>)) -> Result<bool> {
        let read = match self.socket.read(buffer) {
            Ok(read) => read,
            Err(error) if is_for_later(&error) => return Ok(true),
            Err(error) if is_end(&error) => 0,
            Err(error) => return Err(error.into()),
        };
        let mut bytes = &buffer[..read];
        while !bytes.is_empty() {
            self.tls.read_tls(&mut bytes)?;
            self.tls.process_new_packets()?;
            self.take_plaintext()?;
        }
        if !self.has_shaken && !self.tls.is_handshaking() {
            check_version(&self.tls)?;
            self.has_shaken = true;
            self.flush()?;
            let early = std::mem::take(&mut self.early);
            self.say(&early)?;
        }
        self.understand(hear)?;
        Ok(read > 0)
    }

    /// Lets the kernel throw away what has come, uncopied (tcp(7), `MSG_TRUNC`); says how much it
    /// was.
    pub fn discard(&self) -> io::Result<u64> {
        const MSG_TRUNC: i32 = 0x20;
        let mut nothing = [MaybeUninit::uninit(); DISCARD_BYTES];
        match SockRef::from(&self.socket).recv_with_flags(&mut nothing, MSG_TRUNC) {
            Ok(bytes) => Ok(bytes as u64),
            Err(error) if is_for_later(&error) => Ok(0),
            Err(error) => Err(error),
        }
    }

    fn take_plaintext(&mut self) -> Result<()> {
        let mut reader = self.tls.reader();
        loop {
            let len = match reader.fill_buf() {
                Ok([]) => return Ok(()),
                Ok(chunk) => {
                    self.unread.extend_from_slice(chunk);
                    chunk.len()
                }
                Err(error) if is_for_later(&error) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            reader.consume(len);
        }
    }

    fn understand(&mut self, mut hear: impl FnMut(Heard<'_>)) -> Result<()> {
        let mut read = 0;
        let mut answers = Vec::new();
        while let Some((heard, len)) = self.tongue.hear(&self.unread[read..]) {
            match heard {
                Heard::Asked(answer) => answers.extend(answer),
                heard => hear(heard),
            }
            read += len;
        }
        self.unread.drain(..read);
        if !answers.is_empty() {
            self.say(&answers)?;
            self.flush()?;
        }
        Ok(())
    }

    /// Ends it without a word, as a lost network does.
    pub fn cut(self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionRefused, ConnectionReset, NotConnected};
    matches!(error.kind(), BrokenPipe | ConnectionRefused | ConnectionReset | NotConnected)
}
