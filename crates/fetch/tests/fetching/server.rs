//! A server of HTTP for tests: files with ranges, and the faults that servers and networks have.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a server does with the request of a given number, from 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    /// Answers with this status.
    Status(u16),
    /// Ends the connection after so many bytes of the body.
    CutAfter(usize),
    /// Answers a range with the whole file.
    IgnoreRange,
    /// Answers a range with one that begins a byte later.
    OtherRange,
    /// Tells no length, and sends the body until the connection ends.
    NoLength,
    /// Tells a length that is larger than the body by so many bytes, then ends.
    LongerThanTold(usize),
    /// Sends a redirect to a path.
    Redirect(&'static str),
    /// Compresses on the way, or says so.
    Encoded,
    /// Sends the first bytes and then nothing for a while.
    SilentAfter(usize, Duration),
}

/// A running server.
pub struct Server {
    pub address: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, (Vec<u8>, Option<String>)>,
    faults: BTreeMap<usize, Fault>,
    always: Option<Fault>,
    /// The `Range` of each request.
    requests: Vec<Option<String>>,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                std::thread::spawn(move || {
                    // The client may end before the answer does.
                    let _ = serve(stream, &shared);
                });
            }
        });
        Self { address, state }
    }

    pub fn file(self, name: &str, bytes: &[u8], version: Option<&str>) -> Self {
        self.put(name, bytes, version);
        self
    }

    pub fn put(&self, name: &str, bytes: &[u8], version: Option<&str>) {
        let mut state = self.state.lock().unwrap();
        let kept = (bytes.to_vec(), version.map(str::to_owned));
        state.files.insert(format!("/{name}"), kept);
    }

    pub fn fault(self, request: usize, fault: Fault) -> Self {
        self.state.lock().unwrap().faults.insert(request, fault);
        self
    }

    pub fn always(self, fault: Fault) -> Self {
        self.state.lock().unwrap().always = Some(fault);
        self
    }

    pub fn requests(&self) -> Vec<Option<String>> {
        self.state.lock().unwrap().requests.clone()
    }

    pub fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let (mut range, mut if_range) = (None, None);
    for line in lines {
        let line = line?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("range: ") {
            range = Some(value.to_owned());
        }
        if let Some(value) = line.strip_prefix("if-range: ") {
            if_range = Some(value.to_owned());
        }
    }
    let (file, fault) = {
        let mut state = state.lock().unwrap();
        let number = state.requests.len();
        state.requests.push(range.clone());
        let fault = state.faults.get(&number).copied().or(state.always);
        (state.files.get(&path).cloned(), fault)
    };
    answer(stream, file, range.as_deref(), if_range.as_deref(), fault)
}

fn answer(
    mut stream: TcpStream,
    file: Option<(Vec<u8>, Option<String>)>,
    range: Option<&str>,
    if_range: Option<&str>,
    fault: Option<Fault>,
) -> std::io::Result<()> {
    let simple = |status: u16, more: &str| {
        format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n{more}\r\n")
    };
    match fault {
        Some(Fault::Status(status)) => return stream.write_all(simple(status, "").as_bytes()),
        Some(Fault::Redirect(to)) => {
            return stream.write_all(simple(302, &format!("Location: {to}\r\n")).as_bytes());
        }
        _ => {}
    }
    let Some((bytes, version)) = file else {
        return stream.write_all(simple(404, "").as_bytes());
    };
    let is_same = if_range.is_none_or(|asked| {
        version
            .as_ref()
            .is_some_and(|has| has.to_ascii_lowercase() == asked)
    });
    let start = range
        .filter(|_| is_same && fault != Some(Fault::IgnoreRange))
        .and_then(|range| {
            range
                .strip_prefix("bytes=")?
                .strip_suffix('-')?
                .parse::<usize>()
                .ok()
        });
    let tag = version.map_or(String::new(), |version| format!("ETag: {version}\r\n"));
    let mut head = match start {
        Some(start) if start >= bytes.len() => return stream.write_all(simple(416, "").as_bytes()),
        Some(start) => {
            let told = start + usize::from(fault == Some(Fault::OtherRange));
            let (end, total) = (bytes.len() - 1, bytes.len());
            format!("HTTP/1.1 206 Partial\r\nContent-Range: bytes {told}-{end}/{total}\r\n{tag}")
        }
        None => format!("HTTP/1.1 200 OK\r\n{tag}"),
    };
    let body = &bytes[start.unwrap_or(0)..];
    if fault == Some(Fault::Encoded) {
        head += "Content-Encoding: gzip\r\n";
    }
    let longer = match fault {
        Some(Fault::LongerThanTold(by)) => by,
        _ => 0,
    };
    if fault != Some(Fault::NoLength) {
        head += &format!("Content-Length: {}\r\n", body.len() + longer);
    }
    stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
    match fault {
        Some(Fault::CutAfter(count)) => stream.write_all(&body[..count.min(body.len())]),
        Some(Fault::SilentAfter(count, time)) => {
            stream.write_all(&body[..count])?;
            std::thread::sleep(time);
            Ok(())
        }
        _ => stream.write_all(body),
    }
}
