//! The file `serve.yaml`: the same settings as the options of `vesalius serve`, and the limits.

use crate::error::Error;
use crate::limits::Limits;
use crate::listen::TlsFiles;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The settings of a server, as a file has them. All may be left out.
///
/// ```
/// use vesalius_server::Config;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("serve.yaml");
/// std::fs::write(&path, "models: {liver: runs/liver}\nlisten: 127.0.0.1:9000\nlimits: {queue: 10, retention_days: 0.5}\n")?;
/// let config = Config::read(&path)?;
/// assert_eq!(config.models["liver"], std::path::Path::new("runs/liver"));
/// assert_eq!(config.limits.checked()?.queue, 10);
///
/// std::fs::write(&path, "modells: {}\n")?;
/// assert!(Config::read(&path).unwrap_err().to_string().contains("modells"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// Folders of models by the names that the page shows.
    pub models: BTreeMap<String, PathBuf>,
    /// The address.
    pub listen: Option<SocketAddr>,
    /// The folder of the queue.
    pub spool: Option<PathBuf>,
    /// The file of the token.
    pub token_file: Option<PathBuf>,
    /// Names of the server besides `localhost`.
    pub hosts: Vec<String>,
    /// Certificate and key.
    pub tls: Option<TlsFiles>,
    /// Whether a server before this one encrypts.
    pub behind_proxy: bool,
    /// What computes.
    pub device: Option<String>,
    /// What is taken on.
    pub limits: LimitsConfig,
}

/// [`Limits`] in the units of people; those that are left out are the default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LimitsConfig {
    /// Jobs that may wait or run.
    pub queue: Option<usize>,
    /// Jobs that are kept.
    pub jobs: Option<usize>,
    /// The largest input, in MB.
    pub upload_megabytes: Option<u64>,
    /// All jobs together, in GB.
    pub spool_gigabytes: Option<u64>,
    /// The most voxels of an image, in millions.
    pub megavoxels: Option<u64>,
    /// How long one run may take.
    pub run_minutes: Option<f64>,
    /// How long finished jobs are kept; 0 keeps them until they are deleted.
    pub retention_days: Option<f64>,
    /// The free space below which new work is refused, in GB.
    pub free_gigabytes: Option<u64>,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Config`] for a file that cannot be read, an unknown key, a value of another kind.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let bad = |reason: String| Error::Config {
            path: path.to_owned(),
            reason,
        };
        let text = std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
        serde_saphyr::from_str(&text).map_err(|error| bad(error.to_string()))
    }
}

impl LimitsConfig {
    /// The limits.
    ///
    /// # Errors
    /// [`Error::Limit`] for a time that is negative or no number, and a count of 0.
    pub fn checked(&self) -> Result<Limits, Error> {
        let mut limits = Limits::default();
        for (name, wanted, limit) in [
            ("queue", self.queue, &mut limits.queue),
            ("jobs", self.jobs, &mut limits.jobs),
        ] {
            match wanted {
                Some(0) => {
                    return Err(Error::Limit {
                        name,
                        expected: "at least 1",
                    });
                }
                Some(wanted) => *limit = wanted,
                None => {}
            }
        }
        for (wanted, unit, limit) in [
            (self.upload_megabytes, 1_000_000, &mut limits.upload_bytes),
            (self.spool_gigabytes, 1_000_000_000, &mut limits.spool_bytes),
            (self.megavoxels, 1_000_000, &mut limits.voxels),
            (self.free_gigabytes, 1_000_000_000, &mut limits.free_bytes),
        ] {
            if let Some(wanted) = wanted {
                *limit = wanted.saturating_mul(unit);
            }
        }
        if let Some(minutes) = self.run_minutes {
            limits.run_time = time("run_minutes", minutes * 60.0)?;
        }
        if let Some(days) = self.retention_days {
            let kept = time("retention_days", days * 86_400.0)?;
            limits.retention = (!kept.is_zero()).then_some(kept);
        }
        Ok(limits)
    }
}

fn time(name: &'static str, seconds: f64) -> Result<Duration, Error> {
    let expected = "a number that is not negative";
    Duration::try_from_secs_f64(seconds).map_err(|_| Error::Limit { name, expected })
}
