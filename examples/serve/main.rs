//! Serves a model folder over HTTP: a request with a scan gets its segmentation.
//!
//! ```sh
//! cargo run --release --example serve -- runs/hippocampus 127.0.0.1:8080
//! curl --data-binary @scan.nii.gz http://127.0.0.1:8080/segment --output segmentation.nii.gz
//! (cd dicom && zip -r - .) | curl --data-binary @- 'http://127.0.0.1:8080/segment?series=3' --output segmentation.nii.gz
//! curl --data-binary @scan.nii.gz 'http://127.0.0.1:8080/segment?answer=volumes'
//! ```
//!
//! There is no encryption and no authentication: put it behind a server that has both.

mod scratch;
mod service;
mod upload;

use service::{Limits, Service, router};
use std::sync::Arc;
use tokio::sync::Notify;
use vesalius::prelude::*;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let Some(model) = arguments.next() else {
        return Err("usage: serve MODEL_FOLDER [ADDRESS:PORT] [DEVICE]".into());
    };
    let address = arguments.next().unwrap_or("127.0.0.1:8080".to_owned());
    let device = parse_device(&arguments.next().unwrap_or("cpu".to_owned()))?;
    let segmenter = Segmenter::open_with(&model, &OpenOptions::new().device(device))?;
    let limits = Limits::default();
    println!(
        "{model} on http://{address}: {} at a time, {} more may wait, {} MiB an upload, {} million voxels, {} s",
        limits.running,
        limits.waiting,
        limits.upload_bytes >> 20,
        limits.voxels / 1_000_000,
        limits.time.as_secs()
    );
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let service = Service::new(segmenter, limits)?;
    let ended = ended(&service)?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(&address).await?;
        axum::serve(listener, router(service))
            .with_graceful_shutdown(async move { ended.notified().await })
            .await?;
        Ok(())
    })
}

/// Notified by Ctrl-C and the signals that end a process: segmentations stop between windows, and uploads are removed.
fn ended(service: &Arc<Service>) -> Result<Arc<Notify>> {
    let ended = Arc::new(Notify::new());
    let (notify, service) = (ended.clone(), Arc::downgrade(service));
    ctrlc::set_handler(move || {
        if let Some(service) = service.upgrade() {
            service.stop();
        }
        notify.notify_one();
    })?;
    Ok(ended)
}
