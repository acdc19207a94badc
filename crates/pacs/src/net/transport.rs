//! A TCP connection, with or without TLS.

use rustls::{ClientConnection, ServerConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// A connection.
pub(crate) enum Transport {
    Plain(TcpStream),
    Server(Box<StreamOwned<ServerConnection, TcpStream>>),
    Client(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Transport {
    pub fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Server(stream) => &stream.sock,
            Self::Client(stream) => &stream.sock,
        }
    }

    /// The SHA-256 or other fingerprint is the caller's choice: this gives the certificate of the peer, encoded as DER.
    pub fn peer_certificate(&self) -> Option<&[u8]> {
        let chain = match self {
            Self::Plain(_) => None,
            Self::Server(stream) => stream.conn.peer_certificates(),
            Self::Client(stream) => stream.conn.peer_certificates(),
        };
        chain?.first().map(AsRef::as_ref)
    }

    pub fn set_read_timeout(&self, timeout: Duration) -> io::Result<()> {
        // A timeout of zero would mean none.
        let timeout = timeout.max(Duration::from_millis(1));
        self.socket().set_read_timeout(Some(timeout))
    }

    pub fn set_write_timeout(&self, timeout: Duration) -> io::Result<()> {
        let timeout = timeout.max(Duration::from_millis(1));
        self.socket().set_write_timeout(Some(timeout))
    }

    /// No more is sent; the peer reads what was sent, then the end.
    pub fn finish_writing(&mut self) {
        match self {
            Self::Plain(_) => {}
            Self::Server(stream) => {
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
            Self::Client(stream) => {
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
        let _ = self.socket().shutdown(Shutdown::Write);
    }
}

impl Read for Transport {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Server(stream) => stream.read(buffer),
            Self::Client(stream) => stream.read(buffer),
        }
    }
}

impl Write for Transport {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Server(stream) => stream.write(bytes),
            Self::Client(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Server(stream) => stream.flush(),
            Self::Client(stream) => stream.flush(),
        }
    }
}
