//! `vesalius serve`: a scan goes in by HTTP, the labels that come back are those of `predict`; a server that is killed goes on
//! where it was; what is refused.

mod common;

use common::{dataset, error, success};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server.
struct Server {
    child: Child,
    host: String,
    token: String,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_vesalius"))
            .current_dir(folder)
            .args(["serve", "--model", "spheres=model", "--spool", "spool"])
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .trim()
            .strip_prefix("http://")
            .unwrap_or_else(|| panic!("{line}"));
        let (host, token) = address.split_once("/#token=").unwrap();
        Self {
            child,
            host: host.to_owned(),
            token: token.to_owned(),
        }
    }

    /// Status and body of an answer.
    fn ask(&self, method: &str, path: &str, token: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.host,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer
            .windows(4)
            .position(|part| part == b"\r\n\r\n")
            .unwrap();
        let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(!head.contains("transfer-encoding"), "{head}");
        (status, answer[end + 4..].to_vec())
    }

    fn get(&self, path: &str) -> (u16, Vec<u8>) {
        self.ask("GET", path, &self.token, &[])
    }

    fn json(&self, path: &str) -> Value {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    fn send(&self, scan: &Path) -> String {
        let body = std::fs::read(scan).unwrap();
        let (status, answer) = self.ask(
            "POST",
            "/jobs?model=spheres&name=a%20scan",
            &self.token,
            &body,
        );
        let text = String::from_utf8_lossy(&answer).into_owned();
        assert!((200..300).contains(&status), "{status}: {text}");
        let job: Value = serde_json::from_str(&text).unwrap();
        job["id"].as_str().unwrap().to_owned()
    }

    fn wait(&self, id: &str) -> Value {
        let began = Instant::now();
        loop {
            let job = self.json(&format!("/jobs/{id}"));
            if matches!(job["state"].as_str(), Some("done" | "failed")) {
                return job;
            }
            assert!(began.elapsed() < Duration::from_secs(120), "{job}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn trained(folder: &Path) {
    dataset(folder, 4);
    success(
        folder,
        &["train", "config.yaml", "--output", "model", "--steps", "2"],
    );
}

#[test]
fn the_labels_of_the_service_are_those_of_predict_also_after_a_kill() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    let scan = "images/spheres_001.nii.gz";
    success(
        folder,
        &[
            "predict", "--model", "model", "--input", scan, "--output", "direct",
        ],
    );
    let direct = vesalius::io::read_labels(folder.join("direct/spheres_001.nii.gz")).unwrap();

    let server = Server::start(folder);
    assert_eq!(server.ask("GET", "/jobs", "no", &[]).0, 401);
    assert_eq!(server.ask("GET", "/", "no", &[]).0, 200);
    let id = server.send(&folder.join(scan));
    let job = server.wait(&id);
    assert_eq!(job["state"], "done", "{job}");
    let labels = |server: &Server, id: &str| {
        let (status, body) = server.get(&format!("/jobs/{id}/labels"));
        assert_eq!(status, 200);
        let path = folder.join("served.nii.gz");
        std::fs::write(&path, body).unwrap();
        vesalius::io::read_labels(path).unwrap()
    };
    let served = labels(&server, &id);
    assert!(served.data() == direct.data() && served.geometry().is_same(direct.geometry()));

    // Two more, and the server is killed: they are there after the next start, and so is the first.
    let more = [
        server.send(&folder.join(scan)),
        server.send(&folder.join(scan)),
    ];
    drop(server);
    let server = Server::start(folder);
    for id in more.iter().chain([&id]) {
        assert_eq!(server.wait(id)["state"], "done");
        assert!(labels(&server, id).data() == direct.data());
    }
    assert_eq!(
        server.json("/jobs")["jobs"].as_array().map(Vec::len),
        Some(3)
    );
}

#[test]
fn what_cannot_be_served_says_why() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    std::fs::write(folder.join("short"), "abc\n").unwrap();
    std::fs::write(folder.join("bad.yaml"), "modles: {}\n").unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&[], "--model"),
        (&["--model", "model"], "--spool"),
        (&["--model", "missing", "--spool", "s"], "missing"),
        (
            &["--model", "a=model", "--model", "a=model", "--spool", "s"],
            "two models are called `a`",
        ),
        (
            &["--model", "model", "--spool", "s", "--listen", "0.0.0.0:0"],
            "--token-file",
        ),
        (
            &["--model", "model", "--spool", "s", "--token-file", "short"],
            "16",
        ),
        (&["--config", "bad.yaml"], "modles"),
        (
            &["--model", "model", "--spool", "s", "--tls-cert", "x.pem"],
            "--tls-key",
        ),
    ];
    for (arguments, says) in cases {
        let text = error(folder, &[&["serve"][..], arguments].concat());
        assert!(text.contains(says), "{arguments:?}: {text}");
    }
}
