//! Servers, clients and files for tests.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use vesalius_control::Control;
use vesalius_pacs::{AeTitle, Client, FolderReceiver, Receiver, Server, ServerOptions, Timeouts};

pub const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
pub const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub const IMPLICIT: &str = "1.2.840.10008.1.2";

pub fn title(text: &str) -> AeTitle {
    AeTitle::new(text).unwrap()
}

pub fn control() -> Control {
    Control::new()
}

/// A port that was free a moment ago, for programs that cannot be given one by the system.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// A client of a peer on this machine.
pub fn client(port: u16, called: &str) -> Client {
    Client {
        timeouts: Timeouts {
            response: Duration::from_secs(30),
            ..Timeouts::default()
        },
        ..Client::new(format!("127.0.0.1:{port}"), title(called), title("SCANNER"))
    }
}

/// A server that keeps what it receives in a folder.
pub struct Node {
    pub folder: tempfile::TempDir,
    pub receiver: Arc<FolderReceiver>,
    pub server: Server,
}

impl Node {
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut ServerOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let receiver = Arc::new(FolderReceiver::new(folder.path()).unwrap());
        let server = serve(receiver.clone(), change);
        Self {
            folder,
            receiver,
            server,
        }
    }

    pub fn port(&self) -> u16 {
        self.server.address().port()
    }

    pub fn client(&self) -> Client {
        client(self.port(), "VESALIUS")
    }

    /// Files in the folder that are not finished.
    pub fn unfinished(&self) -> usize {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        entries
            .filter(|entry| {
                entry
                    .as_ref()
                    .unwrap()
                    .path()
                    .extension()
                    .is_some_and(|e| e == "part")
            })
            .count()
    }
}

/// A server on a port that the system chooses.
pub fn serve(receiver: Arc<dyn Receiver>, change: impl FnOnce(&mut ServerOptions)) -> Server {
    let mut options = ServerOptions::new(title("VESALIUS"));
    change(&mut options);
    Server::start("127.0.0.1:0", options, receiver).unwrap()
}

fn put(bytes: &mut Vec<u8>, explicit: bool, tag: [u16; 2], vr: &str, value: &[u8]) {
    tag.iter().for_each(|part| bytes.extend(part.to_le_bytes()));
    let length = value.len() + value.len() % 2;
    match (explicit, vr) {
        (true, "OB" | "OW" | "UN") => {
            bytes.extend(vr.as_bytes());
            bytes.extend([0, 0]);
            bytes.extend((length as u32).to_le_bytes());
        }
        (true, _) => {
            bytes.extend(vr.as_bytes());
            bytes.extend((length as u16).to_le_bytes());
        }
        (false, _) => bytes.extend((length as u32).to_le_bytes()),
    }
    bytes.extend(value);
    if value.len() % 2 == 1 {
        bytes.push(if vr == "UI" { 0 } else { b' ' });
    }
}

/// What a made object has.
#[derive(Clone)]
pub struct Object {
    pub class: String,
    pub instance: String,
    pub study: String,
    pub series: String,
    pub syntax: String,
    pub modality: String,
    pub pixels: Vec<u8>,
}

impl Object {
    pub fn new(instance: &str) -> Self {
        Self {
            class: CT.into(),
            instance: instance.into(),
            study: "1.2.3".into(),
            series: "1.2.3.4".into(),
            syntax: EXPLICIT.into(),
            modality: "CT".into(),
            pixels: (0..2 * 16 * 16).map(|k| k as u8).collect(),
        }
    }

    pub fn data_set(&self) -> Vec<u8> {
        let explicit = self.syntax != IMPLICIT;
        let mut set = Vec::new();
        let mut text = |tag, vr, text: &str| put(&mut set, explicit, tag, vr, text.as_bytes());
        text([0x0008, 0x0005], "CS", "ISO_IR 100");
        text([0x0008, 0x0016], "UI", &self.class);
        text([0x0008, 0x0018], "UI", &self.instance);
        text([0x0008, 0x0060], "CS", &self.modality);
        put(
            &mut set,
            explicit,
            [0x0010, 0x0010],
            "PN",
            b"M\xFCller^Anna",
        );
        let mut text = |tag, vr, text: &str| put(&mut set, explicit, tag, vr, text.as_bytes());
        text([0x0020, 0x000D], "UI", &self.study);
        text([0x0020, 0x000E], "UI", &self.series);
        put(
            &mut set,
            explicit,
            [0x0028, 0x0010],
            "US",
            &16_u16.to_le_bytes(),
        );
        put(
            &mut set,
            explicit,
            [0x0028, 0x0011],
            "US",
            &16_u16.to_le_bytes(),
        );
        put(&mut set, explicit, [0x7FE0, 0x0010], "OW", &self.pixels);
        set
    }

    pub fn file(&self) -> Vec<u8> {
        let mut group = Vec::new();
        put(&mut group, true, [2, 1], "OB", &[0, 1]);
        put(&mut group, true, [2, 2], "UI", self.class.as_bytes());
        put(&mut group, true, [2, 3], "UI", self.instance.as_bytes());
        put(&mut group, true, [2, 0x10], "UI", self.syntax.as_bytes());
        put(&mut group, true, [2, 0x12], "UI", b"1.2.3");
        let mut bytes = vec![0; 128];
        bytes.extend(b"DICM");
        put(
            &mut bytes,
            true,
            [2, 0],
            "UL",
            &(group.len() as u32).to_le_bytes(),
        );
        bytes.extend(group);
        bytes.extend(self.data_set());
        bytes
    }

    pub fn write(&self, folder: &Path) -> PathBuf {
        let path = folder.join(format!("{}.dcm", self.instance));
        std::fs::write(&path, self.file()).unwrap();
        path
    }
}

/// Waits until something holds.
pub fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..600 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{what} did not happen within 12 s");
}
