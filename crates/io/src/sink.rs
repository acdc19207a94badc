//! The target of a file's bytes: a file, written completely or not at all, or the caller's writer.

use crate::watch::{cancelled, is_cancelled};
use crate::{Error, Result, write_atomically};
use std::io::{self, Write};
use std::path::Path;

/// A file that is made, or a writer under a name.
pub(crate) enum Sink<'a> {
    File(&'a Path),
    Stream {
        name: &'a Path,
        writer: &'a mut dyn Write,
    },
}

impl Sink<'_> {
    /// The file, or the name in place of one.
    pub fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Stream { name, .. } => name,
        }
    }

    /// Writes all bytes of the file through `write`.
    pub fn put(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
        let written = match self {
            Self::File(path) => write_atomically(path, |writer| write(writer)),
            Self::Stream { name, writer } => {
                let written = write(writer).and_then(|()| writer.flush());
                written.map_err(|source| Error::Write {
                    path: name.to_path_buf(),
                    source,
                })
            }
        };
        match written {
            Err(Error::Write { path, source }) if is_cancelled(&source) => Err(cancelled(&path)),
            written => written,
        }
    }
}
