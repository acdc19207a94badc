//! Checksums of weights: a member's BLAKE3 hash is in `model.yaml`, and is compared with the file's before its
//! weights are used.

use crate::{Error, MODEL_FILE, ModelDescription, Result, weights_path};
use std::path::Path;
use vesalius_volume::{ErrorKind, Warning};

/// The BLAKE3 hash of bytes, as `model.yaml` has it.
pub fn weights_checksum(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

impl ModelDescription {
    /// `None` when a member's file of weights has a hash that this description names; a warning when it names
    /// none, as descriptions from before checksums do.
    ///
    /// # Errors
    /// [`Error::ModelFolder`] with the file, the member and both hashes; a file that cannot be read.
    pub fn verify_weights(&self, path: impl AsRef<Path>, member: &str) -> Result<Option<Warning>> {
        let path = path.as_ref();
        Ok(self.verified_hash(path, member)?.1)
    }

    /// As [`ModelDescription::verify_weights`], with the hash that was compared.
    pub(crate) fn verified_hash(
        &self,
        path: &Path,
        member: &str,
    ) -> Result<(Option<String>, Option<Warning>)> {
        let bad = |reason: String| Error::ModelFolder {
            kind: ErrorKind::BadInput,
            path: path.to_path_buf(),
            reason,
        };
        let Some(expected) = self.checksums.get(member) else {
            let warning = Warning::NoChecksum {
                path: path.to_path_buf(),
                member: member.to_owned(),
            };
            return Ok((None, Some(warning)));
        };
        let unreadable = |e: std::io::Error| bad(format!("cannot be read: {e}"));
        let mut hasher = blake3::Hasher::new();
        let mut file = std::fs::File::open(path).map_err(unreadable)?;
        std::io::copy(&mut file, &mut hasher).map_err(unreadable)?;
        let found = hasher.finalize().to_hex().to_string();
        if expected.contains(&found) {
            return Ok((Some(found), None));
        }
        let damaged = |reason: String| Error::of_folder(ErrorKind::Corrupt, path, reason);
        Err(damaged(format!(
            "is damaged or was replaced: the BLAKE3 hash of member `{member}` is {found}, {MODEL_FILE} says {}; copy the model folder again, or write it again where it was made",
            expected.join(" or ")
        )))
    }

    /// Writes a member's weights and then the description with their checksum, each whole or not at all.
    /// Weights that a run writes again replace earlier ones; a run that is killed in between leaves a usable model.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write_with_weights(
        &mut self,
        folder: impl AsRef<Path>,
        member: &str,
        weights: &[u8],
    ) -> Result<()> {
        let folder = folder.as_ref();
        let path = weights_path(folder, member);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).map_err(|e| Error::ModelFolder {
            kind: ErrorKind::BadInput,
            path: parent.to_path_buf(),
            reason: format!("cannot be made: {e}"),
        })?;
        let checksum = weights_checksum(weights);
        if let Ok(mut earlier) = Self::read(folder)
            && let Some(known) = earlier.checksums.get_mut(member)
            && !known.contains(&checksum)
        {
            known.push(checksum.clone());
            earlier.write(folder)?;
        }
        vesalius_io::write_bytes_atomically(&path, weights)?;
        self.checksums.insert(member.to_owned(), vec![checksum]);
        self.write(folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description() -> ModelDescription {
        serde_saphyr::from_str(
            "channels: [c]\nlabels: {exclusive: {classes: [{name: background, value: 0}, {name: a, value: 1}]}}\n\
             network: {unet: {spatial_dims: 3, in_channels: 1, out_channels: 2, channels: [4, 8], strides: [2]}}\n\
             inferer: {simple: {}}\nmembers: [fold_0]\n",
        )
        .unwrap()
    }

    #[test]
    fn a_changed_file_is_refused_and_one_without_a_hash_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut model = description();
        model
            .write_with_weights(folder.path(), "fold_0", b"some weights")
            .unwrap();
        let model = ModelDescription::read(folder.path()).unwrap();
        let path = weights_path(folder.path(), "fold_0");
        assert_eq!(model.verify_weights(&path, "fold_0").unwrap(), None);
        std::fs::write(&path, b"some weighty").unwrap();
        let refused = model.verify_weights(&path, "fold_0").unwrap_err();
        let refused = refused.to_string();
        for part in [
            "weights.safetensors",
            "member `fold_0`",
            &weights_checksum(b"some weighty"),
            &weights_checksum(b"some weights"),
        ] {
            assert!(refused.contains(part), "{refused}");
        }
        let told = description().verify_weights(&path, "fold_0").unwrap();
        assert!(matches!(told, Some(Warning::NoChecksum { member, .. }) if member == "fold_0"));
    }

    #[test]
    fn a_run_killed_between_weights_and_description_leaves_both_usable() {
        let folder = tempfile::tempdir().unwrap();
        let (mut model, path) = (description(), weights_path(folder.path(), "fold_0"));
        model
            .write_with_weights(folder.path(), "fold_0", b"first")
            .unwrap();
        // The checksums once the second weights are announced: both are accepted.
        let mut between = ModelDescription::read(folder.path()).unwrap();
        let second = weights_checksum(b"second");
        between.checksums.get_mut("fold_0").unwrap().push(second);
        for bytes in [b"first".as_slice(), b"second"] {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(between.verify_weights(&path, "fold_0").unwrap(), None);
        }
        model
            .write_with_weights(folder.path(), "fold_0", b"second")
            .unwrap();
        let after = ModelDescription::read(folder.path()).unwrap();
        assert_eq!(after.checksums["fold_0"], [weights_checksum(b"second")]);
    }
}
