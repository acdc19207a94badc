//! Everything a run needs to go on as if it had never stopped, in one file that is written whole.
//!
//! Layout: the magic bytes, the length of a JSON header, the header, Burn's records of the network
//! (and of its average), of the optimiser, and a CRC-32 of all that came before.

use crate::{Error, Result, RunProgress, TrainingConfig, TrainingData};
use serde::{Deserialize, Serialize};
use std::path::Path;

const MAGIC: &[u8; 8] = b"VESCKPT2";
const CRC_LENGTH: usize = 4;
/// The keys of `cache` that change the batches of a run.
const SHAPES_BATCHES: [&str; 2] = ["patches_per_case", "shuffle_buffer"];
const START: usize = MAGIC.len() + 8;

/// A run that can go on.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Checkpoint {
    /// The config of the run.
    pub config: TrainingConfig,
    /// Names of the cases trained on, so that another dataset is noticed.
    pub cases: Vec<String>,
    /// What each case is by its content ([`crate::CaseSource::identities`]); may be unknown.
    pub identities: Vec<String>,
    /// The run's progress.
    pub progress: RunProgress,
    /// Burn's record of the network, with the identity of each parameter.
    pub network: Vec<u8>,
    /// The same of the average of its weights, where one is kept.
    pub average: Option<Vec<u8>>,
    /// Burn's record of the optimiser.
    pub optimizer: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    vesalius: String,
    config: TrainingConfig,
    cases: Vec<String>,
    #[serde(default)]
    identities: Vec<String>,
    progress: RunProgress,
    bits: Vec<u64>,
    network_bytes: usize,
    average_bytes: Option<usize>,
    optimizer_bytes: usize,
}

impl Checkpoint {
    /// Writes the file whole or not at all.
    ///
    /// # Errors
    /// A folder that cannot be written, a full disk.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let header = Header {
            vesalius: env!("CARGO_PKG_VERSION").to_owned(),
            config: self.config.clone(),
            cases: self.cases.clone(),
            identities: self.identities.clone(),
            progress: self.progress.clone(),
            bits: self.progress.bits(),
            network_bytes: self.network.len(),
            average_bytes: self.average.as_ref().map(Vec::len),
            optimizer_bytes: self.optimizer.len(),
        };
        let header = serde_json::to_vec(&header).map_err(|e| broken(path, &e.to_string()))?;
        let average = self.average.as_deref().unwrap_or_default();
        let parts = [&header, &self.network, average, &self.optimizer];
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let mut bytes = Vec::with_capacity(START + length + CRC_LENGTH);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&(header.len() as u64).to_le_bytes());
        parts.iter().for_each(|part| bytes.extend_from_slice(part));
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        Ok(vesalius_io::write_bytes_atomically(path, &bytes)?)
    }

    /// Reads a checkpoint and checks that it is whole.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] for a file that is absent, cut short, changed, or of another version.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => broken(path, &format!("cannot be read ({e}); without it there is nothing to resume: begin the run again")),
            _ => Error::System {
                path: path.to_owned(),
                what: "read",
                source: e,
                remedy: "make it readable, then resume the run",
            },
        })?;
        let body = bytes
            .len()
            .checked_sub(CRC_LENGTH)
            .filter(|&n| n >= START && bytes.starts_with(MAGIC));
        let Some(body) = body else {
            return Err(broken(
                path,
                "is not a checkpoint of this version of vesalius",
            ));
        };
        let (body, crc) = bytes.split_at(body);
        if crc32fast::hash(body).to_le_bytes() != crc {
            return Err(broken(
                path,
                "is damaged (its checksum does not match its content)",
            ));
        }
        // The checksum holds, so lengths are those that were written; a foreign file may still be wrong.
        let mut length = [0; 8];
        length.copy_from_slice(&body[MAGIC.len()..START]);
        let mut rest = &body[START..];
        let mut part = |length: usize| {
            let (part, after) = rest.split_at_checked(length)?;
            rest = after;
            Some(part.to_vec())
        };
        let cut = || broken(path, "is cut short");
        let header = usize::try_from(u64::from_le_bytes(length)).ok();
        let header = header.and_then(&mut part).ok_or_else(cut)?;
        let header: Header = serde_json::from_slice(&header)
            .map_err(|e| broken(path, &format!("has another form ({e})")))?;
        let network = part(header.network_bytes).ok_or_else(cut)?;
        let average = header.average_bytes;
        let average = average.map(|n| part(n).ok_or_else(cut)).transpose()?;
        let optimizer = part(header.optimizer_bytes).ok_or_else(cut)?;
        Ok(Self {
            config: header.config,
            cases: header.cases,
            identities: header.identities,
            progress: header.progress.with_bits(&header.bits),
            network,
            average,
            optimizer,
        })
    }

    /// Checks that a run with this config on these data can continue from here.
    ///
    /// # Errors
    /// [`Error::Checkpoint`], which names what differs.
    pub fn check_same_run(
        &self,
        path: &Path,
        config: &TrainingConfig,
        data: &TrainingData,
    ) -> Result<()> {
        // The length of a run, and settings of where and how often something is kept, may change; any other difference
        // makes another run.
        // Both configs pass through JSON, which may cost decimals their last bit.
        let read = |config: &TrainingConfig| {
            let text = serde_json::to_vec(config).unwrap_or_default();
            serde_json::from_slice::<TrainingConfig>(&text)
        };
        let now = read(config).unwrap_or_else(|_| config.clone());
        let without_length = |config: &TrainingConfig| {
            // A value that a run takes from the data may be in one config and not in the other.
            let config = config.as_run(data, None);
            let mut value = serde_json::to_value(config).unwrap_or_default();
            if let Some(map) = value.as_object_mut() {
                map.remove("duration");
                map.remove("checkpoints");
                if let Some(cache) = map.get_mut("cache").and_then(|c| c.as_object_mut()) {
                    cache.retain(|key, _| SHAPES_BATCHES.contains(&key.as_str()));
                }
            }
            value
        };
        let (then, now) = (without_length(&self.config), without_length(&now));
        if let (Some(then), Some(now)) = (then.as_object(), now.as_object()) {
            let keys = then.keys().chain(now.keys());
            if let Some(key) = keys.into_iter().find(|key| then.get(*key) != now.get(*key)) {
                return Err(broken(
                    path,
                    &format!(
                        "belongs to a run with another `{key}`; use the same config, or another folder for a new run"
                    ),
                ));
            }
        }
        if self.cases != data.training.names() {
            return Err(broken(
                path,
                "belongs to a run on other cases; use the same data, or another folder for a new run",
            ));
        }
        Ok(())
    }
}

fn broken(path: &Path, reason: &str) -> Error {
    Error::Checkpoint {
        path: path.to_path_buf(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        let config = serde_json::json!({
            "name": "made",
            "patch": {"size": [16, 16, 16]},
            "network": {"unet": {"spatial_dims": 3, "in_channels": 1, "out_channels": 2, "channels": [4, 8], "strides": [2]}}
        });
        let bytes = |count: u32| (0..count).map(|i| (i % 251) as u8).collect::<Vec<u8>>();
        Checkpoint {
            config: serde_json::from_value(config).unwrap(),
            cases: vec!["a".to_owned(), "b".to_owned()],
            identities: vec!["1".to_owned(), "2".to_owned()],
            progress: RunProgress::default(),
            network: bytes(5000),
            average: Some(bytes(5000)),
            optimizer: bytes(10_000),
        }
    }

    /// Flips at places that no pattern of the file meets, and in each part by which it is read.
    #[test]
    fn one_flipped_bit_anywhere_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        let written = checkpoint();
        written.write(&path).unwrap();
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(Checkpoint::read(&path).unwrap(), written);
        let mut state = 41u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005);
            state = state.wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % (8 * whole.len())
        };
        let drawn: Vec<usize> = (0..40).map(|_| random()).collect();
        let fixed = [
            0,
            MAGIC.len(),
            START,
            whole.len() - CRC_LENGTH,
            whole.len() - 1,
        ];
        for bit in drawn.into_iter().chain(fixed.map(|byte| 8 * byte + 3)) {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &damaged).unwrap();
            let refused = Checkpoint::read(&path).unwrap_err().to_string();
            let says = ["is damaged", "not a checkpoint"]
                .iter()
                .any(|w| refused.contains(w));
            assert!(
                says && refused.contains("checkpoint"),
                "bit {bit}: {refused}"
            );
        }
    }

    /// A file that another program wrote, with a correct checksum and wrong lengths.
    #[test]
    fn lengths_that_lie_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        checkpoint().write(&path).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let body = &whole[..whole.len() - CRC_LENGTH];
        for length in [u64::MAX, body.len() as u64, 0, 7] {
            let mut lying = body.to_vec();
            lying[MAGIC.len()..START].copy_from_slice(&length.to_le_bytes());
            lying.extend_from_slice(&crc32fast::hash(&lying).to_le_bytes());
            std::fs::write(&path, &lying).unwrap();
            let refused = Checkpoint::read(&path).unwrap_err().to_string();
            assert!(
                refused.contains("cut short") || refused.contains("another form"),
                "{refused}"
            );
        }
    }
}
