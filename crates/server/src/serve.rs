//! The whole server in one call, for programs that are not asynchronous themselves.

use crate::delivery::Delivery;
use crate::engine::Engine;
use crate::error::Error;
use crate::http::Access;
use crate::limits::Limits;
use crate::listen::{Listen, bind};
use crate::queue::Queue;
use crate::worker::Workers;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use vesalius_control::Control;

/// How often it is looked whether the server is to end.
const LOOK: Duration = Duration::from_millis(100);

/// Threads that answer requests; segmentation has its own.
const THREADS: usize = 2;

/// What a server is made of.
pub struct Setup {
    /// The folder of the queue.
    pub spool: PathBuf,
    /// What segments.
    pub engine: Arc<dyn Engine>,
    /// Where results are sent.
    pub delivery: Arc<dyn Delivery>,
    /// What is taken on.
    pub limits: Limits,
    /// Where it listens.
    pub listen: Listen,
    /// Who may use it.
    pub access: Access,
}

/// Serves until `control` is cancelled, and calls `told` with the address once requests are answered. Runs are then
/// stopped, and begun again by the next server on the same folder.
///
/// # Errors
/// As [`Queue::open`], [`Workers::start`] and [`bind`].
pub fn serve(setup: Setup, control: &Control, told: impl FnOnce(SocketAddr)) -> Result<(), Error> {
    setup.listen.check()?;
    let queue = Queue::open(&setup.spool, setup.engine, setup.limits)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .map_err(Error::System)?;
    let bound = runtime.block_on(bind(queue.clone(), &setup.listen, setup.access))?;
    let workers = Workers::start(&queue, setup.delivery)?;
    told(bound.address());
    runtime.block_on(bound.serve(async {
        while !control.is_cancelled() {
            tokio::time::sleep(LOOK).await;
        }
        queue.stop();
    }));
    workers.stop();
    // Blocking work, such as a picture that is being drawn, is not waited for.
    runtime.shutdown_background();
    Ok(())
}
