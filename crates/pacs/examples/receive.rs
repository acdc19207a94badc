//! A server that keeps what it receives: `receive ADDRESS TITLE FOLDER`.

use std::sync::Arc;
use vesalius_pacs::{AeTitle, Error, FolderReceiver, Server, ServerOptions};

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, title, folder] = arguments.as_slice() else {
        return Err(Error::Settings(
            "usage: receive ADDRESS TITLE FOLDER".into(),
        ));
    };
    let receiver = Arc::new(FolderReceiver::new(folder)?);
    let options = ServerOptions::new(AeTitle::new(title)?);
    let server = Server::start(address.as_str(), options, receiver)?;
    println!("listening on {}", server.address());
    loop {
        std::thread::park();
    }
}
