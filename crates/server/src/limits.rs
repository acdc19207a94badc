//! What the server takes on: sizes, counts, times, and how full the disk may get.

use std::time::Duration;

/// The limits of a server. Work beyond them is refused with a sentence that names the limit.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Jobs that may wait or run; the next is refused with 503.
    pub queue: usize,
    /// Jobs that are kept, finished ones included; the next is refused with 503.
    pub jobs: usize,
    /// The largest input, in bytes; a larger one is refused with 413.
    pub upload_bytes: u64,
    /// Bytes of all jobs together; beyond them new ones are refused with 507.
    pub spool_bytes: u64,
    /// The most voxels of an image, all channels together.
    pub voxels: u64,
    /// The most bytes that an archive may unpack to.
    pub unpacked_bytes: u64,
    /// How long a body may take to arrive; a slower one is refused with 408.
    pub upload_time: Duration,
    /// The longest pause between two parts of a body; a longer one ends it with 408.
    pub upload_pause: Duration,
    /// How long the head of a request may take.
    pub head_time: Duration,
    /// How long one run may take.
    pub run_time: Duration,
    /// How often a run is begun again after the server ended during it.
    pub attempts: u32,
    /// How often the sending of a result is tried.
    pub sendings: u32,
    /// How long finished and failed jobs are kept; `None` keeps them until they are deleted.
    pub retention: Option<Duration>,
    /// The free space below which new work is refused, in bytes.
    pub free_bytes: u64,
    /// The share of the disk above which new work is refused, from 0 to 1.
    pub full: f64,
    /// Connections at one time; further ones wait.
    pub connections: usize,
    /// Event streams at one time; further ones are refused with 503.
    pub streams: usize,
    /// Versions of the labels of one job.
    pub versions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            queue: 100,
            jobs: 1000,
            upload_bytes: 2 << 30,
            spool_bytes: 200 << 30,
            voxels: 500_000_000,
            unpacked_bytes: 8 << 30,
            upload_time: Duration::from_secs(3600),
            upload_pause: Duration::from_secs(30),
            head_time: Duration::from_secs(15),
            run_time: Duration::from_secs(3600),
            attempts: 3,
            sendings: 10,
            retention: Some(Duration::from_secs(7 * 24 * 3600)),
            free_bytes: 5 << 30,
            full: 0.95,
            connections: 256,
            streams: 64,
            versions: 100,
        }
    }
}
