//! Fuzzes a server of DICOM with all that a peer sends on one connection.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use vesalius_pacs::{AeTitle, FolderReceiver, Server, ServerOptions};

fn server() -> &'static (tempfile::TempDir, Server) {
    static SERVER: OnceLock<(tempfile::TempDir, Server)> = OnceLock::new();
    SERVER.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let receiver = Arc::new(FolderReceiver::new(folder.path()).expect("room for it"));
        let mut options = ServerOptions::new(AeTitle::new("VESALIUS").expect("a title"));
        options.limits.data_set = 1 << 20;
        options.timeouts.idle = Duration::from_secs(1);
        options.timeouts.pdu = Duration::from_secs(1);
        let server = Server::start("127.0.0.1:0", options, receiver).expect("a port");
        (folder, server)
    })
}

fuzz_target!(|bytes: &[u8]| {
    let mut stream = TcpStream::connect(server().1.address()).expect("the server listens");
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
});
