//! Where an object is written: to a file, or to a stream.

use crate::{Error, Result};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use vesalius_io::write_atomically;

pub(crate) enum Target<'a> {
    /// A file that appears when it is complete and replaces none.
    File(&'a Path),
    /// A stream, which holds a part of the object after an error.
    Stream(&'a mut dyn Write),
}

impl Target<'_> {
    /// Refuses a file that exists.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::File(path) if path.symlink_metadata().is_ok() => Err(Error::Exists {
                path: path.to_path_buf(),
            }),
            _ => Ok(()),
        }
    }

    /// Writes the content; the path, where it is a file.
    pub fn write(
        self,
        content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<Option<PathBuf>> {
        match self {
            Self::File(path) => {
                write_atomically(path, |to| content(to))?;
                Ok(Some(path.to_owned()))
            }
            Self::Stream(stream) => {
                let mut to = BufWriter::new(stream);
                content(&mut to)
                    .and_then(|()| to.flush())
                    .map_err(Error::Stream)?;
                Ok(None)
            }
        }
    }
}
