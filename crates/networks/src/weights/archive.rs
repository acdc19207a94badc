//! The zip archive that `torch.save` writes: `NAME/data.pkl`, and `NAME/data/KEY` for each storage.

use super::view::View;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use zip::read::ZipFile;
use zip::{ZipArchive, ZipReadOptions};

/// The longest pickle that is read.
const LONGEST_PICKLE: u64 = 100 << 20;
/// The longest entry of text.
const LONGEST_TEXT: u64 = 4096;

/// An archive that stays open; entries are read on request.
#[derive(Debug)]
pub(super) struct Archive {
    zip: Mutex<ZipArchive<BufReader<File>>>,
    /// The path before `data.pkl`, its slash included.
    root: String,
    /// Bytes of the file: nothing that is stored in it is longer.
    size: u64,
}

impl Archive {
    /// Whether a file that starts so is an archive.
    pub fn starts(start: &[u8]) -> bool {
        start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06")
    }

    /// Opens an archive with a `data.pkl`. Errors are the rest of a sentence about the file.
    pub fn open(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|e| format!("cannot be read: {e}"))?;
        let size = file
            .metadata()
            .map_err(|e| format!("cannot be read: {e}"))?
            .len();
        let zip = ZipArchive::new(BufReader::new(file))
            .map_err(|e| format!("is damaged or cut short ({e})"))?;
        let root = zip
            .file_names()
            .flatten()
            .filter_map(|name| name.strip_suffix("data.pkl").map(str::to_owned))
            .filter(|root| root.is_empty() || root.ends_with('/'))
            .min_by_key(String::len);
        let archive = Self {
            zip: Mutex::new(zip),
            root: root.ok_or("is an archive without a `data.pkl`, which PyTorch's have")?,
            size,
        };
        match archive.text("byteorder")?.as_deref() {
            None | Some("little") => Ok(archive),
            Some(other) => Err(format!(
                "has numbers in the order `{other}`, only `little` is read; save it again on a usual machine"
            )),
        }
    }

    /// The bytes of `data.pkl`.
    pub fn pickle(&self) -> Result<Vec<u8>, String> {
        self.whole("data.pkl", LONGEST_PICKLE)
    }

    /// The bytes of the numbers that a tensor takes, from its first to its last, and those between. The whole
    /// entry is read and its checksum held against it, but only so much is kept.
    pub fn window(&self, view: &View) -> Result<Vec<u8>, String> {
        let each = view.kind.size();
        let (start, length) = (view.offset.saturating_mul(each), view.reach() * each);
        self.with(&format!("data/{}", view.key), |entry| {
            let mut read = Vec::with_capacity(length.min(self.size as usize));
            std::io::copy(&mut entry.by_ref().take(start as u64), &mut std::io::sink())?;
            entry.by_ref().take(length as u64).read_to_end(&mut read)?;
            // The checksum is compared at the end of the entry.
            std::io::copy(entry, &mut std::io::sink())?;
            Ok(read)
        })
        .and_then(|read| match read.len() == length {
            true => Ok(read),
            false => Err(format!(
                "has {} bytes of the storage `{}` where a tensor of it needs {length}",
                read.len(),
                view.key
            )),
        })
    }

    /// A short entry of text, where there is one.
    fn text(&self, name: &str) -> Result<Option<String>, String> {
        let there = self.lock().index_for_name(&format!("{}{name}", self.root));
        if there.is_none() {
            return Ok(None);
        }
        let bytes = self.whole(name, LONGEST_TEXT)?;
        Ok(Some(String::from_utf8_lossy(&bytes).trim().to_owned()))
    }

    fn whole(&self, name: &str, longest: u64) -> Result<Vec<u8>, String> {
        let read = self.with(name, |entry| {
            let mut read = Vec::new();
            entry.take(longest + 1).read_to_end(&mut read)?;
            Ok(read)
        })?;
        match read.len() as u64 > longest {
            true => Err(format!(
                "has an entry `{name}` of more than {longest} bytes"
            )),
            false => Ok(read),
        }
    }

    /// Reads an entry. `torch.save` writes a checksum of zero where none is computed.
    fn with<T>(
        &self,
        name: &str,
        read: impl FnOnce(&mut ZipFile<BufReader<File>>) -> std::io::Result<T>,
    ) -> Result<T, String> {
        let full = format!("{}{name}", self.root);
        let bad = |e: &dyn std::fmt::Display| format!("has a damaged entry `{full}`: {e}");
        let mut zip = self.lock();
        let index = zip.index_for_name(&full);
        let index = index.ok_or_else(|| format!("lacks its entry `{full}`"))?;
        let checksum = zip.by_index_raw(index).map_err(|e| bad(&e))?.crc32();
        let options = ZipReadOptions::new().ignore_crc32(checksum == 0);
        let mut entry = zip
            .by_index_with_options(index, options)
            .map_err(|e| bad(&e))?;
        read(&mut entry).map_err(|e| bad(&e))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ZipArchive<BufReader<File>>> {
        self.zip.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
