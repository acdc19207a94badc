//! The service of `examples/serve` under more clients than it has places, and with bodies that are not images. HTTP is
//! written by hand: a client crate would be one more to build.

#[path = "../examples/serve/scratch.rs"]
mod scratch;
#[path = "../examples/serve/service.rs"]
mod service;
#[path = "../examples/serve/upload.rs"]
mod upload;

use service::{Limits, Service, router};
use std::io::{Cursor, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use vesalius::inferers::{MODEL_FILE, weights_path};
use vesalius::prelude::*;

const CLIENTS: usize = 100;

const MODEL: &str = "
channels: [made]
labels:
  exclusive:
    classes: [{name: background, value: 0}, {name: low, value: 1}, {name: high, value: 2}]
network:
  unet: {in_channels: 1, out_channels: 3, channels: [4, 8], strides: [2], num_res_units: 1}
inferer:
  sliding_window: {patch_size: [8, 8, 8]}
members: [only]
";

/// A model folder with random weights: its labels follow from the image, and that is enough here.
fn segmenter(folder: &Path) -> Segmenter {
    std::fs::write(folder.join(MODEL_FILE), MODEL).unwrap();
    let device = parse_device("cpu").unwrap();
    let model = ModelDescription::read(folder).unwrap();
    let weights = weights_path(folder, "only");
    std::fs::create_dir_all(weights.parent().unwrap()).unwrap();
    let network = model.network.init(&device).unwrap();
    std::fs::write(weights, network.weights().to_safetensors().unwrap()).unwrap();
    Segmenter::open(folder).unwrap()
}

/// Images that differ in content and in size.
fn image(number: usize) -> Volume<f32> {
    let geometry = Geometry::axis_aligned([8 + number % 5, 9, 10], [1.0, 1.5, 2.0]).unwrap();
    Volume::from_fn(geometry, |[x, y, z]| {
        ((x * 7 + y * 13 + z * 29 + number * 31) % 23) as f32 / 11.0 - 1.0
    })
}

fn bytes_of(image: &Volume<f32>) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("image.nii.gz");
    vesalius::io::write(&file, image).unwrap();
    std::fs::read(file).unwrap()
}

fn serve(limits: Limits) -> (SocketAddr, Segmenter, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let (own, served) = (
        segmenter(folder.path()),
        Segmenter::open(folder.path()).unwrap(),
    );
    let address = listen(Service::new(served, limits).unwrap());
    (address, own, folder)
}

fn listen(service: Arc<Service>) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router(service)).await.unwrap();
        });
    });
    address
}

/// Status, head and body of the response to a request.
fn request(address: SocketAddr, line: &str, length: usize, body: &[u8]) -> (u16, String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let head = format!(
        "{line} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    // A refused body may be cut off by a reset; the server's response comes first.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut part) {
        answer.extend_from_slice(&part[..count]);
    }
    let split = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("no HTTP answer");
    let head = String::from_utf8_lossy(&answer[..split]).into_owned();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head, answer[split + 4..].to_vec())
}

fn post(address: SocketAddr, path: &str, body: &[u8]) -> (u16, String, Vec<u8>) {
    request(address, &format!("POST {path}"), body.len(), body)
}

fn labels_in(bytes: &[u8]) -> LabelMap {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("labels.nii.gz");
    std::fs::write(&file, bytes).unwrap();
    vesalius::io::read_labels(file).unwrap()
}

fn refused(answer: (u16, String, Vec<u8>), status: u16, reason: &str) {
    let text = String::from_utf8_lossy(&answer.2).into_owned();
    assert_eq!(answer.0, status, "{text}");
    assert!(text.contains(reason), "{text}");
}

fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        archive
            .start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn a_hundred_clients_get_their_own_result_or_are_told_to_wait() {
    let limits = Limits {
        waiting: 5,
        ..Limits::default()
    };
    let (address, own, _folder) = serve(limits);
    let turned_away = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (own, turned_away) = (&own, &turned_away);
            scope.spawn(move || {
                let image = image(number);
                let body = bytes_of(&image);
                let answer = loop {
                    let (status, head, answer) = post(address, "/segment", &body);
                    if status == 200 {
                        break answer;
                    }
                    assert_eq!(status, 503, "{}", String::from_utf8_lossy(&answer));
                    assert!(head.to_lowercase().contains("retry-after"), "{head}");
                    turned_away.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(50));
                };
                let (got, expected) = (
                    labels_in(&answer),
                    own.segment(&image).unwrap().into_labels().unwrap(),
                );
                assert!(got.geometry().is_same(expected.geometry()));
                assert_eq!(got.data(), expected.data(), "client {number}");
            });
        }
    });
    assert!(
        turned_away.load(Ordering::Relaxed) > 0,
        "the queue was never full"
    );
    assert_eq!(request(address, "GET /health", 0, b"").0, 200);
}

#[test]
fn archives_and_volumes() {
    let (address, own, _folder) = serve(Limits::default());
    let image = image(3);
    let expected = own.segment(&image).unwrap().into_labels().unwrap();
    let archive = zipped(&[
        ("case/scan.nii.gz", &bytes_of(&image)),
        ("case/notes.txt", b"hello"),
    ]);
    let (status, _, body) = post(address, "/segment", &archive);
    assert_eq!((status, labels_in(&body).data()), (200, expected.data()));
    let (status, _, body) = post(address, "/segment?answer=volumes", &archive);
    assert_eq!(status, 200);
    let answer: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let count = expected.counts().get(&2).copied().unwrap_or(0);
    let volume = answer["millilitres"]["high"].as_f64().unwrap();
    assert!(
        (volume - count as f64 * 3.0 / 1000.0).abs() < 1e-9,
        "{answer}"
    );
    let (_, _, body) = request(address, "GET /model", 0, b"");
    assert!(String::from_utf8_lossy(&body).contains("high"));
}

#[test]
fn images_that_are_too_large_or_take_too_long_are_refused() {
    let body = bytes_of(&image(0));
    let few = Limits {
        voxels: 700,
        ..Limits::default()
    };
    let (address, _own, _folder) = serve(few);
    // 8 × 9 × 10 voxels of four bytes.
    refused(post(address, "/segment", &body), 422, "needs 2880 bytes");
    let little = Limits {
        memory: 1 << 20,
        ..Limits::default()
    };
    let (address, _own, _folder) = serve(little);
    refused(post(address, "/segment", &body), 422, "smallest that works");
    let short = Limits {
        time: Duration::ZERO,
        ..Limits::default()
    };
    let (address, _own, _folder) = serve(short);
    refused(post(address, "/segment", &body), 504, "took over");
    let folder = tempfile::tempdir().unwrap();
    let ending = Service::new(segmenter(folder.path()), Limits::default()).unwrap();
    ending.stop();
    refused(post(listen(ending), "/segment", &body), 503, "is ending");
}

#[test]
fn uploads_of_services_that_have_ended_are_removed() {
    let parent = tempfile::tempdir().unwrap();
    let at = |name: &str| parent.path().join(name);
    // Above the largest process id that Linux gives, one that lives, and no folder of ours.
    let names = [
        "vesalius-serve-4194305-abc",
        "vesalius-serve-1-abc",
        "vesalius-serve-x",
    ];
    for name in names {
        std::fs::create_dir(at(name)).unwrap();
    }
    let scratch = scratch::Scratch::new(parent.path()).unwrap();
    assert_eq!(at(names[0]).exists(), !cfg!(target_os = "linux"));
    assert!(at(names[1]).exists() && at(names[2]).exists());
    let request = scratch.request().unwrap();
    assert!(request.path().starts_with(parent.path()));
    drop(request);
    drop(scratch);
    let left = std::fs::read_dir(parent.path()).unwrap().count();
    assert!(left <= 3, "{left}");
}

#[test]
fn bodies_that_are_no_image() {
    let limits = Limits {
        upload_bytes: 20_000,
        unpacked_bytes: 40_000,
        upload_time: Duration::from_millis(500),
        ..Limits::default()
    };
    let (address, _own, _folder) = serve(limits);
    refused(post(address, "/segment", b"not an image"), 422, "error");
    refused(post(address, "/segment", b""), 422, "error");
    refused(
        post(address, "/segment", b"PK\x03\x04 and no more"),
        422,
        "error",
    );
    refused(
        post(address, "/segment", &zipped(&[("a.txt", b"text")])),
        422,
        "error",
    );
    refused(post(address, "/segment", &vec![0; 20_001]), 413, "20000");
    refused(
        post(address, "/segment", &zipped(&[("a.nii", &[0; 50_000])])),
        422,
        "40000",
    );
    refused(
        request(address, "POST /segment", 100, b"slow"),
        408,
        "arrive",
    );
    assert_eq!(post(address, "/segment?answer=poem", b"").0, 400);
    let mut image = image(0);
    image.data_mut()[5] = f32::NAN;
    refused(post(address, "/segment", &bytes_of(&image)), 422, "finite");
    let outside = zipped(&[("../../outside.nii.gz", &bytes_of(&self::image(1)))]);
    refused(post(address, "/segment", &outside), 422, "error");
}
