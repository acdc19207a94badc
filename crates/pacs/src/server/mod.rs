//! Answering peers: C-ECHO, C-STORE, storage commitment.

mod access;
mod connection;
mod options;
mod slots;

pub use access::{Caller, Callers};
pub use options::{ServerOptions, StorageClasses};

use crate::store::Receiver;
use crate::{Error, Result};
use slots::Slots;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use vesalius_control::Control;

/// How long [`Server::stop`] waits for associations that do not end.
const STOP: Duration = Duration::from_secs(5);

/// A provider of C-ECHO, C-STORE and storage commitment, with a thread for each association.
///
/// It ends when it is dropped.
///
/// ```
/// use std::sync::Arc;
/// use vesalius_control::Control;
/// use vesalius_pacs::{AeTitle, Client, FolderReceiver, Server, ServerOptions};
///
/// let folder = tempfile::tempdir().unwrap();
/// let title = AeTitle::new("VESALIUS")?;
/// let receiver = Arc::new(FolderReceiver::new(folder.path())?);
/// let server = Server::start("127.0.0.1:0", ServerOptions::new(title.clone()), receiver)?;
///
/// let client = Client::new(server.address().to_string(), title, AeTitle::new("SCANNER")?);
/// client.echo(&Control::new())?;
/// server.stop();
/// # Ok::<(), vesalius_pacs::Error>(())
/// ```
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

/// What the threads of a server share.
pub(crate) struct Shared {
    pub options: ServerOptions,
    pub receiver: Arc<dyn Receiver>,
    pub control: Control,
    pub slots: Slots,
}

impl Server {
    /// Listens at an address, such as `127.0.0.1:11112`; with port 0 the system chooses one ([`Server::address`]). Other
    /// addresses than those of loopback are reachable from the network.
    ///
    /// # Errors
    /// [`Error::Io`] where the address cannot be listened at.
    pub fn start(
        address: impl ToSocketAddrs,
        options: ServerOptions,
        receiver: Arc<dyn Receiver>,
    ) -> Result<Self> {
        let failed = |source| Error::io("listening for associations", source);
        let listener = TcpListener::bind(address).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let slots = Slots::new(options.associations);
        let shared = Arc::new(Shared {
            options,
            receiver,
            control: Control::new(),
            slots,
        });
        let accepting = std::thread::Builder::new()
            .name("pacs-accept".into())
            .spawn({
                let shared = Arc::clone(&shared);
                move || accept(&listener, &shared)
            })
            .map_err(failed)?;
        Ok(Self {
            address,
            shared,
            accepting: Some(accepting),
        })
    }

    /// The address, with the port that was chosen.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many associations are open.
    pub fn associations(&self) -> usize {
        self.shared.slots.open()
    }

    /// Ends the server: associations that are open are aborted; objects that were acknowledged stay.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let Some(accepting) = self.accepting.take() else {
            return;
        };
        self.shared.control.cancel();
        // The thread that waits for connections sees the end with the next one.
        let mut own = self.address;
        if own.ip().is_unspecified() {
            own.set_ip(match own.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        if TcpStream::connect_timeout(&own, Duration::from_secs(1)).is_ok() {
            let _ = accepting.join();
        }
        self.shared.slots.wait_for_end(STOP);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    loop {
        let accepted = listener.accept();
        if shared.control.check().is_err() {
            return;
        }
        match accepted {
            Ok((socket, address)) => start(socket, address, shared),
            // No descriptors are left, or the connection ended before it was accepted.
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

fn start(socket: TcpStream, address: SocketAddr, shared: &Arc<Shared>) {
    let Some(slot) = shared.slots.begin(&socket) else {
        return;
    };
    let shared = Arc::clone(shared);
    // Without a thread the closure is dropped, and the connection with it.
    let _ = std::thread::Builder::new()
        .name("pacs".into())
        .spawn(move || connection::serve(socket, address, &shared, slot));
}
