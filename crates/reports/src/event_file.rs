//! TensorBoard's event files: TFRecords of `Event` messages (tensorflow/core/util/event.proto).

use crate::drawn;
use crate::protobuf::Message;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use vesalius_training::{Error, Result};
use vesalius_view::Picture;

/// `TensorProto.dtype` of text.
const TEXT_TYPE: u64 = 7;
/// `SessionLog.status` of a run that begins: events of its step and later ones are void.
const SESSION_START: u64 = 1;
/// `DATA_CLASS_TENSOR`.
const TENSOR_CLASS: u64 = 2;
/// `Summary.Image.colorspace` of red, green and blue.
const RGB: u64 = 3;

/// An open event file.
#[derive(Debug)]
pub(crate) struct EventFile {
    path: PathBuf,
    file: File,
}

impl EventFile {
    /// A new file in a folder, for a run that has done `step` steps; later steps in other files of the folder are
    /// void. A new run's folder is emptied of event files.
    pub fn create(folder: &Path, step: u64) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|e| cannot_write(folder, e))?;
        let old = event_files(folder);
        if step == 0 {
            for path in &old {
                std::fs::remove_file(path).map_err(|e| cannot_write(path, e))?;
            }
        }
        let name = format!(
            "events.out.tfevents.{:010}.vesalius.{:04}",
            now().as_secs(),
            old.len()
        );
        let path = folder.join(name);
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.map_err(|e| cannot_write(&path, e))?;
        let mut events = Self { path, file };
        events.event(0, 3, b"brain.Event:2")?;
        if step > 0 {
            let session = Message::default().integer(1, SESSION_START);
            events.event(step + 1, 7, &session.into_bytes())?;
        }
        Ok(events)
    }

    /// Numbers by tag.
    pub fn scalars(&mut self, step: u64, scalars: &[(String, f32)]) -> Result<()> {
        let summary = scalars
            .iter()
            .fold(Message::default(), |summary, (tag, value)| {
                let value = Message::default().bytes(1, tag.as_bytes()).float(2, *value);
                summary.message(1, value)
            });
        self.event(step, 5, &summary.into_bytes())
    }

    /// A picture.
    pub fn picture(&mut self, step: u64, tag: &str, picture: &Picture) -> Result<()> {
        let image = Message::default()
            .integer(1, picture.height() as u64)
            .integer(2, picture.width() as u64)
            .integer(3, RGB)
            .bytes(4, &drawn(picture.png())?);
        let value = Message::default()
            .bytes(1, tag.as_bytes())
            .message(4, image);
        let summary = Message::default().message(1, value);
        self.event(step, 5, &summary.into_bytes())
    }

    /// Text, which TensorBoard shows as Markdown.
    pub fn text(&mut self, step: u64, tag: &str, text: &str) -> Result<()> {
        let plugin = Message::default().bytes(1, b"text");
        let metadata = Message::default()
            .message(1, plugin)
            .integer(4, TENSOR_CLASS);
        let one = Message::default().integer(1, 1);
        let shape = Message::default().message(2, one);
        let tensor = Message::default()
            .integer(1, TEXT_TYPE)
            .message(2, shape)
            .bytes(8, text.as_bytes());
        let value = Message::default()
            .bytes(1, format!("{tag}/text_summary").as_bytes())
            .message(8, tensor)
            .message(9, metadata);
        let summary = Message::default().message(1, value);
        self.event(step, 5, &summary.into_bytes())
    }

    /// An `Event` whose field `field` holds `what`.
    fn event(&mut self, step: u64, field: u32, what: &[u8]) -> Result<()> {
        let event = Message::default()
            .double(1, now().as_secs_f64())
            .integer(2, step)
            .bytes(field, what);
        // One write a record: a killed run leaves whole records, and TensorBoard waits for the rest
        // of a half one.
        let written = self.file.write_all(&record(&event.into_bytes()));
        written.map_err(|e| cannot_write(&self.path, e))
    }
}

/// A TFRecord: length, its checksum, the data, their checksum.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut bytes = Vec::with_capacity(data.len() + 16);
    bytes.extend(length);
    bytes.extend(masked_checksum(&length).to_le_bytes());
    bytes.extend(data);
    bytes.extend(masked_checksum(data).to_le_bytes());
    bytes
}

/// CRC-32C, turned and shifted, so that checksums of data that hold checksums stay good.
fn masked_checksum(data: &[u8]) -> u32 {
    crc32c::crc32c(data)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

fn event_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_events = |path: &PathBuf| {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        name.is_some_and(|name| name.starts_with("events.out.tfevents."))
    };
    entries
        .map(|entry| entry.path())
        .filter(is_events)
        .collect()
}

fn cannot_write(path: &Path, source: std::io::Error) -> Error {
    Error::System {
        path: path.to_owned(),
        what: "written",
        source,
        remedy: "make room or the folder writable, then resume the run",
    }
}

fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records of a file, with both checksums held against the data.
    fn records(bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut rest = bytes;
        let mut records = Vec::new();
        while !rest.is_empty() {
            let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
            let word = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap());
            assert_eq!(word(8), masked_checksum(&rest[..8]));
            let data = rest[12..12 + length].to_vec();
            assert_eq!(word(12 + length), masked_checksum(&data));
            records.push(data);
            rest = &rest[16 + length..];
        }
        records
    }

    #[test]
    fn records_hold_together_and_a_resumed_run_voids_what_came_later() {
        // RFC 3720's test vector of CRC-32C.
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
        let folder = tempfile::tempdir().unwrap();
        let mut file = EventFile::create(folder.path(), 0).unwrap();
        file.scalars(7, &[("a/b".into(), 0.5)]).unwrap();
        let found = records(&std::fs::read(&file.path).unwrap());
        assert_eq!(found.len(), 2);
        assert!(found[0].ends_with(b"\x10\x00\x1a\x0dbrain.Event:2"));
        assert!(found[1].ends_with(b"\x10\x07\x2a\x0c\x0a\x0a\x0a\x03a/b\x15\x00\x00\x00\x3f"));
        let resumed = EventFile::create(folder.path(), 7).unwrap();
        let found = records(&std::fs::read(&resumed.path).unwrap());
        assert!(found[1].ends_with(b"\x10\x08\x3a\x02\x08\x01"));
        assert_eq!(event_files(folder.path()).len(), 2);
    }
}
