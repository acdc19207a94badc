//! A temporary file without a name in place of memory: removed when it is dropped, read and written at any offset.

use crate::{Error, Result};
use std::fs::File;
use std::path::Path;

/// A file without a name.
#[derive(Debug)]
pub(crate) struct ScratchFile(File);

fn failed(source: std::io::Error) -> Error {
    Error::Scratch { source }
}

impl ScratchFile {
    /// A file of so many zero bytes in a folder; they take no space until they are written.
    pub fn new(folder: &Path, bytes: u64) -> Result<Self> {
        let file = tempfile::tempfile_in(folder).map_err(failed)?;
        file.set_len(bytes).map_err(failed)?;
        Ok(Self(file))
    }

    /// Fills a buffer with the bytes from a place on.
    pub fn read(&self, bytes: &mut [u8], at: u64) -> Result<()> {
        read_at(&self.0, bytes, at).map_err(failed)
    }

    /// Writes bytes from a place on.
    pub fn write(&self, bytes: &[u8], at: u64) -> Result<()> {
        write_at(&self.0, bytes, at).map_err(failed)
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], at: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

#[cfg(windows)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> std::io::Result<()> {
    use std::os::windows::fs::FileExt;
    let mut done = 0;
    while done < bytes.len() {
        match file.seek_read(&mut bytes[done..], at + done as u64)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => done += count,
        }
    }
    Ok(())
}

#[cfg(windows)]
fn write_at(file: &File, bytes: &[u8], at: u64) -> std::io::Result<()> {
    use std::os::windows::fs::FileExt;
    let mut done = 0;
    while done < bytes.len() {
        match file.seek_write(&bytes[done..], at + done as u64)? {
            0 => return Err(std::io::ErrorKind::WriteZero.into()),
            count => done += count,
        }
    }
    Ok(())
}
