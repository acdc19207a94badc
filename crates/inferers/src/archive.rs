//! A model folder in an archive, as nnU-Net's `nnUNetv2_export_model_to_zip` writes it: unpacked for as long
//! as it takes to load the model.

use crate::{Error, MODEL_FILE, Result};
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use vesalius_volume::ErrorKind;

/// What every archive begins with.
const MAGIC: &[u8; 4] = b"PK\x03\x04";
/// No model has more files.
const MOST_FILES: usize = 10_000;
/// An archive whose content is so many times its size is none of weights.
const MOST_TIMES: u64 = 200;

/// The folder, made in `scratch` or among the system's temporary ones, that an archive of a model was unpacked to; `None` for a file that is no archive, or one of
/// something else, as PyTorch's own files are.
///
/// # Errors
/// An archive that is damaged, that names files outside of itself or is far larger than it looks; a temporary
/// folder that cannot be written.
pub(crate) fn unpacked(path: &Path, scratch: Option<&Path>) -> Result<Option<TempDir>> {
    let bad = |reason: String| Error::ModelFolder {
        kind: ErrorKind::BadInput,
        path: path.to_path_buf(),
        reason,
    };
    let unreadable = |e: std::io::Error| bad(format!("cannot be read: {e}"));
    let mut file = File::open(path).map_err(unreadable)?;
    let mut start = [0; MAGIC.len()];
    if file.read(&mut start).map_err(unreadable)? < MAGIC.len() || &start != MAGIC {
        return Ok(None);
    }
    let size = file.metadata().map_err(unreadable)?.len();
    let mut archive = zip::ZipArchive::new(file).map_err(|e| {
        let reason = format!("is a damaged archive: {e}");
        Error::of_folder(ErrorKind::Corrupt, path, reason)
    })?;
    let is_model = |name: &str| {
        let last = name.rsplit('/').next().unwrap_or(name);
        [MODEL_FILE, "plans.json"].contains(&last) || is_config_of_bundle(name)
    };
    let is_of_v1 = |name: &str| name.rsplit('/').next() == Some("plans.pkl");
    if !archive.file_names().flatten().any(|name| is_model(&name)) {
        return match archive.file_names().flatten().any(|name| is_of_v1(&name)) {
            true => Err(bad(
                "holds a model of nnU-Net v1, which is not read; train it with nnU-Net v2"
                    .to_owned(),
            )),
            false => Ok(None),
        };
    }
    if archive.len() > MOST_FILES {
        return Err(bad(format!(
            "holds {} files, more than any model has",
            archive.len()
        )));
    }
    let total: u64 = (0..archive.len())
        .filter_map(|index| Some(archive.by_index_raw(index).ok()?.size()))
        .sum();
    if total > MOST_TIMES.saturating_mul(size) {
        return Err(bad(format!(
            "says that it unpacks from {size} to {total} bytes, which no model does"
        )));
    }
    let parent = scratch.map_or_else(std::env::temp_dir, Path::to_owned);
    let folder = tempfile::tempdir_in(&parent).map_err(|e| {
        let parent = parent.display();
        bad(format!(
            "cannot be unpacked to a temporary folder in {parent}: {e}; set `OpenOptions::scratch`, or unpack it by hand and name the folder"
        ))
    })?;
    for index in 0..archive.len() {
        unpack(&mut archive, index, folder.path()).map_err(|reason| {
            bad(format!(
                "cannot be unpacked ({reason}); unpack it by hand and name the folder"
            ))
        })?;
    }
    Ok(Some(folder))
}

/// Whether a name is that of a MONAI bundle's config.
fn is_config_of_bundle(name: &str) -> bool {
    let mut parts = name.rsplit('/');
    let (last, folder) = (parts.next(), parts.next());
    let is_config = last.and_then(|last| last.strip_prefix("inference."));
    folder == Some("configs")
        && is_config.is_some_and(|ending| ["json", "yaml", "yml"].contains(&ending))
}

fn unpack<R: Read + Seek>(
    archive: &mut zip::ZipArchive<R>,
    index: usize,
    to: &Path,
) -> std::result::Result<(), String> {
    let text = |e: &dyn std::fmt::Display| e.to_string();
    let entry = archive.by_index(index).map_err(|e| text(&e))?;
    let Some(name) = entry.enclosed_name() else {
        return Err("one of its files lies outside of it".to_owned());
    };
    let target: PathBuf = to.join(&name);
    let name = name.display();
    if entry.is_dir() {
        return std::fs::create_dir_all(&target).map_err(|e| text(&e));
    }
    if let Some(parent) = target.parent() {
        std::fs::create_dir_all(parent).map_err(|e| text(&e))?;
    }
    let size = entry.size();
    let mut file = File::create(&target).map_err(|e| text(&e))?;
    // One byte more than the stated size: at the end of an entry its checksum is compared.
    let copied = std::io::copy(&mut entry.take(size.saturating_add(1)), &mut file);
    match copied {
        Ok(copied) if copied == size => Ok(()),
        Ok(_) => Err(format!("`{name}` has another length than it says")),
        Err(e) => Err(format!("`{name}`: {e}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    /// An archive of files by name and content.
    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, content) in files {
            // What does not become smaller is stored, so that a test finds it in the bytes.
            let method = match content.len() {
                0..1000 => CompressionMethod::Stored,
                _ => CompressionMethod::Deflated,
            };
            let options = SimpleFileOptions::default().compression_method(method);
            writer.start_file(*name, options).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn opened(bytes: &[u8]) -> std::result::Result<Option<TempDir>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.zip");
        std::fs::write(&path, bytes).unwrap();
        unpacked(&path, None).map_err(|e| {
            let text = e.to_string();
            assert!(text.contains("model.zip"), "{text}");
            text
        })
    }

    fn refused(bytes: &[u8], word: &str) {
        let text = opened(bytes).unwrap_err();
        assert!(text.contains(word), "{text}");
    }

    #[test]
    fn an_archive_of_a_model_is_unpacked_and_others_are_none() {
        let model = archive(&[("top/plans.json", b"{}"), ("top/fold_0/x.pth", b"weights")]);
        let folder = opened(&model).unwrap().unwrap();
        let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
        assert_eq!(
            (read("top/plans.json"), read("top/fold_0/x.pth")),
            (b"{}".to_vec(), b"weights".to_vec())
        );
        for other in [
            archive(&[("w/data.pkl", b".")]),
            archive(&[]),
            b"text".to_vec(),
            b"PK".to_vec(),
        ] {
            assert!(opened(&other).unwrap().is_none());
        }
        refused(&archive(&[("plans.pkl", b"")]), "nnU-Net v1");
        refused(&model[..model.len() - 9], "damaged");
    }

    #[test]
    fn damaged_contents_are_refused() {
        let mut model = archive(&[("plans.json", b"{}"), ("fold_0/x.pth", b"weights")]);
        let at = model
            .windows(7)
            .position(|bytes| bytes == b"weights")
            .unwrap();
        model[at] ^= 1;
        refused(&model, "fold_0/x.pth");
    }

    #[test]
    fn names_outside_of_the_archive_are_refused() {
        for name in ["../evil", "a/../../evil", "/evil", "/etc/../../evil"] {
            let slip = archive(&[("plans.json", b"{}"), (name, b"evil")]);
            let outcome = opened(&slip);
            // A name from the root may be taken from the archive's, but nothing may lie outside.
            let Ok(Some(folder)) = outcome else {
                assert!(outcome.unwrap_err().contains("outside of it"), "{name}");
                continue;
            };
            assert!(folder.path().join("evil").is_file(), "{name}");
        }
    }

    #[test]
    fn archives_far_larger_than_they_look_are_refused() {
        let zeros = vec![0; 4 << 20];
        let bomb = archive(&[("plans.json", b"{}"), ("zeros", &zeros)]);
        refused(&bomb, "which no model does");
        let names: Vec<String> = (0..=MOST_FILES).map(|n| format!("{n}")).collect();
        let mut files: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &b""[..])).collect();
        files.push(("plans.json", b"{}"));
        refused(&archive(&files), "10002 files");
    }
}
