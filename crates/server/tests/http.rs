//! The HTTP interface over a real connection: the flow of a job, and what is refused.

#[path = "../examples/toy/mod.rs"]
mod toy;

use serde_json::Value;
use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use vesalius_server::{Access, Limits, Listen, NoDelivery, Queue, Token, Workers, bind};
use vesalius_volume::{Geometry, LabelMap, Volume};

/// A server that ends with this value.
struct Running {
    address: SocketAddr,
    token: String,
    _workers: Workers,
    _runtime: Runtime,
    _spool: TempDir,
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn error(&self) -> String {
        self.json()["error"].as_str().unwrap().to_owned()
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    (limits.free_bytes, limits.full) = (0, 1.0);
    limits
}

fn start(limits: Limits) -> Running {
    let spool = tempfile::tempdir().unwrap();
    let engine = toy::Toy {
        pause: Duration::from_millis(3),
    };
    let queue = Queue::open(spool.path(), Arc::new(engine), limits).unwrap();
    let workers = Workers::start(&queue, Arc::new(NoDelivery)).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let token = Token::random().unwrap();
    let text = token.as_str().to_owned();
    let bound = runtime
        .block_on(bind(queue, &Listen::local(0), Access::local(token)))
        .unwrap();
    let address = bound.address();
    runtime.spawn(bound.serve(std::future::pending()));
    Running {
        address,
        token: text,
        _workers: workers,
        _runtime: runtime,
        _spool: spool,
    }
}

impl Running {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream
    }

    /// Sends a head as it is, with the body.
    fn raw(&self, head: &str, body: &[u8]) -> Answer {
        let mut stream = self.connect();
        stream.write_all(head.as_bytes()).unwrap();
        // A server that refuses early may close before it took all.
        let _ = stream.write_all(body);
        read(stream)
    }

    fn ask(&self, method: &str, path: &str, more: &str, body: &[u8]) -> Answer {
        let (address, token, length) = (self.address, &self.token, body.len());
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
             Content-Length: {length}\r\n{more}\r\n"
        );
        self.raw(&head, body)
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", b"")
    }

    fn post(&self, path: &str, body: &[u8]) -> Answer {
        self.ask(
            "POST",
            path,
            "Content-Type: application/octet-stream\r\n",
            body,
        )
    }

    /// The id of a job that was sent and has ended.
    fn done(&self, query: &str, body: &[u8]) -> String {
        let sent = self.post(&format!("/jobs?{query}"), body);
        assert_eq!(sent.status, 202, "{}", String::from_utf8_lossy(&sent.body));
        let id = sent.json()["id"].as_str().unwrap().to_owned();
        let began = Instant::now();
        loop {
            let job = self.get(&format!("/jobs/{id}")).json();
            match job["state"].as_str().unwrap() {
                "done" => return id,
                "failed" => panic!("{job}"),
                _ => assert!(began.elapsed() < Duration::from_secs(20), "{job}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn read(stream: TcpStream) -> Answer {
    let mut all = Vec::new();
    // A reset after the answer loses nothing of it.
    let _ = BufReader::new(stream).read_to_end(&mut all);
    let at = all
        .windows(4)
        .position(|bytes| bytes == b"\r\n\r\n")
        .expect("an answer");
    let head = String::from_utf8(all[..at].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
    let body = match chunked {
        true => joined(&all[at + 4..]),
        false => all[at + 4..].to_vec(),
    };
    Answer { status, head, body }
}

/// The chunks of a body, put together.
fn joined(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = bytes.windows(2).position(|pair| pair == b"\r\n") {
        let length = std::str::from_utf8(&bytes[..end]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        if length == 0 {
            break;
        }
        body.extend_from_slice(&bytes[end + 2..end + 2 + length]);
        bytes = &bytes[end + 4 + length..];
    }
    body
}

fn grid() -> Geometry {
    Geometry::axis_aligned([16, 12, 8], [1.0, 1.0, 2.0]).unwrap()
}

fn scan() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.nii.gz");
    vesalius_io::write(&path, &Volume::from_fn(grid(), |[x, ..]| x as i16)).unwrap();
    std::fs::read(path).unwrap()
}

fn labels(grid: Geometry) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.nii.gz");
    let labels = LabelMap::<u16>::from_fn(grid, |[x, ..]| u16::from(x == 0) * 2);
    vesalius_io::write_labels(&path, &labels).unwrap();
    std::fs::read(path).unwrap()
}

fn read_labels(bytes: &[u8]) -> LabelMap {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.nii.gz");
    std::fs::write(&path, bytes).unwrap();
    vesalius_io::read_labels(path).unwrap()
}

#[test]
fn a_scan_goes_in_and_labels_pictures_and_versions_come_out() {
    let server = start(limits());
    let id = server.done("model=threshold&name=A%20scan&probabilities=true", &scan());
    let job = server.get(&format!("/jobs/{id}")).json();
    assert_eq!(
        (job["name"].as_str(), job["model"].as_str()),
        (Some("A scan"), Some("threshold"))
    );
    assert_eq!(job["versions"][0]["volumes"][0]["voxels"], 480);

    let image = server.get(&format!("/jobs/{id}/image"));
    assert_eq!((image.status, image.body), (200, scan()));
    let first = read_labels(&server.get(&format!("/jobs/{id}/labels")).body);
    assert_eq!(first.counts()[&1], 480);
    assert_eq!(server.get(&format!("/jobs/{id}/probabilities")).status, 200);
    let picture = server.get(&format!("/jobs/{id}/picture"));
    assert!(picture.body.starts_with(b"\x89PNG"), "{}", picture.head);

    let path = format!("/jobs/{id}/labels");
    let saved = server.post(&path, &labels(grid()));
    assert_eq!(
        (saved.status, saved.json()["number"].as_u64()),
        (201, Some(2))
    );
    assert_eq!(
        read_labels(&server.get(&path).body).counts()[&2],
        96,
        "the newest"
    );
    let old = server.get(&format!("{path}?version=1")).body;
    assert_eq!(
        read_labels(&old).data(),
        first.data(),
        "the first is as it was"
    );
    assert_eq!(server.get(&format!("{path}?version=3")).status, 404);
    let other = grid().with_origin([5.0, 0.0, 0.0]).unwrap();
    let refused = server.post(&path, &labels(other));
    assert_eq!(refused.status, 422);
    assert!(
        refused.error().contains("not on the grid of the image"),
        "{}",
        refused.error()
    );
    assert_eq!(server.post(&path, b"no image at all").status, 422);

    let table = server.ask(
        "GET",
        &format!("/jobs/{id}/volumes"),
        "Accept: text/csv\r\n",
        b"",
    );
    assert!(
        String::from_utf8(table.body)
            .unwrap()
            .contains("2,\"brightest\",96,0.192\r\n")
    );
    let refused = server.get(&format!("/jobs/{id}/seg"));
    assert!(refused.status == 422 && refused.error().contains("zip archive"));

    assert_eq!(
        server.get("/jobs").json()["jobs"].as_array().unwrap().len(),
        1
    );
    assert_eq!(
        server.ask("DELETE", &format!("/jobs/{id}"), "", b"").status,
        204
    );
    assert_eq!(server.get(&format!("/jobs/{id}")).status, 404);
    let metrics = String::from_utf8(server.get("/metrics").body).unwrap();
    assert!(metrics.contains("vesalius_jobs_done_total 1\n") && !metrics.contains("A scan"));
    assert_eq!(server.get("/health").status, 200);
}

#[test]
fn events_tell_each_state_and_end_with_the_job() {
    let server = start(limits());
    let sent = server.post("/jobs?model=threshold", &scan());
    let id = sent.json()["id"].as_str().unwrap().to_owned();
    let events = server.get(&format!("/jobs/{id}/events"));
    let text = String::from_utf8(events.body).unwrap();
    assert!(events.head.contains("text/event-stream"), "{}", events.head);
    let mut data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let last: Value = serde_json::from_str(data.next_back().unwrap()).unwrap();
    assert_eq!(last["state"], "done");
}

#[test]
fn a_zip_of_a_series_becomes_dicom_objects_that_refer_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let source = vesalius_dicom::example_series(folder.path(), "CT", [12, 9, 5]).unwrap();
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for path in vesalius_io::files_below(&source).unwrap() {
        let name = path.file_name().unwrap().to_str().unwrap();
        archive
            .start_file(name, zip::write::SimpleFileOptions::default())
            .unwrap();
        archive.write_all(&std::fs::read(&path).unwrap()).unwrap();
    }
    let archive = archive.finish().unwrap().into_inner();
    let server = start(limits());
    let id = server.done("model=threshold", &archive);
    assert_eq!(server.get(&format!("/jobs/{id}/image")).status, 200);
    for (name, modality) in [("sr", "SR"), ("seg", "SEG"), ("rtstruct", "RTSTRUCT")] {
        let got = server.get(&format!("/jobs/{id}/{name}"));
        assert_eq!(
            got.status,
            200,
            "{name}: {}",
            String::from_utf8_lossy(&got.body)
        );
        let again = server.get(&format!("/jobs/{id}/{name}"));
        assert!(got.body == again.body, "the same object each time");
        let path = folder.path().join(format!("{name}.dcm"));
        std::fs::write(&path, &got.body).unwrap();
        let kind = format!("{:?}", vesalius_dicom::check_object(&path).unwrap());
        assert!(!kind.contains("severity: Error"), "{modality}: {kind}");
    }
}

#[test]
fn only_the_page_is_answered_without_the_token() {
    let server = start(limits());
    let address = server.address;
    let without = |path: &str, more: &str| {
        server.raw(
            &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{more}\r\n"),
            b"",
        )
    };
    for path in ["/", "/page/app.js", "/page/style.css", "/page/niivue.js"] {
        let answer = without(path, "");
        assert_eq!(answer.status, 200, "{path}");
        for header in [
            "content-security-policy: default-src 'none'",
            "x-content-type-options: nosniff",
            "etag:",
        ] {
            assert!(answer.head.contains(header), "{path}: {}", answer.head);
        }
        let tag = answer
            .head
            .lines()
            .find_map(|line| line.strip_prefix("etag: "))
            .unwrap();
        assert_eq!(
            without(path, &format!("If-None-Match: {tag}\r\n")).status,
            304
        );
    }
    for path in [
        "/jobs",
        "/models",
        "/health",
        "/metrics",
        "/openapi.json",
        "/jobs/x/labels",
        "/nowhere",
    ] {
        assert_eq!(without(path, "").status, 401, "{path}");
        assert_eq!(
            without(path, "Authorization: Bearer 0123\r\n").status,
            401,
            "{path}"
        );
    }
    assert_eq!(server.get("/nowhere").status, 404);
    assert_eq!(server.get("/jobs/..%2f..%2fetc%2fpasswd").status, 404);
    assert_eq!(server.ask("PUT", "/jobs", "", b"").status, 405);
    assert!(server.get("/openapi.json").json()["paths"]["/jobs"]["post"].is_object());
    let data = server.get("/jobs").head;
    assert!(data.contains("cache-control: no-store") && !data.contains("access-control"));
}

#[test]
fn other_sites_and_other_names_are_refused() {
    let server = start(limits());
    let (address, token) = (server.address, &server.token);
    let asked = |host: &str, more: &str| {
        let head = format!(
            "GET /jobs HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n{more}\r\n"
        );
        server.raw(&head, b"").status
    };
    let own = address.to_string();
    assert_eq!(
        asked(
            &own,
            &format!("Origin: http://{own}\r\nSec-Fetch-Site: same-origin\r\n")
        ),
        200
    );
    // DNS rebinding: origin and host agree, and neither is ours.
    assert_eq!(
        asked("evil.example", "Origin: http://evil.example\r\n"),
        421
    );
    assert_eq!(asked(&own, "Origin: http://evil.example\r\n"), 403);
    assert_eq!(asked(&own, "Origin: null\r\n"), 403);
    assert_eq!(asked(&own, "Origin: http://localhost:1\r\n"), 403);
    assert_eq!(asked(&own, "Sec-Fetch-Site: cross-site\r\n"), 403);
    assert_eq!(asked(&own, "Host: evil.example\r\n"), 400, "two names");
}

#[test]
fn bodies_of_another_kind_or_beyond_the_limits_are_refused() {
    let mut small = limits();
    small.upload_bytes = 5000;
    (small.head_time, small.upload_pause) =
        (Duration::from_millis(400), Duration::from_millis(400));
    let server = start(small);
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    assert_eq!(
        server
            .ask("POST", "/jobs?model=threshold", form, b"a=b")
            .status,
        415
    );
    assert_eq!(
        server.post("/jobs?model=threshold", b"%PDF-1.7").status,
        415
    );
    assert_eq!(server.post("/jobs?model=threshold", &[0; 6000]).status, 413);
    let unknown = server.post("/jobs?model=lung", &scan());
    assert!(unknown.status == 422 && unknown.error().contains("threshold"));
    assert_eq!(server.post("/jobs?modell=threshold", &scan()).status, 400);
    assert_eq!(server.post("/jobs", &scan()).status, 400);

    // A body that stops, and a head that never ends.
    let (address, token) = (server.address, &server.token);
    let head = format!(
        "POST /jobs?model=threshold HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/octet-stream\r\nContent-Length: 1000\r\n\r\n"
    );
    let slow = server.raw(&head, b"a few bytes");
    assert_eq!(slow.status, 408);
    let mut stream = server.connect();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: loc").unwrap();
    let began = Instant::now();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "the connection was kept open"
    );
    assert_eq!(
        server.get("/jobs").json()["jobs"].as_array().unwrap().len(),
        0
    );
}
